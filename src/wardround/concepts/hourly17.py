"""The 17 variables of mimic3-benchmarks by the hour: a row for each hour in the unit, null where nothing was charted.

Hour h is [h, h + 1) since unit admission. A variable has its last value of the hour, as the benchmark's discretizer has
it; of several charted at one minute, that of the code which stands first in `VARIABLES`, then the highest. So pressures
are those charted last, arterial or of a cuff, and at one minute arterial; a serum glucose goes before a finger stick,
the total respiratory rate before the spontaneous one.

Units are the benchmark's: mmHg, mg/dL, degrees Celsius, cm, kg, SpO2 in %, but inspired oxygen as a fraction; refill is
0 normal, 1 prolonged. Parts of the coma scale are numbers, a verbal response that a tube prevents is 1, and where no
total is charted it is the sum of three parts charted at one minute.

A value counts in the hour in which it was measured, however late it was known, and the table does not say when: what a
laboratory found at 14:50 and told at 17:00 is of 14:00. So it is for reading and for models of the benchmark, not for
inputs of the causal protocol: those are events.

Source: Harutyunyan et al., Sci Data 6:96 (2019), with its names and spelling (`discretizer_config.json`). Not taken
over: values of the hour's end fall into the next hour, not that one; nothing is imputed; odd values were set aside by
`prepare`; no SaO2 of a blood gas among the SpO2; nothing of urine or other fluids among pH and glucose.
"""

from typing import Final

import polars as pl

from wardround.concepts import gcs as coma
from wardround.concepts.needs import Need
from wardround.concepts.rows import measured
from wardround.concepts.unit_hours import unit_hours, with_hour

_TOTAL: Final = "glascow_coma_scale_total"
_FRACTION: Final = "fraction_inspired_oxygen"

VARIABLES: Final[dict[str, tuple[str, ...]]] = {
    "capillary_refill_rate": ("VITAL//capillary refill//",),
    "diastolic_blood_pressure": ("VITAL//systemicdiastolic//mmHg", "VITAL//noninvasivediastolic//mmHg"),
    _FRACTION: ("LAB//FiO2//%",),
    "glascow_coma_scale_eye_opening": ("VITAL//gcs eyes//",),
    "glascow_coma_scale_motor_response": ("VITAL//gcs motor//",),
    _TOTAL: ("VITAL//gcs//",),
    "glascow_coma_scale_verbal_response": ("VITAL//gcs verbal//",),
    "glucose": ("LAB//glucose//mg/dL", "LAB//bedside glucose//mg/dL"),
    "heart_rate": ("VITAL//heartrate//bpm",),
    "height": ("HEIGHT//cm",),
    "mean_blood_pressure": ("VITAL//systemicmean//mmHg", "VITAL//noninvasivemean//mmHg"),
    "oxygen_saturation": ("VITAL//sao2//%",),
    "respiratory_rate": ("VITAL//respiration///min", "VITAL//spontaneous respiration///min"),
    "systolic_blood_pressure": ("VITAL//systemicsystolic//mmHg", "VITAL//noninvasivesystolic//mmHg"),
    "temperature": ("VITAL//temperature//C",),
    "weight": ("VITAL//weight//kg", "WEIGHT//kg"),
    "ph": ("LAB//pH//",),
}
"""Column -> codes, in the order of the benchmark."""

COLUMNS: Final[dict[str, pl.DataType]] = {
    "stay_id": pl.Int64(),
    "hour": pl.Int64(),
    **dict.fromkeys(VARIABLES, pl.Float64()),
}
_VARIABLE_OF: Final = {code: name for name, codes in VARIABLES.items() for code in codes}
_RANK_OF: Final = {code: rank for codes in VARIABLES.values() for rank, code in enumerate(codes)}
CODES: Final = tuple(_VARIABLE_OF)
NEEDS: Final = (Need("the 17 variables", CODES),)
_LAST_RANK: Final = max(_RANK_OF.values()) + 1


def hourly17(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """The variables of each hour of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `stay_id, start, end, in_unit_until`.

    Returns:
        A row an hour with the `COLUMNS`, by stay and hour.
    """
    found = measured(events, {code: code for code in CODES})
    found = found.with_columns(
        rank=pl.col("name").replace_strict(_RANK_OF, return_dtype=pl.Int64),
        name=pl.col("name").replace_strict(_VARIABLE_OF, return_dtype=pl.String),
    )
    found = with_hour(pl.concat([found, _totals(events)], how="diagonal"), stays)
    found = found.sort("time", pl.col("rank").neg(), "value")
    of_hours = found.group_by("stay_id", "hour", maintain_order=True).agg(
        pl.col("value").filter(pl.col("name") == name).last().alias(name) for name in VARIABLES
    )
    hours = unit_hours(stays).filter("in_unit").join(of_hours, on=["stay_id", "hour"], how="left")
    hours = hours.with_columns((pl.col(_FRACTION) / 100).round_sig_figs(6))
    return hours.select(pl.col(name).cast(kind) for name, kind in COLUMNS.items()).sort("stay_id", "hour")


def _totals(events: pl.DataFrame) -> pl.DataFrame:
    """`stay_id, time, name, rank, value`: sums of the three parts where they are charted at one minute."""
    parts = measured(events, coma.PARTS)
    at_once = parts.group_by("stay_id", "time").agg(
        pl.col("value").filter(pl.col("name") == part).max().alias(part) for part in coma.NORMAL
    )
    whole = at_once.drop_nulls().with_columns(value=pl.sum_horizontal(*coma.NORMAL))
    return whole.select("stay_id", "time", "value", name=pl.lit(_TOTAL), rank=pl.lit(_LAST_RANK, pl.Int64))
