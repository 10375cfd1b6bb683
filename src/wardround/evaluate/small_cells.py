"""Small cells: a count of 1 to 10 people is not shown, and neither is a count from which it could be worked out.

n women + n men = n stays:  hiding "4 women" is no use beside 207 stays and 203 men
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import numpy as np

MINIMUM: Final = 11
"""Smallest count that is shown: the US Centers for Medicare & Medicaid Services' cell size policy hides 1 to 10."""
SMALL: Final = f"<{MINIMUM}"
NOT_SHOWN: Final = "–"
LARGEST: Final = 10**12
ROUNDS: Final = 100
"""At most so many times are bounds carried from sum to sum; tables of a report settle in fewer than ten."""

Cell = TypeVar("Cell", bound=Hashable)


def is_small(count: int) -> bool:
    """Whether a count must not be shown. Zero may."""
    return 0 < count < MINIMUM


def is_small_share(count: int, total: int) -> bool:
    """Whether a share of `total` must not be shown: `count` is small, or what is left of the total is."""
    return is_small(min(count, total - count))


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
        The cells to hide. No small cell is then left a single value by its sums, by bounds carried from sum to sum, or
        by any linear combination of sums, even to a reader who knows which cells are small.
    """
    hidden = {cell for cell, count in counts.items() if is_small(count)}
    lines = [{total: -1, **dict.fromkeys(parts, 1)} for total, parts in sums]
    lines_of: dict[Cell, list[dict[Cell, int]]] = defaultdict(list)
    for line in lines:
        for cell in line:
            lines_of[cell].append(line)

    def price(cell: Cell) -> tuple[bool, int, bool, int]:
        """What hiding a cell costs: is it known, how many sums then need another, is it zero, its size."""
        broken = sum(_gives_away(counts, hidden | {cell}, line) for line in lines_of[cell])
        return cell in keep, broken, counts[cell] == 0, counts[cell]

    waiting = list(lines)
    while waiting:
        line = waiting.pop(0)
        shown = [cell for cell in line if cell not in hidden]
        if shown and _gives_away(counts, hidden, line):
            chosen = min(shown, key=price)
            hidden.add(chosen)
            waiting += lines_of[chosen]
        if not waiting:  # each sum by itself is safe: now all of them together
            found = _pinned(counts, hidden, lines)
            around = [cell for line in _touching(lines, found) for cell in line if cell not in hidden]
            if around:
                chosen = min(around, key=price)
                hidden.add(chosen)
                waiting += lines_of[chosen]
    return hidden


def _bounds(counts: Mapping[Cell, int], cell: Cell) -> tuple[int, int]:
    """What a reader knows of a hidden cell."""
    return (1, MINIMUM - 1) if is_small(counts[cell]) else (0, LARGEST)


def _rest(counts: Mapping[Cell, int], hidden: set[Cell], line: Mapping[Cell, int]) -> int:
    """What the hidden cells of a sum add up to, with their signs."""
    return -sum(sign * counts[cell] for cell, sign in line.items() if cell not in hidden)


def _tightened(
    known: Mapping[Cell, tuple[int, int]], line: Mapping[Cell, int], rest: int
) -> Iterator[tuple[Cell, tuple[int, int]]]:
    """The bounds of the hidden cells of one sum, given those of the others in it."""
    within = {cell: sign for cell, sign in line.items() if cell in known}
    signed = {cell: known[cell] if sign > 0 else (-known[cell][1], -known[cell][0]) for cell, sign in within.items()}
    lowest, highest = (sum(bound[side] for bound in signed.values()) for side in (0, 1))
    for cell, (low, high) in signed.items():
        at_least, at_most = max(low, rest - (highest - high)), min(high, rest - (lowest - low))
        yield cell, (at_least, at_most) if line[cell] > 0 else (-at_most, -at_least)


def _gives_away(counts: Mapping[Cell, int], hidden: set[Cell], line: Mapping[Cell, int]) -> bool:
    """Whether one sum by itself leaves a hidden cell a single value."""
    known = {cell: _bounds(counts, cell) for cell in line if cell in hidden}
    return any(low == high for _, (low, high) in _tightened(known, line, _rest(counts, hidden, line)))


def _pinned(counts: Mapping[Cell, int], hidden: set[Cell], lines: Sequence[Mapping[Cell, int]]) -> set[Cell]:
    """The small cells that all sums together leave a single value."""
    known = {cell: _bounds(counts, cell) for cell in hidden}
    rests = [_rest(counts, hidden, line) for line in lines]
    for _ in range(ROUNDS):
        before = dict(known)
        for line, rest in zip(lines, rests, strict=True):
            known |= dict(_tightened(known, line, rest))
        if known == before:
            break
    fixed = {cell for cell, (low, high) in known.items() if low == high}
    return {cell for cell in fixed | _solved(hidden, lines) if is_small(counts[cell])}


def _solved(hidden: set[Cell], lines: Sequence[Mapping[Cell, int]]) -> set[Cell]:
    """The hidden cells that are the same in every solution of the sums: no direction of the null space moves them."""
    cells = list(hidden)
    if not cells:
        return set()
    matrix = np.array([[line.get(cell, 0) for cell in cells] for line in lines], float)
    _, values, directions = np.linalg.svd(matrix, full_matrices=True)
    rank = int((values > 1e-9).sum())
    moves = np.abs(directions[rank:]).max(axis=0, initial=0.0)
    return {cell for cell, move in zip(cells, moves, strict=True) if move < 1e-9}


def _touching(lines: Sequence[Mapping[Cell, int]], cells: set[Cell]) -> list[Mapping[Cell, int]]:
    return [line for line in lines if not cells.isdisjoint(line)]
