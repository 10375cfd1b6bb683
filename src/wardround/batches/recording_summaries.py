"""What the mere recording of codes tells at a prediction time: how often, for how long, how recently; NaN hours where
never."""

from typing import Final

import numpy as np
from jaxtyping import Float, Int

RECORDING: Final = ("count", "since_first_h", "since_last_h")


def recording_summaries(
    stay: Int[np.ndarray, "item"],
    code: Int[np.ndarray, "item"],
    minute: Int[np.ndarray, "item"],
    now_min: Float[np.ndarray, "stay"],
    codes: int,
) -> Float[np.ndarray, "stay summary code"]:
    """Every summary of `RECORDING` for every code of some stays.

    Args:
        stay, code, minute: of each item, in any order.
        now_min: prediction time of each stay in minutes from unit admission.
        codes: how many there are.

    Returns:
        Counts, 0 where never; hours from the first and from the last item to the prediction, NaN where never.
    """
    cells = len(now_min) * codes
    cell = stay * codes + code
    count = np.bincount(cell, minlength=cells).astype(np.float64)
    first, last = np.full(cells, np.inf), np.full(cells, -np.inf)
    np.minimum.at(first, cell, minute)
    np.maximum.at(last, cell, minute)
    now = np.repeat(now_min, codes)
    since = [np.where(count > 0, now - minutes, np.nan) / 60 for minutes in (first, last)]
    return np.stack([count, *since]).reshape(len(RECORDING), len(now_min), codes).transpose(1, 0, 2)
