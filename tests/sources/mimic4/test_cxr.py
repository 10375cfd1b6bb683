"""MIMIC-CXR as events: which pictures are read, where they lie and when they are known, expected tables written out."""

import json
from pathlib import Path

import polars as pl
import pytest

from raw_mimic4 import METADATA, RawMimic4, events, prepare
from wardround.errors import BrokenFileError, SourceError
from wardround.sources.mimic4.cxr import study_day, time_of_day
from wardround.sources.mimic4.cxr_files import list_pictures

TABLE = METADATA.split("/")[1]
STEM = "files/p10/p10000101/s50000001/a0b1c2d3"


def one_stay() -> RawMimic4:
    return RawMimic4().stay(1, 10000101)


def pictured(folder: Path, raw: RawMimic4) -> tuple[str, dict[str, int]]:
    """Pictures as "stay minute known code path", and what was set aside for which reason."""
    made = events(folder, raw, "cxr")
    account = json.loads((folder / "data" / "ledger.json").read_text())["tables"][TABLE]
    assert account["rows_in"] == account["rows_out"] + sum(account["set_aside"].values()) == len(raw.rows[METADATA])
    return made.replace(" - ", " "), account["set_aside"]


def test_a_picture_is_the_path_of_its_file_known_at_the_time_of_its_study(tmp_path: Path):
    raw = one_stay().picture(1, "a0b1c2d3").picture(1, "a0b1c2d4", endings=["dcm"], StudyTime="143059.99900000001")
    raw.picture(1, "a0b1c2d5", endings=["dcm", "jpg"], StudyDate="21510102", StudyTime="345.5", ViewPosition="ap")
    made, set_aside = pictured(tmp_path, raw)
    assert made == "\n".join(
        [
            f"1 60 60 CXR//AP {STEM}.jpg",
            "1 150 150 CXR//AP files/p10/p10000101/s50000001/a0b1c2d4.dcm",
            "1 723 723 CXR//AP files/p10/p10000101/s50000001/a0b1c2d5.jpg",
        ]
    )
    assert set_aside == {}
    times = prepare(tmp_path / "raw", tmp_path / "again", cxr=tmp_path / "raw" / "cxr").events
    times = times.filter(pl.col("modality") == "cxr")
    assert str(times["time"][1]) == "2151-01-01 14:30:59.999000"
    assert times["available_time"].equals(times["time"])


def test_a_picture_lies_where_its_study_does_as_any_row_of_the_hospital(tmp_path: Path):
    raw = one_stay().stay(2, 10000101, 1001, intime="2151-01-04 00:00:00", outtime="2151-01-05 00:00:00")
    for place, (day, time) in enumerate(
        [
            ("21501231", "050000"),  # more than a day before the hospital stay
            ("21501231", "070000"),  # the emergency department
            ("21510103", "180000"),  # the ward, before the second unit stay
            ("21510105", "180000"),  # the ward, after it
            ("21510106", "120001"),  # after the discharge
            ("21530102", "120000"),  # shifted otherwise, by two years
        ]
    ):
        raw.picture(1, f"a0b1c2d{place}", StudyDate=day, StudyTime=time)
    made, set_aside = pictured(tmp_path, raw)
    assert [(line[0], line[-5]) for line in made.splitlines()] == [("1", "1"), ("2", "2"), ("2", "3")]
    assert set_aside == {"outside every unit stay and what leads to it": 3}


def test_pictures_that_are_not_read_are_counted_by_reason(tmp_path: Path):
    raw = one_stay()
    raw.add("hosp/patients", subject_id=10000900)
    raw.picture(1, "a0b1c2d3")
    for view in ("PA", "LATERAL", "LL"):
        raw.picture(1, f"b{len(view)}b1c2d3", ViewPosition=view)
    raw.picture(1, "c0b1c2d3", ViewPosition="")
    raw.picture(1, "d0b1c2d3", endings=[])
    raw.picture(None, "e0b1c2d3", subject_id=10000777)
    raw.picture(None, "f0b1c2d3", subject_id=10000900)
    raw.picture(None, "f1b1c2d3", subject_id="", endings=[])
    raw.picture(1, "f2b1c2d3", StudyTime="")
    raw.picture(1, "f3b1c2d3", StudyTime="250000")
    raw.picture(1, "f4b1c2d3", StudyDate="2151-01-01")
    raw.picture(1, "a0b1c2d3", endings=[])
    raw.picture(1, "../../../secret", endings=[])
    raw.picture(1, "", endings=[])
    made, set_aside = pictured(tmp_path, raw)
    assert made == f"1 60 60 CXR//AP {STEM}.jpg"
    assert set_aside == {
        "view other than AP": 3,
        "view not told": 1,
        "file is not there": 3,
        "subject that patients does not have": 1,
        "subject without a stay": 1,
        "no subject id": 1,
        "no time": 1,
        "not a time: studytime": 1,
        "not a time: studydate": 1,
        "duplicate row": 1,
    }


def test_the_manifest_says_how_many_pictures_and_not_where(tmp_path: Path):
    """Moved pictures leave every byte that the manifest covers; another picture does not."""
    raw = one_stay().picture(1, "a0b1c2d3").picture(1, "a0b1c2d4", endings=[])
    manifests, places = [], []
    for name in ("here", "there"):
        written = raw.write(tmp_path / name)
        data = prepare(written, tmp_path / f"{name}-data", cxr=written / "cxr")
        manifests.append((data.folder / "manifest.json").read_bytes())
        places.append(json.loads((data.folder / "metadata" / "images.json").read_text()))
    assert manifests[0] == manifests[1]
    assert places == [{"cxr": str(tmp_path / name / "cxr")} for name in ("here", "there")]
    manifest = json.loads(manifests[0])
    assert manifest["settings"]["n_pictures"] == 1
    assert sum("cxr" in name for name in manifest["inputs"]) == 2
    assert not any("a0b1" in name or name == "metadata/images.json" for name in manifest["files"])

    (tmp_path / "here" / "cxr" / f"{STEM[:-1]}4.jpg").write_bytes(b"another")
    more = prepare(tmp_path / "here", tmp_path / "more", cxr=tmp_path / "here" / "cxr")
    assert (more.folder / "manifest.json").read_bytes() != manifests[0]


def test_prepared_again_from_another_place_the_folder_says_where(tmp_path: Path):
    raw = one_stay().picture(1, "a0b1c2d3")
    written = raw.write(tmp_path / "raw")
    before = prepare(written, tmp_path / "data", cxr=written / "cxr").hashes()
    (written / "cxr").rename(tmp_path / "moved")
    after = prepare(written, tmp_path / "data", cxr=tmp_path / "moved").hashes()
    assert {name for name in before if before[name] != after[name]} == {"metadata/images.json"}


def test_a_table_without_its_pictures_is_refused(tmp_path: Path):
    written = one_stay().picture(1, "a0b1c2d3", endings=[]).write(tmp_path / "raw")
    with pytest.raises(SourceError, match=r"cxr/files has no picture under a published name.*leave --cxr out"):
        prepare(written, tmp_path / "data", cxr=written / "cxr")


def test_only_files_where_they_belong_are_listed(tmp_path: Path):
    good = [f"{STEM}.jpg", f"{STEM}.dcm", "files/p19/p19999999/s59999999/00000000-ffffffff.dcm"]
    odd = [
        *("files/index.html", "files/p10/p10000101/s50000001.txt", "files/p10/p10000101/s50000001/note.txt"),
        *("files/p10/other/s50000001/a0b1c2d3.jpg", "p10/p10000101/s50000001/a0b1c2d3.jpg"),
    ]
    for name in (*good, *odd):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "files/p10/p10000101/s50000001/abcdef01.jpg").mkdir()
    listed = list_pictures(tmp_path)
    assert listed.paths["file"].to_list() == [good[0], good[2]], "of two kinds the JPEG"
    other = tmp_path / "other"
    other.mkdir()
    assert list_pictures(other).paths.is_empty()
    assert list_pictures(other).digest != listed.digest


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("213014.531", "21:30:14.531000"),
        ("213014.53100000002", "21:30:14.531000"),
        ("213014", "21:30:14"),
        ("213014.", "21:30:14"),
        ("14.5", "00:00:14.500000"),
        ("0", "00:00:00"),
        *((text, None) for text in ("240000", "126000", "125960", "1234567", "-1", "12:30:00", "noon", "", None)),
    ],
)
def test_times_of_day(text: str | None, told: str | None):
    read = pl.select(
        day=pl.datetime(2151, 1, 1) + time_of_day(pl.lit(text, pl.String)), is_null=time_of_day(pl.lit(text, pl.String))
    )
    assert (None if read["day"][0] is None else str(read["day"][0].time())) == told


@pytest.mark.parametrize("text", ["21510101", "21510101.0"])
def test_days(text: str):
    assert str(pl.select(study_day(pl.lit(text))).item()) == "2151-01-01 00:00:00"


@pytest.mark.parametrize("text", ["21511301", "2151-01-01", "215101", "1 January"])
def test_words_that_are_no_day(text: str):
    assert pl.select(study_day(pl.lit(text))).item() is None


def test_the_table_must_be_there_and_whole(tmp_path: Path):
    written = one_stay().picture(1, "a0b1c2d3").write(tmp_path / "raw", packed=False)
    with pytest.raises(SourceError, match=r"has no mimic-cxr-2\.0\.0-metadata\.csv .*Give the folder of MIMIC-CXR-JPG"):
        prepare(written, tmp_path / "data", cxr=written)
    path = written / "cxr" / f"{TABLE}.csv"
    text = path.read_text()
    path.write_text(text.replace("ViewPosition", "View"))
    with pytest.raises(SourceError, match="lacks column viewposition of table mimic-cxr"):
        prepare(written, tmp_path / "data", cxr=written / "cxr")
    path.write_text(text[:-9])
    with pytest.raises(BrokenFileError, match="does not end with a line end"):
        prepare(written, tmp_path / "data", cxr=written / "cxr")
