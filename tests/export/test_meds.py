"""export meds: what the `meds` package says of it, and that `prepare meds` reads it back equal."""

import contextlib
import json
import shutil
from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from meds import (
    CodeMetadataSchema,
    DataSchema,
    DatasetMetadataSchema,
    LabelSchema,
    SubjectSplitSchema,
    held_out_split,
    train_split,
    tuning_split,
)

import raw_challenge
import raw_eicu
import raw_meds
import raw_mimic4
from faulty_disk import FaultyDisk, Killed
from raw_eicu import Data
from wardround import files
from wardround.errors import DataError, RunError, SourceError, UsageError
from wardround.events import EVENT_COLUMNS, MODALITIES, STAY_COLUMNS
from wardround.export import meds as exporting
from wardround.export.meds import _hour, _windows, export_meds
from wardround.sources import data_target, gather, pipeline
from wardround.sources.synthetic import SyntheticSettings, synthesise_eicu
from wardround.tasks.task import TASKS

pytestmark = pytest.mark.usefixtures("fast_fsync")


@pytest.fixture(scope="module")
def eicu(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """A synthetic eICU with odd rows, in several shards."""
    folder = tmp_path_factory.mktemp("eicu")
    synthesise_eicu(folder / "raw", 60, 7, SyntheticSettings(odd_rows=True))
    with pytest.MonkeyPatch.context() as patch:
        for module in (data_target, gather):
            patch.setattr(module, "STAYS_PER_SHARD", 25)
        return raw_eicu.prepare(folder / "raw", folder / "data")


@pytest.fixture(scope="module")
def challenge(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder = tmp_path_factory.mktemp("challenge")
    return raw_challenge.prepare(raw_challenge.tiny_set().write(folder / "raw"), folder / "data")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """A MEDS data set of somebody else's, with its mapping: times to the second, a stay that has not ended."""
    folder = tmp_path_factory.mktemp("meds")
    return raw_meds.prepare(raw_meds.tiny().write(folder / "raw"), folder / "data")


SOURCES = ("eicu", "challenge", "hospital")


@pytest.fixture(params=SOURCES)
def data(request: pytest.FixtureRequest) -> Data:
    return request.getfixturevalue(request.param)


def read_back(folder: Path, to: Path) -> Data:
    return raw_meds.prepare(folder, to)


def is_equal(one: Data, other: Data) -> bool:
    return one.events.equals(other.events) and one.stays.equals(other.stays)


def meds_faults(folder: Path) -> list[str]:
    """What the `meds` package, and the two rules that its schema cannot say, find wrong in a data set."""
    faults, seen = [], set()
    for path in sorted((folder / "data").rglob("*.parquet")):
        table = pq.read_table(path)
        DataSchema.validate(table)
        frame = pl.DataFrame(pl.from_arrow(table))
        runs = frame["subject_id"].rle().struct.field("value")
        faults += ["a subject in two places"] * (runs.n_unique() < len(runs) or bool(seen & set(runs)))
        seen |= set(runs)
        ordered = frame.select("subject_id", "time").sort("subject_id", "time", nulls_last=False)
        faults += ["not by subject and time"] * (not frame.select("subject_id", "time").equals(ordered))
    codes = pq.read_table(folder / "metadata" / "codes.parquet")
    CodeMetadataSchema.validate(codes)
    used = {code for path in (folder / "data").rglob("*.parquet") for code in files.read_table(path)["code"]}
    faults += ["a code without metadata"] * (not used <= set(codes["code"].to_pylist()))
    splits = pq.read_table(folder / "metadata" / "subject_splits.parquet")
    SubjectSplitSchema.validate(splits)
    faults += ["an unknown split"] * (
        not set(splits["split"].to_pylist()) <= {train_split, tuning_split, held_out_split}
    )
    dataset = json.loads((folder / "metadata" / "dataset.json").read_text())
    DatasetMetadataSchema.validate(dataset)
    extra = set(dataset["raw_source_id_columns"]) | set(dataset["other_extension_columns"])
    faults += ["an extra column that is not declared"] * (
        not set(table.column_names) <= extra | set(DataSchema.schema().names)
    )
    for path in (folder / "labels").glob("*.parquet"):
        LabelSchema.validate(pq.read_table(path))
    return faults


@pytest.mark.parametrize("time", ["known", "happened"])
def test_the_meds_package_takes_it_and_it_reads_back_equal(data: Data, tmp_path: Path, time):
    done = export_meds(data.folder, tmp_path / "meds", time=time, quiet=True)
    assert meds_faults(tmp_path / "meds") == []
    back = read_back(tmp_path / "meds", tmp_path / "back")
    assert is_equal(back, data)
    assert back.ledger["data"]["rows_in"] == sum(done.rows.values())
    assert back.ledger["data"]["rows_out"] == data.events.height == done.rows["events"]
    assert back.ledger["data"]["set_aside"] == {"tells of the stay or the patient": done.rows["landmarks"]}
    for name in ("codes.parquet", "subject_splits.parquet", "dataset.json"):
        assert (back.folder / "metadata" / name).read_bytes() == (data.folder / "metadata" / name).read_bytes()


@pytest.mark.parametrize("time", ["known", "happened"])
def test_what_time_is_is_said_and_read_back(time, hospital: Data, tmp_path: Path):
    """A folder that says its `time` is when things were known, without a word of when they happened, is not read as if
    the one were the other."""
    assert files.read_json(hospital.folder / "metadata" / "dataset.json")["time_is"] == "happened"
    export_meds(hospital.folder, tmp_path / "meds", time=time, quiet=True)
    path = tmp_path / "meds" / "metadata" / "dataset.json"
    dataset = files.read_json(path)
    assert dataset["time_is"] == time
    for shard in (tmp_path / "meds" / "data").iterdir():
        files.write_table(shard, pl.read_parquet(shard).drop("happened_time"))
    closed_again(tmp_path / "meds")
    if time == "known":
        with pytest.raises(SourceError, match="no shard has column happened_time"):
            read_back(tmp_path / "meds", tmp_path / "back")
    else:
        assert is_equal(read_back(tmp_path / "meds", tmp_path / "back"), hospital)
    files.write_json(path, dataset | {"time_is": "guessed"})
    closed_again(tmp_path / "meds")
    with pytest.raises(SourceError, match=r"dataset\.json says that time_is 'guessed': this reads happened and known"):
        read_back(tmp_path / "meds", tmp_path / "again")


def closed_again(folder: Path) -> None:
    """The manifest of what was changed by hand."""
    manifest = files.read_json(folder / "manifest.json")
    files.write_manifest(folder, "meds", manifest["inputs"], manifest["settings"], manifest["version"])


def test_a_data_folder_itself_reads_back_equal(data: Data, tmp_path: Path):
    assert is_equal(read_back(data.folder, tmp_path / "back"), data)


def test_a_folder_of_ours_without_its_manifest_is_not_read(hospital: Data, tmp_path: Path):
    """It may be half of one: a kill came before the last shard, and fewer rows would look like all."""
    shutil.copytree(hospital.folder, tmp_path / "half")
    (tmp_path / "half" / files.MANIFEST).unlink()
    with pytest.raises(SourceError, match=r"lacks manifest\.json: the command that wrote it did not finish"):
        read_back(tmp_path / "half", tmp_path / "back")


def test_time_is_when_a_value_was_known_unless_it_is_asked_otherwise(eicu: Data, tmp_path: Path):
    export_meds(eicu.folder, tmp_path / "known", quiet=True)
    export_meds(eicu.folder, tmp_path / "happened", time="happened", quiet=True)
    known, happened = (Data(tmp_path / name).events.drop_nulls("stay_id") for name in ("known", "happened"))
    assert known["time"].equals(known["available_time"].alias("time"))
    assert happened["time"].equals(happened["happened_time"].alias("time"))
    assert (known["time"] > known["happened_time"]).any()
    again = known.select(time="happened_time", **{name: name for name in EVENT_COLUMNS if name != "time"}).sort(
        pl.all()
    )
    assert again.equals(happened.select(again.columns).sort(pl.all()))


def test_labels_are_those_of_the_causal_cohort(eicu: Data, tmp_path: Path):
    done = export_meds(eicu.folder, tmp_path / "meds", ["mortality", "los_remaining"], 12, quiet=True)
    assert meds_faults(tmp_path / "meds") == []
    died = files.read_table(tmp_path / "meds" / "labels" / "mortality_12h.parquet")
    left = files.read_table(tmp_path / "meds" / "labels" / "los_remaining_12h.parquet")
    assert died.columns == ["subject_id", "prediction_time", "boolean_value"]
    assert left.columns == ["subject_id", "prediction_time", "float_value"]
    assert (died.height, left.height) == (done.rows["labels of mortality"], done.rows["labels of los_remaining"])
    asked = eicu.stays.with_columns(prediction_time=pl.col("start") + pl.duration(hours=12))
    joined = died.join(asked, on=["subject_id", "prediction_time"])
    assert joined.height >= died.height > 10
    assert (joined["end"] > joined["prediction_time"]).all()
    assert joined["boolean_value"].equals(joined["died_in_hospital"].alias("boolean_value"))


def test_several_answers_are_a_table_each(tmp_path: Path):
    raw = raw_mimic4.tiny()
    raw_mimic4.add_scores(raw)
    data = raw_mimic4.prepare(raw.write(tmp_path / "raw"), tmp_path / "data").folder
    done = export_meds(data, tmp_path / "meds", ["phenotyping"], 2, quiet=True)
    assert meds_faults(tmp_path / "meds") == []
    written = sorted((tmp_path / "meds" / "labels" / "phenotyping_2h").iterdir())
    assert [path.stem for path in written] == sorted(TASKS["phenotyping"].labels)
    tables = [files.read_table(path) for path in written]
    assert {table.height for table in tables} == {done.rows["labels of phenotyping"]}
    assert sum(table["boolean_value"].sum() for table in tables) > 0


def test_a_task_that_is_asked_at_discharge_has_no_hour(hospital: Data, tmp_path: Path):
    task = "next_visit_phenotyping"
    with pytest.raises(UsageError, match=f"{task} is asked at discharge from hospital: leave --at-h out"):
        export_meds(hospital.folder, tmp_path / "a", [task], 24, quiet=True)
    assert _hour(_windows([task], None)) is None
    assert _hour(_windows([task, "mortality"], 48)) == 48
    assert _hour(_windows(["mortality"], None)) == 24
    assert _hour({}) is None
    assert not (tmp_path / "a").exists()


def test_a_second_call_finds_it_complete_and_another_is_refused(hospital: Data, tmp_path: Path):
    first = export_meds(hospital.folder, tmp_path / "meds", quiet=True)
    again = export_meds(hospital.folder, tmp_path / "meds", quiet=True)
    assert (first.already, again.already) == (False, True)
    assert first.rows == again.rows
    with pytest.raises(RunError, match="made with other settings or inputs"):
        export_meds(hospital.folder, tmp_path / "meds", time="happened", quiet=True)


def test_what_cannot_be_exported_is_said(hospital: Data, tmp_path: Path):
    with pytest.raises(UsageError, match="no task 'weather'"):
        export_meds(hospital.folder, tmp_path / "a", ["weather"], quiet=True)
    with pytest.raises(UsageError, match="not an hour of a stay"):
        export_meds(hospital.folder, tmp_path / "a", ["mortality"], -1, quiet=True)
    with pytest.raises(DataError, match="is not a folder"):
        export_meds(tmp_path / "none", tmp_path / "a", quiet=True)
    with pytest.raises(RunError, match="holds 'data', but 'meds' was expected"):
        export_meds(hospital.folder, hospital.folder, quiet=True)
    assert not (tmp_path / "a").exists()


def test_killed_at_calls_that_change_the_disk_it_goes_on_to_the_same_bytes(
    eicu: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        disk = FaultyDisk(patch)
        export_meds(eicu.folder, tmp_path / "whole", ["mortality"], quiet=True)
    right = Data(tmp_path / "whole").hashes()
    assert disk.count > 40
    for at in range(1, disk.count + 1, 3):
        to = tmp_path / str(at)
        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            FaultyDisk(patch, at)
            export_meds(eicu.folder, to, ["mortality"], quiet=True)
        if (to / files.MANIFEST).is_file():
            files.verify_folder(to, "meds")
        export_meds(eicu.folder, to, ["mortality"], quiet=True)
        assert Data(to).hashes() == right, at


def test_a_shard_that_is_finished_is_not_made_again(eicu: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_manifest", _die)
        with pytest.raises(Killed):
            export_meds(eicu.folder, tmp_path / "meds", quiet=True)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "meds" / "data").iterdir()}
    assert len(before) > 1
    export_meds(eicu.folder, tmp_path / "meds", quiet=True)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "meds" / "data").iterdir()} == before


def _die(*_: object) -> None:
    raise Killed


def test_an_export_that_was_changed_is_not_read_back(hospital: Data, tmp_path: Path):
    export_meds(hospital.folder, tmp_path / "meds", quiet=True)
    path = tmp_path / "meds" / "data" / "0.parquet"
    files.write_table(path, files.read_table(path).head(-1))
    with pytest.raises(SourceError, match=r"0\.parquet differs from what was written"):
        read_back(tmp_path / "meds", tmp_path / "back")


TEXTS = st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6))
NUMBERS = st.one_of(st.none(), st.floats(-(2.0**100), 2.0**100, width=32))
MOMENTS = st.datetimes(datetime(2149, 6, 1), datetime(2150, 6, 1))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5), MOMENTS, MOMENTS, st.sampled_from(MODALITIES),
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6),
            NUMBERS,
            TEXTS,
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from(["known", "happened"]),
)  # fmt: skip
def test_whatever_a_data_folder_holds_comes_back_equal(tmp_path_factory: pytest.TempPathFactory, found, time):
    """Events to the microsecond, any code and text, equal rows, stays without events, whatever the values."""
    folder = tmp_path_factory.mktemp("any")
    written = data_of(folder / "data", found)
    export_meds(written.folder, folder / "meds", time=time, quiet=True)
    assert is_equal(read_back(folder / "meds", folder / "back"), written)


def data_of(folder: Path, found: list[tuple]) -> Data:
    """A DATA folder of six stays of three patients, with these events."""
    start = datetime(2150, 1, 1)
    stays = pl.DataFrame(
        {
            "subject_id": [1, 1, 2, 2, 3, 3],
            "stay_id": range(6),
            "start": start,
            "died_in_hospital": [True, None, False] * 2,
        }
    )
    stays = stays.with_columns(
        pl.lit(None, kind).alias(n) for n, kind in STAY_COLUMNS.items() if n not in stays.columns
    )
    rows = [
        (
            stay // 2 + 1,
            min(times),
            code,
            None if number is None else number + 0.0,
            text or None,
            stay,
            modality,
            max(times),
        )
        for stay, *times, modality, code, number, text in found
    ]
    events = pl.DataFrame(rows, schema=dict(EVENT_COLUMNS), orient="row").with_columns(pl.col("numeric_value") + 0.0)
    counts, codes = events.group_by("stay_id").len(), events.select("code", "modality").unique("code").sort("code")
    counts = dict(counts.rows())
    modalities = {
        stay: [m for m in MODALITIES if m in set(ms)] for stay, ms in events.group_by("stay_id").agg("modality").rows()
    }
    stays = stays.with_columns(
        n_events=pl.Series([counts.get(stay, 0) for stay in range(6)], dtype=pl.Int64),
        modalities=pl.Series([modalities.get(stay, []) for stay in range(6)], dtype=pl.List(pl.String)),
    )
    stays = stays.select(pl.col(name).cast(kind) for name, kind in STAY_COLUMNS.items())
    files.write_table(folder / "stays.parquet", stays)
    ordered = events.sort(gather.SORT_WITHIN_SUBJECT, nulls_last=True)
    files.write_table(folder / "data" / "0.parquet", ordered, gather.MEDS_EVENT_SCHEMA)
    codes = codes.with_columns(description="code", parent_codes=pl.lit(None, pl.List(pl.String)))
    files.write_table(folder / "metadata" / "codes.parquet", codes, pipeline.CODES_SCHEMA)
    files.write_table(
        folder / "metadata" / "subject_splits.parquet", gather.subject_splits(stays), pipeline.SPLITS_SCHEMA
    )
    files.write_json(folder / "metadata" / "dataset.json", {"dataset_name": "any", "etl_name": "wardround"})
    files.write_manifest(folder, "data", {}, {}, "0")
    return Data(folder)


# What an export can get wrong, planted. Each must be found by the checks above.


def lose_when_it_happened(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(happened_time="time")


def lose_an_equal_row(table: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([table, table.tail(1)]).unique(maintain_order=True).head(-1)


def sort_by_time_alone(table: pl.DataFrame) -> pl.DataFrame:
    return table.sort("time")


@pytest.mark.parametrize("fault", [None, lose_when_it_happened, lose_an_equal_row, sort_by_time_alone])
def test_a_planted_fault_is_caught(eicu: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault):
    sound = exporting._as_meds
    if fault is not None:
        monkeypatch.setattr(exporting, "_as_meds", lambda *args: fault(sound(*args)))
    export_meds(eicu.folder, tmp_path / "meds", quiet=True)
    faults = meds_faults(tmp_path / "meds")
    back = read_back(tmp_path / "meds", tmp_path / "back")
    assert (faults == [] and is_equal(back, eicu)) == (fault is None)


def test_every_landmark_is_where_its_stay_is(eicu: Data, tmp_path: Path):
    export_meds(eicu.folder, tmp_path / "meds", quiet=True)
    rows = Data(tmp_path / "meds").events.filter(pl.col("stay_id").is_null())
    starts = rows.filter(pl.col("code") == "ICU_ADMISSION").select("subject_id", "time")
    assert starts.sort(pl.all()).equals(eicu.stays.select("subject_id", time="start").unique().sort(pl.all()))
