"""The Simplified Acute Physiology Score II of the first day, 0 to 163, and the mortality that it stands for.

    sapsii                    the total of fifteen parts, one row a stay, at hour 24
    sapsii_mortality          the probability of death in hospital that the total stands for
    sapsii_without_chronic    the total of the fourteen parts that are known by then: without chronic diseases
    sapsii_measured           how many of the twelve parts of the body's state had a value
    sapsii_{part}             its points: age, heart_rate, systolic_pressure, temperature, oxygenation (of assisted
                              breathing alone), urine, bun, wbc, potassium, sodium, bicarbonate, bilirubin, coma,
                              chronic, admission; no row where it was not measured

A part that was not measured counts 0. Chronic diseases (AIDS, haematological malignancy, metastatic cancer) come from
billing codes, which are known at discharge: so is `sapsii`, and a stay whose discharge nobody knows has none.

Source: Le Gall et al., JAMA 270:2957-2963 (1993), as `sapsii` of the MIMIC Code Repository (mimic-iv/concepts/score)
has it: pressures and other vitals of one minute are averaged; serum values are the laboratory's, without those of blood
gases; surgical is whose first service of the hospital stay was; an intubated patient's coma scale is 15 (`gcs.py`).
There the first day is (0, 24] hours, here [0, 24).
"""

from collections.abc import Collection
from typing import Final

import polars as pl

from wardround.concepts import admission, assisted_gases, diagnosis_codes, gcs
from wardround.concepts.chronic_disease import chronic_diseases
from wardround.concepts.first_day import first_days, points, score_rows
from wardround.concepts.first_day_values import COLUMNS, laboratory, of_first_days, vitals
from wardround.concepts.needs import Need, needs_of
from wardround.concepts.urine_output import URINE
from wardround.concepts.ventilation import Devices

_VITALS: Final = {
    "VITAL//heartrate//bpm": "heart_rate",
    "VITAL//systemicsystolic//mmHg": "systolic_pressure",
    "VITAL//noninvasivesystolic//mmHg": "systolic_pressure",
    "VITAL//temperature//C": "temperature",
}
_LABS: Final = {
    "LAB//BUN//mg/dL": "bun",
    "LAB//WBC x 1000//K/mcL": "wbc",
    "LAB//potassium//mmol/L": "potassium",
    "LAB//sodium//mmol/L": "sodium",
    "LAB//bicarbonate//mmol/L": "bicarbonate",
    "LAB//total bilirubin//mg/dL": "bilirubin",
}
_OTHERS: Final = ("oxygenation", "urine", "coma")
_BODY: Final = (*dict.fromkeys(_VITALS.values()), *_LABS.values(), *_OTHERS)
CODES: Final = (*_VITALS, *_LABS, *URINE, *gcs.CODES, *assisted_gases.CODES)
FAMILIES: Final = (*admission.FAMILIES, *diagnosis_codes.FAMILIES)
NEEDS: Final = (
    *needs_of(_LABS | _VITALS),
    Need("urine", tuple(URINE)),
    *(*gcs.NEEDS, *assisted_gases.NEEDS, *admission.NEEDS, Need("diagnoses", diagnosis_codes.FAMILIES)),
)


def sapsii(
    events: pl.DataFrame,
    stays: pl.DataFrame,
    elective: Collection[str] = admission.ELECTIVE,
    devices: Devices = "all",
) -> pl.DataFrame:
    """The score of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `subject_id, stay_id, start, end, hospital_start, hospital_end, age`.
        elective: types of admission that are.
        devices: which say that a patient is on a ventilator: "all", "twice" or "with_flow" (`ventilation_statuses`).

    Returns:
        Rows with the `ROW_COLUMNS`.
    """
    days = first_days(stays).join(_of_the_day(events, stays, devices), on="stay_id", how="left")
    days = days.join(admission.admissions(events, stays, elective), on="stay_id", how="left")
    days = days.join(chronic_diseases(events), on="stay_id", how="left")
    days = days.with_columns(age_known="start").with_columns(**_points())
    parts = {part: [f"{part}_known"] for part in (*_BODY, "age", "admission")}
    total, n_measured = pl.sum_horizontal(list(parts)), pl.sum_horizontal(pl.col(part).is_not_null() for part in _BODY)
    early = score_rows(days, "sapsii", parts, sapsii_without_chronic=total, sapsii_measured=n_measured)
    discharged = days.drop_nulls("hospital_end")
    whole = {"chronic": ["hospital_end", "chronic_known", *(known for columns in parts.values() for known in columns)]}
    total = total + pl.col("chronic")
    logit = 0.0737 * total + 0.9971 * (total + 1).log() - 7.7631
    late = score_rows(discharged, "sapsii", whole, sapsii=total, sapsii_mortality=1 / (1 + (-logit).exp()))
    return pl.concat([early, late]).sort("stay_id", "time_h", "name")


def _of_the_day(events: pl.DataFrame, stays: pl.DataFrame, devices: Devices) -> pl.DataFrame:
    """The extremes of everything measured."""
    gases = assisted_gases.assisted_gases(events, stays, devices=devices).with_columns(name=pl.lit("oxygenation"))
    values = [vitals(events, _VITALS), laboratory(events, stays, _LABS), gases.select(COLUMNS)]
    return of_first_days(values, [name for name in _BODY if name != "urine"], events, stays)


def _points() -> dict[str, pl.Expr]:
    """The points of each part, in the order of the paper's table."""
    low, high = ({name: pl.col(f"{name}_{end}") for name in _BODY} for end in ("min", "max"))
    age, surgical = pl.col("age"), admission.surgical(pl.col("first_service"))
    urine, gas, coma = pl.col("urine_ml"), low["oxygenation"], low["coma"]
    scheduled = pl.col("elective") & surgical
    return {
        "age": points(
            (age >= 80, 18), (age >= 75, 16), (age >= 70, 15), (age >= 60, 12), (age >= 40, 7), measured="age"
        ),
        "heart_rate": points(
            (low["heart_rate"] < 40, 11), (high["heart_rate"] >= 160, 7), (high["heart_rate"] >= 120, 4),
            (low["heart_rate"] < 70, 2), measured="heart_rate_max",
        ),
        "systolic_pressure": points(
            (low["systolic_pressure"] < 70, 13), (low["systolic_pressure"] < 100, 5),
            (high["systolic_pressure"] >= 200, 2), measured="systolic_pressure_max",
        ),
        "temperature": points((high["temperature"] >= 39, 3), measured="temperature_max"),
        "oxygenation": points((gas < 100, 11), (gas < 200, 9), (gas >= 200, 6), measured="oxygenation_min"),
        "urine": points((urine < 500, 11), (urine < 1000, 4), measured="urine_ml"),
        "bun": points((high["bun"] >= 84, 10), (high["bun"] >= 28, 6), measured="bun_max"),
        "wbc": points((low["wbc"] < 1, 12), (high["wbc"] >= 20, 3), measured="wbc_max"),
        "potassium": points((low["potassium"] < 3, 3), (high["potassium"] >= 5, 3), measured="potassium_max"),
        "sodium": points((low["sodium"] < 125, 5), (high["sodium"] >= 145, 1), measured="sodium_max"),
        "bicarbonate": points((low["bicarbonate"] < 15, 6), (low["bicarbonate"] < 20, 3), measured="bicarbonate_max"),
        "bilirubin": points((high["bilirubin"] >= 6, 9), (high["bilirubin"] >= 4, 4), measured="bilirubin_max"),
        "coma": points((coma < 6, 26), (coma < 9, 13), (coma < 11, 7), (coma < 14, 5), measured="coma_min"),
        "chronic": (
            pl.when("aids").then(17.0).when("haematological").then(10.0).when("metastatic").then(9.0).otherwise(0.0)
        ),
        "admission": points(
            (scheduled, 0), (surgical & pl.col("elective").is_not_null(), 8), (pl.lit(True), 6),
            measured=["elective", "first_service"],
        ),
    }  # fmt: skip
