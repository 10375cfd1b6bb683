"""The ICD codes that a hospital stay is billed with: DIAGNOSIS//ICD//VERSION//CODE, as `prepare` writes them of MIMIC.

Every unit stay of a hospital stay has all of its codes, known at discharge. They say what was there at some time of the
stay, not when. ICD-9 codes keep their leading zeros and letters ("0389", "V4581", "E8785"): without its zero 038.9
would be another code, 389, so none is guessed.
"""

from typing import Final

import polars as pl

from wardround.concepts.needs import Need

DIAGNOSES: Final = "DIAGNOSIS//ICD//"
FAMILIES: Final = (DIAGNOSES,)
NEEDS: Final = (Need("ICD diagnoses", FAMILIES),)
_VERSION_AND_CODE: Final = r"^DIAGNOSIS//ICD//(9|10)//(.+)$"


def billed_diagnoses(events: pl.DataFrame) -> pl.DataFrame:
    """The codes of each stay.

    Args:
        events: with the `INPUT_COLUMNS`.

    Returns:
        `stay_id, available_time, version, icd`: 9 or 10, and the code in capitals, without dots or blanks. Events
        without a stay or time, or of another version, are left out.
    """
    parts = pl.col("code").str.extract_groups(_VERSION_AND_CODE)
    found = events.filter(pl.col("code").str.starts_with(DIAGNOSES)).drop_nulls(["stay_id", "available_time"])
    found = found.select(
        "stay_id",
        "available_time",
        version=parts.struct.field("1").cast(pl.Int64),
        icd=parts.struct.field("2").str.replace_all(r"[.\s]", "").str.to_uppercase(),
    )
    return found.drop_nulls(["version", "icd"])
