"""Acute physiology points, worked by hand from the published chart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.concepts.acute_physiology import POINTS, acute_physiology_points

NAN = float("nan")
NAMES = (*POINTS, "creatinine", "ph", "pao2", "pco2", "fio2", "eyes", "motor", "verbal")
FLAGS = ("intubated", "vent", "dialysis", "meds")


def points(**values: float) -> float:
    """The points of one stay; whatever is not given is missing."""
    return float(acute_physiology_points({n: np.asarray([values.get(n, NAN)], float) for n in (*NAMES, *FLAGS)})[0])


CHART = """
heartrate        20:8 39:8 40:5 49:5 50:0 99:0 100:1 109:1 110:5 119:5 120:7 139:7 140:13 154:13 155:17 220:17
meanbp           30:23 39:23 40:15 59:15 60:7 69:7 70:6 79:6 80:0 99:0 100:4 119:4 120:7 129:7 130:9 139:9 140:10
temperature      32.9:20 33:16 33.4:16 33.5:13 33.9:13 34:8 34.9:8 35:2 35.9:2 36:0 39.9:0 40:4 42:4
respiratoryrate  5:17 6:8 11:8 12:7 13:7 14:0 24:0 25:6 34:6 35:9 39:9 40:11 49:11 50:18
hematocrit       40.9:3 41:0 49:0 50:3
wbc              0.9:19 1:5 2.9:5 3:0 19.9:0 20:1 24.9:1 25:5
urine            0:15 399:15 400:8 599:8 600:7 899:7 900:5 1499:5 1500:4 1999:4 2000:0 3999:0 4000:1
bun              16.9:0 17:2 19:2 20:7 39:7 40:11 79:11 80:12
sodium           119:3 120:2 134:2 135:0 154:0 155:4
albumin          1.9:11 2:6 2.4:6 2.5:0 4.4:0 4.5:4
bilirubin        1.9:0 2:5 2.9:5 3:6 4.9:6 5:8 7.9:8 8:16
glucose          39:8 40:9 59:9 60:0 199:0 200:3 349:3 350:5
creatinine       0.4:3 0.5:0 1.4:0 1.5:4 1.94:4 1.95:7 9:7
pao2             49:15 50:5 69:5 70:2 79:2 80:0 300:0
"""


@pytest.mark.parametrize("row", CHART.strip().splitlines(), ids=lambda row: row.split()[0])
def test_each_value_alone(row: str):
    name, *pairs = row.split()
    expected = {pair.split(":")[0]: float(pair.split(":")[1]) for pair in pairs}
    assert {value: points(**{name: float(value)}) for value in expected} == expected


def test_every_table_is_in_the_chart():
    assert {*POINTS, "creatinine", "pao2"} == {row.split()[0] for row in CHART.strip().splitlines()}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"creatinine": 1.5, "urine": 409}, 10 + 8),
        ({"creatinine": 1.49, "urine": 409}, 0 + 8),
        ({"creatinine": 1.5, "urine": 410}, 4 + 8),
        ({"creatinine": 5.0, "urine": 100, "dialysis": 1}, 7 + 15),
        ({"creatinine": 5.0, "urine": 100, "dialysis": 0}, 10 + 15),
        ({"creatinine": 5.0}, 7),
    ],
)
def test_acute_renal_failure_needs_little_urine_and_no_chronic_dialysis(values: dict, expected: float):
    assert points(**values) == expected


@pytest.mark.parametrize(
    ("rate", "vent", "expected"), [(12, 1, 0), (6, 1, 0), (12, 0, 7), (13, 1, 7), (5, 1, 17), (30, 1, 6), (12, NAN, 7)]
)
def test_a_slow_rate_that_the_ventilator_sets_has_no_points(rate: float, vent: float, expected: float):
    assert points(respiratoryrate=rate, vent=vent) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # at 100 % oxygen: 713 - PaCO2 - PaO2
        ({"fio2": 100, "pco2": 40, "pao2": 574}, 0),
        ({"fio2": 100, "pco2": 40, "pao2": 573}, 7),
        ({"fio2": 100, "pco2": 40, "pao2": 424}, 7),
        ({"fio2": 100, "pco2": 40, "pao2": 423}, 9),
        ({"fio2": 100, "pco2": 40, "pao2": 323}, 11),
        ({"fio2": 100, "pco2": 40, "pao2": 173}, 14),
        ({"fio2": 50, "pco2": 40, "pao2": 60}, 9),  # 356.5 - 100
        ({"fio2": 49, "pco2": 40, "pao2": 60}, 5),  # less oxygen: PaO2 counts
        ({"fio2": 100, "pco2": 40, "pao2": 60, "intubated": 0}, 5),
        ({"pco2": 40, "pao2": 60}, 5),
        ({"fio2": 100, "pao2": 60}, 0),  # no gradient without PaCO2
    ],
)
def test_oxygen_is_a_gradient_in_the_intubated_on_half_oxygen_or_more(values: dict, expected: float):
    assert points(**{"intubated": 1} | values) == expected


ACID_BASE = """
pH      24  25  30  35  40  45  50
7.19    12  12  12  12  12  12   4
7.20     9   9   6   6   3   3   2
7.30     9   9   0   0   0   1   1
7.34     9   9   0   0   0   1   1
7.35     5   5   0   0   0   1   1
7.44     5   5   0   0   0   1   1
7.45     5   5   0   2   2  12  12
7.50     3   3   3   3  12  12  12
7.59     3   3   3   3  12  12  12
7.60     0   3   3   3  12  12  12
"""


def test_acid_base_by_ph_and_carbon_dioxide():
    (_, *carbon), *rows = (line.split() for line in ACID_BASE.strip().splitlines())
    for ph, *expected in rows:
        assert [points(ph=float(ph), pco2=float(one)) for one in carbon] == [float(one) for one in expected], ph
    assert points(ph=7.1) == points(pco2=20.0) == 0, "one without the other says nothing"


COMA = """
motor   open1 open2 open3 open4 open5   shut1 shut2
6          15    10    10     3     0      16    16
5          15    13    13     8     3      16    16
4          24    24    24    13     3      33    24
3          24    24    24    13     3      33    24
2          29    29    29    13     3      48    29
1          29    29    29    13     3      48    29
"""


def test_coma_by_eyes_motor_and_verbal_response():
    (_, *columns), *rows = (line.split() for line in COMA.strip().splitlines())
    for motor, *expected in rows:
        for column, one in zip(columns, expected, strict=True):
            for eyes in (2, 3, 4) if column.startswith("open") else (1,):
                assert points(eyes=eyes, motor=float(motor), verbal=float(column[-1])) == float(one), (motor, column)


@pytest.mark.parametrize("change", [{"meds": 1}, {"eyes": NAN}, {"motor": NAN}, {"verbal": NAN}])
def test_who_cannot_be_examined_counts_as_awake(change: dict):
    assert points(**{"eyes": 1, "motor": 1, "verbal": 1, "meds": 0}) == 48
    assert points(**{"eyes": 1, "motor": 1, "verbal": 1} | change) == 0


WORST = {
    "heartrate": 200, "meanbp": 20, "temperature": 30, "respiratoryrate": 60, "pao2": 30, "hematocrit": 20, "wbc": 0.5,
    "creatinine": 4, "urine": 50, "bun": 100, "sodium": 170, "albumin": 1, "bilirubin": 20, "glucose": 50, "ph": 7.0,
    "pco2": 40, "eyes": 1, "motor": 1, "verbal": 1,
}  # fmt: skip


def test_the_worst_of_everything_is_252_and_nothing_known_is_0():
    assert points(**WORST) == 252
    assert points() == 0


def test_stays_do_not_touch_each_other():
    both = {name: np.asarray([WORST.get(name, NAN), NAN, WORST.get(name, NAN)], float) for name in (*NAMES, *FLAGS)}
    assert acute_physiology_points(both).tolist() == [252, 0, 252]


value = st.one_of(st.just(NAN), st.floats(-10, 1000), st.floats(width=32, allow_nan=False, allow_infinity=False))


@given(st.fixed_dictionaries({**dict.fromkeys(NAMES, value), **dict.fromkeys(FLAGS, st.sampled_from((NAN, 0.0, 1.0)))}))
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
def test_points_are_whole_and_within_0_to_252(values: dict):
    found = points(**values)
    assert 0 <= found <= 252
    assert found == round(found)
