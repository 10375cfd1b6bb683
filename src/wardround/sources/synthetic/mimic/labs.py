"""`labevents`: the results of the laboratory (`laboratory.py`) as rows of MIMIC-IV."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.lab_list import CENSORED
from wardround.sources.synthetic.laboratory import Results
from wardround.sources.synthetic.made import Made
from wardround.sources.synthetic.mimic.item_list import LAB_ITEMS, SPECIMEN
from wardround.sources.synthetic.mimic.roster import Roster

SPECIMENS: Final = 100
"""Numbers of specimens between two stays; a specimen is the draws of one stay at one minute, modulo this."""


def timely(roster: Roster, labs: Sequence[Results]) -> list[Results]:
    """Results whose draw before a return to the unit lies after the stay before it."""
    stays = roster.stays
    since = np.where(stays.visit > 1, roster.begun - np.append(roster.begun[:1], roster.ended[:-1]), 10**6)
    since = np.where(roster.first_of_admission == np.arange(stays.size), 10**6, since)
    return [made._replace(drawn_min=np.maximum(made.drawn_min, 1 - since[made.stay])) for made in labs]


def lab_rows(
    roster: Roster, labs: Sequence[Results], made: Made, before: int, rng: np.random.Generator
) -> pl.DataFrame:
    """The rows of MIMIC-IV's `labevents`, with `stay`; `before` are the rows of the chunks before."""
    rows = pl.concat(_rows(each, rng) for each in labs if each.test.name in LAB_ITEMS)
    gases = next(each for each in labs if each.test.name == "pH")
    rows = pl.concat([rows, _specimens(gases, rng)], how="diagonal_relaxed")
    stay, minute = rows["stay"].to_numpy(), rows["minute"].to_numpy()
    number = before + 1 + np.arange(rows.height)
    return rows.with_columns(
        **{name: pl.Series(value) for name, value in roster.ids(stay).items()},
        labevent_id=pl.Series(number),
        specimen_id=pl.Series((made.stays + stay) * SPECIMENS + minute % SPECIMENS),
        order_provider_id=pl.lit(None, pl.String),
        charttime=roster.stamp(stay, minute),
        storetime=roster.stamp(stay, rows["stored"].to_numpy()),
        comments=pl.lit(None, pl.String),
    )


def _specimens(gases: Results, rng: np.random.Generator) -> pl.DataFrame:
    """Of which blood each gas is: arterial in nine of ten."""
    words = pl.Series(["ART.", "VEN."]).gather((rng.random(gases.stay.size) < 0.1).astype(np.int64))
    frame = pl.DataFrame({"stay": gases.stay, "minute": gases.drawn_min, "stored": gases.known_min, "value": words})
    return frame.with_columns(itemid=pl.lit(SPECIMEN.itemid), priority=pl.lit("ROUTINE"))


def _rows(made: Results, rng: np.random.Generator) -> pl.DataFrame:
    item = LAB_ITEMS[made.test.name]
    below, above = CENSORED.get(made.test.name, (None, None))
    frame = pl.DataFrame(
        {"stay": made.stay, "minute": made.drawn_min, "stored": made.known_min, "valuenum": made.value}
    )
    text = pl.col("valuenum").cast(pl.String).str.strip_suffix(".0")
    if below is not None:
        text = pl.when(pl.col("valuenum") < below).then(pl.lit(f"<{below:g}")).otherwise(text)
    if above is not None:
        text = pl.when(pl.col("valuenum") > above).then(pl.lit(f">{above:g}")).otherwise(text)
    odd = pl.lit(False)
    if item.low is not None and item.high is not None:
        odd = ~pl.col("valuenum").is_between(item.low, item.high)
    urgent = pl.Series(rng.random(made.stay.size) < 0.4)
    frame = frame.with_columns(
        value=text,
        itemid=pl.lit(item.itemid),
        valueuom=pl.lit(item.unit, pl.String),
        ref_range_lower=pl.lit(item.low, pl.Float64),
        ref_range_upper=pl.lit(item.high, pl.Float64),
        flag=pl.when(odd).then(pl.lit("abnormal")),
        priority=pl.when(urgent).then(pl.lit("STAT")).otherwise(pl.lit("ROUTINE")),
    )
    bound = pl.col("value").str.contains("^[<>]")
    return frame.with_columns(valuenum=pl.when(~bound).then("valuenum"))
