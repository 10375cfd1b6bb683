"""The page of a comparison: what it says, what it hides, what it escapes."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from wardround.compare.outcome import Line, Outcome, table_of
from wardround.compare.page import comparison_page, gives_away
from wardround.compare.pooled import Difference, Judged
from wardround.compare.workings import duration
from wardround.compare.written import as_csv, as_json
from wardround.evaluate.page import write_page
from wardround.evaluate.small_cells import NOT_SHOWN, SMALL
from wardround.metrics.bootstrap import Interval
from wardround.tables import comparison_lines

FACTS: dict[str, Any] = {
    "method": "boosting", "encoders": None, "settings": [], "seeds": [0], "cells": 1, "seconds": 75.0, "searches": 0,
    "trials_allowed": 0, "trials": 0, "trials_failed": 0, "chosen": [],
}  # fmt: skip
ABOUT = {
    "kind": "recipe", "protocol": "causal", "at_h": 24.0, "draws": 60, "split_by": "patient", "split_seeds": [0],
    "folds": None, "asked": "the test side of each split",
}  # fmt: skip


def predicted(stays: int, deaths: int, noise: float, hours: bool = False) -> pl.DataFrame:
    rng = np.random.default_rng(int(noise * 10))
    died = (np.arange(stays) < deaths).astype(float)
    prob = np.clip(0.2 + 0.4 * died + rng.normal(0, noise, stays), 0.01, 0.99)
    columns = {"subject_id": np.arange(stays), "stay_id": np.arange(stays), "label": died * 40 if hours else died}
    table = pl.DataFrame(columns | {"predicted": prob})
    return table if hours else table.with_columns(flagged=(pl.col("predicted") > 0.4).cast(pl.Float64))


def outcome(stays: int = 300, deaths: int = 90, task: str = "mortality", **named: Any) -> Outcome:
    hours = task != "mortality"
    rows = {
        name: {"0": [predicted(stays, deaths, noise, hours)]} for name, noise in (("a", 0.2), ("b", 0.3), ("c", 0.4))
    }
    lines = [Line(name, FACTS, reports=[("cell", f"runs/{name}/report.html")]) for name in rows]
    return Outcome(ABOUT, [table_of(task, "a", rows, lines, 60, 0)], **named)


def page(found: Outcome, folder: Path) -> str:
    write_page(folder / "report.html", comparison_page(found))
    return (folder / "report.html").read_text()


def test_every_row_stands_in_the_tables_and_both_pictures(tmp_path: Path):
    said = page(outcome(), tmp_path)
    assert said.count('class="chart"') == 2
    for text in ("AUROC by row", "Against a", "p, Holm", 'href="runs/b/report.html"', "1.2 min"):
        assert text in said
    assert "http" not in said.replace("http://www.w3.org", "")
    assert "<script" not in said


def test_what_is_tested_and_what_chance_alone_gives_is_said(tmp_path: Path):
    found = outcome()
    said = page(found, tmp_path)
    assert "2 comparisons of AUROC are tested." in said
    assert "about 0.1 of 2 would leave 0 out by chance" in said
    assert f"about {0.05 * found.n_described():.2g} of the {found.n_described()} differences in other measures" in said
    assert "The smallest p that 60 draws can give is 0.033" in said
    assert found.n_described() == 2 * 8
    p = [found.tables[0].lines[place].judged.differences["auroc"].p for place in (1, 2)]
    assert list(found.adjusted().values()) == [
        min(1, 2 * min(p)) if one == min(p) else max(2 * min(p), one) for one in p
    ]


def test_what_sees_past_the_prediction_time_is_said_before_any_number_and_written_down(tmp_path: Path):
    """The stamp of the paper protocol, as on the page of an evaluation: which modalities, and in which rows."""

    def stamped(*past: list[str]) -> Outcome:
        (table,) = outcome().tables
        facts = [FACTS | {"sees_past_prediction": names} for names in past]
        lines = [replace(line, facts=one) for line, one in zip(table.lines, facts, strict=True)]
        return Outcome(ABOUT | {"protocol": "paper"}, [replace(table, lines=lines)])

    alike, apart = (stamped(["lab", "aps"], *others) for others in (2 * [["lab", "aps"]], [["lab"], []]))
    for found, by_row in ((alike, False), (apart, True)):
        said = page(found, tmp_path)
        assert "Sees past the prediction time: lab, aps" in said
        assert said.index("Sees past") < said.index("AUROC by row")
        assert ("By row: a: lab, aps; b: lab." in said) == by_row
        assert comparison_lines(as_json(found))[0] == "SEES PAST THE PREDICTION TIME: lab, aps"
    rows = {row["row"]: row for row in csv.DictReader(as_csv(apart).splitlines())}
    assert [rows[name]["sees_past_prediction"] for name in "abc"] == ["lab aps", "lab", ""]
    assert {row["protocol"] for row in rows.values()} == {"paper"}
    assert as_json(apart)["tables"][0]["rows"][1]["facts"]["sees_past_prediction"] == ["lab"]
    unseen = page(stamped([], [], []), tmp_path)
    assert "Values count from the time they describe" in unseen
    causal = page(outcome(), tmp_path)
    assert "Sees past" not in causal
    assert "Values count" not in causal


def test_a_search_that_time_ended_is_said_before_any_number(tmp_path: Path):
    search = {
        "trials": {"boosting": 9}, "equal": True, "not_searched": [], "minutes": 1.0,
        "objective": {"mortality": "auroc"},
        "stopped_by_time": {"b, mortality, split 0": "2 of 9"},
    }  # fmt: skip
    said = page(outcome(search=search), tmp_path)
    assert "Time ended some searches." in said
    assert "b, mortality, split 0: 2 of 9" in said
    assert "Not every row was searched." not in said


def test_small_counts_are_hidden_and_said_to_be_few(tmp_path: Path):
    said = page(outcome(300, 7), tmp_path)
    assert f"{SMALL.replace('<', '&lt;')} deaths." in said
    assert '<td class="number">7</td>' not in said


def judged(sensitivity: float | None, ppv: float | None, n_events: int) -> Judged:
    def entry(value: float | None) -> Interval:
        return Interval(value=value, low=None, high=None, dropped=0)

    return Judged(500, 400, n_events, {"sensitivity": entry(sensitivity), "ppv": entry(ppv)}, {})


@pytest.mark.parametrize(
    ("sensitivity", "ppv", "hidden"),
    [(0.5, 0.5, False), (0.05, 0.5, True), (0.95, 0.5, True), (0.5, 0.95, True), (1.0, 0.5, False), (None, None, True)],
)
def test_shares_that_give_away_a_small_count_are_hidden(sensitivity: float | None, ppv: float | None, hidden: bool):
    assert gives_away(judged(sensitivity, ppv, 100)) == hidden


def test_shares_are_hidden_on_the_page(tmp_path: Path):
    few = page(outcome(300, 12), tmp_path)
    many = page(outcome(3000, 900), tmp_path)
    assert few.count(NOT_SHOWN) > many.count(NOT_SHOWN)


def test_a_difference_does_not_give_away_what_its_reference_hides(tmp_path: Path):
    """A value that is shown less a difference that is shown would be the value that is not."""
    flags = predicted(600, 200, 0.3)
    timid = flags.with_columns(flagged=(pl.col("stay_id") < 5).cast(pl.Float64))
    rows = {"a": {"0": [timid]}, "b": {"0": [flags]}}
    found = Outcome(ABOUT, [table_of("mortality", "a", rows, [Line("a", FACTS), Line("b", FACTS)], 60, 0)])
    judged_rows = [line.judged for line in found.tables[0].lines]
    assert [one is not None and gives_away(one) for one in judged_rows] == [True, False]
    described = page(found, tmp_path).split("Differences in other measures")[1].split("</table>")[0]
    assert described.rstrip().split("<td")[-1].split(">")[1].startswith(NOT_SHOWN)


def test_hours_are_better_to_the_left(tmp_path: Path):
    said = page(outcome(task="los_remaining"), tmp_path)
    assert "To the left of the dashed line the row is better" in said
    assert "Below 0 the row is better." in said
    assert "deaths" not in said


def test_names_are_escaped(tmp_path: Path):
    found = outcome(notes=["<b>note</b>"])
    assert "&lt;b&gt;note" in page(found, tmp_path)
    assert "<b>note" not in page(found, tmp_path)


def test_a_row_that_failed_stands_with_its_reason(tmp_path: Path):
    whole = outcome()
    table = whole.tables[0]
    lines = [*table.lines, Line("d", FACTS, failed={"d, split 0": "the loss is not finite"})]
    found = Outcome(ABOUT, [type(table)("mortality", "a", lines)])
    said = page(found, tmp_path)
    assert "1 cell failed." in said
    assert "d: failed" in said
    assert "the loss is not finite" in said
    assert "FAILED d, split 0: the loss is not finite" in comparison_lines(as_json(found))


def test_the_terminal_says_what_is_tested():
    lines = comparison_lines(as_json(outcome()))
    assert lines[0].split() == ["mortality", "auroc", "[95", "%", "interval]", "less", "a", "p", "p,", "Holm"]
    assert lines[-1].startswith("Differences tested: 2;")


def test_a_p_without_a_value_is_a_dash(tmp_path: Path):
    """One class alone: no AUROC, no difference, no picture, and no error."""
    said = page(outcome(40, 0), tmp_path)
    assert NOT_SHOWN in said
    assert 'class="chart"' not in said


def test_lengths_of_time():
    assert [duration(seconds) for seconds in (3.4, 75, 7300)] == ["3 s", "1.2 min", "2.0 h"]


def test_a_difference_knows_its_stays():
    one = outcome().tables[0].lines[1].judged
    assert one is not None
    assert isinstance(one.differences["auroc"], Difference)
    assert one.differences["auroc"].n_stays == 300
