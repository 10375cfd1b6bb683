"""Runs that differ in nothing but their seeds are one row, as in a recipe: a number is the mean over them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from wardround.files import hash_of
from wardround.train.lineage import lineage_of


def rows_of(folders: Mapping[str, Path], runs: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The rows of a comparison of folders.

    The seeds of the encoders and of the first weights that a run took are seeds as well. Those that come twice are
    another training of the same, and so another row.

    Args:
        folders: name -> folder.
        runs: those names that are of a RUN; the others stand for themselves.

    Returns:
        Row -> the names of its folders, rows in the order of their first folder.

    Raises:
        RunError: where a run has no whole manifest.
    """
    alike: dict[str, dict[tuple[int, ...], str]] = defaultdict(dict)
    for name, folder in folders.items():
        if name not in runs:
            alike[name][()] = name
            continue
        made = lineage_of(folder)
        key = hash_of([made.key, name]) if made.seeds in alike[made.key] else made.key
        alike[key][made.seeds] = name
    return dict(map(_row, alike.values()))


def _row(seeds: Mapping[tuple[int, ...], str]) -> tuple[str, tuple[str, ...]]:
    """A row's name says the seeds of its runs; those of the runs before them too, where only they tell some apart."""
    names = tuple(seeds.values())
    if len(names) == 1:
        return names[0], names
    own = [each[0] for each in seeds]
    words = map(str, own) if len(set(own)) == len(own) else (" after ".join(map(str, each)) for each in seeds)
    return f"{names[0]} (seeds {_listed([*words])})", names


def _listed(words: Sequence[str]) -> str:
    """`0 and 1`, `0, 1 and 2`."""
    return f"{', '.join(words[:-1])} and {words[-1]}"
