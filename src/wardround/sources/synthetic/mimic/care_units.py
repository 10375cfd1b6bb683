"""In which unit and under which service a patient lies: by the cause of admission."""

from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.mimic.people import word
from wardround.sources.synthetic.mimic.roster import Roster, stamp
from wardround.sources.synthetic.population import CAUSE_NAMES

CARE: Final[dict[str, tuple[int | None, str, str]]] = {
    **dict.fromkeys(
        ("heart failure", "atrial arrhythmia", "myocardial infarction"), (4, "CMED", "Medicine/Cardiology")
    ),
    "cardiac arrest": (4, "CMED", "Medicine/Cardiology"),
    "bypass surgery": (5, "CSURG", "Cardiac Surgery"),
    "stroke": (6, "NMED", "Neurology"),
    "intracranial haemorrhage": (6, "NSURG", "Neurology"),
}
"""Cause of admission -> unit, service, ward; of the others `OTHER_CARE`."""
OTHER_CARE: Final = (None, "MED", "Medicine")


def units_of(roster: Roster, rng: np.random.Generator) -> np.ndarray:
    """The unit of each stay, as a place in the seven that a database names."""
    of_cause = [CARE.get(name, OTHER_CARE)[0] for name in CAUSE_NAMES]
    fixed = np.array([-1 if unit is None else unit for unit in of_cause])[roster.stays.of_stay("cause")]
    return np.where(fixed >= 0, fixed, rng.choice(4, roster.stays.size, p=[0.45, 0.3, 0.17, 0.08]))


def service_rows(roster: Roster, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `services`: the one at admission, and for some of those with a wait another one at unit admission."""
    one = roster.one_an_admission
    moved = one[(rng.random(one.size) < 0.25) & (roster.stays.before_min[one] > 0)]
    stay = np.concatenate([one, moved])
    again = np.arange(stay.size) >= one.size
    own = tuple(CARE.get(name, OTHER_CARE)[1] for name in CAUSE_NAMES)
    cause = roster.stays.of_stay("cause")[stay]
    changed = again | np.isin(stay, moved)
    before = word(own, cause)
    first = pl.Series(["MED"]).new_from_index(0, stay.size)
    return pl.DataFrame(
        {
            **roster.ids(stay),
            "transfertime": stamp(np.where(again, roster.begun[stay], roster.admitted[stay])),
            "prev_service": first.set(pl.Series(~again), None),
            "curr_service": before.set(pl.Series(changed & ~again), "MED"),
        }
    )
