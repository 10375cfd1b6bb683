"""The Logistic Organ Dysfunction Score of the first day, 0 to 22.

    lods               the total of six parts, one row a stay, at hour 24
    lods_measured      how many of the parts had a value, the lungs where a gas was drawn under assisted breathing
    lods_{part}        its points: neurologic, cardiovascular, renal, pulmonary, hematologic, hepatic; no row where it
                       was not measured (pulmonary is 0 in whose breathing was not assisted)

A part that was not measured counts 0.

Source: Le Gall et al., JAMA 276:802-810 (1996), as `lods` of the MIMIC Code Repository (mimic-iv/concepts/score) has
it: the renal part needs urine, urea and creatinine; a prothrombin time is 12 s in health. Three of its rules are
plainly off and kept behind a switch (`as_repository=True`): a urea of 7.5 to 17 mg/dL has a point there (7.5 is an edge
in mmol/L), the gases of the whole stay count in the score of its first day, and venous blood counts as arterial. There
values of the six hours before the unit count too.
"""

from typing import Final

import polars as pl

from wardround.concepts import assisted_gases, gcs
from wardround.concepts.first_day import first_days, points, score_rows
from wardround.concepts.first_day_values import laboratory, of_first_days, vitals
from wardround.concepts.needs import Need, needs_of
from wardround.concepts.urine_output import URINE
from wardround.concepts.ventilation import Devices

_VITALS: Final = {
    "VITAL//heartrate//bpm": "heart_rate",
    "VITAL//systemicsystolic//mmHg": "systolic_pressure",
    "VITAL//noninvasivesystolic//mmHg": "systolic_pressure",
}
_LABS: Final = {
    "LAB//BUN//mg/dL": "bun",
    "LAB//creatinine//mg/dL": "creatinine",
    "LAB//WBC x 1000//K/mcL": "wbc",
    "LAB//platelets x 1000//K/mcL": "platelets",
    "LAB//total bilirubin//mg/dL": "bilirubin",
    "LAB//PT//sec": "prothrombin",
}
_NAMES: Final = (*dict.fromkeys(_VITALS.values()), *_LABS.values(), "coma")
_KNOWN: Final = {
    "neurologic": ("coma_known",),
    "cardiovascular": ("heart_rate_known", "systolic_pressure_known"),
    "renal": ("urine_known", "bun_known", "creatinine_known"),
    "pulmonary": ("gas_known",),
    "hematologic": ("wbc_known", "platelets_known"),
    "hepatic": ("prothrombin_known", "bilirubin_known"),
}
_MEASURED: Final = ("neurologic", "cardiovascular", "renal", "ratio", "hematologic", "hepatic")
"""What of each part says that it was measured: the points of the lungs are 0 where nothing was."""
CODES: Final = (*_VITALS, *_LABS, *URINE, *gcs.CODES, *assisted_gases.CODES)
NEEDS: Final = (
    *needs_of(_LABS | _VITALS),
    Need("urine", tuple(URINE)),
    *(*gcs.NEEDS, *assisted_gases.NEEDS),
)
_HEALTHY_PT_S: Final = 12


def lods(
    events: pl.DataFrame, stays: pl.DataFrame, as_repository: bool = False, devices: Devices = "all"
) -> pl.DataFrame:
    """The score of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `subject_id, stay_id, start, end`.
        as_repository: with the three rules of the repository that are plainly off. The gases of the whole stay are then
            known only when they are, after the first day.
        devices: which say that a patient is on a ventilator: "all", "twice" or "with_flow" (`ventilation_statuses`).

    Returns:
        Rows with the `ROW_COLUMNS`.
    """
    values = [vitals(events, _VITALS), laboratory(events, stays, _LABS)]
    gases = assisted_gases.assisted_gases(events, stays, as_lods=as_repository, devices=devices)
    gases = gases.group_by("stay_id").agg(ratio=pl.col("value").min(), gas_known=pl.col("available_time").max())
    days = first_days(stays)
    for found in (of_first_days(values, _NAMES, events, stays), gases):
        days = days.join(found, on="stay_id", how="left")
    days = days.with_columns(**_points(7.5 if as_repository else 17))
    return score_rows(
        days,
        "lods",
        _KNOWN,
        lods=pl.sum_horizontal(list(_KNOWN)),
        lods_measured=pl.sum_horizontal(pl.col(each).is_not_null() for each in _MEASURED),
    )


def _points(bun_from: float) -> dict[str, pl.Expr]:
    low, high = ({name: pl.col(f"{name}_{end}") for name in _NAMES} for end in ("min", "max"))
    heart, pressure, urine, ratio = "heart_rate", "systolic_pressure", pl.col("urine_ml"), pl.col("ratio")
    renal = points(
        (urine < 500, 5), (high["bun"] >= 56, 5), (high["creatinine"] >= 1.6, 3), (urine < 750, 3),
        (high["bun"] >= 28, 3), (urine >= 10_000, 3), (high["creatinine"] >= 1.2, 1), (high["bun"] >= bun_from, 1),
        measured="urine_ml",
    )  # fmt: skip
    return {
        "neurologic": points((low["coma"] <= 5, 5), (low["coma"] <= 8, 3), (low["coma"] <= 13, 1), measured="coma_min"),
        "cardiovascular": points(
            (low[heart] < 30, 5), (low[pressure] < 40, 5), (low[pressure] < 70, 3), (high[pressure] >= 270, 3),
            (high[heart] >= 140, 1), (high[pressure] >= 240, 1), (low[pressure] < 90, 1),
            measured=["heart_rate_max", "systolic_pressure_min"],
        ),
        "renal": pl.when(pl.all_horizontal(high[name].is_not_null() for name in ("bun", "creatinine"))).then(renal),
        "pulmonary": pl.when(ratio < 150).then(3.0).when(ratio >= 150).then(1.0).otherwise(0.0),
        "hematologic": points(
            (low["wbc"] < 1, 3), (low["wbc"] < 2.5, 1), (low["platelets"] < 50, 1), (high["wbc"] >= 50, 1),
            measured=["wbc_max", "platelets_min"],
        ),
        "hepatic": points(
            (high["bilirubin"] >= 2, 1), (high["prothrombin"] > _HEALTHY_PT_S + 3, 1),
            (low["prothrombin"] < 0.25 * _HEALTHY_PT_S, 1), measured=["prothrombin_max", "bilirubin_max"],
        ),
    }  # fmt: skip
