"""What a search tries: for every method a space of its own, and how one is written in a recipe.

    [search.space.boosting]
    learning_rate = { low = 0.01, high = 0.1, log = true }
    leaves = { low = 7, high = 63 }                          whole numbers where both ends are
    stay_fraction = { choices = [0.5, 0.8, 1.0] }

The defaults span about an order of magnitude around each method's own defaults, in the settings that the literature
tunes: the step and the size of trees (Probst et al., JMLR 2019), learning rate, decay, width and dropout of networks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from wardround.compare.toml_table import TomlTable, as_text
from wardround.json_kinds import is_list


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, whole ones where both are; `log`: each factor is as likely as another."""

    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def as_json(self) -> dict[str, Any]:
        """For the manifest."""
        return {"low": self.low, "high": self.high, "log": self.log}

    def holds(self, value: Any) -> bool:
        """Whether a value lies in it."""
        number = isinstance(value, int if self.whole else int | float) and not isinstance(value, bool)
        return number and self.low <= value <= self.high

    def ends(self) -> list[str]:
        """The values at the edge, as `--set` takes them."""
        return [as_text(self.low), as_text(self.high)]


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Any, ...]

    def as_json(self) -> dict[str, Any]:
        """For the manifest."""
        return {"choices": list(self.values)}

    def holds(self, value: Any) -> bool:
        """Whether a value is one of them."""
        return any(type(value) is type(one) and value == one for one in self.values)

    def ends(self) -> list[str]:
        """Every value, as `--set` takes it."""
        return [as_text(value) for value in self.values]


Space = Mapping[str, Range | Choice]

_LOOP: Final[Space] = {
    "loop.learning_rate": Range(1e-4, 3e-3, log=True),
    "loop.weight_decay": Range(1e-4, 1e-1, log=True),
}
_STATIC: Final[Space] = {
    **_LOOP,
    "model.hidden": Choice((32, 64, 128)),
    "model.dropout": Range(0.2, 0.7),
    "model.modality_dropout_prob": Range(0.0, 0.3),
    "model.shrinkage": Range(0.01, 10.0, log=True),
}

SPACES: Final[Mapping[str, Space]] = MappingProxyType(
    {
        "mlp": _STATIC,
        "lstm": _STATIC,
        "trajectory": {
            **_LOOP,
            "model.decoder.hidden": Choice((32, 64, 128)),
            "model.decoder.dropout": Range(0.1, 0.7),
            "model.dropout": Range(0.2, 0.7),
            "model.shrinkage": Range(0.01, 10.0, log=True),
            "model.modality_dropout_prob": Range(0.0, 0.3),
        },
        "grud": {**_LOOP, "model.hidden": Choice((16, 32, 64)), "model.dropout": Range(0.0, 0.5)},
        "boosting": {
            "model.learning_rate": Range(0.01, 0.1, log=True),
            "model.leaves": Range(4, 63, log=True),
            "model.min_leaf_stays": Range(10, 100, log=True),
            "model.column_fraction": Range(0.1, 1.0),
            "model.stay_fraction": Range(0.4, 1.0),
            "model.l2": Range(0.01, 100.0, log=True),
        },
        "logistic": {"model.clip": Range(2.0, 10.0), "inputs.features.min_stay_share": Range(0.01, 0.2, log=True)},
    }
)
"""Method -> setting -> what is tried. A method that is not here has nothing to search; `logistic` chooses its penalty
on validation by itself. Encoders keep their size: they may come from a pretraining."""


def read_space(table: TomlTable, prefix: str = "") -> Space:
    """A space as a recipe writes it; a dotted key may stand without quotes. Raises `UsageError` naming the file and the
    key."""
    found: dict[str, Range | Choice] = {}
    for key, inner in table.named_tables().items():
        if "choices" in inner.values:
            found[prefix + key] = _read_choice(inner)
        elif {"low", "high"} & set(inner.values):
            found[prefix + key] = _read_range(inner)
        else:
            found |= read_space(inner, f"{prefix}{key}.")
            continue
        inner.close()
    if not found:
        raise table.refuse("", "give a setting with { low, high, log } or { choices }.")
    return found


def _read_choice(table: TomlTable) -> Choice:
    table.asked.append("choices")
    values = table.values["choices"]
    if not is_list(values) or not values or any(not isinstance(one, str | int | float | bool) for one in values):
        raise table.refuse("choices", "a list of values is expected.")
    return Choice(tuple(values))


def _read_range(table: TomlTable) -> Range:
    both_whole = all(isinstance(table.values.get(key), int) for key in ("low", "high"))
    kind = int if both_whole else float
    low, high, log = table.take("low", kind), table.take("high", kind), table.take("log", bool, False)
    if low >= high:
        raise table.refuse("high", "must be above low.")
    if log and low <= 0:
        raise table.refuse("low", "must be above 0 where log = true.")
    return Range(low, high, log)
