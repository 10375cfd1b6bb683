"""The acute physiology of APACHE III on the first day: the worst value of each variable, and their points, 0 to 252.

    apache_aps            the points of all variables, one row a stay, at hour 24: APS III
    apache_aps_mortality  the probability of death in hospital that they stand for
    apache_measured       how many of the sixteen parts had a value
    apache_{variable}     the worst value, in the unit of `acute_physiology.POINTS`; no row where nothing was measured:
                          heartrate, meanbp, temperature, respiratoryrate, hematocrit, wbc, creatinine, urine, bun,
                          sodium, albumin, bilirubin, glucose; pao2 and fio2 of the gas with the most points of oxygen,
                          ph and pco2 of the one with the most points of acid and base; eyes, motor, verbal of the
                          lowest coma scale, no verbal in whom a tube keeps from speaking; ventilated, 1 or 0, through a
                          tube at any time of the day

What was not measured counts as normal. Source: Knaus et al., Chest 100:1619-1636 (1991), as `apsiii` of the MIMIC Code
Repository (mimic-iv/concepts/score) has it: the worst value is the one furthest from a normal one, for urea, bilirubin
and the creatinine of failing kidneys the highest; who cannot speak because of a tube has no points of the coma scale;
the mortality is Johnson's (Oxford, 2015). The points are those of `acute_physiology.py`, which eICU's own agree with.

There gases of the whole stay count, of PaO2 the highest, of the gradient what the analyser printed, and none of a
patient on a ventilator with less than 50 % oxygen; here the worst of the day, which for that patient is of PaO2, as
published, and the gradient by its equation. Glucose is of serum, of the bedside or of a blood gas (whole blood), as
there. There chronic dialysis is told by billing codes, which are known at discharge: here nobody counts as on it. Its
newer versions add 1 degree to a temperature that was taken in the armpit; here it stands as it was charted. Of several
coma scales as low they take the last one; here it is the one with the most points. Data of eICU have these values from
APACHE itself (`APS//`), and the modality `severity` the points.
"""

from typing import Final

import numpy as np
import polars as pl

from wardround.concepts import gcs, oxygenation
from wardround.concepts.acute_physiology import (
    CREATININE,
    OLIGURIA_ML,
    POINTS,
    acid_base_points,
    acute_physiology_points,
    coma_points,
    interval_points,
    oxygen_points,
)
from wardround.concepts.first_day import first_days, in_first_day, score_rows
from wardround.concepts.first_day_values import laboratory, of_first_days, ventilated_days, vitals
from wardround.concepts.needs import Need, needs_of
from wardround.concepts.rows import of_the_patient
from wardround.concepts.urine_output import URINE
from wardround.concepts.ventilation import Devices

_VITALS: Final = {
    "VITAL//heartrate//bpm": "heartrate",
    "VITAL//systemicmean//mmHg": "meanbp",
    "VITAL//noninvasivemean//mmHg": "meanbp",
    "VITAL//temperature//C": "temperature",
    "VITAL//respiration///min": "respiratoryrate",
}
_GLUCOSE: Final = {"LAB//glucose//mg/dL": "glucose"}
_LABS: Final = {
    "LAB//Hct//%": "hematocrit",
    "LAB//WBC x 1000//K/mcL": "wbc",
    "LAB//creatinine//mg/dL": "creatinine",
    "LAB//BUN//mg/dL": "bun",
    "LAB//sodium//mmol/L": "sodium",
    "LAB//albumin//g/dL": "albumin",
    "LAB//total bilirubin//mg/dL": "bilirubin",
    **_GLUCOSE,
    "LAB//bedside glucose//mg/dL": "glucose",
}
_GAS: Final = {"LAB//pH//": "ph", "LAB//paCO2//mm Hg": "pco2"}
_NORMAL: Final = {
    **{"heartrate": 75.0, "meanbp": 90.0, "temperature": 38.0, "respiratoryrate": 19.0, "hematocrit": 45.5},
    **{"wbc": 11.5, "creatinine": 1.0, "sodium": 145.5, "albumin": 3.5, "glucose": 130.0},
    **{"bun": 0.0, "bilirubin": 0.0},
}
"""The worst value is the one furthest from it."""
_EDGES: Final = POINTS | {"creatinine": CREATININE}
_OXYGEN: Final = ("pao2", "fio2")
_ACID_BASE: Final = ("ph", "pco2")
_COMA: Final = ("eyes", "motor", "verbal")
_PARTS: Final = {
    **{name: (name,) for name in (*_NORMAL, "urine")},
    **{"oxygen": ("pao2",), "acid_base": _ACID_BASE, "coma": _COMA},
}
"""Part -> the variables that it needs."""
_KNOWN: Final = {
    **{name: [f"{name}_known"] for name in (*_NORMAL, "urine")},
    **{name: ["gas_known"] for name in (*_OXYGEN, *_ACID_BASE)},
    **{name: ["coma_known"] for name in _COMA},
    "ventilated": ["ventilation_known"],
}
CODES: Final = (*_VITALS, *_LABS, *_GAS, *URINE, *gcs.CODES, *oxygenation.CODES)
NEEDS: Final = (
    *needs_of(_VITALS | _LABS | _GAS),
    Need("urine", tuple(URINE)),
    *(*gcs.NEEDS, *oxygenation.NEEDS),
)


def apache(events: pl.DataFrame, stays: pl.DataFrame, devices: Devices = "all") -> pl.DataFrame:
    """The variables and points of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `subject_id, stay_id, start, end`.
        devices: which say that a patient is on a ventilator: "all", "twice" or "with_flow" (`ventilation_statuses`).

    Returns:
        Rows with the `ROW_COLUMNS`.
    """
    values = vitals(events, _VITALS).filter(pl.col("name") != "coma")
    breath = (pl.col("name") != "respiratoryrate") | pl.col("value").is_between(0, 70, closed="none")
    warmth = pl.when(pl.col("name") == "temperature").then(pl.col("value").round(2)).otherwise("value")
    results = (laboratory(events, stays, _LABS), laboratory(events, stays, _GLUCOSE, "blood_gas"))
    values = [values.filter(breath).with_columns(warmth), *results]
    days = first_days(stays)
    gases = _gases(events, stays, devices)
    for found in (
        of_first_days(values, list(_NORMAL), events, stays).rename({"urine_ml": "urine"}),
        _worst_of(gases.drop_nulls("pao2"), "oxygen_points", _OXYGEN),
        _worst_of(gases.drop_nulls(_ACID_BASE), "acid_base_points", _ACID_BASE),
        gases.group_by("stay_id").agg(gas_known=pl.col("known").max()),
        _coma(events, stays),
        ventilated_days(events, stays, devices),
    ):
        days = days.join(found, on="stay_id", how="left")
    days = days.sort("stay_id").with_columns(pl.col("ventilated").fill_null(False))
    days = days.with_columns(_worst(days, name) for name in _NORMAL)
    days = days.with_columns(aps=pl.Series(_aps(days)))
    measured = [pl.all_horizontal(pl.col(name).is_not_null() for name in names) for names in _PARTS.values()]
    return score_rows(
        days,
        "apache",
        _KNOWN,
        apache_aps=pl.col("aps"),
        apache_aps_mortality=1 / (1 + (4.4360 - 0.04726 * pl.col("aps")).exp()),
        apache_measured=pl.sum_horizontal(measured),
    )


def _worst(days: pl.DataFrame, name: str) -> pl.Series:
    """Of the lowest and the highest value the one further from normal, of two as far the one with more points."""
    low, high = (_numbers(days, f"{name}_{end}") for end in ("min", "max"))
    above, below = np.abs(high - _NORMAL[name]), np.abs(low - _NORMAL[name])
    more = interval_points(high, *_EDGES[name]) >= interval_points(low, *_EDGES[name])
    highest = (above > below) | ((above == below) & more)
    if name == "creatinine":
        highest |= (high >= CREATININE[0][1]) & (_numbers(days, "urine") < OLIGURIA_ML)
    return pl.Series(name, np.where(highest, high, low)).fill_nan(None)


def _gases(events: pl.DataFrame, stays: pl.DataFrame, devices: Devices) -> pl.DataFrame:
    """The arterial gases of the first day, with the points of each."""
    shared = pl.col("code").is_in([oxygenation.PAO2, oxygenation.FIO2, oxygenation.SPECIMEN, *_GAS])
    found = pl.concat([events.filter(~shared), of_the_patient(events.filter(shared), stays)])
    gases = in_first_day(oxygenation.arterial_gases(found, stays, _GAS, devices=devices), stays)
    values = {name: _numbers(gases, name) for name in (*_OXYGEN, *_ACID_BASE)}
    values["intubated"] = _numbers(gases, "ventilated")
    return gases.with_columns(
        oxygen_points=pl.Series(oxygen_points(values)), acid_base_points=pl.Series(acid_base_points(values))
    )


def _coma(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """`stay_id, eyes, motor, verbal, coma_known` of the lowest coma scale; of several as low of the one with the most
    points. Verbal is null where a tube keeps the patient from speaking."""
    chartings = in_first_day(gcs.gcs_chartings(events), stays).rename({f"gcs_{part}": part for part in _COMA})
    told = chartings.with_columns(verbal=pl.when(pl.col("verbal") > 0).then("verbal"))
    values = {name: _numbers(told, name) for name in _COMA} | {"meds": np.zeros(told.height)}
    told = told.with_columns(lowest=-pl.col("gcs"), points=pl.Series(coma_points(values)))
    worst = told.sort("stay_id", "lowest", "points", "time", descending=[False, True, True, False])
    known = told.group_by("stay_id").agg(coma_known=pl.col("available_time").max())
    return worst.group_by("stay_id").agg(pl.col(_COMA).first()).join(known, on="stay_id")


def _worst_of(gases: pl.DataFrame, points: str, names: tuple[str, ...]) -> pl.DataFrame:
    """`stay_id`, some values of the gas with the most points, and these."""
    worst = gases.sort("stay_id", points, "time", descending=[False, True, False])
    return worst.group_by("stay_id").agg(pl.col(names).first(), pl.col(points).first())


def _aps(days: pl.DataFrame) -> np.ndarray:
    """The points: those of oxygen and of acid and base are of a gas each."""
    values = {name: _numbers(days, name) for name in (*_NORMAL, "urine", *_COMA)}
    unknown = np.full(days.height, np.nan)
    values |= dict.fromkeys(("pao2", "pco2", "fio2", "ph", "intubated", "dialysis", "meds"), unknown)
    values["vent"] = _numbers(days, "ventilated")
    of_gases = days.select(pl.sum_horizontal("oxygen_points", "acid_base_points")).to_series().to_numpy()
    return acute_physiology_points(values) + of_gases


def _numbers(frame: pl.DataFrame, name: str) -> np.ndarray:
    """A column with NaN for its nulls."""
    return frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
