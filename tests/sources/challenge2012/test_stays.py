"""Records as stays: ids, times, outcomes, and what is not published."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from raw_challenge import RawSet, prepare, record, tiny_set
from raw_eicu import as_text
from wardround.errors import SourceError
from wardround.sources.challenge2012.columns import OUTCOMES
from wardround.sources.raw_table import NEVER, UNREAD
from wardround.sources.subjects import subject_number
from wardround.tasks.cohort import Window, cohort
from wardround.tasks.task import TASKS

ADMISSION = datetime(2001, 7, 1)


def test_a_record_is_a_stay_of_its_own_subject(tmp_path: Path):
    stays = prepare(tiny_set().write(tmp_path / "raw"), tmp_path / "data").stays.sort("stay_id")
    assert stays["stay_id"].to_list() == [132539, 132540, 132541]
    assert stays["subject_id"].to_list() == [subject_number(f"challenge2012 record:{n}") for n in stays["stay_id"]]
    assert as_text(stays.select("stay_id", "age", "sex", "orphan", "died_in_hospital")) == (
        "132539 60 Male True False\n132540 90 Female True True\n132541 60 Male True False"
    )
    assert stays["start"].unique().to_list() == [ADMISSION]
    assert stays["in_unit_until"].unique().to_list() == [ADMISSION + timedelta(hours=48)]
    days = [timedelta(days=7), timedelta(days=3), None]
    assert stays["hospital_end"].to_list() == [each and ADMISSION + each for each in days]
    for name in ("end", "hospital_start", "hospital_id", "year", "died_in_unit", "los_h"):
        assert stays[name].null_count() == 3, name


@pytest.mark.parametrize(
    ("days", "died", "expected", "reason"),
    [
        ("2", "0", (48, False), None),
        ("1", "0", (None, False), "impossible length of stay"),
        ("0", "1", (None, True), "impossible length of stay"),
        ("-7", "1", (None, True), "impossible length of stay"),
        ("99999", "1", (None, True), "impossible length of stay"),
        ("-1", "1", (None, True), "no length of stay (-1)"),
        ("5", "2", (120, None), "in-hospital death not 0 or 1"),
        ("", "", (None, None), None),
    ],
)
def test_an_outcome_that_cannot_be_is_null_and_counted(
    days: str, died: str, expected: tuple, reason: str | None, tmp_path: Path
):
    data = prepare(RawSet().add(7, days=days, died=died).write(tmp_path / "raw"), tmp_path / "data")
    stay = data.stays.row(0, named=True)
    end_h = stay["hospital_end"] and (stay["hospital_end"] - ADMISSION) / timedelta(hours=1)
    assert (end_h, stay["died_in_hospital"]) == expected
    account = data.ledger["outcomes"]
    assert (account["rows_out"], account.get("values_set_aside", {})) == (1, {reason: 1} if reason else {})


def test_without_outcomes_the_labels_are_null(tmp_path: Path):
    raw = RawSet(outcomes=None).add(7, "01:00,HR,70")
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert set(data.ledger) == {"records", "observations"}
    assert data.stays.select("hospital_end", "died_in_hospital").row(0) == (None, None)
    asked = cohort(data.stays, Window(at_h=48), TASKS["mortality"], labelled=False)
    assert asked.frame["stay_id"].to_list() == [7]


def test_a_record_without_a_row_of_outcomes_has_no_label(tmp_path: Path):
    raw = RawSet().add(7).add(8)
    raw.outcomes = [row for row in raw.outcomes or [] if not row.startswith("8,")] + ["9,1,1,5,-1,0"]
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert dict(data.stays.select("stay_id", "died_in_hospital").iter_rows()) == {7: False, 8: None}
    assert data.ledger["outcomes"]["set_aside"] == {"no such stay": 1}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: lines[1:], "record states no RecordID"),
        (lambda lines: ["00:00,RecordID,8", *lines[1:]], "file name and RecordID differ"),
        (lambda lines: ["00:00,RecordID,8", *lines], "not a number: StatedID"),
        (lambda lines: ["00:00,Age,61", *lines], "not a number: Age"),
        (lambda lines: ["00:00,RecordID,7.5", *lines[1:]], "not a whole number: StatedID"),
    ],
)
def test_a_record_that_is_none_is_set_aside_with_its_lines(change, reason: str, tmp_path: Path):
    raw = RawSet().add(5, "01:00,HR,70")
    raw.records["7.txt"] = change(record(7, "01:00,HR,70"))
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["records"] == {"rows_in": 2, "rows_out": 1, "set_aside": {reason: 1}}
    assert data.ledger["observations"]["set_aside"]["no such stay"] == len(raw.records["7.txt"])
    assert data.stays["stay_id"].to_list() == [5]


def test_one_id_in_two_sets_is_nobodys(tmp_path: Path):
    RawSet("a").add(7, "01:00,HR,70").add(8).write(tmp_path / "raw")
    RawSet("b").add(7, "01:00,HR,90").write(tmp_path / "raw")
    data = prepare(tmp_path / "raw", tmp_path / "data")
    assert data.stays["stay_id"].to_list() == [8]
    assert data.ledger["records"]["set_aside"] == {"RecordID used for several files": 2}


def test_a_folder_without_a_usable_record_is_refused(tmp_path: Path):
    raw = RawSet()
    raw.records["7.txt"] = record(8)
    with pytest.raises(SourceError, match=r"no usable stay \(file name and RecordID differ: 1\)"):
        prepare(raw.write(tmp_path / "raw"), tmp_path / "data")


@pytest.mark.parametrize(("age", "expected"), [("-1", None), ("200", None), ("", None), ("54.5", 54.5), ("90", 90.0)])
def test_an_age_is_known_or_null(age: str, expected: float | None, tmp_path: Path):
    data = prepare(RawSet().add(7, age=age).write(tmp_path / "raw"), tmp_path / "data")
    assert data.stays["age"].item() == expected


def test_every_adult_is_in_the_cohort_up_to_the_48th_hour_and_nobody_later(tmp_path: Path):
    raw = tiny_set().add(20, days=2).add(21, age=15)
    stays = prepare(raw.write(tmp_path / "raw"), tmp_path / "data").stays
    for hour in (0, 24, 48):
        made = cohort(stays, Window(at_h=hour), TASKS["mortality"])
        assert made.frame["stay_id"].to_list() == [20, 132539, 132540, 132541]
        assert made.excluded == {"age unknown or under 18": 1}
    remaining = cohort(stays, Window(at_h=48), TASKS["los_remaining"])
    assert dict(remaining.frame.select("stay_id", "label").iter_rows()) == {20: 0.0, 132539: 120.0, 132540: 24.0}
    assert remaining.excluded["no label"] == 1


def test_nothing_of_the_outcomes_may_be_an_input():
    """`AVAILABILITY.md`, Challenge 2012."""
    for name in ("SAPS-I", "SOFA", "Survival"):
        assert OUTCOMES.columns[name][1] is UNREAD
    for name in ("Length_of_stay", "In-hospital_death"):
        assert OUTCOMES.columns[name][1] is NEVER


def test_the_outcomes_move_no_event(tmp_path: Path):
    raw = tiny_set()
    events = prepare(raw.write(tmp_path / "raw"), tmp_path / "data").events
    raw.outcomes = [f"{row.split(',')[0]},99,99,40,2,1" for row in raw.outcomes or []]
    other = prepare(raw.write(tmp_path / "other"), tmp_path / "other-data")
    assert other.events.equals(events)
    assert other.stays["died_in_hospital"].all()
    assert other.stays["hospital_end"].unique().to_list() == [ADMISSION + timedelta(days=40)]
