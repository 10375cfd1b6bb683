"""What a comparison is: everything that decides its numbers, as one frozen value.

rows x tasks x splits x seeds  ->  cells, each a training and its evaluation (cells.py)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from wardround.metrics.bootstrap import DRAWS
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan

NO_ENCODERS: Final = "none"
"""The name under which a row takes no pretraining: its encoders, where it has any, start untrained."""

SearchSpace = Mapping[str, Any]
"""Setting -> `spaces.Range` or `spaces.Choice`."""


@dataclass(frozen=True)
class Encoders:
    """A pretraining that rows may start from, made anew for each split and seed.

    Attributes:
        name: in the recipe.
        assignments: `KEY=VALUE` of `wardround pretrain alignment --set`, the loss among them.
    """

    name: str
    assignments: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: in the table, and what `against` says.
        method: as on the command line.
        encoders: the pretraining that it starts from; None for none.
        assignments: `KEY=VALUE` of `--set`.
        seeds: of weights and batches; the metric is the mean over them.
        tasks: what it predicts.
        tuned: whether its settings are searched, where the recipe searches at all.
    """

    name: str
    method: str
    encoders: Encoders | None
    assignments: tuple[str, ...]
    seeds: tuple[int, ...]
    tasks: tuple[str, ...]
    tuned: bool = True


@dataclass(frozen=True)
class Search:
    """How settings are searched: on the validation side of each split, apart for each row and task.

    Attributes:
        trials: for every method.
        trials_of: method -> another number of trials.
        minutes: after so many no further trial begins; None for no limit.
        objective: task -> metric of the run's own validation side.
        spaces: method -> what is searched.
    """

    trials: int
    trials_of: Mapping[str, int] = field(default_factory=dict[str, int])
    minutes: float | None = None
    objective: Mapping[str, str] = field(default_factory=dict[str, str])
    spaces: Mapping[str, SearchSpace] = field(default_factory=dict[str, SearchSpace])

    def budget(self, method: str) -> int:
        """Trials of a method, for each of its searches."""
        return self.trials_of.get(method, self.trials)


@dataclass(frozen=True)
class Recipe:
    """A comparison.

    Attributes:
        data: a DATA folder.
        test_data: another one, on all stays of which every row is judged; None judges each on the test side of its
            split.
        tasks: a table for each.
        window: protocol and prediction hour.
        splits: who is on which side, folds one by one.
        rows: in the order of the table.
        against: the name of the row that the others are paired with.
        search: None where every row is trained as it stands.
        draws, seed: of the bootstrap; the seed of the search too.
    """

    data: Path
    test_data: Path | None
    tasks: tuple[str, ...]
    window: Window
    splits: tuple[SplitPlan, ...]
    rows: tuple[Row, ...]
    against: str
    search: Search | None = None
    draws: int = DRAWS
    seed: int = 0

    def rows_of(self, task: str) -> list[Row]:
        """The rows of a task's table."""
        return [row for row in self.rows if task in row.tasks]
