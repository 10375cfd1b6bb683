"""What runs continuously: which drugs, to whom, from which severity on and how fast.

A drug runs for the hours in which the severity seen is above its threshold, in stays that are given it at all; its rate
grows with the distance.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Bool

from wardround.sources.synthetic.latent import sigmoid
from wardround.sources.synthetic.population import CAUSE_NAMES, COMORBIDITY_NAMES
from wardround.sources.synthetic.stays import Stays


@dataclass(frozen=True)
class Infusion:
    """A continuous drug.

    Attributes:
        name: of the drug.
        unit: of its rate.
        given: log odds that a stay is given it at all; more: added to them by cause of admission or comorbidity.
        threshold: severity above which it runs.
        rate: base and slope: rate = base + slope (seen - threshold).
    """

    name: str
    unit: str
    given: float
    threshold: float
    rate: tuple[float, float]
    more: dict[str, float] = field(default_factory=dict[str, float])

    def drawn(self, stays: Stays, rng: np.random.Generator) -> Bool[np.ndarray, " stay"]:
        """Whether each stay is given the drug when ill enough."""
        by_cause = np.array([self.more.get(name, 0.0) for name in CAUSE_NAMES])[stays.of_stay("cause")]
        more = np.array([self.more.get(name, 0.0) for name in COMORBIDITY_NAMES])
        return rng.random(stays.size) < sigmoid(self.given + by_cause + stays.of_stay("comorbidity") @ more)


INFUSIONS: Final = (
    Infusion("Norepinephrine", "mcg/min", 0.8, 1.4, (2.0, 6.0)),
    Infusion("Phenylephrine", "mcg/min", -1.6, 1.2, (25.0, 40.0)),
    Infusion("Vasopressin", "units/min", 0.4, 2.4, (0.03, 0.01)),
    Infusion("Epinephrine", "mcg/min", -1.6, 2.6, (2.0, 4.0), {"bypass surgery": 1.5}),
    Infusion("Dopamine", "mcg/kg/min", -2.0, 1.2, (4.0, 3.0), {"heart failure": 1.0}),
    Infusion("Dobutamine", "mcg/kg/min", -3.0, 1.0, (3.0, 2.0), {"heart failure": 1.8}),
    Infusion("Milrinone", "mcg/kg/min", -3.2, 0.8, (0.25, 0.1), {"bypass surgery": 1.5}),
    Infusion("Propofol", "mcg/kg/min", 0.6, 0.9, (15.0, 12.0)),
    Infusion("Fentanyl", "mcg/hr", 0.2, 0.8, (40.0, 45.0)),
    Infusion("Midazolam", "mg/hr", -1.5, 1.3, (2.0, 2.0)),
    Infusion("Amiodarone", "mg/min", -3.0, -2.5, (0.5, 0.1), {"atrial arrhythmia": 3.0}),
    Infusion("Heparin", "units/hr", -3.0, -3.5, (900.0, 60.0), {"myocardial infarction": 3.2}),
    Infusion("Insulin", "units/hr", -3.0, -4.0, (2.0, 0.8), {"ketoacidosis": 6.0, "diabetes": 0.8}),
)
