"""Shards of the real world: other types of the same thing, and what is no shard."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raw_meds import prepare, tiny
from wardround.errors import BrokenFileError, SourceError
from wardround.sources.meds import shards
from wardround.sources.meds.shards import ID_OF, MODIFIER_OF, read_shard, shard_columns

FRAME = pl.DataFrame(
    {
        "subject_id": [1, None, 3],
        "time": [datetime(2150, 1, 1), None, datetime(2150, 1, 2, 3, 4, 5, 6)],
        "code": ["A", "B", None],
        "numeric_value": pl.Series([1.5, None, -2.0], dtype=pl.Float32),
        "text_value": [None, " kept as it is ", ""],
        "visit": [7, 8, None],
    }
)


def read(path: Path, extra: dict[str, pl.DataType] | None = None) -> pl.DataFrame:
    return pl.concat(read_shard(path, {} if extra is None else extra))


def written(folder: Path, frame: pl.DataFrame) -> Path:
    frame.write_parquet(folder / "0.parquet")
    return folder / "0.parquet"


def test_rows_come_as_they_are(tmp_path: Path):
    made = read(written(tmp_path, FRAME), {"visit": pl.String()})
    assert made.drop("row_key").rows() == [
        (1, datetime(2150, 1, 1), "A", 1.5, None, "7"),
        (None, None, "B", None, " kept as it is ", "8"),
        (3, datetime(2150, 1, 2, 3, 4, 5, 6), None, -2.0, "", None),
    ]
    assert made["row_key"].n_unique() == 3


SAME: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "dictionary": lambda frame: frame.with_columns(pl.col("code").cast(pl.Categorical)),
    "enum": lambda frame: frame.with_columns(pl.col("code").cast(pl.Enum(["A", "B"]))),
    "doubles": lambda frame: frame.with_columns(pl.col("numeric_value").cast(pl.Float64)),
    "nanoseconds": lambda frame: frame.with_columns(pl.col("time").cast(pl.Datetime("ns"))),
    "small ints": lambda frame: frame.with_columns(pl.col("subject_id").cast(pl.UInt32)),
    "patient_id": lambda frame: frame.rename({"subject_id": "patient_id"}),
    "other order": lambda frame: frame.select(reversed(frame.columns)),
    "a list besides": lambda frame: frame.with_columns(tags=pl.lit([1, 2])),
    "a struct besides": lambda frame: frame.with_columns(more=pl.struct("visit")),
}


@pytest.mark.parametrize("change", SAME)
def test_other_types_of_the_same_thing_are_the_same(tmp_path: Path, change: str):
    plain = read(written(tmp_path, FRAME)).drop("row_key")
    assert read(written(tmp_path, SAME[change](FRAME))).drop("row_key").equals(plain)


def test_plain_and_large_strings_are_the_same(tmp_path: Path):
    plain = read(written(tmp_path, FRAME)).drop("row_key")
    for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())):
        table = FRAME.to_arrow()
        place = table.schema.get_field_index("code")
        pq.write_table(table.set_column(place, "code", table["code"].cast(kind)), tmp_path / "1.parquet")
        assert read(tmp_path / "1.parquet").drop("row_key").equals(plain)


def test_values_that_are_optional_may_be_absent_or_of_no_type(tmp_path: Path):
    without = FRAME.drop("numeric_value", "text_value")
    nothing = without.with_columns(numeric_value=pl.lit(None), text_value=pl.lit(None))
    for frame in (without, nothing):
        made = read(written(tmp_path, frame), {"ward": pl.String()})
        assert made["numeric_value"].null_count() == made["text_value"].null_count() == made["ward"].null_count() == 3
        assert made.schema["numeric_value"] == pl.Float64


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda frame: frame.drop("code"), "lacks column code, which MEDS asks for"),
        (lambda frame: frame.drop("subject_id", "time"), "lacks column subject_id, time"),
        (lambda frame: frame.with_columns(code=pl.lit(5)), "column code is Int32, expected text"),
        (lambda frame: frame.with_columns(time=pl.lit("now")), "column time is String, expected time"),
        (lambda frame: frame.with_columns(subject_id=pl.lit("S1")), "column subject_id is String, expected integer"),
        (lambda frame: frame.with_columns(numeric_value=pl.lit("1")), "is String, expected integer or number"),
        (
            lambda frame: frame.with_columns(pl.col("time").dt.replace_time_zone("UTC")),
            "column time is Datetime.*UTC.*, expected time",
        ),
    ],
)
def test_what_is_no_shard_is_named(tmp_path: Path, change: Callable[[pl.DataFrame], pl.DataFrame], why: str):
    with pytest.raises(SourceError, match=rf"0\.parquet.*{why}"):
        shard_columns(written(tmp_path, change(FRAME)), ())


@pytest.mark.parametrize("made", [pl.lit([1, 2]), pl.struct("visit"), pl.lit(b"v"), pl.col("time"), pl.lit(True)])
@pytest.mark.parametrize(("before", "what"), [(ID_OF, "ids"), (MODIFIER_OF, "parts of codes")])
def test_a_column_of_ids_or_of_the_code_that_is_no_text_is_named(tmp_path: Path, before: str, what: str, made: pl.Expr):
    path = written(tmp_path, FRAME.with_columns(visit=made))
    match = rf"0\.parquet: column visit is .*; as a column of {what} it is expected to be text or integer"
    with pytest.raises(SourceError, match=match):
        read(path, {before + "visit": pl.String()})


@pytest.mark.parametrize("kind", [pl.String, pl.Int32, pl.Float64, pl.Decimal(20, 0), pl.Null, pl.Categorical])
def test_ids_come_as_text(tmp_path: Path, kind: Any):
    frame = FRAME.with_columns(visit=pl.Series(["7", "8", None] if kind != pl.Null else [None] * 3).cast(kind))
    ids = read(written(tmp_path, frame), {ID_OF + "visit": pl.String()})[ID_OF + "visit"]
    assert ids.to_list() == (["7", "8", None] if kind != pl.Null else [None] * 3)


def test_equal_rows_have_one_key_whatever_the_type_and_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    twice = pl.concat([FRAME, FRAME])
    for frame in (twice, twice.with_columns(pl.col("code").cast(pl.Categorical))):
        monkeypatch.setattr(shards, "BATCH_ROWS", 2)
        keys = read(written(tmp_path, frame))["row_key"]
        assert keys[:3].equals(keys[3:])
        assert keys.n_unique() == 3


def test_a_column_that_nobody_reads_tells_rows_apart(tmp_path: Path):
    twice = pl.concat([FRAME, FRAME]).with_row_index("emar_id")
    assert read(written(tmp_path, twice))["row_key"].n_unique() == 6


def test_no_parquet_at_all(tmp_path: Path):
    for content in (b"", b"PAR1", b"subject_id,time\n", b"PAR1" + b"\0" * 50 + b"PAR1"):
        (tmp_path / "0.parquet").write_bytes(content)
        with pytest.raises(BrokenFileError, match=r"0\.parquet cannot be read as parquet"):
            shard_columns(tmp_path / "0.parquet", ())


@pytest.mark.parametrize("change", SAME)
def test_prepare_gives_the_same_events_and_stays(tmp_path: Path, change: str):
    right = prepare(tiny().write(tmp_path / "raw"), tmp_path / "data")
    codes = pl.Enum(tiny().frame()["code"].unique().sort().to_list())
    changed = SAME[change] if change != "enum" else lambda frame: frame.with_columns(pl.col("code").cast(codes))
    made = prepare(tiny().write(tmp_path / "other", change=changed), tmp_path / "other-data")
    assert made.events.equals(right.events)
    assert made.stays.equals(right.stays)


def test_text_that_is_no_utf8_is_a_broken_file(tmp_path: Path):
    """Where nothing sums up a page, a flipped bit reaches the reader of strings, which panics over it."""
    frame = tiny().frame().with_columns(code=pl.lit("LAB//sodium"))
    path = written(tmp_path, frame)
    pq.write_table(pq.read_table(path), path, compression="none", use_dictionary=False, write_statistics=False)
    path.write_bytes(path.read_bytes().replace(b"LAB//sodium", b"LAB//\xffodium"))
    with pytest.raises(BrokenFileError, match=r"0\.parquet cannot be read as parquet"):
        read(path)
