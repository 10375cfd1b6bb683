"""The folder of a comparison: what lies in it beside the cells, and whose it is.

table.csv, comparison.json, report.html     written anew whenever the recipe or a cell changed
manifest.json                               only where no cell failed: what it was made from, what it cost
.comparison/begun.json                      written before anything else: those names were free, so they are ours
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import wardround
from wardround import files
from wardround.errors import RunError
from wardround.json_kinds import is_object

KIND: Final = "comparison"
TABLE, JSON, REPORT = "table.csv", "comparison.json", "report.html"
NAMES: Final = (TABLE, JSON, REPORT)
MARK: Final = Path(".comparison") / "begun.json"


@dataclass(frozen=True)
class ComparisonFolder:
    """The folder.

    Attributes:
        to: where it is, or will be.
    """

    to: Path

    def is_complete(self, asked: Mapping[str, Any], inputs: Mapping[str, str]) -> bool:
        """Whether it holds this very comparison, finished. Raises `RunError` where a file of it was changed, or where
        the folder is of another kind."""
        if not (self.to / files.MANIFEST).is_file():
            return False
        manifest = files.read_manifest(self.to, KIND, RunError)
        made = files.hash_of([manifest["settings"].get("asked"), manifest["inputs"], manifest["version"]])
        if made != files.hash_of([dict(asked), dict(inputs), wardround.__version__]):
            return False
        files.verify_folder(self.to, KIND, RunError)
        return True

    def begin(self) -> None:
        """Mark the folder as ours; a comparison that is there already is ours and will be made anew.

        Raises:
            RunError: where `to` is a file, or holds a file of our names that no comparison left.
            StorageError: if the disk refuses.
        """
        if self.to.exists() and not self.to.is_dir():
            raise RunError(f"{self.to} is a file. Choose another --to.")
        manifest = self.to / files.MANIFEST
        if manifest.is_file():
            files.read_manifest(self.to, KIND, RunError)
        elif not (self.to / MARK).is_file():
            for name in NAMES:
                if (self.to / name).exists():
                    raise RunError(
                        f"{self.to / name}: this command did not make it and would write over it. Choose another --to, "
                        "or move it."
                    )
        files.write_json(self.to / MARK, {"version": wardround.__version__})
        files.remove(manifest)

    def finish(self, asked: Mapping[str, Any], inputs: Mapping[str, str], spent: Mapping[str, Any]) -> None:
        """Close it: with what was asked and what it cost. Raises `StorageError` if the disk refuses."""
        made = [self.to / name for name in NAMES]
        settings = {"asked": dict(asked), "spent": dict(spent)}
        files.write_manifest(self.to, KIND, inputs, settings, wardround.__version__, made)
        files.remove((self.to / MARK).parent)


def read_outcome(to: Path) -> dict[str, Any]:
    """What `comparison.json` says. Raises `RunError` where it is not what was written."""
    found = files.read_json(to / JSON, RunError)
    if not is_object(found):
        raise RunError(f"{to / JSON} was edited. Delete it, and compare again.")
    return found
