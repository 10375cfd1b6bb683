"""APACHE IV of a stay: by hand, never from what is known later, and against the scores that eICU stores."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raw_eicu import demo_folder, prepare
from wardround.concepts.apache_iv import COLUMNS, LOGIT_CODE, POINTS_CODE, apache_iv
from wardround.concepts.derived import DERIVED_CODES, derived_events, derived_from
from wardround.events import EVENT_COLUMNS

NAN = float("nan")
START = datetime(2001, 7, 1)
CLOCKS = ("available_time", "time")

Row = tuple[int | None, float, float, str, str, float | None]


def frame(rows: list[Row]) -> pl.DataFrame:
    """Events by stay, minute, minute of availability, modality, code, value."""
    made = [(s, START + timedelta(minutes=t), START + timedelta(minutes=a), m, c, v) for s, t, a, m, c, v in rows]
    return pl.DataFrame(made, {name: EVENT_COLUMNS[name] for name in COLUMNS}, orient="row")


def scores(events: pl.DataFrame, clock: str = "available_time") -> list[tuple[int, float, float, float, float]]:
    """Stay, minute, minute of availability, points, log odds of each time."""
    made = apache_iv(events, clock)  # type: ignore[arg-type]
    assert set(made["modality"]) <= {"severity"}
    points, logits = (made.filter(code=code) for code in (POINTS_CODE, LOGIT_CODE))
    both = points.join(logits, on=["stay_id", "time", "available_time"], validate="1:1", maintain_order="left")
    assert both.height * 2 == made.height
    minutes = [(both[name] - START).dt.total_seconds() / 60 for name in ("time", "available_time")]
    return list(zip(both["stay_id"], *minutes, both["numeric_value"], both["numeric_value_right"], strict=True))


def aps(name: str, value: float | None, available: float = 1440, stay: int | None = 1) -> Row:
    return (stay, 0, available, "aps", f"APS//{name}", value)


def flag(name: str, available: float = 1440) -> Row:
    return (1, 0, available, "aps", f"APACHE//{name}", None)


def diagnosis(words: str, available: float = 1440) -> Row:
    return (1, 0, available, "diagnosis", f"APACHE//ADMISSION_DX//{words}", None)


def source(name: str) -> Row:
    return (1, 0, 0, "demographics", f"UNITADMITSOURCE//{name}", None)


STAY: list[Row] = [
    (1, 0, 0, "demographics", "AGE", 70.0),
    (1, 0, 0, "demographics", "BEFORE_UNIT//h", 24.0),
    source("Floor"),
    diagnosis("Sepsis, pulmonary"),
    aps("heartrate", 130),
    aps("meanbp", 55),
    aps("temperature", 38.5),
    aps("respiratoryrate", 30),
    aps("creatinine", 2.0),
    aps("pao2", 60),
    aps("fio2", 40),
    aps("ph", 7.45),
    aps("pco2", 37),
    aps("eyes", 3),
    aps("motor", 6),
    aps("verbal", 4),
    flag("oobventday1"),
    flag("cirrhosis"),
]


def logit_of(rows: list[Row]) -> float:
    return scores(frame(rows))[-1][4]


def test_a_stay_by_hand():
    points = 7 + 15 + 0 + 6 + 7 + 5 + 2 + 3  # in the order of `STAY`: heart to creatinine, oxygen, acid-base, coma
    age = 0.024177455 * 70 - 4.38862e-6 * 43**3 + 5.01422e-5 * 19**3 - 1.27787e-4 * 6**3
    physiology = 0.055634916 * 45 + 8.71852e-6 * 35**3 - 4.51101e-5 * 23**3 + 5.038e-5 * 13**3
    a_day_before = -0.310487496 + 1.474672511 * 0.879**3 - 2.8618857 * 0.577**3 + 1.42165901 * 0.206**3
    ventilated, oxygen, coma = 0.271760036, -0.000397068 * (60 / 0.40), 0.039117532 * (15 - 13)
    cirrhosis, floor, sepsis = 0.814665088, 0.017149193, -0.258766455
    logit = age + physiology + a_day_before + ventilated + oxygen + coma + cirrhosis + floor + sepsis - 5.950471952
    assert points == 45
    assert scores(frame(STAY)) == [(1, 0, 1440, 45, pytest.approx(logit, abs=1e-6))]


@pytest.mark.parametrize(
    ("more", "change"),
    [
        ([flag("aids")], 0.958100516 - 0.814665088),  # before cirrhosis in the list
        ([flag("immunosuppression")], 0.435581083 - 0.814665088),
        ([flag("thrombolytics")], 0.0),  # no infarction
        ([flag("electivesurgery")], 0.0),  # no operation
        ([flag("diedinhospital"), flag("midur")], 0.0),
        ([(1, 0, 0, "history", "APACHE//aids", None)], 0.0),  # of another modality
    ],
    ids=lambda more: more[0][4] if isinstance(more, list) else "",
)
def test_what_a_flag_adds(more: list[Row], change: float):
    assert logit_of([*STAY, *more]) - logit_of(STAY) == pytest.approx(change, abs=2e-6)


@pytest.mark.parametrize(
    ("words", "more", "expected"),
    [
        ("Infarction, acute myocardial (MI)", [], 0.0),
        ("Infarction, acute myocardial (MI)", [flag("thrombolytics")], -0.579874039),
        ("CABG alone, coronary artery bypass grafting", [], -2.3 + 0.249073458),
        ("CABG alone, coronary artery bypass grafting", [flag("electivesurgery")], -2.3),
        ("Nobody knows", [], -0.667576408),
    ],
)
def test_what_a_diagnosis_adds(words: str, more: list[Row], expected: float):
    """Instead of pneumonic sepsis; an operation that is not elective is an emergency."""
    rows = [diagnosis(words) if row[3] == "diagnosis" else row for row in STAY]
    assert logit_of([*rows, *more]) - logit_of(STAY) == pytest.approx(expected + 0.258766455, abs=2e-6)


@pytest.mark.parametrize(
    ("name", "change"), [("Operating Room", -0.583828121), ("Other Hospital", 0.022106266), ("Direct Admit", 0.0)]
)
def test_where_from(name: str, change: float):
    rows = [source(name) if row[4].startswith("UNITADMIT") else row for row in STAY]
    assert logit_of(rows) - logit_of(STAY) == pytest.approx(change - 0.017149193, abs=2e-6)


def test_who_is_too_sedated_to_be_examined():
    """0.786 in place of the coma scale, and no coma points: 42 of 45."""
    spline = [
        0.055634916 * p + 8.71852e-6 * (p - 10) ** 3 - 4.51101e-5 * (p - 22) ** 3 + 5.038e-5 * (p - 32) ** 3
        for p in (45, 42)
    ]
    made = scores(frame([*STAY, aps("meds", 1)]))[-1]
    assert made[3] == 42
    expected = 0.785764316 - 0.039117532 * 2 + spline[1] - spline[0]
    assert made[4] - logit_of(STAY) == pytest.approx(expected, abs=2e-6)


def test_what_is_missing_counts_as_normal():
    """One value is enough. No blood gas: 80 mmHg in room air. No age: 65."""
    said = [aps("temperature", 37), aps("pao2", 80), aps("fio2", 21), diagnosis("Nobody knows")]
    said += [(1, 0, 0, "demographics", "AGE", 65.0), (1, 0, 0, "demographics", "BEFORE_UNIT//h", 0.0)]
    assert scores(frame([aps("temperature", 37)])) == [(1, 0, 1440, 0, pytest.approx(logit_of(said), abs=1e-6))]


def test_a_stay_without_physiology_has_no_row():
    without = [row for row in STAY if not row[4].startswith("APS//")]
    assert scores(frame([*without, aps("vent", 1), aps("meds", 1)])) == []


@pytest.mark.parametrize("value", [None, NAN, float("inf"), -float("inf")])
def test_a_value_that_is_no_number_is_missing(value: float | None):
    assert scores(frame([aps("heartrate", value)])) == []
    assert scores(frame([*STAY, aps("bun", value)])) == scores(frame(STAY))


def test_events_of_no_stay_and_none_at_all():
    assert scores(frame([aps("heartrate", 200, stay=None)])) == []
    empty = apache_iv(frame([]))
    assert empty.schema == {name: EVENT_COLUMNS[name] for name in COLUMNS}
    assert empty.is_empty()


# When it is known


def test_a_row_whenever_something_becomes_known():
    """The age is there first and makes no row alone; a later heart rate takes the place of the earlier."""
    rows = [
        (1, 0, 0, "demographics", "AGE", 60.0),
        aps("heartrate", 130, 60),
        aps("heartrate", 90, 120),
        aps("meanbp", 55, 300),
        aps("heartrate", 200, 90, stay=2),
    ]
    made = scores(frame(rows))
    assert [row[:4] for row in made] == [(1, 0, 60, 7), (1, 0, 120, 0), (1, 0, 300, 15), (2, 0, 90, 17)]


def test_each_clock_puts_a_score_at_the_latest_of_its_inputs():
    """By availability 150 and 900; by the times they describe, 10 and 100, known when both are."""
    rows = [(1, 100, 150, "aps", "APS//heartrate", 130.0), (1, 10, 900, "aps", "APS//meanbp", 55.0)]
    assert [row[:4] for row in scores(frame(rows))] == [(1, 100, 150, 7), (1, 100, 900, 22)]
    assert [row[:4] for row in scores(frame(rows), "time")] == [(1, 10, 900, 15), (1, 100, 900, 22)]


INPUT = st.sampled_from(
    [
        ("aps", "APS//heartrate"), ("aps", "APS//ph"), ("aps", "APS//pco2"), ("aps", "APS//verbal"),
        ("aps", "APS//meds"), ("aps", "APACHE//aids"), ("demographics", "AGE"),
        ("demographics", "UNITADMITSOURCE//Floor"),
        ("diagnosis", "APACHE//ADMISSION_DX//Sepsis, gi"), ("diagnosis", "APACHE//ADMISSION_DX//CABG alone"),
        ("lab", "LAB//sodium"), ("score", "APACHE//IVa//acutephysiologyscore"),
    ]
)  # fmt: skip
EVENT = st.tuples(
    st.integers(1, 2),
    st.integers(-20, 60),
    st.sampled_from((0, 0, 1, 30)),
    INPUT,
    st.one_of(st.none(), st.sampled_from((1.0, 7.2, 35.0, 140.0)), st.floats(width=32)),
)
LINES = st.lists(EVENT, max_size=12).map(lambda events: frame([(s, t, t + d, *i, v) for s, t, d, i, v in events]))
BY_HYPOTHESIS = settings(max_examples=40, deadline=None, derandomize=True, database=None)


@pytest.mark.parametrize("clock", CLOCKS)
@given(past=LINES, later=LINES, cut=st.integers(-10, 50))
@BY_HYPOTHESIS
def test_what_becomes_known_later_changes_no_row_before_it(
    clock: str, past: pl.DataFrame, later: pl.DataFrame, cut: int
):
    at = START + timedelta(minutes=cut)
    past, later = past.filter(pl.col(clock) <= at), later.filter(pl.col(clock) > at)
    together = apache_iv(pl.concat([later, past]), clock)  # type: ignore[arg-type]
    alone = apache_iv(past, clock)  # type: ignore[arg-type]
    assert together.filter(pl.col(clock) <= at).equals(alone)


@pytest.mark.parametrize("clock", CLOCKS)
@given(events=LINES, seed=st.integers(0, 9))
@BY_HYPOTHESIS
def test_the_order_of_the_rows_and_duplicates_carry_nothing_and_every_score_is_a_number(
    clock: str, events: pl.DataFrame, seed: int
):
    made = apache_iv(events, clock)  # type: ignore[arg-type]
    twice = pl.concat([events, events]).sample(fraction=1, shuffle=True, seed=seed)
    assert apache_iv(twice, clock).equals(made)  # type: ignore[arg-type]
    assert made["numeric_value"].is_finite().all()
    assert made.filter(code=POINTS_CODE)["numeric_value"].is_between(0, 252).all()
    assert made.filter(code=LOGIT_CODE)["numeric_value"].abs().max() in (None, pytest.approx(5, abs=12))


def test_what_is_derived_and_from_what():
    assert derived_events(frame(STAY), "available_time").equals(apache_iv(frame(STAY)))
    assert DERIVED_CODES == (POINTS_CODE, LOGIT_CODE)
    assert [set(derived_from(names)) for names in ([], ["lab"], ["lab", "aps"])] == [set(), set(), {"severity"}]


# Against the database


@pytest.mark.slow
@pytest.mark.data
def test_the_scores_of_the_demo_are_those_it_stores(tmp_path: Path):
    """The stored ones are no input. What is left apart: infarctions by their wall, bypass grafts alone."""
    events = prepare(demo_folder("eicu-demo"), tmp_path / "data").events
    made = apache_iv(events.filter(pl.col("modality") != "score")).sort("available_time")
    last = made.group_by("stay_id", "code", maintain_order=True).last().select("stay_id", "code", made="numeric_value")
    codes = {
        "APACHE//IVa//acutephysiologyscore": POINTS_CODE,
        "APACHE//IV//predictedhospitalmortality": LOGIT_CODE,
    }
    stored = events.filter(pl.col("code").is_in(list(codes))).select("stay_id", "numeric_value", code="code")
    stored = stored.with_columns(pl.col("code").replace_strict(codes)).unique(["stay_id", "code"])
    both = stored.join(last, on=["stay_id", "code"], how="left")
    points = both.filter(code=POINTS_CODE)
    same = (points["numeric_value"] == points["made"]).fill_null(False).mean()
    risk = both.filter(pl.col("code") == LOGIT_CODE, pl.col("numeric_value").is_between(0, 1, closed="none"))
    share = risk["numeric_value"].to_numpy().astype(np.float64)
    logit, ours = np.log(share / (1 - share)), risk["made"].to_numpy()
    correlation, near = np.corrcoef(logit, ours)[0, 1], np.mean(np.abs(logit - ours) < 0.05)
    print(f"points equal in {same:.2%} of {points.height}; log odds r {correlation:.4f}, {near:.1%} within 0.05")
    assert points.height > 1200
    assert same >= 0.995
    assert not np.isnan(ours).any()
    assert correlation > 0.99
    assert near >= 0.8
