"""What several scores of the first day are made of in the same way: the coma scale, the urine, the laboratory, and who
was on a ventilator."""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from wardround.concepts import gcs
from wardround.concepts.first_day import DAY, by_minute, extremes, in_first_day
from wardround.concepts.rows import measured, of_the_patient
from wardround.concepts.urine_output import URINE
from wardround.concepts.ventilation import HOLDS, Devices, ventilation_statuses

COLUMNS: Final = ("stay_id", "time", "name", "value", "available_time")


def vitals(events: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """The `COLUMNS` of some vitals, one value a minute; and of the coma scale at each charting, as "coma".

    Args:
        events: with the `INPUT_COLUMNS`.
        names: code -> what it is called here.
    """
    coma = gcs.gcs_chartings(events).select("stay_id", "time", "available_time", name=pl.lit("coma"), value="gcs")
    return pl.concat([each.select(COLUMNS) for each in (by_minute(measured(events, names)), coma)])


def laboratory(
    events: pl.DataFrame, stays: pl.DataFrame, names: Mapping[str, str], modality: str = "lab"
) -> pl.DataFrame:
    """The `COLUMNS` of some results of the laboratory, of the patient in whatever stay; none of a blood gas.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `subject_id, stay_id`.
        names: code -> what it is called here.
        modality: "blood_gas" for those of blood gases, and no others.
    """
    results = of_the_patient(events.filter(pl.col("code").is_in(list(names))), stays)
    return measured(results, names, modality).select(COLUMNS)


def of_first_days(
    values: Sequence[pl.DataFrame], names: Sequence[str], events: pl.DataFrame, stays: pl.DataFrame
) -> pl.DataFrame:
    """What was lowest and highest in the first day, and its urine.

    Args:
        values: with the `COLUMNS`, of any time.
        names: of what is asked.
        events: with the `INPUT_COLUMNS`.
        stays: `stay_id, start`.

    Returns:
        `stay_id`, the columns of `extremes`, and `urine_ml, urine_known`.
    """
    charted = in_first_day(measured(events, URINE), stays).group_by("stay_id")
    urine = charted.agg(urine_ml=pl.col("value").sum(), urine_known=pl.col("available_time").max())
    found = extremes(in_first_day(pl.concat(values), stays), names)
    return found.join(urine, on="stay_id", how="full", coalesce=True)


def ventilated_days(events: pl.DataFrame, stays: pl.DataFrame, devices: Devices = "all") -> pl.DataFrame:
    """`stay_id, ventilated, ventilation_known`: whether a ventilator through a tube was charted twice running by the
    end of the first day, and held in it: until the next charting, for 14 hours at most.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `stay_id, start`.
        devices: which count (`ventilation_statuses`).
    """
    said = ventilation_statuses(events, devices).join(
        stays.drop_nulls("start").select("stay_id", "start"), on="stay_id"
    )
    said = said.filter(pl.col("time") < pl.col("start") + DAY).sort("stay_id", "time")
    time, tube = pl.col("time"), pl.col("status") == "invasive"
    next_time, before = (time.shift(step).over("stay_id") for step in (-1, 1))
    near_next, near_before = (next_time - time < HOLDS).fill_null(False), (time - before < HOLDS).fill_null(False)
    twice = (near_next & tube.shift(-1).over("stay_id")) | (near_before & tube.shift(1).over("stay_id"))
    until = pl.when(near_next).then(next_time).otherwise(time)
    said = said.with_columns(held=tube & twice.fill_null(False) & (until >= pl.col("start")))
    return said.group_by("stay_id").agg(ventilated=pl.col("held").any(), ventilation_known=pl.col("known").max())
