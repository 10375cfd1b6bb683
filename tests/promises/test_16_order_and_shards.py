"""Promise 16: the order of rows, the size of blocks and shards and the number of workers do not matter."""

import dataclasses
import random
from pathlib import Path

import polars as pl
import pytest

import odd_lines
import raw_challenge
import raw_meds
import raw_mimic3
import raw_mimic4
from odd_rows import planted
from raw_eicu import COLUMNS, SCALE, Data, RawEicu, none_of, prepare, tiny
from wardround import files
from wardround.sources import csv_reader, data_target, gather, pipeline, reading
from wardround.sources.challenge2012 import raw as challenge_raw
from wardround.sources.meds import shards as meds_shards
from wardround.sources.memory_plan import MemoryPlan

pytestmark = pytest.mark.usefixtures("fast_fsync")


def cohort() -> RawEicu:
    """Fourteen stays with events, odd rows and duplicates among them."""
    raw, _ = planted(3, tables=6)
    template = tiny()
    for stay in range(4, 15):
        patient = dict(template.rows["patient"][stay % 3]) | {
            "patientunitstayid": str(stay),
            "uniquepid": f"00-{stay // 2}",
        }
        raw.rows["patient"].append(patient | {"patienthealthsystemstayid": str(stay)})
        for table, rows in raw.rows.items():
            if table != "patient":
                of_stay = [row for row in template.rows[table] if row["patientunitstayid"] == "1"]
                ids = COLUMNS[table][0]
                rows += [row | {"patientunitstayid": str(stay), ids: f"{stay}00{n}"} for n, row in enumerate(of_stay)]
    return raw


def shuffled(raw: RawEicu, seed: int) -> RawEicu:
    rng = random.Random(seed)
    return RawEicu({table: rng.sample(rows, len(rows)) for table, rows in raw.rows.items()}, raw.lines)


def hashes(data: Data) -> dict[str, str]:
    """All but the manifest, which names the hashes of the raw files."""
    return {name: digest for name, digest in data.hashes().items() if name != files.MANIFEST}


def set_shard(monkeypatch: pytest.MonkeyPatch, stays: int) -> None:
    for module in (data_target, gather):
        monkeypatch.setattr(module, "STAYS_PER_SHARD", stays)


@pytest.mark.slow
def test_the_same_bytes_whatever_the_order_the_blocks_and_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    set_shard(monkeypatch, 5)
    raw, cases = cohort(), max(20, round(500 * SCALE))
    right = hashes(prepare(raw.write(tmp_path / "raw"), tmp_path / "data"))
    assert sum(name.startswith("data/") for name in right) >= 3, "several shards"
    differing = []
    for case in range(cases):
        rng = random.Random(case)
        monkeypatch.setattr(csv_reader, "BLOCK_BYTES", rng.choice([1_200, 3_000, 20_000, 1 << 24]))
        folder = shuffled(raw, case).write(tmp_path / f"{case}", packed=rng.random() < 0.5)
        if hashes(prepare(folder, tmp_path / f"{case}-data", workers=rng.choice([1, 4]))) != right:
            differing.append(case)
    assert differing == []
    print(f"cases that differ: {none_of(cases)}")


@pytest.mark.parametrize("stays", [1, 2, 3, 16])
def test_another_number_of_shards_gives_the_same_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stays: int):
    raw = cohort().write(tmp_path / "raw")
    whole = prepare(raw, tmp_path / "whole")
    set_shard(monkeypatch, stays)
    data = prepare(raw, tmp_path / "data", workers=4)
    shards = len(list((data.folder / "data").iterdir()))
    assert shards >= whole.stays.height // (stays + 3), "a patient's stays are in one shard"
    for path in (data.folder / "data").iterdir():
        others = [other for other in (data.folder / "data").iterdir() if other != path]
        subjects = files.read_table(path)["subject_id"].unique()
        assert all(not files.read_table(other)["subject_id"].is_in(subjects.implode()).any() for other in others)
    assert data.events.equals(whole.events)
    assert data.stays.equals(whole.stays)
    assert data.ledger == whole.ledger
    for name in ("codes", "subject_splits"):
        assert (data.folder / "metadata" / f"{name}.parquet").read_bytes() == (
            whole.folder / "metadata" / f"{name}.parquet"
        ).read_bytes()


def test_the_order_on_disk_is_that_of_meds_and_total(tmp_path: Path):
    events = prepare(cohort().write(tmp_path / "raw"), tmp_path / "data").events
    order = ["subject_id", "time", "stay_id", "available_time", "modality", "code", "numeric_value", "text_value"]
    assert set(order) == set(events.columns)
    assert events.equals(events.sort(order, nulls_last=True))


def keep_file_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ties stay as they come."""
    monkeypatch.setattr(gather, "SORT_WITHIN_SUBJECT", ("subject_id", "time"))


def find_duplicates_inside_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal rows of two blocks are two."""
    sound = reading.convert_block

    def faulty(rows: csv_reader.RawRows, *args):
        made = sound(rows, *args)
        return dataclasses.replace(made, events=made.events.with_columns(pl.col("row_hash") + rows.first_row))

    monkeypatch.setattr(reading, "convert_block", faulty)


@pytest.mark.parametrize("fault", [None, keep_file_order, find_duplicates_inside_blocks])
def test_a_planted_fault_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault):
    """Negative controls: an order that shows through, and duplicates that are found or not by where they stand."""
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 1_200)
    if fault is not None:
        fault(monkeypatch)
    folders = [shuffled(cohort(), seed).write(tmp_path / f"{seed}") for seed in range(3)]
    found = [hashes(prepare(folder, tmp_path / f"{folder.name}-data")) for folder in folders]
    assert all(each == found[0] for each in found) == (fault is None)


@pytest.mark.parametrize("seed", range(8))
def test_sets_of_the_challenge_in_any_form_order_block_and_number_of_workers(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    set_shard(monkeypatch, 5)
    raw, _ = odd_lines.planted(5)
    right = hashes(raw_challenge.prepare(raw.write(tmp_path / "raw"), tmp_path / "data"))
    assert sum(name.startswith("data/") for name in right) >= 3, "several shards"
    rng = random.Random(seed)
    monkeypatch.setattr(challenge_raw, "BLOCK_CHARACTERS", rng.choice([1, 400, 1 << 22]))
    folder = raw.write(tmp_path / "other", ("folder", "tar.gz", "zip")[seed % 3], rng)
    assert hashes(raw_challenge.prepare(folder, tmp_path / "other-data", workers=rng.choice([1, 4]))) == right


def meds_hashes(raw: raw_meds.RawMeds, folder: Path, shards: int, rng: random.Random) -> dict[str, str]:
    """Rows in some order, in some shards and row groups, read by some workers."""
    raw.write(folder / "raw", shards=shards, order=rng, row_group=rng.choice([None, 7]))
    return hashes(raw_meds.prepare(folder / "raw", folder / "data", workers=rng.choice([1, 4])))


@pytest.mark.parametrize("seed", range(8))
def test_meds_in_any_order_shards_batches_and_number_of_workers(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    set_shard(monkeypatch, 1)
    raw, _ = raw_meds.planted(5)
    right = hashes(raw_meds.prepare(raw.write(tmp_path / "raw"), tmp_path / "data"))
    assert sum(name.startswith("data/") for name in right) >= 3, "several shards"
    rng = random.Random(seed)
    monkeypatch.setattr(meds_shards, "BATCH_ROWS", rng.choice([1, 5, 1 << 18]))
    assert meds_hashes(raw, tmp_path / "other", (1, 3, 16)[seed % 3], rng) == right


@pytest.mark.parametrize("fault", [None, keep_file_order, find_duplicates_inside_blocks])
def test_a_fault_planted_in_meds_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault):
    monkeypatch.setattr(meds_shards, "BATCH_ROWS", 30)
    if fault is not None:
        fault(monkeypatch)
    raw, _ = raw_meds.planted(next(seed for seed in range(50) if raw_meds.planted(seed)[1].get("duplicate row") == 2))
    found = [meds_hashes(raw, tmp_path / f"{seed}", 1, random.Random(seed)) for seed in range(6)]
    assert all(each == found[0] for each in found) == (fault is None)


@pytest.mark.parametrize("seed", range(4))
def test_mimic_iv_in_any_order_and_blocks_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
):
    raw, rng = raw_mimic4.tiny(), random.Random(seed)
    right = hashes(raw_mimic4.prepare(raw.write(tmp_path / "raw"), tmp_path / "data"))
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", rng.choice([1_200, 3_000, 1 << 24]))
    mixed = raw_mimic4.RawMimic4({name: rng.sample(rows, len(rows)) for name, rows in raw.rows.items()})
    assert hashes(raw_mimic4.prepare(mixed.write(tmp_path / "mixed"), tmp_path / "mixed-data")) == right


@pytest.mark.parametrize("seed", range(2))
def test_mimic_iii_in_any_order_and_blocks_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
):
    raw, rng = raw_mimic3.tiny(), random.Random(seed)
    right = hashes(raw_mimic3.prepare(raw.write(tmp_path / "raw"), tmp_path / "data"))
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", rng.choice([1_200, 3_000, 1 << 24]))
    mixed = raw_mimic3.RawMimic3({name: rng.sample(rows, len(rows)) for name, rows in raw.rows.items()})
    assert hashes(raw_mimic3.prepare(mixed.write(tmp_path / "mixed"), tmp_path / "mixed-data")) == right


def small_plan(monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> None:
    """Memory that holds a few rows: many runs, pieces of shards and row groups."""
    plan = MemoryPlan(rng.choice([1, 3]), rng.choice([1, 7, 90]), rng.choice([1, 4_000]), rng.choice([1, 40, 200]), 0)
    monkeypatch.setattr(pipeline, "plan_memory", lambda *_, **__: plan)
    monkeypatch.setattr(MemoryPlan, "holding", lambda plan, _: plan)


def pieces_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece of a shard is a row group."""
    monkeypatch.setattr(gather, "row_groups", lambda pieces, _: pieces)


@pytest.mark.parametrize("fault", [None, pieces_show, find_duplicates_inside_blocks])
def test_the_same_bytes_whatever_memory_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault):
    monkeypatch.setattr(files, "ROWS_PER_GROUP", 60)
    monkeypatch.setattr(gather, "STAYS_PER_SLICE", 2)
    if fault is not None:
        fault(monkeypatch)
    raw = cohort().write(tmp_path / "raw")
    found = [hashes(prepare(raw, tmp_path / "whole"))]
    for seed in range(6):
        with monkeypatch.context() as patch:
            small_plan(patch, random.Random(seed))
            found.append(hashes(prepare(raw, tmp_path / f"{seed}")))
    assert all(each == found[0] for each in found) == (fault is None)
