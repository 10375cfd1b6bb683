"""Planted odd rows: what real exports contain and a reader has to set aside, each counted.

Odd rows are added after the chunk's own rows and replace none. Most are copies of a row with one field changed and a
row id of their own; a planted row of `patient` is a stay of its own, which no truth mentions and no other table
knows. One with an impossible time or age can still be read as a stay, without that value.

    duplicate_row               an exact copy
    blank_id                    patientunitstayid empty
    unknown_stay                patientunitstayid that `patient` does not have
    not_a_number                words in a numeric column
    out_of_range                a number that no patient can have
    unknown_unit                a unit that does not exist
    year_long_offset            an offset of more than a year
    impossible_age              an age below zero, or of two hundred years
    negative_stay               unit discharge before unit admission
    discharge_before_admission  hospital discharge before hospital admission
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
YEAR_LONG_MIN: Final = 600_000
STAY: Final = "patientunitstayid"
LABEL: Final = "nursingchartcelltypevallabel"
"""Odd nurse values are planted in heart rates: elsewhere words may be right."""

CHANGES: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "diagnosis": {
        "year_long_offset": ("diagnosisoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("diagnosisoffset", "day two"),
    },
    "treatment": {
        "year_long_offset": ("treatmentoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("treatmentoffset", "day two"),
    },
    "medication": {
        "year_long_offset": ("drugstartoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("drugstartoffset", "on call"),
    },
    "lab": {
        "year_long_offset": ("labresultoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("labresult", "see comment"),
        "out_of_range": ("labresult", "99999999"),
        "unknown_unit": ("labmeasurenamesystem", "furlongs"),
    },
    "apacheApsVar": {"not_a_number": ("heartrate", "fast"), "out_of_range": ("heartrate", "99999")},
    "apachePatientResult": {"not_a_number": ("predictedhospitalmortality", "high")},
    "apachePredVar": {"not_a_number": ("diabetes", "type two")},
    "vitalPeriodic": {
        "year_long_offset": ("observationoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("heartrate", "artefact"),
        "out_of_range": ("heartrate", "99999"),
    },
    "vitalAperiodic": {
        "year_long_offset": ("observationoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("noninvasivemean", "artefact"),
        "out_of_range": ("noninvasivemean", "99999"),
    },
    "nurseCharting": {
        "year_long_offset": ("nursingchartoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("nursingchartvalue", "refused"),
        "out_of_range": ("nursingchartvalue", "99999"),
    },
    "infusiondrug": {
        "year_long_offset": ("infusionoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("drugrate", "titrate"),
        "unknown_unit": ("drugname", "Norepinephrine (furlongs/fortnight)"),
    },
    "intakeOutput": {
        "year_long_offset": ("intakeoutputoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("cellvaluenumeric", "small amount"),
    },
    "pastHistory": {"year_long_offset": ("pasthistoryoffset", str(YEAR_LONG_MIN))},
}
"""Table -> kind -> the column that is changed and what it then holds. An entry or revision offset stays as it was."""

PATIENT_CHANGES: Final[dict[str, dict[str, str]]] = {
    "blank_id": {STAY: ""},
    "impossible_age": {"age": "212"},
    "not_a_number": {"unitdischargeoffset": "unknown"},
    "negative_stay": {"unitdischargeoffset": "-37"},
    "discharge_before_admission": {"hospitaladmitoffset": "-60", "hospitaldischargeoffset": "-600"},
    "year_long_offset": {"unitdischargeoffset": str(YEAR_LONG_MIN), "hospitaldischargeoffset": str(YEAR_LONG_MIN + 60)},
}


@dataclass
class OddRows:
    """The account of what was planted.

    Attributes:
        counts: table -> kind -> rows.
        stay_ids: kind -> the patientunitstayid of planted rows of `patient`.
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

    def plant(self, table: str, rows: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """Add odd rows of each kind to a chunk of a table, and count them.

        Args:
            table: name of the table.
            rows: its rows, in the published columns.
            rng: the source of chance; picks the rows that are copied.

        Returns:
            All columns as text (null for empty fields), the odd rows last. A chunk without rows gets none.
        """
        text = rows.cast(pl.String)
        if not rows.height:
            return text
        planted = {"duplicate_row": self._sample(text, rng)}
        if table == "patient":
            planted |= {kind: self._odd_stay(kind, change, text, rng) for kind, change in PATIENT_CHANGES.items()}
        else:
            unknown = str(self._take_ids(1)[0])
            changes = {**CHANGES[table], "blank_id": (STAY, ""), "unknown_stay": (STAY, unknown)}
            for kind, (column, value) in changes.items():
                ids = pl.Series(text.columns[0], self._take_ids(PER_KIND)).cast(pl.String)
                pool = text.filter(pl.col(LABEL) == "Heart Rate") if column == "nursingchartvalue" else text
                copies = self._sample(pool if pool.height else text, rng)
                planted[kind] = _set(copies.with_columns(ids), column, value)
        account = self.counts.setdefault(table, Counter())
        account.update({kind: frame.height for kind, frame in planted.items()})
        return pl.concat([text, *planted.values()])

    def _sample(self, text: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        return text[rng.integers(0, text.height, PER_KIND)]

    def _odd_stay(
        self, kind: str, change: dict[str, str], text: pl.DataFrame, rng: np.random.Generator
    ) -> pl.DataFrame:
        """Stays of patients of their own, with the fields of `change`."""
        ids = self._take_ids(PER_KIND)
        if STAY not in change:
            self.stay_ids.setdefault(kind, []).extend(ids)
        own = {STAY: ids, "patienthealthsystemstayid": ids, "uniquepid": [f"999-{number}" for number in ids]}
        frame = self._sample(text, rng).with_columns(
            pl.Series(name, values).cast(pl.String) for name, values in own.items()
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
