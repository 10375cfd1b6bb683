"""`PRESCRIPTIONS`: the orders of drugs (`mimic/care.py`), by days."""

from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.mimic.care import ordered
from wardround.sources.synthetic.mimic.roster import DAY_MIN, Roster, stamp

BLANK: Final = (
    *("drug_name_poe", "drug_name_generic", "formulary_drug_cd", "gsn", "ndc", "prod_strength"),
    *("form_val_disp", "form_unit_disp"),
)


def prescription_rows(roster: Roster, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `PRESCRIPTIONS`, with `stay` and `minute`: one a drug and day.

    A drug that was begun on the day on which a stay ended, or its hospital stay did, is not there: with days alone
    nobody could say that it was of this stay.
    """
    orders = ordered(roster.stays, rng)
    stay = orders["stay"].to_numpy()
    start, stop = (roster.begun[stay] + orders[name].to_numpy() for name in ("start", "stop"))
    again = np.append(roster.first_of_admission[1:] == roster.first_of_admission[:-1], False)
    until = np.where(again, roster.ended, roster.discharged)[stay]
    day = start // DAY_MIN * DAY_MIN
    frame = orders.with_columns(
        **{name: pl.Series(value) for name, value in roster.ids(stay).items()},
        icustay_id=pl.Series(roster.stay_id[stay]),
        minute=pl.col("start"),
        startdate=stamp(day),
        enddate=stamp(stop // DAY_MIN * DAY_MIN),
        drug_type=pl.lit("MAIN"),
        **{name: pl.lit(None, pl.String) for name in BLANK},
    ).filter(pl.Series(day + DAY_MIN <= until))
    return frame.unique(["stay", "drug", "startdate"], keep="first", maintain_order=True)
