"""Synthetic cohorts in the raw layout of a database, with known true risks and a known mechanism of missingness.

Read `latent.py` first: the model, its formulas and why its risks are exact.

    settings       what is asked for, and the random streams
    latent         severity, hazards, true risk
    population     patients, hospitals, causes, frailty
    stays          the stays that happen, and what modalities see of them
    reference      the population on which mortality and missingness are set
    missingness    what is taken away, and why
    truth          what is written beside the raw tables
    code           codes and when they are charted
    odd_rows       planted odd rows, and the account of them
    layout         what a database's layout has to say
    cohort, made   chunks of stays in any layout
    write          the folder, chunk by chunk; goes on where it was stopped
    gzip_tables    csv.gz in bounded memory
    eicu           the raw tables of eICU-CRD 2.0
    mimic          what both MIMICs have in common
    mimic3         the raw tables of MIMIC-III, notes, and patients who come back
    mimic4         the raw tables of MIMIC-IV, chest X-rays and notes
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from wardround.sources.synthetic.eicu import MODALITIES, EicuLayout, SyntheticSettings, synthesise_eicu
from wardround.sources.synthetic.layout import Layout
from wardround.sources.synthetic.mimic3 import Mimic3Layout, SyntheticMimic3Settings, synthesise_mimic3
from wardround.sources.synthetic.mimic4 import Mimic4Layout, SyntheticMimic4Settings, synthesise_mimic4
from wardround.sources.synthetic.write import synthesise

__all__ = [
    "LAYOUTS",
    "MODALITIES",
    "SyntheticMimic3Settings",
    "SyntheticMimic4Settings",
    "SyntheticSettings",
    "synthesise",
    "synthesise_eicu",
    "synthesise_mimic3",
    "synthesise_mimic4",
]

LAYOUTS: Final[Mapping[str, tuple[Callable[[], Any], Callable[[Any, int], Layout]]]] = {
    "eicu": (SyntheticSettings, EicuLayout),
    "mimic3": (SyntheticMimic3Settings, Mimic3Layout),
    "mimic4": (SyntheticMimic4Settings, Mimic4Layout),
}
"""Database -> its default settings, and its layout from settings and a seed."""
