"""The Oxford Acute Severity of Illness Score of the first day, 0 to 75, and the mortality that it stands for.

    oasis              the total of ten parts, one row a stay, at hour 24
    oasis_mortality    the probability of death in hospital that the total stands for
    oasis_measured     how many of the six parts of the body's state had a value
    oasis_{part}       its points: before_unit, age, coma, heart_rate, mean_pressure, respiration, temperature, urine,
                       ventilation, admission; no row where it was not measured

A part that was not measured counts 0. It needs no laboratory.

Source: Johnson et al., Crit Care Med 41:1711-1718 (2013), as `oasis` of the MIMIC Code Repository (mimic-iv/concepts/
score) has it: values of one minute are averaged; the respiratory rate is the set or total one; a patient is ventilated
who is on a ventilator through a tube at any time of the day; surgical is who was under a surgical or orthopaedic
service by its end. There vitals and the coma scale of the six hours before the unit count too.
"""

from collections.abc import Collection
from typing import Final

import polars as pl

from wardround.concepts import admission, gcs, ventilation
from wardround.concepts.first_day import first_days, points, score_rows
from wardround.concepts.first_day_values import of_first_days, ventilated_days, vitals
from wardround.concepts.needs import Need, needs_of
from wardround.concepts.urine_output import URINE
from wardround.concepts.ventilation import Devices

_VITALS: Final = {
    "VITAL//heartrate//bpm": "heart_rate",
    "VITAL//systemicmean//mmHg": "mean_pressure",
    "VITAL//noninvasivemean//mmHg": "mean_pressure",
    "VITAL//respiration///min": "respiration",
    "VITAL//temperature//C": "temperature",
}
_NO_BREATH: Final = (pl.col("name") == "respiration") & ~pl.col("value").is_between(0, 70, closed="none")
"""Rates that the repository leaves out."""
_BODY: Final = (*dict.fromkeys(_VITALS.values()), "coma", "urine")
_PARTS: Final = (*_BODY, "before_unit", "age", "ventilation", "admission")
CODES: Final = (*_VITALS, *URINE, *gcs.CODES, *ventilation.CODES, *ventilation.FLOWS)
FAMILIES: Final = admission.FAMILIES
NEEDS: Final = (
    *needs_of(_VITALS),
    Need("urine", tuple(URINE)),
    Need("ventilation", ventilation.CODES),
    *(*gcs.NEEDS, *admission.NEEDS),
)


def oasis(
    events: pl.DataFrame,
    stays: pl.DataFrame,
    elective: Collection[str] = admission.ELECTIVE,
    devices: Devices = "all",
) -> pl.DataFrame:
    """The score of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `subject_id, stay_id, start, end, hospital_start, age`.
        elective: types of admission that are.
        devices: which say that a patient is on a ventilator: "all", "twice" or "with_flow" (`ventilation_statuses`).

    Returns:
        Rows with the `ROW_COLUMNS`.
    """
    values = vitals(events, _VITALS).filter(~_NO_BREATH)
    warmth = pl.col("name") == "temperature"
    values = values.with_columns(pl.when(warmth).then(pl.col("value").round(2)).otherwise("value"))
    waited = (pl.col("start") - pl.col("hospital_start")).dt.total_minutes()
    days = first_days(stays).with_columns(age_known="start", before_unit_known="start", before_min=waited)
    for found in (
        of_first_days([values], [name for name in _BODY if name != "urine"], events, stays),
        ventilated_days(events, stays, devices),
        admission.admissions(events, stays, elective),
    ):
        days = days.join(found, on="stay_id", how="left")
    days = days.with_columns(**_points())
    total = pl.sum_horizontal(_PARTS)
    return score_rows(
        days,
        "oasis",
        {part: [f"{part}_known"] for part in _PARTS},
        oasis=total,
        oasis_mortality=1 / (1 + (6.1746 - 0.1275 * total).exp()),
        oasis_measured=pl.sum_horizontal(pl.col(part).is_not_null() for part in _BODY),
    )


def _points() -> dict[str, pl.Expr]:
    low = {name: pl.col(f"{name}_min") for name in (*_VITALS.values(), "coma")}
    high = {name: pl.col(f"{name}_max") for name in _VITALS.values()}
    age, before, urine = pl.col("age"), pl.col("before_min"), pl.col("urine_ml")
    heart, pressure, breaths, warmth = (name for name in dict.fromkeys(_VITALS.values()))
    cold = low[warmth].is_between(33.22, 35.93) | high[warmth].is_between(33.22, 35.93)
    return {
        "before_unit": points(
            (before < 10.2, 5), (before < 297, 3), (before < 1440, 0), (before < 18708, 2), (before >= 18708, 1),
            measured="before_min",
        ),
        "age": points((age < 24, 0), (age <= 53, 3), (age <= 77, 6), (age <= 89, 9), (age > 89, 7), measured="age"),
        "coma": points((low["coma"] <= 7, 10), (low["coma"] < 14, 4), (low["coma"] == 14, 3), measured="coma_min"),
        heart: points(
            (high[heart] > 125, 6), (low[heart] < 33, 4), (high[heart].is_between(107, 125), 3),
            (high[heart].is_between(89, 106), 1), measured=f"{heart}_max",
        ),
        pressure: points(
            (low[pressure] < 20.65, 4), (low[pressure] < 51, 3), (high[pressure] > 143.44, 3),
            (low[pressure] < 61.33, 2), measured=f"{pressure}_max",
        ),
        breaths: points(
            (low[breaths] < 6, 10), (high[breaths] > 44, 9), (high[breaths] > 30, 6), (high[breaths] > 22, 1),
            (low[breaths] < 13, 1), measured=f"{breaths}_max",
        ),
        warmth: points(
            (high[warmth] > 39.88, 6), (cold, 4), (low[warmth] < 33.22, 3),
            (low[warmth].is_between(35.93, 36.39, closed="right"), 2), (high[warmth].is_between(36.89, 39.88), 2),
            measured=f"{warmth}_max",
        ),
        "urine": points(
            (urine < 671.09, 10), (urine > 6896.8, 8), (urine <= 1426.99, 5), (urine.is_between(1427, 2544.14), 1),
            measured="urine_ml",
        ),
        "ventilation": pl.when("ventilated").then(9.0).otherwise(0.0),
        "admission": points(
            (pl.col("elective") & pl.col("surgical_day"), 0), (pl.col("elective").is_not_null(), 6), measured="elective"
        ),
    }  # fmt: skip
