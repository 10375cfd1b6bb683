"""How the patients of an evaluation stand to those that the run learned from: the same, perhaps the same, or others.

Only patients of another database make an evaluation external. Another cut of the run's own database has other patients,
but the same wards and habits; and two databases of one hospital may share patients whom no id can tell.
"""

from enum import StrEnum
from typing import Final

import polars as pl

from wardround.sources.patient_pool import NOT_KNOWN
from wardround.train.data import OpenData
from wardround.train.run_folder import Run


class Kinship(StrEnum):
    """As `metrics.json` says it and a report stamps it."""

    OWN = "internal: the run's own data"
    SAME_DATABASE = "not external: other patients of the same database"
    SHARES = "not external: the same database, and some of the run's patients"
    MAY_SHARE = "not external: may share patients"
    EXTERNAL = "external: patients of another database"
    UNKNOWN = "not known whether external: the data do not say whose patients they hold"


DOUBTFUL: Final = (Kinship.SHARES, Kinship.MAY_SHARE, Kinship.UNKNOWN)
"""Numbers under these may be too good."""


def kinship(run: Run, data: OpenData, subjects: pl.Series) -> Kinship:
    """How the evaluated patients stand to the run's.

    Args:
        run: what is evaluated.
        data: on what.
        subjects: `subject_id` of the stays that are asked.
    """
    learned, own = run.learned_pools(), run.data_hash == data.hash
    if any(pool.may_share(data.patients) for pool in learned):
        return Kinship.MAY_SHARE
    if own:
        return Kinship.OWN
    if NOT_KNOWN in (data.patients, *learned):
        return Kinship.UNKNOWN
    if not any(pool.is_of(data.patients) for pool in learned):
        return Kinship.EXTERNAL
    return Kinship.SHARES if run.n_seen(subjects, data.patients) else Kinship.SAME_DATABASE
