"""What a synthetic eICU is asked to be."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from wardround.errors import UsageError
from wardround.sources.synthetic.settings import RATE, Mechanism, check_settings

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
    """What the synthetic eICU is like.

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
        ranges = {"missing_rate": RATE, "orphan_rate": (0.0, 1.0), "hospitals": (1, 500), "vitals_every_min": (1, 60)}
        check_settings(self, ranges)
        if 60 % self.vitals_every_min:
            raise UsageError(f"vitals_every_min divides 60, got {self.vitals_every_min}")

    def as_json(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return asdict(self)
