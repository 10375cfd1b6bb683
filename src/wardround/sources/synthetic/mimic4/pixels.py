"""A chest X-ray as a small picture: what a study shows, drawn in gray.

Coordinates run from 0 to 1, from the top and from the left of the picture; as films are hung, the patient's left lung
is on the right. An opacity is a soft disc in one zone of one lung,

    brightness = 0.55 opacity exp(-d^2 / (2 r^2)),   r = 0.05 + 0.07 opacity,

beside ribs, heart, diaphragm and noise. In a lateral view both lungs lie over each other.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, UInt8

ZONES: Final = (0.30, 0.45, 0.62)
"""Height of the upper, mid and lower zone."""
LUNGS: Final = (0.30, 0.70)
"""How far from the left of the picture the middle of the right and of the left lung is."""
LATERAL_LUNG: Final = 0.52
NOISE: Final = 0.04


@dataclass(frozen=True)
class Picture:
    """What a picture shows.

    Attributes:
        lateral: the view.
        opacity: 0 to 1.
        left: whether it is in the left lung; zone: its place in `ZONES`.
        effusion, oedema, large_heart, tube: what else there is to see.
    """

    lateral: bool
    opacity: float
    left: bool
    zone: int
    effusion: bool
    oedema: bool
    large_heart: bool
    tube: bool


def planted_at(picture: Picture) -> tuple[float, float]:
    """The middle of the opacity: from the top, from the left."""
    return ZONES[picture.zone], LATERAL_LUNG if picture.lateral else LUNGS[picture.left]


def drawn(picture: Picture, size_px: int, rng: np.random.Generator) -> UInt8[np.ndarray, "row column"]:
    """Draw a picture of so many pixels a side, black 0, white 255; `rng` draws the noise and how the patient lay."""
    steps = (np.arange(size_px) + 0.5) / size_px
    down, across = steps[:, None], steps[None, :]
    turn = rng.normal(0, 0.01, 2)
    gray = 0.55 * _disc(down - 0.5, across - 0.5, 0.62, 0.47) + 0 * down * across
    lungs = (LATERAL_LUNG,) if picture.lateral else LUNGS
    width = 0.26 if picture.lateral else 0.15
    inside = sum(_disc(down - 0.46 - turn[0], across - middle - turn[1], 0.30, width) for middle in lungs)
    gray = gray * (1 - 0.75 * np.clip(inside, 0, 1))
    gray += 0.05 * inside * (np.sin(down * 70) > 0.6)
    heart = 0.17 if picture.large_heart else 0.11
    gray += 0.35 * _soft(down - 0.62, across - (0.42 if picture.lateral else 0.55), heart)
    gray += 0.25 * _soft(0 * down, across - (0.8 if picture.lateral else 0.5), 0.035)
    if picture.oedema:
        gray += 0.16 * inside
    if picture.effusion:
        gray += 0.4 * inside / (1 + np.exp(-(down - 0.68) * 60))
    if picture.tube:
        gray += 0.4 * (np.abs(across - 0.5) < 0.012) * (down < 0.36)
    top, side = planted_at(picture)
    radius = 0.05 + 0.07 * picture.opacity
    gray += 0.55 * picture.opacity * _soft(down - top, across - side, radius)
    gray += rng.normal(0, NOISE, gray.shape) + rng.normal(0, 0.015)
    return np.rint(255 * np.clip(gray, 0, 1)).astype(np.uint8)


def _disc(down: np.ndarray, across: np.ndarray, height: float, width: float) -> Float[np.ndarray, "row column"]:
    """1 inside an ellipse, 0 outside, with a soft edge."""
    distance = np.sqrt((down / height) ** 2 + (across / width) ** 2)
    return 1 / (1 + np.exp((distance - 1) * 25))


def _soft(down: np.ndarray, across: np.ndarray, radius: float) -> Float[np.ndarray, "row column"]:
    """A soft spot with 1 in its middle."""
    return np.exp(-(down**2 + across**2) / (2 * radius**2))
