"""The command line end to end on a small synthetic database: every verb, its files, its exit codes."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from wardround import files
from wardround.cli import main
from wardround.errors import RunError
from wardround.evaluate.kinship import Kinship

STAYS = 400
FAST = "--set loop.epochs=2 --set encoder.hidden=16 --set encoder.embed=8"
DECODER = "--set loop.epochs=2 --set decoder.hidden=16 --set decoder.heads=2 --set decoder.layers=1"
TRAIN = "train mlp --data data --task mortality --set model.hidden=8"

Captured = pytest.CaptureFixture[str]
Call = Callable[[str], int]


@dataclass(frozen=True)
class Verb:
    """What `COMMANDS.md` asks of a verb.

    Attributes:
        call: one that works in the folder `work`; what it writes is the folder after `--to`.
        kind: of the manifest in that folder; empty where the verb writes nothing.
        table: whether it prints a table, and so takes `--json`.
        draws: whether it draws anything at random.
        long: whether its work can be long, and so shows how far it has come.
        elsewhere: the test module that calls it, where that is not this one.
    """

    call: str
    kind: str = ""
    table: bool = False
    draws: bool = False
    long: bool = True
    elsewhere: str = ""


VERBS: Final = {
    "demo": Verb("demo --to demo --stays 250", "demo", draws=True, elsewhere="test_demo.py"),
    "fetch": Verb("fetch eicu-demo --to fetched", "raw", elsewhere="sources/test_fetch.py"),
    "synth": Verb("synth eicu --stays 30 --to new-raw", "raw", draws=True),
    "prepare": Verb("prepare eicu raw --to new-data", "data", table=True),
    "describe": Verb("describe data --to new-description", "description", table=True),
    "concepts": Verb("concepts data urine_output --to new-concepts", "concepts", table=True),
    "export": Verb("export meds data --to new-meds", "meds", table=True),
    "pretrain": Verb(f"pretrain alignment --data data --to new-aligned {FAST}", "run", draws=True),
    "train": Verb(f"{TRAIN} --to new-mlp {FAST}", "run", draws=True),
    "evaluate": Verb("evaluate mlp --data data --to new-evaluation", "evaluation", table=True, draws=True),
    "predict": Verb("predict mlp --data data --to new-predictions", "predictions"),
    "compare": Verb("compare mlp trajectory --data data --to new-comparison", "comparison", table=True, draws=True),
    "list": Verb("list methods", table=True, long=False),
}
HERE: Final = [name for name, verb in VERBS.items() if not verb.elsewhere]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with raw tables, DATA, a pretraining and two trainings."""
    folder = tmp_path_factory.mktemp("cli")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for call in (
            f"synth eicu --stays {STAYS} --to raw --set missing_rate=0.2",
            "prepare eicu raw --to data",
            f"pretrain alignment --data data --to aligned {FAST}",
            f"{TRAIN} --to mlp {FAST}",
            f"train trajectory --data data --task mortality --to trajectory --encoders aligned {DECODER}",
        ):
            assert main([*call.split(), "--quiet"]) == 0
    return folder


@pytest.fixture
def call(work: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Calls in the folder, written as a person types them."""
    monkeypatch.chdir(work)
    return lambda words: main([*words.split(), "--quiet"])


def written(verb: Verb) -> Path:
    words = verb.call.split()
    return Path(words[words.index("--to") + 1])


# Every verb


def test_the_table_names_every_verb(capsys: Captured) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("    ")]
    assert [word for word in listed if word in VERBS] == list(VERBS)
    with pytest.raises(SystemExit):
        main(["nonsense"])
    choices = capsys.readouterr().err.split("choose from")[1]
    assert all(name in choices for name in VERBS)
    assert choices.count(",") == len(VERBS) - 1


@pytest.mark.parametrize("name", VERBS)
def test_help_has_examples_and_says_what_the_seed_is_of(name: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert stopped.value.code == 0
    assert f"examples: wardround {name}" in said
    assert {"--quiet", "--seed"} <= set(said.replace("]", " ").replace("[", " ").split())
    assert ("nothing is drawn at random" in said) == (not VERBS[name].draws)
    assert ("--json" in said) == VERBS[name].table


@pytest.mark.parametrize("name", VERBS)
@pytest.mark.parametrize("seed", ["-1", "one", "0.5"])
def test_a_seed_is_a_whole_number(name: str, seed: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*VERBS[name].call.split(), "--seed", seed])
    assert stopped.value.code == 2
    assert "a whole number of 0 or more" in capsys.readouterr().err


@pytest.mark.parametrize("name", HERE)
def test_long_work_shows_how_far_it_has_come_and_what_is_written_has_a_manifest(
    name: str, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(work)
    verb = VERBS[name]
    assert main([*verb.call.split(), "--seed", "0"]) == 0
    said = capsys.readouterr()
    assert ": 0 of " in said.err or not verb.long
    assert "\r" not in said.err, "plain lines where no terminal is"
    assert said.out
    if verb.kind:
        files.verify_folder(written(verb), verb.kind, RunError)
        assert main(verb.call.split()) == 0, "a second call finds it complete"


@pytest.mark.parametrize("name", HERE)
def test_quiet_says_nothing_of_progress(name: str, call: Call, capsys: Captured) -> None:
    verb = VERBS[name]
    assert call(verb.call.replace("--to new-", "--to quiet-")) == 0
    assert ": 0 of " not in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name in HERE if VERBS[name].table])
def test_json_is_all_that_is_printed(name: str, call: Call, capsys: Captured) -> None:
    assert call(f"{VERBS[name].call.replace('--to new-', '--to json-')} --json") == 0
    assert json.loads(capsys.readouterr().out)


def test_help_answers_at_once() -> None:
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "wardround.cli", "--help"], capture_output=True, text=True, check=True)
    heavy = "import sys, wardround.cli; print(sorted({'torch', 'polars', 'numpy', 'transformers'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert "prepare" in done.stdout
    assert loaded.stdout.strip() == "[]", "a heavy library is imported before a verb runs"
    assert time.perf_counter() - start < 20


WRONG: Final = {
    "train mlp --data nowhere --task mortality --to x": (1, "not a folder"),
    "prepare eicu nowhere --to x": (1, "not a folder"),
    "describe nowhere": (1, "not a folder"),
    "evaluate nowhere --data nowhere --to x": (1, "not a folder"),
    "predict nowhere --data nowhere --to x": (1, "not a folder"),
    "compare nowhere nowhere-else --to x": (1, "not a folder"),
    "compare nowhere.toml --to x": (2, "nowhere.toml is not there"),
    "compare nowhere.toml": (2, "--to DIR is missing"),
    "compare a b --dry-run": (2, "goes with a recipe"),
    "train mlp --data nowhere --task mortality --to x --set nonsense=1": (2, "no setting"),
    "train mlp --data n --task mortality --to x --at-h -3": (2, "not an hour"),
    "train mlp --data n --task mortality --to x --fold 9/5": (2, "K/N"),
}


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_call_fails_with_one_clear_line(words: str, capsys: Captured) -> None:
    code, message = WRONG[words]
    assert main(words.split()) == code
    error = capsys.readouterr().err.strip()
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("hour", ["nan", "inf", "-inf", "1e999", "noon"])
@pytest.mark.parametrize("words", ["evaluate r --data d --to x", "predict r --data d --to x", f"{TRAIN} --to x"])
def test_what_is_no_finite_hour_is_refused(words: str, hour: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*words.split(), f"--at-h={hour}"])
    assert stopped.value.code == 2
    assert "hours from unit admission, as a number" in capsys.readouterr().err


# The files


def test_run_folder_holds_what_the_formats_say(work: Path) -> None:
    wanted = "settings.json weights.safetensors vocabulary normaliser splits.parquet history.parquet"
    wanted += " diagnostics.json metrics.json manifest.json"
    for run in ("aligned", "mlp", "trajectory"):
        names = {path.name for path in (work / run).iterdir()}
        assert set(wanted.split()) <= names
        assert "checkpoints" not in names
        splits = pl.read_parquet(work / run / "splits.parquet")
        assert splits.columns == ["subject_id", "stay_id", "pretrain_split", "split"]


def test_second_identical_call_finds_it_complete(call: Call, capsys: Captured) -> None:
    synth = f"synth eicu --stays {STAYS} --to raw --set missing_rate=0.2"
    for words in (synth, "prepare eicu raw --to data", f"{TRAIN} --to mlp {FAST}"):
        assert call(words) == 0
        assert "already complete" in capsys.readouterr().out


def test_other_settings_never_overwrite(call: Call, capsys: Captured) -> None:
    assert call(f"{TRAIN.replace('hidden=8', 'hidden=9')} --to mlp {FAST}") == 1
    assert "other settings" in capsys.readouterr().err


def test_a_finished_evaluation_is_told_in_the_order_in_which_it_was_first(
    work: Path, call: Call, capsys: Captured
) -> None:
    words = "evaluate trajectory --data data --split all --to told-twice --quiet"
    told: list[list[str]] = []
    for _ in range(2):
        assert call(words) == 0
        told.append(capsys.readouterr().out.splitlines())
    assert told[0][:-1] == told[1][:-1]
    names = [line.split()[0] for line in told[0]]
    assert names[names.index("auroc") :][:3] == ["auroc", "auprc", "brier"]


def test_evaluate_writes_metrics_predictions_beliefs_report(work: Path, call: Call, capsys: Captured) -> None:
    to = work / "evaluation"
    assert call("evaluate trajectory --data data --to evaluation --json") == 0
    metrics = json.loads((to / "metrics.json").read_text())
    assert json.loads(capsys.readouterr().out) == metrics
    keys = "method task protocol at_h split n_stays n_subjects n_excluded prevalence metrics"
    assert set(keys.split()) <= set(metrics)
    names = "auroc auprc brier bss ace calibration_slope calibration_intercept "
    names += "sensitivity specificity ppv f1 accuracy event1"
    assert set(names.split()) <= set(metrics["metrics"])
    assert all({"value", "low", "high"} <= set(entry) for entry in metrics["metrics"].values())
    predictions = pl.read_parquet(to / "predictions.parquet")
    columns = "subject_id stay_id prediction_time boolean_value predicted_boolean_probability predicted_boolean_value"
    assert predictions.columns == columns.split()
    assert predictions.height == metrics["n_stays"] == predictions["stay_id"].n_unique()
    beliefs = pl.read_parquet(to / "beliefs.parquet")
    assert beliefs.columns == ["stay_id", "event_index", "time_h", "modality", "predicted_boolean_probability"]
    assert beliefs["time_h"].max() <= 24
    assert (to / "report.html").read_text().count("http") == (to / "report.html").read_text().count("http://www.w3.org")
    n_all = pl.read_parquet(work / "data" / "stays.parquet").height
    assert metrics["n_stays"] + sum(metrics["n_excluded"].values()) == n_all


def test_last_belief_is_the_prediction(work: Path, call: Call) -> None:
    assert call("evaluate trajectory --data data --to evaluation-last --split all") == 0
    last = (
        pl.read_parquet(work / "evaluation-last" / "beliefs.parquet")
        .group_by("stay_id")
        .agg(pl.col("predicted_boolean_probability").last().alias("last"))
    )
    both = pl.read_parquet(work / "evaluation-last" / "predictions.parquet").join(last, on="stay_id")
    assert both.height > 100
    assert (both["last"] - both["predicted_boolean_probability"]).abs().max() < 1e-6


def test_several_hours_and_missing_modalities(work: Path, call: Call) -> None:
    assert call("evaluate mlp --data data --to hours --at-h 6 12 --without lab aps") == 0
    six, twelve = (json.loads((work / "hours" / f"metrics_{hour}h.json").read_text()) for hour in (6, 12))
    assert (six["at_h"], twelve["at_h"]) == (6, 12)
    assert six["without"] == ["lab", "aps"]
    assert six["n_stays"] >= twelve["n_stays"]


def test_another_cohort_is_judged_with_the_run_s_own_inputs(work: Path, call: Call, capsys: Captured) -> None:
    assert call("synth eicu --stays 200 --seed 9 --to other-raw") == 0
    assert call("prepare eicu other-raw --to other --modalities paper") == 0
    assert call("evaluate mlp --data other --to x") == 2
    assert "--split all" in capsys.readouterr().err
    assert call("evaluate mlp --data data --to home") == 0
    assert call("evaluate mlp --data other --to external --split all --beside home") == 0
    assert "internal: test side, 24 h" in (work / "external" / "report.html").read_text()
    metrics = json.loads((work / "external" / "metrics.json").read_text())
    assert metrics["patients"] == Kinship.EXTERNAL
    assert metrics["n_seen_in_training"] == 0, "another seed numbers other people alike"
    assert call("predict mlp --data other --to predicted") == 0
    assert pl.read_parquet(work / "predicted" / "predictions.parquet").height >= metrics["n_stays"]


def test_encoders_that_saw_test_patients_are_refused(work: Path, call: Call, capsys: Captured) -> None:
    assert call("train mlp --data data --task mortality --to leak --encoders aligned --split-seed 5") == 1
    assert "test patients were used to pretrain" in capsys.readouterr().err
    assert not (work / "leak" / "manifest.json").exists()


def test_paper_protocol_is_stamped(work: Path, call: Call) -> None:
    assert call(f"train mlp --data data --task mortality --protocol paper --at-h 12 --to paper {FAST}") == 0
    assert call("evaluate paper --data data --to paper-evaluation") == 0
    metrics = json.loads((work / "paper-evaluation" / "metrics.json").read_text())
    assert {"aps", "lab"} <= set(metrics["sees_past_prediction"])
    assert "aps" in (work / "paper-evaluation" / "report.html").read_text()


def test_list_prints_what_there_is(capsys: Captured) -> None:
    for what in ("methods", "tasks", "sources", "encoders", "modalities", "settings"):
        assert main(["list", what, "--json"]) == 0
        rows = json.loads(capsys.readouterr().out)
        assert rows
        assert all(set(row) == {"name", "summary", "from"} for row in rows)


def test_a_recipe_prints_its_table_and_a_failed_cell_fails_the_call(
    work: Path, call: Call, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wardround.compare import work as module

    rows = "".join(f'[[rows]]\nmethod = "{name}"\n' for name in ("elapsed", "score"))
    (work / "recipe.toml").write_text(f'data = "data"\ntasks = ["mortality"]\ndraws = 50\n{rows}')
    assert call("compare recipe.toml --dry-run") == 0
    assert capsys.readouterr().out.strip().endswith("2 cells, 0 of them done; 0 pretrainings")
    assert call("compare recipe.toml --to compared") == 0
    said = capsys.readouterr().out
    assert "less elapsed" in said
    assert "Differences tested: 1;" in said
    monkeypatch.setattr(module, "is_done", lambda cell, to: False)

    def refuse(*_: object, **__: object) -> None:
        raise RunError("it did not go well")

    monkeypatch.setattr(module, "train", refuse)
    assert call("compare recipe.toml --to failed") == 1
    said = capsys.readouterr()
    assert "FAILED score, mortality, split 0, seed 0: it did not go well" in said.out
    assert "2 cells or rows failed: see failed/table.csv" in said.err
