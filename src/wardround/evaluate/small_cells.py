"""Small cells: a count of 1 to 10 people is not shown, and neither is a count from which it could be worked out.

    n women + n men = n stays:  hiding "4 women" is no use beside 207 stays and 203 men
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Final, TypeVar

MINIMUM: Final = 11
"""Smallest count that is shown: the US Centers for Medicare & Medicaid Services' cell size policy hides 1 to 10."""
SMALL: Final = f"<{MINIMUM}"
NOT_SHOWN: Final = "–"

Cell = TypeVar("Cell", bound=Hashable)


def is_small(count: int) -> bool:
    """Whether a count must not be shown. Zero may."""
    return 0 < count < MINIMUM


def count_text(count: int) -> str:
    """A count that stands alone, `<11` where it is small."""
    return SMALL if is_small(count) else f"{count:,}"


def hidden_cells(counts: Mapping[Cell, int], sums: Sequence[tuple[Cell, Sequence[Cell]]]) -> set[Cell]:
    """The small cells, and as many others as it takes that no sum gives one of them away.

    Args:
        counts: every count, shown or not.
        sums: (total, parts that add up to it), as many as a reader knows of.

    Returns:
        The cells to hide. For each sum by itself, every hidden cell can then still be more than one number, even to a reader who knows
        which of them are small.
    """
    hidden = {cell for cell, count in counts.items() if is_small(count)}
    again = True
    while again:
        again = False
        for total, parts in sums:
            line = {total: -1, **dict.fromkeys(parts, 1)}
            while _gives_away(counts, hidden, line):
                shown = [cell for cell in line if cell not in hidden]
                if not shown:
                    break
                hidden.add(min(shown, key=lambda cell: (counts[cell] == 0, counts[cell], cell == total)))
                again = True
    return hidden


def _gives_away(counts: Mapping[Cell, int], hidden: set[Cell], line: Mapping[Cell, int]) -> bool:
    """Whether sum(sign * count) = 0 and the bounds of the hidden cells leave one of them a single value."""
    rest = -sum(sign * counts[cell] for cell, sign in line.items() if cell not in hidden)
    bounds = {cell: (1, MINIMUM - 1) if is_small(counts[cell]) else (0, 10**12) for cell in line if cell in hidden}
    signed = {cell: (low, high) if line[cell] > 0 else (-high, -low) for cell, (low, high) in bounds.items()}
    lowest, highest = (sum(bound[side] for bound in signed.values()) for side in (0, 1))
    for low, high in signed.values():
        at_least = max(low, rest - (highest - high))
        at_most = min(high, rest - (lowest - low))
        if at_least == at_most:
            return True
    return False
