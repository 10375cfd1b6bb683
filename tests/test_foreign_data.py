"""A DATA folder that somebody else made: every verb that reads it names the file and the column that is off."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from small_runs import RISK, small_data, trained
from wardround import files
from wardround.cli import main
from wardround.events import EVENT_COLUMNS, OPTIONAL_STAY_COLUMNS, STAY_COLUMNS

READERS: Final = {
    "describe": "describe {data}",
    "pretrain": "pretrain alignment --data {data} --to {to}",
    "train": "train mlp --data {data} --task mortality --to {to}",
    "train score": "train score --data {data} --task mortality --to {to}",
    "evaluate": "evaluate {run} --data {data} --split all --to {to}",
    "predict": "predict {run} --data {data} --to {to}",
}
TABLES: Final = {
    "stays.parquet": tuple(name for name in STAY_COLUMNS if name not in OPTIONAL_STAY_COLUMNS),
    "data/0.parquet": tuple(EVENT_COLUMNS),
    "metadata/codes.parquet": ("code",),
}
UNREAD: Final = {"subject_id", "text_value"}
"""Event columns that no verb reads: MEDS asks for them."""
OF_A_MODEL: Final = {"time", "numeric_value"}
"""Event columns that `describe` does not read; nor does it read the list of codes."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with DATA and a training on it."""
    folder = tmp_path_factory.mktemp("foreign")
    trained("mlp", small_data(folder / "data"), folder / "run")
    return folder


def damaged(home: Path, to: Path, table: str, column: str, retype: bool) -> Path:
    """The DATA with one column gone or of another type, closed as its maker would have closed it."""
    shutil.copytree(home / "data", to, ignore=shutil.ignore_patterns("cache"))
    rows = files.read_table(to / table)
    other = pl.Int64 if rows.schema[column] == pl.String else pl.String
    changed = rows.with_columns(pl.lit(None, other).alias(column)) if retype else rows.drop(column)
    files.write_table(to / table, changed)
    return closed(to)


def closed(data: Path) -> Path:
    manifest = files.read_json(data / "manifest.json")
    files.write_manifest(data, "data", manifest["inputs"], manifest["settings"], manifest["version"])
    return data


def columns_read(verb: str) -> Iterator[tuple[str, str]]:
    for table, columns in TABLES.items():
        for column in columns:
            spared = table == "metadata/codes.parquet" or (table.startswith("data/") and column in OF_A_MODEL)
            if not (table.startswith("data/") and column in UNREAD) and not (verb == "describe" and spared):
                yield table, column


def said(verb: str, home: Path, data: Path, to: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    words = READERS[verb].format(data=data, to=to, run=home / "run")
    code = main([*words.split(), "--quiet"])
    return code, capsys.readouterr().err.strip()


@pytest.mark.parametrize("retype", [False, True], ids=["dropped", "retyped"])
@pytest.mark.parametrize("verb", READERS)
def test_a_column_that_is_off_is_named(
    verb: str, retype: bool, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, (table, column) in enumerate(columns_read(verb)):
        data = damaged(home, tmp_path / f"data{number}", table, column, retype)
        code, error = said(verb, home, data, tmp_path / f"to{number}", capsys)
        assert code == 1, (table, column)
        assert len(error.splitlines()) == 1
        assert table in error
        assert f"column {column} is" in error


@pytest.mark.parametrize("column", sorted(OPTIONAL_STAY_COLUMNS))
@pytest.mark.parametrize("verb", READERS)
def test_an_optional_column_may_be_absent_but_not_another(
    verb: str, column: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older = damaged(home, tmp_path / "older", "stays.parquet", column, retype=False)
    assert said(verb, home, older, tmp_path / "to", capsys) == (0, "")
    other = damaged(home, tmp_path / "other", "stays.parquet", column, retype=True)
    code, error = said(verb, home, other, tmp_path / "to-other", capsys)
    assert (code, f"column {column} is" in error) == (1, True)


@pytest.mark.parametrize("column", sorted(UNREAD))
@pytest.mark.parametrize("verb", ["describe", "evaluate", "predict"])
def test_a_column_that_nothing_reads_may_be_anything(
    verb: str, column: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = damaged(home, tmp_path / "data", "data/0.parquet", column, retype=True)
    assert said(verb, home, data, tmp_path / "to", capsys) == (0, "")


@pytest.mark.parametrize(
    "ledger",
    [
        [],
        {"tables": []},
        {"tables": {"lab": 3}},
        {"tables": {"lab": {"rows_in": "3", "rows_out": 3, "set_aside": {}}}},
        {"tables": {"lab": {"rows_in": 3, "rows_out": 3}}},
        {"tables": {"lab": {"rows_in": 3, "rows_out": 3, "set_aside": {"no time": None}}}},
        {"tables": {}, "absent": {"lab": 1}},
    ],
)
@pytest.mark.parametrize("verb", ["describe", "evaluate"])
def test_a_ledger_of_another_shape_is_named(
    verb: str, ledger: object, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = shutil.copytree(home / "data", tmp_path / "data", ignore=shutil.ignore_patterns("cache"))
    files.write_json(data / "ledger.json", ledger)
    code, error = said(verb, home, closed(data), tmp_path / "to", capsys)
    assert code == 1
    assert "ledger.json" in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(("value", "usable"), [(0.0, True), (1.0, True), (1.01, False), (-1.0, False), (47.0, False)])
def test_a_score_that_cannot_be_is_no_score(
    value: float, usable: bool, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Set aside and counted, in training and in evaluation; eICU writes -1 where APACHE has no prediction."""
    data = shutil.copytree(home / "data", tmp_path / "data", ignore=shutil.ignore_patterns("cache"))
    events = files.read_table(data / "data" / "0.parquet")
    scored = (pl.col("code") == RISK) & pl.col("numeric_value").is_not_null()
    chosen = scored & (pl.col("stay_id") % 3 == 0)
    number = pl.when(chosen).then(pl.lit(value, pl.Float32)).otherwise("numeric_value")
    files.write_table(data / "data" / "0.parquet", events.with_columns(numeric_value=number))
    changed = set(events.filter(chosen)["stay_id"])
    run, to = tmp_path / "score", tmp_path / "to"
    assert main(f"train score --data {closed(data)} --task mortality --to {run} --quiet".split()) == 0
    assert main(f"evaluate {run} --data {data} --split all --to {to} --quiet".split()) == 0
    asked = set(pl.read_parquet(to / "predictions.parquet")["stay_id"])
    assert len(changed) > 10
    assert bool(asked & changed) == usable
    metrics = files.read_json(to / "metrics.json")
    n_all = pl.read_parquet(data / "stays.parquet").height
    assert metrics["n_stays"] + sum(metrics["n_excluded"].values()) == n_all
    capsys.readouterr()
