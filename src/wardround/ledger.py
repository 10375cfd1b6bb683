"""The ledger: rows in = rows out + rows set aside, by reason, for every raw table. No row vanishes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wardround.errors import DataError


@dataclass
class TableLedger:
    """The account of one raw table. An input row that yields several events counts once."""

    rows_in: int = 0
    rows_out: int = 0
    set_aside: Counter[str] = field(default_factory=Counter[str])
    values_set_aside: Counter[str] = field(default_factory=Counter[str])
    """Single values left out of rows that otherwise became events, by reason."""

    def add(self, other: "TableLedger") -> None:
        """Add the account of another part of the same table."""
        self.rows_in += other.rows_in
        self.rows_out += other.rows_out
        self.set_aside.update(other.set_aside)
        self.values_set_aside.update(other.values_set_aside)

    def as_json(self) -> dict[str, Any]:
        """The JSON form of `COMMANDS.md`."""
        account: dict[str, Any] = {
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "set_aside": _by_reason(self.set_aside),
        }
        if self.values_set_aside:
            account["values_set_aside"] = _by_reason(self.values_set_aside)
        return account

    @classmethod
    def from_json(cls, account: Mapping[str, Any]) -> "TableLedger":
        """The account that `as_json` gave."""
        values = account.get("values_set_aside", {})
        return cls(account["rows_in"], account["rows_out"], Counter(account["set_aside"]), Counter(values))


def _by_reason(counts: Counter[str]) -> dict[str, int]:
    return {reason: count for reason, count in sorted(counts.items()) if count}


def check_balanced(tables: dict[str, TableLedger]) -> None:
    """Refuse an account that does not add up.

    Raises:
        DataError: naming the table and the two sides.
    """
    for name, table in tables.items():
        accounted = table.rows_out + sum(table.set_aside.values())
        if table.rows_in != accounted:
            raise DataError(
                f"ledger of {name}: {table.rows_in} rows in, {accounted} accounted for. "
                "This is a defect; please report it."
            )
