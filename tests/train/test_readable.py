"""Data of which no stay has anything that a run reads are refused; a stay that has nothing among others is not."""

from pathlib import Path

import polars as pl
import pytest
import torch

from small_runs import aligned, published, trained
from timelines import Timelines, random_timelines, with_physiology, write_data
from wardround.batches import stay_table, store
from wardround.errors import DataError
from wardround.evaluate import answer
from wardround.evaluate.evaluation import evaluate, predict
from wardround.evaluate.question import Question
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.train.data import open_data
from wardround.train.readable import refuse_unreadable
from wardround.train.run_folder import Run, open_run
from wardround.train.supervised import train

torch.set_num_threads(1)

NAMES = {"lab": "lab", "drugs": "medication", "ages": "demographics", "severity": "severity"}
"""Runs, and the one modality that each reads."""
STILL = ("teacher.share=0", "modalities=lab,medication")


def part(whole: Timelines, keep: pl.Expr) -> Timelines:
    return Timelines(whole.events.filter(keep), whole.stays)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs, and DATA: `whole`; `few` with nothing but labs, of one stay; `who` with nothing but demographics."""
    folder = tmp_path_factory.mktemp("readable")
    whole = with_physiology(published(random_timelines(3, 150)), 3)
    is_lab, is_who = (pl.col("modality") == name for name in ("lab", "demographics"))
    one = whole.events.filter(is_lab)["stay_id"].min()
    write_data(folder / "whole", whole)
    write_data(folder / "few", part(whole, is_lab & (pl.col("stay_id") == one)))
    write_data(folder / "who", part(whole, is_who))
    for name, modality in NAMES.items():
        trained("logistic", folder / "whole", folder / name, f"modalities={modality}")
    return folder


def asked(made: Path, run: str, data: str) -> tuple[Run, Path]:
    return open_run(made / run), made / data


@pytest.mark.parametrize(
    ("run", "data", "reads", "has"),
    [
        ("drugs", "few", "medication", "lab"),
        ("lab", "who", "lab", "demographics"),
        ("ages", "few", "demographics", "lab"),
        ("severity", "who", "severity", "demographics"),
    ],
    ids=["numbers", "codes", "demographics alone", "what is derived, of a part of what it takes"],
)
def test_data_without_anything_that_a_run_reads_are_refused(
    run: str, data: str, reads: str, has: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Before anything is predicted, with the run, what it reads, what there is, and what to do."""
    monkeypatch.setattr(answer, "_predict", None)
    said = f"{run} reads {reads}, and no stay of .*{data} has any of them .they have {has}.: .* Prepare data that have"
    with pytest.raises(DataError, match=said):
        evaluate(made / run, made / data, tmp_path / "to", Question("all", draws=20), quiet=True)
    with pytest.raises(DataError, match=said):
        predict(made / run, made / data, tmp_path / "to", quiet=True)
    assert not (tmp_path / "to").exists()


def test_stays_that_have_nothing_are_asked_where_one_has_something(made: Path, tmp_path: Path):
    _, _, stays = predict(made / "lab", made / "few", tmp_path / "to", quiet=True)
    table = pl.read_parquet(tmp_path / "to" / "predictions.parquet")
    assert table.height == stays > 100
    assert open_data(made / "few", Window(), quiet=True).n_with("lab") == 1


def test_demographics_alone_are_enough_for_who_reads_them(made: Path, tmp_path: Path):
    assert predict(made / "ages", made / "who", tmp_path / "to", quiet=True)[2] > 100


def test_what_is_derived_counts_where_it_is_made(made: Path):
    run, folder = asked(made, "severity", "whole")
    data = open_data(folder, Window(), quiet=True)
    refuse_unreadable(run, data)
    assert 0 < data.n_with("severity") < data.stays.height
    assert "severity" not in data.recorded


def test_what_a_task_hides_is_nothing_to_read(made: Path):
    run, folder = asked(made, "lab", "whole")
    data = open_data(folder, Window(), quiet=True)
    refuse_unreadable(run, data)
    with pytest.raises(DataError, match="lab reads "):
        refuse_unreadable(run, data, hides=["lab"])


def test_a_row_reads_nothing_and_is_not_asked_to(made: Path, tmp_path: Path):
    trained("elapsed", made / "whole", tmp_path / "elapsed")
    assert predict(tmp_path / "elapsed", made / "few", tmp_path / "to", quiet=True)[2] > 100


def test_nothing_goes_on_from_a_run_that_reads_nothing_of_the_data(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """First weights, aligned encoders, and the evaluation of these."""
    trained("mlp", made / "whole", tmp_path / "mlp", *STILL)
    aligned(made / "whole", tmp_path / "aligned", "modalities=lab,medication")
    for place in (store, stay_table):
        monkeypatch.setattr(place, "stay_chunks", None)
    said = "reads medication, lab, and no stay of .*who has any of them"
    for taken in ({"init": tmp_path / "mlp"}, {"encoders": tmp_path / "aligned"}):
        with pytest.raises(DataError, match=said):
            train("mlp", made / "who", "mortality", tmp_path / "to", Window(), SplitPlan(), quiet=True, **taken)
    with pytest.raises(DataError, match=said):
        evaluate(tmp_path / "aligned", made / "who", tmp_path / "to", Question("all", draws=20), quiet=True)
    assert not (tmp_path / "to").exists()
