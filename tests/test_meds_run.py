"""A hospital's MEDS data from shards to predictions, and out again: the commands, their exit codes, what they say."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from raw_meds import RawMeds
from wardround.cli import main

pytestmark = pytest.mark.usefixtures("fast_fsync")

FAST = "--set loop.epochs=20 --set loop.learning_rate=1e-2 --set encoder.hidden=16 --set encoder.embed=8"

MEDS_EVALUATION = {
    "subject_id": pl.Int64,
    "prediction_time": pl.Datetime,
    "boolean_value": pl.Boolean,
    "predicted_boolean_value": pl.Boolean,
    "predicted_boolean_probability": pl.Float64,
}
"""What `meds_evaluation.schema` asks for (kamilest/meds-evaluation, BINARY_CLASSIFICATION_SCHEMA_DICT)."""


def sick_and_well() -> RawMeds:
    """Eighty patients; who dies has a fast pulse and a high lactate, and a diagnosis that only billing knows."""
    rng, made = random.Random(4), RawMeds()
    for subject in range(1, 81):
        died, start = rng.random() < 0.4, datetime(2150, 1, 1) + timedelta(days=rng.randrange(900))

        def add(hour: float, code: str, *rest, subject: int = subject, start: datetime = start, **ids) -> None:
            made.add(subject, str(start + timedelta(hours=hour)), code, *rest, **ids)

        made.add(subject, None, f"GENDER//{rng.choice('FM')}").add(
            subject, f"{2150 - rng.randrange(20, 90)}-01-01", "MEDS_BIRTH"
        )
        ids = {"unit_stay": 1000 + subject, "visit": f"v{subject}"}
        add(-2, "HOSP_IN", visit=ids["visit"])
        add(0, "ICU_IN//MICU", **ids)
        for hour in range(0, 40, 2):
            add(hour + 0.25, "HR", rng.gauss(115 if died else 80, 8))
        for hour in range(0, 40, 6):
            add(hour + 0.5, "LAB//lactate", rng.gauss(5 if died else 1.5, 0.6))
        if died:
            add(0, "DX//R99", visit=ids["visit"])
            add(47, "MEDS_DEATH")
        add(48, "ICU_OUT", **ids)
        add(60, f"HOSP_OUT//{'DIED' if died else 'HOME'}", visit=ids["visit"])
    return made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DATA of it, a training of each of two methods, and their evaluations."""
    folder = tmp_path_factory.mktemp("meds")
    raw = sick_and_well().write(folder / "raw", shards=3)
    for words in (
        f"prepare meds {raw} --mapping {raw / 'mapping.toml'} --to {folder / 'data'}",
        f"train mlp --data {folder / 'data'} --task mortality --to {folder / 'mlp'} {FAST}",
        f"train logistic --data {folder / 'data'} --task mortality --to {folder / 'logistic'}",
        *(f"evaluate {folder / m} --data {folder / 'data'} --split all --to {folder / f'out-{m}'}" for m in METHODS),
    ):
        assert main([*words.split(), "--quiet"]) == 0
    return folder


METHODS = ("mlp", "logistic")


def test_its_data_can_be_described(home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["describe", str(home / "data"), "--json", "--quiet"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert (described["n_stays"], described["n_subjects"]) == (80, 80)
    assert described["ledger"]["tables"]["stays"] == {"rows_in": 80, "rows_out": 80, "set_aside": {}}


@pytest.mark.parametrize("method", METHODS)
def test_a_training_finds_who_is_sick_and_never_saw_the_billing(method: str, home: Path):
    metrics = json.loads((home / f"out-{method}" / "metrics.json").read_text())
    assert metrics["metrics"]["auroc"]["value"] > 0.9
    assert (metrics["protocol"], metrics["at_h"], metrics["n_stays"]) == ("causal", 24, 80)
    billed = pl.concat(pl.read_parquet(path) for path in (home / "data" / "data").iterdir())
    billed = billed.filter(pl.col("code") == "DX//R99").join(
        pl.read_parquet(home / "data" / "stays.parquet"), on="stay_id"
    )
    assert billed.height > 20
    assert (billed["available_time"] - billed["start"] >= timedelta(hours=48)).all()


@pytest.mark.parametrize("method", METHODS)
def test_predictions_are_in_the_columns_of_meds_evaluation(method: str, home: Path):
    predictions = pl.read_parquet(home / f"out-{method}" / "predictions.parquet")
    for name, kind in MEDS_EVALUATION.items():
        assert predictions.schema[name] == kind, name
    assert predictions.drop("stay_id").null_count().sum_horizontal().item() == 0
    assert predictions["predicted_boolean_probability"].is_between(0, 1).all()
    metrics = json.loads((home / f"out-{method}" / "metrics.json").read_text())
    right = (predictions["boolean_value"] == predictions["predicted_boolean_value"]).mean()
    assert right == pytest.approx(metrics["metrics"]["accuracy"]["value"])
    assert main(f"predict {home / method} --data {home / 'data'} --to {home / f'p-{method}'} --quiet".split()) == 0
    again = pl.read_parquet(home / f"p-{method}" / "predictions.parquet")
    assert again.schema == predictions.schema


def test_it_goes_out_as_meds_and_comes_back_and_predicts_the_same(home: Path, capsys: pytest.CaptureFixture[str]):
    words = f"export meds {home / 'data'} --to {home / 'meds'} --task mortality --at-h 24 --json --quiet"
    assert main(words.split()) == 0
    assert json.loads(capsys.readouterr().out)["labels of mortality"] == 80
    assert main(words.replace(" --json", "").split()) == 0
    assert f"{home / 'meds'} was already complete" in capsys.readouterr().out
    assert main(f"prepare meds {home / 'meds'} --to {home / 'back'} --quiet".split()) == 0
    assert main(f"predict {home / 'mlp'} --data {home / 'back'} --to {home / 'p-back'} --quiet".split()) == 0
    one, other = (pl.read_parquet(home / name / "predictions.parquet") for name in ("out-mlp", "p-back"))
    assert one.equals(other)


def test_a_dry_run_shows_what_codes_become_and_writes_nothing(home: Path, capsys: pytest.CaptureFixture[str]):
    words = f"prepare meds {home / 'raw'} --mapping {home / 'raw' / 'mapping.toml'} --to {home / 'dry'} --dry-run"
    assert main(words.split()) == 0
    shown, warned = capsys.readouterr()
    assert "HR" in shown
    assert "vitals, known at once" in shown
    assert "GENDER//* (80). An outcome among them would leak" in warned
    assert main([*words.split(), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sum(row["rows"] for row in told["codes"]) == told["tables"]["data"]["rows"] == len(sick_and_well().rows)
    assert not (home / "dry").exists()


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        ("prepare meds {raw} --to {to}", 2, "needs --mapping FILE"),
        ("prepare meds {raw} --to {to} --mapping {raw}/none.toml", 2, "there is no such file"),
        ("prepare meds {raw} {raw} --to {to} --mapping {raw}/mapping.toml", 2, "2 raw folders were given"),
        ("prepare meds {raw}/metadata --to {to} --mapping {raw}/mapping.toml", 1, "holds no .parquet file"),
        ("prepare meds {raw} --to {to} --mapping {raw}/mapping.toml --modalities paper", 2, "does not use meds"),
        ("prepare eicu {raw} --to {to} --mapping {raw}/mapping.toml", 2, "--mapping goes with meds"),
        ("prepare eicu {raw} --to {to} --dry-run", 1, "has no patient.csv"),
        ("prepare meds {raw} --mapping {raw}/mapping.toml --to {to} --memory-gib 0.1", 2, "0.8 are needed"),
        ("export meds {raw} --to {to}", 1, "manifest.json is missing"),
        ("export meds {data} --to {data}", 1, "but 'meds' was expected"),
    ],
)  # fmt: skip
def test_a_call_that_is_off_says_so(
    words: str, code: int, why: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    line = words.format(raw=home / "raw", data=home / "data", to=tmp_path / "to")
    assert main([*line.split(), "--quiet"]) == code
    shown = capsys.readouterr().err
    assert why in shown
    assert shown.count("\n") == 1, "one clear line"
    assert not (tmp_path / "to").exists()


def test_the_help_of_export_has_examples(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main(["export", "--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    assert "wardround export meds data --to meds" in shown
    assert "--time" in shown
