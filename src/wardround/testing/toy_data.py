"""Small DATA folders to try a method on: one in which every modality tells the outcome, and one with two futures."""

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from wardround.testing.data_folder import write_data
from wardround.testing.other_futures import other_future
from wardround.testing.random_timelines import random_timelines
from wardround.testing.timelines import EVENT, Timelines

AT_MIN: Final = 24 * 60
STAYS: Final = 300
SILENT_EVERY: Final = 12
"""Of so many stays one has no event at all."""


def telling_timelines(seed: int, n: int = STAYS) -> Timelines:
    """Random stays, of which about four in ten die. Every number of theirs is higher, and each has a code of its own in
    every modality that has it at all: whatever a method reads, there is something to learn. Some have no event."""
    made = random_timelines(seed, n, AT_MIN, per_stay=20)
    died = pl.Series(np.random.default_rng([seed, 5]).random(n) < 0.4)
    stays = made.with_stays(died_in_hospital=died).stays
    dying = stays.filter("died_in_hospital")["stay_id"].implode()
    of_them = pl.col("stay_id").is_in(dying)
    higher = made.events.with_columns(value=pl.when(of_them).then(pl.col("value") + 60).otherwise("value"))
    signs = higher.filter(of_them, pl.col("modality") != "score").unique(["stay_id", "modality"], maintain_order=True)
    signs = signs.with_columns(
        minute=pl.lit(5.0),
        available=pl.lit(5.0),
        code=pl.col("modality").str.to_uppercase() + "//sign",
        value=pl.lit(None, pl.Float32),
    )
    events = pl.concat([higher, signs.select(pl.col(name).cast(kind) for name, kind in EVENT.items())])
    silent = stays["stay_id"].sort().gather_every(SILENT_EVERY).implode()
    return Timelines(events.filter(~pl.col("stay_id").is_in(silent)), stays)


def telling_data(folder: Path) -> Path:
    """Such stays as a DATA folder."""
    return write_data(folder, telling_timelines(11))


def two_futures(folder: Path) -> tuple[Path, Path]:
    """Other such stays twice: equal in all that is known by 24 h, another future and outcome after it."""
    one = telling_timelines(12, STAYS // 4)
    return write_data(folder / "one", one), write_data(folder / "other", other_future(one, AT_MIN, seed=13))
