"""What every synthetic cohort is asked to be, and the named random streams that make it repeatable."""

import zlib
from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol, get_args, runtime_checkable

import numpy as np

from wardround.errors import UsageError

Mechanism = Literal["random", "severity", "outcome"]

SHARED_RANGES: Final = {"missing_strength": (0.0, 5.0), "mortality": (0.02, 0.4)}
RATE: Final = (0.0, 0.95)
"""Of a share that is missing."""


@runtime_checkable
class CohortSettings(Protocol):
    """What the settings of each database have in common; every database adds its own."""

    @property
    def mechanism(self) -> Mechanism:
        """Why a modality of a stay is missing: completely at random, by the latent severity at unit admission, or by
        the outcome."""
        ...

    @property
    def missing_strength(self) -> float:
        """Log odds of being missing per standard deviation of severity, or for death against survival."""
        ...

    @property
    def mortality(self) -> float:
        """Expected in-hospital deaths per hospital stay."""
        ...

    @property
    def odd_rows(self) -> bool:
        """Whether to plant faulty rows."""
        ...

    def as_json(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        ...


def check_settings(settings: CohortSettings, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Refuse what is out of range.

    Args:
        settings: of a database.
        ranges: setting -> lowest and highest value, for those of its own.

    Raises:
        UsageError: where a value is outside its range.
    """
    if settings.mechanism not in get_args(Mechanism):
        raise UsageError(f"mechanism is one of {', '.join(get_args(Mechanism))}, got {settings.mechanism!r}")
    for name, (low, high) in {**SHARED_RANGES, **ranges}.items():
        if not low <= getattr(settings, name) <= high:
            raise UsageError(f"{name} is from {low:g} to {high:g}, got {getattr(settings, name)}")


def stream(seed: int, chunk: int, name: str) -> np.random.Generator:
    """The random stream of one purpose in one chunk of patients.

    Streams are independent, so a change to one table, or to what is missing, changes no other draw: the same seed with
    nothing missing gives the same stays with nothing taken away.
    """
    return np.random.default_rng([seed, chunk, zlib.crc32(name.encode())])
