"""Which stays of a cohort a score can be told of, before it is asked: what a comparison holds its rows against."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from wardround.errors import NoScoreError
from wardround.methods.scores import CLINICAL, ScoreSettings, instead, known_when
from wardround.tasks.cohort import Cohort, Window
from wardround.tasks.task import Task
from wardround.train.clinical_scores import equation_log_odds, have_points
from wardround.train.data import OpenData
from wardround.train.published_scores import published_scores


def scored_stays(
    data: OpenData,
    cohort: Cohort,
    task: Task,
    settings: ScoreSettings | None,
    groups: Sequence[np.ndarray],
    quiet: bool = True,
) -> Bool[np.ndarray, "stay"]:
    """Which stays have a score by their prediction time. Of one whose points take every event to be read, no more of
    them are read than it takes to find a stay in each group: those found by then count.

    Args:
        data: an open DATA folder.
        cohort: the stays.
        task: what the score predicts.
        settings: which score; None for the stored one.
        groups: places in the cohort, in each of which a stay with a score is looked for.
        quiet: no progress on stderr.

    Raises:
        DataError: where the data have no code of what the score needs.
    """
    if settings is None:
        return ~np.isnan(published_scores(data, cohort, task))
    if settings.of in CLINICAL:
        return have_points(data, cohort, settings.of, groups, quiet)
    return ~np.isnan(equation_log_odds(data, cohort, quiet))


def refuse_none_scored(
    have: Bool[np.ndarray, "stay"], where: str, window: Window, settings: ScoreSettings | None
) -> None:
    """Refuse stays none of which has a score.

    Args:
        have: as `scored_stays` says.
        where: whose stays they are.
        window: when they are asked.
        settings: which score; None for the stored one.

    Raises:
        NoScoreError: saying what to do.
    """
    if not have.any():
        when = "at the end of its stay" if window.at_h is None else f"at hour {window.at_h:g}"
        raise NoScoreError(
            f"no stay of {where} has the score {when}{known_when(settings)}. Leave it out{instead(settings)}, or take "
            "other data or another hour."
        )
