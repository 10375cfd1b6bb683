"""Type of admission and services."""

import polars as pl

from concept_timelines import at, events, stays
from wardround.concepts.admission import admissions
from wardround.events import TIME

KIND, SERVICE = "ADMISSION_TYPE//", "SERVICE//"


def told(*made: tuple, length: float = 40) -> dict[str, object]:
    return admissions(events(*made), stays({1: length})).to_dicts()[0]


def test_the_first_service_of_the_hospital_stay_and_any_by_the_end_of_the_day():
    found = told(
        (1, 0, f"{KIND}ELECTIVE", None), (1, -80, f"{SERVICE}MED", None), (1, 1439, f"{SERVICE}CSURG", None, 1445)
    )  # fmt: skip
    assert found == {
        "stay_id": 1, "elective": True, "first_service": "MED", "surgical_day": True, "admission_known": at(1445)
    }  # fmt: skip


def test_what_comes_after_the_day_or_lies_in_an_earlier_hospital_stay_does_not_count():
    """The hospital stay begins 90 min before the unit; a service may be written up to 24 h before it."""
    found = told(
        (1, -90 - 1441, f"{SERVICE}CSURG", None), (1, -95, f"{SERVICE}MED", None), (1, 1440, "SERVICE//SURG", None)
    )
    assert (found["first_service"], found["surgical_day"], found["elective"]) == ("MED", False, None)


def test_without_a_time_of_hospital_admission_the_last_day_counts():
    whose = stays({1: 40}).with_columns(hospital_start=pl.lit(None, TIME))
    made = [(1, -300 * 1440, f"{SERVICE}CSURG", None), (1, -100, f"{SERVICE}MED", None)]
    assert admissions(events(*made), whose)["first_service"].to_list() == ["MED"]


def test_orthopaedics_is_surgical_but_no_surgical_first_service():
    found = told((1, 0, f"{SERVICE}ORTHO", None), (1, 0, f"{KIND}URGENT", None))
    assert (found["first_service"], found["surgical_day"], found["elective"]) == ("ORTHO", True, False)


def test_a_second_unit_stay_has_the_services_of_its_hospital_stay():
    both = stays({1: 5, 2: 40}).with_columns(
        subject_id=pl.lit(7, pl.Int64), start=pl.col("start") + pl.duration(hours=pl.col("stay_id") * 10 - 10)
    )
    found = admissions(events((1, 0, f"{SERVICE}CSURG", None)), both).sort("stay_id")
    assert found["first_service"].to_list() == ["CSURG", "CSURG"]


def test_what_is_elective_can_be_said():
    made = events((1, 0, f"{KIND}SURGICAL SAME DAY ADMISSION", None))
    assert admissions(made, stays({1: 5}))["elective"].to_list() == [False]
    wider = ("ELECTIVE", "SURGICAL SAME DAY ADMISSION")
    assert admissions(made, stays({1: 5}), wider)["elective"].to_list() == [True]
