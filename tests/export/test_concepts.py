"""`wardround concepts`: its folder, whole or not at all; tables equal to those of each stay's events."""

import os
import signal
import threading
from inspect import signature
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import raw_mimic4
from wardround import files
from wardround.concepts.concept_settings import ConceptSettings
from wardround.concepts.known import CONCEPTS
from wardround.concepts.rows import INPUT_COLUMNS
from wardround.errors import DataError, RunError, UsageError
from wardround.export import concepts as export_concepts
from wardround.export import write_concepts
from wardround.sources import gather


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    raw = raw_mimic4.tiny()
    for minute, volume in (("12:30", 120), ("13:10", 80)):
        raw.add("icu/outputevents", stay_id=1, itemid=226559, charttime=f"2151-01-01 {minute}:00", value=volume)
    raw_mimic4.add_scores(raw)
    raw.stay(4, admission_type="CLINIC")
    raw.add("icu/chartevents", 1, charttime="2151-01-01 12:40:00", itemid=226512, value="80", valuenum=80)
    drawn = {"charttime": "2151-01-01 12:40:00", "storetime": "2151-01-01 12:50:00"}
    for item, value, unit in (
        (51221, 30, "%"),
        (50862, 3.1, "g/dL"),
        (50931, 130, "mg/dL"),
        (50820, 7.4, "units"),
        (50818, 40, "mm Hg"),
    ):
        raw.add("hosp/labevents", 1, **drawn, itemid=item, value=value, valuenum=value, valueuom=unit)
    raw.add("icu/d_items", itemid=223849, label="Ventilator Mode", category="Respiratory")
    raw.add("icu/chartevents", 1, **drawn, itemid=223849, value="CMV/ASSIST")
    raw.add("hosp/prescriptions", 1, starttime="2151-01-02 09:00:00", drug="Vancomycin", route="IV")
    folder = tmp_path_factory.mktemp("concepts")
    return raw_mimic4.prepare(raw.write(folder / "raw"), folder / "data").folder


def test_a_table_for_each_and_an_account_of_them(data: Path, tmp_path: Path):
    done = write_concepts(data, list(CONCEPTS), tmp_path / "out", quiet=True)
    assert not done.already
    manifest = files.verify_folder(tmp_path / "out", "concepts", RunError)
    assert set(manifest["files"]) == {"ledger.json", *(f"{name}.parquet" for name in CONCEPTS)}
    events = pl.concat([pl.read_parquet(path) for path in sorted((data / "data").glob("*.parquet"))])
    stays = pl.read_parquet(data / "stays.parquet")
    for name, concept in CONCEPTS.items():
        table = files.read_table(tmp_path / "out" / f"{name}.parquet")
        assert table.equals(concept.compute(events.select(INPUT_COLUMNS), stays).select(table.columns))
        account = done.ledger["concepts"][name]
        assert (account["rows"], account["stays"]) == (table.height, table["stay_id"].n_unique())
        assert set(account["codes_absent"]) == set(concept.codes) - set(events["code"])


@pytest.fixture(scope="module")
def of_shards(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same stays, in a shard for each patient."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gather, "STAYS_PER_SHARD", 1)
        folder = raw_mimic4.prepare(data.parent / "raw", tmp_path_factory.mktemp("shards") / "data").folder
    assert len(list((folder / "data").iterdir())) == 3
    return folder


def test_two_shards_at_once_make_what_one_after_the_other_does(
    of_shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made: dict[int, list[bytes]] = {}
    for workers in (1, 2):
        monkeypatch.setattr(export_concepts, "usual_workers", lambda workers=workers: workers)
        write_concepts(of_shards, ["urine_output", "sofa"], tmp_path / str(workers), quiet=True)
        made[workers] = [path.read_bytes() for path in sorted((tmp_path / str(workers)).iterdir())]
    assert made[1] == made[2]
    stays = files.read_table(tmp_path / "2" / "sofa.parquet")["stay_id"]
    assert stays.unique(maintain_order=True).to_list() == [1, 2, 3, 4]


@pytest.mark.filterwarnings("error")
def test_what_is_stopped_while_two_shards_are_made_leaves_nothing_and_goes_on(
    of_shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    of_shard = export_concepts._of_shard

    def stopped(making: Any, path: Path) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return of_shard(making, path)

    monkeypatch.setattr(export_concepts, "usual_workers", lambda: 2)
    monkeypatch.setattr(export_concepts, "_of_shard", stopped)
    before = set(threading.enumerate())
    with pytest.raises(RunError, match="Stopped as asked"):
        write_concepts(of_shards, ["urine_output"], tmp_path / "out", quiet=True)
    assert set(threading.enumerate()) == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".work"]
    monkeypatch.setattr(export_concepts, "_of_shard", of_shard)
    assert not write_concepts(of_shards, ["urine_output"], tmp_path / "out", quiet=True).already


def test_a_second_call_finds_it_and_other_concepts_need_another_folder(data: Path, tmp_path: Path):
    write_concepts(data, ["urine_output"], tmp_path / "out", quiet=True)
    assert write_concepts(data, ["urine_output", "urine_output"], tmp_path / "out", quiet=True).already
    with pytest.raises(RunError, match="other settings"):
        write_concepts(data, list(CONCEPTS), tmp_path / "out", quiet=True)


def test_a_switch_is_that_of_the_concept_and_stands_in_the_manifest(data: Path, tmp_path: Path):
    names, said = ["cw24", "sofa"], ["cw24.missing=said", "pressors=hour_end"]
    write_concepts(data, names, tmp_path / "usual", quiet=True)
    write_concepts(data, names, tmp_path / "said", quiet=True, assignments=said)
    assert "set" not in files.read_manifest(tmp_path / "usual", "concepts", DataError)["settings"]
    recorded = files.read_manifest(tmp_path / "said", "concepts", DataError)["settings"]["set"]
    assert recorded == {"cw24": {"missing": "said"}, "sofa": {"pressors": "hour_end"}}
    one, other = (files.read_table(tmp_path / name / "cw24.parquet") for name in ("usual", "said"))
    assert not one.equals(other)
    assert write_concepts(data, names, tmp_path / "said", quiet=True, assignments=said).already
    with pytest.raises(RunError, match="other settings or inputs"):
        write_concepts(data, names, tmp_path / "said", quiet=True)


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("sofa.pressors=never", "one of any, hour_end"),
        ("elective=URGENT", "could be any of: sapsii.elective, oasis.elective"),
        ("lods.as_repository=true", "--set changes lods, which is not made"),
        ("gcs.tube=true", "no setting 'gcs.tube'"),
        (
            "oasis.elective=ELECTIVE,Elective",
            "--set oasis.elective: no type of admission is 'Elective'. The data have: CLINIC, EW EMER.; .* ELECTIVE, ",
        ),
    ],
)
def test_a_switch_that_does_not_fit_is_refused(data: Path, tmp_path: Path, assignment: str, said: str):
    with pytest.raises(UsageError, match=said):
        write_concepts(data, ["sofa", "oasis"], tmp_path / "out", quiet=True, assignments=[assignment])
    assert not (tmp_path / "out").exists()


def test_one_switch_of_a_concept_leaves_its_others_alone(data: Path, tmp_path: Path):
    """The types of admission that are elective by default are not asked for, so none of them is absent."""
    done = write_concepts(data, ["oasis"], tmp_path / "out", quiet=True, assignments=["oasis.devices=with_flow"])
    recorded = files.read_manifest(tmp_path / "out", "concepts", DataError)["settings"]["set"]
    assert recorded == {"oasis": {"devices": "with_flow"}}
    assert not [code for code in done.ledger["concepts"]["oasis"]["codes_absent"] if code.startswith("ADMISSION_TYPE")]


def test_a_type_of_admission_that_the_data_or_any_mimic_has_is_taken(data: Path, tmp_path: Path):
    """One that nobody came by is told of as any code is that is nowhere; by default none is asked for."""
    said = {"none": [], "known": ["oasis.elective=CLINIC,ELECTIVE"], "nobody": ["oasis.elective="]}
    for name, assignments in said.items():
        ledger = write_concepts(data, ["oasis"], tmp_path / name, quiet=True, assignments=assignments).ledger
        absent = [code for code in ledger["concepts"]["oasis"]["codes_absent"] if code.startswith("ADMISSION_TYPE//")]
        assert absent == (["ADMISSION_TYPE//ELECTIVE"] if name == "known" else [])


def test_every_switch_is_an_argument_of_its_concept_and_has_its_default():
    for name, switches in vars(ConceptSettings()).items():
        arguments = signature(CONCEPTS[name].compute).parameters
        assert {key: arguments[key].default for key in vars(switches)} == vars(switches)
        assert {*vars(switches), "events", "stays"} == {*arguments}
    without = [name for name in CONCEPTS if name not in vars(ConceptSettings())]
    assert all(len(signature(CONCEPTS[name].compute).parameters) == 2 for name in without), "none is in Python alone"


def test_nothing_of_a_person_is_overwritten(data: Path, tmp_path: Path):
    (tmp_path / "urine_output.parquet").write_text("mine")
    with pytest.raises(RunError, match="did not make"):
        write_concepts(data, ["urine_output"], tmp_path, quiet=True)
    assert (tmp_path / "urine_output.parquet").read_text() == "mine"


def test_no_such_concept_and_no_such_data(data: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="there is no concept"):
        write_concepts(data, ["sofa9"], tmp_path / "out", quiet=True)
    with pytest.raises(DataError):
        write_concepts(tmp_path, ["urine_output"], tmp_path / "out", quiet=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["sofa", "vis", "gcs", "charlson", "phenotypes", "suspicion_of_infection", "sepsis3"])
def test_what_data_cannot_tell_is_refused(name: str, tmp_path: Path):
    """A folder with urine and a pulse alone: the others would be normal in every hour."""
    raw = raw_mimic4.RawMimic4().named().stay(1)
    raw.add("icu/outputevents", 1, charttime="2151-01-01 12:30:00", itemid=226559, value=120)
    data = raw_mimic4.prepare(raw.write(tmp_path / "raw"), tmp_path / "data").folder
    with pytest.raises(DataError, match=f"data has no code of what {name} needs: .*prepare mimic4") as refused:
        write_concepts(data, ["urine_output", name], tmp_path / "out", quiet=True)
    assert "\n" not in str(refused.value)
    assert all(
        need.part in str(refused.value)
        for need in CONCEPTS[name].needs
        if not need.where and need.part != "creatinine or urine"
    )
    assert not (tmp_path / "out").exists()
    write_concepts(data, ["urine_output"], tmp_path / "out", quiet=True)
