"""What a patient of the synthetic MIMIC-III will be billed with next time: true probabilities, and the best."""

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import pytest

from wardround.concepts.ccs import ccs_of
from wardround.concepts.phenotypes import PHENOTYPES as CATEGORIES
from wardround.sources.synthetic import reference
from wardround.sources.synthetic.latent import DIED, LATTICE, LEFT, RETURN_JUMP, peak_probs, place, solved_chain, walk
from wardround.sources.synthetic.made import Draw
from wardround.sources.synthetic.made import Made as Chunks
from wardround.sources.synthetic.mimic.roster import Roster, draw_roster
from wardround.sources.synthetic.mimic.tau import TAU
from wardround.sources.synthetic.mimic3 import next_visit
from wardround.sources.synthetic.mimic3.billing import diagnosis_rows, visit_truth
from wardround.sources.synthetic.mimic3.billing_list import DIAGNOSES, PHENOTYPES, PRIMARY
from wardround.sources.synthetic.mimic3.conditions import CONDITION_NAMES, draw_conditions
from wardround.sources.synthetic.mimic3.layout import LINKS, RECURRENCE, Mimic3Layout
from wardround.sources.synthetic.mimic3.next_visit import Patients, best_next, next_probs, phenotype_probs
from wardround.sources.synthetic.mimic3.settings import SyntheticMimic3Settings
from wardround.sources.synthetic.mimic3.systems import NUMBERING
from wardround.sources.synthetic.population import (
    CAUSE_NAMES,
    CAUSES,
    COMORBIDITY_NAMES,
    MOST_VISITS,
    USUAL,
    USUAL_VISITS,
    WHOLE_COHORT,
    Admissions,
    Visiting,
    draw_admissions,
    draw_hospitals,
)
from wardround.sources.synthetic.settings import stream
from wardround.sources.synthetic.stays import run_stays
from wardround.sources.synthetic.write import PATIENTS_PER_CHUNK, patients_per_chunk

SEED, PATIENTS = 4, 2500


VISITING: Final = Visiting(2.5, RECURRENCE, LINKS)


class Made(NamedTuple):
    """A chunk of patients and what is true of them."""

    admissions: Admissions
    roster: Roster
    patients: Patients
    diagnoses: pl.DataFrame


def billed(admissions: Admissions, condition: np.ndarray | None = None) -> Made:
    """Run the stays of patients, and bill them."""
    stays = run_stays(admissions, 10**6, TAU, stream(SEED, 0, "stays"))
    draw = Draw(stays, Chunks(), SEED)
    roster = draw_roster(draw, NUMBERING)
    first = np.flatnonzero(admissions.sequence == 0)
    condition = draw_conditions(admissions, draw.stream("conditions")) if condition is None else condition
    patients = Patients(admissions.lasting[first], admissions.comorbidity[first], condition)
    return Made(admissions, roster, patients, diagnosis_rows(roster, patients, draw.stream("diagnoses")))


@pytest.fixture(scope="module")
def made() -> Made:
    drawn = stream(SEED, 0, "admissions")
    return billed(draw_admissions(PATIENTS, -0.5, 0.0, draw_hospitals(1, SEED), drawn, VISITING))


@pytest.fixture(scope="module")
def visits(made: Made) -> pl.DataFrame:
    """Visits with a next one, and what that was billed with (`next_CONDITION`)."""
    truth = visit_truth(made.roster, made.patients, made.diagnoses, VISITING, TAU["billing"])
    had = truth.select(
        pl.col("hospital_stay_id").alias("next_hospital_stay_id"),
        *(pl.col(f"had_{name}").alias(f"next_{name}") for name in PHENOTYPES),
    )
    return truth.join(had, on="next_hospital_stay_id", maintain_order="left")


@pytest.fixture(scope="module")
def laws(made: Made, visits: pl.DataFrame) -> dict[str, np.ndarray]:
    """The probabilities of the visits under the true law, and under others."""
    one = made.roster.one_an_admission
    place = pl.DataFrame({"hospital_stay_id": made.roster.hadm_id[one], "place": one})
    stay = visits.join(place, on="hospital_stay_id", maintain_order="left")["place"].to_numpy()
    patient, cause = (made.roster.stays.of_stay(name)[stay] for name in ("patient", "cause"))
    probs = phenotype_probs(made.patients, TAU["billing"])
    by_name = {
        "true": VISITING,
        "no recurrence": replace(VISITING, recurrence=0.0),
        "less recurrence": replace(VISITING, recurrence=0.15),
        "more recurrence": replace(VISITING, recurrence=0.35),
        "no links": replace(VISITING, links={}),
    }
    return {name: next_probs(probs, made.patients, patient, cause, law) for name, law in by_name.items()}


def columns(visits: pl.DataFrame, begin: str) -> np.ndarray:
    return visits.select(f"{begin}{name}" for name in PHENOTYPES).to_numpy().astype(float)


def test_conditions_come_as_often_as_the_truth_says(visits: pl.DataFrame):
    prob, answer = columns(visits, "p_next_"), columns(visits, "next_")
    assert visits.height > 2500
    # in each condition alone, in those at higher and lower risk of it, and over all of them
    for where in (prob > 2, prob > np.median(prob, axis=0), prob <= np.median(prob, axis=0)):
        part = where if where.any() else ~where
        error = ((answer - prob) * part).sum(axis=0) / np.sqrt((prob * (1 - prob) * part).sum(axis=0))
        assert np.abs(error).max() < 4.2
        assert np.sqrt((error**2).mean()) < 1.6


def test_a_wrong_law_would_be_found(visits: pl.DataFrame):
    """The negative control: what is true of a patient with another's diseases is not."""
    prob, answer = columns(visits, "p_next_"), columns(visits, "next_")
    wrong = np.roll(prob, 1, axis=0)
    high = wrong > np.median(wrong, axis=0)
    error = ((answer - wrong) * high).sum(axis=0) / np.sqrt((wrong * (1 - wrong) * high).sum(axis=0))
    assert np.abs(error).max() > 8


def test_who_was_billed_with_it_is_again_as_often_as_the_truth_says(visits: pl.DataFrame, laws: dict[str, np.ndarray]):
    """Standardised residuals of each condition, among the visits that it was billed at."""
    answer, had = columns(visits, "next_"), columns(visits, "had_")
    assert np.allclose(laws["true"], columns(visits, "p_next_"))
    worst = dict[str, float]()
    for name, prob in laws.items():
        excess, variance = ((answer - prob) * had).sum(axis=0), (prob * (1 - prob) * had).sum(axis=0)
        worst[name] = float(np.abs(excess / np.sqrt(variance)).max())
    assert worst["true"] < 3.5
    # the negative controls
    assert worst["no recurrence"] > 10
    assert worst["less recurrence"] > 4
    assert worst["more recurrence"] > 4


def test_the_true_law_is_the_likeliest(visits: pl.DataFrame, laws: dict[str, np.ndarray]):
    answer = columns(visits, "next_") == 1
    likely = {name: np.log(np.where(answer, prob, 1 - prob)).sum(axis=1) for name, prob in laws.items()}
    for name in laws.keys() - {"true"}:
        gain = likely["true"] - likely[name]
        assert gain.sum() > 2.5 * gain.std() * np.sqrt(gain.size) > 0, name


def test_the_probability_of_each_condition_is_how_often_it_is_billed(monkeypatch: pytest.MonkeyPatch):
    """Of four patients with one cause each, each admitted many times; frailty and severity are drawn here."""
    times, rng = 15_000, np.random.default_rng(SEED)
    lasting = np.array([-1.0, 0.3, 1.0, 1.8])
    comorbidity = np.zeros((4, len(COMORBIDITY_NAMES)), dtype=bool)
    comorbidity[1, COMORBIDITY_NAMES.index("copd")] = comorbidity[2, COMORBIDITY_NAMES.index("diabetes")] = True
    names = ("ketoacidosis", "pneumonia", "stroke", "pulmonary sepsis")
    cause = np.array([CAUSE_NAMES.index(name) for name in names])
    effect = np.array([CAUSES[number].effect for number in cause])
    who = np.repeat(np.arange(4), times)
    frailty = (lasting + effect)[who] + rng.normal(0, 0.9, who.size)
    start = place(frailty + rng.normal(0, 0.6, who.size))
    same, no = np.zeros(who.size, dtype=np.int64), np.zeros(who.size, dtype=bool)
    admissions = Admissions(
        *(np.arange(who.size), same, same + 60, no, no, same, cause[who], comorbidity[who], lasting[who]),
        *(place(frailty), start),
    )
    made = billed(admissions, np.zeros((who.size, len(CONDITION_NAMES)), dtype=bool))
    codes = made.diagnoses.group_by("stay").agg(
        pl.col("icd9_code").is_in(codes).any().alias(name) for name, codes in PHENOTYPES.items()
    )
    assert codes.height == who.size
    patient = made.roster.stays.of_stay("patient")[codes["stay"].to_numpy()] // times
    had = codes.select(*PHENOTYPES).to_numpy()
    share = np.array([had[patient == number].mean(axis=0) for number in range(4)])

    def misfit(tau: float) -> float:
        """Mean square of the standardised residuals; 1 where all is as said."""
        next_visit.seen_by_frailty.cache_clear()
        few = Patients(lasting, comorbidity, np.zeros((4, len(CONDITION_NAMES)), dtype=bool))
        prob = phenotype_probs(few, tau)[np.arange(4), cause]
        uncertain = np.abs(prob - 0.5) < 0.4999
        assert np.allclose(share[~uncertain], prob[~uncertain], atol=0.001)
        prob, seen = prob[uncertain], share[uncertain]
        return float(((seen - prob) ** 2 * times / (prob * (1 - prob))).mean())

    assert misfit(0.9) < 1.5
    # the negative controls: another error of those who bill, another spread of frailty and of severity at admission
    assert min(misfit(0.5), misfit(1.3)) > 2
    for name, wrong in (("LATENT_SD", 0.6), ("LATENT_SD", 1.2), ("ADMISSION_SD", 1.2)):
        with monkeypatch.context() as patch:
            patch.setattr(next_visit, name, wrong)
            assert misfit(0.9) > 2, name
    next_visit.seen_by_frailty.cache_clear()


def test_frailty_is_spread_as_said():
    drawn = draw_admissions(20_000, 0.0, 0.0, draw_hospitals(1, SEED), stream(SEED, 0, "admissions"))
    rest = LATTICE[drawn.level] - drawn.lasting - np.array([each.effect for each in CAUSES])[drawn.cause]
    assert abs(rest.std() - 0.9) < 0.02
    assert abs((LATTICE[drawn.start] - LATTICE[drawn.level]).std() - 0.6) < 0.02


def test_it_beats_saying_the_same_again_and_reaches_what_it_says(visits: pl.DataFrame):
    best = best_next(visits)["next_visit"]
    assert best["n_visits"] == visits.height
    prob, answer, had = (columns(visits, begin) for begin in ("p_next_", "next_", "had_"))
    reached, copied = [], []
    for number in range(len(PHENOTYPES)):
        positive = answer[:, number] == 1
        for score, made in ((prob, reached), (had, copied)):
            above = score[positive, number][:, None] - score[~positive, number][None, :]
            made.append(float((above > 0).mean() + (above == 0).mean() / 2))
    assert abs(np.mean(reached) - best["macro_auroc"]) < 0.015
    assert np.mean(reached) > np.mean(copied) + 0.04
    assert abs(((prob - answer) ** 2).mean() - best["macro_brier"]) < 0.003
    assert 0.7 < best["macro_auroc"] < 0.9


@pytest.mark.parametrize("few", [0, 1])
def test_nothing_is_said_of_the_best_where_no_two_visits_can_be_told_apart(visits: pl.DataFrame, few: int):
    best = best_next(visits.head(few))["next_visit"]
    assert (best["n_visits"], best["macro_auroc"], best["macro_brier"]) == (few, None, None)
    assert set(best["auroc"].values()) == {None}


def test_codes_mean_the_conditions_of_the_concept():
    codes = {code.text for code in DIAGNOSES} | {code for code, _ in PRIMARY.values()}
    meant = {name: {code for code in codes if ccs_of(9, code) == number} for name, number in CATEGORIES.items()}
    assert meant == {name: set(codes) for name, codes in PHENOTYPES.items()}


def test_the_highest_severity_has_the_law_that_is_said():
    rng, chain, size = np.random.default_rng(0), solved_chain(), 6000
    level, start = 18, 14
    who, begin, peak = np.arange(size), np.full(size, start), np.full(size, start)
    while who.size:
        walks = walk(np.full(who.size, level), begin, rng)
        highest = np.maximum.reduceat(walks.path, np.cumsum(walks.hours) - walks.hours)
        peak[who] = np.maximum(peak[who], highest)
        assert set(walks.end) <= {DIED, LEFT}
        back = (walks.end == LEFT) & (rng.random(who.size) < chain.return_prob[walks.last])
        who, begin = who[back], np.minimum(walks.last[back] + RETURN_JUMP, LATTICE.size - 1)
    law = peak_probs()
    assert np.allclose(law.sum(axis=-1), 1)
    assert law.min() >= 0
    expected = law[level, start] * size
    often = expected > 20
    assert often.sum() > 8
    seen = np.bincount(peak, minlength=LATTICE.size)
    assert (np.abs(seen - expected)[often] < 4 * np.sqrt(expected[often])).all()


@pytest.mark.parametrize(
    ("visiting", "again", "linked"),
    [(USUAL, (0.05, 0.09), (0.8, 1.25)), (Visiting(3.0, 0.5, LINKS), (0.52, 0.6), (3.0, 7.0))],
)
def test_patients_come_back_as_asked(visiting: Visiting, again: tuple[float, float], linked: tuple[float, float]):
    drawn = draw_admissions(20_000, 0.0, 0.0, draw_hospitals(1, SEED), stream(SEED, 0, "admissions"), visiting)
    later = np.flatnonzero(drawn.sequence > 0)
    assert again[0] < (drawn.cause[later] == drawn.cause[later - 1]).mean() < again[1]
    has = drawn.comorbidity[:, COMORBIDITY_NAMES.index("copd")]
    came = drawn.cause == CAUSE_NAMES.index("copd")
    assert linked[0] < came[has].mean() / came[~has].mean() < linked[1]


@pytest.mark.parametrize("mean", [1.0, USUAL_VISITS, 2.0, 3.0, 4.0, 5.0])
def test_patients_have_as_many_hospital_stays_as_asked(mean: float):
    drawn = draw_admissions(20_000, 0.0, 0.0, draw_hospitals(1, SEED), stream(SEED, 0, "admissions"), Visiting(mean))
    count = np.bincount(drawn.patient)
    assert count.min() == 1
    assert count.max() <= MOST_VISITS
    assert abs(count.mean() - mean) <= 4 * count.std() / np.sqrt(count.size)
    assert mean == 1 or count.std() > 0.4


@pytest.mark.parametrize(("mean", "mortality"), [(2.0, 0.1), (2.0, 0.3), (5.0, 0.4)])
def test_mortality_is_that_of_stays_that_happen(mean: float, mortality: float, monkeypatch: pytest.MonkeyPatch):
    patients, visiting, hospitals = 3000, Visiting(mean, RECURRENCE, LINKS), draw_hospitals(1, SEED)
    monkeypatch.setattr(reference, "REFERENCE_PATIENTS", patients)
    shift = reference.draw_reference(mortality, hospitals, SEED, visiting).shift
    drawn = draw_admissions(patients, shift, 0.0, hospitals, stream(SEED, WHOLE_COHORT, "reference"), visiting)
    risk = solved_chain().risk[drawn.level, drawn.start]
    stays = run_stays(drawn, 10**6, {}, stream(SEED, 0, "stays"))
    place, one = np.unique(stays.hospital_stay, return_index=True)
    assert abs(risk[place].mean() - mortality) < 0.02 * mortality
    error = (stays.died[one] - risk[place]).sum() / np.sqrt((risk[place] * (1 - risk[place])).sum())
    assert abs(error) < 4
    assert risk.mean() > 1.03 * mortality, "the negative control: over all that were drawn"


def test_who_comes_back_more_often_makes_smaller_chunks():
    often, seldom = (Mimic3Layout(SyntheticMimic3Settings(visits=visits), SEED) for visits in (3.0, USUAL_VISITS))
    assert (often.people.visiting.mean, often.people.hospitals) == (3.0, 1)
    assert patients_per_chunk(seldom) == PATIENTS_PER_CHUNK
    assert patients_per_chunk(often) == round(PATIENTS_PER_CHUNK * USUAL_VISITS / 3)
