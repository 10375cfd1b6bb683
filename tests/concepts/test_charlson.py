"""The comorbidity index by hand, from the repository's lists of codes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concept_timelines import events, rows, stays, values
from wardround.concepts.charlson import COMORBIDITIES, charlson

DX = "DIAGNOSIS//ICD//"
DISCHARGE = 5 * 60 + 600  # of a stay of 5 h, minutes since unit admission


def index(*codes: str, age: float = 40, late_decades: bool = False) -> float:
    made = charlson(events(*((1, DISCHARGE, DX + code, None) for code in codes)), stays({1: 5}, age), late_decades)
    (value,) = values(made, "charlson").values()
    return value


EXAMPLES = """
myocardial_infarct           1  9//41071 9//412 10//I214 10//I252
congestive_heart_failure     1  9//4280 9//4254 9//4259 9//40291 10//I5021 10//I429 10//I110
peripheral_vascular_disease  1  9//4400 9//4439 9//V434 10//I714 10//K559
cerebrovascular_disease      1  9//43491 9//36234 9//438 10//I639 10//G459 10//I69351
dementia                     1  9//2900 9//2941 10//F0390 10//G309
chronic_pulmonary_disease    1  9//496 9//4168 9//505 10//J449 10//I279
rheumatic_disease            1  9//7140 9//725 10//M069 10//M353
peptic_ulcer_disease         1  9//5310 10//K259 10//K289
mild_liver_disease           1  9//5712 9//07054 10//K7460 10//K7689 10//B182
diabetes_without_cc          1  9//25000 9//2508 10//E119 10//E1010
diabetes_with_cc             2  9//25040 9//2507 10//E1122 10//E1021
paraplegia                   2  9//3420 9//3449 10//G8191 10//G839
renal_disease                2  9//5856 9//V451 9//40301 10//N186 10//Z992
malignant_cancer             2  9//1629 9//1740 9//1958 9//20280 10//C3490 10//C4A9
severe_liver_disease         3  9//5722 9//4560 10//K7290 10//I8501
metastatic_solid_tumor       6  9//1970 10//C787
aids                         6  9//042 10//B20
"""


@pytest.mark.parametrize("line", EXAMPLES.strip().splitlines(), ids=lambda line: line.split()[0])
def test_each_comorbidity_alone(line: str):
    name, points, *codes = line.split()
    for code in codes:
        made = charlson(events((1, DISCHARGE, DX + code, None)), stays({1: 5}, age=40))
        assert {row[1] for row in rows(made) if row[4]} == {"charlson", f"charlson_{name}"}, code
        assert values(made, "charlson") == {15.0: float(points)}, code


def test_every_comorbidity_has_examples():
    assert [line.split()[0] for line in EXAMPLES.strip().splitlines()] == list(COMORBIDITIES)


@pytest.mark.parametrize(
    "code",
    ["9//4253", "9//V45", "9//1959", "9//4299", "10//4280", "9//I50", "10//C449", "10//C7B00", "10//E10", "10//I24"],
)
def test_codes_beside_a_list(code: str):
    assert index(code) == 0


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (("9//5712", "9//5722"), 3),  # of a mild and a severe form the severe one alone
        (("10//E119", "10//E1122"), 2),
        (("10//C3490", "10//C787"), 6),
        (("9//412", "10//I252"), 1),
        ((), 0),
        (tuple(line.split()[2] for line in EXAMPLES.strip().splitlines()), 29),
    ],
)
def test_points_together(codes: tuple[str, ...], expected: float):
    assert index(*codes) == expected


@pytest.mark.parametrize(
    ("age", "points", "late"),
    [(18, 0, 0), (49, 0, 0), (50, 1, 0), (51, 1, 1), (59, 1, 1), (60, 2, 1), (70, 3, 2), (80, 4, 3), (81, 4, 4)],
)
def test_points_of_age(age: float, points: float, late: float):
    """A decade counts from its first year on: 1994's paper has 50 to 59 years as 1. Once it was from 51 on."""
    assert index(age=age) == points
    assert index(age=age, late_decades=True) == late


def test_without_an_age_there_are_the_comorbidities_alone():
    made = charlson(
        events((1, DISCHARGE, DX + "9//412", None)), stays({1: 5}).with_columns(age=None).cast({"age": float})
    )
    assert {row[1] for row in rows(made)} == {f"charlson_{name}" for name in COMORBIDITIES}


def test_known_at_discharge_or_when_it_was_coded_if_that_is_later():
    """Stay 2 was coded, though nobody knows when it was discharged; of stay 3 nobody knows that it will not be."""
    coded = events((1, DISCHARGE, DX + "9//412", None, DISCHARGE + 30), (2, 900, DX + "9//412", None))
    made = charlson(coded, stays({1: 5, 2: None, 3: None, 4: 5}))
    known = {row[0]: row[2:] for row in rows(made, "charlson")}
    assert known == {1: (15.5, DISCHARGE + 30, 3.0), 2: (15.0, 900.0, 3.0), 4: (15.0, DISCHARGE, 2.0)}


@given(
    st.lists(st.sampled_from([code for line in EXAMPLES.strip().splitlines() for code in line.split()[2:]])), st.data()
)
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
def test_one_more_diagnosis_never_lowers_the_index(codes: list[str], data: st.DataObject):
    fewer = data.draw(st.lists(st.sampled_from(codes))) if codes else []
    assert index(*fewer) <= index(*codes) <= 29
