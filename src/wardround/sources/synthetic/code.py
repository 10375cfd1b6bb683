"""A code of a raw table, and when it is charted.

Each code of a list may be charted once a day in the first week, at an exponential time from the day's beginning, with
a probability that depends on the severity seen at that time (`stays.py`) and is lower after the first day. What would
come after the stay's end is not charted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float

from wardround.sources.synthetic.latent import sigmoid
from wardround.sources.synthetic.population import CAUSE_NAMES, COMORBIDITY_NAMES
from wardround.sources.synthetic.stays import Stays

MEAN_DELAY_MIN: Final = 480
DAYS: Final = 7
LATER_DAY_LOG_ODDS: Final = -0.5


@dataclass(frozen=True)
class Code:
    """A code and when it is charted: P = sigmoid(log_odds + by_severity seen + sum of `more` over the stay's traits).

    Attributes:
        text: the code as it stands in the table.
        log_odds: at severity 0; infinite for what every stay has.
        by_severity: change per unit of severity.
        more: added log odds by cause of admission or comorbidity.
        detail: the other columns that belong to the code.
    """

    text: str
    log_odds: float
    by_severity: float = 0.0
    more: dict[str, float] = field(default_factory=dict[str, float])
    detail: tuple[str | None, ...] = ()


def traits(more: dict[str, float]) -> dict[str, float]:
    """Names of causes and comorbidities as keyword arguments spell them, back in their own spelling."""
    return {name.replace("_", " "): value for name, value in more.items()}


def by_traits(stays: Stays, codes: Sequence[Code]) -> Float[np.ndarray, "stay code"]:
    """What each stay's cause and comorbidities add to the log odds of each code."""
    of_stay = np.concatenate([np.eye(len(CAUSE_NAMES))[stays.of_stay("cause")], stays.of_stay("comorbidity")], axis=1)
    more = np.array([[code.more.get(name, 0.0) for code in codes] for name in CAUSE_NAMES + COMORBIDITY_NAMES])
    return of_stay @ more


def charted(
    stays: Stays, codes: Sequence[Code], modality: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows as stay, place in `codes`, offset in minutes; ordered by stay."""
    day = np.repeat(np.arange(DAYS), len(codes))
    level = np.tile([code.log_odds for code in codes], DAYS)
    level = np.where(day > 0, np.minimum(level, 0) + LATER_DAY_LOG_ODDS, level)
    log_odds = level + np.tile(by_traits(stays, codes), (1, DAYS))
    offset = 1440 * day + 1 + np.floor(rng.exponential(MEAN_DELAY_MIN, log_odds.shape)).astype(np.int64)
    every = np.broadcast_to(np.arange(stays.size)[:, None], offset.shape)
    seen = stays.seen(modality, every, offset // 60)
    chance = sigmoid(log_odds + np.tile([code.by_severity for code in codes], DAYS) * seen)
    in_time = (offset <= stays.unit_min[:, None]) | np.isinf(log_odds)
    stay, place = np.nonzero((rng.random(chance.shape) < chance) & in_time)
    return stay, place % len(codes), np.minimum(offset[stay, place], stays.unit_min[stay])
