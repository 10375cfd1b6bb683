"""The files of a MEDS data set: its shards, wherever they lie under `data/`, and its metadata.

RAW/data/**/*.parquet            shards, nested in folders or not (MEDS 0.4, 0.3: data/train/0.parquet)
RAW/metadata/dataset.json        which data set it is, where there is one
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from wardround import files
from wardround.errors import SourceError, UsageError
from wardround.json_kinds import JsonObject, is_object
from wardround.sources.csv_reader import RawRows, verify_published_sums
from wardround.sources.meds.shards import ROW_KEY, column_names, in_file, n_rows, read_shard, shard_columns

DATA: Final = "data"
DATASET: Final = "metadata/dataset.json"
READABLE: Final = ("0.3", "0.4")


@dataclass(frozen=True)
class MedsFolder:
    """A MEDS data set on disk.

    Attributes:
        path: its folder.
        shards: its parquet files, by name.
        dataset: what `metadata/dataset.json` says, empty where there is none.
    """

    path: Path
    shards: tuple[Path, ...]
    dataset: JsonObject

    def columns(self) -> set[str]:
        """Every column that some shard has.

        Raises:
            BrokenFileError: where a footer cannot be read.
            StorageError: where the disk refuses.
        """
        return {name for shard in self.shards for name in column_names(shard)}

    def check(self, extra: Iterable[str], remedy: str) -> None:
        """Refuse shards of other columns before any work is done, and a column that no shard has.

        Args:
            extra: columns beyond those of MEDS.
            remedy: what to say of one that is lacking.

        Raises:
            SourceError: naming the file or the column.
            BrokenFileError: where a footer cannot be read.
            StorageError: where the disk refuses.
        """
        wanted = list(extra)
        found = {name for shard in self.shards for name in shard_columns(shard, wanted)}
        lacking = [in_file(name) for name in wanted if name not in found]
        if lacking:
            raise SourceError(f"{self.path / DATA}: no shard has column {', '.join(lacking)}, {remedy}")

    def inputs(self) -> dict[str, str]:
        """File -> SHA-256; that of shards is checked against `SHA256SUMS.txt` where that lies beside `data/`.

        The metadata are a few words that people correct by hand; no row can be lost in them.

        Raises:
            BrokenFileError: where a file differs from what was published.
            StorageError: where the disk refuses.
        """
        metadata = [self.path / DATASET] if (self.path / DATASET).is_file() else []
        digests = {path: files.sha256(path) for path in (*self.shards, *metadata)}
        verify_published_sums(self.path, {shard: digests[shard] for shard in self.shards})
        return {path.relative_to(self.path).as_posix(): digest for path, digest in digests.items()}

    def frames(self, extra: Mapping[str, pl.DataType]) -> Iterator[pl.DataFrame]:
        """All rows of all shards, batch by batch, with `extra` columns of those types.

        Raises:
            BrokenFileError: where a shard cannot be read to its end.
            StorageError: where the disk refuses.
        """
        for shard in self.shards:
            yield from read_shard(shard, extra)

    def blocks(self, extra: Mapping[str, pl.DataType], keep_equal: bool = False) -> Iterator[RawRows]:
        """All rows of all shards, typed, block by block, numbered through.

        Args:
            extra: column beyond those of MEDS -> what it becomes.
            keep_equal: rows that are equal in every column are all kept.

        Raises:
            BrokenFileError: where a shard cannot be read to its end.
            StorageError: where the disk refuses.
        """
        first_row, total = 0, max(sum(n_rows(shard) for shard in self.shards), 1)
        for frame in self.frames(extra):
            if keep_equal:
                frame = frame.with_columns(pl.int_range(first_row, first_row + pl.len()).alias(ROW_KEY))
            yield RawRows(frame, first_row, 0, is_typed=True, share=(first_row + frame.height) / total)
            first_row += frame.height


def open_meds(raws: Sequence[Path]) -> MedsFolder:
    """Look at a MEDS data set.

    Raises:
        UsageError: where more than one folder is given.
        SourceError: where it has no shards, or is of a MEDS version of another layout.
        StorageError: where the disk refuses.
    """
    if len(raws) != 1:
        raise UsageError(f"{len(raws)} raw folders were given; a MEDS data set is one. Give one.")
    (raw,) = raws
    if not raw.is_dir():
        raise SourceError(f"{raw} is not a folder. Give the folder that holds data/ and metadata/.")
    with files.storage_errors(raw, "listing"):
        shards = sorted(path for path in (raw / DATA).rglob("*.parquet") if _is_shard(path, raw))
    if not shards:
        raise SourceError(f"{raw / DATA} holds no .parquet file. Give the folder that holds data/ and metadata/.")
    return MedsFolder(raw, tuple(shards), _dataset(raw / DATASET))


def _dataset(path: Path) -> JsonObject:
    """What the metadata say of the data set. Raises `SourceError` where they are of another MEDS than this reads."""
    if not path.is_file():
        return {}
    dataset = files.read_json(path, SourceError)
    if not is_object(dataset):
        raise SourceError(f"{path} is no JSON object. Get it again, or take it away.")
    version = str(dataset.get("meds_version", READABLE[-1]))
    if not version.startswith(READABLE):
        raise SourceError(f"{path} is of MEDS {version[:20]!a}. This reads {' and '.join(READABLE)}.")
    return dataset


def _is_shard(path: Path, raw: Path) -> bool:
    return path.is_file() and not any(part.startswith(".") for part in path.relative_to(raw).parts)
