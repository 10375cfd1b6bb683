"""`intakeOutput`: what was drunk, infused and passed, and the patient's weight at admission.

About every third hour something is charted: urine in most, fluids in some. Rows of one minute share the totals of that minute,
as in the published table; half of them are entered at once, the rest later.
"""

from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.eicu.infusion import KG_REFERENCE
from wardround.sources.synthetic.latent import sigmoid
from wardround.sources.synthetic.stays import Stays

_PATH: Final = "flowsheet|Flowsheet Cell Labels|I&O|"
CELLS: Final = (
    (_PATH + "Output (ml)|Urine", "Urine", "out"),
    (_PATH + "Intake (ml)|Generic Intake (ml)|NS IVF", "NS IVF", "in"),
    (_PATH + "Intake (ml)|Generic Intake (ml)|P.O.", "P.O.", "in"),
    (_PATH + "Intake (ml)|Generic Intake (ml)|IVPB", "IVPB", "in"),
    (_PATH + "Output (ml)|Stool", "Stool", "out"),
    (_PATH + "Weight|Bodyweight (kg)", "Bodyweight (kg)", "none"),
    (_PATH + "Weight|Bodyweight (lb)", "Bodyweight (lb)", "none"),
)
LB_PER_KG: Final = 2.20462


def intake_output_table(stays: Stays, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `intakeOutput`: one a cell, with the totals of its minute; volumes in mL, weight in kg and lb."""
    stay, hour = stays.every_hour()
    moment = np.minimum(hour * 60 + rng.integers(0, 60, stay.size), stays.unit_min[stay])
    charted = rng.random(stay.size) < 0.3
    stay, moment = stay[charted], moment[charted]
    volumes, present = _volumes(stays, stay, moment, rng)
    into = (volumes * present)[:, [cell[2] == "in" for cell in CELLS[:5]]].sum(axis=1)
    out = (volumes * present)[:, [cell[2] == "out" for cell in CELLS[:5]]].sum(axis=1)
    entered = moment + np.where(
        rng.random(stay.size) < 0.5, 0, np.floor(rng.exponential(90, stay.size)).astype(np.int64)
    )
    row, cell = np.nonzero(present)

    weight = np.exp(np.log(KG_REFERENCE) + rng.normal(0, 0.22, stays.size)).round(1)
    weighed = np.repeat(np.arange(stays.size), 2)
    when = rng.integers(-30, 1, stays.size)[weighed]
    kg_lb = np.stack([weight, (weight * LB_PER_KG).round(1)], axis=1).ravel()
    zero = np.zeros(weighed.size)
    value = np.concatenate([volumes[row, cell], kg_lb])
    cell = np.concatenate([cell, np.tile([5, 6], stays.size)])
    into, out = np.concatenate([into[row], zero]), np.concatenate([out[row], zero])
    return pl.DataFrame(
        {
            "stay": np.concatenate([stay[row], weighed]),
            "intakeoutputoffset": np.concatenate([moment[row], when]),
            "intaketotal": into,
            "outputtotal": out,
            "dialysistotal": np.zeros(value.size),
            "nettotal": into - out,
            "intakeoutputentryoffset": np.concatenate([entered[row], when]),
            "cellpath": pl.Series([item[0] for item in CELLS]).gather(cell),
            "celllabel": pl.Series([item[1] for item in CELLS]).gather(cell),
            "cellvaluenumeric": value,
            "cellvaluetext": pl.Series(value).cast(pl.String).str.strip_suffix(".0"),
        }
    ).with_columns(pl.selectors.float().cast(pl.Decimal(12, 4)))


def _volumes(
    stays: Stays, stay: np.ndarray, moment: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Volume (mL, in steps of 5) and presence of each of the first five cells at each moment."""
    seen = stays.seen("intake_output", stay, moment // 60)
    base = np.log(np.array([160.0, 120.0, 180.0, 100.0, 150.0])) + np.outer(seen, [-0.28, 0.12, 0.0, 0.0, 0.0])
    volumes = 5 * np.rint(np.exp(base + rng.normal(0, 0.5, base.shape)) / 5)
    share = sigmoid(np.array([2.0, -0.4, -0.6, -2.2, -3.0]) + np.outer(seen, [-0.1, 0.2, -0.6, 0.4, 0.0]))
    return volumes, rng.random(share.shape) < share
