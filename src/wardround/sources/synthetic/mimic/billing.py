"""What a hospital stay was billed for.

Codes are given at discharge, so they may know the whole stay: complications go with the highest severity that any of
its unit stays reached.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from wardround.sources.synthetic.code import Code
from wardround.sources.synthetic.latent import LATTICE, sigmoid
from wardround.sources.synthetic.mimic.billing_list import PRIMARY
from wardround.sources.synthetic.mimic.roster import Roster


def worst_severity(roster: Roster) -> np.ndarray:
    """The highest severity of each hospital stay, a value for each of `roster.one_an_admission`."""
    stays, one = roster.stays, roster.one_an_admission
    highest = np.full(one.size, -1)
    admission = np.repeat(np.searchsorted(one, roster.first_of_admission), stays.hours)
    np.maximum.at(highest, admission, stays.path)
    return LATTICE[highest]


def seen_at_worst(roster: Roster) -> Float[np.ndarray, " admission"]:
    """The highest severity as those who bill see it."""
    return worst_severity(roster) + roster.stays.blur["billing"][roster.one_an_admission]


def drawn_codes(
    codes: Sequence[Code],
    seen: Float[np.ndarray, " admission"],
    more: Float[np.ndarray, "admission code"],
    rng: np.random.Generator,
) -> Bool[np.ndarray, "admission code"]:
    """Which codes each hospital stay has.

    Args:
        codes: that it may have.
        seen: `seen_at_worst`.
        more: what its traits add to the log odds of each.
        rng: the source of chance.
    """
    level, slope = np.array([(code.log_odds, code.by_severity) for code in codes]).T
    chance = sigmoid(level + np.outer(seen, slope) + more)
    return rng.random(chance.shape) < chance


def diagnosed(
    roster: Roster, had: Bool[np.ndarray, "admission code"]
) -> tuple[Int[np.ndarray, " row"], Int[np.ndarray, " row"]]:
    """Rows of diagnoses as hospital stay and code: of each its cause (a place in `PRIMARY`), then the codes that it
    has (places after those)."""
    one = roster.one_an_admission
    first = np.column_stack([np.arange(one.size), roster.stays.of_stay("cause")[one]])
    more = np.argwhere(had) + np.array([0, len(PRIMARY)])
    rows = np.concatenate([first, more])
    admission, place = rows[np.argsort(rows[:, 0], kind="stable")].T
    return admission, place
