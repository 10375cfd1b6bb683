"""What a published equation says of a stay at a minute, worked by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from timelines import hand, write_data
from wardround.batches.content import Visible, visible_items
from wardround.batches.lines import Lines, open_lines
from wardround.batches.published_risk import published_logit
from wardround.concepts.apache_iv import LOGIT_CODE
from wardround.concepts.derived import DERIVED_CODES
from wardround.errors import DataError
from wardround.tasks.cohort import Window

EVENTS = [
    (1, -30, -30, "aps", "APS//heartrate", 60.0),
    (1, 100, 100, "aps", "APS//heartrate", 130.0),
    (1, 100.5, 100.5, "aps", "APS//meanbp", 55.0),
    (1, 101, 101, "aps", "APS//temperature", 30.0),
    (2, 50, 50, "lab", "LAB//sodium", 140.0),
    (3, 7, 7, "aps", "APS//heartrate", 130.0),
]
EVERYONE = np.arange(3)


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    return open_lines(write_data(tmp_path, hand(EVENTS)), Window())


def odds(lines: Lines) -> list[float]:
    """Those of stay 1 at -30, 100, 100.5 and 101, and of stay 3 at 7."""
    return lines.value[lines.code == lines.codes.index(LOGIT_CODE)].tolist()


def at(lines: Lines, seen: Visible, stay: list[int], minute: list[int]) -> list[float]:
    return published_logit(lines, seen, np.asarray(stay, np.int64), np.asarray(minute, np.int64)).tolist()


def test_the_latest_of_the_stay_itself_by_that_minute(lines: Lines):
    """Half a minute counts as the next whole one; stay 2 never has any, whatever its neighbours have."""
    early, first, _, last, third = odds(lines)
    seen = visible_items(lines, EVERYONE, np.full(3, np.inf))
    minutes = [-31, -30, 99, 100, 101, 10_000]
    expected = [np.nan, early, early, first, last, last]
    assert at(lines, seen, [0] * 6, minutes) == pytest.approx(expected, nan_ok=True)
    assert at(lines, seen, [2, 1, 2, 1, 0], [6, 50, 7, 1 << 32, -31]) == pytest.approx(
        [np.nan, np.nan, third, np.nan, np.nan], nan_ok=True
    )


def test_nothing_that_may_not_be_seen(lines: Lines):
    early, first, *_ = odds(lines)
    cut = visible_items(lines, EVERYONE, np.asarray([100.0, 100.0, 6.0]))
    assert at(lines, cut, [0, 0, 2], [99, 500, 500]) == pytest.approx([early, first, np.nan], nan_ok=True)
    without = visible_items(lines, EVERYONE, np.full(3, np.inf), without=["severity"])
    assert np.isnan(at(lines, without, [0, 2], [500, 500])).all()


def test_stays_are_places_in_those_that_are_seen(lines: Lines):
    *_, third = odds(lines)
    seen = visible_items(lines, np.asarray([2, 1]), np.full(2, np.inf))
    assert at(lines, seen, [0, 1], [500, 500]) == pytest.approx([third, np.nan], nan_ok=True)


def test_nobody_asked_and_data_that_knows_no_such_code(lines: Lines):
    seen = visible_items(lines, EVERYONE, np.full(3, np.inf))
    assert at(lines, seen, [], []) == []
    other = replace(lines, codes=[code.replace(LOGIT_CODE, "OTHER") for code in lines.codes])
    assert np.isnan(at(other, seen, [0, 2], [500, 500])).all()


def test_an_event_of_another_modality_that_has_the_code_is_not_taken_for_the_odds(tmp_path: Path):
    """A hospital may write its own score under a code of the same name: here after each that was computed."""
    plain = open_lines(write_data(tmp_path / "plain", hand(EVENTS)), Window())
    theirs = [(stay, minute, minute, "lab", LOGIT_CODE, 9.0) for stay, minute in ((1, 100), (1, 101), (2, 60), (3, 8))]
    lines = open_lines(write_data(tmp_path / "theirs", hand([*EVENTS, *theirs])), Window())
    asked = [0, 0, 0, 1, 2], [99, 100, 500, 500, 500]
    expected = at(plain, visible_items(plain, EVERYONE, np.full(3, np.inf)), *asked)
    assert np.isfinite(expected).tolist() == [True, True, True, False, True]
    assert at(lines, visible_items(lines, EVERYONE, np.full(3, np.inf)), *asked) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("code", DERIVED_CODES)
def test_a_recorded_event_that_only_wardround_makes_is_refused(code: str, tmp_path: Path):
    data = write_data(tmp_path, hand([*EVENTS, (1, 5, 5, "severity", code, 9.0)]))
    with pytest.raises(DataError, match=r"has 1 events of the modality severity under .*another code or modality"):
        open_lines(data, Window())
    open_lines(write_data(tmp_path / "own", hand([*EVENTS, (1, 5, 5, "severity", "OURS//score", 9.0)])), Window())
