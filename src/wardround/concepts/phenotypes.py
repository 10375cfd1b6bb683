"""The 25 acute care conditions of mimic3-benchmarks: whether a stay was billed with one, a row a stay.

Each is a category of the Clinical Classifications Software (`ccs.py`): of ICD-9 codes as the benchmark has it, code for
code; of ICD-10-CM codes the category of the same number. The columns are the benchmark's names, in its order.

A stay without any ICD diagnosis has no row: nobody coded it. The table has no time of availability, since there is one
alone: discharge from hospital, when diagnoses are billed. It is a label, or a past stay's history; never an input.

Source: Harutyunyan et al., Multitask learning and benchmarking with clinical time series data, Sci Data 6:96 (2019).
"""

from typing import Final

import polars as pl

from wardround.concepts import diagnosis_codes
from wardround.concepts.ccs import with_ccs
from wardround.concepts.diagnosis_codes import billed_diagnoses

CODES: Final = ()
FAMILIES: Final = diagnosis_codes.FAMILIES
NEEDS: Final = diagnosis_codes.NEEDS

PHENOTYPES: Final[dict[str, int]] = {
    "acute_and_unspecified_renal_failure": 157,
    "acute_cerebrovascular_disease": 109,
    "acute_myocardial_infarction": 100,
    "cardiac_dysrhythmias": 106,
    "chronic_kidney_disease": 158,
    "chronic_obstructive_pulmonary_disease_and_bronchiectasis": 127,
    "complications_of_surgical_procedures_or_medical_care": 238,
    "conduction_disorders": 105,
    "congestive_heart_failure_nonhypertensive": 108,
    "coronary_atherosclerosis_and_other_heart_disease": 101,
    "diabetes_mellitus_with_complications": 50,
    "diabetes_mellitus_without_complication": 49,
    "disorders_of_lipid_metabolism": 53,
    "essential_hypertension": 98,
    "fluid_and_electrolyte_disorders": 55,
    "gastrointestinal_hemorrhage": 153,
    "hypertension_with_complications_and_secondary_hypertension": 99,
    "other_liver_diseases": 151,
    "other_lower_respiratory_disease": 133,
    "other_upper_respiratory_disease": 134,
    "pleurisy_pneumothorax_pulmonary_collapse": 130,
    "pneumonia_except_that_caused_by_tuberculosis_or_sexually_transmitted_disease": 122,
    "respiratory_failure_insufficiency_arrest_adult": 131,
    "septicemia_except_in_labor": 2,
    "shock": 249,
}
"""Column -> number of its category."""

COLUMNS: Final[dict[str, pl.DataType]] = {"stay_id": pl.Int64(), **dict.fromkeys(PHENOTYPES, pl.Boolean())}


def phenotypes(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """The conditions of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `stay_id`.

    Returns:
        A row a stay that was coded, with the `COLUMNS`, by stay.
    """
    coded = with_ccs(billed_diagnoses(events)).join(stays.select("stay_id"), on="stay_id", how="semi")
    had = coded.group_by("stay_id").agg((pl.col("ccs") == ccs).any().alias(name) for name, ccs in PHENOTYPES.items())
    return had.select(pl.col(name).cast(kind) for name, kind in COLUMNS.items()).sort("stay_id")
