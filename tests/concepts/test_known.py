"""What holds for every concept: the shape of its table, and that nothing known later moves a row that was known."""

import os
from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from concept_timelines import Event, at, events, random_events, stays
from wardround.concepts.known import CONCEPTS, Concept, find_concept
from wardround.concepts.rows import ROW_COLUMNS, no_events
from wardround.errors import UsageError
from wardround.events import TIME

STAYS = stays({1: 30.5, 2: 20.0, 3: None, 4: 10.0})
ONE_PATIENT = STAYS.with_columns(subject_id=pl.lit(7, pl.Int64), hospital_end=pl.lit(at(600), TIME))
"""Each stay sees what another one's laboratory finds; what is billed may come after discharge."""
SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
QUICK = {"deadline": None, "phases": (Phase.explicit, Phase.reuse, Phase.generate)}
WORDS = (
    *("", "No Response-ETT", "ART.", "VEN.", "Endotracheal tube", "Nasal cannula", "CMV/ASSIST", "Extubated", "lb"),
    "day alone",
)
MEMBERS = ("", "ELECTIVE", "CSURG", "9//0420", "9//20280", "10//C787", "10//I501", "VANCOMYCIN")
"""Of the families of codes that a concept reads."""
EVERY = pytest.mark.parametrize("concept", CONCEPTS.values(), ids=lambda concept: concept.name)
TIMED = [concept for concept in CONCEPTS.values() if "available_time" in concept.columns]
LONG = [concept for concept in TIMED if concept.columns == ROW_COLUMNS]
EVERY_LONG = pytest.mark.parametrize("concept", LONG, ids=lambda concept: concept.name)
SMALL = pytest.mark.parametrize(
    "concept", [each for name, each in CONCEPTS.items() if name != "cw24"], ids=lambda concept: concept.name
)
PARAGRAPH = "cw24"
"""Made of five other concepts: it has fewer examples."""
KEYS = ("stay_id", "hour", "time_h", "name")
"""Of a row of any table, as far as it has them."""


def _codes(concept: Concept) -> tuple[str, ...]:
    return (*concept.codes, *(family + member for family in concept.families for member in MEMBERS))


def _each_twice(concept: Concept) -> list[Event]:
    words = ("ART.", "Nasal cannula")
    return [(1, minute, code, (100.0, word)) for code in _codes(concept) for minute in (60.0, 90.0) for word in words]


@EVERY
def test_rows_are_of_one_shape_and_in_order(concept: Concept):
    made = concept.compute(events(*_each_twice(concept)), STAYS)
    assert made.schema == concept.columns
    assert made.height
    keys = [name for name in KEYS if name in concept.columns]
    assert made.select(keys).null_count().sum_horizontal().item() == 0
    assert made.equals(made.sort(keys))
    assert not made.select(keys).is_duplicated().any()


@EVERY_LONG
def test_rows_of_a_long_table_are_whole_and_named_after_their_concept(concept: Concept):
    made = concept.compute(events(*_each_twice(concept)), STAYS)
    assert made.null_count().sum_horizontal().item() == 0
    assert made["name"].str.starts_with(concept.name).all()


def test_the_tables_that_do_not_say_when_they_were_known():
    """No others may leave it out: what is made of them could not be told from what was known."""
    assert {concept.name for concept in CONCEPTS.values() if concept not in TIMED} == {"phenotypes", "hourly17"}
    assert {concept.name for concept in TIMED if concept not in LONG} == {PARAGRAPH}


@EVERY
def test_without_events_the_columns_are_there(concept: Concept):
    assert concept.compute(no_events(), STAYS).schema == concept.columns
    assert concept.compute(no_events(), STAYS.clear()).is_empty()


@EVERY_LONG
@given(data=st.data())
@settings(max_examples=max(20, round(200 * SCALE)), **QUICK)
def test_what_becomes_known_later_moves_no_row_that_is_known(concept: Concept, data: st.DataObject):
    _moved_by_what_is_known_later(concept, data)


@given(data=st.data())
@settings(max_examples=10, **QUICK)
def test_what_becomes_known_later_moves_no_paragraph_that_is_known(data: st.DataObject):
    _moved_by_what_is_known_later(CONCEPTS[PARAGRAPH], data)


def _moved_by_what_is_known_later(concept: Concept, data: st.DataObject) -> None:
    """Later events deleted: every row known by then is the same. Others in their place, some of them of earlier hours:
    these can make a row known later, but give no other value to one that is known."""
    made = data.draw(random_events(_codes(concept), WORDS))
    others = data.draw(random_events(_codes(concept), WORDS))
    minute = data.draw(st.integers(-5, 60).map(lambda half: 30 * half))
    before = [event for event in made if event[4] <= minute]
    known = _known(concept, made, minute)
    deleted = _known(concept, before, minute)
    assert deleted.join(known, on=deleted.columns, how="semi").height == known.height
    replaced = _known(concept, [*before, *(event for event in others if event[4] > minute)], minute)
    assert replaced.join(deleted, on=deleted.columns, how="anti").is_empty()


def _known(concept: Concept, made: Sequence[Event], minute: float) -> pl.DataFrame:
    return concept.compute(events(*made), ONE_PATIENT).filter(pl.col("available_time") <= at(minute))


@SMALL
@given(data=st.data())
@settings(max_examples=max(10, round(100 * SCALE)), **QUICK)
def test_the_order_of_events_and_the_other_stays_change_nothing(concept: Concept, data: st.DataObject):
    _moved_by_order(concept, data)


@given(data=st.data())
@settings(max_examples=4, **QUICK)
def test_the_order_of_events_and_the_other_stays_change_no_paragraph(data: st.DataObject):
    _moved_by_order(CONCEPTS[PARAGRAPH], data)


def _moved_by_order(concept: Concept, data: st.DataObject) -> None:
    made = data.draw(random_events(_codes(concept), WORDS))
    whole = concept.compute(events(*made), STAYS)
    turned = concept.compute(events(*reversed(made)), STAYS.reverse())
    assert whole.equals(turned)
    alone = concept.compute(events(*(event for event in made if event[0] == 1)), STAYS.filter(pl.col("stay_id") == 1))
    assert alone.equals(whole.filter(pl.col("stay_id") == 1))


def test_no_such_concept():
    with pytest.raises(UsageError, match="no concept 'sofa2'"):
        find_concept("sofa2")
