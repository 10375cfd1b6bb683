"""describe: plain tables, three files, no small counts, no ids."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from made_up_evaluation import FIRST_STAY, FIRST_SUBJECT, make_data, make_stays
from wardround import files
from wardround.errors import DataError, RunError
from wardround.evaluate.describe import describe
from wardround.evaluate.event_counts import EventCounts, code_rows, count_events, hourly_rows, rate_rows
from wardround.evaluate.making_sections import ledger_table


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    return make_data(tmp_path_factory.mktemp("data"), make_stays(200, rng), rng)


def test_tables_are_plain(data: Path):
    described = describe(data, quiet=True)
    assert json.loads(json.dumps(described, allow_nan=False)) == described
    assert list(described) == [
        *("source", "n_stays", "n_subjects", "table_one", "missingness", "event_rates", "codes", "ledger"),
    ]
    assert (described["source"], described["n_stays"], described["n_subjects"]) == ("made-up", 200, 133)
    for name in ("table_one", "missingness", "event_rates", "codes"):
        rows = described[name]
        assert rows
        assert len({tuple(row) for row in rows}) == 1
        assert all(value is None or isinstance(value, (str, int, float)) for row in rows for value in row.values())
    assert described["ledger"]["tables"]["lab"]["rows_in"] == 1234


def test_files_it_writes(data: Path, tmp_path: Path):
    described = describe(data, tmp_path / "out", quiet=True)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["describe.json", "manifest.json", "report.html", "table_one.csv"]
    assert files.read_json(tmp_path / "out" / "describe.json") == described
    with (tmp_path / "out" / "table_one.csv").open(newline="") as stream:
        assert list(csv.DictReader(stream)) == described["table_one"]
    html = (tmp_path / "out" / "report.html").read_text()
    assert not re.search(r"https?://|<script|@import|url\((?!#)|\ssrc=", html)
    assert html.count('class="chart"') == 2
    assert not re.search(rf"{str(FIRST_SUBJECT)[:6]}\d{{4}}|{str(FIRST_STAY)[:6]}\d{{4}}", html)
    assert str(data) not in html


def test_a_second_call_changes_nothing_and_other_data_is_refused(data: Path, tmp_path: Path):
    first = describe(data, tmp_path / "out", quiet=True)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert describe(data, tmp_path / "out", quiet=True) == first
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    rng = np.random.default_rng(1)
    other = make_data(tmp_path / "other", make_stays(30, rng), rng)
    with pytest.raises(RunError, match="Choose another --to"):
        describe(other, tmp_path / "out", quiet=True)


def test_few_stays_say_little(tmp_path: Path):
    rng = np.random.default_rng(0)
    described = describe(make_data(tmp_path / "data", make_stays(6, rng), rng), tmp_path / "out", quiet=True)
    assert (described["n_stays"], described["missingness"], described["codes"]) == ("<11", [], [])
    assert all(row["events_per_stay_day"] is None for row in described["event_rates"])
    assert (tmp_path / "out" / "report.html").is_file()


def events_by_hand(tmp_path: Path) -> tuple[Path, pl.DataFrame]:
    stays = make_stays(12, np.random.default_rng(0)).with_columns(modalities=pl.lit(["lab"], pl.List(pl.String)))
    rows = []
    for place, stay in enumerate(stays.iter_rows(named=True)):
        at = stay["start"]
        for hour in (-2, 1, 1, 61):  # before admission, twice in hour 1, after the unit
            when = at + pl.select(pl.duration(minutes=60 * hour + place)).item()
            rows.append((stay["subject_id"], when, "LAB//a", 1.0, None, stay["stay_id"], "lab", when))
    shard = pl.DataFrame(rows, schema=pl.read_parquet_schema(tmp_path / "d" / "data" / "0.parquet"), orient="row")
    return tmp_path / "d", stays.with_columns(n_events=pl.lit(4)), shard


def test_rates_by_hand(tmp_path: Path):
    rng = np.random.default_rng(0)
    make_data(tmp_path / "d", make_stays(12, rng), rng)
    folder, stays, shard = events_by_hand(tmp_path)
    (folder / "data" / "0.parquet").unlink()
    for name, part in (("0", shard.head(20)), ("1", shard.tail(28))):  # two shards
        files.write_table(folder / "data" / f"{name}.parquet", part)
    events = count_events(folder, stays, quiet=True)
    assert rate_rows(stays, events) == [
        {"modality": "lab", "events_per_stay_day": 1.6, "share_of_stays": 1.0, "first_available_h": -1.9, "n_codes": 1}
    ]  # 48 events in 12 stays of 2.5 days; the middle of -120 to -109 minutes
    hourly = hourly_rows(stays, events)
    assert [(row["hour"], row["rate"]) for row in hourly if row["rate"]] == [(1, 2.0)]
    assert max(row["hour"] for row in hourly) == 59  # the last hour with 11 stays in the unit


@pytest.mark.parametrize(("have", "share"), [(200, 1.0), (199, None), (190, None), (189, 0.94), (11, 0.06), (10, None)])
def test_a_share_does_not_say_how_few_stays_lack_something(have: int, share: float | None):
    """0.98 of 140 stays are 137: 3 lack it."""
    stays = make_stays(200, np.random.default_rng(0))
    by_stay = stays.head(have).select(
        "stay_id", modality=pl.lit("lab"), n_events=pl.lit(1, pl.UInt32), first_h=pl.lit(-0.01)
    )
    by_code = pl.DataFrame({"modality": ["lab"], "code": ["LAB//a"], "n_stays": [have]})
    events = EventCounts(by_stay, pl.DataFrame(), by_code)
    (row,) = rate_rows(stays, events)
    assert row["share_of_stays"] == share
    assert str(row["first_available_h"]) == ("0.0" if have > 10 else "None")
    assert [row["share_of_stays"] for row in code_rows(stays, events)] == ([share] if have > 10 else [])
    for rows in (rate_rows(stays, events, {"lab"}), code_rows(stays, events, {"lab"})):
        assert all(row["share_of_stays"] is None for row in rows)


def test_what_table_one_hides_no_other_table_tells(tmp_path: Path):
    rng = np.random.default_rng(0)
    kinds = [["lab", "vitals"]] * 100 + [["lab"]] * 30 + [["vitals"]] * 5 + [["aps", "lab"]] * 15
    stays = make_stays(150, rng).with_columns(modalities=pl.Series(kinds))
    described = describe(make_data(tmp_path / "data", stays, rng), quiet=True)
    one = {row["category"]: row["All"] for row in described["table_one"] if row["variable"] == "modality present"}
    assert (one["vitals"], one["lab"]) == ("–", "all but <11")
    told = {row["modality"] for table in ("event_rates", "codes") for row in described[table] if row["share_of_stays"]}
    assert not told & {"vitals", "lab"}


@pytest.mark.parametrize(("unknown", "a_day"), [(1, 1.6), (2, None), (12, None)])
def test_stays_without_an_end_count_neither_events_nor_days(tmp_path: Path, unknown: int, a_day: float | None):
    """48 events in 12 stays of 2.5 days; a rate is of 11 stays whose end is known, or of none."""
    rng = np.random.default_rng(0)
    make_data(tmp_path / "d", make_stays(12, rng), rng)
    folder, stays, shard = events_by_hand(tmp_path)
    files.write_table(folder / "data" / "0.parquet", shard)
    stays = stays.with_columns(end=pl.when(pl.int_range(pl.len()) >= unknown).then("end"))
    (row,) = rate_rows(stays, count_events(folder, stays, quiet=True))
    assert (row["events_per_stay_day"], row["share_of_stays"]) == (a_day, 1.0)


def test_changed_data_is_refused(tmp_path: Path):
    rng = np.random.default_rng(0)
    folder = make_data(tmp_path / "data", make_stays(30, rng), rng)
    files.write_json(folder / "ledger.json", {"tables": {}})
    with pytest.raises(DataError, match=r"ledger\.json"):
        describe(folder, quiet=True)


def test_a_single_value_set_aside_is_no_row_set_aside():
    """The page said `1 single values: impossible age` beside as many rows out as in."""
    accounts = {
        "patient": {"rows_in": 7, "rows_out": 7, "set_aside": {}, "values_set_aside": {"impossible age": 1}},
        "lab": {"rows_in": 9, "rows_out": 6, "set_aside": {"no value": 2, "no code": 1}},
    }
    said = [row["set aside"] for row in ledger_table({"tables": accounts}).rows]
    assert said == ["nothing (single values of rows that stay: 1 impossible age)", "2 no value; 1 no code"]
