"""`lab`: the results of the laboratory (`laboratory.py`) as eICU writes them."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from wardround.sources.synthetic.lab_list import CENSORED, LabTest
from wardround.sources.synthetic.laboratory import Results, results
from wardround.sources.synthetic.stays import Stays


def lab_table(stays: Stays, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `lab`: offsets in minutes from unit admission, values in the units of `lab_list.py`."""
    return pl.concat([_rows(each) for each in results(stays, rng)])


def _rows(made: Results) -> pl.DataFrame:
    """One row a draw of one test."""
    test, size = made.test, made.stay.size
    number, text = _written(pl.Series(made.value), test)
    return pl.DataFrame(
        {
            "stay": made.stay,
            "labresultoffset": made.drawn_min,
            "labtypeid": np.full(size, test.type_id),
            "labname": _constant(test.name, size),
            "labresult": number,
            "labresulttext": text,
            "labmeasurenamesystem": _constant(test.unit, size),
            "labmeasurenameinterface": _constant(test.unit_sent, size),
            "labresultrevisedoffset": made.known_min,
        }
    )


def _written(value: pl.Series, test: LabTest) -> tuple[pl.Series, pl.Series]:
    """Number and text of a result; the number is blank where only a bound is reported."""
    text = (value if test.decimals else value.cast(pl.Int64)).cast(pl.String)
    for bound, sign in _bounds(test.name):
        outside = value < bound if sign == "<" else value > bound
        text = text.set(outside, f"{sign}{bound:g}")
        value = value.set(outside, None)
    return value, text


def _bounds(name: str) -> Iterator[tuple[float, str]]:
    below, above = CENSORED.get(name, (None, None))
    if below is not None:
        yield below, "<"
    if above is not None:
        yield above, ">"


def _constant(value: str | None, size: int) -> pl.Series:
    return pl.Series([value], dtype=pl.String).new_from_index(0, size)
