"""`prescriptions`: the orders of drugs (`mimic/care.py`), as MIMIC-IV writes them."""

import numpy as np
import polars as pl

from wardround.sources.synthetic.made import Made
from wardround.sources.synthetic.mimic.care import ordered
from wardround.sources.synthetic.mimic.roster import Roster


def prescription_rows(roster: Roster, made: Made, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `prescriptions`, with `stay`."""
    orders = ordered(roster.stays, rng)
    stay = orders["stay"].to_numpy()
    frame = orders.with_columns(
        **{name: pl.Series(value) for name, value in roster.ids(stay).items()},
        pharmacy_id=pl.Series(10_000_000 + made.rows["hosp/prescriptions"] + np.arange(stay.size)),
        starttime=roster.stamp(stay, orders["start"].to_numpy()),
        stoptime=roster.stamp(stay, orders["stop"].to_numpy()),
        drug_type=pl.lit("MAIN"),
    ).with_columns(poe_seq=pl.int_range(1, pl.len() + 1).over("subject_id"))
    blank = ("order_provider_id", "formulary_drug_cd", "gsn", "ndc", "prod_strength", "form_rx", "form_val_disp")
    return frame.with_columns(
        pl.format("{}-{}", "subject_id", "poe_seq").alias("poe_id"),
        *(pl.lit(None, pl.String).alias(name) for name in (*blank, "form_unit_disp", "doses_per_24_hrs")),
    )
