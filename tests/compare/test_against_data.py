"""A recipe is held against its data before any work: nothing is trained for a row that will have no numbers."""

from pathlib import Path

import polars as pl
import pytest
import torch

from small_runs import published, small_data
from timelines import Timelines, random_timelines, with_billed_diagnoses, write_data
from wardround.compare import against_data, work
from wardround.compare.compare import compare, plan_of
from wardround.errors import DataError, NoScoreError, UsageError
from wardround.sources.mimic4 import MIMIC4
from wardround.sources.pipeline import prepare
from wardround.sources.synthetic import LAYOUTS, synthesise

torch.set_num_threads(1)

BOOSTING = '[[rows]]\nmethod = "boosting"\nset = { rounds = 5, min_leaf_stays = 5 }\n'
OTHERS = ("lab", "medication")
"""Modalities of data that lack most."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_data(tmp_path_factory.mktemp("against") / "data")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of labs and drugs alone."""
    whole = published(random_timelines(8, 150))
    events = whole.events.filter(pl.col("modality").is_in(OTHERS))
    return write_data(tmp_path_factory.mktemp("bare") / "data", Timelines(events, whole.stays))


def recipe(folder: Path, data: Path, *parts: str, task: str = "mortality", top: str = "") -> Path:
    text = f'data = "{data}"\ntasks = ["{task}"]\ndraws = 20\n{top}\n' + "".join(parts)
    (folder / "r.toml").write_text(text)
    return folder / "r.toml"


def refused(file: Path, to: Path, error: type[Exception], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first training, and in a dry run; nothing is written."""
    monkeypatch.setattr(work, "train", None)
    monkeypatch.setattr(work, "pretrain", None)
    with pytest.raises(error, match=said):
        compare([file], to, quiet=True)
    with pytest.raises(error, match=said):
        plan_of([file], None)
    assert not to.exists()


SCORE = '[[rows]]\nmethod = "score"\n'
NO_CODE = "has no code of what sapsii needs: "


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (SCORE, "^row 'score', mortality: no stay of the val side of split 0 has the score at hour 24"),
        (
            SCORE + 'set = { of = "apache_iv" }\n',
            "^row 'score', .* has the score .*apache_iv is computed of values that `prepare eicu` writes",
        ),
        (
            SCORE + 'name = "SAPS"\nset = { of = "sapsii" }\n',
            f"^row 'SAPS', mortality: .*{NO_CODE}.*leave this row",
        ),
    ],
    ids=["stored", "equation", "points"],
)
def test_a_score_that_the_data_cannot_give(
    row: str, said: str, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    refused(recipe(tmp_path, bare, BOOSTING, row), tmp_path / "to", DataError, said, monkeypatch)


def test_a_score_that_is_not_known_yet(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    said = "no stay of the val side of split 0 has the score at hour 6: APACHE's is known at 24 h, .*Leave it out"
    refused(recipe(tmp_path, data, SCORE, top="at_h = 6"), tmp_path / "to", NoScoreError, said, monkeypatch)


def test_a_score_that_the_other_cohort_lacks(data: Path, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = recipe(tmp_path, data, SCORE, top=f'test_data = "{bare}"')
    refused(file, tmp_path / "to", NoScoreError, f"^row 'score', mortality: no stay of {bare} has the", monkeypatch)


@pytest.mark.parametrize(
    ("parts", "error", "said"),
    [
        (
            '[[rows]]\nmethod = "logistic"\nset = { modalities = ["vitals", "aps"] }\n',
            DataError,
            "^row 'logistic', mortality: it needs one or more of vitals, aps; .* training side of split 0 show none by",
        ),
        (
            '[encoders.two]\nloss = "masked-global"\nset = { modalities = ["lab", "vitals"] }\n'
            '[[rows]]\nmethod = "mlp"\nencoders = ["two"]\n',
            DataError,
            "^encoders 'two': it needs two or more of lab, vitals; .* pretraining side of split 0 show lab by the",
        ),
        (
            '[[rows]]\nmethod = "mlp"\nset = { modalities = ["labs"] }\n',
            UsageError,
            "^row 'mlp', mortality: no input modality labs. There are: ",
        ),
        (
            '[[rows]]\nmethod = "mlp"\nset = { text.weights = "nowhere" }\n',
            UsageError,
            "^row 'mlp', mortality: text.weights: nowhere.* is not there",
        ),
        (
            '[encoders.two]\nloss = "masked-global"\nset = { modalities = ["lab", "medication"] }\n'
            '[[rows]]\nmethod = "mlp"\nencoders = ["two"]\nset = { summaries = ["mean"] }\n',
            UsageError,
            "^row 'mlp, two', mortality: content.summaries=mean: rows of another width .*lab",
        ),
        (
            '[[rows]]\nmethod = "logistic"\nset = { min_stay_share = 1.0 }\n',
            DataError,
            "^row 'logistic', mortality: it needs one or more of .* with a code in 100 % of the stays of the training "
            "side of split 0 .min_stay_share.; they show medication, lab, and none so often. Lower min_stay_share",
        ),
        (
            '[encoders.rare]\nloss = "masked-global"\nset = { min_stay_share = 1.0 }\n'
            '[[rows]]\nmethod = "mlp"\nencoders = ["rare"]\n',
            DataError,
            "^encoders 'rare': it needs two or more of .* with a code in 100 % of .*, and none so often",
        ),
        (
            '[[rows]]\nmethod = "grud"\nset = { modalities = ["medication"] }\n',
            UsageError,
            "^row 'grud', mortality: grud reads numbers, and medication have none that is a feature. Name other",
        ),
    ],
    ids=["a row", "a pretraining", "no such", "no weights", "other widths", "rare", "rare to align", "no number"],
)
def test_inputs_that_are_not_there(
    parts: str, error: type[Exception], said: str, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    refused(recipe(tmp_path, bare, BOOSTING, parts), tmp_path / "to", error, said, monkeypatch)


def test_one_outcome_on_the_validation_side_is_no_objective(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What a search is after would fail in each of its trials; a row that is not searched is no matter."""
    whole = published(random_timelines(8, 150))
    everybody = whole.with_stays(died_in_hospital=pl.lit(False))
    data = write_data(tmp_path / "data", everybody)
    search = "[search]\ntrials = 3\n"
    said = "^row 'boosting', mortality: .* is after auroc, which is undefined on the val side of split 0: .*brier"
    refused(recipe(tmp_path, data, BOOSTING, search), tmp_path / "to", DataError, said, monkeypatch)
    brier = search + 'objective = { mortality = "brier" }\n'
    for rows in ((BOOSTING + "tune = false\n", search), (BOOSTING, brier)):
        assert plan_of([recipe(tmp_path, data, *rows)], None)[-1].startswith("1 cells")


def test_another_cohort_with_nothing_that_a_row_will_read(
    data: Path, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Of its modalities the training data have some, and the other cohort has none of these."""
    row = '[[rows]]\nmethod = "logistic"\nset = { modalities = ["vitals", "lab"] }\n'
    whole = published(random_timelines(9, 150))
    other = write_data(tmp_path / "other", Timelines(whole.events.filter(pl.col("modality") == "vitals"), whole.stays))
    said = f"^row 'logistic', mortality: it learns to read lab, and no stay of {other} has any of them: "
    top = f'test_data = "{other}"'
    refused(recipe(tmp_path, bare, row, top=top), tmp_path / "to", DataError, said, monkeypatch)
    assert plan_of([recipe(tmp_path, data, row, top=top)], None)[-1].startswith("1 cells")


def test_a_score_that_nobody_has_points_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The data have its codes, and nothing of it is known by the hour: of the first hour alone."""
    settings, layout = LAYOUTS["mimic4"]
    synthesise(layout(settings(), 0), tmp_path / "raw", 150, True)
    data = prepare(MIMIC4, tmp_path / "raw", tmp_path / "data", quiet=True).folder
    row = SCORE + 'set = { of = "sofa" }\n'
    said = (
        "^row 'score', mortality: no stay of the val side of split 0 has the score at hour 0: nothing that sofa is made"
    )
    refused(recipe(tmp_path, data, row, top="at_h = 0"), tmp_path / "to", NoScoreError, said, monkeypatch)
    with pytest.raises(NoScoreError) as error:
        plan_of([recipe(tmp_path, data, row, top="at_h = 0")], None)
    assert "of=sofa" not in str(error.value), "what is asked for is no way out"
    assert plan_of([recipe(tmp_path, data, row)], None)[-1].startswith("1 cells")


def test_what_a_label_is_made_of_is_no_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    billed = write_data(tmp_path / "data", with_billed_diagnoses(random_timelines(3, 150), 3))
    row = '[[rows]]\nmethod = "logistic"\nset = { modalities = ["lab", "diagnosis"] }\n'
    said = "^row 'logistic', phenotyping: diagnosis is no input of this task"
    refused(recipe(tmp_path, billed, row, task="phenotyping"), tmp_path / "to", UsageError, said, monkeypatch)


def test_nobody_on_the_test_side(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    said = "split.test: false leaves nobody to judge the rows on"
    file = recipe(tmp_path, data, BOOSTING, "[split]\ntest = false\n")
    refused(file, tmp_path / "to", UsageError, said, monkeypatch)


def test_control_what_is_there_is_let_through(data: Path, tmp_path: Path):
    """The same rows, on data that hold what they read."""
    parts = (
        BOOSTING,
        SCORE,
        SCORE + 'name = "equation"\nset = { of = "apache_iv" }\n',
        '[encoders.two]\nloss = "masked-global"\nset = { modalities = ["lab", "vitals"] }\n',
        '[[rows]]\nmethod = "mlp"\nencoders = ["none", "two"]\n',
    )
    assert plan_of([recipe(tmp_path, data, *parts)], None)[-1] == "5 cells, 0 of them done; 1 pretrainings"


def test_what_is_complete_is_not_held_against_its_data_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = recipe(tmp_path, data, '[[rows]]\nmethod = "elapsed"\n')
    assert not compare([file], tmp_path / "to", quiet=True).already
    monkeypatch.setattr(against_data, "split_stays", None)
    assert compare([file], tmp_path / "to", quiet=True).already
