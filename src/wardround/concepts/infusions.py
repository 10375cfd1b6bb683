"""Rates of vasoactive drugs in each hour of a stay, from the starts and ends of their infusions.

A source writes a rate (`INFUSION//DRUG//UNIT`) where an infusion starts or is changed, and an amount
(`INFUSION_AMOUNT//DRUG//UNIT`) where it ends or is changed; of MIMIC-III's CareVue, which charts rates alone, an end
(`INFUSION_END//DRUG`) beside every rate and where a drip stops, so that a rate holds until the next charting. Each
start of a drug in a stay, by time, goes with the first later end that no start before it took; else it runs on. An end
while none runs, up to the very minute of a start, is nobody's: its rate was set aside. (Were it that start's where no
later end comes, a later end would change what ran before it. `prepare mimic4` writes no rate that lasts no time.) Two
bags of a drug at once are two infusions: which of them ends first is then a guess, but at every time the right number
of them runs.

An hour is known when all that began or ended before its end is.

Some rates of CareVue are by mass alone (mcg/min): they are told by the weight at their time, which is then part of when
they were known, or by 80 kg where none ever is, as in the MIMIC Code Repository.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl

from wardround.concepts.needs import Need
from wardround.concepts.rows import measured, with_latest
from wardround.concepts.weight import CODES as WEIGHTS
from wardround.concepts.weight import with_weight
from wardround.events import HOUR_US

DRUGS: Final = ("dopamine", "dobutamine", "epinephrine", "milrinone", "vasopressin", "norepinephrine")
"""Items 221662, 221653, 221289, 221986, 222315, 221906 of MIMIC-IV."""

RATES: Final[Mapping[str, str]] = {
    **{f"INFUSION//{drug}//mcg/kg/min": drug for drug in DRUGS if drug != "vasopressin"},
    "INFUSION//vasopressin//units/hr": "vasopressin",
}
BY_MASS: Final[Mapping[str, str]] = {
    f"INFUSION//{drug}//mcg/min": drug for drug in ("epinephrine", "norepinephrine", "dopamine", "dobutamine")
}
USUAL_KG: Final = 80.0
ENDS: Final[Mapping[str, str]] = {
    **{f"INFUSION_END//{drug}": drug for drug in DRUGS},
    **{f"INFUSION_AMOUNT//{drug}//{unit}": drug for drug in DRUGS if drug != "vasopressin" for unit in ("mg", "mcg")},
    "INFUSION_AMOUNT//vasopressin//units": "vasopressin",
}
CODES: Final = (*RATES, *BY_MASS, *ENDS, *WEIGHTS)
NEEDS: Final = (
    Need("drugs given", ("INFUSION_AMOUNT//", "BOLUS_AMOUNT//")),
    Need("ends of vasopressors", tuple(ENDS), where=(*RATES, *BY_MASS)),
)
"""Who was given no vasopressor was given other things; rates that nobody ended would run on and add up."""


def infusions(events: pl.DataFrame) -> pl.DataFrame:
    """`stay_id, drug, rate, starts, ends`: every infusion; a null end is one that nobody has told."""
    place = ["stay_id", "name"]
    nth = pl.int_range(pl.len()).over(place)
    starts = _starts(events).sort(*place, "time", "value").with_columns(nth=nth)
    ends = _ends(starts, measured(events, ENDS))
    of_something = ends.filter("of_something").sort(*place, "time").with_columns(nth=nth)
    both = starts.join(of_something.select(*place, "nth", ends="time"), on=[*place, "nth"], how="left")
    return both.select("stay_id", "ends", drug="name", rate="value", starts="time")


def _starts(events: pl.DataFrame) -> pl.DataFrame:
    """`stay_id, time, available_time, name, value` of the rates, those by mass alone by the weight of the patient."""
    columns = ["stay_id", "time", "available_time", "name", "value"]
    by_weight, by_mass = measured(events, RATES), measured(events, BY_MASS)
    if by_mass.is_empty():
        return by_weight.select(columns)
    weighed = with_weight(by_mass, events, at="time").with_columns(
        value=pl.col("value") / pl.col("weight_kg").fill_null(USUAL_KG),
        available_time=pl.max_horizontal("available_time", "weight_known"),
    )
    return pl.concat([by_weight.select(columns), weighed.select(columns)])


def _ends(starts: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """`stay_id, name, time, of_something` of the ends: whether more infusions of the drug started before it than ended.

    Starts count 1, ends -1, ends first at a minute of both: an end at which the sum is lower than ever, and below 0,
    finds nothing that runs. Without these the n-th start goes with the n-th end.
    """
    place = ["stay_id", "name"]
    steps = pl.concat([ends.select(*place, "time", step=-1), starts.select(*place, "time", step=1)])
    steps = steps.sort(*place, "time", "step").with_columns(running=pl.col("step").cum_sum().over(place))
    lowest = pl.col("running").cum_min().shift(fill_value=0).over(place).clip(upper_bound=0)
    steps = steps.with_columns(of_something=pl.col("running") >= lowest)
    return steps.filter(pl.col("step") == -1).select(*place, "time", "of_something")


def hourly_rates(events: pl.DataFrame, hours: pl.DataFrame) -> pl.DataFrame:
    """The infusions that run in each hour.

    Args:
        events: with the `INPUT_COLUMNS`.
        hours: `stay_id, start, hour, closes`, all from the first hour of a stay to its last.

    Returns:
        `stay_id, hour, drug, rate, since, until, share, at_end`: a row for each infusion and hour that it runs in; from
        when to when within it; the share of the hour, above 0; whether it runs when the hour ends. Rates in mcg/kg/min,
        of vasopressin in units/h.
    """
    opens = pl.col("closes") - pl.duration(hours=1)
    of_stay = hours.group_by("stay_id").agg(
        pl.col("start").first(), first=pl.col("hour").min(), last=pl.col("hour").max()
    )
    given = infusions(events).join(of_stay, on="stay_id")
    begins, ceases = (
        (pl.col(name) - pl.col("start")).dt.total_microseconds() // HOUR_US for name in ("starts", "ends")
    )
    first, last = pl.max_horizontal(begins, "first"), pl.min_horizontal(ceases, "last")
    given = given.with_columns(hour=pl.int_ranges(first, pl.max_horizontal(first, last + 1))).drop(
        "first", "last", "start"
    )
    running = given.explode("hour").join(hours.select("stay_id", "hour", "closes"), on=["stay_id", "hour"])
    running = running.filter(pl.col("starts") < pl.col("closes"), pl.col("ends").is_null() | (pl.col("ends") > opens))
    until, since = pl.min_horizontal("ends", "closes"), pl.max_horizontal("starts", opens)
    return running.select(
        "stay_id",
        "hour",
        "drug",
        "rate",
        since=since,
        until=until,
        share=(until - since).dt.total_microseconds() * (1 / HOUR_US),
        at_end=pl.col("ends").is_null() | (pl.col("ends") >= pl.col("closes")),
    ).filter(pl.col("share") > 0)


def with_infusions_known(hours: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Hours with `infusions_known`: when all that began or ended before their end is known; the end at the earliest.

    Args:
        hours: `stay_id, closes` and more.
        events: with the `INPUT_COLUMNS`.
    """
    both = [frame.select("stay_id", "time", "available_time") for frame in (_starts(events), measured(events, ENDS))]
    told = pl.concat(both).sort("stay_id", "time")
    told = told.select("stay_id", _time="time", _told=pl.col("available_time").cum_max().over("stay_id"))
    found = with_latest(hours, "closes", told.group_by("stay_id", "_time").agg(pl.col("_told").max()))
    return found.with_columns(infusions_known=pl.max_horizontal("closes", "_told")).drop("_time", "_told")
