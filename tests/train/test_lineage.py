"""How a run was made, its seeds apart."""

from pathlib import Path
from typing import Any

import pytest

from wardround import files
from wardround.errors import RunError
from wardround.train.lineage import BEFORE, Lineage, lineage_of


def made(folder: Path, seed: int, before: dict[str, Any] | None = None, **settings: Any) -> Path:
    """A run as far as its lineage goes, that stands on the encoders of `before`."""
    folder.mkdir(parents=True)
    taken = dict.fromkeys(("encoders",), next(iter(before), None)) if before else {}
    if before is not None:
        files.write_json(folder / BEFORE, before)
    files.write_manifest(folder, "run", {"data": "d", **taken}, {"seed": seed, "width": 8} | settings | taken, "0.1")
    return folder


def test_only_seeds_may_differ_in_equal_lineage(tmp_path: Path):
    first, second, wider = (
        lineage_of(made(tmp_path / name, seed, **settings))
        for name, seed, settings in (("a", 1, {}), ("b", 2, {}), ("c", 1, {"width": 9}))
    )
    assert (first.key, first.seeds, second.seeds) == (second.key, (1,), (2,))
    assert wider.key != first.key


def test_it_goes_down_to_what_a_run_stands_on(tmp_path: Path):
    stands = [{f"hash-{seed}": Lineage("key", (seed, 9)).as_json()} for seed in (3, 4)]
    one, two = (lineage_of(made(tmp_path / str(number), 1, before)) for number, before in enumerate(stands))
    assert (one.key, one.seeds, two.seeds) == (two.key, (1, 3, 9), (1, 4, 9))
    other = lineage_of(made(tmp_path / "other", 1, {"hash-3": Lineage("another", (3, 9)).as_json()}))
    unknown = lineage_of(made(tmp_path / "unknown", 1, encoders="hash-3"))
    assert len({one.key, other.key, unknown.key}) == 3


@pytest.mark.parametrize("said", [[], {"hash": 1}, {"hash": {"key": 1, "seeds": [1]}}, {"hash": {"key": "k"}}])
def test_what_was_edited_is_refused(said: Any, tmp_path: Path):
    folder = made(tmp_path / "run", 1)
    files.write_json(folder / BEFORE, said)
    with pytest.raises(RunError, match=r"before\.json was edited"):
        lineage_of(folder)
