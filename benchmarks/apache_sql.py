"""APS III by SQL over MIMIC-IV's raw tables, for `concepts_sql.py`, after its tables of the coma scale, urine and
ventilation.

Written for this from the definition of the MIMIC Code Repository (mimic-iv/concepts/score/apsiii), on its item numbers.
"""

import duckdb
import polars as pl

VALUES = """
create or replace table aps_values as
select stay_id, name, round(avg(value), case name when 'temperature' then 2 else 6 end) as value from (
    select stay_id, charttime, case when itemid = 220045 then 'heartrate'
        when itemid in (220052, 220181, 225312) then 'meanbp' when itemid in (220210, 224690) then 'respiratoryrate'
        else 'temperature' end as name,
        case when itemid = 223761 then (valuenum - 32) / 1.8 else valuenum end as value
    from chartevents where (itemid = 220045 and valuenum > 0 and valuenum < 300)
        or (itemid in (220052, 220181, 225312) and valuenum > 0 and valuenum < 300)
        or (itemid in (220210, 224690) and valuenum > 0 and valuenum < 70)
        or (itemid = 223761 and valuenum > 70 and valuenum < 120)
        or (itemid = 223762 and valuenum > 10 and valuenum < 50)
) join icustays using (stay_id) where charttime >= intime - to_hours({before}) and charttime < intime + interval 24 hour
group by stay_id, charttime, name
union all
select stay_id, case when itemid in (51221, 51638, 51639) then 'hematocrit' when itemid in (51300, 51301) then 'wbc'
    when itemid in (50912, 52546) then 'creatinine' when itemid in (51006, 52647) then 'bun'
    when itemid in (50983, 52623) then 'sodium'
    when itemid = 50862 then 'albumin' when itemid = 50885 then 'bilirubin' else 'glucose' end, valuenum
from labevents l join icustays i using (subject_id)
where itemid in (51221, 51638, 51639, 51300, 51301, 50912, 52546, 51006, 52647, 50983, 52623, 50862, 50885, 50931,
        52569) and valuenum > 0 and charttime >= intime - to_hours({before}) and charttime < intime + interval 24 hour
union all
select stay_id, 'glucose', valuenum from chartevents join icustays using (stay_id)
where itemid in (225664, 220621, 226537) and valuenum > 0
    and charttime >= intime - to_hours({before}) and charttime < intime + interval 24 hour
"""

POINTS = {
    "heartrate": (75, "when x < 40 then 8 when x < 50 then 5 when x < 100 then 0 when x < 110 then 1 "
    "when x < 120 then 5 when x < 140 then 7 when x < 155 then 13 else 17"),
    "meanbp": (90, "when x < 40 then 23 when x < 60 then 15 when x < 70 then 7 when x < 80 then 6 when x < 100 then 0 "
    "when x < 120 then 4 when x < 130 then 7 when x < 140 then 9 else 10"),
    "temperature": (38, "when x < 33 then 20 when x < 33.5 then 16 when x < 34 then 13 when x < 35 then 8 "
    "when x < 36 then 2 when x < 40 then 0 else 4"),
    "respiratoryrate": (19, "when {slow} then 0 when x < 6 then 17 when x < 12 then 8 when x < 14 then 7 "
    "when x < 25 then 0 when x < 35 then 6 when x < 40 then 9 when x < 50 then 11 else 18"),
    "hematocrit": (45.5, "when x < 41 then 3 when x < 50 then 0 else 3"),
    "wbc": (11.5, "when x < 1 then 19 when x < 3 then 5 when x < 20 then 0 when x < 25 then 1 else 5"),
    "creatinine": (1, "when failing and x >= 1.5 then 10 when x < 0.5 then 3 when x < 1.5 then 0 when x < 1.95 then 4 "
    "else 7"),
    "bun": (0, "when x < 17 then 0 when x < 20 then 2 when x < 40 then 7 when x < 80 then 11 else 12"),
    "sodium": (145.5, "when x < 120 then 3 when x < 135 then 2 when x < 155 then 0 else 4"),
    "albumin": (3.5, "when x < 2 then 11 when x < 2.5 then 6 when x < 4.5 then 0 else 4"),
    "bilirubin": (0, "when x < 2 then 0 when x < 3 then 5 when x < 5 then 6 when x < 8 then 8 else 16"),
    "glucose": (130, "when x < 40 then 8 when x < 60 then 9 when x < 200 then 0 when x < 350 then 3 else 5"),
}  # fmt: skip
"""Variable -> what is normal, and the points of x."""

WORST = """
create or replace table aps_worst as
with facts as (
    select s.stay_id, exists(select 1 from ventilated v where v.stay_id = s.stay_id
            and since < intime + interval 24 hour and v.until >= intime) as tube,
        (select sum(ml) from urine u where u.stay_id = s.stay_id and charttime >= intime
            and charttime < intime + interval 24 hour) as ml,
        {dialysis} as dialysis
    from icustays s
), extremes as (
    select stay_id, name, min(value) as low, max(value) as high from aps_values group by 1, 2
), flagged as (
    select e.*, tube, coalesce(ml, 9999) < 410 and not dialysis
        and (select max(value) from aps_values c where c.stay_id = e.stay_id and name = 'creatinine') >= 1.5 as failing
    from extremes e join facts using (stay_id)
), ends as (
    select stay_id, name, unnest([low, high]) as x, tube, failing, high from flagged
), scored as (
    select stay_id, name, x, abs(x - case name {normal} end) as away, case name {points} end as points,
        name = 'creatinine' and failing and x = high as first
    from ends
)
select stay_id, name, x, points from scored
qualify row_number() over (partition by stay_id, name order by first desc, away desc, points desc, x desc) = 1
union all
select stay_id, 'urine', ml, case when ml < 400 then 15 when ml < 600 then 8 when ml < 900 then 7 when ml < 1500 then 5
    when ml < 2000 then 4 when ml < 4000 then 0 else 1 end from facts where ml is not null
"""

GASES = """
create or replace table aps_gases as
with specimens as (
    select specimen_id, max(subject_id) as subject_id, max(charttime) as charttime,
        max(value) filter (itemid = 52033) as kind, max(valuenum) filter (itemid = 50821) as pao2,
        max(valuenum) filter (itemid = 50818) as pco2, max(valuenum) filter (itemid = 50820) as ph,
        max(case when valuenum > 20 and valuenum <= 100 then valuenum
            when valuenum > 0.2 and valuenum <= 1 then valuenum * 100 end) filter (itemid = 50816) as own_fio2,
        max(valuenum) filter (itemid = 50801) as printed
    from labevents where itemid in (52033, 50821, 50818, 50820, 50816, 50801) group by 1
), charted as (
    select subject_id, charttime, max(case when valuenum > 0.2 and valuenum <= 1 then valuenum * 100
        when valuenum >= 20 and valuenum <= 100 then valuenum end) as fio2
    from chartevents where itemid = 223835 group by 1, 2
), nearest as (
    select s.*, c.fio2, row_number() over (partition by specimen_id order by c.charttime desc nulls last) as nth
    from specimens s left join charted c on c.subject_id = s.subject_id and c.fio2 is not null
        and c.charttime between s.charttime - interval 4 hour and s.charttime
    where kind = 'ART.'
)
select i.stay_id, n.charttime, pao2, pco2, ph, printed, coalesce(own_fio2, fio2) as fio2,
    exists(select 1 from ventilated v where v.stay_id = i.stay_id and n.charttime between since and until) as tube
from nearest n join icustays i using (subject_id)
where nth = 1 and n.charttime >= intime and n.charttime < {until}
"""

BY_PAO2 = "case when pao2 < 50 then 15 when pao2 < 70 then 5 when pao2 < 80 then 2 else 0 end"
BY_GRADIENT = (
    "case when gradient < 100 then 0 when gradient < 250 then 7 when gradient < 350 then 9 when gradient < 500 "
    "then 11 else 14 end"
)
OXYGEN = f"""
select stay_id, max(points) as points from (
    select stay_id, case when tube and fio2 >= 50 then {BY_GRADIENT} else {BY_PAO2} end as points
    from (select *, fio2 / 100 * 713 - pco2 - pao2 as gradient from aps_gases where pao2 is not null)
    where not (tube and fio2 >= 50 and gradient is null)
) group by 1
"""
OXYGEN_AS_REPOSITORY = f"""
select stay_id, max(case when highest is not null then {BY_PAO2.replace("pao2", "highest")}
    else {BY_GRADIENT.replace("gradient", "widest")} end) as points
from (
    select stay_id, max(pao2) filter (not tube and coalesce(fio2, 21) < 50) as highest,
        max(printed) filter (tube and fio2 >= 50) as widest from aps_gases group by 1
) where highest is not null or widest is not null group by 1
"""
ACID_BASE = """
select stay_id, max(case
    when ph < 7.2 then case when pco2 < 50 then 12 else 4 end
    when ph < 7.3 then case when pco2 < 30 then 9 when pco2 < 40 then 6 when pco2 < 50 then 3 else 2 end
    when ph < 7.35 then case when pco2 < 30 then 9 when pco2 < 45 then 0 else 1 end
    when ph < 7.45 then case when pco2 < 30 then 5 when pco2 < 45 then 0 else 1 end
    when ph < 7.5 then case when pco2 < 30 then 5 when pco2 < 35 then 0 when pco2 < 45 then 2 else 12 end
    when ph < 7.6 then case when pco2 < 40 then 3 else 12 end
    else case when pco2 < 25 then 0 when pco2 < 40 then 3 else 12 end end) as points
from aps_gases where ph is not null and pco2 is not null group by 1
"""
COMA = """
select stay_id, points from (
    select g.*, case when verbal = 0 then 0 when eyes = 1 then case
            when verbal = 1 then case when motor <= 2 then 48 when motor <= 4 then 33 else 16 end
            when motor <= 2 then 29 when motor <= 4 then 24 when verbal <= 5 then {impossible} end
        when eyes > 1 then case when verbal = 1 then case when motor <= 2 then 29 when motor <= 4 then 24 else 15 end
            when verbal <= 3 then
                case when motor <= 2 then 29 when motor <= 4 then 24 when motor = 5 then 13 else 10 end
            when verbal = 4 then case when motor <= 4 then 13 when motor = 5 then 8 else 3 end
            else case when motor <= 5 then 3 else 0 end end end as points
    from gcs g join icustays i using (stay_id)
    where charttime >= intime - to_hours({before}) and charttime < intime + interval 24 hour
) qualify row_number() over (partition by stay_id order by total, {first}) = 1
"""
ROWS = """
select s.stay_id, 'apache_aps' as name, 24.0 as time_h, coalesce((select sum(points) from aps_worst w
    where w.stay_id = s.stay_id), 0) + coalesce(o.points, 0) + coalesce(a.points, 0) + coalesce(c.points, 0) as value
from icustays s left join ({oxygen}) o using (stay_id) left join ({acid_base}) a using (stay_id)
left join ({coma}) c using (stay_id)
union all
select stay_id, 'apache_' || name, 24.0, x from aps_worst
"""

BILLED = """exists(select 1 from diagnoses_icd d where d.hadm_id = s.hadm_id and (icd_version = 9
    and icd_code[:4] in ('5854', '5855', '5856') or icd_version = 10 and icd_code[:4] in ('N184', 'N185', 'N186')))"""
DRIVEN, SLOW = "tube and x >= 6 and x < 13", "tube and x < 14"


OWN = {"before": 0, "until": "intime + interval 24 hour", "slow": DRIVEN, "dialysis": "false", "impossible": "16"}
AS_REPOSITORY = {
    **{"before": 6, "until": "outtime", "slow": SLOW, "dialysis": BILLED, "impossible": "null"},
    **{"oxygen": OXYGEN_AS_REPOSITORY, "first": "charttime desc"},
}


def apache(base: duckdb.DuckDBPyConnection) -> dict[str, pl.DataFrame]:
    """Title -> `stay_id, name, time_h, value`: on the first day as wardround has it, and with one rule each of the
    repository's."""
    rules = {"oxygen": OXYGEN, "first": "points desc nulls last", **OWN}
    return {
        "apache": _score(base, **rules),
        **{
            f"apache, {name} as the repository": _score(base, **{**rules, name: each})
            for name, each in AS_REPOSITORY.items()
            if name in ("before", "slow", "dialysis", "oxygen", "first")
        },
    }


def as_repository(base: duckdb.DuckDBPyConnection) -> dict[str, pl.DataFrame]:
    """Title -> the same as the repository has it, by the table `ventilated` as it is now."""
    return {"apache, as the repository": _score(base, **AS_REPOSITORY)}


def _score(base: duckdb.DuckDBPyConnection, **rules: str | int) -> pl.DataFrame:
    normal = " ".join(f"when '{name}' then {middle}" for name, (middle, _) in POINTS.items())
    points = " ".join(f"when '{name}' then case {cases} end" for name, (_, cases) in POINTS.items())
    base.execute(VALUES.format(**rules))
    base.execute(WORST.format(normal=normal, points=points.format(**rules), **rules))
    base.execute(GASES.format(**rules))
    return base.sql(ROWS.format(oxygen=rules["oxygen"], acid_base=ACID_BASE, coma=COMA.format(**rules))).pl()
