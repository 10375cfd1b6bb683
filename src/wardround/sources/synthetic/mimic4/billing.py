"""`diagnoses_icd`, `procedures_icd` and what their codes mean, as MIMIC-IV has them.

Hospital stays of 2016 and later are coded in ICD-10, those before in ICD-9.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.code import Code, by_traits
from wardround.sources.synthetic.mimic.billing import diagnosed, drawn_codes, seen_at_worst
from wardround.sources.synthetic.mimic.billing_list import DIAGNOSES, PRIMARY, PROCEDURES, Icd, icd
from wardround.sources.synthetic.mimic.roster import DAY_MIN, Roster, moments
from wardround.sources.synthetic.population import CAUSE_NAMES

FIRST_ICD10_YEAR: Final = 2016


def _version(roster: Roster) -> np.ndarray:
    """0 for ICD-9, 1 for ICD-10: of each of `roster.one_an_admission`."""
    return (roster.real_years >= FIRST_ICD10_YEAR).astype(np.int64)


def _drawn(roster: Roster, codes: Sequence[Code], rng: np.random.Generator) -> np.ndarray:
    """Which codes each hospital stay has: `admission code`."""
    more = by_traits(roster.stays, codes)[roster.one_an_admission]
    return drawn_codes(codes, seen_at_worst(roster), more, rng)


def _codes(codes: Sequence[Icd], place: np.ndarray, version: np.ndarray) -> pl.Series:
    return pl.Series([each[0] for pair in codes for each in pair]).gather(2 * place + version)


def diagnosis_rows(roster: Roster, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `diagnoses_icd`: of each hospital stay its cause, then what else was found, each code once."""
    one, version = roster.one_an_admission, _version(roster)
    admission, place = diagnosed(roster, _drawn(roster, DIAGNOSES, rng))
    known = [*(PRIMARY[name] for name in CAUSE_NAMES), *map(icd, DIAGNOSES)]
    frame = pl.DataFrame({"stay": one[admission], **roster.ids(one[admission])}).with_columns(
        icd_code=_codes(known, place, version[admission]), icd_version=pl.Series(9 + version[admission])
    )
    frame = frame.unique(["hadm_id", "icd_code"], keep="first", maintain_order=True)
    return frame.with_columns(seq_num=pl.int_range(1, pl.len() + 1).over("hadm_id"))


def procedure_rows(roster: Roster, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `procedures_icd`, done in the first three days in the unit."""
    one, version = roster.one_an_admission, _version(roster)
    admission, place = np.nonzero(_drawn(roster, PROCEDURES, rng))
    stay = one[admission]
    done = np.minimum(roster.begun[stay] + rng.integers(0, 3 * DAY_MIN, stay.size), roster.ended[stay])
    return pl.DataFrame({"stay": stay, **roster.ids(stay)}).with_columns(
        chartdate=moments(done).dt.to_string("%Y-%m-%d"),
        icd_code=_codes([icd(code) for code in PROCEDURES], place, version[admission]),
        icd_version=pl.Series(9 + version[admission]),
        seq_num=pl.int_range(1, pl.len() + 1).over(pl.lit(admission).alias("admission")),
    )


def titles(codes: Sequence[Icd]) -> pl.DataFrame:
    """The rows of `d_icd_diagnoses` or `d_icd_procedures`."""
    rows = {(code, 9 + version, title) for each in codes for version, (code, title) in enumerate(each)}
    schema = ["icd_code", "icd_version", "long_title"]
    return pl.DataFrame(sorted(rows, key=lambda row: (row[1], row[0])), schema=schema, orient="row")
