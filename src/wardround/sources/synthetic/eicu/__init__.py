"""Synthetic eICU-CRD 2.0: raw tables in the published layout."""

from pathlib import Path

from wardround.sources.synthetic.eicu.layout import EicuLayout
from wardround.sources.synthetic.eicu.settings import MODALITIES, SyntheticSettings
from wardround.sources.synthetic.write import synthesise

__all__ = ["MODALITIES", "EicuLayout", "SyntheticSettings", "synthesise_eicu"]


def synthesise_eicu(
    to: Path, stays: int, seed: int, settings: SyntheticSettings | None = None, quiet: bool = False
) -> bool:
    """Write a synthetic eICU; arguments, return value and errors are those of `write.synthesise`."""
    return synthesise(EicuLayout(settings or SyntheticSettings(), seed), to, stays, quiet)
