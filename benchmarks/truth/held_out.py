"""The stays that every method of a condition is judged on, and the best that anybody can say of them.

They are made by the same generator with another seed: other patients, other hospitals. Because a seed gives the same
stays whatever is taken away from them (`wardround.sources.synthetic`), all conditions ask the same stays.

Best possible, at hour 24, with x the latent severity then, m the frailty and o the pattern of what is missing:

    random, severity   P(death | x, m): what is missing hangs on chance or on an earlier x, and the chain has no memory
    outcome            P(death | x, m, o): logit = logit P(death | x, m) + sum over modalities of
                       log P(o | death) / P(o | survival), for here the pattern itself tells who will die

The methods see o and only blurred traces of x, never x: they cannot reach it, and with less to see they stay further
below.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from truth.plan import Condition
from wardround import files
from wardround.errors import DataError
from wardround.sources.eicu import EICU
from wardround.sources.pipeline import prepare
from wardround.sources.synthetic import MODALITIES, synthesise_eicu
from wardround.tasks.cohort import Window
from wardround.tasks.task import find_task
from wardround.train.data import open_data

TASK = "mortality"
HOUR = 24
HELD_OUT_SEED = 1_000_000
"""Far from the seeds of the cohorts that are learned from."""


@dataclass(frozen=True)
class HeldOut:
    """A cohort to judge on.

    Attributes:
        data: its DATA folder.
        stays: `subject_id, stay_id, label, state_risk, best_risk`, a row a stay in the unit at hour 24, by stay.
    """

    data: Path
    stays: pl.DataFrame


def held_out(condition: Condition, stays: int, table: Path, work: Path) -> HeldOut:
    """Make a cohort to judge on, unless it is there.

    Args:
        condition: rate and mechanism.
        stays: how many are made; some have left by hour 24.
        table: the file for its stays.
        work: the folder for its DATA.

    Raises:
        WardroundError: as `synth` and `prepare`.
    """
    data = made_data(work, condition, stays, HELD_OUT_SEED, table)
    return HeldOut(data, files.read_table(table))


def made_data(work: Path, condition: Condition, stays: int, seed: int, table: Path | None = None) -> Path:
    """The DATA folder of a synthetic cohort; the raw tables go when it is finished, the truth goes to `table`."""
    raw, data = work / "raw", work / "data"
    if (data / files.MANIFEST).is_file() and (table is None or table.is_file()):
        return data
    synthesise_eicu(raw, stays, seed, condition.settings, quiet=True)
    prepare(EICU, raw, data, quiet=True)
    if table is not None:
        truth = pl.read_parquet(raw / "truth" / "stays.parquet")
        asked = open_data(data, Window("causal", float(HOUR)), quiet=True).cohort(find_task(TASK)).frame
        files.write_table(table, judged_stays(asked, truth, condition))
    shutil.rmtree(raw)
    return data


def judged_stays(asked: pl.DataFrame, truth: pl.DataFrame, condition: Condition) -> pl.DataFrame:
    """The rows of `HeldOut.stays`.

    Args:
        asked: the frame of the task's cohort.
        truth: `truth/stays.parquet`.
        condition: rate and mechanism.

    Raises:
        DataError: where a stay has no true risk at the hour, or another outcome than its label.
    """
    known = asked.select("subject_id", "stay_id", "label").join(truth, on="stay_id", how="left", maintain_order="left")
    risk, died = known[f"true_risk_at_{HOUR}h"], known["died"]
    if risk.null_count() or not (died == (known["label"] == 1)).all():
        raise DataError("A stay that is asked has no true risk at the hour, or a label that is not its outcome.")
    best = risk.to_numpy()
    if condition.mechanism == "outcome":
        best = told_by_pattern(best, known, truth)
    columns = {"state_risk": risk, "best_risk": pl.Series(best)}
    return known.select("subject_id", "stay_id", "label").with_columns(**columns).sort("stay_id")


def told_by_pattern(risk: np.ndarray, known: pl.DataFrame, truth: pl.DataFrame) -> np.ndarray:
    """P(death | risk, what is missing) where what is missing hangs on the outcome alone (Bayes' rule).

    Args:
        risk: P(death) before the pattern is looked at, a value a row of `known`.
        known: rows of the truth.
        truth: all rows: the two probabilities of being missing, of those who die and of those who do not, stand there.
    """
    logit: np.ndarray = np.log(risk) - np.log1p(-risk)
    died = truth["died"].to_numpy()
    for name in MODALITIES:
        prob = truth[f"p_missing_{name}"].to_numpy()
        dies, lives = float(prob[died].max()), float(prob[~died].max())
        missing = known[f"missing_{name}"].to_numpy()
        logit = logit + np.where(missing, np.log(dies / lives), np.log((1 - dies) / (1 - lives)))
    return 1 / (1 + np.exp(-logit))
