"""The learning rate as a pure function of the step, so that nothing about it has to be saved."""

import math
from typing import Literal

Schedule = Literal["cosine", "constant"]


def learning_rate_factor(step: int, total_steps: int, warmup_fraction: float, schedule: Schedule) -> float:
    r"""The part of the full learning rate that step `step` (from 0) takes.

    A linear rise over the first `warmup_fraction` of the steps, then $\frac12(1 + \cos \pi p)$ where p goes from 0 to 1
    over the rest ("cosine"; Loshchilov & Hutter, ICLR 2017, without restarts), or 1 ("constant").

    Returns:
        A factor in [0, 1].
    """
    warmup_steps = round(warmup_fraction * total_steps)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if schedule == "constant":
        return 1.0
    part = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, part)))
