"""LightGBM's model as text: what of it is kept, and what is checked before LightGBM parses it.

LightGBM's parser trusts its input: a child or a column out of range is read from where it lies in memory. So a text is
taken only if it is made of exactly the lines that `kept_part` leaves, every count is right, each tree is one, and no
column is beyond the table's.
"""

import re
from collections.abc import Sequence
from typing import Final

from wardround.errors import RunError

MAX_TREES: Final = 100_000
MAX_LEAVES: Final = 131_072
_HEADER: Final = re.compile(
    r"tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=(\d{1,9})\n"
    r"objective=(?:binary sigmoid:1|regression|regression_l1)\nfeature_names=([^\n]*)\nfeature_infos=([^\n]*)\n"
    r"tree_sizes=([\d ]*)\n\n"
)
_END: Final = "end of trees\n"
_PER_SPLIT: Final = (
    "split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child",
)  # fmt: skip
_LINES: Final = (
    "Tree", "num_leaves", "num_cat", *_PER_SPLIT, "leaf_value", "leaf_weight", "leaf_count", "internal_value",
    "internal_weight", "internal_count", "is_linear", "shrinkage",
)  # fmt: skip
_NUMBER: Final = re.compile(r"-?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|inf)")
_PLAIN_SPLITS: Final = frozenset({"0", "2", "4", "6", "8", "10"})
"""`decision_type` of numeric splits: bit 0 would be categorical; bits above tell where missing values go."""


class _Odd(Exception):
    """What is wrong with a text; becomes a `RunError`."""


def kept_part(text: str) -> str:
    """The trees of a model, without its parameters (they lie in `settings.json`) and without the lowest and highest
    value of every column, which are single patients'."""
    head, _, _ = text.partition("\nend of trees")
    values = re.compile(r"(?<=^feature_infos=).*$", re.MULTILINE)
    return values.sub(lambda found: " ".join("none" for _ in found[0].split()), head, count=1) + "\n" + _END


def check_tree_text(text: str, columns: int) -> None:
    """Refuse whatever `kept_part` would not have left of a model over that many columns.

    Raises:
        RunError: saying what is wrong.
    """
    try:
        _check(text, columns)
    except _Odd as odd:
        raise RunError(f"the trees in the run's weights are not LightGBM's: {odd}. Train again.") from odd


def _check(text: str, columns: int) -> None:
    header = _HEADER.match(text)
    if header is None or not text.endswith(_END):
        raise _Odd("another beginning or end than is written")
    names = " ".join(f"Column_{place}" for place in range(columns))
    if int(header[1]) != columns - 1 or header[2] != names or header[3] != " ".join(["none"] * columns):
        raise _Odd(f"another table than one of {columns} columns")
    sizes = [int(size) for size in header[4].split()]
    if not 1 <= len(sizes) <= MAX_TREES or sum(sizes) != len(text) - header.end() - len(_END):
        raise _Odd("its trees have other lengths than it says")
    begin = header.end()
    for number, size in enumerate(sizes):
        _check_tree(text[begin : begin + size], number, columns)
        begin += size


def _check_tree(block: str, number: int, columns: int) -> None:
    lines = block.split("\n")
    pairs = [line.partition("=") for line in lines[: len(_LINES)]]
    if tuple(name for name, _, _ in pairs) != _LINES or lines[len(_LINES) :] != ["", "", ""]:
        raise _Odd(f"tree {number} has other lines than are written")
    values = {name: text.split(" ") if text else [] for name, _, text in pairs}
    if any(not _NUMBER.fullmatch(value) for texts in values.values() for value in texts):
        raise _Odd(f"tree {number} holds what is no number")
    if values["Tree"] != [str(number)] or values["num_cat"] != ["0"] or values["is_linear"] != ["0"]:
        raise _Odd(f"tree {number} is another, or splits on categories, or holds regressions")
    leaves = _whole(values["num_leaves"], 1, MAX_LEAVES)
    if len(leaves) != 1:
        raise _Odd(f"tree {number} has no number of leaves")
    n_leaves, n_splits = leaves[0], leaves[0] - 1
    if any(len(values[name]) != n_splits for name in _PER_SPLIT) or len(values["leaf_value"]) != n_leaves:
        raise _Odd(f"tree {number} has not one entry for each split and leaf")
    for name, n in (("leaf_weight", n_leaves), ("internal_value", n_splits), ("internal_weight", n_splits)):
        if len(values[name]) not in (0, n):
            raise _Odd(f"tree {number}: {name} has another length")
    for name, n in (("leaf_count", n_leaves), ("internal_count", n_splits)):
        if len(_whole(values[name], 0, 2**31 - 1)) not in (0, n):
            raise _Odd(f"tree {number}: {name} has another length")
    _whole(values["split_feature"], 0, columns - 1)
    if not set(values["decision_type"]) <= _PLAIN_SPLITS or len(values["shrinkage"]) != 1:
        raise _Odd(f"tree {number} splits in a way that is never written")
    _check_is_tree(_whole(values["left_child"], -n_leaves, n_splits - 1),
                   _whole(values["right_child"], -n_leaves, n_splits - 1), n_leaves, number)  # fmt: skip


def _whole(texts: Sequence[str], least: int, most: int) -> list[int]:
    if any(not re.fullmatch(r"-?\d{1,10}", text) or not least <= int(text) <= most for text in texts):
        raise _Odd(f"a whole number is none, or outside {least} to {most}")
    return [int(text) for text in texts]


def _check_is_tree(left: Sequence[int], right: Sequence[int], leaves: int, number: int) -> None:
    """Each split but the first and each leaf (-1, -2, ...) is the child of one split, which stands before it."""
    children = sorted([*left, *right])
    if children != [*range(-leaves, 0), *range(1, leaves - 1)] and leaves > 1:
        raise _Odd(f"tree {number}: its splits do not make a tree")
    if any(0 <= child <= place for side in (left, right) for place, child in enumerate(side)):
        raise _Odd(f"tree {number}: a split stands below itself")
