"""Typed rows to candidates: kinds, times, reasons, units."""

import polars as pl
import pytest

from raw_eicu import as_text
from wardround.sources.conversion import (
    CANDIDATE,
    YEAR_MIN,
    bare_numbers,
    candidates,
    in_canonical_units,
    melted,
    read_times,
    timed,
    typed,
    with_reason,
)
from wardround.sources.raw_table import ADMIT, ANY_TEXT, ID, INTEGER, NUMBER, TEXT, TIME, RawTable, at
from wardround.sources.units import Quantity

TABLE = RawTable(
    "lab",
    {
        "stay": (INTEGER, ID),
        "drawn": (INTEGER, at("drawn")),
        "revised": (INTEGER, at("drawn", "revised")),
        "name": (TEXT, at("drawn", "revised")),
        "value": (NUMBER, at("drawn", "revised")),
        "note": (ANY_TEXT, at("drawn", "revised")),
    },
    offset="drawn",
)
UNTIMED = RawTable("first day", {"stay": (INTEGER, ID), "value": (NUMBER, ADMIT), "known": (INTEGER, at("known"))})


def text_rows(*rows: str) -> pl.DataFrame:
    """Rows as they come from a file; `_` is a blank field."""
    cells = [[None if cell == "_" else cell for cell in row.split("|")] for row in rows]
    return pl.DataFrame(cells, schema=dict.fromkeys(TABLE.read, pl.String), orient="row")


def test_kinds_and_the_first_reason_of_a_row():
    made = typed(
        text_rows(
            " 1 |10|20|sodium |140.5|note",
            "1|10.0|1e2|_|-0|  ",
            "1|x|y|sodium|z|5",
            "1.5|10|20|a|1|_",
            "1|10|20|a|NaN|_",
            "9007199254740993|10|20|a|inf|_",
            "_|_|_|_|_|_",
        ),
        TABLE,
    )
    assert made.schema == {
        "stay": pl.Int64,
        "drawn": pl.Int64,
        "revised": pl.Int64,
        "name": pl.String,
        "value": pl.Float64,
        "note": pl.String,
        "reason": pl.String,
    }
    assert as_text(made) == "\n".join(
        [
            "1 10 20 sodium 140.5 note -",
            "1 10 100 - -0 - -",
            "1 - - sodium - 5 not a number: drawn",
            "2 10 20 a 1 - not a whole number: stay",
            "1 10 20 a nan - not a number: value",
            "9007199254740992 10 20 a inf - not a number: value",
            "- - - - - - -",
        ]
    )


def test_a_row_reads_the_same_beside_rows_that_need_another_way_of_reading():
    whole = ["1|+5|007|a|1|b", "2|-0|-12|c|2|d", "9007199254740992|0|0|e|1|f"]
    odd = ["1.0| 1e2 |x| a|?|  ", "-9007199254740993|9223372036854775808|99999999999999999999|a |1|_"]
    assert as_text(typed(text_rows(*whole, *odd), TABLE)[: len(whole)]) == as_text(typed(text_rows(*whole), TABLE))
    assert typed(text_rows(*whole), TABLE)["drawn"].to_list() == [5, 0, 0]


def test_no_rows_have_the_same_kinds():
    made = typed(text_rows().clear(), TABLE)
    assert made.height == 0
    assert made.schema["drawn"] == pl.Int64


def test_bare_numbers_are_counted_in_columns_of_words_alone():
    rows = typed(text_rows("1|1|1|12|1|12", "1|1|1|1e3|1|1", "1|1|1|a1|1|1", "1|1|1|_|1|_", "1|1|1|nan|1|_"), TABLE)
    assert bare_numbers(rows, TABLE) == {"name": 2}


def test_a_row_is_known_at_the_latest_offset():
    frame = typed(text_rows("1|10|20|a|1|_", "1|10|5|a|1|_", "1|10|_|a|1|_", "1|_|20|a|1|_", "1|_|_|a|1|_"), TABLE)
    made = timed(frame, TABLE, "value").select("minute", "available_minute", "reason")
    assert as_text(made) == "10 20 -\n10 10 -\n10 10 -\n20 20 -\n- - no time"


def test_a_row_of_another_year_is_set_aside():
    far = [f"1|{minute}|0|a|1|_" for minute in (YEAR_MIN, YEAR_MIN + 1, -YEAR_MIN, -YEAR_MIN - 1)]
    made = timed(typed(text_rows(*far, f"1|0|{YEAR_MIN + 1}|a|1|_"), TABLE), TABLE, "value")
    away = "more than a year from unit admission"
    assert made["reason"].to_list() == [None, away, None, away, away]


def test_a_column_that_is_not_known_at_an_offset_cannot_be_timed():
    frame = pl.DataFrame({"stay": [1], "value": [1.0], "known": [5], "reason": [None]})
    with pytest.raises(ValueError, match="no offset says when"):
        timed(frame, UNTIMED, "value")
    assert timed(frame, UNTIMED, "known").select("minute", "available_minute").row(0) == (0, 5)


def test_the_first_reason_stays():
    frame = pl.DataFrame(
        {"value": [1, 2, None], "reason": ["before", None, None]}, schema_overrides={"reason": pl.String}
    )
    assert with_reason(frame, pl.col("value") < 5, "small")["reason"].to_list() == ["before", "small", None]


def base(**columns: list) -> pl.DataFrame:
    size = len(next(iter(columns.values())))
    frame = {"row": range(size), "stay_id": [1] * size, "minute": [0] * size, "available_minute": [0] * size}
    return pl.DataFrame(frame | columns, schema_overrides={"reason": pl.String})


def test_candidates_have_a_code_and_a_finite_number():
    frame = base(code=["a", None, "b", "c", "d"], number=[1.0, 2.0, None, 4e38, -0.0], reason=[None] * 5)
    made = candidates(frame, "lab", pl.col("code"), pl.col("number"))
    assert made.schema == CANDIDATE
    assert as_text(made.select("code", "numeric_value", "modality", "reason")) == "\n".join(
        ["a 1 lab -", "- 2 lab no code", "b - lab -", "c 4e+38 lab implausible value", "d 0 lab -"]
    )


def test_wide_rows_become_long_and_faulty_ones_stay_in_sight():
    frame = base(hr=[80.0, None, 90.0], spo2=[97.0, None, 95.0], reason=[None, None, "no time"])
    made = melted(frame, ["hr", "spo2"]).select("row", "name", "number", "reason").sort("row", "name")
    assert as_text(made) == "0 hr 80 -\n0 spo2 97 -\n2 hr - no time"


HEAT = {"heat": Quantity("C", 20, 46, {"F": (5 / 9, -160 / 9)}), "ratio": Quantity("", 0, 10)}


def test_canonical_units():
    rows = [
        ("heat", 98.6, "F"),
        ("heat", 37.0, "c"),
        ("heat", 60.0, "C"),
        ("heat", 1.0, "K"),
        ("ratio", 2.0, None),
        ("x", 3.0, "mg"),
    ]
    schema = {"name": pl.String, "number": pl.Float64, "unit": pl.String}
    frame = pl.DataFrame([*rows, ("heat", None, "C")], schema=schema, orient="row")
    frame = frame.with_columns(reason=pl.lit(None, pl.String))
    made = in_canonical_units(frame, HEAT, "name", "number", "unit")
    assert made.columns == frame.columns
    assert as_text(made) == "\n".join(
        [
            "heat 37 C -",
            "heat 37 C -",
            "heat 60 C implausible value",
            "heat -  unknown unit",
            "ratio 2  -",
            "x 3 mg -",
            "heat - C -",
        ]
    )


def test_times_are_of_a_naive_clock_and_a_date_is_its_midnight():
    text = pl.Series(["2180-07-23 02:30:05", "2180-07-23", None, "2180-02-30", "23/07/2180", "2180-07-23 24:00:00"])
    times = read_times(text)
    assert times.dtype == pl.Datetime("us")
    assert [None if time is None else str(time) for time in times] == [
        "2180-07-23 02:30:05",
        "2180-07-23 00:00:00",
        *[None] * 4,
    ]


def test_a_cell_that_is_no_time_has_its_reason_after_numbers():
    table = RawTable("chart", {"stay": (INTEGER, ID), "drawn": (TIME, at("drawn")), "stored": (TIME, at("stored"))})
    rows = [("1", " 2180-07-23 02:30:05 ", ""), ("1", "soon", "2180-07-23"), ("x", "soon", None), ("1", None, "later")]
    made = typed(pl.DataFrame(rows, schema=dict.fromkeys(table.read, pl.String), orient="row"), table)
    assert made["reason"].to_list() == [None, "not a time: drawn", "not a number: stay", "not a time: stored"]
    assert made["drawn"].dtype == pl.Datetime("us")
    assert made["drawn"].null_count() == 3
