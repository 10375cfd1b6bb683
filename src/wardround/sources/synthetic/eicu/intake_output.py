"""`intakeOutput`: what was drunk, infused and passed, and the patient's weight at admission.

About every third hour something is charted: urine in most, fluids in some. Rows of one minute share the totals of
that minute, as in the published table; half of them are entered at once, the rest later.
"""

from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.latent import sigmoid
from wardround.sources.synthetic.stays import Stays

_PATH: Final = "flowsheet|Flowsheet Cell Labels|I&O|"
VOLUME_CELLS: Final = (
    (_PATH + "Output (ml)|Urine", "Urine", "out"),
    (_PATH + "Intake (ml)|Generic Intake (ml)|NS IVF", "NS IVF", "in"),
    (_PATH + "Intake (ml)|Generic Intake (ml)|P.O.", "P.O.", "in"),
    (_PATH + "Intake (ml)|Generic Intake (ml)|IVPB", "IVPB", "in"),
    (_PATH + "Output (ml)|Stool", "Stool", "out"),
)
WEIGHT_CELLS: Final = (
    (_PATH + "Weight|Bodyweight (kg)", "Bodyweight (kg)"),
    (_PATH + "Weight|Bodyweight (lb)", "Bodyweight (lb)"),
)
"""`cellpath`, `celllabel`, and on which side of the balance a volume counts."""
LB_PER_KG: Final = 2.20462


def intake_output_table(stays: Stays, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `intakeOutput`: one a cell, with the totals of its minute; volumes in mL, weight in kg and lb."""
    stay, hour = stays.every_hour()
    moment = hour * 60 + rng.integers(0, 60, stay.size)
    charted = (rng.random(stay.size) < 0.3) & (moment <= stays.unit_min[stay])
    stay, moment = stay[charted], moment[charted]
    volumes, present = _volumes(stays, stay, moment, rng)
    into, out = ((volumes * present)[:, [cell[2] == way for cell in VOLUME_CELLS]].sum(axis=1) for way in ("in", "out"))
    late = np.floor(rng.exponential(90, stay.size)).astype(np.int64)
    entered = moment + np.where(rng.random(stay.size) < 0.5, 0, late)
    row, cell = np.nonzero(present)
    charts = _rows(stay[row], moment[row], entered[row], cell, volumes[row, cell], into[row], out[row])

    weighed = np.repeat(np.arange(stays.size), 2)
    when = rng.integers(-30, 1, stays.size)[weighed]
    kg_lb = np.stack([stays.weight_kg, (stays.weight_kg * LB_PER_KG).round(1)], axis=1).ravel()
    cell, none = np.tile([len(VOLUME_CELLS), len(VOLUME_CELLS) + 1], stays.size), np.zeros(weighed.size)
    return pl.concat([charts, _rows(weighed, when, when, cell, kg_lb, none, none)])


def _rows(
    stay: np.ndarray,
    moment: np.ndarray,
    entered: np.ndarray,
    cell: np.ndarray,
    value: np.ndarray,
    into: np.ndarray,
    out: np.ndarray,
) -> pl.DataFrame:
    cells = (*VOLUME_CELLS, *WEIGHT_CELLS)
    rows = {
        "stay": stay,
        "intakeoutputoffset": moment,
        "intaketotal": into,
        "outputtotal": out,
        "dialysistotal": np.zeros(value.size),
        "nettotal": into - out,
        "intakeoutputentryoffset": entered,
        "cellpath": pl.Series([item[0] for item in cells]).gather(cell),
        "celllabel": pl.Series([item[1] for item in cells]).gather(cell),
        "cellvaluenumeric": value,
        "cellvaluetext": pl.Series(value).cast(pl.String).str.strip_suffix(".0"),
    }
    return pl.DataFrame(rows).with_columns(pl.selectors.float().cast(pl.Decimal(12, 4)))


def _volumes(
    stays: Stays, stay: np.ndarray, moment: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Volume (mL, in steps of 5) and presence of each of `VOLUME_CELLS` at each moment."""
    seen = stays.seen("intake_output", stay, moment // 60)
    base = np.log(np.array([160.0, 120.0, 180.0, 100.0, 150.0])) + np.outer(seen, [-0.28, 0.12, 0.0, 0.0, 0.0])
    volumes = 5 * np.rint(np.exp(base + rng.normal(0, 0.5, base.shape)) / 5)
    share = sigmoid(np.array([2.0, -0.4, -0.6, -2.2, -3.0]) + np.outer(seen, [-0.1, 0.2, -0.6, 0.4, 0.0]))
    return volumes, rng.random(share.shape) < share
