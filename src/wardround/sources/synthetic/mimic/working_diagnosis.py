"""What is written at admission, before anybody knows: `ADMISSIONS.DIAGNOSIS` of MIMIC-III, and requests for X-rays.

A cause has several such words and several causes share each, so whoever reads them learns something of what will be
billed, as at a bedside, and can look nothing up.
"""

from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.mimic.roster import Roster
from wardround.sources.synthetic.population import CAUSE_NAMES

WORKING: Final[dict[str, tuple[str, ...]]] = {
    "pulmonary sepsis": ("FEVER", "DYSPNEA", "HYPOTENSION"),
    "urinary sepsis": ("FEVER", "ALTERED MENTAL STATUS", "HYPOTENSION"),
    "pneumonia": ("FEVER", "DYSPNEA"),
    "heart failure": ("DYSPNEA", "CHEST PAIN", "WEAKNESS"),
    "atrial arrhythmia": ("CHEST PAIN", "DYSPNEA", "HYPOTENSION"),
    "myocardial infarction": ("CHEST PAIN", "DYSPNEA", "HYPOTENSION"),
    "cardiac arrest": ("ALTERED MENTAL STATUS", "HYPOTENSION"),
    "ketoacidosis": ("ALTERED MENTAL STATUS", "WEAKNESS"),
    "copd": ("DYSPNEA", "FEVER"),
    "stroke": ("WEAKNESS", "ALTERED MENTAL STATUS"),
    "intracranial haemorrhage": ("ALTERED MENTAL STATUS", "WEAKNESS"),
    "upper gi bleed": ("HYPOTENSION", "WEAKNESS", "CHEST PAIN"),
    "overdose": ("ALTERED MENTAL STATUS", "HYPOTENSION"),
    "alcohol withdrawal": ("ALTERED MENTAL STATUS", "FEVER"),
    "acute renal failure": ("WEAKNESS", "DYSPNEA", "ALTERED MENTAL STATUS"),
    "bypass surgery": ("CHEST PAIN", "DYSPNEA"),
}
"""By the names of `population.CAUSES`; one as likely as the other."""


def working_diagnoses(roster: Roster, rng: np.random.Generator) -> pl.Series:
    """The words of each of `roster.one_an_admission`."""
    causes: list[int] = roster.stays.of_stay("cause")[roster.one_an_admission].tolist()
    picks: list[float] = rng.random(len(causes)).tolist()
    words = [WORKING[CAUSE_NAMES[cause]] for cause in causes]
    return pl.Series([of[int(pick * len(of))] for of, pick in zip(words, picks, strict=True)], dtype=pl.String)
