"""When an infection was suspected: an antibiotic and a culture, one within the time of the other.

    suspicion_of_infection             1, at the time of the culture where it came first, else of the antibiotic
    suspicion_of_infection_positive    1 where something grew in that culture, else 0 (cancelled ones too)

Source: `suspicion_of_infection` of the MIMIC Code Repository (mimic-iv/concepts/sepsis), after Seymour et al., JAMA
315:762-774 (2016). Each antibiotic that was started in the unit goes with the first culture of the 72 hours before it,
else with the first of the 24 hours after it; of the patient, in the unit or not. A culture of a day alone counts from
three days before to a day after the day of the antibiotic, and as of the beginning of its day. Several antibiotics with
one culture are one suspicion.

That a specimen was taken is known at once, what grew days later. So a suspicion is known when its antibiotic has
started and its specimen is taken (where the culture came second, later than its own time), and not before those of the
antibiotics before it in the stay, which could have been the first of that culture; whether it was positive is known
when all results of the specimens of that time are.
"""

from typing import Final

import polars as pl

from wardround.concepts.antibiotics import ORDERED, antibiotics
from wardround.concepts.needs import Need
from wardround.concepts.rows import hours_since, long_rows, of_the_patient, sorted_rows

SPECIMEN: Final = "SPECIMEN//"
RESULT: Final = "MICROBIOLOGY//"
DAY_ALONE: Final = "day alone"
"""The words of a specimen without a time of day; its event lies at the end of the day."""
FAMILIES: Final = (ORDERED, SPECIMEN, RESULT)
NEEDS: Final = (Need("orders of drugs", (ORDERED,)), Need("specimens taken", (SPECIMEN,)))
NOTHING_GREW: Final = ("NEGATIVE", "CANCELLED")

_DAY: Final = pl.duration(days=1)
_HOURS_72, _HOURS_24 = pl.duration(hours=72), pl.duration(hours=24)


def suspicion_of_infection(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """The suspicions of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `subject_id, stay_id, start, end, in_unit_until`.

    Returns:
        Rows with the `ROW_COLUMNS`; `time_h` is when the infection was suspected, below 0 before the unit.
    """
    found = suspicions(events, stays).join(stays.select("stay_id", "start"), on="stay_id")
    found = found.with_columns(time_h=hours_since("time"), suspicion_of_infection=1.0)
    results = found.rename({"positive": "suspicion_of_infection_positive"})
    return sorted_rows(
        pl.concat(
            [
                long_rows(found.with_columns(available_time="known"), ["suspicion_of_infection"]),
                long_rows(
                    results.with_columns(available_time=pl.max_horizontal("known", "results_known")),
                    ["suspicion_of_infection_positive"],
                ),
            ]
        )
    )


def suspicions(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """`stay_id, time, known, positive, results_known`: a row for each time at which an infection was suspected.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `subject_id, stay_id, start, end, in_unit_until`.
    """
    until = stays.select("stay_id", "start", _until=pl.coalesce("end", "in_unit_until")).drop_nulls()
    given = antibiotics(events).join(until, on="stay_id")
    given = given.filter(pl.col("time").is_between("start", "_until", closed="left"))
    given = given.select("stay_id", "time", given_known="known")
    both = given.join(_cultures(events, stays), on="stay_id")
    day, taken = pl.col("time").dt.truncate("1d"), pl.col("taken")
    before = (
        pl.when("day_alone").then(day.is_between(taken, taken + 3 * _DAY))
        .otherwise((pl.col("time") > taken) & (pl.col("time") <= taken + _HOURS_72))
    )  # fmt: skip
    after = (
        pl.when("day_alone").then(day.is_between(taken - _DAY, taken))
        .otherwise((pl.col("time") >= taken - _HOURS_24) & (pl.col("time") < taken))
    )  # fmt: skip
    both = both.with_columns(before=before, after=after).filter(pl.col("before") | pl.col("after"))
    both = both.sort("stay_id", "time", ~pl.col("before"), pl.col("taken").dt.truncate("1d"), "day_alone", "taken")
    pairs = both.group_by("stay_id", "time", maintain_order=True).first()
    known = pl.max_horizontal("given_known", "taken_known").dt.epoch("us").cum_max().over("stay_id")
    pairs = pairs.with_columns(known=pl.from_epoch(known, "us"), time=pl.when("before").then("taken").otherwise("time"))
    pairs = pairs.group_by("stay_id", "time", maintain_order=True).first()
    return pairs.select("stay_id", "time", "known", "positive", "results_known")


def _cultures(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """`stay_id, taken, day_alone, taken_known, positive, results_known`: the cultures of each stay's patient, a row for
    each time; of a day alone at its beginning."""
    told = events.drop_nulls(["stay_id", "time", "available_time"])
    ours = pl.any_horizontal(pl.col("code").str.starts_with(family) for family in (SPECIMEN, RESULT))
    told = of_the_patient(told.filter(ours), stays)
    path = pl.col("code").str.strip_prefix(RESULT).str.split("|")
    organism = path.list.get(2, null_on_oob=True)
    results = told.filter(pl.col("code").str.starts_with(RESULT)).with_columns(
        specimen=path.list.first(), grew=organism.is_not_null() & ~organism.is_in(NOTHING_GREW).fill_null(False)
    )
    results = results.group_by("stay_id", "time", "specimen").agg(
        positive=pl.col("grew").any().cast(pl.Float64), results_known=pl.col("available_time").max()
    )
    taken = told.filter(pl.col("code").str.starts_with(SPECIMEN)).with_columns(
        specimen=pl.col("code").str.strip_prefix(SPECIMEN),
        day_alone=(pl.col("text_value") == DAY_ALONE).fill_null(False),
    )
    taken = taken.join(results, on=["stay_id", "time", "specimen"], how="left")
    at = pl.when("day_alone").then(pl.col("time") - _DAY).otherwise("time")
    return taken.group_by("stay_id", "day_alone", taken=at).agg(
        pl.col("positive", "results_known").max(), taken_known=pl.col("available_time").max()
    )
