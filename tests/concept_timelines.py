"""Made-up stays for the tests of concepts: events at minutes since unit admission, and rows back as plain tuples.

made = rows(urine_output(events((1, 30, "IO//urine//mL", 200)), stays({1: 24})))
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl
from hypothesis import strategies as st

from wardround.concepts.rows import INPUT_COLUMNS
from wardround.events import EVENT_COLUMNS, STAY_COLUMNS

START = datetime(2150, 3, 31, 22, 40, 30)
Event = tuple[int, float, str, float | str | tuple[float, str] | None] | tuple
Row = tuple[int, str, float, float, float]


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def events(*made: Event, modality: str = "lab") -> pl.DataFrame:
    """(stay, minute, code, value, minute at which it is known): the value a number, words or both; known at once where
    nothing is said. All of one modality."""
    columns: dict[str, list] = {name: [] for name in INPUT_COLUMNS}
    for stay, minute, code, value, *known in made:
        number, words = (
            value if isinstance(value, tuple) else (None, value) if isinstance(value, str) else (value, None)
        )
        cells = (stay, at(minute), at(known[0] if known else minute), modality, code, number, words)
        for name, cell in zip(INPUT_COLUMNS, cells, strict=True):
            columns[name].append(cell)
    return pl.DataFrame(columns, {name: EVENT_COLUMNS[name] for name in INPUT_COLUMNS})


def stays(hours: Mapping[int, float | None], age: float = 60.0) -> pl.DataFrame:
    """Stay -> its length in hours; all begin at `START`."""
    columns = {
        "subject_id": list(hours),
        "stay_id": list(hours),
        "start": [START] * len(hours),
        "hospital_start": [at(-90)] * len(hours),
        "hospital_end": [None if length is None else at(60 * length + 600) for length in hours.values()],
        "end": [None if length is None else at(60 * length) for length in hours.values()],
        "in_unit_until": [None] * len(hours),
        "age": [age] * len(hours),
    }
    return pl.DataFrame(columns, {name: STAY_COLUMNS[name] for name in columns})


def rows(made: pl.DataFrame, name: str | None = None) -> list[Row]:
    """(stay, name, time_h, minute at which it is known, value), in order; of one name without the name."""
    kept = made if name is None else made.filter(pl.col("name") == name)
    minutes = [(known - START) / timedelta(minutes=1) for known in kept["available_time"]]
    return [
        (row["stay_id"], row["name"], row["time_h"], minute, row["value"])
        for row, minute in zip(kept.iter_rows(named=True), minutes, strict=True)
    ]


def values(made: pl.DataFrame, name: str, stay: int = 1) -> dict[float, float]:
    """time_h -> value, of one name and stay."""
    kept = made.filter(pl.col("name") == name, pl.col("stay_id") == stay)
    return dict(zip(kept["time_h"].to_list(), kept["value"].to_list(), strict=True))


def random_events(codes: tuple[str, ...], words: tuple[str, ...] = ()) -> st.SearchStrategy[list[Event]]:
    """Events of two stays within two days, known at once or later; several at one minute."""
    number = st.one_of(st.integers(-5, 400).map(float), st.sampled_from([0.05, 0.1, 0.2, 1.2, 3.5, 12.0]))
    value = st.tuples(number, st.sampled_from(words)) if words else number
    event = st.tuples(
        st.sampled_from([1, 2]),
        st.integers(-20, 58).map(lambda half: 30 * half + 7),
        st.sampled_from(codes),
        value,
        st.sampled_from([0, 0, 60, 600]),
    )
    return st.lists(event.map(lambda e: (*e[:4], e[1] + e[4])), max_size=25)
