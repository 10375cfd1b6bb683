"""Chest X-ray studies: when, which views, and what there is to see.

Every unit stay has a study in its first four hours and maybe one each later day, more often in the sick. Its opacity
follows the severity seen (`stays.py`) at that hour:

    opacity = sigmoid(0.9 (seen - 1) + cause effect),   in 0 to 1

It lies in one zone of a lung, the same one in all studies of a stay. Image, labels and report tell of one and the same
opacity: the image by its size and brightness, labels and report by its grade, which a reader may take for the next one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from wardround.sources.synthetic.latent import sigmoid
from wardround.sources.synthetic.made import Made
from wardround.sources.synthetic.mimic.roster import Roster, spread
from wardround.sources.synthetic.mimic.ventilator import Ventilator
from wardround.sources.synthetic.population import CAUSE_NAMES, COMORBIDITY_NAMES

FIRST_STUDY_ID: Final = 50_000_000
LATEST_FIRST_MIN: Final = 240
CAUSE_EFFECT: Final = {"pneumonia": 1.2, "pulmonary sepsis": 1.2, "heart failure": 0.5, "ketoacidosis": -0.6}
GRADES: Final = (0.25, 0.5, 0.75)
"""Opacities at which none becomes mild, mild moderate, and moderate severe."""
READING_ERROR: Final = 0.06
"""Standard deviation of a reader's error, on the scale of the opacity."""


@dataclass(frozen=True)
class Studies:
    """Studies of a chunk's stays, by stay and time. Arrays have an entry a study.

    Attributes:
        study_id: its number.
        stay: place of the stay; minute: from unit admission.
        opacity: 0 to 1; grade: 0 to 3, as read.
        left: whether it is in the left lung; zone: 0 upper, 1 mid, 2 lower.
        effusion, oedema, large_heart, tube: what else there is to see.
        portable: whether there is one AP view, else a PA and a lateral one.
        reported_min: when the report was stored, minutes from unit admission.
    """

    study_id: Int[np.ndarray, " study"]
    stay: Int[np.ndarray, " study"]
    minute: Int[np.ndarray, " study"]
    opacity: Float[np.ndarray, " study"]
    grade: Int[np.ndarray, " study"]
    left: Bool[np.ndarray, " study"]
    zone: Int[np.ndarray, " study"]
    effusion: Bool[np.ndarray, " study"]
    oedema: Bool[np.ndarray, " study"]
    large_heart: Bool[np.ndarray, " study"]
    tube: Bool[np.ndarray, " study"]
    portable: Bool[np.ndarray, " study"]
    reported_min: Int[np.ndarray, " study"]


def draw_studies(roster: Roster, ventilator: Ventilator, made: Made, rng: np.random.Generator) -> Studies:
    """Draw the studies of a chunk's stays."""
    stays = roster.stays
    stay, minute = _moments(roster, rng)
    seen = stays.seen("cxr", stay, minute // 60)
    effect = np.array([CAUSE_EFFECT.get(name, 0.0) for name in CAUSE_NAMES])[stays.of_stay("cause")]
    opacity = sigmoid(0.9 * (seen - 1) + effect[stay])
    read = opacity + rng.normal(0, READING_ERROR, stay.size)
    weak = stays.of_stay("comorbidity")[:, COMORBIDITY_NAMES.index("heart failure")]
    weak = weak | (stays.of_stay("cause") == CAUSE_NAMES.index("heart failure"))
    tube = ventilator.is_on(stay, minute // 60)
    return Studies(
        study_id=FIRST_STUDY_ID + spread(made.rows["studies"] + np.arange(stay.size), 5_812_837),
        stay=stay,
        minute=minute,
        opacity=opacity,
        grade=np.digitize(read, GRADES),
        left=(rng.random(stays.size) < 0.45)[stay],
        zone=rng.choice(3, stays.size, p=[0.2, 0.25, 0.55])[stay],
        effusion=rng.random(stay.size) < sigmoid(-2.2 + 0.6 * seen + 1.5 * weak[stay]),
        oedema=rng.random(stay.size) < sigmoid(-2.8 + 0.6 * seen + 2.0 * weak[stay]),
        large_heart=(rng.random(stays.size) < sigmoid(-1.8 + 2.5 * weak))[stay],
        tube=tube,
        portable=tube | (rng.random(stay.size) < sigmoid(0.5 + 0.9 * seen)),
        reported_min=minute + np.rint(rng.lognormal(5.0, 0.8, stay.size)).astype(np.int64),
    )


def _moments(roster: Roster, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Stay and minute of each study, in order."""
    stays = roster.stays
    every = np.arange(stays.size)
    first = np.minimum(rng.integers(0, LATEST_FIRST_MIN, every.size), stays.unit_min)
    stay, hour = stays.every_hour()
    daily = (hour % 24 == 5) & (hour >= 24)
    again = daily & (rng.random(stay.size) < sigmoid(-1.2 + 0.6 * stays.seen("cxr", stay, hour)))
    later = hour[again] * 60 + rng.integers(0, 60, int(again.sum()))
    stay, minute = np.concatenate([every, stay[again]]), np.concatenate([first, later])
    inside = minute <= stays.unit_min[stay]
    stay, minute = stay[inside], minute[inside]
    order = np.lexsort((minute, stay))
    return stay[order], minute[order]
