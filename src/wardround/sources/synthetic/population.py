"""Who is admitted: patients, their hospital stays, and the frailty level m of each.

    m = shift + 0.35 (age - 65) / 15 + sum of comorbidity effects + cause effect + hospital effect + s,
    hospital effect ~ N(0, 0.25),   s ~ N(0, 0.9),   severity at the first unit admission x0 = m + N(0, 0.6),

both rounded to the lattice of `latent.py`. `shift` is solved in `reference.py`.
Age, comorbidities and hospital belong to the patient; cause and s to the hospital stay. Causes may come back,
and may go with comorbidities (`Visiting`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from wardround.sources.synthetic.latent import place, sigmoid
from wardround.sources.synthetic.settings import stream

HOSPITAL_SD: Final = 0.25
LATENT_SD: Final = 0.9
ADMISSION_SD: Final = 0.6
WHOLE_COHORT: Final = 2**32 - 1
"""The chunk number of streams that belong to no chunk."""


class Comorbidity(NamedTuple):
    """A chronic disease: log odds at age 65, their change per 15 years, effect on m."""

    name: str
    log_odds: float
    by_age: float
    effect: float


COMORBIDITIES: Final = (
    Comorbidity("hypertension", 0.1, 0.5, 0.0),
    Comorbidity("diabetes", -1.1, 0.1, 0.05),
    Comorbidity("heart failure", -1.7, 0.4, 0.3),
    Comorbidity("copd", -1.6, 0.3, 0.2),
    Comorbidity("renal insufficiency", -2.0, 0.4, 0.25),
    Comorbidity("dialysis", -3.2, 0.0, 0.3),
    Comorbidity("atrial fibrillation", -1.9, 0.6, 0.1),
    Comorbidity("stroke", -2.4, 0.4, 0.1),
    Comorbidity("dementia", -3.2, 0.9, 0.25),
    Comorbidity("cirrhosis", -3.6, -0.4, 0.8),
    Comorbidity("metastatic cancer", -3.4, 0.1, 0.9),
    Comorbidity("immunosuppression", -3.2, 0.0, 0.4),
)
COMORBIDITY_NAMES: Final = tuple(item.name for item in COMORBIDITIES)


class Cause(NamedTuple):
    """A cause of admission: relative frequency, effect on m."""

    name: str
    weight: float
    effect: float


CAUSES: Final = (
    Cause("pulmonary sepsis", 9, 0.6),
    Cause("urinary sepsis", 6, 0.2),
    Cause("pneumonia", 7, 0.2),
    Cause("heart failure", 9, 0.1),
    Cause("atrial arrhythmia", 7, -0.6),
    Cause("myocardial infarction", 8, -0.3),
    Cause("cardiac arrest", 4, 1.7),
    Cause("ketoacidosis", 6, -1.2),
    Cause("copd", 6, 0.1),
    Cause("stroke", 6, 0.3),
    Cause("intracranial haemorrhage", 4, 0.7),
    Cause("upper gi bleed", 7, -0.2),
    Cause("overdose", 5, -1.0),
    Cause("alcohol withdrawal", 3, -0.9),
    Cause("acute renal failure", 4, 0.2),
    Cause("bypass surgery", 9, -0.8),
)
CAUSE_NAMES: Final = tuple(item.name for item in CAUSES)


MOST_VISITS: Final = 8
USUAL_RETURN: Final = 0.16


def mean_visits(goes_on: float) -> float:
    """Hospital stays on average, where after each another follows with the probability `goes_on`, up to `MOST_VISITS`:
    the sum of its powers from 0 to `MOST_VISITS` - 1."""
    return sum(goes_on**power for power in range(MOST_VISITS))


USUAL_VISITS: Final = mean_visits(USUAL_RETURN)


@dataclass(frozen=True)
class Visiting:
    """How patients come back.

    Attributes:
        mean: hospital stays that a patient would have if none ended in death, on average, 1 to below `MOST_VISITS`.
        recurrence: P(a later hospital stay has the cause of the one before it); else it is drawn anew.
        links: comorbidity -> cause -> what it adds to the logarithm of the cause's frequency.
    """

    mean: float = USUAL_VISITS
    recurrence: float = 0.0
    links: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])

    @property
    def goes_on(self) -> float:
        """P(another hospital stay follows one that is not the last allowed), by bisection of `mean_visits`."""
        if self.mean == USUAL_VISITS:
            return USUAL_RETURN
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (low, middle) if mean_visits(middle) > self.mean else (middle, high)
        return low

    def cause_probs(self, comorbidity: Bool[np.ndarray, "patient comorbidity"]) -> Float[np.ndarray, "patient cause"]:
        """P(cause of a hospital stay) where it is drawn anew."""
        add = np.array(
            [[self.links.get(name, {}).get(cause, 0.0) for cause in CAUSE_NAMES] for name in COMORBIDITY_NAMES]
        )
        weight = np.array([c.weight for c in CAUSES]) * np.exp(comorbidity @ add)
        return weight / weight.sum(axis=1, keepdims=True)


USUAL: Final = Visiting()


@dataclass(frozen=True)
class Hospitals:
    """Effect on m and share of patients of each hospital."""

    effect: Float[np.ndarray, " hospital"]
    share: Float[np.ndarray, " hospital"]


@dataclass(frozen=True)
class Admissions:
    """Hospital stays, a patient's in order of time. Arrays have one entry a hospital stay.

    Attributes:
        patient: number of the patient within the chunk; sequence: 0 for the patient's first hospital stay, 1 for the
            next.
        age: years; female, orphan: flags; hospital, cause: places in their lists.
        comorbidity: flags in the order of `COMORBIDITIES`.
        lasting: what m gets of shift, age, comorbidities and hospital.
        level: frailty m; start: severity x0 at the first unit admission; both as places on the lattice.
    """

    patient: Int[np.ndarray, " stay"]
    sequence: Int[np.ndarray, " stay"]
    age: Int[np.ndarray, " stay"]
    female: Bool[np.ndarray, " stay"]
    orphan: Bool[np.ndarray, " stay"]
    hospital: Int[np.ndarray, " stay"]
    cause: Int[np.ndarray, " stay"]
    comorbidity: Bool[np.ndarray, "stay comorbidity"]
    lasting: Float[np.ndarray, " stay"]
    level: Int[np.ndarray, " stay"]
    start: Int[np.ndarray, " stay"]


def draw_hospitals(hospitals: int, seed: int) -> Hospitals:
    """The hospitals of a cohort: effects from N(0, 0.25), shares from a flat-ish Dirichlet."""
    rng = stream(seed, WHOLE_COHORT, "hospitals")
    effect = rng.normal(0, HOSPITAL_SD, hospitals)
    return Hospitals(effect, rng.dirichlet(np.full(hospitals, 2.0)))


def draw_admissions(
    patients: int,
    shift: float,
    orphan_rate: float,
    hospitals: Hospitals,
    rng: np.random.Generator,
    visiting: Visiting = USUAL,
) -> Admissions:
    """Draw patients and all hospital stays that each would have if none ended in death.

    Args:
        patients: how many; each has at least one hospital stay.
        shift: added to every m.
        orphan_rate: share of patients whom no id names.
        hospitals: from `draw_hospitals`.
        rng: the source of chance.
        visiting: how they come back.

    Returns:
        The hospital stays, ordered by patient and time.
    """
    age = np.clip(np.rint(rng.normal(65, 16, patients)), 18, 98).astype(np.int64)
    decades = (age[:, None] - 65) / 15
    log_odds = np.array([c.log_odds for c in COMORBIDITIES]) + np.array([c.by_age for c in COMORBIDITIES]) * decades
    comorbidity = rng.random(log_odds.shape) < sigmoid(log_odds)
    hospital = rng.choice(hospitals.share.size, patients, p=hospitals.share)
    female, orphan = rng.random(patients) < 0.46, rng.random(patients) < orphan_rate
    lasting = (
        0.35 * decades[:, 0] + comorbidity @ np.array([c.effect for c in COMORBIDITIES]) + hospitals.effect[hospital]
    )

    count = np.minimum(rng.geometric(1 - visiting.goes_on, patients), MOST_VISITS)
    patient = np.repeat(np.arange(patients), count)
    sequence = np.arange(patient.size) - np.repeat(np.cumsum(count) - count, count)
    cause = _causes(rng.random(patient.size), sequence, comorbidity[patient], visiting)
    effect = np.array([c.effect for c in CAUSES])[cause]
    lasting = (shift + lasting)[patient]
    frailty = lasting + effect + rng.normal(0, LATENT_SD, patient.size)
    start = place(frailty + rng.normal(0, ADMISSION_SD, patient.size))
    own = (age[patient], female[patient], orphan[patient], hospital[patient])
    return Admissions(patient, sequence, *own, cause, comorbidity[patient], lasting, place(frailty), start)


def _causes(
    chance: Float[np.ndarray, " stay"],
    sequence: Int[np.ndarray, " stay"],
    comorbidity: Bool[np.ndarray, "stay comorbidity"],
    visiting: Visiting,
) -> Int[np.ndarray, " stay"]:
    """The cause of each hospital stay, from one uniform number each: the same again, or a new one."""
    again = (sequence > 0) & (chance < visiting.recurrence)
    anew = np.where(sequence > 0, (chance - visiting.recurrence) / (1 - visiting.recurrence), chance)
    bounds = np.cumsum(visiting.cause_probs(comorbidity), axis=1)
    cause = (anew[:, None] >= bounds / bounds[:, -1:]).sum(axis=1)
    held = np.maximum.accumulate(np.where(again, 0, np.arange(again.size)))
    return cause[held]
