"""Synthetic MIMIC-III: raw tables in the layout of 1.4, CareVue's and MetaVision's, notes, and patients who come back.

What it shares with MIMIC-IV is in `synthetic/mimic`.

settings         what is asked for
systems          CareVue or MetaVision, and what each calls things
people           patients, admissions, unit stays, services
conditions       what patients have for good
billing          codes of the hospital stay, given at its end
next_visit       what the next hospital stay will be billed with: true probabilities
chart, drips     what was charted, put out and given
bedside          what was done
orders           prescriptions, by days
notes            discharge summaries and reports
items, billing_list, columns, odd_kinds   what things are called
layout           all of it for a chunk of stays
"""

from pathlib import Path

from wardround.sources.synthetic.mimic3.layout import Mimic3Layout
from wardround.sources.synthetic.mimic3.settings import SyntheticMimic3Settings
from wardround.sources.synthetic.write import synthesise

__all__ = ["Mimic3Layout", "SyntheticMimic3Settings", "synthesise_mimic3"]


def synthesise_mimic3(
    to: Path, stays: int, seed: int, settings: SyntheticMimic3Settings | None = None, quiet: bool = False
) -> bool:
    """Write a synthetic MIMIC-III; arguments, return value and errors are those of `write.synthesise`."""
    return synthesise(Mimic3Layout(settings or SyntheticMimic3Settings(), seed), to, stays, quiet)
