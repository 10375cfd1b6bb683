"""ICD codes to the categories of the Clinical Classifications Software (CCS), of the 25 benchmark phenotypes alone.

The table, `ccs.csv`, is made by `benchmarks/ccs_table.py` of the public-domain tables of the Healthcare Cost and
Utilization Project: the CCS of ICD-9-CM of 2015 and the CCS of ICD-10-CM of 2019, both the last of their kind (the
successor, the CCSR, has other categories). It holds beginnings of codes, of which the longest counts, and agrees with
HCUP's tables on every code that these have: 15,072 and 72,446.

A code that they do not have, such as one of a later year, thus has the category of the longest beginning of it that
has one: the stages that N18.3 was parted into in 2020 are chronic kidney disease, as N18.3 was. A code of a new kind
(U07.1, COVID-19) has none. Of the 2,541 codes of 2020 to 2024 that the tables do not have, 58 get one of the 25 so.
"""

from functools import cache
from importlib.resources import files
from typing import Final

import polars as pl

NO_CATEGORY: Final = 0
_SHORTEST: Final = 3
_SCHEMA: Final = {"icd_version": pl.Int64, "begins": pl.String, "ccs": pl.Int64}


def with_ccs(diagnoses: pl.DataFrame) -> pl.DataFrame:
    """Diagnoses with `ccs`, their category; `NO_CATEGORY` where it is none of those of the phenotypes.

    Args:
        diagnoses: with `version` and `icd` (`billed_diagnoses`).
    """
    codes = diagnoses.select("version", "icd").unique()
    of_codes = [ccs_of(version, icd) for version, icd in codes.iter_rows()]
    codes = codes.with_columns(ccs=pl.Series(of_codes, dtype=pl.Int64))
    return diagnoses.join(codes, on=["version", "icd"])


def ccs_of(version: int, icd: str) -> int:
    """The category of a code of ICD-9 or ICD-10, in capitals and without a dot."""
    beginnings = (icd[:length] for length in range(len(icd), _SHORTEST - 1, -1))
    return next((_table()[version, begins] for begins in beginnings if (version, begins) in _table()), NO_CATEGORY)


@cache
def _table() -> dict[tuple[int, str], int]:
    """(version, beginning of a code) -> category."""
    text = files("wardround.concepts").joinpath("ccs.csv").read_bytes()
    return {(version, begins): ccs for version, begins, ccs in pl.read_csv(text, schema=_SCHEMA).iter_rows()}
