"""Synthetic cohorts in the raw layout of a database, with known true risks and a known mechanism of missingness.

Read `latent.py` first: the model, its formulas and why its risks are exact.

    settings       what is asked for, and the random streams
    latent         severity, hazards, true risk
    population     patients, hospitals, causes, frailty
    stays          the stays that happen, and what modalities see of them
    reference      the population on which mortality and missingness are set
    missingness    what is taken away, and why
    truth          what is written beside the raw tables
    gzip_tables    csv.gz in bounded memory
    eicu           the raw tables of eICU-CRD 2.0, and planted odd rows
"""

from wardround.sources.synthetic.eicu import synthesise_eicu
from wardround.sources.synthetic.settings import MODALITIES, SyntheticSettings

__all__ = ["MODALITIES", "SyntheticSettings", "synthesise_eicu"]
