"""The history of a training: one row an epoch, without clock times, so that equal trainings have equal histories."""

from collections.abc import Mapping

from wardround.train.state import Counters, finite_or_none

Row = dict[str, float | None]
_FIRST = ("epoch", "step", "learning_rate")


def history_row(counters: Counters, learning_rate: float, metrics: Mapping[str, float]) -> Row:
    """The row of the epoch that ends.

    Args:
        counters: with the epoch's sums still in them.
        learning_rate: of its last step.
        metrics: its validation values.

    Returns:
        `epoch` (from 0), `step` (taken so far), `learning_rate`, `train_*` (means over the batches that have the value)
        and `val_*`; null where not finite.
    """
    row: Row = {"epoch": counters.epoch, "step": counters.step, "learning_rate": learning_rate}
    row |= {f"train_{name}": finite_or_none(value) for name, value in counters.means().items()}
    return row | {f"val_{name}": finite_or_none(value) for name, value in metrics.items()}


def in_order(row: Row) -> Row:
    """The row with its columns in the one order, whether it was just made or read back from JSON."""
    names = [name for name in _FIRST if name in row] + sorted(row.keys() - set(_FIRST))
    return {name: row[name] for name in names}
