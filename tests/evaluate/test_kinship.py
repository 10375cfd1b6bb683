"""Whether an evaluation is external: by whose patients both data sets hold, not by their being two folders."""

import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import torch

from small_runs import aligned, small_data, trained
from wardround import files
from wardround.compare.compare import compare
from wardround.evaluate.evaluation import evaluate
from wardround.evaluate.kinship import Kinship
from wardround.evaluate.question import Question
from wardround.sources.patient_pool import PatientPool
from wardround.tables import metrics_lines
from wardround.train.run_folder import open_run

torch.set_num_threads(1)

CHALLENGE, MIMIC4 = PatientPool("MIMIC", "challenge2012"), PatientPool("MIMIC", "MIMIC-IV")
EICU, OPEN = PatientPool("eICU", "eicu"), PatientPool()


@pytest.fixture(scope="module", autouse=True)
def fast() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


def of(pool: PatientPool, folder: Path, seed: int, shift: int = 0) -> Path:
    """DATA of that pool, whose patients' numbers are moved."""
    data = small_data(folder, seed)
    manifest = files.read_json(data / "manifest.json")
    for path in [data / "stays.parquet", *(data / "data").iterdir()]:
        files.write_table(path, pl.read_parquet(path).with_columns(pl.col("subject_id") + shift))
    files.write_manifest(data, "data", {}, {**manifest["settings"], **pool.as_json()}, manifest["version"])
    return data


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the Challenge's patients, one on those of nobody knows whom, and their data."""
    folder = tmp_path_factory.mktemp("kinship")
    trained("logistic", of(CHALLENGE, folder / "data", 3), folder / "run")
    trained("logistic", of(OPEN, folder / "open", 3), folder / "run-open")
    return folder


@pytest.mark.parametrize(
    ("pool", "shift", "expected"),
    [
        (CHALLENGE, 10**9, Kinship.SAME_DATABASE),
        (CHALLENGE, 0, Kinship.SHARES),
        (MIMIC4, 10**9, Kinship.MAY_SHARE),
        (MIMIC4, 0, Kinship.MAY_SHARE),
        (EICU, 0, Kinship.EXTERNAL),
        (OPEN, 10**9, Kinship.UNKNOWN),
    ],
)
def test_other_data_is_external_only_with_patients_of_another_database(
    pool: PatientPool, shift: int, expected: Kinship, home: Path, tmp_path: Path
):
    data = of(pool, tmp_path / "data", 5, shift)
    metrics = evaluate(home / "run", data, tmp_path / "out", Question("all", draws=20), quiet=True)[2]
    assert metrics["patients"] == expected
    assert expected in metrics_lines(metrics)
    assert (metrics["n_seen_in_training"] > 0) == (expected == Kinship.SHARES), "numbers of others mean others"
    html = (tmp_path / "out" / "report.html").read_text().replace("&#39;", "'")
    assert f">{expected}</li>" in html
    assert ("<strong>Not external: may share patients</strong>" in html) == (expected == Kinship.MAY_SHARE)
    assert ("external: all stays of the cohort rule" in html) == (expected == Kinship.EXTERNAL)


def test_its_own_data_is_internal_whether_or_not_it_says_whose(home: Path, tmp_path: Path):
    for run, data in (("run", "data"), ("run-open", "open")):
        metrics = evaluate(home / run, home / data, tmp_path / run, Question(draws=20), quiet=True)[2]
        assert metrics["patients"] == Kinship.OWN


def test_a_run_made_before_pools_were_written_still_opens(home: Path, tmp_path: Path):
    old = tmp_path / "old"
    files.write_json(old / "a", {})
    for path in (path for path in (home / "run").rglob("*") if path.is_file()):
        (old / path.relative_to(home / "run")).parent.mkdir(parents=True, exist_ok=True)
        (old / path.relative_to(home / "run")).write_bytes(path.read_bytes())
    files.remove(old / "a")
    files.write_table(old / "learned_from.parquet", pl.read_parquet(old / "learned_from.parquet").select("subject_id"))
    manifest = files.read_json(old / "manifest.json")
    files.write_manifest(old, "run", manifest["inputs"], manifest["settings"], manifest["version"])
    assert open_run(old).learned_pools() == [PatientPool()]
    data = of(EICU, tmp_path / "data", 5)
    metrics = evaluate(old, data, tmp_path / "out", Question("all", draws=20), quiet=True)[2]
    assert metrics["patients"] == Kinship.UNKNOWN


def test_encoders_of_the_other_database_are_told_of_and_remembered(home: Path, tmp_path: Path):
    """Pretrained on MIMIC-IV, trained on the Challenge: the run's own test side may hold the former's patients."""
    pretrained = aligned(of(MIMIC4, tmp_path / "mimic", 5), tmp_path / "aligned").folder
    done = trained("mlp", home / "data", tmp_path / "mlp", encoders=pretrained)
    assert any("may share patients with this one, under other ids" in note for note in done.notes)
    assert open_run(done.folder).learned_pools() == [MIMIC4, CHALLENGE]
    metrics = evaluate(done.folder, home / "data", tmp_path / "out", Question(draws=20), quiet=True)[2]
    assert metrics["patients"] == Kinship.MAY_SHARE
    assert metrics["n_seen_in_training"] == 0


def test_a_comparison_says_it_too(home: Path, tmp_path: Path):
    data = of(MIMIC4, tmp_path / "data", 5)
    trained("boosting", home / "data", tmp_path / "second")
    done = compare([home / "run", tmp_path / "second"], tmp_path / "to", data, quiet=True)
    assert done.found["notes"] == [f"run, second: {Kinship.MAY_SHARE}."]
