"""Synthetic MIMIC-IV: raw tables in the layout of 2.2 and 3.1, chest X-rays and notes.

What it shares with MIMIC-III is in `synthetic/mimic`.

people           patients, admissions, unit stays, services, moves
prescriptions    orders of drugs
billing          codes of the hospital stay, in ICD-9 or ICD-10
cxr_tables       the tables of MIMIC-CXR-JPG, and the truth about its images
pixels           an image drawn
image_files      images as JPEG and DICOM
notes            discharge notes and reports
columns, numbering, odd_kinds   what things are called
layout           all of it for a chunk of stays
"""

from pathlib import Path

from wardround.sources.synthetic.mimic4.layout import Mimic4Layout
from wardround.sources.synthetic.mimic4.settings import SyntheticMimic4Settings
from wardround.sources.synthetic.write import synthesise

__all__ = ["Mimic4Layout", "SyntheticMimic4Settings", "synthesise_mimic4"]


def synthesise_mimic4(
    to: Path, stays: int, seed: int, settings: SyntheticMimic4Settings | None = None, quiet: bool = False
) -> bool:
    """Write a synthetic MIMIC-IV; arguments, return value and errors are those of `write.synthesise`."""
    return synthesise(Mimic4Layout(settings or SyntheticMimic4Settings(), seed), to, stays, quiet)
