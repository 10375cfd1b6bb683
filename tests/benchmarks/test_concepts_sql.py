"""Concepts beside SQL over the raw tables of the MIMIC-IV demo: at least the shares of stays that the guide prints."""

from pathlib import Path

import polars as pl
import pytest
from concepts_sql import as_rows, reference, shares

import raw_mimic4
from raw_eicu import demo_folder
from wardround.concepts.charlson import COMORBIDITIES
from wardround.concepts.phenotypes import PHENOTYPES
from wardround.export import write_concepts

pytestmark = [pytest.mark.slow, pytest.mark.data]

EQUAL = {
    "urine_output": {"urine_output": 137, "urine_output_ml_kg_h": 134},
    "gcs": dict.fromkeys(("gcs", "gcs_eyes", "gcs_verbal", "gcs_motor", "gcs_unable"), 140),
    "vis": {"vis": 140, "vis_vasopressin": 140, "vis_norepinephrine": 140},
    "ventilation": {"ventilation_status": 137, "ventilation_invasive": 59, "ventilation_non_invasive": 6}
    | {"ventilation_supplemental_oxygen": 98, "ventilation_none": 72, "ventilation_high_flow": 4}
    | {"ventilation_tracheostomy": 3},
    "sofa": {"sofa": 136, "sofa_24h": 139, "sofa_cns": 140, "sofa_liver": 140, "sofa_renal": 140}
    | {"sofa_cardiovascular": 139, "sofa_coagulation": 139, "sofa_respiration": 138},
    "charlson": dict.fromkeys(("charlson", *(f"charlson_{name}" for name in ("age", *COMORBIDITIES))), 140),
    "phenotypes": dict.fromkeys(PHENOTYPES, 140),
    "sapsii": {"sapsii": 139, "sapsii_chronic": 140, "sapsii_admission": 140, "sapsii_coma": 140},
    "oasis": {"oasis": 140, "oasis_ventilation": 140, "oasis_before_unit": 140},
    "apache": {"apache_aps": 139, "apache_heartrate": 140, "apache_temperature": 135, "apache_creatinine": 138}
    | {"apache_glucose": 139},
    "lods": {"lods": 139, "lods_renal": 136, "lods_hepatic": 120},
    "kdigo": {"kdigo": 136, "kdigo_creatinine": 135, "kdigo_urine": 131},
    "suspicion_of_infection": {"suspicion_of_infection": 81},
    "sepsis3": {"sepsis3": 63},
    "hourly17": {"heart_rate": 140, "mean_blood_pressure": 139, "glascow_coma_scale_total": 140, "weight": 125}
    | {"fraction_inspired_oxygen": 76, "glucose": 139, "ph": 91, "temperature": 139, "respiratory_rate": 140},
}
"""Concept -> name -> stays with equal values, of 140 (of some, of those that have any)."""

AS_REPOSITORY = {
    "sofa, as the repository": {"sofa": 82, "sofa_24h": 137},
    "sofa, first day as the repository": {"sofa_24h": 91},
    "sapsii, as the repository": {"sapsii": 136},
    "oasis, as the repository": {"oasis": 129},
    "lods, as the repository": {"lods": 69},
    "apache, as the repository": {"apache_aps": 61},
    "charlson, decades a year late": {"charlson_age": 127},
}
"""Title -> name -> stays with equal values, where the SQL follows the repository in everything."""


def test_the_shares_of_equal_stays(tmp_path: Path):
    raw = demo_folder("mimic-iv-demo")
    data = raw_mimic4.prepare(raw, tmp_path / "data").folder
    write_concepts(data, list(EQUAL), tmp_path / "concepts", quiet=True)
    theirs = reference(raw)
    for concept, expected in EQUAL.items():
        ours = as_rows(pl.read_parquet(tmp_path / "concepts" / f"{concept}.parquet"))
        in_both = set(ours["name"]) & set(theirs[concept]["name"])
        found = shares(*(table.filter(pl.col("name").is_in(in_both)) for table in (ours, theirs[concept])))
        assert {row["name"]: row["equal"] for row in found.to_dicts() if row["name"] in expected} == expected
    for title, expected in AS_REPOSITORY.items():
        ours = as_rows(pl.read_parquet(tmp_path / "concepts" / f"{title.split(',')[0]}.parquet"))
        both = [table.filter(pl.col("name").is_in(list(expected))) for table in (ours, theirs[title])]
        assert {row["name"]: row["equal"] for row in shares(*both).to_dicts()} == expected, title
