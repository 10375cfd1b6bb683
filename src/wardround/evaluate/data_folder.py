"""The tables of a DATA folder that reports read; it may come from elsewhere, so every column is checked."""

from pathlib import Path
from typing import Any

import polars as pl

from wardround import files
from wardround.errors import DataError
from wardround.events import OPTIONAL_STAY_COLUMNS, STAY_COLUMNS
from wardround.json_kinds import is_list, is_object

SHAPE = '{"tables": {raw table: {"rows_in", "rows_out", "set_aside": {reason: count}}}}'


def read_stays(data: Path) -> pl.DataFrame:
    """`stays.parquet`. Raises `DataError` naming a column that is missing or of another type."""
    return files.read_columns(data / "stays.parquet", STAY_COLUMNS, optional=OPTIONAL_STAY_COLUMNS)


def read_ledger(data: Path) -> dict[str, Any]:
    """`ledger.json`.

    Raises:
        DataError: where it is missing or of another shape.
    """
    ledger = files.read_json(data / "ledger.json")
    tables = ledger.get("tables") if is_object(ledger) else None
    if not is_object(ledger) or not is_object(tables) or not all(_is_account(account) for account in tables.values()):
        raise DataError(f"{data / 'ledger.json'} is not of the shape {SHAPE}. Make the folder again.")
    absent = ledger.get("absent", [])
    if not is_list(absent) or not all(isinstance(name, str) for name in absent):
        raise DataError(f"{data / 'ledger.json'}: absent is not a list of table names. Make the folder again.")
    return ledger


def _is_account(account: Any) -> bool:
    if not is_object(account) or not all(isinstance(account.get(name), int) for name in ("rows_in", "rows_out")):
        return False
    return _are_counts(account.get("set_aside")) and _are_counts(account.get("values_set_aside", {}))


def _are_counts(counts: Any) -> bool:
    return is_object(counts) and all(isinstance(count, int) for count in counts.values())
