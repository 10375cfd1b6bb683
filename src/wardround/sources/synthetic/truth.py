"""What is true of a synthetic cohort and stands in no raw table: `truth/` beside them, which `prepare` never reads.

`stays.parquet`, a row a unit stay:

    stay_id                  eICU's patientunitstayid, MIMIC-IV's stay_id, MIMIC-III's ICUSTAY_ID
    subject_key              the patient: MIMIC's subject_id, eICU's `uniquepid`, also where that is blank
    hospital_stay_id         eICU's patienthealthsystemstayid, MIMIC's hadm_id
    true_risk                true_risk_at_24h if in the unit at 24 h, else P(death | admission state, left before 24 h)
    true_risk_at_{H}h        P(in-hospital death | latent state at hour H), H = 0, 6, 12, 24, 48; null if not there
    severity, frailty        x0 and m (`latent.py`)
    cause                    of admission
    died, died_in_unit       in-hospital death; death in this unit stay
    unit_los_h, los_h        hours in the unit; hours in the hospital
    missing_{modality}       whether its rows were taken away, p_missing_{modality} with which probability; a stay that
                             never had any lacks them all the same (MIMIC-III's CareVue has no procedures)

A layout may know more: of the synthetic MIMIC-IV `images.parquet` (`mimic4/cxr_tables.py`), of MIMIC-III
`visits.parquet` and `reports.parquet` (`mimic3/billing.py`, `mimic3/notes.py`).

`hours.parquet`, a row a unit stay and hour begun in the unit: `stay_id, hour, severity, risk`, the last as
true_risk_at_{hour}h. `settings.json`: the settings, the number of stays, the seed, and `best`: at each H, what the
true risk itself reaches in expectation; a layout may add to it (`Spec.best`).
"""

from typing import Any, Final

import numpy as np
import polars as pl
from jaxtyping import Float

from wardround.sources.synthetic.latent import LANDMARK_H, LATTICE, solved_chain
from wardround.sources.synthetic.missingness import Missing
from wardround.sources.synthetic.population import CAUSE_NAMES
from wardround.sources.synthetic.stays import Stays

RISK_HOURS: Final = (0, 6, 12, 24, 48)


def stay_truth(stays: Stays, missing: Missing, ids: pl.DataFrame) -> pl.DataFrame:
    """The rows of `stays.parquet` for some unit stays.

    Args:
        stays: the unit stays.
        missing: what was taken away from them.
        ids: `stay_id, subject_key, hospital_stay_id`, a row a stay.

    Returns:
        One row a stay, in the order of `stays`.
    """
    risk = {hour: _risk_at(stays, hour) for hour in RISK_HOURS}
    level, first = stays.of_stay("level"), stays.path[stays.start]
    left_early = solved_chain().early_risk[level, first]
    columns: dict[str, Any] = {"true_risk": np.where(stays.hours > LANDMARK_H, risk[LANDMARK_H], left_early)}
    columns |= {f"true_risk_at_{hour}h": values for hour, values in risk.items()}
    columns |= {"severity": LATTICE[first], "frailty": LATTICE[level]}
    columns["cause"] = pl.Series(CAUSE_NAMES).gather(stays.of_stay("cause"))
    columns |= {"died": stays.died, "died_in_unit": stays.died_in_unit, "unit_los_h": stays.unit_min / 60}
    columns["los_h"] = (stays.before_min + stays.unit_min + stays.after_min) / 60
    columns |= {f"missing_{name}": mask for name, mask in missing.mask.items()}
    columns |= {f"p_missing_{name}": prob for name, prob in missing.prob.items()}
    return ids.hstack(pl.DataFrame(columns, nan_to_null=True))


def _risk_at(stays: Stays, hour: int) -> Float[np.ndarray, " stay"]:
    """True risk at an hour, NaN where the stay has left the unit."""
    state = stays.state_at(np.arange(stays.size), np.full(stays.size, hour))
    return np.where(stays.hours > hour, solved_chain().risk[stays.of_stay("level"), state], np.nan)


def hour_truth(stays: Stays, stay_id: np.ndarray) -> pl.DataFrame:
    """The rows of `hours.parquet` for some unit stays: `stay_id, hour, severity, risk`."""
    stay, hour = stays.every_hour()
    risk = solved_chain().risk[stays.of_stay("level")[stay], stays.path]
    columns = {"stay_id": stay_id[stay], "hour": hour, "severity": LATTICE[stays.path], "risk": risk}
    return pl.DataFrame(columns).with_columns(pl.col("hour").cast(pl.Int32), pl.col("severity").cast(pl.Float32))


def best_possible(truth: pl.DataFrame) -> dict[str, dict[str, float | int]]:
    """At each hour H, over the stays in the unit then: how many, how many die, and what the true risk reaches in
    expectation.

    Args:
        truth: the rows of `stays.parquet`.

    Returns:
        H -> `n_stays, n_deaths, expected_deaths, auroc, brier`; AUROC and Brier score of the true risk, expected over
        the labels.
    """
    best: dict[str, dict[str, float | int]] = {}
    for hour in RISK_HOURS:
        in_unit = truth.filter(pl.col(f"true_risk_at_{hour}h").is_not_null())
        risk = in_unit[f"true_risk_at_{hour}h"].to_numpy()
        best[f"{hour}h"] = {
            "n_stays": in_unit.height,
            "n_deaths": int(in_unit["died"].sum()),
            "expected_deaths": float(risk.sum()),
            "auroc": expected_auroc(risk),
            "brier": float((risk * (1 - risk)).mean()) if risk.size else 0.0,
        }
    return best


def expected_auroc(risk: Float[np.ndarray, " stay"]) -> float:
    """Expected share of (death, survivor) pairs that the risk orders rightly, ties half, where labels are drawn from
    the risk.

    Sum over i != j of p_i (1 - p_j) ([p_i > p_j] + [p_i = p_j] / 2), over the sum of p_i (1 - p_j); 0.5 where there
    is no pair.
    """
    _, group = np.unique(risk, return_inverse=True)
    deaths, survivors = np.bincount(group, risk), np.bincount(group, 1 - risk)
    own = float(risk @ (1 - risk))
    pairs = deaths.sum() * survivors.sum() - own
    right = float(deaths @ (np.cumsum(survivors) - survivors / 2)) - own / 2
    return right / float(pairs) if pairs > 0 else 0.5
