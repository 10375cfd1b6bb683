"""MIMIC-IV: unit stays and demographics, by the rules of `mimic/stays.py`, and how old a patient was in which year.

Age is that of the anchor year moved by the years since; "> 89", which MIMIC writes as an anchor age of 91, and whoever
has grown older than that reads 90 (`PAPERS.md`). Dates are shifted for each patient: `year`, for splits by time, is the
middle of `anchor_year_group` moved by the same years.
"""

from typing import Final

import polars as pl

from wardround.sources.mimic import stays as mimic
from wardround.sources.mimic.demographic_codes import SEXES, UNIT_TYPES
from wardround.sources.mimic.stays import ETHNICITY, FLAG_DOUBT, Word
from wardround.sources.mimic4.columns import ADMISSIONS, ICUSTAYS, PATIENTS
from wardround.sources.side_table import Doubt, SideTable

PATIENT_TABLE: Final = SideTable(
    PATIENTS,
    (
        Doubt("anchor_age", ~pl.col("anchor_age").is_between(0, 120), "impossible age"),
        Doubt("anchor_year", ~pl.col("anchor_year").is_between(1900, 2400), "impossible anchor year"),
    ),
    key="subject_id",
)
ADMISSION_TABLE: Final = SideTable(ADMISSIONS, (FLAG_DOUBT,), key="hadm_id")

stay_rows = mimic.stay_rows

_WORDS: Final = (
    Word(PATIENTS, "gender", "GENDER", SEXES),
    Word(ICUSTAYS, "first_careunit", "UNITTYPE", UNIT_TYPES),
    Word(ADMISSIONS, "admission_type", "ADMISSION_TYPE"),
    Word(ADMISSIONS, "admission_location", "ADMISSION_LOCATION"),
    Word(ADMISSIONS, "insurance", "INSURANCE"),
    Word(ADMISSIONS, "language", "LANGUAGE"),
    Word(ADMISSIONS, "marital_status", "MARITAL_STATUS"),
    Word(ADMISSIONS, "race", ETHNICITY),
)
"""With the age, the eight static features of arXiv 2604.18753, appendix A.1.2; and the unit."""


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    """Good rows, told, with `age` and `year`."""
    years = pl.col("intime").dt.year().cast(pl.Int64) - pl.col("anchor_year")
    first = pl.col("anchor_year_group").str.extract(r"^\s*([0-9]{4})", 1).cast(pl.Int64)
    return mimic.told(rows.with_columns(age=pl.col("anchor_age") + years, year=first + 1 + years))


def stays(rows: pl.DataFrame) -> pl.DataFrame:
    """Stays from the rows of `stay_rows` that have no reason against them, with patient and hospital stay.

    Returns:
        A row a stay with the `STAY_COLUMNS` that MIMIC-IV knows, and `hadm_id`, sorted by subject and start.
    """
    return mimic.stays(_told(rows))


def demographics(rows: pl.DataFrame, paper: bool) -> pl.DataFrame:
    """Demographics candidates of `mimic.stays.demographics`.

    Args:
        rows: `stay_rows` with patient and hospital stay.
        paper: only the eight static features of the paper.
    """
    return mimic.demographics(_told(rows), _WORDS, paper)
