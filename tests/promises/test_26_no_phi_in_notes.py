"""Promise 26, notes and pictures: no word of a note, no name of a picture and no id leaves by the side door.

A raw MIMIC-IV with notes and chest X-rays of which every text, id and date that may be so is a canary. What `prepare`,
`describe` and `export` say and leave is searched, events apart, with every fault of the three tables forced.
"""

import traceback
from pathlib import Path

import polars as pl
import pytest
from text_faults import TEXT_FAULTS

from canaries import KINDS, Canaries, texts_of
from raw_eicu import Data, none_of
from raw_mimic4 import METADATA, RawMimic4, prepare
from wardround.cli import main
from wardround.errors import WardroundError
from wardround.evaluate.describe import describe
from wardround.export import export_meds
from wardround.pictures import picture_folder
from wardround.sources import block

pytestmark = pytest.mark.usefixtures("fast_fsync")

TABLES = ("note/discharge", "note/radiology", METADATA)


def marked(canaries: Canaries) -> RawMimic4:
    """Two stays with notes and pictures, good ones and odd ones."""
    subjects = [canaries.token("23456789")[:8] for _ in range(2)]
    canaries.tokens |= set(subjects)
    raw = RawMimic4()
    for stay, subject in enumerate(subjects, start=1):
        raw.stay(stay, int(subject), int(canaries.number()))
        for kind in KINDS:
            raw.note("radiology", stay, text=f"{kind}:\n{canaries.text()}\r\n", note_id=canaries.number())
            raw.note("discharge", stay, text=f'He said "{canaries.text()}", {canaries.text()}', note_seq=7)
        for endings in (["jpg"], ["dcm"], []):
            raw.picture(stay, canaries.token("abcdef"), int(canaries.token("23456789")[:8]), endings)
    for column in ("subject_id", "hadm_id", "note_type", "charttime", "storetime"):
        raw.note("discharge", 1, **{column: canaries.text(), "text": canaries.text()})
        raw.note("radiology", 2, **{column: canaries.text(), "text": canaries.text()})
    for column in raw.rows[METADATA][0]:
        raw.picture(1, "", endings=[])
        raw.rows[METADATA][-1][column] = canaries.text()
    return raw


@pytest.fixture(scope="module")
def canaries() -> Canaries:
    return Canaries(2604)


@pytest.fixture(scope="module")
def raw(canaries: Canaries, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return marked(canaries).write(tmp_path_factory.mktemp("raw"), packed=False)


@pytest.fixture(scope="module")
def data(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Data:
    return prepare(raw, tmp_path_factory.mktemp("data"), cxr=raw / "cxr", notes=raw)


def run(raw: Path, to: Path) -> str:
    """Prepare; the whole traceback where it fails, chained errors and all."""
    try:
        prepare(raw, to, cxr=raw / "cxr", notes=raw)
    except WardroundError as error:
        return "".join(traceback.format_exception(error)) + str(error)
    return ""


def test_the_canaries_reach_the_data(canaries: Canaries, data: Data):
    texts = "\n".join(data.events["text_value"].drop_nulls()).encode()
    assert len(canaries.found_in({"texts": texts})) > 100
    assert {"discharge_note", "radiology_note", "cxr"} <= set(data.events["modality"])


def test_what_prepare_says_and_leaves_shows_none(
    canaries: Canaries, raw: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    to = ["--to", str(tmp_path / "data"), "--cxr", str(raw / "cxr"), "--notes", str(raw)]
    assert main(["prepare", "mimic4", str(raw), *to]) == 0
    said = capfd.readouterr()
    shown = texts_of(tmp_path / "data") | {"stdout": said.out.encode(), "stderr": said.err.encode()}
    assert {"metadata/images.json", "ledger.json", "manifest.json"} <= shown.keys()
    assert b"note of an unknown type" in shown["stdout"]
    assert canaries.found_in(shown) == []
    codes = "\n".join(pl.read_parquet(tmp_path / "data" / "metadata" / "codes.parquet")["code"])
    assert canaries.found_in({"codes": codes.encode()}) == []


def test_what_is_described_and_exported_shows_none(canaries: Canaries, data: Data, tmp_path: Path):
    described = describe(data.folder, tmp_path / "described", quiet=True)
    export_meds(data.folder, tmp_path / "meds", quiet=True)
    shown = texts_of(tmp_path / "described") | texts_of(tmp_path / "meds") | {"said": repr(described).encode()}
    assert canaries.found_in(shown) == []


def test_no_fault_of_a_note_or_picture_shows_one(canaries: Canaries, raw: Path, tmp_path: Path):
    errors = 0
    for table in TABLES:
        path = raw / f"{table}.csv"
        sound = path.read_bytes()
        for number, (fault, change) in enumerate(TEXT_FAULTS.items()):
            to = tmp_path / f"{path.stem}-{number}"
            try:
                path.write_bytes(change(sound))
                shown = {"error": run(raw, to).encode()}
            finally:
                path.write_bytes(sound)
            shown |= texts_of(to) if to.exists() else {}
            assert canaries.found_in(shown) == [], f"{fault} in {table}"
            errors += shown["error"] != b""
    assert errors >= 25
    print(f"{errors} forced errors, canaries found: {none_of(errors)}")


def test_pictures_that_are_gone_are_asked_for_without_their_names(canaries: Canaries, data: Data, raw: Path):
    (raw / "cxr").rename(raw / "moved")
    try:
        with pytest.raises(WardroundError) as gone:
            picture_folder(data.folder)
    finally:
        (raw / "moved").rename(raw / "cxr")
    assert canaries.found_in({"error": "".join(traceback.format_exception(gone.value)).encode()}) == []


def test_control_a_text_that_is_let_out_is_found(
    canaries: Canaries, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    sound = block.typed

    def leaky(frame: pl.DataFrame, *declared: object) -> pl.DataFrame:
        if "text" in frame.columns:
            print(frame["text"][0])
        return sound(frame, *declared)

    monkeypatch.setattr(block, "typed", leaky)
    run(raw, tmp_path / "data")
    assert canaries.found_in({"stdout": capfd.readouterr().out.encode()}) != []
