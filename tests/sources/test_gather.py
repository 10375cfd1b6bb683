"""The parts of a shard to its events."""

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from wardround import files
from wardround.events import EVENT_COLUMNS, MEDS_EVENT_SCHEMA
from wardround.sources import gather as gather_module
from wardround.sources.conversion import CANDIDATE
from wardround.sources.gather import (
    Part,
    gather,
    read_summaries,
    shard_of_subjects,
    subject_splits,
    write_shard,
)
from wardround.tasks.splits import SplitPlan, split_stays

START = datetime(2001, 7, 1)
MEMBERS = pl.DataFrame({"stay_id": [1, 2], "subject_id": [9, 9], "start": [START, datetime(2002, 7, 1)]})
ADMISSION = pl.DataFrame(
    [(1, 0, 0, "AGE", 64.0, None, "demographics"), (5, 0, 0, "AGE", 50.0, None, "demographics")],
    schema={name: kind for name, kind in CANDIDATE.items() if name not in ("row", "reason")},
    orient="row",
)


def part(name: str, *rows: tuple, delay_min: int = 0) -> Part:
    """(row, hash, stay, minute, available, code, value) rows of one table."""
    schema = {
        "row": pl.Int64,
        "row_hash": pl.UInt64,
        "stay_id": pl.Int64,
        "minute": pl.Int64,
        "available_minute": pl.Int64,
    }
    schema |= {"code": pl.String, "numeric_value": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    frame = frame.with_columns(text_value=pl.lit(None, pl.String), modality=pl.lit("vitals"))
    return Part(name, [frame], delay_min)


def test_events_have_times_subjects_and_their_order(tmp_path: Path):
    vitals = part("vitals", (0, 1, 2, 5, 7, "b", 2.0), (1, 2, 1, 5, 7, "b", 1.0), (1, 2, 1, 5, 7, "a", 1.0))
    events, duplicates = gather([vitals, Part("none", [], 0)], ADMISSION, MEMBERS)
    assert events.schema == EVENT_COLUMNS
    assert duplicates == {"vitals": (0, 0)}
    assert events.select("subject_id", "time", "available_time", "code", "stay_id").rows() == [
        (9, datetime(2001, 7, 1), datetime(2001, 7, 1), "AGE", 1),
        (9, datetime(2001, 7, 1, 0, 5), datetime(2001, 7, 1, 0, 7), "a", 1),
        (9, datetime(2001, 7, 1, 0, 5), datetime(2001, 7, 1, 0, 7), "b", 1),
        (9, datetime(2002, 7, 1, 0, 5), datetime(2002, 7, 1, 0, 7), "b", 2),
    ]


def test_of_equal_rows_the_first_stays_with_all_of_its_events(tmp_path: Path):
    rows = [
        (4, 77, 1, 5, 5, "a", 1.0),
        (4, 77, 1, 5, 5, "b", 1.0),
        (9, 77, 1, 5, 5, "a", 1.0),
        (9, 77, 1, 5, 5, "b", 1.0),
    ]
    vitals = part("vitals", *rows, (11, 77, 1, 5, 5, "a", 1.0), (3, 76, 1, 5, 5, "a", 1.0))
    events, duplicates = gather([vitals], ADMISSION.clear(), MEMBERS)
    assert duplicates == {"vitals": (2, 3)}
    assert sorted(events["code"]) == ["a", "a", "b"]


def test_a_delay_counts_from_the_event_and_never_brings_it_forward(tmp_path: Path):
    late, soon = (0, 1, 1, 10, 95, "late", 1.0), (1, 2, 1, 10, 12, "soon", 1.0)
    events, _ = gather([part("v", late, soon, delay_min=60)], ADMISSION.clear(), MEMBERS)
    known = {code: (time - START).total_seconds() / 60 for code, time in events.select("code", "available_time").rows()}
    assert known == {"late": 95, "soon": 70}


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_shard_has_whole_subjects(size: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gather_module, "STAYS_PER_SHARD", size)
    stays = pl.DataFrame({"stay_id": range(10), "subject_id": [5, 5, 5, 1, 1, 7, 8, 9, 9, 2], "start": START})
    shards = shard_of_subjects(stays)
    assert sorted(shards["stay_id"]) == list(range(10))
    assert shards.group_by("subject_id").agg(pl.col("shard").n_unique())["shard"].max() == 1
    assert shards.equals(shard_of_subjects(stays.reverse()))
    assert shards["shard"].n_unique() == {1: 6, 2: 4, 3: 3, 100: 1}[size]


def test_a_shard_on_disk_has_the_types_of_meds_and_its_summaries(tmp_path: Path):
    vitals = part("v", (0, 1, 2, 5, 7, "b", 2.0), (1, 2, 1, 5, 7, "b", 1.0))
    events, _ = gather([vitals], ADMISSION, MEMBERS)
    made = write_shard([events], tmp_path / "data" / "0.parquet", tmp_path / "summaries" / "0")
    assert [path.name for path in made] == ["0.parquet", "stays.parquet", "codes.parquet"]
    assert files.pq.read_schema(made[0]).remove_metadata() == MEDS_EVENT_SCHEMA
    stays, codes = read_summaries([tmp_path / "summaries" / "0"] * 2)
    assert codes.rows() == [("AGE", "demographics"), ("b", "vitals")]
    assert stays.head(2).rows() == [(1, 2, ["demographics", "vitals"]), (2, 1, ["vitals"])]


def test_the_informational_split_is_the_default_one_of_a_run():
    stays = pl.DataFrame({"stay_id": range(500), "subject_id": [n // 2 * 7919 for n in range(500)], "hospital_id": 1})
    stays = stays.with_columns(start=pl.lit(START), orphan=pl.lit(False))
    ours = subject_splits(stays)
    names = {"train": "train", "val": "tuning", "test": "held_out"}
    theirs = (
        split_stays(stays, SplitPlan()).select("subject_id", pl.col("split").replace_strict(names)).unique("subject_id")
    )
    assert ours.equals(theirs.sort("subject_id"))
    assert ours["split"].value_counts().height == 3
