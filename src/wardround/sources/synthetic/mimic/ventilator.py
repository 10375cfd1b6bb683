"""Who breathes through a tube, hour by hour: those ill enough, of the stays that would be intubated at all."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Int

from wardround.sources.synthetic.latent import sigmoid
from wardround.sources.synthetic.population import CAUSE_NAMES
from wardround.sources.synthetic.stays import Stays

THRESHOLD: Final = 1.3
GIVEN: Final = 1.0
MORE: Final = {"cardiac arrest": 2.0, "overdose": 1.0, "intracranial haemorrhage": 1.0, "bypass surgery": 0.5}
"""Log odds that a stay is intubated when ill enough, and what its cause adds to them."""


@dataclass(frozen=True)
class Ventilator:
    """A flag an hour of every stay, in the order of `Stays.path`.

    Attributes:
        on: whether the patient is ventilated in that hour.
        stays: whose hours they are.
    """

    on: Bool[np.ndarray, " stay_hour"]
    stays: Stays

    def is_on(self, stay: Int[np.ndarray, " row"], hour: Int[np.ndarray, " row"]) -> Bool[np.ndarray, " row"]:
        """Whether a stay is ventilated at an hour; held after its last."""
        return self.on[self.stays.start[stay] + np.clip(hour, 0, self.stays.hours[stay] - 1)]


def draw_ventilator(stays: Stays, rng: np.random.Generator) -> Ventilator:
    """Draw who is ventilated."""
    stay, hour = stays.every_hour()
    by_cause = np.array([MORE.get(name, 0.0) for name in CAUSE_NAMES])[stays.of_stay("cause")]
    given = rng.random(stays.size) < sigmoid(GIVEN + by_cause)
    return Ventilator(given[stay] & (stays.seen("treatment", stay, hour) > THRESHOLD), stays)
