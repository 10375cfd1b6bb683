"""A shard of a MEDS data set, one parquet file, to rows of one form, batch by batch.

Shards of the real world: large strings and dictionaries, times in other units, doubles for floats, extra columns, a
`patient_id` (MEDS 0.3.0) for `subject_id`. Rows are taken in the order in which they lie, and need not be sorted.
"""

import contextlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import polars as pl
import polars.selectors as cs
import pyarrow as pa
import pyarrow.parquet as pq

from wardround.errors import BrokenFileError, SourceError
from wardround.events import TIME
from wardround.whole_file import storage_errors

BATCH_ROWS: Final = 1 << 18

SUBJECT: Final = "subject_id"
OLD_SUBJECT: Final = "patient_id"
"""Its name up to MEDS 0.3.0."""

_KINDS: Final[dict[str, tuple[tuple[str, ...], pl.DataType]]] = {
    SUBJECT: (("integer",), pl.Int64()),
    "time": (("time",), TIME),
    "code": (("text",), pl.String()),
    "numeric_value": (("integer", "number"), pl.Float64()),
    "text_value": (("text",), pl.String()),
}
"""Column -> what it may be on disk, what it becomes."""
_NEEDED: Final = (SUBJECT, "time", "code")
OF_MEDS: Final = frozenset({*_KINDS, OLD_SUBJECT})
"""The columns of MEDS itself."""
ROW_KEY: Final = "row_key"
ID_OF: Final = "id:"
MODIFIER_OF: Final = "modifier:"
"""Before the name of an extra column: its values are ids, or part of the code; none of our own names is that of the
column."""
_AS_TEXT: Final = ("text", "integer", "number", "decimal", "nothing")
"""What such a column may be; ids with gaps become doubles in some exports, and decimals in others."""


def in_file(name: str) -> str:
    """The name that a column has in the shards."""
    return name.removeprefix(ID_OF).removeprefix(MODIFIER_OF)


def column_names(path: Path) -> list[str]:
    """All columns of a shard, from its footer alone.

    Raises:
        BrokenFileError: where the footer cannot be read.
        StorageError: where the disk refuses.
    """
    with _parquet(path) as file:
        return list(file.schema_arrow.names)


def n_rows(path: Path) -> int:
    """Rows of a shard, from its footer alone. Raises `BrokenFileError` and `StorageError`, as `column_names`."""
    with _parquet(path) as file:
        return file.metadata.num_rows


def shard_columns(path: Path, extra: Iterable[str]) -> dict[str, str]:
    """Our name of each column that is read -> its name in the file, from the file's footer alone.

    Args:
        path: the shard.
        extra: columns beyond those of MEDS.

    Raises:
        BrokenFileError: where the footer cannot be read.
        SourceError: where a column that MEDS asks for is missing or is there twice, or one is of another type.
        StorageError: where the disk refuses.
    """
    with _parquet(path) as file:
        names = list(file.schema_arrow.names)
        frame = pl.DataFrame(pl.from_arrow(file.schema_arrow.empty_table()))
    spelled = {name: in_file(name) for name in (*_KINDS, *extra) if in_file(name) in names}
    if SUBJECT not in spelled and OLD_SUBJECT in names:
        spelled[SUBJECT] = OLD_SUBJECT
    missing = [name for name in _NEEDED if name not in spelled]
    if missing:
        raise SourceError(f"{path} lacks column {', '.join(missing)}, which MEDS asks for. Is it a MEDS shard?")
    for name, of_file in spelled.items():
        if name in _KINDS and _kind(frame.schema[of_file]) not in (*_KINDS[name][0], "nothing"):
            wanted = " or ".join(_KINDS[name][0])
            raise SourceError(f"{path}: column {of_file} is {frame.schema[of_file]}, expected {wanted}.")
        if name != in_file(name) and _kind(frame.schema[of_file]) not in _AS_TEXT:
            what = "ids" if name.startswith(ID_OF) else "parts of codes"
            raise SourceError(
                f"{path}: column {of_file} is {frame.schema[of_file]}; as a column of {what} it is expected to be text "
                "or integer. Name another column, or write this one so."
            )
    return spelled


def _kind(kind: pl.DataType) -> str:
    if isinstance(kind, (pl.String, pl.Categorical, pl.Enum)):
        return "text"
    if isinstance(kind, pl.Datetime):
        return "time" if kind.time_zone is None else "time with a zone"
    if kind == pl.Null:
        return "nothing"
    if isinstance(kind, pl.Decimal):
        return "decimal"
    return "integer" if kind.is_integer() else "number" if kind.is_float() else "other"


def read_shard(path: Path, extra: Mapping[str, pl.DataType]) -> Iterator[pl.DataFrame]:
    """The rows of a shard, batch by batch; one without rows gives an empty batch.

    Args:
        path: the shard.
        extra: column beyond those of MEDS -> what it becomes.

    Returns:
        `row_key` (equal for rows that are equal in every column), the columns of MEDS in its types but for numbers,
        which are doubles, and the extra ones, null where the shard has none.

    Raises:
        BrokenFileError: where it cannot be read to its end.
        SourceError: where it has other columns than MEDS asks for.
        StorageError: where the disk refuses.
    """
    spelled = shard_columns(path, extra)
    with _parquet(path) as file:
        flat = [each.name for each in file.schema_arrow if not pa.types.is_nested(each.type)]
        if not file.metadata.num_rows:
            yield _in_one_form(pl.DataFrame(pl.from_arrow(file.schema_arrow.empty_table())), spelled, extra)
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=flat):
            batch.validate(full=True)  # polars panics over text that is no UTF-8
            yield _in_one_form(pl.DataFrame(pl.from_arrow(batch)), spelled, extra)


def _in_one_form(raw: pl.DataFrame, spelled: dict[str, str], extra: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The columns of `read_shard`."""
    raw = raw.with_columns(cs.categorical().cast(pl.String), cs.by_dtype(pl.Enum).cast(pl.String))
    kinds = {name: kind for name, (_, kind) in _KINDS.items()} | dict(extra)
    columns = [
        pl.lit(None, kind).alias(name) if name not in spelled else _read(raw, spelled[name], kind).alias(name)
        for name, kind in kinds.items()
    ]
    key = pl.struct(sorted(raw.columns)).hash().reinterpret(signed=True).alias(ROW_KEY)
    return raw.select(key, *columns)


def _read(raw: pl.DataFrame, column: str, kind: pl.DataType) -> pl.Expr:
    """A column in its kind; a whole double that becomes text is written as the integer is, and no number is no id."""
    value = pl.col(column)
    if not (raw.schema[column].is_float() and kind == pl.String):
        return value.cast(kind)
    value = value.fill_nan(None)
    whole = value == value.cast(pl.Int64, strict=False)
    return pl.when(whole).then(value.cast(pl.Int64, strict=False).cast(kind)).otherwise(value.cast(kind))


@contextlib.contextmanager
def _parquet(path: Path) -> Generator[pq.ParquetFile]:
    """The file, opened; what goes wrong inside the block is said without the reader's words, they may quote values."""
    try:
        with storage_errors_of_disk(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError, MemoryError) as error:
        reason = type(error).__name__
        raise BrokenFileError(f"{path} cannot be read as parquet ({reason}): cut or changed. Get it again.") from None


@contextlib.contextmanager
def storage_errors_of_disk(path: Path) -> Generator[None]:
    """A StorageError for an OSError that the system numbered; arrow's own, without a number, pass."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        with storage_errors(path, "reading"):
            raise
