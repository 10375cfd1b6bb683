"""What a stay of a synthetic MIMIC can lack, and how often stays do."""

from collections.abc import Iterable
from typing import Any, Final

OTHERS: Final = ("infusion", "intake_output", "treatment", "medication", "microbiology")
"""Beside the modalities of arXiv 2604.18753. Billing codes are always there: they are labels."""


def missing_rates(settings: Any, modalities: Iterable[str]) -> dict[str, float]:
    """Modality -> share of stays that lack it.

    Args:
        settings: with a `missing_MODALITY` for each, and one `missing_others`.
        modalities: those that have a share of their own.
    """
    named = {name: float(getattr(settings, f"missing_{name}")) for name in modalities}
    return named | dict.fromkeys(OTHERS, float(settings.missing_others))
