"""Specimens taken, and what grew of them, days later."""

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from wardround.sources.synthetic.code import Code, charted, traits
from wardround.sources.synthetic.latent import sigmoid
from wardround.sources.synthetic.mimic.roster import DAY_MIN, Roster, moments, stamp
from wardround.sources.synthetic.population import CAUSE_NAMES


class Culture(NamedTuple):
    """A specimen and its test: numbers and names of both, and the organism that may grow."""

    specimen_item: int
    specimen: str
    test_item: int
    test: str
    organism_item: int
    organism: str


CULTURES: Final = (
    Culture(70012, "BLOOD CULTURE", 90201, "Blood Culture, Routine", 80023, "STAPH AUREUS COAG +"),
    Culture(70079, "URINE", 90039, "URINE CULTURE", 80002, "ESCHERICHIA COLI"),
    Culture(70062, "SPUTUM", 90055, "RESPIRATORY CULTURE", 80026, "PSEUDOMONAS AERUGINOSA"),
)
_SEPSIS: Final = {"pulmonary_sepsis": 2.5, "urinary_sepsis": 2.5, "pneumonia": 1.5}
TAKEN: Final = (
    Code(CULTURES[0].specimen, -2.0, 0.5, traits(_SEPSIS)),
    Code(CULTURES[1].specimen, -1.6, 0.2, traits({"urinary_sepsis": 2.5, "pulmonary_sepsis": 1.0})),
    Code(CULTURES[2].specimen, -3.0, 0.6, traits({"pulmonary_sepsis": 2.0, "pneumonia": 2.0})),
)
INFECTED: Final = frozenset({"pulmonary sepsis", "urinary sepsis", "pneumonia"})
GROWS: Final = (-2.6, 1.6)
"""Log odds that something grows, and what an infection adds to them."""
BLANK: Final = (
    *("order_provider_id", "isolate_num", "quantity", "ab_itemid", "ab_name", "dilution_text", "dilution_comparison"),
    *("dilution_value", "interpretation", "comments"),
)


def culture_rows(roster: Roster, before: int, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of MIMIC-IV's `microbiologyevents`, with `stay`; no organism is tested against drugs.

    `before` are the rows of the chunks before.
    """
    stays = roster.stays
    stay, place, minute = charted(stays, TAKEN, "microbiology", rng)
    infected = np.isin(stays.of_stay("cause")[stay], [CAUSE_NAMES.index(name) for name in INFECTED])
    grew = pl.Series(rng.random(stay.size) < sigmoid(GROWS[0] + GROWS[1] * infected))
    taken = roster.begun[stay] + minute
    known = taken + rng.integers(2 * DAY_MIN, 5 * DAY_MIN, stay.size)
    part = {name: pl.Series([getattr(culture, name) for culture in CULTURES]).gather(place) for name in Culture._fields}
    number = pl.Series(before + 1 + np.arange(stay.size))
    midnight = taken // DAY_MIN * DAY_MIN
    return pl.DataFrame({"stay": stay, **roster.ids(stay)}).with_columns(
        microevent_id=number,
        micro_specimen_id=number + 1_000_000,
        chartdate=stamp(midnight),
        charttime=stamp(taken),
        spec_itemid=part["specimen_item"],
        spec_type_desc=part["specimen"],
        test_seq=pl.lit(1),
        storedate=moments(known).dt.truncate("1d").dt.to_string("%Y-%m-%d %H:%M:%S"),
        storetime=stamp(known),
        test_itemid=part["test_item"],
        test_name=part["test"],
        org_itemid=part["organism_item"].set(~grew, None),
        org_name=part["organism"].set(~grew, None),
        **{name: pl.lit(None, pl.String) for name in BLANK},
    )
