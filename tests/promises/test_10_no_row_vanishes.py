"""Promise 10: rows in = rows out + rows set aside under a named reason, per table, to the row."""

import csv
import gzip
import io
import json
import random
from collections import Counter
from pathlib import Path

import pytest

import odd_lines
import raw_challenge
import raw_meds
import raw_mimic3
import raw_mimic4
from odd_rows import YEAR_AWAY, planted
from raw_eicu import COLUMNS, SCALE, Data, demo_folder, none_of, prepare, tiny
from wardround.errors import DataError
from wardround.sources import block, csv_reader, gather
from wardround.sources.synthetic import SyntheticSettings, synthesise_eicu

pytestmark = pytest.mark.usefixtures("fast_fsync")

TABLES = {name.lower(): name for name in COLUMNS}


def rows_in_files(folder: Path) -> dict[str, int]:
    """Rows of each raw table that is read, counted by the csv module alone."""
    counts = {}
    for path in folder.iterdir():
        name = TABLES.get(path.name.partition(".")[0].lower())
        if name is not None:
            text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            lines = csv.reader(io.StringIO(text.decode(), newline=""))
            counts[name] = sum(1 for line in lines if line) - 1
    return counts


def unaccounted(data: Data, raw: Path) -> list[str]:
    """Tables whose ledger is not exact."""
    counted = rows_in_files(raw)
    wrong = [name for name in counted if name not in data.ledger] + [
        name for name in data.ledger if name not in counted
    ]
    for name, account in data.ledger.items():
        balanced = account["rows_out"] + sum(account["set_aside"].values()) == account["rows_in"]
        if not balanced or account["rows_in"] != counted.get(name) or min(account["set_aside"].values(), default=0) < 0:
            wrong.append(name)
    return wrong


@pytest.mark.slow
@pytest.mark.data
def test_the_ledger_of_the_demo_is_exact(tmp_path: Path):
    raw = demo_folder("eicu-demo")
    data = prepare(raw, tmp_path / "data")
    assert unaccounted(data, raw) == []
    rows = {name: account["rows_in"] for name, account in data.ledger.items()}
    assert (rows["patient"], rows["vitalAperiodic"]) == (1765, 189_941)
    assert data.stays["n_events"].sum() == data.events.height
    print(f"{sum(rows.values()):,} rows of {len(rows)} tables accounted for")


@pytest.mark.slow
def test_random_folders_with_planted_odd_rows_are_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The account of every table is what was planted, in blocks of any size, whatever the order of the rows."""
    folders = max(10, round(1000 * SCALE))
    for seed in range(folders):
        monkeypatch.setattr(csv_reader, "BLOCK_BYTES", random.Random(seed).choice([1_500, 8_000, 1 << 24]))
        raw, expected = planted(seed)
        folder = raw.write(tmp_path / f"{seed}", packed=seed % 2 == 0)
        data = prepare(folder, tmp_path / f"{seed}-data")
        assert unaccounted(data, folder) == [], seed
        assert {name: account["set_aside"] for name, account in data.ledger.items()} == expected, seed
    print(f"ledgers that differ: {none_of(folders)}")


SAME = {
    "duplicate_row": "duplicate row",
    "blank_id": "blank stay id",
    "unknown_stay": "no such stay",
    "year_long_offset": YEAR_AWAY,
    "unknown_unit": "unknown unit",
    "out_of_range": "implausible value",
    "impossible_age": "impossible age",
    "negative_stay": "unit discharge before admission",
    "discharge_before_admission": "hospital discharge before unit admission",
}
"""Kind of odd row that a synthetic cohort plants -> the reason under which it, or its one odd value, is set aside."""
SAME_STAY = SAME | {"year_long_offset": f"unit discharge {YEAR_AWAY}"}
"""As above, of `patient`."""


@pytest.mark.slow
def test_the_odd_rows_of_a_synthetic_cohort_are_set_aside_to_the_row(tmp_path: Path):
    """Rows planted by other hands; of wide rows and stays one odd value is set aside and the rest of the row stays."""
    synthesise_eicu(tmp_path / "raw", 300, 2, SyntheticSettings(odd_rows=True))
    data = prepare(tmp_path / "raw", tmp_path / "data")
    planted_rows = json.loads((tmp_path / "raw" / "truth" / "odd_rows.json").read_text())["tables"]
    assert unaccounted(data, tmp_path / "raw") == []
    count = 0
    for name, kinds in planted_rows.items():
        account = data.ledger[TABLES[name.lower()]]
        found = Counter(account["set_aside"]) + Counter(account.get("values_set_aside", {}))
        not_a_number = sum(times for reason, times in found.items() if reason.startswith("not a number"))
        reasons = SAME_STAY if name == "patient" else SAME
        for kind, times in kinds.items():
            counted = not_a_number if kind == "not_a_number" else found[reasons[kind]]
            is_other = name == "nurseCharting" and kind == "duplicate_row"  # copies of cells that are no vital signs
            assert counted <= times if is_other else counted == times, (name, kind)
            count += times
    print(f"{count} odd rows of {len(planted_rows)} tables accounted for")


def test_a_row_with_several_events_counts_once(tmp_path: Path):
    data = prepare(tiny().write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["vitalPeriodic"] == {"rows_in": 6, "rows_out": 6, "set_aside": {}}
    assert data.events.filter(data.events["code"].str.starts_with("VITAL//")).height == 27


def drop_the_last_row(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = csv_reader._blocks

    def faulty(*args):
        for rows in sound(*args):
            yield csv_reader.RawRows(rows.frame.head(rows.frame.height - 1), rows.first_row, rows.ragged)

    monkeypatch.setattr(csv_reader, "_blocks", faulty)


def forget_ragged_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = csv_reader._blocks
    monkeypatch.setattr(
        csv_reader, "_blocks", lambda *args: (csv_reader.RawRows(r.frame, r.first_row, 0) for r in sound(*args))
    )


def count_a_duplicate_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = gather._without_duplicates

    def faulty(rows):
        kept, count = sound(rows)
        return kept, gather.Repeated(2 * count.rows, count.events)

    monkeypatch.setattr(gather, "_without_duplicates", faulty)


def count_events_for_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = block._account

    def faulty(rows, frame, made):
        account = sound(rows, frame, made)
        account.rows_out = made["reason"].null_count()
        return account

    monkeypatch.setattr(block, "_account", faulty)


def lose_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = block.reason_counts

    def faulty(reasons):
        return {reason: count for reason, count in sound(reasons).items() if reason != "no code"}

    monkeypatch.setattr(block, "reason_counts", faulty)


FAULTS = (drop_the_last_row, forget_ragged_lines, count_a_duplicate_twice, count_events_for_rows, lose_a_reason)


def is_caught(raw: Path, to: Path, expected: dict) -> bool:
    """Whether the balance that `prepare` checks breaks, or the account differs from what was counted and planted."""
    try:
        data = prepare(raw, to)
    except DataError as error:
        return "accounted for" in str(error)
    accounts = {name: account["set_aside"] for name, account in data.ledger.items()}
    return unaccounted(data, raw) != [] or accounts != expected


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault):
    raw, expected = planted(21, tables=13)
    found = {reason for counts in expected.values() for reason in counts}
    assert {"duplicate row", "wrong number of fields", "no code"} <= found
    folder = raw.write(tmp_path / "raw")
    assert not is_caught(folder, tmp_path / "sound", expected)
    fault(monkeypatch)
    assert is_caught(folder, tmp_path / "faulty", expected)


@pytest.mark.parametrize("seed", range(12))
def test_random_sets_of_the_challenge_with_planted_odd_lines_are_exact(seed: int, tmp_path: Path):
    raw, expected = odd_lines.planted(seed)
    folder = raw.write(tmp_path / "raw", ("folder", "tar.gz", "zip")[seed % 3], random.Random(seed))
    data = raw_challenge.prepare(folder, tmp_path / "data")
    assert {name: account["set_aside"] for name, account in data.ledger.items()} == expected
    lines = sum(map(len, raw.records.values()))
    rows = {"records": len(raw.records), "outcomes": len(raw.outcomes or []), "observations": lines}
    assert {name: account["rows_in"] for name, account in data.ledger.items()} == rows
    assert data.events.height == data.ledger["observations"]["rows_out"], "a line yields one event"


def meds_account(seed: int, folder: Path) -> tuple[dict, dict]:
    """The ledger of a MEDS data set with planted odd rows, and what was planted."""
    raw, expected = raw_meds.planted(seed)
    data = raw_meds.prepare(raw.write(folder / "raw", shards=seed % 3 + 1, order=random.Random(seed)), folder / "data")
    assert data.ledger["data"]["rows_in"] == len(raw.rows)
    return data.ledger, expected


@pytest.mark.parametrize("seed", range(12))
def test_random_meds_data_sets_with_planted_odd_rows_are_exact(seed: int, tmp_path: Path):
    ledger, expected = meds_account(seed, tmp_path)
    assert ledger["data"]["set_aside"] == expected
    assert ledger["data"]["rows_out"] == ledger["data"]["rows_in"] - sum(expected.values())
    assert ledger["stays"] == {"rows_in": 5, "rows_out": 5, "set_aside": {}}


@pytest.mark.parametrize("fault", [count_a_duplicate_twice, count_events_for_rows, lose_a_reason])
def test_a_fault_planted_in_the_account_of_meds_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault):
    seed = next(seed for seed in range(50) if {"duplicate row", "no code"} <= raw_meds.planted(seed)[1].keys())
    ledger, expected = meds_account(seed, tmp_path / "sound")
    assert ledger["data"]["set_aside"] == expected
    fault(monkeypatch)
    try:
        ledger, expected = meds_account(seed, tmp_path / "faulty")
        caught = ledger["data"]["set_aside"] != expected
    except DataError as error:
        caught = "accounted for" in str(error)
    assert caught


@pytest.mark.slow
@pytest.mark.data
def test_the_ledger_of_the_meds_demo_is_exact(tmp_path: Path):
    data = raw_meds.prepare(demo_folder("mimic-iv-demo-meds"), tmp_path / "data")
    account = data.ledger["data"]
    assert account["rows_in"] == 916_166 == account["rows_out"] + sum(account["set_aside"].values())
    assert data.ledger["stays"]["rows_in"] == data.ledger["stays"]["rows_out"] == 140
    print(f"{account['rows_in']:,} rows accounted for, {account['rows_out']:,} of them events")


def mimic_rows_in_files(raw: Path) -> dict[str, int]:
    """Rows of each file of MIMIC-IV, counted by the csv module alone."""
    counts = {}
    for path in raw.rglob("*.csv.gz"):
        with gzip.open(path, "rt", newline="", encoding="utf-8") as text:
            counts[path.name.removesuffix(".csv.gz")] = sum(1 for line in csv.reader(text) if line) - 1
    return counts


def mimic_unaccounted(data: Data, raw: Path) -> list[str]:
    """Tables of MIMIC-IV whose ledger is not exact."""
    counted, wrong = mimic_rows_in_files(raw), []
    for name, account in data.ledger.items():
        accounted = account["rows_out"] + sum(account["set_aside"].values())
        if not account["rows_in"] == accounted == counted[name] or min(account["set_aside"].values(), default=0) < 0:
            wrong.append(name)
    return wrong


@pytest.mark.slow
@pytest.mark.data
def test_the_ledger_of_the_mimic_iv_demo_is_exact(tmp_path: Path):
    raw = demo_folder("mimic-iv-demo")
    data = raw_mimic4.prepare(raw, tmp_path / "data")
    assert mimic_unaccounted(data, raw) == []
    rows = {name: account["rows_in"] for name, account in data.ledger.items()}
    assert (len(rows), rows["icustays"], rows["chartevents"], rows["labevents"]) == (15, 140, 668_862, 107_727)
    assert data.stays["n_events"].sum() == data.events.height
    assert data.stays.select("died_in_hospital", "died_in_unit").sum().row(0) == (20, 12)
    print(f"{sum(rows.values()):,} rows of {len(rows)} tables accounted for")


@pytest.mark.slow
@pytest.mark.data
def test_the_ledger_of_the_mimic_iii_demo_is_exact(tmp_path: Path):
    raw = demo_folder("mimic-iii-demo")
    data = raw_mimic3.prepare(raw, tmp_path / "data")
    counted = {name.lower(): count for name, count in mimic_rows_in_files(raw).items()}
    for name, account in data.ledger.items():
        assert account["rows_in"] == account["rows_out"] + sum(account["set_aside"].values()) == counted[name], name
    assert data.stays["n_events"].sum() == data.events.height
    assert data.stays.select("died_in_hospital", "died_in_unit").sum().row(0) == (46, 29)


MIMIC_ODD = {
    "icu/chartevents": (
        ({"valuenum": "high"}, "not a number: valuenum"),
        ({"charttime": "yesterday"}, "not a time: charttime"),
        ({"charttime": ""}, "no time"),
        ({"charttime": "2153-02-01 00:00:00"}, YEAR_AWAY),
        ({"stay_id": "77"}, "no such stay"),
        ({"subject_id": "77"}, "stay of another subject"),
        ({"itemid": "220045", "valuenum": "900", "valueuom": "bpm"}, "implausible value"),
        ({"itemid": "220045", "valuenum": "90", "valueuom": "kPa"}, "unknown unit"),
        ({"itemid": "220048", "value": "", "valuenum": ""}, "no value"),
        ({"itemid": ""}, "no code"),
    ),
    "hosp/labevents": (
        ({"charttime": "2149-01-01 00:00:00"}, "outside every unit stay and what leads to it"),
        ({"subject_id": "77"}, "subject without a stay"),
        ({"valuenum": "", "value": "___"}, "no value"),
        ({"itemid": "50971", "valuenum": "4", "valueuom": "lb"}, "unknown unit"),
    ),
    "icu/inputevents": (({"endtime": "2150-01-01 00:00:00"}, "ends before it starts"), ({"itemid": ""}, "no code")),
    "icu/outputevents": (({"value": ""}, "no value"), ({"value": "1e9"}, "implausible value")),
    "hosp/diagnoses_icd": (({"hadm_id": "77"}, "hospital stay without a unit stay"), ({"icd_code": ""}, "no code")),
    "hosp/admissions": (({"hadm_id": "77"}, "of no stay"), ({"hadm_id": ""}, "blank hadm_id")),
}
"""Table -> what makes a sound row an odd one, and the reason under which it is set aside."""


def mimic_planted(seed: int) -> tuple[raw_mimic4.RawMimic4, dict[str, Counter[str]]]:
    """`tiny` with odd rows and copies of charted rows, and what was planted."""
    rng, raw = random.Random(seed), raw_mimic4.tiny()
    expected: dict[str, Counter[str]] = {}
    for table, odds in MIMIC_ODD.items():
        sound, found = list(raw.rows[table]), expected.setdefault(table.split("/")[1], Counter())
        for place in range(rng.randrange(6)):
            change, reason = rng.choice(odds)
            own = dict.fromkeys(("labevent_id", "orderid", "seq_num"), str(1000 * (seed + 1) + place))
            row = rng.choice(sound) | {name: value for name, value in own.items() if name in sound[0]} | change
            if table == "hosp/admissions" and change["hadm_id"]:
                row["hadm_id"] += str(place)
            raw.rows[table].append(row)
            found[reason] += 1
    copies = rng.randrange(3)
    raw.rows["icu/chartevents"] += [raw.rows["icu/chartevents"][0]] * copies
    expected["chartevents"]["duplicate row"] += copies
    return raw, {name: +counts for name, counts in expected.items()}


def shuffled(raw: raw_mimic4.RawMimic4, rng: random.Random) -> raw_mimic4.RawMimic4:
    return raw_mimic4.RawMimic4({name: rng.sample(rows, len(rows)) for name, rows in raw.rows.items()})


def mimic_account(seed: int, folder: Path) -> tuple[bool, dict, dict]:
    """Whether every table is exact; the rows set aside; and what was planted."""
    raw, expected = mimic_planted(seed)
    folder_in = shuffled(raw, random.Random(seed)).write(folder / "raw")
    data = raw_mimic4.prepare(folder_in, folder / "data")
    found = {name: Counter(data.ledger[name]["set_aside"]) for name in expected}
    return mimic_unaccounted(data, folder_in) == [], found, expected


@pytest.mark.parametrize("seed", range(12))
def test_random_folders_of_mimic_iv_with_planted_odd_rows_are_exact(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", random.Random(seed).choice([1_500, 8_000, 1 << 24]))
    exact, found, planted_rows = mimic_account(seed, tmp_path)
    assert exact
    assert found == planted_rows


@pytest.mark.parametrize("fault", [count_events_for_rows, lose_a_reason, drop_the_last_row])
def test_a_fault_planted_in_the_account_of_mimic_iv_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault):
    seed = next(seed for seed in range(50) if "no code" in mimic_planted(seed)[1]["chartevents"])
    fault(monkeypatch)
    try:
        exact, found, planted_rows = mimic_account(seed, tmp_path)
        caught = not exact or found != planted_rows
    except DataError as error:
        caught = "accounted for" in str(error)
    assert caught
