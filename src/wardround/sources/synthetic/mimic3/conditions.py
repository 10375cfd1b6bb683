"""What a patient has for good beside the comorbidities of every synthetic cohort: of no effect on severity, and so on
no risk of death, but billed for at each visit."""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool

from wardround.sources.synthetic.latent import sigmoid
from wardround.sources.synthetic.population import COMORBIDITY_NAMES, Admissions


class Condition(NamedTuple):
    """A chronic disease: log odds at age 65, their change per 15 years, and what comorbidities add to them."""

    name: str
    log_odds: float
    by_age: float
    more: dict[str, float]


CONDITIONS: Final = (
    Condition("hyperlipidaemia", -0.8, 0.3, {"diabetes": 0.8, "hypertension": 0.6}),
    Condition("coronary disease", -1.6, 0.6, {"diabetes": 0.5, "heart failure": 0.8}),
    Condition("diabetic neuropathy", -30.0, 0.0, {"diabetes": 29.6}),
    Condition("bundle branch block", -2.4, 0.5, {"heart failure": 0.8}),
    Condition("fatty liver", -2.6, -0.1, {"diabetes": 0.6}),
    Condition("pulmonary fibrosis", -2.6, 0.2, {"copd": 0.8}),
    Condition("allergic rhinitis", -2.2, -0.2, {}),
)
CONDITION_NAMES: Final = tuple(each.name for each in CONDITIONS)


def draw_conditions(admissions: Admissions, rng: np.random.Generator) -> Bool[np.ndarray, "patient condition"]:
    """Who has what: a flag for each patient of a chunk, in the order of `CONDITIONS`."""
    first = np.searchsorted(admissions.patient, np.arange(int(admissions.patient.max()) + 1))
    more = np.array([[each.more.get(name, 0.0) for each in CONDITIONS] for name in COMORBIDITY_NAMES])
    level, by_age = np.array([(each.log_odds, each.by_age) for each in CONDITIONS]).T
    log_odds = level + np.outer((admissions.age[first] - 65) / 15, by_age) + admissions.comorbidity[first] @ more
    chance = sigmoid(log_odds)
    return rng.random(chance.shape) < chance
