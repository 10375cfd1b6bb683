"""The folder that a fetch fills: what is there already, what may be replaced, and archives turned into folders.

A file that differs from the published one is replaced only in a folder that a fetch of the same data set began (it
was empty then); anywhere else it is somebody's own and the fetch stops. No path through a symbolic link is ever
written.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from wardround import files
from wardround.errors import BrokenFileError, FetchError
from wardround.sources.archive import extract
from wardround.sources.names import Entry, check_names

STARTED: Final = ".fetch.json"


def finished(folder: Path, settings: Mapping[str, Any]) -> int | None:
    """The number of files of a finished, untouched fetch of this data set; None where there is something to do.

    Raises:
        FetchError: where the folder holds another data set, or its manifest was edited.
    """
    if not (folder / files.MANIFEST).is_file():
        return None
    manifest = files.read_manifest(folder, "raw", FetchError)
    if any(manifest["settings"].get(key) != value for key, value in settings.items()):
        raise FetchError(f"{folder} holds another data set or version. Choose another --to.")
    try:
        return len(files.verify_folder(folder, "raw", FetchError)["files"])
    except FetchError:
        return None  # a file is missing or was changed: the fetch puts it right, or says why not


class FetchFolder:
    """A folder being filled with the data set that `settings` name."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Open the folder, made if need be.

        Raises:
            FetchError: where it is a file, or a fetch of another data set began there.
            StorageError: if the disk refuses.
        """
        if folder.exists() and not folder.is_dir():
            raise FetchError(f"{folder} is a file. Give a folder.")
        self.folder = folder
        with files.storage_errors(folder, "making"):
            folder.mkdir(parents=True, exist_ok=True)
            is_empty = not any(folder.iterdir())
        if is_empty:
            files.write_json(folder / STARTED, dict(settings))
        self.is_ours = (folder / STARTED).is_file()
        if self.is_ours and files.read_json(folder / STARTED, FetchError) != dict(settings):
            raise FetchError(f"{folder} holds another data set or version. Choose another --to.")

    def path(self, name: str) -> Path:
        """Where a checked name lies in the folder. Raises `FetchError` where a symbolic link lies on the way."""
        path = self.folder
        with files.storage_errors(path / name, "looking for"):
            for part in name.split("/"):
                path = path / part
                if path.is_symlink():
                    raise FetchError(f"{path} is a symbolic link, which could lead out. Remove it.")
        return path

    def holds(self, name: str, digest: str) -> bool:
        """Whether the file is there as published.

        Raises:
            FetchError: where a file (or folder) of another origin is in its place.
        """
        path = self.path(name)
        if not path.exists():
            return False
        if path.is_file() and files.sha256(path) == digest:
            return True
        if not (self.is_ours and path.is_file()):
            raise FetchError(
                f"{path} differs from what was published and was not put there by this fetch. It was left alone: "
                "move it away, or choose another --to."
            )
        return False

    def place(self, name: str, content: bytes) -> None:
        """Write a small file, unless it is there. Raises `FetchError` as `holds` does, and `StorageError`."""
        if not self.holds(name, hashlib.sha256(content).hexdigest()):
            files.write_bytes(self.path(name), content)

    def unpack(self, archive: str, sums: Mapping[str, str]) -> None:
        """Extract a verified archive `X.tar.gz` of the root into the folder `X` beside it.

        A file that `sums` lists with another sum is left to be downloaded by itself.

        Raises:
            FetchError: where the archive breaks a rule, or holds anything outside `X`.
            StorageError: if the disk refuses.
        """
        stem = archive.removesuffix(".tar.gz")
        hidden = self.folder / f".{stem}.unpacked"
        shutil.rmtree(hidden, ignore_errors=True)
        try:
            names = extract(self.path(archive), hidden)
            if stray := [name for name in names if not name.startswith(f"{stem}/")]:
                raise BrokenFileError(
                    f"{self.folder / archive} holds {stray[0][:80]!a}, outside {stem}/. Nothing of it is kept."
                )
            everything = [Entry(name, is_folder=False) for name in sorted({*sums, *names})]
            check_names(everything, str(self.folder / archive))
            for name in names:
                self._move(hidden / name, name, sums.get(name))
        except BrokenFileError as error:
            raise FetchError(str(error)) from error
        finally:
            shutil.rmtree(hidden, ignore_errors=True)

    def _move(self, source: Path, name: str, published: str | None) -> None:
        digest = files.sha256(source)
        if (published is None or digest == published) and not self.holds(name, digest):
            path = self.path(name)
            with files.storage_errors(path, "writing"):
                path.parent.mkdir(parents=True, exist_ok=True)
                os.replace(source, path)
