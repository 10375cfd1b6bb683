"""Notes and pictures of MIMIC-IV as a whole: nothing that comes later moves them, the ledger is exact on odd rows, and
what `synth` writes is read back as it was made."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from raw_eicu import Data
from raw_mimic4 import METADATA, RawMimic4, prepare
from wardround.errors import SourceError
from wardround.events import IMAGES, TEXTS
from wardround.export.meds import PICTURES_STAY, export_meds
from wardround.pictures import picture_folder
from wardround.sources import pipeline
from wardround.sources.beside import with_folders
from wardround.sources.meds import meds_source
from wardround.sources.mimic import notes as mimic_notes
from wardround.sources.synthetic import SyntheticMimic4Settings, synthesise_mimic4

pytestmark = pytest.mark.usefixtures("fast_fsync")

NEW = (*TEXTS, *IMAGES)
TABLES = ("mimic-cxr-2.0.0-metadata", "discharge", "radiology")
NOON = datetime(2151, 1, 1, 12)
"""The admission to the unit of stay 1, which is in the unit for two days and in hospital for five."""
PEOPLE = {1: 10000101, 3: 10000103}


def prepared(folder: Path, raw: RawMimic4, workers: int = 1) -> Data:
    written = raw.write(folder / "raw")
    return prepare(written, folder / "data", cxr=written / "cxr", notes=written, workers=workers)


def when(hours: float) -> str:
    return str(NOON + timedelta(minutes=round(60 * hours)))


# Nothing that comes later moves an event


def past_and_future(past: random.Random, future: random.Random, at_h: float) -> RawMimic4:
    """A stay whose rows up to `at_h` hours from its beginning are drawn from `past`, all else from `future`: later
    rows, what is stored later, the ends of the stays, a second unit stay, a death."""
    discharge = at_h + future.uniform(20, 200)
    left = min(at_h + future.uniform(1, 90), discharge)
    ends = {"outtime": when(left), "dischtime": when(discharge)}
    if future.random() < 0.3:
        ends |= {"deathtime": when(discharge), "hospital_expire_flag": 1}
    raw = RawMimic4().stay(1, PEOPLE[1], **ends)
    if future.random() < 0.5 and discharge > left + 2:
        raw.stay(2, PEOPLE[1], 1001, intime=when(left + 1), outtime=when(discharge))
    if future.random() < 0.5:
        again = {"admittime": when(discharge + 30), "dischtime": when(discharge + 90)}
        raw.stay(4, PEOPLE[1], 4004, intime=when(discharge + 31), outtime=when(discharge + 60), **again)
    for number in range(past.randrange(1, 6)):
        charted = past.uniform(-20, at_h)
        named = {} if past.random() < 0.5 else {"hadm_id": ""}
        stored = past.choice(["", "known", "later"])
        seen = {"storetime": when(charted + past.random() * (at_h - charted)), "text": f"known {past.random()}"}
        unseen = {"storetime": when(at_h + future.uniform(0.1, 50)), "text": f"not yet {future.random()}"}
        delayed = {"storetime": "", "text": f"delayed {past.random()}"}
        raw.note(
            "radiology", 1, charttime=when(charted), **{"": delayed, "known": seen, "later": unseen}[stored] | named
        )
        moment = NOON + timedelta(hours=past.uniform(-20, at_h))
        raw.picture(1, f"a{number}b1c2d3", StudyDate=f"{moment:%Y%m%d}", StudyTime=f"{moment:%H%M%S}.5")
    for number in range(future.randrange(6)):
        hours = at_h + future.uniform(0.1, 100)
        raw.note("radiology", 1, charttime=when(hours), storetime=when(hours), text=f"later {future.random()}")
        moment = NOON + timedelta(hours=hours)
        raw.picture(1, f"f{number}b1c2d3", StudyDate=f"{moment:%Y%m%d}", StudyTime=f"{moment:%H%M%S}")
        raw.note("discharge", 1, storetime=when(discharge + hours), text=f"how it went {future.random()}")
    for rows in (raw.rows.get("note/radiology", []), raw.rows.get(METADATA, [])):
        future.shuffle(rows)
    return raw


def seen_at(folder: Path, seed: int, future: int, at_h: float) -> pl.DataFrame:
    """The new events of stay 1 that are known `at_h` hours after its beginning."""
    data = prepared(folder, past_and_future(random.Random(seed), random.Random(future), at_h))
    known = data.events.filter(pl.col("available_time") <= NOON + timedelta(hours=at_h))
    return known.filter(pl.col("stay_id") == 1, pl.col("modality").is_in(NEW))


def moved(folder: Path, seed: int) -> tuple[int, bool]:
    """How many events are known in the unit at some hour, and whether another future moves them."""
    at_h = random.Random(seed).uniform(1, 40)
    one, other = (seen_at(folder / str(future), seed, 1000 * seed + future, at_h) for future in (1, 2))
    assert "discharge_note" not in one["modality"].to_list()
    return one.height, not one.equals(other)


def test_place_and_availability_do_not_depend_on_what_comes_later(tmp_path: Path):
    found = [moved(tmp_path / str(seed), seed) for seed in range(8)]
    assert not any(differs for _, differs in found)
    assert sum(count for count, _ in found) > 20, "there is something to move"


def test_control_a_report_that_is_taken_for_known_when_charted_is_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    sound = mimic_notes.clocked
    early = pl.col("charttime").alias("storetime")
    monkeypatch.setattr(mimic_notes, "clocked", lambda frame, *rest: sound(frame.with_columns(early), *rest))
    assert any(moved(tmp_path / str(seed), seed)[1] for seed in range(6))


# The ledger, on rows of every kind


def odd_folder(rng: random.Random) -> RawMimic4:
    """Notes and pictures of which most are odd in one way or two."""
    raw = RawMimic4().stay(1, PEOPLE[1]).stay(3, PEOPLE[3])
    raw.add("hosp/patients", subject_id=10000900)
    ids = {"subject_id": ["", "x", 10000777, 10000900, PEOPLE[3], "1.5"], "hadm_id": ["", 7, 1003, "y"]}
    times = ["", "soon", "2151-01-02", "2251-01-02 00:00:00", "2151-01-01 23:59:59"]
    notes = ids | {"charttime": times, "storetime": times, "text": ["", " ", 'a "b"\r\nc,'], "note_type": ["", "ZZ"]}
    shots = {
        "subject_id": ids["subject_id"],
        "ViewPosition": ["", "PA", "LL"],
        "StudyDate": ["", "soon", "22510101"],
        "StudyTime": ["", "noon", "990000"],
        "study_id": ["", "z"],
        "dicom_id": [""],
    }
    for number in range(rng.randrange(5, 40)):
        of = rng.choice((1, 3))

        def some(odd: dict[str, list], most: int) -> dict[str, object]:
            return {name: rng.choice(odd[name]) for name in rng.sample(sorted(odd), rng.randrange(most))}

        raw.note(rng.choice(("discharge", "radiology")), of, **some(notes, 3))
        raw.picture(of, f"{number:08x}", endings=rng.choice((["jpg"], [])) if number else ["jpg"])
        raw.rows[METADATA][-1] |= {name: str(value) for name, value in some(shots, 3).items()}
    for rows in (raw.rows[METADATA], *(raw.rows.get(f"note/{table}", []) for table in TABLES[1:])):
        rows += [dict(rng.choice(rows)) for _ in range(rng.randrange(4)) if rows]
        rng.shuffle(rows)
    return raw


@pytest.mark.parametrize("seed", range(6))
def test_every_odd_row_is_accounted_for_whatever_the_workers(tmp_path: Path, seed: int):
    raw = odd_folder(random.Random(seed))
    data = prepared(tmp_path / "one", raw, workers=1)
    for name in TABLES:
        rows = next((rows for table, rows in raw.rows.items() if table.endswith(f"/{name}")), None)
        if rows is not None:
            account = data.ledger[name]
            assert account["rows_in"] == len(rows) == account["rows_out"] + sum(account["set_aside"].values())
    made = data.events.filter(pl.col("modality").is_in(NEW))
    assert made.height > 0
    assert made["text_value"].null_count() == made.filter(pl.col("numeric_value").is_not_null()).height == 0
    for rows in raw.rows.values():
        random.Random(seed + 99).shuffle(rows)
    again = prepared(tmp_path / "two", raw, workers=2)
    assert again.events.equals(data.events)
    assert again.ledger == data.ledger


# What `synth` writes


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Data]:
    folder = tmp_path_factory.mktemp("synthetic")
    missing = {f"missing_{name}": 0.3 for name in ("time_series", *NEW)}
    synthesise_mimic4(folder / "raw", 40, 3, SyntheticMimic4Settings(image_px=32, **missing), quiet=True)
    raw = folder / "raw"
    return raw, prepare(raw, folder / "data", "paper", cxr=raw / "cxr", notes=raw / "note")


def test_every_note_is_read_as_it_was_written(synthetic: tuple[Path, Data]):
    raw, data = synthetic
    for table in ("discharge", "radiology"):
        written = pl.read_csv(raw / "note" / f"{table}.csv.gz", infer_schema=False)
        made = data.events.filter(pl.col("code") == f"NOTE//{table}")
        assert set(made["text_value"]) == set(written["text"])
        assert data.ledger[table] == {"rows_in": written.height, "rows_out": written.height, "set_aside": {}}


def test_every_picture_at_the_bedside_is_of_the_stay_that_it_was_made_for(synthetic: tuple[Path, Data]):
    raw, data = synthetic
    truth = pl.read_parquet(raw / "truth" / "images.parquet").filter(pl.col("view") == "AP")
    made = data.events.filter(pl.col("modality") == "cxr").sort("text_value")
    told = made.select("stay_id", dicom_id=pl.col("text_value").str.extract(r"([^/]+)\.jpg$"))
    assert told.sort("dicom_id").equals(truth.select("stay_id", "dicom_id").sort("dicom_id"))
    folder = picture_folder(data.folder)
    assert folder == raw / "cxr"
    assert all((folder / name).is_file() for name in made["text_value"])


def test_modalities_say_who_has_what(synthetic: tuple[Path, Data]):
    _, data = synthetic
    told = data.stays.select("stay_id", pl.col("modalities")).explode("modalities")
    for modality in NEW:
        has = told.filter(pl.col("modalities") == modality)["stay_id"].sort().to_list()
        assert has == data.events.filter(pl.col("modality") == modality)["stay_id"].unique().sort().to_list()
        assert 0 < len(has) < data.stays.height, "missing for some"
    codes = pl.read_parquet(data.folder / "metadata" / "codes.parquet").filter(pl.col("modality").is_in(NEW))
    assert sorted(codes["code"]) == ["CXR//AP", "NOTE//discharge", "NOTE//radiology"]


def test_an_export_brings_notes_and_pictures_back(synthetic: tuple[Path, Data], tmp_path: Path):
    raw, data = synthetic
    said = export_meds(data.folder, tmp_path / "meds", quiet=True).notes
    assert export_meds(data.folder, tmp_path / "meds", quiet=True).notes == said == (PICTURES_STAY,)
    for path in (tmp_path / "meds").rglob("*.json"):
        assert str(raw) not in path.read_text(), "no path of this machine"
    assert picture_folder(tmp_path / "meds") is None
    source = meds_source([tmp_path / "meds"])
    with pytest.raises(SourceError, match=r"is not there\. Correct --cxr"):
        pipeline.prepare(with_folders(source, {"cxr": raw / "none"}), tmp_path / "meds", tmp_path / "no", quiet=True)
    pipeline.prepare(with_folders(source, {"cxr": raw / "cxr"}), tmp_path / "meds", tmp_path / "back", quiet=True)
    back = Data(tmp_path / "back")
    assert back.events.sort(pl.all()).equals(data.events.sort(pl.all()))
    assert picture_folder(back.folder) == raw / "cxr"


def test_its_truth_is_not_read(synthetic: tuple[Path, Data], tmp_path: Path):
    raw, data = synthetic
    held = raw / "truth"
    held.rename(raw / "elsewhere")
    try:
        again = prepare(raw, tmp_path / "data", "paper", cxr=raw / "cxr", notes=raw / "note")
    finally:
        (raw / "elsewhere").rename(held)
    assert again.hashes() == data.hashes()
    assert not any("truth" in name for name in json.loads((again.folder / "manifest.json").read_text())["inputs"])
