"""PaO2/FiO2 of each arterial blood gas, and whether the patient was on a ventilator.

    ratio = 100 PaO2 / FiO2        PaO2 in mmHg, FiO2 in %

Source: `bg` of the MIMIC Code Repository (mimic-iv/concepts/measurement). A gas is arterial where its specimen says so
(`ART.`, `ART` in MIMIC-III); its FiO2 is the latest of the 4 hours up to it, and where several were told of that minute
the highest. There the specimen's own FiO2 comes first however old the charted one is; events do not tell the two apart.
FiO2 outside 20 to 100 % is none.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl

from wardround.concepts import ventilation
from wardround.concepts.needs import Need
from wardround.concepts.rows import measured, with_latest, worded
from wardround.concepts.ventilation import Devices, ventilation_statuses, with_ventilation

PAO2: Final = "LAB//paO2//mm Hg"
FIO2: Final = "LAB//FiO2//%"
SPECIMEN: Final = "LAB//Specimen Type (Blood)//"
ARTERIAL: Final = ("ART.", "ART")
CODES: Final = (PAO2, FIO2, SPECIMEN, *ventilation.CODES, *ventilation.FLOWS)
NEEDS: Final = (
    Need("PaO2", (PAO2,)),
    Need("FiO2", (FIO2,)),
    Need("which blood is arterial", (SPECIMEN,)),
    Need("ventilation", ventilation.CODES),
)
HOLDS: Final = pl.duration(hours=4)


def oxygenation(
    events: pl.DataFrame, stays: pl.DataFrame, any_blood: bool = False, devices: Devices = "all"
) -> pl.DataFrame:
    """The gases of some stays; after the end of one nobody is known to be on its ventilator.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `stay_id, end`.
        any_blood: gases of any blood, venous too.
        devices: which say that a patient is on a ventilator (`ventilation_statuses`).

    Returns:
        `stay_id, time, ratio, ventilated, known`, a row a gas whose FiO2 is known.
    """
    gases = arterial_gases(events, stays, any_blood=any_blood, devices=devices).drop_nulls(["pao2", "fio2"])
    return gases.select("stay_id", "time", "ventilated", ratio=100 * pl.col("pao2") / pl.col("fio2"), known="known")


def arterial_gases(
    events: pl.DataFrame,
    stays: pl.DataFrame,
    others: Mapping[str, str] | None = None,
    any_blood: bool = False,
    devices: Devices = "all",
) -> pl.DataFrame:
    """Every arterial gas of some stays, as `oxygenation` has them.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `stay_id, end`.
        others: code -> name of what else is asked of a gas.
        any_blood: gases of any blood, venous too.
        devices: which say that a patient is on a ventilator (`ventilation_statuses`).

    Returns:
        `stay_id, time, pao2, fio2`, the other names, `ventilated, known`, a row a gas; nulls where nothing was told.
    """
    gases = _drawn(events, {PAO2: "pao2", **(others or {})}, any_blood)
    fio2 = measured(events, {FIO2: "fio2"}).filter(pl.col("value").is_between(20, 100))
    fio2 = fio2.group_by("stay_id", "time").agg(fio2=pl.col("value").max(), fio2_known=pl.col("available_time").max())
    gases = with_latest(gases, "time", fio2.rename({"time": "_time"}))
    fresh = pl.col("time") - pl.col("_time") <= HOLDS
    gases = gases.with_columns(pl.when(fresh).then(name).alias(name) for name in ("fio2", "fio2_known")).drop("_time")
    gases = with_ventilation(gases, ventilation_statuses(events, devices))
    gases = gases.join(stays.select("stay_id", "end"), on="stay_id", how="left")
    return gases.with_columns(
        known=pl.max_horizontal("gas_known", "fio2_known", "ventilation_known"),
        ventilated=pl.col("ventilated") & (pl.col("time") <= pl.col("end")).fill_null(True),
    )


def _drawn(events: pl.DataFrame, names: Mapping[str, str], any_blood: bool) -> pl.DataFrame:
    """`stay_id, time, gas_known` and the names: the lowest of each minute of arterial blood, or of any."""
    arterial = worded(events, [SPECIMEN]).filter(pl.col("text").is_in(ARTERIAL))
    drawn = arterial.group_by("stay_id", "time").agg(said=pl.col("available_time").max())
    name, value = pl.col("name"), pl.col("value")
    told = (
        measured(events, names)
        .group_by("stay_id", "time")
        .agg(
            *(value.filter(name == one).min().alias(one) for one in names.values()), told=pl.col("available_time").max()
        )
    )
    both = told.join(drawn, on=["stay_id", "time"], how="left" if any_blood else "inner")
    return both.select("stay_id", "time", *names.values(), gas_known=pl.max_horizontal("said", "told"))
