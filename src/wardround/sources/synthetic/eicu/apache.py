"""`apacheApsVar`, `apachePatientResult`, `apachePredVar`: APACHE's variables and predictions, made from the first 24
hours.

The worst severity seen in the first 24 hours, W = max over h < 24 of seen(aps, h), stands behind every value. The
predicted mortality is a noisy function of W, age and comorbidities that knows neither frailty nor outcome. -1 means
missing, as published. `actual*`, `unabridged*`, `diedinhospital` and discharge locations hold the outcome: they are
never inputs.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.eicu.presentation import PRESENTATIONS
from wardround.sources.synthetic.latent import LATTICE, sigmoid
from wardround.sources.synthetic.population import CAUSE_NAMES, COMORBIDITY_NAMES
from wardround.sources.synthetic.stays import Stays
from wardround.sources.synthetic.vital_signs import coma_scale

WINDOW_H: Final = 24
VALUES: Final[dict[str, tuple[float, float, float, int, float, float, float]]] = {
    "urine": (1700, -220, 700, 1, 0, 8000, 0.5),
    "wbc": (10.5, 1.3, 4.5, 1, 0.3, 80, 0.3),
    "temperature": (36.5, 0.05, 0.7, 1, 32, 41, 0.09),
    "respiratoryrate": (26, 3.5, 9, 0, 4, 60, 0.02),
    "sodium": (138, 0.4, 4.5, 0, 110, 170, 0.24),
    "heartrate": (98, 8, 18, 0, 30, 200, 0.02),
    "meanbp": (70, -7, 16, 0, 30, 180, 0.03),
    "hematocrit": (33.5, -0.8, 6, 1, 14, 58, 0.28),
    "creatinine": (1.1, 0.35, 0.7, 2, 0.2, 12, 0.24),
    "albumin": (3.0, -0.18, 0.5, 1, 1, 5.2, 0.61),
    "bun": (20, 6, 11, 0, 3, 150, 0.24),
    "glucose": (130, 12, 45, 0, 30, 900, 0.17),
    "bilirubin": (0.7, 0.3, 0.5, 1, 0.1, 25, 0.65),
}
"""Value at severity 0, change by severity, spread, decimals, limits, share missing (that of the open demo)."""
GASES: Final = {
    "ph": (7.39, -0.03, 0.06, 3, 6.8, 7.7),
    "pao2": (110, -8, 40, 0, 30, 450),
    "pco2": (41, 0.5, 9, 1, 15, 120),
    "fio2": (40, 8, 14, 0, 21, 100),
}

SCORED: Final = ("cirrhosis", "metastatic cancer", "immunosuppression")
"""The chronic conditions for which APACHE IV gives points."""


def apache_tables(stays: Stays, rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    """The rows of the three tables, one a stay (two in `apachePatientResult`: versions IV and IVa).

    Args:
        stays: the unit stays.
        rng: the source of chance.

    Returns:
        Table -> rows. Temperature in C, pressures in mmHg, urine in mL over 24 h, lengths of stay in days.
    """
    worst = _worst(stays)
    variables = _variables(stays, worst, rng)
    return {
        "apacheApsVar": pl.DataFrame(variables),
        "apachePatientResult": _results(stays, worst, variables["vent"], rng),
        "apachePredVar": _predictors(stays, variables, rng),
    }


def _worst(stays: Stays) -> np.ndarray:
    """W of the module's docstring, a value a stay."""
    stay, hour = stays.every_hour()
    within = hour < WINDOW_H
    highest = np.full(stays.size, -1)
    np.maximum.at(highest, stay[within], stays.path[within])
    return LATTICE[highest] + stays.blur["aps"]


def _variables(stays: Stays, worst: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    every = np.arange(stays.size)
    coma = coma_scale(stays, every, worst, rng)
    ventilated = rng.random(stays.size) < sigmoid(-2.2 + 1.0 * worst)
    intubated = ventilated & (rng.random(stays.size) < 0.75)
    on_dialysis = stays.of_stay("comorbidity")[:, COMORBIDITY_NAMES.index("dialysis")]
    columns: dict[str, np.ndarray] = {
        "stay": every,
        "intubated": intubated,
        "vent": ventilated,
        "dialysis": on_dialysis,
    }
    columns |= {name.lower(): value for name, value in coma.items()}
    columns["meds"] = rng.random(stays.size) < 0.02
    for name, (*spec, missing) in VALUES.items():
        columns[name] = _drawn(worst, spec, rng.random(stays.size) < missing, rng)
    without_gas = rng.random(stays.size) < np.where(ventilated, 0.3, 0.9)
    for name, spec in GASES.items():
        columns[name] = _drawn(worst, spec, without_gas, rng)
    return {name: value.astype(np.int64) if value.dtype == bool else value for name, value in columns.items()}


def _drawn(worst: np.ndarray, spec: Sequence[int | float], missing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A value a stay, -1 where missing."""
    level, slope, spread, decimals, low, high = spec
    value = np.clip(level + slope * worst + rng.normal(0, spread, worst.size), low, high)
    value = np.where(missing, -1, value.round(int(decimals)))
    return value if decimals else value.astype(np.int64)


def _results(stays: Stays, worst: np.ndarray, ventilated: np.ndarray, rng: np.random.Generator) -> pl.DataFrame:
    """Scores and predictions, then what came to pass; two rows a stay."""
    stay = np.repeat(np.arange(stays.size), 2)
    days = {"unit": stays.unit_min / 1440, "hosp": (stays.before_min + stays.unit_min + stays.after_min) / 1440}
    vent_days = pl.Series(np.ceil(days["unit"]).astype(np.int64)).set(pl.Series(ventilated == 0), None)
    expected_vent = pl.Series(np.clip(2 + worst, 0.5, 12)).set(pl.Series(ventilated == 0), None)
    outcome = pl.Series(["ALIVE", "EXPIRED"])
    speciality = pl.Series(["internal medicine", "hospitalist", "critical care medicine (CCM)", "unknown"])
    category = pl.Series(["Unknown", "I", "II", "III"])
    columns = {
        "physicianspeciality": speciality.gather(rng.integers(0, 4, stays.size)),
        "physicianinterventioncategory": category.gather(rng.integers(0, 4, stays.size)),
        "actualicumortality": outcome.gather(stays.died_in_unit.astype(np.int64)),
        "actualiculos": days["unit"].round(4),
        "actualhospitalmortality": outcome.gather(stays.died.astype(np.int64)),
        "actualhospitallos": np.minimum(days["hosp"], 50).round(4),
        **dict.fromkeys(("preopmi", "preopcardiaccath", "ptcawithin24h"), np.zeros(stays.size, dtype=np.int64)),
        "unabridgedunitlos": days["unit"].round(4),
        "unabridgedhosplos": days["hosp"].round(4),
        "actualventdays": vent_days.clip(upper_bound=30),
        "predventdays": expected_vent,
        "unabridgedactualventdays": vent_days,
    }
    versions = pl.Series(["IV", "IVa"]).gather(np.tile([0, 1], stays.size))
    return pl.DataFrame(columns)[stay].with_columns(
        stay=pl.Series(stay), apacheversion=versions, **_predictions(stays, worst, stay, rng)
    )


def _predictions(stays: Stays, worst: np.ndarray, stay: np.ndarray, rng: np.random.Generator) -> dict[str, pl.Series]:
    """Scores and what APACHE predicts from them, for each row's stay; -1 where it could not (1 in 20 stays)."""
    chronic = stays.of_stay("comorbidity")[:, [COMORBIDITY_NAMES.index(name) for name in SCORED]].sum(axis=1)
    acute = np.clip(np.rint(33 + 13 * worst + rng.normal(0, 7, stays.size)), 0, 200)
    score = acute + np.rint(np.clip((stays.of_stay("age") - 40) / 3, 0, 19) + 9 * chronic)
    log_odds = (-6.6 + 0.068 * score + rng.normal(0, 0.4, stays.size))[stay]
    mortality = np.clip(sigmoid(log_odds) * rng.lognormal(0, 0.1, stay.size), 1e-4, 0.999)
    impossible = (rng.random(stays.size) < 0.05)[stay]
    predicted = {
        "predictedicumortality": 0.6 * mortality,
        "predictediculos": np.clip(2.2 + 0.9 * worst[stay] + rng.normal(0, 0.5, stay.size), 0.2, 15),
        "predictedhospitalmortality": mortality,
        "predictedhospitallos": np.clip(7 + 1.5 * worst[stay] + rng.normal(0, 1.5, stay.size), 1, 40),
    }
    columns = {name: pl.Series(np.where(impossible, -1, value)) for name, value in predicted.items()}
    scores = {"acutephysiologyscore": acute, "apachescore": score}
    return columns | {name: pl.Series(value[stay].astype(np.int64)) for name, value in scores.items()}


def _predictors(stays: Stays, variables: dict[str, np.ndarray], rng: np.random.Generator) -> pl.DataFrame:
    """The variables of APACHE's equation; constants are those of the open demo."""
    age = pl.Series(stays.of_stay("age"))
    has = dict(zip(COMORBIDITY_NAMES, stays.of_stay("comorbidity").T.astype(np.int64), strict=True))
    surgical = stays.of_stay("cause") == CAUSE_NAMES.index("bypass surgery")
    infarction = (stays.of_stay("cause") == CAUSE_NAMES.index("myocardial infarction")).astype(np.int64)
    code = pl.Series([PRESENTATIONS[name].apache_code for name in CAUSE_NAMES])
    zero, unknown = np.zeros(stays.size, dtype=np.int64), np.full(stays.size, -1)
    columns = {
        **dict.fromkeys(["saps3day1", "saps3today", "saps3yesterday", "teachtype", "thrombolytics", "aids"], zero),
        **dict.fromkeys(["lymphoma", "leukemia", "midur", "var03hspxlos"], zero),
        **dict.fromkeys(["sicuday", "managementsystem"], zero + 1),
        "region": zero + 3,
        "gender": stays.of_stay("female").astype(np.int64),
        "bedcount": 8 + 2 * (stays.of_stay("hospital") % 12),
        "admitsource": np.where(surgical, 1, np.where(stays.visit > 1, 4, 8)),
        "graftcount": zero + 3,
        "age": age.set(age > 89, None),
        "admitdiagnosis": code.gather(stays.of_stay("cause")),
        "diedinhospital": stays.died.astype(np.int64),
        "hepaticfailure": has["cirrhosis"] * (rng.random(stays.size) < 0.3),
        "metastaticcancer": has["metastatic cancer"],
        "immunosuppression": has["immunosuppression"],
        "cirrhosis": has["cirrhosis"],
        "diabetes": has["diabetes"],
        "electivesurgery": pl.Series(zero + 1).set(pl.Series(~surgical), None),
        "activetx": (rng.random(stays.size) < 0.55).astype(np.int64),
        "readmit": (stays.visit > 1).astype(np.int64),
        "ima": infarction,
        **dict.fromkeys(["ventday1", "oobventday1"], variables["vent"]),
        "oobintubday1": variables["intubated"],
        **dict.fromkeys(["ejectfx", "amilocation"], unknown),
        "creatinine": variables["creatinine"],
        "dischargelocation": np.where(stays.died_in_unit, 9, np.where(stays.after_min <= 60, 7, 4)),
        "visitnumber": stays.visit,
    }
    for name in ("meds", "verbal", "motor", "eyes", "pao2", "fio2"):
        columns |= {name: variables[name], f"day1{name}": variables[name]}
    return pl.DataFrame({"stay": variables["stay"], **columns})
