"""Runs that differ in nothing but their seed are one row, as in a recipe: a number is the mean over them."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from wardround import files
from wardround.errors import RunError


def rows_of(folders: Mapping[str, Path], runs: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The rows of a comparison of folders.

    A seed that comes twice is another training of the same, and so another row. So are encoders of another seed: a run
    names the pretraining that it took, not how that was made.

    Args:
        folders: name -> folder.
        runs: those names that are of a RUN; the others stand for themselves.

    Returns:
        Row -> the names of its folders, rows in the order of their first folder.

    Raises:
        RunError: where a run has no whole manifest.
    """
    alike: dict[str, dict[int, str]] = defaultdict(dict)
    for name, folder in folders.items():
        if name not in runs:
            alike[name][0] = name
            continue
        manifest = files.read_manifest(folder, "run", RunError)
        settings: dict[str, Any] = manifest["settings"]
        seed = settings.get("seed", 0)
        key = files.hash_of([manifest["inputs"], {**settings, "seed": None}, manifest["version"]])
        if seed in alike[key]:
            key = files.hash_of([key, name])
        alike[key][seed] = name
    return dict(map(_row, alike.values()))


def _row(seeds: Mapping[int, str]) -> tuple[str, tuple[str, ...]]:
    names = tuple(seeds.values())
    return (names[0] if len(names) == 1 else f"{names[0]}, seeds {', '.join(map(str, seeds))}"), names
