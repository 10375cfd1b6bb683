"""PaO2/FiO2 of a patient whose breathing is assisted, by a ventilator through a tube or by a mask under pressure.

Source: `sapsii` and `lods` of the MIMIC Code Repository: a mask (CPAP, BiPAP) counts from an hour before its first
charting of the first day to four hours after the last.
"""

from typing import Final

import polars as pl

from wardround.concepts import oxygenation
from wardround.concepts.first_day import DAY, in_first_day
from wardround.concepts.rows import of_the_patient, worded
from wardround.concepts.ventilation import DEVICES, Devices

CODES: Final = oxygenation.CODES
NEEDS: Final = oxygenation.NEEDS
MASKS: Final = ("cpap mask", "bipap")
_OF_THE_PATIENT: Final = (oxygenation.PAO2, oxygenation.FIO2, oxygenation.SPECIMEN)


def assisted_gases(
    events: pl.DataFrame, stays: pl.DataFrame, as_lods: bool = False, devices: Devices = "all"
) -> pl.DataFrame:
    """The arterial gases of the first day that were drawn under assisted breathing.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `subject_id, stay_id, start, end`.
        as_lods: gases of the whole stay and of any blood, venous too, as the repository's `lods` has it.
        devices: which say that a patient is on a ventilator (`ventilation_statuses`); masks count always.

    Returns:
        `stay_id, time, name` ("pao2fio2"), `value` (mmHg), `available_time`.
    """
    shared = pl.col("code").is_in(_OF_THE_PATIENT)
    found = pl.concat([events.filter(~shared), of_the_patient(events.filter(shared), stays)])
    gases = oxygenation.oxygenation(found, stays, any_blood=as_lods, devices=devices).drop_nulls("ratio")
    if as_lods:
        gases = gases.join(stays.select("stay_id", "start", "end"), on="stay_id")
        gases = gases.filter(pl.col("time") >= pl.col("start"), (pl.col("time") < pl.col("end")).fill_null(True))
    else:
        gases = in_first_day(gases, stays)
    gases = gases.select("stay_id", "time", "ratio", "ventilated", "known")
    gases = gases.join(_masks(events, stays), on="stay_id", how="left")
    masked = pl.col("time").is_between("masked_from", "masked_until").fill_null(False)
    gases = gases.filter(pl.col("ventilated").fill_null(False) | masked)
    known = pl.max_horizontal("known", "mask_known")
    return gases.select("stay_id", "time", name=pl.lit("pao2fio2"), value="ratio", available_time=known)


def _masks(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """`stay_id, masked_from, masked_until, mask_known`."""
    text = pl.col("text").str.to_lowercase()
    masks = worded(events, DEVICES).filter(pl.any_horizontal(text.str.contains(mask, literal=True) for mask in MASKS))
    masks = in_first_day(masks, stays).join(stays.select("stay_id", "start"), on="stay_id")
    return masks.group_by("stay_id").agg(
        masked_from=pl.max_horizontal(pl.col("time").min() - pl.duration(hours=1), pl.col("start").first()),
        masked_until=pl.min_horizontal(pl.col("time").max() + pl.duration(hours=4), pl.col("start").first() + DAY),
        mask_known=pl.col("available_time").max(),
    )
