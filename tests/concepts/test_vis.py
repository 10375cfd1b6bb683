"""The vasoactive-inotropic score by hand, and that more of a drug is never less of a score."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concept_timelines import Event, events, random_events, rows, stays, values
from wardround.concepts.infusions import DRUGS, ENDS, RATES
from wardround.concepts.vis import COEFFICIENTS, vis

RATE = {drug: code for code, drug in RATES.items()}
END = {drug: code for code, drug in ENDS.items()}
WEIGHT = (1, 0, "WEIGHT//kg", 80)


def of(name: str, *made: Event, hours: float = 3) -> dict[float, float]:
    return values(vis(events(*made), stays({1: hours})), name)


def test_an_hour_by_hand():
    """Half an hour of 0.1 and a quarter of 0.3 norepinephrine, 5 dobutamine throughout, 2.4 units/h vasopressin."""
    made = (
        WEIGHT,
        (1, 30, RATE["norepinephrine"], 0.1), (1, 60, END["norepinephrine"], 1),
        (1, 15, RATE["norepinephrine"], 0.3), (1, 30, END["norepinephrine"], 1),
        (1, -60, RATE["dobutamine"], 5),
        (1, 0, RATE["vasopressin"], 2.4), (1, 60, END["vasopressin"], 2.4),
    )  # fmt: skip
    vasopressin = 10_000 * 2.4 / 60 / 80
    mean = 100 * (0.1 * 0.5 + 0.3 * 0.25) + 5 + vasopressin
    assert of("vis", *made) == pytest.approx({1.0: mean, 2.0: 5.0, 3.0: 5.0})
    assert of("vis_max", *made) == pytest.approx({1.0: 100 * 0.3 + 5 + vasopressin, 2.0: 5.0, 3.0: 5.0})
    assert of("vis_vasopressin", *made) == pytest.approx({1.0: 2.4 / 60 / 80, 2.0: 0.0, 3.0: 0.0})


@pytest.mark.parametrize(("drug", "factor"), COEFFICIENTS.items())
def test_what_each_drug_counts(drug: str, factor: float):
    dose = 0.6 / 60 / 80 if drug == "vasopressin" else 0.6
    made = (WEIGHT, (1, 0, RATE[drug], 0.6), (1, 60, END[drug], 1))
    assert of("vis", *made) == pytest.approx({1.0: factor * dose, 2.0: 0.0, 3.0: 0.0})
    assert of(f"vis_{drug}", *made)[1.0] == pytest.approx(dose)


def test_every_hour_has_every_row_and_nothing_given_is_zero():
    made = vis(events(), stays({1: 2.5, 2: None}))
    assert [(row[1], row[2]) for row in rows(made)] == [
        (name, hour)
        for hour in (1.0, 2.0, 3.0)
        for name in sorted(("vis", "vis_max", *(f"vis_{drug}" for drug in DRUGS)))
    ]
    assert {row[4] for row in rows(made)} == {0.0}


def test_vasopressin_without_a_weight_makes_no_score():
    made = ((1, 0, RATE["vasopressin"], 2.4), (1, 60, END["vasopressin"], 2.4), (1, 0, RATE["dopamine"], 5))
    assert of("vis", *made) == of("vis_max", *made) == {2.0: 5.0, 3.0: 5.0}
    assert of("vis_dopamine", *made) == {1.0: 5.0, 2.0: 5.0, 3.0: 5.0}


def test_known_when_the_weight_is_where_it_is_needed():
    made = ((1, 0, RATE["vasopressin"], 2.4), (1, 90, END["vasopressin"], 2.4), (1, 100, "WEIGHT//kg", 80, 500))
    known = {(row[1], row[2]): row[3] for row in rows(vis(events(*made), stays({1: 3})))}
    assert [known["vis", hour] for hour in (1.0, 2.0, 3.0)] == [500, 500, 180]
    assert known["vis_dopamine", 1.0] == 60


def test_the_highest_is_of_what_runs_at_once():
    """Two drugs one after the other are not added; two bags of one drug at once are."""
    one, other = "dopamine", "dobutamine"
    turns = ((1, 0, RATE[one], 5), (1, 30, END[one], 1), (1, 30, RATE[other], 8), (1, 60, END[other], 1))
    assert of("vis_max", *turns) == {1.0: 8.0, 2.0: 0.0, 3.0: 0.0}
    assert of("vis_max", *turns, (1, 20, RATE[other], 2), (1, 40, END[other], 1))[1.0] == 10.0
    bags = ((1, 0, RATE[one], 5), (1, 30, RATE[one], 4), (1, 45, END[one], 1), (1, 60, END[one], 1))
    assert of("vis_max", *bags)[1.0] == 9.0


@given(made=random_events((*RATES, *ENDS)))
@settings(max_examples=40, deadline=None)
def test_the_highest_is_no_lower_than_the_mean(made: list[Event]):
    given_of_it = [event for event in made if event[3] >= 0]
    found = vis(events(*given_of_it, WEIGHT, (2, 0, "WEIGHT//kg", 60)), stays({1: 30, 2: 20}))
    for stay in (1, 2):
        mean, highest = (values(found, name, stay) for name in ("vis", "vis_max"))
        assert mean.keys() == highest.keys()
        assert all(highest[hour] >= mean[hour] for hour in mean)


@pytest.mark.parametrize("drug", DRUGS)
@given(low=st.integers(0, 50), more=st.integers(0, 50), ends=st.integers(1, 200))
@settings(max_examples=10, deadline=None)
def test_more_of_a_drug_is_no_lower_score(drug: str, low: int, more: int, ends: int):
    first, second = (
        of("vis", WEIGHT, (1, 0, RATE[drug], rate / 10), (1, ends, END[drug], 1)) for rate in (low, low + more)
    )
    assert all(first[hour] <= second[hour] for hour in first)
