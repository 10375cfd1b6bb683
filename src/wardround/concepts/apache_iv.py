"""APACHE IV from a stay's own first-day values: acute physiology points, and the log odds of death in hospital.

    logit = b0 + spline(age) + spline(points) + spline(sqrt(days before the unit)) + ventilated + PaO2/FiO2
            + Glasgow coma scale + chronic health + where from + emergency surgery + thrombolysis + diagnosis

Source: Zimmerman et al., Acute Physiology and Chronic Health Evaluation (APACHE) IV, Crit Care Med 34:1297-1310 (2006);
the coefficients as printed there. A value that is missing counts as normal, as in the paper (an age as 65 years, ours);
so a stay needs one physiological value to have a score. It is computed anew whenever one of its values becomes known
and never knows a later one: in eICU at 24 h, when `apacheApsVar` becomes known.

On the open eICU demo the points equal the stored ones in all 1,254 stays that have them (`tests/concepts`).
"""

from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
import polars as pl
from jaxtyping import Float

from wardround.concepts.acute_physiology import POINTS, acute_physiology_points
from wardround.concepts.apache_diagnosis import GENERAL, INFARCTION, diagnosis_group
from wardround.events import DERIVED, EVENT_COLUMNS

Clock = Literal["available_time", "time"]

MODALITY: Final = "severity"
CODES: Final = DERIVED[MODALITY]
POINTS_CODE, LOGIT_CODE = CODES
COLUMNS: Final = ("stay_id", "time", "available_time", "modality", "code", "numeric_value")

_AGE: Final = ((27, 51, 64, 74, 86), (0.024177455, -4.38862e-6, 5.01422e-5, -1.27787e-4, 1.09606e-4, -2.75723e-5))
_APS: Final = ((10, 22, 32, 48, 89), (0.055634916, 8.71852e-6, -4.51101e-5, 5.038e-5, -1.31231e-5, -8.65349e-7))
_BEFORE: Final = ((0.121, 0.423, 0.794, 2.806), (-0.310487496, 1.474672511, -2.8618857, 1.42165901, -0.034445822))
"""Knots of restricted cubic terms, and the coefficients of x and of each (x - knot)^3 above it."""

_INTERCEPT: Final = -5.950471952
_VENTILATED: Final = 0.271760036
_PER_PAO2_FIO2: Final = -0.000397068
_NORMAL_PAO2_FIO2: Final = 80 / 0.21  # what the stored predictions take where no blood gas was drawn
_UNEXAMINED: Final = 0.785764316
_PER_COMA_POINT: Final = 0.039117532
_MOST_COMA_POINTS: Final = 12
_EMERGENCY: Final = 0.249073458
_THROMBOLYSIS: Final = -0.579874039

_AGE_YEARS: Final = (0.0, 120.0)
_BEFORE_DAYS: Final = (0.0, 366.0)
_FIO2: Final = (21.0, 100.0)
_PAO2_MMHG: Final = (0.0, 760.0)
"""What can be: a value beyond is taken as the end, so that one wrong number of a folder from elsewhere gives no odds
without end. `wardround prepare eicu` lets none through."""

_DECIMALS: Final = 4
"""Of an input. Events hold 32 bits, in which a pH of 7.45 is below 7.45 and would fall on the other side of an edge."""

CHRONIC: Final = {
    "aids": 0.958100516,
    "hepaticfailure": 1.037379925,
    "lymphoma": 0.743471748,
    "metastaticcancer": 1.086423752,
    "leukemia": 0.969308299,
    "immunosuppression": 0.435581083,
    "cirrhosis": 0.814665088,
}
"""The first of them that a patient has counts."""
FROM: Final = {
    "Floor": 0.017149193,
    "Acute Care/Floor": 0.017149193,
    "Operating Room": -0.583828121,
    "Recovery Room": -0.583828121,
    "PACU": -0.583828121,
    "Other Hospital": 0.022106266,
}

_PHYSIOLOGY: Final = (*POINTS, "creatinine", "ph", "pao2", "pco2", "fio2", "eyes", "motor", "verbal")
_STATES: Final = ("intubated", "vent", "dialysis", "meds")
_FLAGS: Final = (*CHRONIC, "oobventday1", "electivesurgery", "thrombolytics")
_NUMBERS: Final = {
    **{f"APS//{name}": name for name in (*_PHYSIOLOGY, *_STATES)},
    "AGE": "age",
    "BEFORE_UNIT//h": "before_h",
}
_DIAGNOSIS: Final = "APACHE//ADMISSION_DX//"
_SOURCE: Final = "UNITADMITSOURCE//"
INPUTS: Final = (*_PHYSIOLOGY, *_STATES, *_FLAGS, "age", "before_h", "diagnosis", "surgical", "infarction", "from")
CANDIDATES: Final = frozenset({"aps", "demographics", "diagnosis"})
"""The modalities that hold the inputs."""


def apache_iv(events: pl.DataFrame, clock: Clock = "available_time") -> pl.DataFrame:
    """The scores of some stays, a row whenever one of their inputs becomes known.

    Args:
        events: with the `COLUMNS`; coded as `wardround prepare eicu` does.
        clock: the time at which an input counts as known: "time" in the paper protocol.

    Returns:
        The `COLUMNS` of events of the modality `severity`: points and log odds, at the latest times of their inputs.
    """
    values = _inputs_of_codes(events["code"].unique())
    known = events.filter(pl.col("modality").is_in(list(CANDIDATES))).join(values, on="code")
    number = pl.col("numeric_value").cast(pl.Float64)
    number = pl.when(number.is_finite()).then(number.round(_DECIMALS))
    known = known.with_columns(value=pl.coalesce("value", number)).drop_nulls("value")
    state = _states(known.drop_nulls(["stay_id", clock]), clock)
    if state.is_empty():
        return pl.DataFrame(schema={name: EVENT_COLUMNS[name] for name in COLUMNS})
    columns = {name: state[name].to_numpy() for name in INPUTS}
    points = acute_physiology_points(columns)
    made = {POINTS_CODE: points, LOGIT_CODE: mortality_logit(columns, points)}
    times = state.select("stay_id", "time", "available_time")
    rows = [times.with_columns(code=pl.lit(code), numeric_value=pl.Series(found)) for code, found in made.items()]
    return (
        pl.concat(rows)
        .with_columns(modality=pl.lit(MODALITY))
        .select(pl.col(name).cast(EVENT_COLUMNS[name]) for name in COLUMNS)
    )


def _inputs_of_codes(codes: pl.Series) -> pl.DataFrame:
    """`code, name, value`: which input each code is; a null value is the event's own number."""
    rows: list[tuple[str, str, float | None]] = []
    for code in codes.to_list():
        if code in _NUMBERS:
            rows.append((code, _NUMBERS[code], None))
        elif code.startswith(_DIAGNOSIS):
            group = diagnosis_group(code.removeprefix(_DIAGNOSIS))
            rows += [(code, "diagnosis", group.coefficient), (code, "surgical", float(group.surgical))]
            rows.append((code, "infarction", float(group.words == INFARCTION)))
        elif code.startswith(_SOURCE):
            rows.append((code, "from", FROM.get(code.removeprefix(_SOURCE), 0.0)))
        elif code.startswith("APACHE//") and code.removeprefix("APACHE//") in _FLAGS:
            rows.append((code, code.removeprefix("APACHE//"), 1.0))
    return pl.DataFrame(rows, {"code": pl.String, "name": pl.String, "value": pl.Float64}, orient="row")


def _states(known: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    """A row a stay and time at which something became known: the latest of each input so far; rows before the first
    physiological value are left out."""
    place = ["stay_id", clock]
    latest = known.sort(*place, "name", "value").group_by(*place, "name", maintain_order=True).last()
    wide = latest.pivot("name", index=place, values="value")
    wide = wide.with_columns(pl.lit(None, pl.Float64).alias(name) for name in INPUTS if name not in wide.columns)
    other = "time" if clock == "available_time" else "available_time"
    times = known.group_by(place).agg(pl.col(other).max())
    wide = wide.join(times, on=place).sort(place)
    so_far = wide.with_columns(
        *(pl.col(name).forward_fill().over("stay_id") for name in INPUTS), pl.col(other).cum_max().over("stay_id")
    )
    so_far = so_far.filter(pl.any_horizontal(pl.col(list(_PHYSIOLOGY)).is_not_null()))
    return so_far.with_columns(pl.col(list(INPUTS)).fill_null(float("nan")))


def mortality_logit(
    values: Mapping[str, Float[np.ndarray, "stay"]], points: Float[np.ndarray, "stay"]
) -> Float[np.ndarray, "stay"]:
    """The log odds of death in hospital.

    Args:
        values: the `INPUTS`, NaN where missing: those of `acute_physiology_points`; `age` in years; `before_h`, hours
            in hospital before the unit; 1 where a flag holds; the coefficients of `diagnosis` and `from`; 1 in
            `surgical` where the diagnosis is an operation, in `infarction` where it is one.
        points: acute physiology points.
    """
    days_root = np.sqrt((np.nan_to_num(values["before_h"]) / 24).clip(*_BEFORE_DAYS))
    coma = values["eyes"] + values["motor"] + values["verbal"]
    examined = np.where(np.isnan(coma), 0.0, _PER_COMA_POINT * (15 - coma).clip(0, _MOST_COMA_POINTS))
    ratio = values["pao2"].clip(*_PAO2_MMHG) / values["fio2"].clip(*_FIO2) * 100
    ratio = np.where(np.isnan(ratio), _NORMAL_PAO2_FIO2, ratio)
    emergency = (values["surgical"] == 1) & (values["electivesurgery"] != 1)
    return (
        _INTERCEPT
        + _spline(np.nan_to_num(values["age"], nan=65.0).clip(*_AGE_YEARS), *_AGE)
        + _spline(points, *_APS)
        + _spline(days_root, *_BEFORE)
        + _VENTILATED * (values["oobventday1"] == 1)
        + _PER_PAO2_FIO2 * ratio
        + np.where(values["meds"] == 1, _UNEXAMINED, examined)
        + _chronic(values)
        + np.nan_to_num(values["from"])
        + _EMERGENCY * emergency
        + _THROMBOLYSIS * ((values["thrombolytics"] == 1) & (values["infarction"] == 1))
        + np.nan_to_num(values["diagnosis"], nan=GENERAL.coefficient)
    )


def _spline(x: np.ndarray, knots: tuple[float, ...], coefficients: tuple[float, ...]) -> np.ndarray:
    linear, *cubic = coefficients
    return linear * x + sum(c * (x - knot).clip(min=0) ** 3 for knot, c in zip(knots, cubic, strict=True))


def _chronic(values: Mapping[str, np.ndarray]) -> np.ndarray:
    found = np.zeros(len(values["age"]))
    for name, coefficient in reversed(CHRONIC.items()):
        found = np.where(values[name] == 1, coefficient, found)
    return found
