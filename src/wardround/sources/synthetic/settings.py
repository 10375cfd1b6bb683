"""What a synthetic cohort is asked to be, and the named random streams that make it repeatable."""

import zlib
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

import numpy as np

from wardround.errors import UsageError

Mechanism = Literal["random", "severity", "outcome"]

MODALITIES: Final = (
    "diagnosis",
    "treatment",
    "medication",
    "lab",
    "aps",
    "vitals",
    "infusion",
    "intake_output",
    "history",
)
"""The modalities that a stay can lack. Demographics are always there, so no stay is without any modality."""


@dataclass(frozen=True)
class SyntheticSettings:
    """What the synthetic cohort is like.

    Attributes:
        mechanism: why a modality of a stay is missing: completely at random, by the latent severity at unit
            admission, or by the outcome.
        missing_rate: share of (stay, modality) pairs that are missing, 0 to below 1.
        missing_strength: log odds of being missing per standard deviation of severity, or for death against survival.
        mortality: expected in-hospital deaths per hospital stay.
        hospitals: number of hospitals; each has its own effect on severity.
        orphan_rate: share of patients whose `uniquepid` is blank on all of their stays.
        vitals_every_min: minutes between rows of `vitalPeriodic` (5 in the published database).
        odd_rows: whether to plant faulty rows (`odd_rows.py`).

    Raises:
        UsageError: where a value is outside its range.
    """

    mechanism: Mechanism = "severity"
    missing_rate: float = 0.4
    missing_strength: float = 1.0
    mortality: float = 0.10
    hospitals: int = 50
    orphan_rate: float = 0.05
    vitals_every_min: int = 60
    odd_rows: bool = False

    def __post_init__(self) -> None:
        if self.mechanism not in get_args(Mechanism):
            raise UsageError(f"mechanism is one of {', '.join(get_args(Mechanism))}, got {self.mechanism!r}")
        ranges = {
            "missing_rate": (0, 0.95),
            "missing_strength": (0, 5),
            "mortality": (0.02, 0.4),
            "orphan_rate": (0, 1),
        }
        ranges |= {"hospitals": (1, 500), "vitals_every_min": (1, 60)}
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise UsageError(f"{name} is from {low} to {high}, got {getattr(self, name)}")
        if 60 % self.vitals_every_min:
            raise UsageError(f"vitals_every_min divides 60, got {self.vitals_every_min}")

    def as_json(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return asdict(self)


def stream(seed: int, chunk: int, name: str) -> np.random.Generator:
    """The random stream of one purpose in one chunk of patients.

    Streams are independent, so a change to one table, or to what is missing, changes no other draw: the same seed with
    `missing_rate=0` gives the same stays with nothing taken away.
    """
    return np.random.default_rng([seed, chunk, zlib.crc32(name.encode())])
