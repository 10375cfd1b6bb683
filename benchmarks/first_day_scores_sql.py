"""SAPS II, OASIS and LODS by SQL over MIMIC-IV's raw tables, for `concepts_sql.py`, after its tables of the coma scale,
urine, gases and ventilation.

Written for this from the definitions of the MIMIC Code Repository (mimic-iv/concepts/score), on its item numbers.
"""

import duckdb
import polars as pl

TABLES = ("hosp/services", "hosp/patients", "hosp/diagnoses_icd")

VALUES = """
create table day_values as
select stay_id, charttime, name, case name when 'temp' then round(avg(value), 2) else avg(value) end as value
from (
    select stay_id, charttime, case when itemid = 220045 then 'hr' when itemid in (220179, 220050, 225309) then 'sbp'
        when itemid in (220052, 220181, 225312) then 'mbp' when itemid in (220210, 224690) then 'rr' else 'temp' end
        as name,
        case when itemid = 223761 then (valuenum - 32) / 1.8 else valuenum end as value
    from chartevents where stay_id is not null and (
        (itemid = 220045 and valuenum > 0 and valuenum < 300)
        or (itemid in (220179, 220050, 225309) and valuenum > 0 and valuenum < 400)
        or (itemid in (220052, 220181, 225312) and valuenum > 0 and valuenum < 300)
        or (itemid in (220210, 224690) and valuenum > 0 and valuenum < 70)
        or (itemid = 223761 and valuenum > 70 and valuenum < 120)
        or (itemid = 223762 and valuenum > 10 and valuenum < 50))
) group by 1, 2, 3
union all
select stay_id, charttime, 'gcs', total from gcs
union all
select i.stay_id, charttime, case itemid when 51006 then 'bun' when 51301 then 'wbc' when 50971 then 'potassium'
    when 50983 then 'sodium' when 50882 then 'bicarbonate' when 50885 then 'bilirubin' when 50912 then 'creatinine'
    when 51265 then 'platelets' else 'pt' end, valuenum
from labevents l join icustays i using (subject_id)
where itemid in (51006, 51301, 50971, 50983, 50882, 50885, 50912, 51265, 51274) and valuenum is not null
    and valuenum > 0
"""

EXTREMES = """
create or replace table day_extremes as
select s.stay_id, name, min(value) as low, max(value) as high
from stays s join day_values v on v.stay_id = s.stay_id
    and charttime >= intime - to_hours({before})
    and charttime {end} intime + interval 24 hour
group by 1, 2
"""

DAYS = """
create or replace table days as
with masks as (
    select c.stay_id, greatest(min(charttime) - interval 1 hour, any_value(intime)) as since,
        least(max(charttime) + interval 4 hour, any_value(intime) + interval 24 hour) as until
    from chartevents c join icustays i on c.stay_id = i.stay_id
        and charttime >= intime and charttime < intime + interval 24 hour
    where itemid = 226732 and (lower(value) like '%cpap mask%' or lower(value) like '%bipap%') group by 1
), assisted as (
    select g.stay_id, min(ratio) as ratio from gases g join stays s using (stay_id)
    left join masks m on m.stay_id = g.stay_id and charttime between since and m.until
    where {gases} and (vent or m.stay_id is not null) group by 1
), services_of as (
    select i.stay_id, arg_min(curr_service, transfertime) as first_service,
        max(case when transfertime < intime + interval 24 hour and (lower(curr_service) like '%surg%'
            or curr_service = 'ORTHO') then 1 else 0 end) as surgical
    from icustays i join services s using (hadm_id) group by 1
), coded as (
    select hadm_id,
        max(case when icd_version = 9 and icd_code[:3] between '042' and '044' or icd_version = 10
            and (icd_code[:3] between 'B20' and 'B22' or icd_code[:3] = 'B24') then 1 else 0 end) as aids,
        max(case when icd_version = 9 and (icd_code[:5] between '20000' and '20238'
            or icd_code[:5] between '20240' and '20248' or icd_code[:5] between '20250' and '20302'
            or icd_code[:5] between '20310' and '20312' or icd_code[:5] between '20302' and '20382'
            or icd_code[:5] between '20400' and '20522' or icd_code[:5] between '20580' and '20702'
            or icd_code[:5] between '20720' and '20892' or icd_code[:4] in ('2386', '2733'))
            or icd_version = 10 and icd_code[:3] between 'C81' and 'C96' then 1 else 0 end) as hem,
        max(case when icd_version = 9 and (icd_code[:4] between '1960' and '1991'
            or icd_code[:5] between '20970' and '20975' or icd_code[:5] in ('20979', '78951')) or icd_version = 10
            and (icd_code[:3] between 'C77' and 'C79' or icd_code[:4] = 'C800') then 1 else 0 end) as mets
    from diagnoses_icd group by 1
), wide as (
    select stay_id, {columns} from day_extremes group by 1
)
select s.stay_id, w.* exclude (stay_id), ratio, first_service, surgical, aids, hem, mets, admission_type,
    anchor_age + year(s.intime) - anchor_year as age, epoch(i.intime - admittime) / 60 as before,
    (select sum(ml) from urine u where u.stay_id = s.stay_id and charttime >= s.intime
        and charttime {end} s.intime + interval 24 hour) as urine,
    exists(select 1 from ventilated v where v.stay_id = s.stay_id and since < s.intime + interval 24 hour
        and v.until >= s.intime) as tube
from stays s join icustays i using (stay_id) join admissions a on a.hadm_id = s.hadm_id
join patients p on p.subject_id = i.subject_id
left join wide w using (stay_id) left join assisted using (stay_id) left join services_of using (stay_id)
left join coded on coded.hadm_id = s.hadm_id
"""

NAMES = (
    *("hr", "sbp", "mbp", "rr", "temp", "gcs", "bun", "wbc", "potassium", "sodium", "bicarbonate", "bilirubin"),
    *("creatinine", "platelets", "pt"),
)
COLUMNS = ", ".join(
    f"max({what}) filter (name = '{name}') as {name}_{what}" for name in NAMES for what in ("low", "high")
)

SAPSII = {
    "age": "case when age >= 80 then 18 when age >= 75 then 16 when age >= 70 then 15 when age >= 60 then 12 "
    "when age >= 40 then 7 else 0 end",
    "heart_rate": "case when hr_low < 40 then 11 when hr_high >= 160 then 7 when hr_high >= 120 then 4 "
    "when hr_low < 70 then 2 when hr_high is not null then 0 end",
    "systolic_pressure": "case when sbp_low < 70 then 13 when sbp_low < 100 then 5 when sbp_high >= 200 then 2 "
    "when sbp_low is not null then 0 end",
    "temperature": "case when temp_high >= 39 then 3 when temp_high is not null then 0 end",
    "oxygenation": "case when ratio < 100 then 11 when ratio < 200 then 9 when ratio >= 200 then 6 end",
    "urine": "case when urine < 500 then 11 when urine < 1000 then 4 when urine is not null then 0 end",
    "bun": "case when bun_high < 28 then 0 when bun_high < 84 then 6 when bun_high >= 84 then 10 end",
    "wbc": "case when wbc_low < 1 then 12 when wbc_high >= 20 then 3 when wbc_low is not null then 0 end",
    "potassium": "case when potassium_low < 3 or potassium_high >= 5 then 3 when potassium_low is not null then 0 end",
    "sodium": "case when sodium_low < 125 then 5 when sodium_high >= 145 then 1 when sodium_low is not null then 0 end",
    "bicarbonate": "case when bicarbonate_low < 15 then 6 when bicarbonate_low < 20 then 3 "
    "when bicarbonate_low is not null then 0 end",
    "bilirubin": "case when bilirubin_high >= 6 then 9 when bilirubin_high >= 4 then 4 "
    "when bilirubin_high is not null then 0 end",
    "coma": "case when gcs_low < 6 then 26 when gcs_low < 9 then 13 when gcs_low < 11 then 7 when gcs_low < 14 then 5 "
    "when gcs_low is not null then 0 end",
    "chronic": "case when aids = 1 then 17 when hem = 1 then 10 when mets = 1 then 9 else 0 end",
    "admission": "case when lower(first_service) like '%surg%' then case when admission_type = 'ELECTIVE' then 0 "
    "else 8 end else 6 end",
}  # fmt: skip

OASIS = {
    "before_unit": "case when before < 10.2 then 5 when before < 297 then 3 when before < 1440 then 0 "
    "when before < 18708 then 2 else 1 end",
    "age": "case when age < 24 then 0 when age <= 53 then 3 when age <= 77 then 6 when age <= 89 then 9 else 7 end",
    "coma": "case when gcs_low <= 7 then 10 when gcs_low < 14 then 4 when gcs_low = 14 then 3 "
    "when gcs_low is not null then 0 end",
    "heart_rate": "case when hr_high > 125 then 6 when hr_low < 33 then 4 when hr_high between 107 and 125 then 3 "
    "when hr_high between 89 and 106 then 1 when hr_high is not null then 0 end",
    "mean_pressure": "case when mbp_low < 20.65 then 4 when mbp_low < 51 then 3 when mbp_high > 143.44 then 3 "
    "when mbp_low < 61.33 then 2 when mbp_low is not null then 0 end",
    "respiration": "case when rr_low < 6 then 10 when rr_high > 44 then 9 when rr_high > 30 then 6 "
    "when rr_high > 22 then 1 when rr_low < 13 then 1 when rr_low is not null then 0 end",
    "temperature": "case when temp_high > 39.88 then 6 when temp_low between 33.22 and 35.93 then 4 "
    "when temp_high between 33.22 and 35.93 then 4 when temp_low < 33.22 then 3 "
    "when temp_low > 35.93 and temp_low <= 36.39 then 2 when temp_high between 36.89 and 39.88 then 2 "
    "when temp_low is not null then 0 end",
    "urine": "case when urine < 671.09 then 10 when urine > 6896.8 then 8 when urine <= 1426.99 then 5 "
    "when urine between 1427 and 2544.14 then 1 when urine is not null then 0 end",
    "ventilation": "case when tube then 9 else 0 end",
    "admission": "case when admission_type = 'ELECTIVE' and surgical = 1 then 0 else 6 end",
}  # fmt: skip

LODS = {
    "neurologic": "case when gcs_low <= 5 then 5 when gcs_low <= 8 then 3 when gcs_low <= 13 then 1 "
    "when gcs_low is not null then 0 end",
    "cardiovascular": "case when hr_low < 30 or sbp_low < 40 then 5 when sbp_low < 70 or sbp_high >= 270 then 3 "
    "when hr_high >= 140 or sbp_high >= 240 or sbp_low < 90 then 1 "
    "when hr_low is not null or sbp_low is not null then 0 end",
    "renal": "case when bun_high is null or urine is null or creatinine_high is null then null "
    "when urine < 500 or bun_high >= 56 then 5 "
    "when creatinine_high >= 1.6 or urine < 750 or bun_high >= 28 or urine >= 10000 then 3 "
    "when creatinine_high >= 1.2 or bun_high >= {bun} then 1 else 0 end",
    "pulmonary": "case when ratio < 150 then 3 when ratio >= 150 then 1 else 0 end",
    "hematologic": "case when wbc_low < 1 then 3 when wbc_low < 2.5 or platelets_low < 50 or wbc_high >= 50 then 1 "
    "when wbc_low is not null or platelets_low is not null then 0 end",
    "hepatic": "case when bilirubin_high >= 2 or pt_high > 15 or pt_low < 3 then 1 "
    "when bilirubin_high is not null or pt_high is not null then 0 end",
}  # fmt: skip

FIRST_DAY = "arterial and charttime >= intime and charttime < intime + interval 24 hour"


def first_day_scores(base: duckdb.DuckDBPyConnection) -> dict[str, pl.DataFrame]:
    """Title -> `stay_id, name, time_h, value` of each score, on the first day as wardround has it."""
    base.execute(VALUES)
    _days(base, before=0, end="<", gases=FIRST_DAY)
    return {
        "sapsii": _rows(base, "sapsii", SAPSII),
        "oasis": _rows(base, "oasis", OASIS),
        "lods": _rows(base, "lods", LODS, bun=17),
    }


def as_repository(base: duckdb.DuckDBPyConnection) -> dict[str, pl.DataFrame]:
    """Title -> the same as the repository has each, by the tables `ventilated` and `gases` as they are now.

    Once more with the six hours before the unit for `oasis` and `lods`, as there: the difference is theirs.
    """
    made: dict[str, pl.DataFrame] = {}
    _days(base, before=0, end="<=", gases=FIRST_DAY)
    made["sapsii, as the repository"] = _rows(base, "sapsii", SAPSII)
    any_gas = "charttime >= s.intime and charttime < s.outtime"
    for title, before in (("as the repository", 6), ("as the repository but for six hours before", 0)):
        _days(base, before=before, end="<=", gases=any_gas)
        made[f"oasis, {title}"] = _rows(base, "oasis", OASIS)
        made[f"lods, {title}"] = _rows(base, "lods", LODS, bun=7.5)
    return made


def _days(base: duckdb.DuckDBPyConnection, before: int, end: str, gases: str) -> None:
    base.execute(EXTREMES.format(before=before, end=end))
    base.execute(DAYS.format(columns=COLUMNS, gases=gases, end=end))


def _rows(base: duckdb.DuckDBPyConnection, score: str, parts: dict[str, str], **edges: float) -> pl.DataFrame:
    each = ", ".join(f"({case}) as {part}" for part, case in parts.items()).format(**edges)
    total = " + ".join(f"coalesce({part}, 0)" for part in parts)
    select = [f"select stay_id, '{score}_{part}' as name, 24.0 as time_h, {part} as value from p" for part in parts]
    select.append(f"select stay_id, '{score}', 24.0, {total} from p")
    query = f"with p as (select stay_id, {each} from days) " + " union all ".join(select)
    return base.sql(query).pl().drop_nulls("value")
