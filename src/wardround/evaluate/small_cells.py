"""Small cells: a count of 1 to 10 people is not shown, and neither is a count from which it could be worked out.

    n women + n men = n stays:  hiding "4 women" is no use beside 207 stays and 203 men
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Final, TypeVar

MINIMUM: Final = 11
"""Smallest count that is shown: the US Centers for Medicare & Medicaid Services' cell size policy hides 1 to 10."""
SMALL: Final = f"<{MINIMUM}"
NOT_SHOWN: Final = "–"
LARGEST: Final = 10**12

Cell = TypeVar("Cell", bound=Hashable)


def is_small(count: int) -> bool:
    """Whether a count must not be shown. Zero may."""
    return 0 < count < MINIMUM


def count_text(count: int, hidden: bool = False) -> str:
    """A count for a reader: `<11` where it is small, a dash where it is hidden for the sake of another."""
    return SMALL if is_small(count) else NOT_SHOWN if hidden else f"{count:,}"


def hidden_cells(
    counts: Mapping[Cell, int], sums: Sequence[tuple[Cell, Sequence[Cell]]], keep: Collection[Cell] = ()
) -> set[Cell]:
    """The small cells, and as many others as it takes that no sum gives one of them away.

    Args:
        counts: every count, shown or not.
        sums: (total, parts that add up to it), as many as a reader knows of.
        keep: cells that a reader knows from elsewhere, hidden only where nothing else is left.

    Returns:
        The cells to hide. For each sum by itself, every hidden cell can then still be more than one number, even to a reader who knows
        which of them are small.
    """
    hidden = {cell for cell, count in counts.items() if is_small(count)}
    lines = [{total: -1, **dict.fromkeys(parts, 1)} for total, parts in sums]
    lines_of = defaultdict(list)
    for line in lines:
        for cell in line:
            lines_of[cell].append(line)

    def price(cell: Cell) -> tuple[bool, int, bool, int]:
        """What hiding a cell would cost: whether it is known, sums that then need another, whether it is zero, how much is lost."""
        return cell in keep, sum(_gives_away(counts, hidden | {cell}, line) for line in lines_of[cell]), counts[cell] == 0, counts[cell]

    waiting = list(lines)
    while waiting:
        line = waiting.pop(0)
        shown = [cell for cell in line if cell not in hidden]
        if shown and _gives_away(counts, hidden, line):
            chosen = min(shown, key=price)
            hidden.add(chosen)
            waiting += lines_of[chosen]
    return hidden


def _gives_away(counts: Mapping[Cell, int], hidden: set[Cell], line: Mapping[Cell, int]) -> bool:
    """Whether sum(sign * count) = 0 and the bounds of the hidden cells leave one of them a single value."""
    rest = -sum(sign * counts[cell] for cell, sign in line.items() if cell not in hidden)
    bounds = {cell: (1, MINIMUM - 1) if is_small(counts[cell]) else (0, LARGEST) for cell in line if cell in hidden}
    signed = [(low, high) if line[cell] > 0 else (-high, -low) for cell, (low, high) in bounds.items()]
    lowest, highest = (sum(bound[side] for bound in signed) for side in (0, 1))
    return any(max(low, rest - (highest - high)) == min(high, rest - (lowest - low)) for low, high in signed)
