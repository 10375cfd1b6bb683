"""Small finished runs for tests: DATA of random timelines, and trainings of one epoch with narrow models.

`published` makes the scores of random timelines plausible: probabilities and days.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from timelines import Timelines, random_timelines, write_data
from wardround.methods.registry import FITTED, METHODS
from wardround.settings import override
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.train.plan import PretrainSettings
from wardround.train.pretrain import Finished, pretrain
from wardround.train.supervised import train

STAYS = 150
LOOP = ("loop.epochs=1", "loop.learning_rate=3e-3")
ENCODER = ("encoder.hidden=8", "encoder.embed=4")
OWN = ("model.hidden=8",)
DECODER = ("decoder.hidden=8", "decoder.heads=2", "decoder.layers=1", "decoder.mlp_hidden=8", "budget=4096")
FIT = {"boosting": ("rounds=20", "min_leaf_stays=5"), "logistic": ("penalties=1,0.1",)}
RISK, DAYS = "APACHE//IVa//predictedhospitalmortality", "APACHE//IVa//predictedhospitallos"


def published(timelines: Timelines) -> Timelines:
    """The same timelines with risks between 0 and 1, and hospital stays of 0 to 30 days, all known at 24 h."""
    share = pl.col("value").abs().log1p() / 12
    value = pl.when(pl.col("code") == RISK).then(share).when(pl.col("code") == DAYS).then(30 * share).otherwise("value")
    return Timelines(timelines.events.with_columns(value=value.cast(pl.Float32)), timelines.stays)


def small_data(folder: Path, seed: int = 3, stays: int = STAYS) -> Path:
    """A DATA folder of random timelines."""
    return write_data(folder, published(random_timelines(seed, stays)))


def aligned(
    data: Path, to: Path, *settings: str, window: Window | None = None, split: SplitPlan | None = None, seed: int = 0
) -> Finished:
    """Pretrain for one epoch."""
    chosen = override(PretrainSettings(), [*LOOP, *ENCODER, *settings])
    return pretrain(data, to, window or Window(), split or SplitPlan(), chosen, seed, quiet=True)


def own_settings(method: str, own_encoders: bool = True) -> tuple[str, ...]:
    """What makes a method's models narrow."""
    if not METHODS[method].encodes:
        return OWN
    return (*(ENCODER if own_encoders else ()), *(DECODER if method == "trajectory" else ()))


def trained(
    method: str,
    data: Path,
    to: Path,
    *settings: str,
    task: str = "mortality",
    window: Window | None = None,
    split: SplitPlan | None = None,
    encoders: Path | None = None,
    seed: int = 0,
) -> Finished:
    """Train for one epoch; encoders bring their own size."""
    chosen: Sequence[str] = ()
    if method in FITTED:
        chosen = (*FIT[method], *settings)
    elif method not in ("score", "elapsed"):
        chosen = (
            *LOOP,
            *own_settings(method, encoders is None),
            *settings,
        )
    return train(method, data, task, to, window or Window(), split or SplitPlan(), encoders, chosen, seed, quiet=True)
