"""The Challenge 2012 from raw records to predictions: trained on one set, judged on another, asked without labels."""

import json
import random
from pathlib import Path

import polars as pl
import pytest

from raw_challenge import RawSet
from wardround.cli import main
from wardround.evaluate.kinship import Kinship

pytestmark = pytest.mark.usefixtures("fast_fsync")

FAST = "--set loop.epochs=20 --set loop.learning_rate=1e-2 --set encoder.hidden=16 --set encoder.embed=8"


def sick_and_well(letter: str, first: int, outcomes: bool = True) -> RawSet:
    """Sixty records; who dies has a fast pulse and little urine."""
    rng, made = random.Random(first), RawSet(letter, outcomes=[] if outcomes else None)
    for number in range(first, first + 60):
        died = rng.random() < 0.4
        lines = [f"{hour:02}:15,HR,{rng.gauss(115 if died else 80, 8):.0f}" for hour in range(0, 48, 4)]
        lines += [f"{hour:02}:30,Urine,{rng.gauss(30 if died else 90, 8):.0f}" for hour in range(0, 48, 6)]
        lines += [f"47:59,GCS,{rng.randrange(3, 9) if died else rng.randrange(9, 16)}"]
        made.add(number, *lines, days=rng.randrange(2, 20), died=int(died), age=rng.randrange(18, 91))
    return made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sets a and b in one DATA, c in another, and c once more without its outcomes; a training on the first."""
    folder = tmp_path_factory.mktemp("challenge")
    first = sick_and_well("a", 1000).write(folder / "raw", "tar.gz")
    second = sick_and_well("b", 2000).write(folder / "raw-b", "zip")
    third = sick_and_well("c", 3000).write(folder / "raw-c")
    blind = sick_and_well("c", 3000, outcomes=False).write(folder / "raw-blind")
    for words in (
        f"prepare challenge2012 {first} {second} --to {folder / 'ab'}",
        f"prepare challenge2012 {third} --to {folder / 'c'}",
        f"prepare challenge2012 {blind / 'set-c'} --to {folder / 'blind'}",
        f"train mlp --data {folder / 'ab'} --task mortality --at-h 48 --to {folder / 'run'} {FAST}",
    ):
        assert main([*words.split(), "--quiet"]) == 0
    return folder


def test_two_sets_are_one_data_and_can_be_described(home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["describe", str(home / "ab"), "--json", "--quiet"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert (described["n_stays"], described["n_subjects"]) == (120, 120)
    assert described["ledger"]["tables"]["records"] == {"rows_in": 120, "rows_out": 120, "set_aside": {}}
    rates = {row["modality"]: row["events_per_stay_day"] for row in described["event_rates"]}
    assert rates == {"demographics": 2.5, "vitals": 6.0, "intake_output": 4.0, "neurology": 0.5}


def test_a_training_is_judged_on_its_own_test_side_and_on_another_set(home: Path, capsys: pytest.CaptureFixture[str]):
    for data, split in (("ab", "test"), ("c", "all")):
        words = f"evaluate {home / 'run'} --data {home / data} --split {split} --to {home / f'out-{data}'} --json"
        assert main([*words.split(), "--quiet"]) == 0
        metrics = json.loads(capsys.readouterr().out)
        assert (metrics["at_h"], metrics["protocol"]) == (48, "causal")
        assert metrics["metrics"]["auroc"]["value"] > 0.75
        assert metrics["patients"] == (Kinship.OWN if data == "ab" else Kinship.SAME_DATABASE)
    assert (metrics["n_stays"], metrics["n_excluded"]) == (60, {})


def test_without_outcomes_it_predicts_the_same_and_evaluates_nothing(home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["predict", str(home / "run"), "--data", str(home / "blind"), "--to", str(home / "p"), "--quiet"]) == 0
    blind = pl.read_parquet(home / "p" / "predictions.parquet")
    assert blind["boolean_value"].null_count() == blind.height == 60
    words = f"evaluate {home / 'run'} --data {home / 'c'} --split all --to {home / 'seen'} --quiet"
    assert main(words.split()) == 0
    seen = pl.read_parquet(home / "seen" / "predictions.parquet")
    column = "predicted_boolean_probability"
    assert blind.sort("stay_id")[column].equals(seen.sort("stay_id")[column])
    assert main(f"evaluate {home / 'run'} --data {home / 'blind'} --split all --to {home / 'no'} --quiet".split()) == 1
    assert "no label: 60" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "at_h", "why"),
    [
        ("mortality", 49, "the record of the stay ends before the prediction time: 120"),
        ("los_icu", 48, "no label"),
        ("los", 48, "no label"),
    ],
)
def test_what_the_challenge_does_not_publish_is_not_asked(
    task: str, at_h: int, why: str, home: Path, capsys: pytest.CaptureFixture[str]
):
    words = f"train mlp --data {home / 'ab'} --task {task} --at-h {at_h} --to {home / task} {FAST} --quiet"
    assert main(words.split()) == 1
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        ("challenge2012 {raw} --modalities paper", 2, "the paper does not use challenge2012"),
        ("eicu {raw} {raw}", 2, "this database is one"),
        ("challenge2012 {raw} {raw}", 1, "set-a is given 2 times"),
        ("challenge2012 {raw}/Outcomes-a.txt", 1, "not a folder or an archive"),
    ],
)
def test_a_call_that_is_off_says_so(
    words: str, code: int, why: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    line = f"prepare {words.format(raw=home / 'raw')} --to {tmp_path / 'data'} --quiet"
    assert main(line.split()) == code
    assert why in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_second_call_finds_it_complete(home: Path, capsys: pytest.CaptureFixture[str]):
    words = f"prepare challenge2012 {home / 'raw'} {home / 'raw-b'} --to {home / 'ab'} --quiet"
    assert main(words.split()) == 0
    assert f"{home / 'ab'} was already complete" in capsys.readouterr().out
