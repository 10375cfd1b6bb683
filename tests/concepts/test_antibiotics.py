"""Which orders are of antibiotics, by name and route."""

import pytest

from concept_timelines import at, events
from wardround.concepts.antibiotics import antibiotics


@pytest.mark.parametrize(
    ("drug", "route", "counts"),
    [
        ("VANCOMYCIN", "IV", True),
        ("VANCOMYCIN ORAL LIQUID", "PO", True),
        ("PIPERACILLIN-TAZOBACTAM", "IV", True),
        ("SULFAMETH/TRIMETHOPRIM DS", "PO", True),
        ("CIPROFLOXACIN HCL", None, True),
        ("CIPROFLOXACIN 0.3% OPHTH SOLN", "OU", False),
        ("CIPROFLOXACIN", "LEFT EAR", False),
        ("CIPROFLOXACIN", "BOTH EYES", False),
        ("MUPIROCIN", "TP", False),
        ("MUPIROCIN CREAM 2%", "NU", False),
        ("METRONIDAZOLE GEL", "VG", False),
        ("INSULIN", "SC", False),
        ("ACYCLOVIR", "IV", False),
    ],
)
def test_which_orders_count(drug: str, route: str | None, counts: bool):
    made = antibiotics(events((1, 30, f"MEDICATION//NAME//{drug}", route, 40)))
    assert made.rows() == ([(1, at(30), at(40))] if counts else [])


def test_a_dose_is_no_order_and_orders_of_one_minute_are_one():
    two = [(1, 30, f"MEDICATION//NAME//{drug}", "IV") for drug in ("CEFEPIME", "VANCOMYCIN")]
    assert antibiotics(events(*two, (1, 90, "MEDICATION//GIVEN//CEFEPIME", None))).rows() == [(1, at(30), at(30))]
