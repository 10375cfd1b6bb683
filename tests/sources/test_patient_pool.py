"""Whose patients a data set holds: which pools may share some, and whether every source says it, to MEDS and back."""

import json
import shutil
from pathlib import Path

import pytest

from raw_meds import prepare, tiny
from wardround import files
from wardround.export import export_meds
from wardround.sources.challenge2012 import CHALLENGE2012
from wardround.sources.eicu import EICU
from wardround.sources.meds.source import meds_source, shipped_mapping
from wardround.sources.patient_pool import MIMIC, PatientPool
from wardround.sources.pipeline import prepare as to_data
from wardround.sources.synthetic import SyntheticSettings, synthesise_eicu

NAMED = PatientPool(MIMIC, "challenge2012")


@pytest.mark.parametrize(
    ("other", "same_records", "same_numbers", "may_share"),
    [
        (NAMED, True, True, False),
        (PatientPool("mimic", "MIMIC-IV"), True, False, True),
        (PatientPool("eICU", "eicu"), False, False, False),
        (PatientPool("eICU", "challenge2012"), False, False, False),
        (PatientPool(), False, True, False),
    ],
)
def test_pools_share_patients_or_not(other: PatientPool, same_records: bool, same_numbers: bool, may_share: bool):
    for one, two in ((NAMED, other), (other, NAMED)):
        assert one.is_of(two) == same_records
        assert one.numbers_as(two) == same_numbers
        assert one.may_share(two) == may_share


def test_all_of_mimic_is_one_pool_and_eicu_another():
    mimic = shipped_mapping("MIMIC-IV")
    assert CHALLENGE2012.patients.may_share(PatientPool(mimic.patient_pool, mimic.name))
    assert not CHALLENGE2012.patients.is_of(EICU.patients)


def test_a_mapping_says_it_and_an_export_takes_it_along(tmp_path: Path):
    raw = tiny()
    raw.mapping = 'patient_pool = "the region"\n' + raw.mapping
    folder = raw.write(tmp_path / "raw")
    data = prepare(folder, tmp_path / "data").folder
    export_meds(data, tmp_path / "meds", quiet=True)
    back = to_data(meds_source([tmp_path / "meds"], None), tmp_path / "meds", tmp_path / "back", quiet=True).folder
    for made in (data, back):
        expected = PatientPool("the region", "a small hospital")
        assert PatientPool.from_json(files.read_json(made / "manifest.json")["settings"]) == expected
        assert PatientPool.from_json(json.loads((made / "metadata" / "dataset.json").read_text())) == expected


def test_a_mapping_that_does_not_say_it_leaves_it_open(tmp_path: Path):
    made = prepare(tiny().write(tmp_path / "raw"), tmp_path / "data").folder
    assert PatientPool.from_json(files.read_json(made / "manifest.json")["settings"]) == PatientPool()


def made_up(folder: Path, seed: int) -> Path:
    synthesise_eicu(folder, 20, seed, SyntheticSettings(), quiet=True)
    return folder


def pool_of(raw: Path, to: Path) -> PatientPool:
    """As `prepare eicu` writes it down, in both places."""
    data = to_data(EICU, raw, to, "paper", quiet=True).folder
    pool = PatientPool.from_json(files.read_json(data / "manifest.json")["settings"])
    assert PatientPool.from_json(files.read_json(data / "metadata" / "dataset.json")) == pool
    return pool


def test_made_up_patients_are_not_those_of_eicu_nor_of_another_seed(tmp_path: Path):
    first, second = (pool_of(made_up(tmp_path / f"raw{seed}", seed), tmp_path / str(seed)) for seed in (1, 2))
    for one, other in ((first, EICU.patients), (first, second), (second, EICU.patients)):
        assert not one.is_of(other)
        assert not one.numbers_as(other)
        assert not one.may_share(other)
    less = tmp_path / "less"
    synthesise_eicu(less, 20, 1, SyntheticSettings(missing_rate=0.0), quiet=True)
    assert pool_of(less, tmp_path / "less-data") == first, "the same people, with more recorded of them"


@pytest.mark.parametrize(
    "fault", ["none", "foreign", "of another kind", "of a download", "edited", "of another stay table"]
)
def test_a_manifest_that_does_not_tell_of_these_patients_makes_nobody_up(fault: str, tmp_path: Path):
    raw = made_up(tmp_path / "raw", 1)
    manifest = raw / "manifest.json"
    if fault == "none":
        manifest.unlink()
    elif fault == "foreign":
        manifest.write_text("no JSON")
    elif fault == "of another kind":
        files.write_manifest(raw, "data", {}, {"seed": 1}, "0")
    elif fault == "of a download":  # as `fetch` closes a folder: of the same kind, with the hash of every file
        downloaded = {"dataset": "eicu-demo", "version": "2.0.1", "url": "https://example.org"}
        files.write_manifest(raw, "raw", {}, downloaded, "0")
    elif fault == "edited":
        manifest.write_text(manifest.read_text().replace('"seed": 1', '"seed": 2'))
    else:
        shutil.copy(made_up(tmp_path / "other", 2) / "patient.csv.gz", raw / "patient.csv.gz")
    assert pool_of(raw, tmp_path / "data") == EICU.patients
