"""Promise 12: a renamed, dropped or retyped column is named, with its file; added or reordered ones do no harm."""

import random
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

import raw_meds
import raw_mimic4
from odd_rows import ODD
from raw_eicu import COLUMNS, Data, RawEicu, csv_text, prepare, tiny
from wardround.errors import SourceError
from wardround.ledger import TableLedger
from wardround.sources import block
from wardround.sources.block import convert_block, numbered, refuse_retyped
from wardround.sources.conversion import NOT_A_NUMBER, NOT_A_STATUS, NOT_WHOLE, bare_numbers
from wardround.sources.csv_reader import check_header, read_blocks
from wardround.sources.eicu import EICU
from wardround.sources.eicu.stays import stay_rows
from wardround.sources.mimic.named_tables import without_looked_up
from wardround.sources.mimic4 import MIMIC4
from wardround.sources.mimic4.layout import NAMED_BY
from wardround.sources.raw_table import ANY_TEXT, INTEGER, NUMBER, TEXT, UNREAD

pytestmark = pytest.mark.usefixtures("fast_fsync")

EVENT_TABLES = {each.raw.name: each for each in EICU.tables("all")}
TABLES = {"patient": EICU.stay_table} | {name: each.raw for name, each in EVENT_TABLES.items()}
READ = [(name, column) for name, table in TABLES.items() for column in table.read]
NOT_READ = [(n, c) for n, table in TABLES.items() for c, (_, known) in table.columns.items() if known is UNREAD]
SHARDS = pl.DataFrame({"stay_id": [1, 2, 3], "slice": 0})


def written(folder: Path, table: str, columns: list[str], rows: list[dict[str, str]]) -> Path:
    path = folder / f"{table}.csv"
    path.write_bytes(csv_text(columns, rows))
    return path


def each_read() -> Iterator[pytest.param]:
    return (pytest.param(table, column, id=f"{table}.{column}") for table, column in READ)


def refusal(path: Path, table: str) -> str:
    """What is said against a file when its header is looked at; empty where nothing is."""
    try:
        check_header(path, TABLES[table])
    except SourceError as error:
        return str(error)
    return ""


def test_every_dropped_column_is_named(tmp_path: Path):
    rows = tiny().rows
    for table, column in READ:
        path = written(tmp_path, table, [name for name in COLUMNS[table] if name != column], rows[table])
        message = refusal(path, table)
        assert f"{table}.csv lacks column {column} of table {table}" in message
    print(f"{len(READ)} of {len(READ)} dropped columns named")


def test_every_renamed_column_is_named_with_what_it_may_be_now(tmp_path: Path):
    rows = tiny().rows
    for table, column in READ:
        renamed = [f"{name}_v2" if name == column else name for name in COLUMNS[table]]
        path = written(tmp_path, table, renamed, [row | {f"{column}_v2": row[column]} for row in rows[table]])
        assert refusal(path, table).endswith(
            f"{table}.csv lacks column {column} of table {table}. It has {column}_v2, which is not declared: renamed?"
        )
    print(f"{len(READ)} of {len(READ)} renamed columns named")


def test_every_doubled_column_is_named(tmp_path: Path):
    rows = tiny().rows
    for table, column in READ:
        path = written(
            tmp_path, table, [*COLUMNS[table], column.upper()], [r | {column.upper(): ""} for r in rows[table]]
        )
        assert f"has column {column} of table {table} twice" in refusal(path, table)


def test_drift_is_said_before_any_work(tmp_path: Path):
    raw = tiny().write(tmp_path / "raw", packed=False)
    kept = [name for name in COLUMNS["pastHistory"] if name != "pasthistorypath"]
    written(raw, "pastHistory", kept, tiny().rows["pastHistory"])
    with pytest.raises(SourceError, match=r"pastHistory\.csv lacks column pasthistorypath"):
        prepare(raw, tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder = tmp_path_factory.mktemp("unchanged")
    return prepare(tiny().write(folder / "raw"), folder / "data")


def same_data(raw: Path, to: Path, unchanged: Data) -> bool:
    data = prepare(raw, to)
    return (
        data.events.equals(unchanged.events) and data.stays.equals(unchanged.stays) and data.ledger == unchanged.ledger
    )


def write_with(raw: RawEicu, folder: Path, change) -> Path:
    """The folder with each table's list of columns changed; new columns hold words."""
    folder.mkdir()
    for table, rows in raw.rows.items():
        columns = change(table, list(COLUMNS[table]))
        written(folder, table, columns, [dict.fromkeys(columns, "new") | row for row in rows])
    return folder


def shuffled(table: str, columns: list[str]) -> list[str]:
    random.Random(table).shuffle(columns)
    return columns


HARMLESS = {
    "reordered": shuffled,
    "added": lambda table, columns: ["zeta", *columns[:3], "Alpha", *columns[3:]],
    "other case": lambda table, columns: [name.upper() for name in columns],
    "unread columns dropped": lambda table, columns: [name for name in columns if (table, name) not in NOT_READ],
    "unread columns renamed": lambda table, columns: [f"{n}_v2" if (table, n) in NOT_READ else n for n in columns],
}


@pytest.mark.parametrize("change", HARMLESS)
def test_harmless_changes_change_nothing(tmp_path: Path, unchanged: Data, change: str):
    raw = tiny()
    if change == "other case":
        raw = RawEicu({t: [{k.upper(): v for k, v in row.items()} for row in rows] for t, rows in raw.rows.items()})
    folder = write_with(raw, tmp_path / "raw", HARMLESS[change])
    assert same_data(folder, tmp_path / "data", unchanged)


def account_of(path: Path, table: str) -> None:
    """Read one table as `prepare` does and refuse it as `prepare` does."""
    ledger, words = TableLedger(), None
    for rows in read_blocks(path, TABLES[table]):
        if table == "patient":
            frame = numbered(rows, TABLES[table])
            ledger.rows_in, words = frame.height, bare_numbers(frame, TABLES[table])
            ledger.set_aside.update(block.reason_counts(stay_rows(frame).select("reason")))
        else:
            converted = convert_block(rows, EVENT_TABLES[table], EICU.stay_id, SHARDS)
            ledger.add(converted.account)
            words = converted.bare_numbers
    refuse_retyped(path, TABLES[table], ledger, words)


def many(table: str) -> list[dict[str, str]]:
    """Thirty rows of a table, every column filled that is blank in most."""
    filled = [
        {**row, **{name: value or FILL.get(name, "") for name, value in row.items()}} for row in tiny().rows[table]
    ]
    ids = COLUMNS[table][0]
    return [filled[i % len(filled)] | {ids: str(i + 1)} for i in range(30)]


FILL = {
    **dict.fromkeys(
        ("hospitaladmitsource", "unittype", "unitadmitsource", "unitstaytype", "apacheadmissiondx"), "Floor"
    ),
    **dict.fromkeys(("drugname", "diagnosisstring", "labresulttext"), "words"),
}

RETYPED = {
    INTEGER: {"words": "id {n}", "a date": "2014-07-0{n}", "a fraction": "{n}.5"},
    NUMBER: {"words": "about {n}", "a number with its unit": "{n} mg/dL", "a decimal comma": "{n},5"},
    TEXT: {"numbers": "{n}", "decimal numbers": "{n}.25"},
}


def retyped(table: str, column: str, pattern: str) -> list[dict[str, str]]:
    return [row | {column: pattern.format(n=number % 9 + 1)} for number, row in enumerate(many(table))]


@pytest.mark.slow
def test_every_retyped_column_is_named(tmp_path: Path):
    count = 0
    for table, column in READ:
        for pattern in RETYPED.get(TABLES[table].columns[column][0], {}).values():
            path = written(tmp_path, table, COLUMNS[table], retyped(table, column, pattern))
            with pytest.raises(SourceError, match=rf"{table}\.csv: column {column} of table {table} is (not a|a bare)"):
                account_of(path, table)
            count += 1
    print(f"{count} of {count} retyped columns named")


def test_the_rows_that_are_retyped_are_read_without_complaint_as_they_are(tmp_path: Path):
    for table in TABLES:
        account_of(written(tmp_path, table, COLUMNS[table], many(table)), table)


def test_columns_that_may_hold_any_text_are_few_and_known():
    free = {f"{table}.{column}" for table, column in READ if TABLES[table].columns[column][0] is ANY_TEXT}
    assert free == {"patient.age", "patient.uniquepid", "lab.labresulttext", "nurseCharting.nursingchartvalue"}


@pytest.mark.parametrize("column", ["hospitaldischargestatus", "unitdischargestatus"])
def test_a_label_under_other_names_is_not_silently_unknown(tmp_path: Path, column: str):
    rows = [row | {column: "dead" if number % 2 else "home"} for number, row in enumerate(many("patient"))]
    path = written(tmp_path, "patient", COLUMNS["patient"], rows)
    with pytest.raises(SourceError, match=f"column {column} of table patient is not a status in 30 of 30 rows"):
        account_of(path, "patient")


def test_a_few_odd_values_are_no_drift(tmp_path: Path):
    rows = many("lab")
    rows[3]["labresult"] = "see comment"
    account_of(written(tmp_path, "lab", COLUMNS["lab"], rows), "lab")


def test_most_charting_is_no_vital_sign_and_that_is_no_drift(tmp_path: Path):
    """The published table is mostly pain scores and care; it was once refused as retyped."""
    rows = [row | {"nursingchartcelltypevalname": "Pain Score"} for row in many("nurseCharting")]
    account_of(written(tmp_path, "nurseCharting", COLUMNS["nurseCharting"], rows), "nurseCharting")


def test_a_first_line_that_is_no_header_is_said_without_showing_it(tmp_path: Path):
    path = tmp_path / "patient.csv"
    path.write_bytes(csv_text(COLUMNS["patient"], tiny().rows["patient"]).partition(b"\n")[2])
    message = refusal(path, "patient")
    assert message.endswith(f"Its first line names 0 of {len(TABLES['patient'].read)} columns: is it the header?")
    assert "002-1" not in message
    assert "Caucasian" not in message


def test_every_reason_of_drift_is_one_that_is_written_down():
    reasons = {reason.partition(": ")[0] for changes in ODD.values() for reason in changes if ": " in reason}
    assert reasons <= {NOT_A_NUMBER, NOT_WHOLE, NOT_A_STATUS}


def test_a_source_that_trusts_the_file_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Negative control: without the check, a table of words for numbers goes through with its rows set aside."""
    path = written(tmp_path, "lab", COLUMNS["lab"], retyped("lab", "labresult", "about {n}"))
    monkeypatch.setattr(block, "UNREADABLE", ())
    account_of(path, "lab")
    monkeypatch.setattr(block, "RETYPED_SHARE", 2.0)
    account_of(written(tmp_path, "lab", COLUMNS["lab"], retyped("lab", "labname", "{n}")), "lab")


MEDS_COLUMNS = ("subject_id", "time", "code")
MEDS_RETYPED = {
    "subject_id": pl.String,
    "time": pl.String,
    "code": pl.Int64,
    "numeric_value": pl.String,
    "text_value": pl.Int64,
}
MEDS_HARMLESS = {
    "reordered": lambda frame: frame.select(reversed(frame.columns)),
    "added": lambda frame: frame.with_columns(zeta=pl.lit("new"), alpha=pl.lit(1.5)),
    "values that are absent from all rows dropped": lambda frame: frame.drop("text_value"),
}


@pytest.mark.parametrize("column", MEDS_COLUMNS)
@pytest.mark.parametrize("change", ["dropped", "renamed"])
def test_a_column_of_meds_that_is_gone_is_named(tmp_path: Path, column: str, change: str):
    def edit(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.drop(column) if change == "dropped" else frame.rename({column: f"{column}_v2"})

    raw = raw_meds.tiny().write(tmp_path / "raw", change=edit)
    with pytest.raises(SourceError, match=rf"0\.parquet lacks column {column}"):
        raw_meds.prepare(raw, tmp_path / "data")


@pytest.mark.parametrize("column", MEDS_RETYPED)
def test_a_column_of_meds_that_is_retyped_is_named(tmp_path: Path, column: str):
    kind = MEDS_RETYPED[column]
    raw = raw_meds.tiny().write(
        tmp_path / "raw", change=lambda frame: frame.with_columns(pl.lit("7").cast(kind).alias(column))
    )
    with pytest.raises(SourceError, match=rf"0\.parquet: column {column} is {kind}, expected"):
        raw_meds.prepare(raw, tmp_path / "data")


@pytest.mark.parametrize("column", ["unit_stay", "visit"])
def test_a_column_that_the_mapping_names_and_that_is_gone_is_named(tmp_path: Path, column: str):
    raw = raw_meds.tiny().write(tmp_path / "raw", change=lambda frame: frame.drop(column))
    with pytest.raises(SourceError, match=f"no shard has column {column}, which the mapping names"):
        raw_meds.prepare(raw, tmp_path / "data")


@pytest.mark.parametrize("change", MEDS_HARMLESS)
def test_harmless_changes_of_meds_change_nothing(tmp_path: Path, change: str):
    raw = raw_meds.tiny()
    raw.rows = [row | {"text_value": None} for row in raw.rows]
    right = raw_meds.prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    made = raw_meds.prepare(raw.write(tmp_path / "other", change=MEDS_HARMLESS[change]), tmp_path / "other-data")
    assert made.events.equals(right.events)
    assert made.stays.equals(right.stays)
    assert made.ledger == right.ledger


MIMIC_TABLES = {
    table.name: without_looked_up(table, NAMED_BY)
    for table in (
        MIMIC4.stay_table,
        *(side.raw for side in MIMIC4.side_tables),
        *(each.raw for each in MIMIC4.tables("all")),
        *MIMIC4.lookup_tables,
    )
}


def test_every_dropped_or_renamed_column_of_mimic_iv_is_named_and_other_orders_are_harmless(tmp_path: Path):
    count = 0
    for name, columns in raw_mimic4.COLUMNS.items():
        table = MIMIC_TABLES.get(name.split("/")[1])
        for column in () if table is None else table.read:
            for instead in ((), (f"{column}_v2",)):
                kept = [*(each for each in columns if each.lower() != column), *instead]
                path = written(tmp_path, table.name, kept, [])
                with pytest.raises(SourceError, match=f"lacks column {column} of table {table.name}"):
                    check_header(path, table)
                count += 1
        if table is not None:
            check_header(written(tmp_path, table.name, [*reversed(columns), "added"], []), table)
    assert count > 150
    print(f"{count} of {count} edits named")
