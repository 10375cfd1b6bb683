"""The same timelines with another future after a prediction time: what no prediction at that time may tell apart."""

from dataclasses import replace

import numpy as np
import polars as pl

from wardround.testing.random_timelines import random_events
from wardround.testing.timelines import APART, EVENT, STAY, Timelines


def other_future(timelines: Timelines, at_min: int, seed: int) -> Timelines:
    """Keep all that is available by `at_min`; delete, re-time, re-value, re-code and insert what comes later, outcomes
    included.

    A draw before `at_min` that is charted after it belongs to the future too. A stay that has left the unit by `at_min`
    keeps its end, which is known by then; the others get another one, and all get another outcome.
    """
    rng = np.random.default_rng([seed, 3])
    known = timelines.events.filter(pl.col("available") <= at_min)
    later = timelines.events.filter(pl.col("available") > at_min)
    later = later.filter(pl.Series(rng.random(later.height) < 0.7, dtype=pl.Boolean))
    later = _altered(later, at_min, rng)
    inserted = random_events(seed + 77, timelines.stays, 4, at_min)
    inserted = _altered(inserted.with_columns(available=pl.lit(at_min + 1.0)), at_min, rng)
    n = timelines.stays.height
    still_in = pl.col("end") > at_min
    end = pl.Series(at_min + 1 + rng.integers(0, 9000, n))
    died = pl.Series(rng.random(n) < 0.5)
    stays = timelines.stays.with_columns(end=pl.when(still_in).then(end).otherwise("end")).with_columns(
        hospital_end=pl.col("end") + pl.Series(rng.integers(0, 9000, n)),
        died_in_hospital=died,
        died_in_unit=died & pl.Series(rng.random(n) < 0.5),
    )
    events = pl.concat([known, later, inserted.with_columns(pl.col("value").fill_nan(None))])
    return Timelines(
        events.sample(fraction=1, shuffle=True, seed=seed), stays.select(pl.col(c).cast(k) for c, k in STAY.items())
    )


def twin_of(timelines: Timelines, at_min: int, seed: int) -> Timelines:
    """A twin of every stay, `APART` from it: the same past, another future, the other outcome. Of those still in the
    unit half leave at the next minute, the others after twenty days."""
    other = other_future(timelines, at_min, seed)
    inside, soon = pl.col("end") > at_min, pl.Series(np.arange(other.stays.height) % 2 == 0)
    end = pl.when(inside & soon).then(at_min + 1).when(inside).then(at_min + 20 * 1440).otherwise("end")
    died = ~timelines.stays["died_in_hospital"]
    twins = Timelines(other.events.with_columns(pl.col("stay_id") + APART), other.stays)
    return twins.with_stays(
        stay_id=pl.col("stay_id") + APART,
        subject_id=pl.col("subject_id") + APART,
        end=end,
        hospital_end=pl.when(died).then(end).otherwise(end + 3000),
        died_in_hospital=died,
        died_in_unit=died,
    )


def _altered(later: pl.DataFrame, at_min: int, rng: np.random.Generator) -> pl.DataFrame:
    """Other times, values and codes for events that become known after `at_min`, the first minute after it included."""
    n = later.height

    def pick(share: float) -> pl.Series:
        return pl.Series(rng.random(n) < share, dtype=pl.Boolean)

    available = at_min + np.where(rng.random(n) < 0.3, rng.choice([1 / 60, 0.5, 1], n), 1 + rng.integers(0, 6000, n))
    drawn = available - np.where(rng.random(n) < 0.4, 0, rng.integers(0, 4000, n))
    retimed, revalued, recoded = pick(0.5), pick(0.5), pick(0.3)
    unseen = pl.Series([f"//new {k}" for k in rng.integers(0, 5, n)], dtype=pl.String)
    return later.with_columns(
        available=pl.when(retimed).then(pl.Series(available)).otherwise("available"),
        minute=pl.when(retimed).then(pl.Series(drawn)).otherwise("minute"),
        value=pl.when(revalued).then(pl.Series(rng.normal(0, 1e4, n), dtype=pl.Float32)).otherwise("value"),
        code=pl.when(recoded).then(pl.col("modality").str.to_uppercase() + unseen).otherwise("code"),
    ).select(pl.col(name).cast(kind) for name, kind in EVENT.items())


def available_by(timelines: Timelines, at_min: float) -> Timelines:
    """What is known by `at_min`."""
    return replace(timelines, events=timelines.events.filter(pl.col("available") <= at_min))


def available_after(timelines: Timelines, at_min: float) -> Timelines:
    """What is not known by `at_min`."""
    return replace(timelines, events=timelines.events.filter(pl.col("available") > at_min))
