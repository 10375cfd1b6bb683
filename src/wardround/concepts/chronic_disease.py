"""The three chronic diseases of SAPS II from billing diagnoses: AIDS, haematological malignancy, metastatic cancer.

Source: `sapsii` of the MIMIC Code Repository, its ranges of ICD-9 and ICD-10 codes. Billing codes are known at
discharge.
"""

from typing import Final

import polars as pl

from wardround.concepts.diagnosis_codes import billed_diagnoses

ICD9, ICD10 = 9, 10

Ranges = tuple[tuple[int, str, str], ...]
"""(letters that count, from, to), both ends among them, in the order of the alphabet."""

_RANGES: Final[dict[str, dict[int, Ranges]]] = {
    "aids": {
        ICD9: ((3, "042", "044"),),
        ICD10: ((3, "B20", "B22"), (3, "B24", "B24")),
    },
    "haematological": {
        ICD9: (
            *((5, "20000", "20238"), (5, "20240", "20248"), (5, "20250", "20382"), (5, "20400", "20522")),
            *((5, "20580", "20702"), (5, "20720", "20892"), (4, "2386", "2386"), (4, "2733", "2733")),
        ),
        ICD10: ((3, "C81", "C96"),),
    },
    "metastatic": {
        ICD9: ((4, "1960", "1991"), (5, "20970", "20975"), (5, "20979", "20979"), (5, "78951", "78951")),
        ICD10: ((3, "C77", "C79"), (4, "C800", "C800")),
    },
}


def chronic_diseases(events: pl.DataFrame) -> pl.DataFrame:
    """Which of the three a stay was billed.

    Args:
        events: with the `INPUT_COLUMNS`.

    Returns:
        `stay_id, aids, haematological, metastatic, chronic_known`, a row for each stay with a diagnosis.
    """
    found = {
        disease: pl.any_horizontal(_within(version, each) for version, ranges in of.items() for each in ranges).any()
        for disease, of in _RANGES.items()
    }
    return billed_diagnoses(events).group_by("stay_id").agg(**found, chronic_known=pl.col("available_time").max())


def _within(version: int, of: tuple[int, str, str]) -> pl.Expr:
    letters, low, high = of
    begin = pl.col("icd").str.slice(0, letters)
    return (pl.col("version") == version) & begin.is_between(pl.lit(low), pl.lit(high))
