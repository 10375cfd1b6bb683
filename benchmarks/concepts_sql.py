"""Concepts beside SQL over MIMIC-IV's raw tables, stay by stay: the share of stays whose values are all equal.

    python benchmarks/concepts_sql.py mimic-iv-demo data-mimic    # with duckdb, of the `dev` extra
    python benchmarks/concepts_sql.py mimic-iv-demo data-mimic --set sofa.devices=twice      # with switches

The SQL is written for this from the definitions of the MIMIC Code Repository, with its item numbers and its rules for
odd values, and shares nothing with the package: it reads raw tables, the package reads events. Hours are those of the
package, from unit admission, but for those of the clock, which are the repository's. Phenotypes are compared where a
folder `codemaps` with the lists of codes lies beside the raw one (`codes_sql.py`).
"""

import argparse
import tempfile
from pathlib import Path

import apache_sql
import codes_sql
import duckdb
import first_day_scores_sql
import polars as pl
import ventilation_sql

from wardround.export import write_concepts

TABLES = (
    *("hosp/admissions", "icu/icustays", "icu/chartevents", "icu/inputevents", "icu/outputevents", "hosp/labevents"),
    *("hosp/patients", "hosp/diagnoses_icd", "hosp/prescriptions", "hosp/microbiologyevents"),
)
RELATIVE = 1e-5
"""Events hold numbers as 32-bit floats."""

STAYS = """
create table stays as
select stay_id, i.hadm_id, intime, least(outtime, coalesce(deathtime, outtime)) as outtime
from icustays i join admissions using (hadm_id)
"""

HOURS = """
create table hours as
select stay_id, hadm_id, intime, hour, intime + to_hours(hour + 1) as closes,
    hour < ceil(epoch(outtime - intime) / 3600) and hour >= 0 as in_unit
from (select *, unnest(generate_series(-23, greatest(23, ceil(epoch(outtime - intime) / 3600)::bigint - 1))) as hour
    from stays)
"""

CLOCK_HOURS = """
create or replace table hours as
with first_pulse as (
    select stay_id, min(charttime) as since, max(charttime) as until from chartevents where itemid = 220045 group by 1
), whole as (
    select *, case when date_trunc('hour', since) = since then since
        else date_trunc('hour', since) + interval 1 hour end as opens from first_pulse
)
select i.stay_id, i.hadm_id, opens as intime, hour, opens + to_hours(hour) as closes, hour >= 0 as in_unit
from (select *, unnest(generate_series(-24, date_diff('hour', since, until))) as hour from whole) w
join icustays i using (stay_id)
"""

URINE = """
create table urine as
select stay_id, charttime, sum(case when itemid = 227488 and value > 0 then -value else value end) as ml
from outputevents
where itemid in (226559, 226560, 226561, 226584, 226563, 226564, 226565, 226567, 226557, 226558, 227488, 227489)
group by 1, 2
"""

WEIGHTS = """
create table weights as
with charted as (
    select c.stay_id, charttime, valuenum as kg, itemid = 226512 as admission, intime, outtime,
        row_number() over (partition by c.stay_id, itemid order by charttime) as nth
    from chartevents c join icustays i using (stay_id)
    where itemid in (226512, 224639) and valuenum > 0 and valuenum < 1500
), begun as (
    select *, case when admission and nth = 1 then intime - interval 2 hour else charttime end as since from charted
)
select stay_id, kg, case when row_number() over stay = 1 then least(since, intime - interval 2 hour) else since end
        as since,
    coalesce(lead(since) over stay, outtime + interval 2 hour) as until
from begun window stay as (partition by stay_id order by since)
"""

URINE_HOURS = """
with hourly as (
    select h.stay_id, h.hour, h.closes, sum(ml) as ml from hours h
    join urine u on u.stay_id = h.stay_id and charttime >= h.closes - interval 1 hour and charttime < h.closes
    where in_unit group by 1, 2, 3
)
select stay_id, 'urine_output' as name, hour + 1.0 as time_h, ml as value from hourly
union all
select y.stay_id, 'urine_output_ml_kg_h', hour + 1.0, ml / kg from hourly y
join weights w on w.stay_id = y.stay_id and closes > since and closes <= until
"""

GCS = """
create table gcs as
with parts as (
    select stay_id, charttime,
        max(valuenum) filter (itemid = 220739) as eyes,
        max(valuenum) filter (itemid = 223901) as motor,
        max(case when value = 'No Response-ETT' then 0 else valuenum end) filter (itemid = 223900) as verbal,
        max(case when itemid = 223900 and value = 'No Response-ETT' then 1 else 0 end) as unable
    from chartevents where itemid in (223900, 223901, 220739) group by 1, 2
), paired as (
    select *, lag(charttime) over stay > charttime - interval 6 hour as recent,
        case when recent then lag(eyes) over stay end as eyes_before,
        case when recent then lag(motor) over stay end as motor_before,
        case when recent then lag(verbal) over stay end as verbal_before
    from parts window stay as (partition by stay_id order by charttime)
)
select stay_id, charttime, unable, coalesce(eyes, eyes_before) as eyes, coalesce(motor, motor_before) as motor,
    coalesce(verbal, verbal_before) as verbal,
    case when verbal = 0 or (verbal is null and verbal_before = 0) then 15
        when verbal_before = 0 then coalesce(eyes, 4) + coalesce(verbal, 5) + coalesce(motor, 6)
        else coalesce(eyes, eyes_before, 4) + coalesce(verbal, verbal_before, 5) + coalesce(motor, motor_before, 6)
    end as total
from paired
"""

GCS_ROWS = " union all ".join(
    f"select stay_id, '{name}' as name, epoch(charttime - intime) / 3600 as time_h, {column} as value "
    f"from gcs join icustays using (stay_id) where {column} is not null"
    for name, column in (
        ("gcs", "total"), ("gcs_unable", "unable"), *((f"gcs_{part}", part) for part in ("eyes", "verbal", "motor")),
    )
)  # fmt: skip

DRUGS = """
create table drugs as
select stay_id, starttime, endtime, patientweight,
    case itemid when 221662 then 'dopamine' when 221653 then 'dobutamine' when 221289 then 'epinephrine'
        when 221986 then 'milrinone' when 222315 then 'vasopressin' else 'norepinephrine' end as drug,
    case when itemid = 222315 and rateuom = 'units/min' then rate * 60
        when itemid = 221906 and rateuom = 'mg/kg/min' and patientweight <> 1 then rate * 1000 else rate end as rate
from inputevents
where itemid in (221662, 221653, 221289, 221986, 222315, 221906) and rate is not null
"""

VIS = """
with shares as (
    select h.stay_id, h.hour, drug, patientweight, rate,
        epoch(least(endtime, h.closes) - greatest(starttime, h.closes - interval 1 hour)) / 3600 as share
    from hours h join drugs d on d.stay_id = h.stay_id and starttime < h.closes and endtime > h.closes - interval 1 hour
    where in_unit
), doses as (
    select stay_id, hour, drug,
        sum(share * rate / case when drug = 'vasopressin' then 60 * patientweight else 1 end) as dose
    from shares group by 1, 2, 3
), each as (
    select h.stay_id, h.hour, names.drug, coalesce(dose, 0) as dose
    from hours h cross join (select distinct drug from drugs) names
    left join doses d on d.stay_id = h.stay_id and d.hour = h.hour and d.drug = names.drug where in_unit
)
select stay_id, 'vis_' || drug as name, hour + 1.0 as time_h, dose as value from each
union all
select stay_id, 'vis', hour + 1.0, sum(dose * case drug when 'vasopressin' then 10000 when 'milrinone' then 10
    when 'epinephrine' then 100 when 'norepinephrine' then 100 else 1 end) from each group by 1, 2, 3
"""

GASES = """
create or replace table gases as
with specimens as (
    select specimen_id, max(subject_id) as subject_id, max(charttime) as charttime,
        max(value) filter (itemid = 52033) as kind, max(valuenum) filter (itemid = 50821) as po2,
        max(case when valuenum > 20 and valuenum <= 100 then valuenum
            when valuenum > 0.2 and valuenum <= 1 then valuenum * 100 end) filter (itemid = 50816) as own_fio2
    from labevents where itemid in (52033, 50821, 50816) group by 1
), charted as (
    select subject_id, charttime, max(case when valuenum > 0.2 and valuenum <= 1 then valuenum * 100
        when valuenum >= 20 and valuenum <= 100 then valuenum end) as fio2
    from chartevents where itemid = 223835 group by 1, 2
), nearest as (
    select s.*, c.fio2, row_number() over (partition by specimen_id order by c.charttime desc nulls last) as nth
    from specimens s left join charted c on c.subject_id = s.subject_id and c.fio2 is not null
        and c.charttime between s.charttime - interval 4 hour and s.charttime
    where po2 is not null
)
select i.stay_id, n.charttime, coalesce(kind = 'ART.', false) as arterial,
    100 * po2 / coalesce(own_fio2, fio2) as ratio, exists(select 1 from ventilated v
    where v.stay_id = i.stay_id and n.charttime between since and until) as vent
from nearest n join icustays i using (subject_id) where nth = 1
"""

URINE_DAYS = """
create table urine_days as
with lasting as (
    select stay_id, charttime, ml,
        date_diff('minute', coalesce(lag(charttime) over stay, first_pulse), charttime) as mins
    from urine join (select stay_id, min(charttime) as first_pulse from chartevents where itemid = 220045 group by 1)
    using (stay_id) window stay as (partition by stay_id order by charttime)
)
select stay_id, charttime, day_ml from (
    select a.stay_id, a.charttime, sum(b.ml) / sum(b.mins) * 1440 as day_ml, sum(b.mins) / 60 as lasted
    from lasting a join lasting b on a.stay_id = b.stay_id and b.charttime <= a.charttime
        and a.charttime <= b.charttime + interval 23 hour
    group by 1, 2
) where lasted between 22 and 30
"""

POINTS = """
create or replace table points as
select stay_id, charttime, 'respiration' as part, case when vent and ratio < 100 then 4 when vent and ratio < 200 then 3
    when ratio < 300 then 2 when ratio < 400 then 1 else 0 end as points, false as of_urine
from gases where arterial
union all
select i.stay_id, charttime, case itemid when 51265 then 'coagulation' when 50885 then 'liver' else 'renal' end,
    case itemid
        when 51265 then case when valuenum < 20 then 4 when valuenum < 50 then 3 when valuenum < 100 then 2
            when valuenum < 150 then 1 else 0 end
        when 50885 then case when valuenum >= 12 then 4 when valuenum >= 6 then 3 when valuenum >= 2 then 2
            when valuenum >= 1.2 then 1 else 0 end
        else case when valuenum >= 5 then 4 when valuenum >= 3.5 then 3 when valuenum >= 2 then 2
            when valuenum >= 1.2 then 1 else 0 end end, false
from labevents l join icustays i on {laboratory} where itemid in (51265, 50885, 50912) and valuenum is not null
    and valuenum > 0 and (itemid <> 50912 or valuenum <= 150)
union all
select stay_id, charttime, 'cns', case when total < 6 then 4 when total < 10 then 3 when total < 13 then 2
    when total < 15 then 1 else 0 end, false from gcs
union all
select stay_id, charttime, 'cardiovascular', case when avg(valuenum) < 70 then 1 else 0 end, false
from chartevents
where itemid in (220052, 220181, 225312) and valuenum > 0 and valuenum < 300 group by 1, 2
union all
select stay_id, charttime, 'renal', case when day_ml < 200 then 4 when day_ml < 500 then 3 else 0 end, true
from urine_days
"""

SOFA = """
with drug_hours as (
    select h.stay_id, h.hour, max(rate) filter (drug = 'dopamine') as dopamine,
        max(rate) filter (drug in ('epinephrine', 'norepinephrine')) as catechol,
        max(rate) filter (drug = 'dobutamine') as dobutamine
    from hours h join drugs d on d.stay_id = h.stay_id and {running} group by 1, 2
), each as (
    select stay_id, hour, 'cardiovascular' as part, case when dopamine > 15 or catechol > 0.1 then 4
        when dopamine > 5 or catechol > 0 then 3 when dopamine > 0 or dobutamine > 0 then 2 end as points
    from drug_hours
    union all
    select h.stay_id, hour, part, greatest(max(points) filter (not of_urine), min(points) filter (of_urine))
    from hours h
    join points p on p.stay_id = h.stay_id and {inside} group by 1, 2, 3
), wide as (
    select h.stay_id, h.hour, in_unit, names.part, max(points) as points
    from hours h cross join (select unnest(['respiration', 'coagulation', 'liver', 'cardiovascular', 'cns', 'renal'])
        as part) names
    left join each e on e.stay_id = h.stay_id and e.hour = h.hour and e.part = names.part group by 1, 2, 3, 4
), worst as (
    select *, coalesce(max(points) over (partition by stay_id, part order by hour rows 23 preceding), 0) as worst
    from wide
), named as (
    select stay_id, hour, in_unit, 'sofa_' || part as name, worst as value from worst
    union all
    select stay_id, hour, in_unit, 'sofa', sum(worst) from worst group by 1, 2, 3
)
select stay_id, name, hour + 1.0 as time_h, value from named where in_unit
union all
select stay_id, name || '_24h', 24.0, value from named where hour = {day}
"""
BY_ADMISSION = "l.hadm_id = i.hadm_id"
BLANK_TOO = f"{BY_ADMISSION} or (l.hadm_id is null and l.subject_id = i.subject_id)"
"""Whose a result of the laboratory is. Those of the emergency department often name no hospital stay; the repository
loses them."""

FIRST_DAY = """
with near as (
    select p.stay_id, part, points from points p join stays s using (stay_id)
    where charttime between intime - interval 6 hour and intime + interval 24 hour and not (part = 'renal' and of_urine)
        and part <> 'respiration'
    union all
    select stay_id, 'respiration', case when min(ratio) filter (vent) < 100 then 4 when min(ratio) filter (vent) < 200
        then 3 when min(ratio) filter (not vent) < 300 then 2 when min(ratio) filter (not vent) < 400 then 1 else 0 end
    from gases join stays using (stay_id)
    where arterial and charttime between intime - interval 6 hour and intime + interval 24 hour group by 1
    union all
    select stay_id, 'renal', case when sum(ml) < 200 then 4 when sum(ml) < 500 then 3 else 0 end
    from urine join stays using (stay_id) where charttime between intime and intime + interval 24 hour group by 1
    union all
    select stay_id, 'cardiovascular', case when max(rate) filter (drug = 'dopamine') > 15
        or max(rate) filter (drug in ('epinephrine', 'norepinephrine')) > 0.1 then 4
        when max(rate) filter (drug = 'dopamine') > 5
        or max(rate) filter (drug in ('epinephrine', 'norepinephrine')) > 0 then 3
        when max(rate) filter (drug in ('dopamine', 'dobutamine')) > 0 then 2 end
    from drugs join stays using (stay_id)
    where starttime between intime - interval 6 hour and intime + interval 24 hour group by 1
), each as (select stay_id, part, max(points) as points from near group by 1, 2)
select s.stay_id, 'sofa_24h' as name, 24.0 as time_h, coalesce(sum(points), 0) as value
from stays s left join each e using (stay_id) group by 1
"""

KDIGO = """
with creatinine as (
    select stay_id, charttime, round(avg(valuenum), 6) as cr from icustays join labevents using (subject_id)
    where itemid = 50912 and valuenum <= 150 and charttime between intime - interval 7 day and outtime group by 1, 2
), lowest as (
    select *, min(cr) over (partition by stay_id order by charttime
            range between interval 7 day preceding and interval 1 second preceding) as week,
        min(cr) over (partition by stay_id order by charttime
            range between interval 48 hour preceding and interval 1 second preceding) as days
    from creatinine
), lasting as (
    select stay_id, charttime, ml, coalesce(date_diff('second', lag(charttime) over stay, charttime), 3600) / 3600 as h
    from urine window stay as (partition by stay_id order by charttime)
), spans as (
    select stay_id, charttime, sum(ml) over six as ml_6, sum(ml) over half as ml_12, sum(ml) over day as ml_24,
        round(sum(h) over six, 6) as h_6, round(sum(h) over half, 6) as h_12, round(sum(h) over day, 6) as h_24
    from lasting window
        six as (partition by stay_id order by charttime range between interval 6 hour preceding and current row),
        half as (partition by stay_id order by charttime range between interval 12 hour preceding and current row),
        day as (partition by stay_id order by charttime range between interval 24 hour preceding and current row)
), rates as (
    select s.stay_id, charttime, case when h_6 >= 6 and h_6 < 12 then round(ml_6 / kg / h_6, 4) end as r_6,
        case when h_12 >= 12 then round(ml_12 / kg / h_12, 4) end as r_12,
        case when h_24 >= 24 then round(ml_24 / kg / h_24, 4) end as r_24
    from spans s left join weights w on w.stay_id = s.stay_id and charttime >= since and charttime < until
), stages as (
    select stay_id, charttime, 'kdigo_creatinine' as name, case when cr >= round(3 * week, 6)
        or cr >= 4 and (days <= 3.7 or cr >= round(1.5 * week, 6)) then 3 when cr >= round(2 * week, 6) then 2
        when cr >= round(days + 0.3, 6) or cr >= round(1.5 * week, 6) then 1 else 0 end as stage
    from lowest
    union all
    select stay_id, charttime, 'kdigo_urine', case when r_6 is null then null
        when charttime <= intime + interval 6 hour then 0 when r_24 < 0.3 or r_12 = 0 then 3 when r_12 < 0.5 then 2
        when r_6 < 0.5 then 1 else 0 end
    from rates join icustays using (stay_id)
    union all
    select distinct stay_id, charttime, 'kdigo_crrt', 3 from chartevents where itemid = 227290 and value is not null
), each as (
    select * from stages union all
    select stay_id, charttime, 'kdigo', coalesce(max(stage), 0) from stages group by 1, 2
)
select stay_id, name, epoch(charttime - intime) / 3600 as time_h, stage as value from each join icustays using (stay_id)
where stage is not null and charttime >= intime
"""

SUSPECTED = """
create table suspected as
with given as (
    select distinct i.subject_id, stay_id, starttime from prescriptions p
    join icustays i on i.hadm_id = p.hadm_id and starttime >= intime and starttime < outtime
    where drug_type <> 'BASE' and route not in ('OU', 'OS', 'OD', 'AU', 'AS', 'AD', 'TP')
        and not regexp_matches(lower(route), 'ear|eye')
        and not regexp_matches(lower(drug), 'cream|desensitization|ophth oint|gel')
        and regexp_matches(lower(drug), 'adoxa|ala-tet|alodox|amikacin|amikin|amoxicill|amphotericin|anidulafungin'
            || '|ancef|clavulanate|ampicillin|augmentin|avelox|avidoxy|azactam|azithromycin|aztreonam|axetil'
            || '|bactocill|bactrim|bactroban|bethkis|biaxin|bicillin l-a|cayston|cefazolin|cedax|cefoxitin'
            || '|ceftazidime|cefaclor|cefadroxil|cefdinir|cefditoren|cefepime|cefotan|cefotetan|cefotaxime'
            || '|ceftaroline|cefpodoxime|cefpirome|cefprozil|ceftibuten|ceftin|ceftriaxone|cefuroxime|cephalexin'
            || '|cephalothin|cephapririn|chloramphenicol|cipro|claforan|clarithromycin|cleocin|clindamycin'
            || '|cubicin|dicloxacillin|dirithromycin|doryx|doxycy|duricef|dynacin|ery-tab|eryped|eryc|erythrocin'
            || '|erythromycin|factive|flagyl|fortaz|furadantin|garamycin|gentamicin|kanamycin|keflex|kefzol|ketek'
            || '|levaquin|levofloxacin|lincocin|linezolid|macrobid|macrodantin|maxipime|mefoxin|metronidazole'
            || '|meropenem|methicillin|minocin|minocycline|monodox|monurol|morgidox|moxatag|moxifloxacin'
            || '|mupirocin|myrac|nafcillin|neomycin|nicazel doxy 30|nitrofurantoin|norfloxacin|noroxin|ocudox'
            || '|ofloxacin|omnicef|oracea|oraxyl|oxacillin|pc pen vk|pce dispertab|panixine|pediazole|penicillin'
            || '|periostat|pfizerpen|piperacillin|tazobactam|primsol|proquin|raniclor|rifadin|rifampin|rocephin'
            || '|smz-tmp|septra|solodyn|spectracef|streptomycin|sulfadiazine|sulfamethoxazole|trimethoprim'
            || '|sulfatrim|sulfisoxazole|suprax|synercid|tazicef|tetracycline|timentin|tobramycin|unasyn|vancocin'
            || '|vancomycin|vantin|vibativ|vibra-tabs|vibramycin|zinacef|zithromax|zosyn|zyvox')
), cultures as (
    select micro_specimen_id, max(subject_id) as subject_id, max(chartdate)::date as day, max(charttime) as charttime,
        max(case when org_name <> '' and org_name <> 'CANCELLED' and org_itemid not in (90856, 90760) then 1 else 0 end)
            as positive
    from microbiologyevents where spec_type_desc is not null group by 1
), near as (
    select stay_id, starttime, day, charttime, positive, coalesce(charttime, day::timestamp) as taken,
        coalesce(starttime > charttime and starttime <= charttime + interval 72 hour,
            starttime::date between day and day + 3) as before,
        coalesce(starttime >= charttime - interval 24 hour and starttime < charttime,
            starttime::date between day - 1 and day) as after
    from given join cultures using (subject_id)
), pairs as (
    select * from near where before or after qualify row_number() over (partition by stay_id, starttime
        order by case when before then 0 else 1 end, day, charttime nulls last, positive desc) = 1
)
select stay_id, case when before then taken else starttime end as suspected, arg_min(positive, starttime) as positive
from pairs group by 1, 2
"""

SUSPICIONS = """
select stay_id, 'suspicion_of_infection' as name, epoch(suspected - intime) / 3600 as time_h, 1 as value
from suspected join icustays using (stay_id)
union all
select stay_id, 'suspicion_of_infection_positive', epoch(suspected - intime) / 3600, positive
from suspected join icustays using (stay_id)
"""

SEPSIS = """
with scores as ({sofa}), first as (
    select s.stay_id, suspected, closes, value as sofa from scores s
    join hours h on h.stay_id = s.stay_id and h.hour = s.time_h - 1
    join suspected u on u.stay_id = s.stay_id
        and closes between suspected - interval 48 hour and suspected + interval 24 hour
    where name = 'sofa' and value >= 2
    qualify row_number() over (partition by s.stay_id order by suspected, closes) = 1
)
select stay_id, 'sepsis3' as name, epoch(suspected - intime) / 3600 as time_h, 1 as value
from first join icustays using (stay_id)
union all
select stay_id, 'sepsis3_sofa', epoch(closes - intime) / 3600, sofa from first join icustays using (stay_id)
"""

IN_HOUR = "charttime >= h.closes - interval 1 hour and charttime < h.closes"
IN_CLOCK_HOUR = "charttime > h.closes - interval 1 hour and charttime <= h.closes"
AT_END = "starttime < h.closes and endtime >= h.closes"
RUNNING = "starttime < h.closes and endtime > h.closes - interval 1 hour"


def reference(raw: Path) -> dict[str, pl.DataFrame]:
    """`stay_id, name, time_h, value` of each concept, by SQL over the raw tables."""
    base = duckdb.connect()
    base.execute("set threads to 1")
    for table in dict.fromkeys((*TABLES, *first_day_scores_sql.TABLES)):
        path = next(iter(raw.glob(f"{table}.csv*")))
        base.execute(f"create view {path.name.split('.')[0]} as select * from read_csv('{path}', sample_size=-1)")
    ventilation = ventilation_sql.ventilation(base)
    for statement in (STAYS, HOURS, URINE, WEIGHTS, GCS, DRUGS, GASES, URINE_DAYS, SUSPECTED):
        base.execute(statement)
    found = {
        "urine_output": URINE_HOURS,
        "gcs": GCS_ROWS,
        "vis": VIS,
        "kdigo": KDIGO,
        "suspicion_of_infection": SUSPICIONS,
    }
    made = {name: base.sql(query).pl() for name, query in found.items()}
    base.execute(POINTS.format(laboratory=BLANK_TOO))
    by_hour = SOFA.format(running=RUNNING, inside=IN_HOUR, day=23)
    made["sofa"] = base.sql(by_hour).pl()
    made["sepsis3"] = base.sql(SEPSIS.format(sofa=by_hour)).pl()
    made |= ventilation
    made |= first_day_scores_sql.first_day_scores(base)
    made |= apache_sql.apache(base)
    ventilation_sql.ventilated_as_repository(base)
    base.execute(GASES)
    made |= first_day_scores_sql.as_repository(base)
    made |= apache_sql.as_repository(base)
    base.execute(POINTS.format(laboratory="l.subject_id = i.subject_id"))
    made["sofa, first day as the repository"] = base.sql(FIRST_DAY).pl()
    base.execute(POINTS.format(laboratory=BY_ADMISSION))
    made["sofa, as the repository"] = base.sql(SOFA.format(running=AT_END, inside=IN_CLOCK_HOUR, day=23)).pl()
    made["hourly17"] = base.sql(codes_sql.HOURLY).pl()
    base.execute(CLOCK_HOURS)
    by_clock = SOFA.format(running=AT_END, inside=IN_CLOCK_HOUR, day=24)
    clock = base.sql(by_clock).pl()
    made["sofa at hour 24 of the clock"] = clock.filter(pl.col("name").str.ends_with("24h"))
    made["charlson"] = codes_sql.charlson(base)
    made["charlson, decades a year late"] = codes_sql.charlson(base, below="<=")
    made["charlson, with the slip"] = codes_sql.charlson(base, codes_sql.SLIP)
    if (raw.parent / "codemaps").is_dir():
        made["phenotypes"] = codes_sql.phenotypes(base, raw.parent / "codemaps")
    by_clock = base.sql(SEPSIS.format(sofa=by_clock)).pl()
    made["sepsis3 at hours of the clock"] = by_clock.filter(pl.col("name") == "sepsis3")
    return made


def as_rows(table: pl.DataFrame) -> pl.DataFrame:
    """A table of any concept as `stay_id, name, time_h, value`; one with a column a value as a row a value."""
    if "name" in table.columns:
        return table
    time_h = pl.col("hour") if "hour" in table.columns else pl.lit(0)
    wide = table.with_columns(time_h=time_h.cast(pl.Float64)).select(pl.exclude("hour").cast(pl.Float64))
    rows = wide.unpivot(index=["stay_id", "time_h"], variable_name="name").drop_nulls("value")
    return rows.with_columns(pl.col("stay_id").cast(pl.Int64))


def shares(ours: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """Name -> stays, those whose values are all equal, and rows that are equal, differ, are ours or theirs alone."""
    keys = ["stay_id", "name", pl.col("time_h").cast(pl.Float64).round(4)]
    ours = ours.select(*keys, ours="value")
    theirs = theirs.select(*keys, theirs=pl.col("value").cast(pl.Float64))
    both = ours.join(theirs, on=["stay_id", "name", "time_h"], how="full", coalesce=True)
    near = (pl.col("ours") - pl.col("theirs")).abs() <= RELATIVE * pl.col("theirs").abs() + 1e-9
    both = both.with_columns(equal=near.fill_null(False))
    by_stay = both.group_by("name", "stay_id").agg(pl.col("equal").all())
    stays = by_stay.group_by("name").agg(stays=pl.len(), equal=pl.col("equal").sum(), share=pl.col("equal").mean())
    rows = both.group_by("name").agg(
        rows=pl.len(),
        differ=(~pl.col("equal") & pl.col("ours").is_not_null() & pl.col("theirs").is_not_null()).sum(),
        ours_alone=pl.col("theirs").is_null().sum(),
        theirs_alone=pl.col("ours").is_null().sum(),
    )
    return stays.join(rows, on="name").sort("name")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", type=Path, help="MIMIC-IV, raw")
    parser.add_argument("data", type=Path, help="the same, prepared")
    parser.add_argument("--set", action="append", default=[], metavar="NAME.KEY=VALUE", help="as of wardround concepts")
    options = parser.parse_args()
    pl.Config.set_tbl_rows(-1)
    pl.Config.set_tbl_cols(-1)
    pl.Config.set_tbl_width_chars(120)
    with tempfile.TemporaryDirectory() as folder:
        names = [
            *("urine_output", "gcs", "vis", "ventilation", "sofa", "sapsii", "oasis", "apache", "lods"),
            *("kdigo", "suspicion_of_infection", "sepsis3", "charlson", "phenotypes", "hourly17"),
        ]
        write_concepts(options.data, names, Path(folder) / "concepts", quiet=True, assignments=options.set)
        ours = {name: as_rows(pl.read_parquet(Path(folder) / "concepts" / f"{name}.parquet")) for name in names}
    for title, theirs in reference(options.raw).items():
        print(title)
        of = ours[title.split()[0].rstrip(",")]
        in_both = set(of["name"]) & set(theirs["name"])
        print(shares(*(table.filter(pl.col("name").is_in(in_both)) for table in (of, theirs))))


if __name__ == "__main__":
    main()
