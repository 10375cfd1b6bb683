"""Promise 26, sources: no value of a patient leaves by the side door: messages, tracebacks, ledgers, logs, file names.

`data/*.parquet`, `metadata/codes.parquet` and `stays.parquet` hold events, codes and ids by nature: they are the data.
Everything else that `prepare` leaves or says is searched for canaries, with every error of the source side forced.
"""

import gzip
import itertools
import logging
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from text_faults import TEXT_FAULTS

from canaries import KINDS, Canaries, texts_of, with_canaries
from faulty_disk import REFUSALS, FaultyDisk
from raw_challenge import HEADER, RawSet
from raw_eicu import COLUMNS, Data, none_of
from raw_meds import ODD as ODD_MEDS
from raw_meds import RawMeds, pulse
from raw_meds import tiny as tiny_meds
from wardround import files, ledger
from wardround.errors import SourceError, WardroundError
from wardround.export import export_meds
from wardround.sources import block, csv_reader, csv_stream, gather, pipeline, reading, stay_reading
from wardround.sources.challenge2012 import CHALLENGE2012
from wardround.sources.eicu import EICU
from wardround.sources.meds import meds_source

pytestmark = pytest.mark.usefixtures("fast_fsync")


@pytest.fixture(scope="module")
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture(scope="module")
def raw(canaries: Canaries, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_canaries(canaries, copies=3).write(tmp_path_factory.mktemp("raw"), packed=False)


def run(raw: Path, to: Path) -> str:
    """Prepare, with progress; the whole traceback where it fails, chained errors and all."""
    try:
        pipeline.prepare(EICU, raw, to)
    except (WardroundError, SystemExit) as error:
        return "".join(traceback.format_exception(error)) + str(error)
    return ""


def said(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> dict[str, bytes]:
    captured = capfd.readouterr()
    return {"stdout": captured.out.encode(), "stderr": captured.err.encode(), "log": caplog.text.encode()}


def copied(raw: Path, folder: Path) -> Path:
    folder.mkdir()
    for path in raw.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_there_are_enough_canaries_and_they_reach_the_data(canaries: Canaries, raw: Path, tmp_path: Path):
    assert len(KINDS) == 18
    assert run(raw, tmp_path / "data") == ""
    data = Data(tmp_path / "data")
    codes = files.read_table(data.folder / "metadata" / "codes.parquet")["code"].str.join("\n").item().encode()
    found = canaries.found_in({"codes": codes, "raw": b"".join(path.read_bytes() for path in raw.iterdir())})
    assert sum(each.startswith("raw") for each in found) == len(canaries.tokens) > 600
    assert sum(each.startswith("codes") for each in found) > 20, "canaries do go through the pipeline"


def test_a_run_that_ends_well_shows_none(
    canaries: Canaries, raw: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    assert run(raw, tmp_path / "data") == ""
    shown = texts_of(tmp_path / "data") | said(capfd, caplog)
    assert {"ledger.json", "manifest.json", "metadata/dataset.json", "metadata/subject_splits.parquet"} <= shown.keys()
    assert b"reading tables" in shown["stderr"]
    assert canaries.found_in(shown) == []
    print(f"{len(canaries.tokens)} canaries, {len(shown)} texts: {none_of(len(canaries.tokens))}")


def test_a_run_that_was_killed_shows_none(
    canaries: Canaries, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def die(*_: object) -> None:
        raise SystemExit("stopped here")

    monkeypatch.setattr(files, "write_manifest", die)
    run(raw, tmp_path / "data")
    shown = texts_of(tmp_path / "data")
    assert any(name.startswith(".work/tables/") for name in shown)
    assert canaries.found_in(shown) == []


# Every error of the source side, forced on a folder full of canaries.


def edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def broken_folders(raw: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Each fault in each table's text, and faults of its packing."""
    for table in COLUMNS:
        for fault, change in TEXT_FAULTS.items():
            name = f"{fault} in {table}"
            edit(copied(raw, folder / name) / f"{table}.csv", change)
            yield name, folder / name
        for fault in ("cut", "flip", "not gzip"):
            name = f"{fault} of {table}"
            path = copied(raw, folder / name) / f"{table}.csv"
            packed = bytearray(gzip.compress(path.read_bytes()))
            path.unlink()
            packed[len(packed) // 2] ^= 255 if fault == "flip" else 0
            kept = {"cut": packed[:-20], "flip": packed, "not gzip": b"x" + packed}[fault]
            path.with_name(f"{table}.csv.gz").write_bytes(kept)
            yield name, folder / name


def odd_folders(raw: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Faults of the folder as a whole."""
    both = copied(raw, folder / "two files for a table")
    (both / "LAB.CSV.GZ").write_bytes(gzip.compress((both / "lab.csv").read_bytes()))
    yield "two files for a table", both
    without = copied(raw, folder / "no patient table")
    (without / "patient.csv").unlink()
    yield "no patient table", without
    summed = copied(raw, folder / "other sums")
    (summed / "SHA256SUMS.txt").write_text(f"{'0' * 64} lab.csv\n")
    yield "other sums", summed
    nobody = copied(raw, folder / "no usable stay")
    edit(
        nobody / "patient.csv",
        lambda text: text.replace(b",64,", b",640,").replace(b",47,", b",470,").replace(b",> 89,", b",890,"),
    )
    yield "no usable stay", nobody
    yield "no folder", folder / "absent"


@pytest.mark.slow
def test_no_broken_input_shows_a_canary(
    canaries: Canaries, raw: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    errors = 0
    for name, folder in [*broken_folders(raw, tmp_path), *odd_folders(raw, tmp_path)]:
        to = tmp_path / "data of" / name
        shown = {"error": run(folder, to).encode()}
        shown |= said(capfd, caplog) | (texts_of(to) if to.exists() else {})
        assert canaries.found_in(shown) == [], name
        errors += shown["error"] != b""
    assert errors >= 200
    print(f"{errors} forced errors of inputs, canaries found: {none_of(errors)}")


def test_no_refusal_of_the_disk_shows_a_canary(
    canaries: Canaries, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    errors = 0
    for at in range(1, 150, 13):
        with monkeypatch.context() as patch:
            FaultyDisk(patch, at, REFUSALS["disk full"])
            message = run(raw, tmp_path / str(at))
        shown = {"error": message.encode(), "stderr": capfd.readouterr().err.encode()} | texts_of(tmp_path / str(at))
        assert canaries.found_in(shown) == [], at
        errors += message != ""
    assert errors > 5


def an_unbalanced_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        gather, "_without_duplicates", lambda rows: (rows.drop("row", "row_hash"), gather.Repeated(-7, 0))
    )
    monkeypatch.setattr(ledger.TableLedger, "from_json", classmethod(lambda cls, _: cls(rows_in=5)))


def a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = csv_stream.CheckedStream.__init__

    def limited(stream: csv_stream.CheckedStream, path: Path) -> None:
        sound(stream, path)
        stream._limit = 1_000

    monkeypatch.setattr(csv_stream.CheckedStream, "__init__", limited)


def a_small_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 50)
    monkeypatch.setattr(csv_reader, "ROW_BYTES", 1)


def a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = reading.convert_block

    def interrupted(*args):
        os.kill(os.getpid(), signal.SIGTERM)
        return sound(*args)

    monkeypatch.setattr(reading, "convert_block", interrupted)


@pytest.mark.parametrize("force", [an_unbalanced_account, a_bomb, a_small_block, a_signal])
def test_no_other_error_shows_a_canary(
    canaries: Canaries, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force
):
    force(monkeypatch)
    message = run(raw, tmp_path / "data")
    assert "wardround" in message
    assert canaries.found_in({"error": message.encode()}) == []


def test_an_error_of_a_finished_folder_shows_no_canary(canaries: Canaries, raw: Path, tmp_path: Path):
    run(raw, tmp_path / "data")
    path = tmp_path / "data" / "data" / "0.parquet"
    edit(path, lambda data: data[:-9])
    with pytest.raises(WardroundError) as cut:
        files.read_table(path)
    edit(tmp_path / "data" / "ledger.json", lambda data: data[:-9])
    with pytest.raises(WardroundError) as torn:
        files.read_json(tmp_path / "data" / "ledger.json")
    messages = [run(raw, tmp_path / "data"), *("".join(traceback.format_exception(e.value)) for e in (cut, torn))]
    assert canaries.found_in({"errors": "".join(messages).encode()}) == []


# Negative control: ten ways out, planted; the search must find each.


def say(place: str, value: str) -> None:
    if place == "print":
        print(value)
    elif place == "log":
        logging.getLogger("wardround").warning("odd row %s", value)
    elif place == "warning":
        sys.stderr.write(warnings.formatwarning(value, UserWarning, "reader.py", 1))
    elif place == "message":
        raise SourceError(f"cannot read {value}")
    elif place == "cause":
        raise SourceError("cannot read a row") from ValueError(value)
    elif place == "context":
        try:
            raise ValueError(value)
        except ValueError:
            raise SourceError("cannot read a row")  # noqa: B904 - the fault that is planted


def plant(place: str, row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a row out at a place."""
    if place == "ledger":
        sound = ledger.TableLedger.as_json
        monkeypatch.setattr(ledger.TableLedger, "as_json", lambda account: sound(account) | {"example": row})
    elif place == "manifest":
        written = files.write_manifest
        monkeypatch.setattr(
            files,
            "write_manifest",
            lambda to, kind, inputs, settings, version: written(to, kind, inputs, {"row": row}, version),
        )
    elif place == "file name":
        monkeypatch.setattr(pipeline._Job, "_runs", lambda job, table: job.work.path / f"{row.split(',')[0]}-{table}")
        monkeypatch.setattr(pipeline.WorkFolder, "remove", lambda _: None)
    elif place == "forgotten file":
        whole = pipeline.subject_splits

        def with_a_copy(stays: pl.DataFrame) -> pl.DataFrame:
            Path(os.environ["CANARY_DATA"], "debug.csv").write_text(row)
            return whole(stays)

        monkeypatch.setattr(pipeline, "subject_splits", with_a_copy)
    else:
        numbered = block.numbered

        def leaky(rows, table):
            frame = numbered(rows, table)
            say(place, str(frame.row(frame.height // 2)))
            return frame

        for module in (stay_reading, block):
            monkeypatch.setattr(module, "numbered", leaky)


PLACES = ("print", "log", "warning", "message", "cause", "context", "ledger", "manifest", "file name", "forgotten file")


@pytest.mark.parametrize("place", PLACES)
def test_a_planted_leak_is_found(
    canaries: Canaries,
    raw: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    place: str,
):
    monkeypatch.setenv("CANARY_DATA", str(tmp_path / "data"))
    plant(place, (raw / "patient.csv").read_text().splitlines()[2], monkeypatch)
    message = run(raw, tmp_path / "data")
    shown = {"error": message.encode()} | said(capfd, caplog)
    shown |= texts_of(tmp_path / "data") if (tmp_path / "data").exists() else {}
    assert canaries.found_in(shown) != []


def test_ten_leaks_are_planted():
    assert len(PLACES) == 10


# The Challenge 2012: ids in file names, canaries in lines and outcomes.


def challenge_with_canaries(canaries: Canaries) -> RawSet:
    raw = RawSet()
    for _ in range(6):
        number, text = int(canaries.number()), canaries.text
        odd = [f"{text()},HR,70", f"01:00,{text()},70", f"01:00,HR,{text()}", text(), f"01:00,HR,{canaries.number()}"]
        raw.add(number, "00:30,HR,70", "48:00,HR,71", *odd, age=60)
    raw.outcomes = [*(raw.outcomes or []), f"{canaries.text()},1,1,5,-1,0", f"{canaries.number()},1,1,5,-1,0"]
    return raw


def challenge_faults(raw: RawSet, folder: Path) -> Iterator[tuple[str, Path]]:
    """The sound set in each form, and each fault in a record, an archive, the outcomes."""
    for form in ("folder", "tar.gz", "zip"):
        yield f"sound {form}", raw.write(folder / f"sound {form}", form)
    text_faults = {name: change for name, change in TEXT_FAULTS.items() if "doubled" not in name}
    for fault, change in text_faults.items():
        for target in ("record", "outcomes"):
            made = raw.write(folder / f"{fault} in {target}")
            paths = sorted((made / "set-a").iterdir()) if target == "record" else [made / "Outcomes-a.txt"]
            edit(paths[len(paths) // 2], change)
            yield made.name, made
    for form in ("tar.gz", "zip"):
        for fault, change in {"cut": lambda data: data[:-30], "flip": flipped}.items():
            made = raw.write(folder / f"{fault} of {form}", form)
            edit(made / f"set-a.{form}", change)
            yield made.name, made
    other = raw.write(folder / "nobody")
    for path in list((other / "set-a").iterdir()):
        path.write_text(HEADER + "\n")
    yield "nobody", other


def flipped(data: bytes) -> bytes:
    return bytes(byte ^ (255 * (at == len(data) // 2)) for at, byte in enumerate(data))


def test_no_set_of_the_challenge_shows_a_canary(
    canaries: Canaries, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    own, errors = Canaries(seed=2012), 0
    raw = challenge_with_canaries(own)
    for name, folder in challenge_faults(raw, tmp_path):
        to, message = tmp_path / "data of" / name, ""
        try:
            pipeline.prepare(CHALLENGE2012, folder, to)
        except WardroundError as error:
            message = "".join(traceback.format_exception(error)) + str(error)
        shown = {"error": message.encode()} | said(capfd, caplog) | (texts_of(to) if to.exists() else {})
        assert own.found_in(shown) == [], name
        assert (message == "") or not name.startswith("sound")
        errors += message != ""
    assert errors >= 12
    assert own.found_in({"raw": b"".join(raw.texts().values())}) != []


# MEDS: canaries in codes, texts, ids of stays and visits; faults in shards, metadata, the mapping, the export.


def meds_with_canaries(canaries: Canaries) -> RawMeds:
    """The tiny data set with ids and texts of canaries, and odd rows of them."""
    raw, number = tiny_meds(), itertools.count()
    visits = {f"v{each}": canaries.text() for each in range(9)}
    subjects = {each: int(canaries.number()) for each in (1, 2, 3)}
    raw.rows = [
        row | {"subject_id": subjects[row["subject_id"]], "visit": visits.get(row["visit"])} for row in raw.rows
    ]
    for reason, change in ODD_MEDS.items():
        row = pulse(next(number)) | {"subject_id": subjects[1], "text_value": canaries.text()} | change
        if row["code"] == "XYZ//1":
            row["code"] = canaries.text()
        if reason == "subject without a stay":
            row["subject_id"] = int(canaries.number())
        raw.rows.append(row)
    return raw


def meds_faults(raw: RawMeds, folder: Path) -> Iterator[tuple[str, Path]]:
    """The sound data set, and each fault in a shard or in what lies beside it."""
    yield "sound", raw.write(folder / "sound", shards=3)
    shard = Path("data/train/0.parquet")
    for fault, change in {
        "cut": lambda data: data[:-30],
        "half": lambda data: data[: len(data) // 2],
        "flip": flipped,
        "empty": lambda _: b"",
        "text": lambda _: b"subject_id,time,code\n",
    }.items():
        made = raw.write(folder / fault)
        edit(made / shard, change)
        yield fault, made
    frames = {
        "no code": lambda frame: frame.drop("code"),
        "ids for times": lambda frame: frame.with_columns(time=pl.col("visit")),
        "texts for numbers": lambda frame: frame.with_columns(numeric_value=pl.col("text_value")),
        "texts for subjects": lambda frame: frame.with_columns(subject_id=pl.col("visit")),
        "no visit": lambda frame: frame.drop("visit"),
        "huge subjects": lambda frame: frame.with_columns(subject_id=pl.lit(2**64 - 1, pl.UInt64)),
    }  # fmt: skip
    for fault, change in frames.items():
        yield fault, raw.write(folder / fault, change=change)
    nobody = RawMeds([row for row in raw.rows if row["unit_stay"] is None])
    yield "nobody", nobody.write(folder / "nobody")
    other = raw.write(folder / "sums")
    (other / "SHA256SUMS.txt").write_text(f"{'0' * 64} data/train/0.parquet\n")
    yield "sums", other
    broken = raw.write(folder / "metadata")
    (broken / "metadata" / "dataset.json").write_text("[")
    yield "metadata", broken


def test_no_meds_data_set_shows_a_canary(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    own, errors = Canaries(seed=41), 0
    raw = meds_with_canaries(own)
    for name, folder in meds_faults(raw, tmp_path / "raws"):
        to, message = tmp_path / "data of" / name, ""
        try:
            pipeline.prepare(meds_source([folder], folder / "mapping.toml"), folder, to)
            export_meds(to, tmp_path / "export of" / name)
        except WardroundError as error:
            message = "".join(traceback.format_exception(error)) + str(error)
        shown = {"error": message.encode()} | said(capfd, caplog)
        for left in (to, tmp_path / "export of" / name):
            shown |= texts_of(left) if left.exists() else {}
        assert own.found_in({where: data for where, data in shown.items() if "subject_splits" not in where}) == [], name
        assert (message == "") or name != "sound"
        errors += message != ""
    assert errors >= 12
    assert own.found_in({"raw": raw.frame().write_csv().encode()}) != []


def test_control_an_error_that_quotes_a_row_of_meds_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    own = Canaries(seed=42)
    folder = meds_with_canaries(own).write(tmp_path / "raw")

    def quote(rows: pl.DataFrame, *_: object) -> pl.DataFrame:
        raise SourceError(f"{rows.row(0)} cannot be placed")

    monkeypatch.setattr("wardround.sources.meds.events._in_stays", quote)
    with pytest.raises(SourceError) as caught:
        pipeline.prepare(meds_source([folder], folder / "mapping.toml"), folder, tmp_path / "data", quiet=True)
    assert own.found_in({"error": str(caught.value).encode()}) != []
