"""The command line end to end on a small synthetic database: every verb, its files, its exit codes."""

import json
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from wardround.cli import main

STAYS = 400
FAST = ["--quiet", "--set", "loop.epochs=2", "--set", "encoder.hidden=16", "--set", "encoder.embed=8"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with raw tables, DATA, a pretraining and two trainings."""
    folder = tmp_path_factory.mktemp("cli")
    data, aligned = str(folder / "data"), str(folder / "aligned")
    assert (
        main(
            [
                "synth",
                "eicu",
                "--stays",
                str(STAYS),
                "--to",
                str(folder / "raw"),
                "--set",
                "missing_rate=0.2",
                "--quiet",
            ]
        )
        == 0
    )
    assert main(["prepare", "eicu", str(folder / "raw"), "--to", data, "--quiet"]) == 0
    assert main(["pretrain", "alignment", "--data", data, "--to", aligned, *FAST]) == 0
    common = ["--data", data, "--task", "mortality", *FAST]
    assert main(["train", "mlp", "--to", str(folder / "mlp"), "--set", "model.hidden=8", *common]) == 0
    small = [
        "--set",
        "decoder.hidden=16",
        "--set",
        "decoder.heads=2",
        "--set",
        "decoder.layers=1",
        "--set",
        "decoder.mlp_hidden=16",
    ]
    aligned_set = ["--data", data, "--task", "mortality", "--quiet", "--set", "loop.epochs=2", "--encoders", aligned]
    assert main(["train", "trajectory", "--to", str(folder / "trajectory"), *small, *aligned_set]) == 0
    return folder


def test_help_answers_at_once() -> None:
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "wardround.cli", "--help"], capture_output=True, text=True, check=True)
    heavy = "import sys, wardround.cli; print(sorted({'torch', 'polars', 'numpy', 'transformers'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert "prepare" in done.stdout
    assert loaded.stdout.strip() == "[]", "a heavy library is imported before a verb runs"
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize(
    "verb", ["demo", "fetch", "synth", "prepare", "describe", "pretrain", "train", "evaluate", "predict", "list"]
)
def test_every_verb_has_help_with_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([verb, "--help"])
    assert stopped.value.code == 0
    assert "examples:\n  wardround " + verb in capsys.readouterr().out


def test_run_folder_holds_what_the_formats_say(work: Path) -> None:
    for run in ("aligned", "mlp", "trajectory"):
        names = {path.name for path in (work / run).iterdir()}
        wanted = {
            "settings.json",
            "weights.safetensors",
            "vocabulary",
            "normaliser",
            "splits.parquet",
            "history.parquet",
        }
        assert wanted | {"diagnostics.json", "metrics.json", "manifest.json"} <= names
        assert "checkpoints" not in names
        splits = pl.read_parquet(work / run / "splits.parquet")
        assert splits.columns == ["subject_id", "stay_id", "pretrain_split", "split"]


def test_second_identical_call_finds_it_complete(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", "eicu", str(work / "raw"), "--to", str(work / "data"), "--quiet"]) == 0
    assert "already complete" in capsys.readouterr().out
    call = [
        "train",
        "mlp",
        "--to",
        str(work / "mlp"),
        "--set",
        "model.hidden=8",
        "--data",
        str(work / "data"),
        "--task",
        "mortality",
    ]
    assert main([*call, *FAST]) == 0
    assert "already complete" in capsys.readouterr().out


def test_other_settings_never_overwrite(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = [
        "train",
        "mlp",
        "--to",
        str(work / "mlp"),
        "--set",
        "model.hidden=9",
        "--data",
        str(work / "data"),
        "--task",
        "mortality",
    ]
    assert main([*call, *FAST]) == 1
    assert "other settings" in capsys.readouterr().err


def test_evaluate_writes_metrics_predictions_beliefs_report(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = work / "evaluation"
    assert (
        main(["evaluate", str(work / "trajectory"), "--data", str(work / "data"), "--to", str(to), "--json", "--quiet"])
        == 0
    )
    printed = json.loads(capsys.readouterr().out)
    metrics = json.loads((to / "metrics.json").read_text())
    assert printed == metrics
    keys = {
        "method",
        "task",
        "protocol",
        "at_h",
        "split",
        "n_stays",
        "n_subjects",
        "n_excluded",
        "prevalence",
        "metrics",
    }
    assert keys <= set(metrics)
    names = "auroc auprc brier bss ace calibration_slope calibration_intercept "
    names += "sensitivity specificity ppv f1 accuracy event1"
    assert set(names.split()) <= set(metrics["metrics"])
    assert all({"value", "low", "high"} <= set(entry) for entry in metrics["metrics"].values())
    predictions = pl.read_parquet(to / "predictions.parquet")
    assert predictions.columns == [
        "subject_id",
        "stay_id",
        "prediction_time",
        "boolean_value",
        "predicted_boolean_probability",
    ]
    assert predictions.height == metrics["n_stays"] == predictions["stay_id"].n_unique()
    beliefs = pl.read_parquet(to / "beliefs.parquet")
    assert beliefs.columns == ["stay_id", "event_index", "time_h", "modality", "predicted_boolean_probability"]
    assert beliefs["time_h"].max() <= 24
    assert (to / "report.html").read_text().count("http") == (to / "report.html").read_text().count("http://www.w3.org")
    n_all = pl.read_parquet(work / "data" / "stays.parquet").height
    assert metrics["n_stays"] + sum(metrics["n_excluded"].values()) == n_all


def test_last_belief_is_the_prediction(work: Path) -> None:
    to = work / "evaluation-last"
    assert (
        main(
            [
                "evaluate",
                str(work / "trajectory"),
                "--data",
                str(work / "data"),
                "--to",
                str(to),
                "--split",
                "all",
                "--quiet",
            ]
        )
        == 0
    )
    last = (
        pl.read_parquet(to / "beliefs.parquet")
        .group_by("stay_id")
        .agg(pl.col("predicted_boolean_probability").last().alias("last"))
    )
    both = pl.read_parquet(to / "predictions.parquet").join(last, on="stay_id")
    assert both.height > 100
    assert (both["last"] - both["predicted_boolean_probability"]).abs().max() < 1e-6


def test_several_hours_and_missing_modalities(work: Path) -> None:
    to = work / "hours"
    call = [
        "evaluate",
        str(work / "mlp"),
        "--data",
        str(work / "data"),
        "--to",
        str(to),
        "--at-h",
        "6",
        "12",
        "--without",
        "lab",
        "aps",
    ]
    assert main([*call, "--quiet"]) == 0
    six, twelve = (json.loads((to / f"metrics_{hour}h.json").read_text()) for hour in (6, 12))
    assert (six["at_h"], twelve["at_h"]) == (6, 12)
    assert six["without"] == ["lab", "aps"]
    assert six["n_stays"] >= twelve["n_stays"]


def test_another_cohort_is_judged_with_the_run_s_own_inputs(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw, data = work / "other-raw", work / "other"
    assert main(["synth", "eicu", "--stays", "200", "--seed", "9", "--to", str(raw), "--quiet"]) == 0
    assert main(["prepare", "eicu", str(raw), "--to", str(data), "--modalities", "paper", "--quiet"]) == 0
    assert main(["evaluate", str(work / "mlp"), "--data", str(data), "--to", str(work / "x"), "--quiet"]) == 2
    assert "--split all" in capsys.readouterr().err
    call = [
        "evaluate",
        str(work / "mlp"),
        "--data",
        str(data),
        "--to",
        str(work / "external"),
        "--split",
        "all",
        "--quiet",
    ]
    assert main(call) == 0
    metrics = json.loads((work / "external" / "metrics.json").read_text())
    learned = pl.col("split").is_in(["train", "val"])
    trained = pl.read_parquet(work / "mlp" / "splits.parquet").filter(learned)["subject_id"].unique()
    judged = pl.read_parquet(work / "external" / "predictions.parquet")["subject_id"]
    assert metrics["n_seen_in_training"] == judged.is_in(trained.implode()).sum()
    assert main(["predict", str(work / "mlp"), "--data", str(data), "--to", str(work / "predicted"), "--quiet"]) == 0
    assert pl.read_parquet(work / "predicted" / "predictions.parquet").height >= metrics["n_stays"]


def test_encoders_that_saw_test_patients_are_refused(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["train", "mlp", "--data", str(work / "data"), "--task", "mortality", "--to", str(work / "leak"), "--quiet"]
    assert main([*call, "--encoders", str(work / "aligned"), "--split-seed", "5"]) == 1
    assert "test patients were used to pretrain" in capsys.readouterr().err
    assert not (work / "leak" / "manifest.json").exists()


def test_paper_protocol_is_stamped(work: Path) -> None:
    run, to = work / "paper", work / "paper-evaluation"
    call = [
        "train",
        "mlp",
        "--data",
        str(work / "data"),
        "--task",
        "mortality",
        "--protocol",
        "paper",
        "--at-h",
        "12",
        "--to",
        str(run),
    ]
    assert main([*call, *FAST]) == 0
    assert main(["evaluate", str(run), "--data", str(work / "data"), "--to", str(to), "--quiet"]) == 0
    metrics = json.loads((to / "metrics.json").read_text())
    assert {"aps", "lab"} <= set(metrics["sees_past_prediction"])
    assert "aps" in (to / "report.html").read_text()


@pytest.mark.parametrize(
    ("call", "code", "message"),
    [
        (["train", "mlp", "--data", "nowhere", "--task", "mortality", "--to", "x"], 1, "not a folder"),
        (["prepare", "eicu", "nowhere", "--to", "x"], 1, "not a folder"),
        (["evaluate", "nowhere", "--data", "nowhere", "--to", "x"], 1, "not a folder"),
        (
            ["train", "mlp", "--data", "nowhere", "--task", "mortality", "--to", "x", "--set", "nonsense=1"],
            2,
            "no setting",
        ),
        (["train", "mlp", "--data", "n", "--task", "mortality", "--to", "x", "--at-h", "-3"], 2, "not an hour"),
        (["train", "mlp", "--data", "n", "--task", "mortality", "--to", "x", "--fold", "9/5"], 2, "K/N"),
    ],
)
def test_a_wrong_call_fails_with_one_clear_line(
    call: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(call) == code
    error = capsys.readouterr().err.strip()
    assert message in error
    assert len(error.splitlines()) == 1


def test_list_prints_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    for what in ("methods", "tasks", "sources", "modalities", "settings"):
        assert main(["list", what, "--json"]) == 0
        rows = json.loads(capsys.readouterr().out)
        assert rows
        assert all(set(row) == {"name", "summary"} for row in rows)
