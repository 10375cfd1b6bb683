"""Words of patients, and when they died."""

import numpy as np
import polars as pl
from jaxtyping import Bool, Int

from wardround.sources.synthetic.latent import LATTICE, sigmoid
from wardround.sources.synthetic.mimic.roster import DAY_MIN, Roster


def word(words: tuple[str | None, ...], which: np.ndarray, blank: np.ndarray | None = None) -> pl.Series:
    """Words by their places; null where blank."""
    chosen = pl.Series(words, dtype=pl.String).gather(which)
    return chosen if blank is None else chosen.set(pl.Series(blank), None)


def last_days(
    roster: Roster, rng: np.random.Generator
) -> tuple[Bool[np.ndarray, " patient"], Int[np.ndarray, " patient"]]:
    """Whether each of `roster.one_a_patient` died in hospital or within a year, and the minute of it (since 1970)."""
    one, stays = roster.one_a_patient, roster.stays
    last = np.append(one[1:], stays.size) - 1
    level = LATTICE[stays.of_stay("level")[last]]
    later = rng.random(one.size) < sigmoid(-2.6 + 0.6 * level)
    days = 1 + np.floor(rng.exponential(120, one.size)).astype(np.int64)
    dead = stays.died[last] | (later & (days < 365))
    return dead, roster.discharged[last] + np.where(stays.died[last], 0, days * DAY_MIN)
