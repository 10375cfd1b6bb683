"""Small cells stay hidden from a reader with a linear programme; without the second step the same attack finds them."""

import numpy as np
import pytest
from scipy.optimize import linprog

from wardround.evaluate import small_cells
from wardround.evaluate.small_cells import MINIMUM, count_text, hidden_cells, is_small


def table(rng: np.random.Generator) -> tuple[dict, list]:
    """Two to four groups by two or three categories, with all margins known."""
    n_rows, n_columns = rng.integers(2, 5), rng.integers(2, 4)
    inner = rng.integers(0, 40, (n_rows, n_columns)) * rng.integers(0, 2, (n_rows, n_columns))
    full = np.pad(inner, ((0, 1), (0, 1)))
    full[-1, :-1], full[:, -1] = inner.sum(axis=0), np.r_[inner.sum(axis=1), inner.sum()]
    counts = {(i, j): int(full[i, j]) for i in range(n_rows + 1) for j in range(n_columns + 1)}
    sums = [((i, n_columns), [(i, j) for j in range(n_columns)]) for i in range(n_rows + 1)]
    sums += [((n_rows, j), [(i, j) for i in range(n_rows)]) for j in range(n_columns + 1)]
    return counts, sums


def recovered(counts: dict, sums: list, hidden: set) -> list:
    """The small cells that all sums and bounds together leave a single value."""
    cells = sorted(hidden)
    if not cells:
        return []
    place = {cell: index for index, cell in enumerate(cells)}
    left, right = [], []
    for total, parts in sums:
        row, rest = np.zeros(len(cells)), 0
        for cell, sign in [(total, -1), *((part, 1) for part in parts)]:
            if cell in place:
                row[place[cell]] += sign
            else:
                rest -= sign * counts[cell]
        if row.any():
            left.append(row)
            right.append(rest)
    bounds = [(1, MINIMUM - 1) if is_small(counts[cell]) else (0, None) for cell in cells]
    found = []
    for cell in cells:
        if is_small(counts[cell]):
            goal = np.eye(len(cells))[place[cell]]
            extremes = [
                linprog(sign * goal, A_eq=left, b_eq=right, bounds=bounds, method="highs").fun for sign in (1, -1)
            ]
            if -extremes[1] - extremes[0] < 0.5:
                found.append(cell)
    return found


@pytest.fixture(scope="module")
def tables() -> list[tuple[dict, list]]:
    rng = np.random.default_rng(7)
    return [table(rng) for _ in range(250)]


def test_no_small_cell_is_recovered(tables: list[tuple[dict, list]]):
    lost = [recovered(counts, sums, hidden_cells(counts, sums)) for counts, sums in tables]
    assert sum(map(bool, lost)) == 0


def test_control_hiding_only_the_small_cells_gives_them_away(tables: list[tuple[dict, list]]):
    first = tables[:60]
    bare = [recovered(counts, sums, {cell for cell in counts if is_small(counts[cell])}) for counts, sums in first]
    assert sum(map(bool, bare)) > 10


def test_control_each_sum_by_itself_is_not_enough(tables: list[tuple[dict, list]], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(small_cells, "_pinned", lambda *_: set())
    assert any(recovered(counts, sums, hidden_cells(counts, sums)) for counts, sums in tables)


def test_example_of_the_docstring():
    counts = {"all": 207, "women": 4, "men": 203}
    assert hidden_cells(counts, [("all", ["women", "men"])], keep=("all",)) == {"women", "men"}
    assert hidden_cells({"all": 207, "women": 90, "men": 117}, [("all", ["women", "men"])]) == set()


@pytest.mark.parametrize("parts", [(1, 1), (10, 10)])
def test_two_small_cells_at_their_bounds_are_not_enough(parts: tuple[int, int]):
    counts = {"all": sum(parts), "a": parts[0], "b": parts[1]}
    hidden = hidden_cells(counts, [("all", ["a", "b"])])
    assert hidden == {"all", "a", "b"}


@pytest.mark.parametrize(("count", "text"), [(0, "0"), (1, "<11"), (10, "<11"), (11, "11"), (1234, "1,234")])
def test_count_text(count: int, text: str):
    assert count_text(count) == text


def test_a_hidden_large_count_is_a_dash():
    assert count_text(40, hidden=True) == "–"
    assert count_text(4, hidden=True) == "<11"
