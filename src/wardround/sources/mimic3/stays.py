"""MIMIC-III: unit stays and demographics, by the rules of `mimic/stays.py`, and how old a patient was.

Age is in whole years since the date of birth. That of a patient of 90 and more was moved so that it reads about 300: 90
here (`PAPERS.md`). Dates are shifted for each patient and nothing tells by how much, so no stay has a `year`.
"""

from typing import Final

import polars as pl

from wardround.sources.mimic import stays as mimic
from wardround.sources.mimic.demographic_codes import SEXES
from wardround.sources.mimic.stays import ETHNICITY, FLAG_DOUBT, Word
from wardround.sources.mimic3.columns import ADMISSIONS, ICUSTAYS, PATIENTS
from wardround.sources.side_table import Doubt, SideTable

PATIENT_TABLE: Final = SideTable(PATIENTS, key="subject_id")
ADMISSION_TABLE: Final = SideTable(ADMISSIONS, (FLAG_DOUBT,), key="hadm_id")

OLDEST_TOLD: Final = 120
HIDDEN: Final = (299, 330)
"""Years that the hidden ages of 90 and more read, at the first hospital stay and at later ones."""

UNIT_TYPES: Final = {"CSRU": "CSICU", "CCU": "Cardiac ICU", "TSICU": "Trauma SICU (TSICU)"}
"""Unit -> eICU's type, or MIMIC-IV's where eICU has none; MICU and SICU are called so there too."""
LANGUAGES: Final = {"ENGL": "ENGLISH"}
"""Language -> MIMIC-IV's word, which names no other."""

_WORDS: Final = (
    Word(PATIENTS, "gender", "GENDER", SEXES),
    Word(ICUSTAYS, "first_careunit", "UNITTYPE", UNIT_TYPES),
    Word(ADMISSIONS, "admission_type", "ADMISSION_TYPE"),
    Word(ADMISSIONS, "admission_location", "ADMISSION_LOCATION"),
    Word(ADMISSIONS, "insurance", "INSURANCE"),
    Word(ADMISSIONS, "language", "LANGUAGE", LANGUAGES),
    Word(ADMISSIONS, "marital_status", "MARITAL_STATUS"),
    Word(ADMISSIONS, "ethnicity", ETHNICITY),
)
_AGE: Final = pl.col("age")
_AGE_DOUBT: Final = Doubt("age", (_AGE > OLDEST_TOLD) & ~_AGE.is_between(*HIDDEN), "neither an age nor what hides one")


def stay_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of `icustays` as `stay_id`, with the reason why a row is no stay.

    Args:
        frame: the typed table with `icustay_id`, `row` and `reason`.
    """
    return mimic.stay_rows(frame.rename({"icustay_id": "stay_id"}))


def _day_of_year(time: str) -> pl.Expr:
    """A number that is larger later in the year."""
    return pl.col(time).dt.month().cast(pl.Int64) * 100 + pl.col(time).dt.day()


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    """Good rows, told, with `age` and an empty `year`."""
    years = pl.col("intime").dt.year().cast(pl.Int64) - pl.col("dob").dt.year()
    before_birthday = _day_of_year("intime") < _day_of_year("dob")
    rows = rows.with_columns(age=years - before_birthday.cast(pl.Int64), year=pl.lit(None, pl.Int64))
    return mimic.told(rows, (_AGE_DOUBT,))


def stays(rows: pl.DataFrame) -> pl.DataFrame:
    """Stays from the rows of `stay_rows` that have no reason against them, with patient and hospital stay.

    Returns:
        A row a stay with the `STAY_COLUMNS` that MIMIC-III knows, and `hadm_id`, sorted by subject and start.
    """
    return mimic.stays(_told(rows))


def demographics(rows: pl.DataFrame, paper: bool) -> pl.DataFrame:
    """Demographics candidates of `mimic.stays.demographics`.

    Args:
        rows: `stay_rows` with patient and hospital stay.
        paper: only the eight static features of the paper.
    """
    return mimic.demographics(_told(rows), _WORDS, paper)
