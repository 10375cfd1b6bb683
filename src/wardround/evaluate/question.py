"""What is asked of a run."""

from dataclasses import dataclass

from wardround.errors import UsageError
from wardround.metrics.bootstrap import DRAWS
from wardround.train.run_folder import Run

SPLITS = ("test", "val", "train", "all")


@dataclass(frozen=True)
class Question:
    """What is asked of a run.

    Attributes:
        split: "test", "val", "train" of the run's own split, or "all" stays of the cohort rule.
        at_h: prediction hour; None takes the run's own.
        without: modalities to leave out, as if never recorded.
        labelled: False predicts for stays without a label too.
        draws: bootstrap draws of each interval.
        seed: of the draws.

    Raises:
        UsageError: at construction, for an unknown split or a negative seed.
    """

    split: str = "test"
    at_h: float | None = None
    without: tuple[str, ...] = ()
    labelled: bool = True
    draws: int = DRAWS
    seed: int = 0

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise UsageError(f"--split {self.split}: one of {', '.join(SPLITS)}.")
        if self.seed < 0:
            raise UsageError(f"--seed {self.seed}: give 0 or more.")


def no_stay_on(side: str, run: Run) -> str:
    """What to say where data has no stay on a side of the run's split."""
    mend = "For another cohort ask for --split all."
    if not run.plan.split.test:
        mend = f"The run tests on nobody (--no-test): ask for --split val here. {mend}"
    return f"this data has no stay on the run's {side} side. {mend}"
