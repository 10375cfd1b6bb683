"""The synthetic chest X-rays and notes: the published layout, the planted facts, one and the same in all of them."""

import gzip
import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wardround.errors import UsageError
from wardround.sources.synthetic import SyntheticMimic4Settings, synthesise_mimic4
from wardround.sources.synthetic.mimic.discharge_prose import COURSES, STORIES
from wardround.sources.synthetic.mimic.radiology_prose import GRADES
from wardround.sources.synthetic.mimic.working_diagnosis import WORKING
from wardround.sources.synthetic.mimic4 import image_files
from wardround.sources.synthetic.mimic4.columns import COLUMNS
from wardround.sources.synthetic.mimic4.cxr_tables import FINDINGS, LABELS, METADATA, SPLIT
from wardround.sources.synthetic.mimic4.pixels import Picture, drawn, planted_at
from wardround.sources.synthetic.population import CAUSE_NAMES

ALL_THERE = {f"missing_{name}": 0.0 for name in ("time_series", "cxr", "discharge_note", "radiology_note")}


def raw(folder: Path, table: str) -> pl.DataFrame:
    return pl.read_csv(folder / f"{table}.csv.gz", infer_schema=False)


def truth_of(folder: Path, name: str = "stays") -> pl.DataFrame:
    return pl.read_parquet(folder / "truth" / f"{name}.parquet")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("whole") / "raw"
    synthesise_mimic4(to, 250, 7, SyntheticMimic4Settings(images="none", **ALL_THERE), quiet=True)
    return to


# The published layout


def test_headers_are_the_published_ones(whole: Path):
    published = {
        METADATA: "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,StudyDate,"
        "StudyTime,ProcedureCodeSequence_CodeMeaning,ViewCodeSequence_CodeMeaning,"
        "PatientOrientationCodeSequence_CodeMeaning",
        SPLIT: "dicom_id,study_id,subject_id,split",
        LABELS: "subject_id,study_id,Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,Fracture,"
        "Lung Lesion,Lung Opacity,No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices",
        "note/discharge": "note_id,subject_id,hadm_id,note_type,note_seq,charttime,storetime,text",
        "note/discharge_detail": "note_id,subject_id,field_name,field_value,field_ordinal",
        "note/radiology": "note_id,subject_id,hadm_id,note_type,note_seq,charttime,storetime,text",
        "note/radiology_detail": "note_id,subject_id,field_name,field_value,field_ordinal",
    }
    for table, header in published.items():
        with gzip.open(whole / f"{table}.csv.gz", "rt") as lines:
            assert lines.readline().strip() == header == ",".join(COLUMNS[table])


def test_ids_dates_and_labels_have_the_published_form(whole: Path):
    metadata, labels = raw(whole, METADATA), raw(whole, LABELS)
    assert metadata["dicom_id"].n_unique() == metadata.height
    assert metadata["dicom_id"].str.contains(r"^[0-9a-f]{8}(-[0-9a-f]{8}){4}$").all()
    assert metadata["StudyDate"].str.contains(r"^2[0-9]{7}$").all()
    assert metadata["StudyTime"].str.contains(r"^[0-9]{6}\.[0-9]{3}$").all()
    assert set(metadata["ViewPosition"]) == {"AP", "PA", "LATERAL"}
    assert set(raw(whole, SPLIT)["split"]) == {"train", "validate", "test"}
    assert set(raw(whole, SPLIT)["dicom_id"]) == set(metadata["dicom_id"])
    assert set(labels["study_id"]) == set(metadata["study_id"])
    assert labels["study_id"].n_unique() == labels.height
    assert set(labels.select(FINDINGS).unpivot()["value"]) == {"1.0", "0.0", "-1.0", None}
    for table, kind in (("note/discharge", "DS"), ("note/radiology", "RR")):
        notes = raw(whole, table)
        assert notes["note_id"].n_unique() == notes.height
        form = pl.format("{}-{}-{}", "subject_id", pl.lit(kind), "note_seq")
        assert notes.select((pl.col("note_id") == form).all()).item()
        assert set(raw(whole, f"{table}_detail")["note_id"]) == set(notes["note_id"])


def test_studies_lie_in_their_stays_and_notes_come_after(whole: Path):
    stays = raw(whole, "icu/icustays").with_columns(pl.col("intime", "outtime").str.to_datetime())
    images = truth_of(whole, "images").with_columns(pl.col("study_id", "stay_id").cast(pl.String))
    when = pl.concat_str("StudyDate", "StudyTime").str.to_datetime("%Y%m%d%H%M%S%.3f")
    both = raw(whole, METADATA).select("dicom_id", when=when).join(images, on="dicom_id").join(stays, on="stay_id")
    assert both.height == images.height
    assert (both["when"] >= both["intime"]).all()
    late = (both["when"] - both["outtime"]).dt.total_seconds()
    assert late.max() <= 60
    assert set(images["stay_id"]) == set(stays["stay_id"]), "every stay has a study"
    for table in ("note/discharge", "note/radiology"):
        notes = raw(whole, table).with_columns(pl.col("charttime", "storetime").str.to_datetime())
        assert (notes["storetime"] > notes["charttime"]).all()
    left = raw(whole, "hosp/admissions").select("hadm_id", left=pl.col("dischtime").str.to_datetime())
    told = raw(whole, "note/discharge").join(left, on="hadm_id")
    assert told.select((pl.col("storetime").str.to_datetime() > pl.col("left")).all()).item()
    assert told.select((pl.col("charttime").str.to_datetime() == pl.col("left").dt.truncate("1d")).all()).item()


# The planted facts


def test_discharge_notes_tell_the_outcome_the_cause_and_the_course(whole: Path):
    truth = (
        truth_of(whole)
        .sort("stay_id")
        .group_by("hospital_stay_id")
        .agg(pl.col("died", "cause").first(), pl.col("frailty").first())
    )
    notes = raw(whole, "note/discharge").with_columns(hospital_stay_id=pl.col("hadm_id").cast(pl.Int64))
    both = notes.join(truth, on="hospital_stay_id", how="full")
    assert both.null_count().sum_horizontal().item() == 0
    text = both["text"]
    assert text.str.contains("Discharge Disposition:\nExpired").equals(both["died"])
    assert text.str.contains("expired on|passed away|pronounced dead").equals(both["died"])
    for cause, words in zip(both["cause"], text, strict=True):
        assert STORIES[cause].diagnosis in words
    course = text.str.extract(r"(?:course|stay) was (" + "|".join(COURSES) + r")\.", 1)
    grade = course.replace_strict({name: place for place, name in enumerate(COURSES)}, return_dtype=pl.Int64)
    assert np.corrcoef(grade, both["frailty"])[0, 1] > 0.4
    assert text.str.contains("Name:  ___ +Unit No:   ___").all()
    assert text.str.contains("Admission Date:  ___").all()
    assert text.n_unique() > 0.9 * text.len()


def test_reports_labels_and_images_tell_the_same(whole: Path):
    images = truth_of(whole, "images").unique("study_id").sort("study_id")
    labels = raw(whole, LABELS).with_columns(pl.col("study_id").cast(pl.Int64)).sort("study_id")
    opaque = labels["Lung Opacity"] == "1.0"
    assert images["opacity"].filter(opaque.fill_null(False)).min() > 0.05
    assert images["opacity"].filter(labels["Lung Opacity"].is_null()).max() < 0.5
    assert np.corrcoef(images["opacity"], images["severity"])[0, 1] > 0.5

    reports = raw(whole, "note/radiology")
    assert reports.height == labels.height
    told = reports["text"]
    for grade in GRADES[1:]:
        assert told.str.contains(rf"(?i)\b{grade}\b").sum() > 3, grade
    clear = told.str.contains("No acute|IMPRESSION:  (Edema|Pleural)")
    assert clear.sum() == labels["Lung Opacity"].is_null().sum()
    assert told.str.starts_with("EXAMINATION:  CHEST (").all()
    assert (
        told.str.contains("pleural effusion is present|small (left|right) pleural effusion").sum()
        == (labels["Pleural Effusion"] == "1.0").sum()
    )


def commonest(told: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Of what notes say: in how many hospital stays, of how many causes, and the share of the commonest one."""
    causes = truth.select(pl.col("hospital_stay_id").cast(pl.String).alias("hadm_id"), "cause").unique()
    counts = told.unique().join(causes, on="hadm_id").group_by("said", "cause").agg(n=pl.len())
    share = pl.col("n").max() / pl.col("n").sum()
    return counts.group_by("said").agg(stays=pl.col("n").sum(), causes=pl.len(), share=share)


def test_a_report_says_why_a_patient_came_and_not_what_is_billed(whole: Path):
    """By what stands in the request nobody can look up the cause, which decides the first code that is billed."""
    reports, notes = raw(whole, "note/radiology"), raw(whole, "note/discharge")
    asked = pl.col("text").str.extract(r"INDICATION:  ___ year old (?:wo)?man with (.+?)  // ").alias("said")
    told = reports.select("hadm_id", asked)
    assert told["said"].null_count() == 0
    assert set(told["said"]) == {word.lower() for words in WORKING.values() for word in words}
    assert told.unique().height == told["hadm_id"].n_unique(), "all reports of a hospital stay say one and the same"
    found = commonest(told, truth_of(whole))
    assert found["stays"].min() > 10
    assert found["causes"].min() > 3
    assert found["share"].max() < 0.6
    # the negative control: a discharge note, written afterwards, tells it
    complaint = pl.col("text").str.extract(r"Chief Complaint:\n(.+)\n").alias("said")
    assert (commonest(notes.select("hadm_id", complaint), truth_of(whole))["share"] == 1).mean() > 0.8


def test_nothing_can_have_changed_before_the_first_picture(whole: Path):
    text = raw(whole, "note/radiology")["text"]
    first = text.str.contains("COMPARISON:  None.", literal=True)
    asks = text.str.contains("interval change")
    assert first.any()
    assert not (first & asks).any()
    assert 0.15 < asks.filter(~first).mean() < 0.35


def test_all_causes_have_a_story():
    assert set(WORKING) == set(CAUSE_NAMES)
    assert set(STORIES) == set(CAUSE_NAMES)


def test_what_is_missing_is_not_there(whole: Path, tmp_path: Path):
    settings = SyntheticMimic4Settings(
        images="none", **{**ALL_THERE, "missing_cxr": 0.6, "missing_discharge_note": 0.5, "missing_radiology_note": 0.4}
    )
    synthesise_mimic4(tmp_path, 250, 7, settings, quiet=True)
    truth = truth_of(tmp_path)
    here = truth.filter(~pl.col("missing_cxr"))["stay_id"]
    full = truth_of(whole, "images")
    assert truth_of(tmp_path, "images").equals(full.filter(pl.col("stay_id").is_in(here.implode())))
    assert set(raw(tmp_path, METADATA)["dicom_id"]) == set(truth_of(tmp_path, "images")["dicom_id"])
    noted = truth.filter(~pl.col("missing_discharge_note"))["hospital_stay_id"].cast(pl.String)
    every = raw(whole, "note/discharge")
    assert raw(tmp_path, "note/discharge").equals(every.filter(pl.col("hadm_id").is_in(noted.implode())))
    reports = raw(tmp_path, "note/radiology")
    assert 0 < reports.height < raw(whole, "note/radiology").height
    assert reports.join(raw(whole, "note/radiology"), on=reports.columns, how="anti").is_empty()


# Pixels


def picture(opacity: float, **more: bool) -> Picture:
    plain = dict.fromkeys(("lateral", "left", "effusion", "oedema", "large_heart", "tube"), False)
    return Picture(opacity=opacity, zone=1, **{**plain, **more})


def around(pixels: np.ndarray, shown: Picture) -> float:
    """Mean brightness where the opacity is."""
    top, side = (round(part * pixels.shape[0]) for part in planted_at(shown))
    half = pixels.shape[0] // 16
    return float(pixels[top - half : top + half, side - half : side + half].mean())


@pytest.mark.parametrize("more", [{}, {"left": True}, {"lateral": True}])
def test_brightness_and_size_follow_the_opacity(more: dict):
    rng = np.random.default_rng(0)
    opacity = rng.random(60)
    bright = [around(drawn(picture(value, **more), 64, rng), picture(value, **more)) for value in opacity]
    assert np.corrcoef(opacity, bright)[0, 1] > 0.9
    clear, dense = (drawn(picture(value, **more), 64, np.random.default_rng(1)).astype(int) for value in (0.0, 1.0))
    slight = drawn(picture(0.3, **more), 64, np.random.default_rng(1)).astype(int)
    assert ((dense - clear) > 12).sum() > 2 * ((slight - clear) > 12).sum() > 0


@pytest.mark.parametrize("finding", ["effusion", "oedema", "large_heart", "tube"])
def test_other_findings_make_it_brighter(finding: str):
    with_it, without = (
        drawn(picture(0.2, **{finding: there}), 64, np.random.default_rng(2)).astype(int).mean()
        for there in (True, False)
    )
    assert with_it > without + 0.2


def test_images_lie_where_they_should_and_can_be_read(tmp_path: Path):
    pil, pydicom = pytest.importorskip("PIL.Image"), pytest.importorskip("pydicom")
    settings = SyntheticMimic4Settings(images="both", image_px=48, **ALL_THERE)
    synthesise_mimic4(tmp_path, 12, 7, settings, quiet=True)
    metadata = raw(tmp_path, METADATA)
    files = {path.relative_to(tmp_path) for path in (tmp_path / "cxr" / "files").rglob("*.*")}
    assert len(files) == 2 * metadata.height > 20
    for row in metadata.iter_rows(named=True):
        folder = Path(f"cxr/files/p{row['subject_id'][:2]}/p{row['subject_id']}/s{row['study_id']}")
        jpg, dcm = (tmp_path / folder / f"{row['dicom_id']}.{ending}" for ending in ("jpg", "dcm"))
        assert {jpg.relative_to(tmp_path), dcm.relative_to(tmp_path)} <= files
        image, dataset = pil.open(io.BytesIO(jpg.read_bytes())), pydicom.dcmread(dcm)
        assert image.mode == "L"
        assert image.size == (48, 48) == (int(row["Columns"]), int(row["Rows"]))
        assert np.abs(np.asarray(image).astype(int) - dataset.pixel_array.astype(int)).mean() < 8
        assert dataset.get("PatientName") is None


def test_the_same_seed_gives_the_same_images(tmp_path: Path):
    pytest.importorskip("PIL")
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        synthesise_mimic4(tmp_path / name, 6, seed, SyntheticMimic4Settings(**ALL_THERE), quiet=True)
    first, again, other = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.jpg")}
        for name in ("first", "again", "other")
    )
    assert first == again
    assert len(first) > 5
    assert not first.keys() & other.keys()
    assert not set(first.values()) & set(other.values())


def test_without_the_package_that_writes_images_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(image_files, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"images=jpg needs pillow.*pip install 'wardround\[images\]'"):
        synthesise_mimic4(tmp_path / "raw", 5, 1, quiet=True)
    assert not (tmp_path / "raw").exists()
    synthesise_mimic4(tmp_path / "raw", 5, 1, SyntheticMimic4Settings(images="none"), quiet=True)
