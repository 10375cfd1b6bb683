"""Planted odd rows: what real exports contain and a reader has to set aside, each counted.

Odd rows are added after the chunk's own rows and replace none. Most are copies of a row with one field changed and,
where rows have an id, one of their own; a planted row of the table of stays is a stay of its own, which no truth
mentions and no other table knows. Which kinds there are is the layout's (`odd_kinds.py` of its folder).

    duplicate_row   an exact copy
    blank_id        the id of the stay (or patient) empty
    unknown_stay    an id that the table of stays does not have
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl

PER_KIND: Final = 4
"""Rows planted of each kind, in each table and chunk."""
FIRST_ODD_ID: Final = 900_000_000


@dataclass(frozen=True)
class OddKinds:
    """The odd rows of a layout.

    Attributes:
        changes: table of events -> kind -> the column that is changed and what it then holds (empty: nothing).
        id_of: the column of those tables that names the stay.
        row_ids: the tables whose rows have an id, in their first column.
        stay_table: the table of stays.
        stay_changes: kind -> the columns of a planted stay that are changed.
        own_ids: columns of a planted stay that hold its own number, and how it is written there.
        pools: column -> the column and value of the rows that may be copied, where not all may.
        duplicated: the tables that get exact copies.
        of_no_stay: the tables of events whose rows name no stay.
    """

    changes: Mapping[str, Mapping[str, tuple[str, str]]]
    id_of: str
    row_ids: frozenset[str]
    stay_table: str
    stay_changes: Mapping[str, Mapping[str, str]]
    own_ids: Mapping[str, str]
    pools: Mapping[str, tuple[str, str]]
    duplicated: frozenset[str]
    of_no_stay: frozenset[str] = frozenset()


@dataclass
class OddRows:
    """The account of what was planted.

    Attributes:
        counts: table -> kind -> rows.
        stay_ids: kind -> the ids of planted stays.
        next_id: that the next planted row takes.
    """

    counts: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    stay_ids: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    next_id: int = FIRST_ODD_ID

    def add(self, account: Mapping[str, Any]) -> None:
        """Add the account of what was planted next: as `as_json`, with `next_id`."""
        for table, kinds in account["tables"].items():
            self.counts.setdefault(table, Counter()).update(kinds)
        for kind, ids in account["stay_ids"].items():
            self.stay_ids.setdefault(kind, []).extend(ids)
        self.next_id = account["next_id"]

    def plant(self, kinds: OddKinds, table: str, rows: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """Add odd rows of each kind to a chunk of a table, and count them.

        Args:
            kinds: of the layout.
            table: name of the table.
            rows: its rows, in the published columns.
            rng: the source of chance; picks the rows that are copied.

        Returns:
            All columns as text (null for empty fields), the odd rows last. A chunk without rows gets none, and so does
            a table without kinds.
        """
        text = rows.cast(pl.String)
        if not rows.height or (table not in kinds.changes and table != kinds.stay_table):
            return text
        planted = {"duplicate_row": self._sample(text, rng)} if table in kinds.duplicated else {}
        if table == kinds.stay_table:
            changes = kinds.stay_changes
            planted |= {kind: self._odd_stay(kinds, kind, change, text, rng) for kind, change in changes.items()}
        else:
            planted |= self._odd_events(kinds, table, text, rng)
        account = self.counts.setdefault(table, Counter())
        account.update({kind: frame.height for kind, frame in planted.items()})
        return pl.concat([text, *planted.values()])

    def _odd_events(
        self, kinds: OddKinds, table: str, text: pl.DataFrame, rng: np.random.Generator
    ) -> dict[str, pl.DataFrame]:
        """Kind -> copies of rows with one column changed."""
        unknown = str(self._take_ids(1)[0])
        of_stay = {"blank_id": (kinds.id_of, ""), "unknown_stay": (kinds.id_of, unknown)}
        of_stay = {} if table in kinds.of_no_stay else of_stay
        planted: dict[str, pl.DataFrame] = {}
        for kind, (column, value) in {**kinds.changes[table], **of_stay}.items():
            ids = pl.Series(text.columns[0], self._take_ids(PER_KIND)).cast(pl.String)
            where = kinds.pools.get(column)
            pool = text if where is None else text.filter(pl.col(where[0]) == where[1])
            copies = self._sample(pool if pool.height else text, rng)
            planted[kind] = _set(copies.with_columns(ids) if table in kinds.row_ids else copies, column, value)
        return planted

    def _sample(self, text: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        return text[rng.integers(0, text.height, PER_KIND)]

    def _odd_stay(
        self, kinds: OddKinds, kind: str, change: Mapping[str, str], text: pl.DataFrame, rng: np.random.Generator
    ) -> pl.DataFrame:
        """Stays of patients of their own, with the fields of `change`."""
        ids = self._take_ids(PER_KIND)
        if kinds.id_of not in change:
            self.stay_ids.setdefault(kind, []).extend(ids)
        frame = self._sample(text, rng).with_columns(
            pl.Series(name, [form.format(number) for number in ids]) for name, form in kinds.own_ids.items()
        )
        for column, value in change.items():
            frame = _set(frame, column, value)
        return frame

    def _take_ids(self, count: int) -> list[int]:
        first, self.next_id = self.next_id, self.next_id + count
        return list(range(first, self.next_id))

    def as_json(self) -> dict[str, Any]:
        """`{"tables": {table: {kind: rows}}, "stay_ids": {kind: [patientunitstayid]}}`."""
        tables = {table: dict(sorted(kinds.items())) for table, kinds in sorted(self.counts.items())}
        return {"tables": tables, "stay_ids": self.stay_ids}


def _set(rows: pl.DataFrame, column: str, value: str) -> pl.DataFrame:
    """The rows with one column set; an empty value is null."""
    return rows.with_columns(pl.lit(value or None, dtype=pl.String).alias(column))
