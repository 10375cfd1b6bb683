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
    ],
    ids=["a row", "a pretraining", "no such", "no weights", "other widths"],
)
def test_inputs_that_are_not_there(
    parts: str, error: type[Exception], said: str, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    refused(recipe(tmp_path, bare, BOOSTING, parts), tmp_path / "to", error, said, monkeypatch)


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
