"""How a run was made, its seeds apart, down to the runs that it stands on: runs of equal lineage differ in seeds alone.

A run names the pretraining of its encoders, and the run of its first weights, by their hashes, which change with their
seeds. So `before.json` keeps beside each hash how that run was made.

    {"5e6f...": {"key": "1a2b...", "seeds": [2]}}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from wardround import files
from wardround.errors import RunError
from wardround.json_kinds import is_list, is_object

BEFORE: Final = "before.json"


@dataclass(frozen=True)
class Lineage:
    """How a run was made.

    Attributes:
        key: a hash of data, settings and version, and of the keys of the runs that it stands on; of no seed.
        seeds: its own, then those of the runs that it stands on.
    """

    key: str
    seeds: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """For `before.json`."""
        return {"key": self.key, "seeds": list(self.seeds)}

    @classmethod
    def of(cls, manifest: Mapping[str, Any], before: Mapping[str, "Lineage"]) -> "Lineage":
        """Of a run.

        Args:
            manifest: its own.
            before: hash of a run that it stands on -> how that was made; one that is not in it stands for itself.
        """
        keys = {digest: one.key for digest, one in before.items()}
        inputs = {name: keys.get(digest, digest) for name, digest in manifest["inputs"].items()}
        settings: dict[str, Any] = {**manifest["settings"], "seed": None}
        taken = {name: keys.get(str(settings.get(name)), settings.get(name)) for name in ("encoders", "init")}
        key = files.hash_of([inputs, {**settings, **taken}, manifest["version"]])
        return cls(key, (manifest["settings"].get("seed", 0), *(seed for one in before.values() for seed in one.seeds)))


def lineage_of(folder: Path) -> Lineage:
    """How the run of a folder was made; what a run of an earlier version stands on is not known, and stands for itself.

    Raises:
        RunError: where it has no whole manifest, or `before.json` is not what was written.
    """
    manifest = files.read_manifest(folder, "run", RunError)
    return Lineage.of(manifest, read_before(folder) if (folder / BEFORE).is_file() else {})


def read_before(folder: Path) -> dict[str, Lineage]:
    """What `before.json` says. Raises `RunError` where it was edited."""
    said: Any = files.read_json(folder / BEFORE, RunError)
    found: dict[str, Lineage] = {}
    for digest, one in said.items() if is_object(said) else ():
        key, seeds = (one.get("key"), one.get("seeds")) if is_object(one) else (None, None)
        if isinstance(key, str) and is_list(seeds) and all(isinstance(seed, int) for seed in seeds):
            found[digest] = Lineage(key, tuple(int(seed) for seed in seeds))
    if not is_object(said) or len(found) < len(said):
        raise RunError(f"{folder / BEFORE} was edited. Train again.")
    return found
