"""The unit's own published prediction for each stay of a cohort, as it stood at the prediction time."""

import numpy as np
from jaxtyping import Float

from wardround.batches.store import stays_and_cuts
from wardround.events import MODALITIES
from wardround.methods.scores import score_code
from wardround.tasks.cohort import Cohort
from wardround.tasks.task import Task
from wardround.train.data import OpenData


def published_scores(data: OpenData, cohort: Cohort, task: Task) -> Float[np.ndarray, "stay"]:
    """The unit's own prediction for each stay, NaN where it has none by its prediction time (in the paper protocol: at
    all), or one that cannot be: a probability outside [0, 1], a stay of fewer than 0 days. It is shown as it is stored:
    a length of stay is neither raised to the hours that had passed nor cut at the longest label."""
    code, factor = score_code(task.name)
    lines = data.lines
    stays, cut_min = stays_and_cuts(lines, cohort)
    elapsed = data.elapsed_h(cohort) if task.falls else np.zeros(len(stays))
    row, most = np.full(len(stays), np.nan), 1.0 if task.kind == "binary" else np.inf
    if code not in lines.codes:
        return row
    wanted, modality = lines.codes.index(code), MODALITIES.index("score")
    for place, (stay, cut) in enumerate(zip(stays, cut_min, strict=True)):
        part = slice(lines.offsets[stay], lines.offsets[stay + 1])
        known = (lines.modality[part] == modality) & (lines.code[part] == wanted) & (lines.minute[part] <= cut)
        values = lines.value[part][known]
        if len(values) and 0 <= values[-1] <= most:
            row[place] = float(values[-1]) * factor - elapsed[place]
    return np.maximum(row, 0.0)
