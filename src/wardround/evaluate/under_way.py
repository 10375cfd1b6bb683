"""An evaluation that is under way: what of its folder is ours to take away, and the hours that are done.

    TO/.evaluation/begun.json     written before anything else: TO had no file of our names, so those in it are ours
    TO/.evaluation/KEY.json       metrics of an hour that is done, by what was asked

A file of our names in a folder without the mark is somebody's: it is neither removed nor written over.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import wardround
from wardround import files
from wardround.errors import RunError
from wardround.evaluate.evidence import BY_HOUR, INTERNAL
from wardround.whole_file import partial_of

FOLDER: Final = ".evaluation"
BEGUN: Final = "begun.json"
NAMES: Final = (
    "metrics.json", INTERNAL, "report.html", "predictions.parquet", "beliefs.parquet", "observed.parquet",
    "embedding.parquet",
)  # fmt: skip
"""What `evaluate` and `predict` write, `metrics_{H}h.json` and the manifest apart."""


@dataclass(frozen=True)
class UnderWay:
    """The work under way.

    Attributes:
        to: the folder that is being made; may be absent.
    """

    to: Path

    @property
    def path(self) -> Path:
        """The hidden folder in it."""
        return self.to / FOLDER

    def hour(self, key: str) -> Path:
        """Where the metrics of an hour are kept until the folder is finished."""
        return self.path / f"{key}.json"

    def refuse_others(self) -> None:
        """Nothing of a person's is removed or written over.

        Raises:
            RunError: where `to` is a file, or holds a file of our names that no work of ours left.
            StorageError: if the disk refuses.
        """
        if self.to.exists() and not self.to.is_dir():
            raise RunError(f"{self.to} is a file. Choose another --to.")
        if not (self.path / BEGUN).is_file() and (found := self._named_as_ours()):
            raise RunError(
                f"{found[0]}: this command did not make it and would write over it. Choose another --to, or move it."
            )

    def begin(self) -> None:
        """Mark the folder as ours, and take away what unfinished work left: it may have been asked something else.

        Raises:
            RunError, StorageError: as `refuse_others`.
        """
        self.refuse_others()
        for path in self._named_as_ours():
            files.remove(path)
        files.write_json(self.path / BEGUN, {"version": wardround.__version__})

    def end(self) -> None:
        """Take the mark and the hours away, once the folder is finished. Raises `StorageError`."""
        files.remove(self.path)

    def _named_as_ours(self) -> list[Path]:
        if not self.to.is_dir():
            return []
        with files.storage_errors(self.to, "listing"):
            return sorted(path for path in self.to.iterdir() if _is_our_name(path.name))


def _is_our_name(name: str) -> bool:
    """Also of a file that a crash left half-written."""
    name = partial_of(name) or name
    return name in NAMES or BY_HOUR.fullmatch(name) is not None
