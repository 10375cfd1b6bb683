"""A few stays, event by event: chosen by rule, not by eye, and shown without any identifier."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import polars as pl

from wardround.evaluate import course_charts
from wardround.evaluate.evidence import Evidence
from wardround.evaluate.page import Callout, Figure, Figures, Section
from wardround.evaluate.wording import outcome_words

FEWEST_EVENTS: Final = 5
STEP_H: Final = 0.25
"""Times are drawn to the quarter of an hour."""
BEFORE_H: Final = 6.0
"""Hours before unit admission from which events are drawn; earlier ones are drawn there."""


class Example(NamedTuple):
    """A stay to draw: its id (never shown), what it is an example of, and the value to compare with."""

    stay_id: int
    title: str
    text: str
    reference: float | None


def belief_section(evidence: Evidence) -> Section | None:
    """The belief over the hours of some stays; None for methods without beliefs."""
    beliefs, asked = evidence.beliefs, evidence.asked
    if beliefs is None or asked is None or beliefs.is_empty():
        return None
    binary = "predicted_boolean_probability" in beliefs.columns
    column = "predicted_boolean_probability" if binary else "predicted_float_value"
    enough = beliefs.group_by("stay_id").len().filter(pl.col("len") >= FEWEST_EVENTS)["stay_id"]
    asked = asked.filter(pl.col("stay_id").is_in(enough.implode())).drop_nulls(column)
    examples = list(_yes_no(evidence, asked) if binary else _hours(asked))
    if not examples:
        return None
    lines = {example.stay_id: _line(beliefs, example.stay_id, column) for example in examples}
    values = [row["value"] for line in lines.values() for row in line]
    top = 1.12 * max([*values, *(example.reference for example in examples if example.reference is not None)])
    figures: list[Figure] = []
    for example in examples:
        line = lines[example.stay_id]
        at_h = evidence.metrics["at_h"]
        span = (min(0.0, line[0]["time_h"]), max(line[-1]["time_h"], STEP_H) if at_h is None else at_h)
        title = "risk" if binary else "hours"
        drawn = course_charts.belief(
            line, span, min(1.0, top) if binary else top, example.reference, title, percent=binary
        )
        figures.append(Figure(drawn, example.title, example.text))
    note = Callout("note", "Single stays.", "Each picture is one stay. Show them only to those who may see the data.")
    lead = (
        "The model says something after every event. Above, what it says; below, which kind of record each event "
        f"came from. What was known more than {BEFORE_H:g} h before unit admission is drawn at the left edge."
    )
    return Section("beliefs", "How the belief moves", [note, Figures(figures)], lead)


def _line(beliefs: pl.DataFrame, stay_id: int, column: str) -> list[dict[str, Any]]:
    """The belief of one stay to the quarter of an hour, the last of each modality and quarter."""
    own = beliefs.filter(pl.col("stay_id") == stay_id).sort("event_index")
    own = own.with_columns(time_h=((pl.col("time_h") / STEP_H).round() * STEP_H).clip(-BEFORE_H)).unique(
        ["time_h", "modality"], keep="last", maintain_order=True
    )
    return [
        {"time_h": time_h, "modality": modality, "value": round(value, 4)}
        for time_h, modality, value in own.select("time_h", "modality", column).drop_nulls(column).iter_rows()
    ]


def _yes_no(evidence: Evidence, asked: pl.DataFrame) -> Iterator[Example]:
    threshold = evidence.metrics.get("threshold")
    if threshold is None:
        return
    words = outcome_words(evidence.metrics["task"])
    for event, flagged, name in (
        (True, True, "Flagged, rightly"),
        (False, False, "Not flagged, rightly"),
        (False, True, "Flagged, wrongly"),
        (True, False, "Not flagged, wrongly"),
    ):
        risk = pl.col("predicted_boolean_probability")
        among = asked.filter((pl.col("boolean_value") == event) & ((risk >= threshold) == flagged)).sort(
            risk, "stay_id"
        )
        if among.is_empty():
            continue
        middle = among.row(among.height // 2, named=True)
        outcome = words.event if event else words.no_event
        text = (
            f"This patient {outcome}. The stay with the middle risk of its kind, so neither the best nor the worst; "
            "dashed: the threshold."
        )
        yield Example(middle["stay_id"], name, text, float(threshold))


def _hours(asked: pl.DataFrame) -> Iterator[Example]:
    error = (pl.col("predicted_float_value") - pl.col("float_value")).abs()
    ordered = asked.drop_nulls("float_value").with_columns(error=error).sort("error", "stay_id")
    if ordered.is_empty():
        return
    for share, name in ((0.1, "A small error"), (0.5, "A middling error"), (0.9, "A large error")):
        chosen = ordered.row(int(share * (ordered.height - 1)), named=True)
        text = f"Of 100 stays, about {100 * share:.0f} are predicted better than this one. Dashed: the actual hours."
        yield Example(chosen["stay_id"], name, text, round(chosen["float_value"]))
