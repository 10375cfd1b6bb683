"""How a patient breathes at each charting, from what is charted of the device and the ventilator's mode.

Source: `ventilation` of the MIMIC Code Repository (mimic-iv/concepts/treatment): its devices and modes, the order in
which they count, and the 14 hours after which a charting says nothing any more. There an episode needs two chartings
and the last one ends it, which is known only when no other has followed for 14 hours (`ventilation_episodes.py`); for
the scores a status holds from its charting on, until the next one or for 14 hours. At the minute of the next one both
hold, as there. Of several devices at one minute the one that does most counts; there the last in the alphabet does.

A tube that is charted as the device is one, if only once: who is taken off it within hours of surgery has no second
charting. A mode alone, without the tube, tells of one only beside another charting of either within 14 hours, as there:
ventilators give pressure by a mask in the same modes (CPAP/PSV).

CareVue (MIMIC-III) has words of its own; they mean what `ventilation_classification` of the repository's mimic-iii
concepts says, but for settings of the ventilator without a mode, which say nothing here, and for Vapotherm, a device of
high flow. An extubation ends what was before it, and does not say what comes. "T-piece" (MetaVision) says nothing, as
in the repository's MIMIC-IV: it is put to a tube and to a tracheostomy alike; "T-Piece" (CareVue) is oxygen, as in its
MIMIC-III. A tracheostomy counts before a mode, so who is ventilated through one is of that status, and not ventilated
to the scores, as there.
"""

from collections.abc import Sequence
from typing import Final, Literal

import polars as pl

from wardround.concepts.rows import measured, with_latest, worded
from wardround.events import TIME

DEVICE: Final = "CHART//O2 Delivery Device(s)"
CAREVUE_DEVICE: Final = "CHART//O2 Delivery Device"
DEVICES: Final = (DEVICE, CAREVUE_DEVICE)
EVENTS: Final = "CHART//Significant Events"
"""Where CareVue says that a tube was taken out."""
MODE: Final = ("CHART//Ventilator Mode", "CHART//Ventilator Mode//")
HAMILTON: Final = ("CHART//Ventilator Mode (Hamilton)", "CHART//Ventilator Mode (Hamilton)//")
"""A mode is under its own code in words, or with a number that stands for them."""
CODES: Final = (*DEVICES, EVENTS, *MODE, *HAMILTON)
FLOWS: Final = ("CHART//O2 Flow//L/min", "CHART//BiPap O2 Flow//L/min", "CHART//O2 Flow (additional cannula)//L/min")
"""Of oxygen; only `devices="with_flow"` asks for them."""
HOLDS: Final = pl.duration(hours=14)

Devices = Literal["all", "twice", "with_flow"]

_TRACHEOSTOMY: Final = ("Tracheostomy tube", "Trach mask", "Trach Mask")
_TUBE: Final = ("Endotracheal tube", "Ventilator")
_MASKS: Final = ("Bipap mask", "CPAP mask", "Bipap Mask", "CPAP Mask")
_EXTUBATED: Final = ("Extubated", "Self Extubation")
_HIGH_FLOW: Final = ("High flow nasal cannula", "Vapotherm")
_OXYGEN: Final = (
    *("Non-rebreather", "Face tent", "Aerosol-cool", "Venti mask", "Medium conc mask", "Ultrasonic neb", "Vapomist"),
    *("Oxymizer", "High flow neb", "Nasal cannula", "Cannula", "Nasal Cannula", "Face Tent", "Aerosol-Cool"),
    *("Non-Rebreather", "Venti Mask", "Medium Conc Mask", "Hi Flow Neb", "T-Piece", "Hood", "Hut"),
    *("TranstrachealCat", "Heated Neb", "Ultrasonic Neb"),
)
_MODES: Final = (
    *("(S) CMV", "APRV", "APRV/Biphasic+ApnPress", "APRV/Biphasic+ApnVol", "APV (cmv)", "Ambient", "Apnea Ventilation"),
    *("CMV", "CMV/ASSIST", "CMV/ASSIST/AutoFlow", "CMV/AutoFlow", "CPAP/PPS", "CPAP/PSV", "CPAP/PSV+Apn TCPL"),
    *("CPAP/PSV+ApnPres", "CPAP/PSV+ApnVol", "MMV", "MMV/AutoFlow", "MMV/PSV", "MMV/PSV/AutoFlow", "P-CMV", "PCV+"),
    *("PCV+/PSV", "PCV+Assist", "PRES/AC", "PRVC/AC", "PRVC/SIMV", "PSV/SBT", "SIMV", "SIMV/AutoFlow", "SIMV/PRES"),
    *("SIMV/PSV", "SIMV/PSV/AutoFlow", "SIMV/VOL", "SYNCHRON MASTER", "SYNCHRON SLAVE", "VOL/AC"),
    *("Assist Control", "CPAP", "CPAP+PS", "SIMV+PS", "Pressure Control", "Pressure Support", "TCPCV"),
)
_HAMILTON_MODES: Final = (
    *("APRV", "APV (cmv)", "Ambient", "(S) CMV", "P-CMV", "SIMV", "APV (simv)", "P-SIMV", "VS", "ASV"),
)
_HAMILTON_MASKS: Final = ("DuoPaP", "NIV", "NIV-ST")


STATUSES: Final = {
    "none": 0,
    "supplemental_oxygen": 1,
    "high_flow": 2,
    "non_invasive": 3,
    "invasive": 4,
    "tracheostomy": 5,
}
"""Each with its place in the order in which they count: air alone, oxygen, high flow by the nose, a mask under
pressure, a ventilator through a tube, a tracheostomy with or without one."""
EXTUBATED: Final = "extubated"


def ventilation_statuses(events: pl.DataFrame, devices: Devices = "all") -> pl.DataFrame:
    """What is charted of breathing.

    Args:
        events: with the `INPUT_COLUMNS`.
        devices: which count: "all"; or "twice", with which a tube too counts only beside another charting within 14
            hours, as in the repository's episodes; or of MetaVision's those "with_flow" alone, as its join has them,
            where a flow of oxygen is charted at the same minute, of several the last of the alphabet, and a tube twice.

    Returns:
        `stay_id, time, status, known, invasive, invasive_known`, a row for each minute that says something, by time:
        one of the `STATUSES` or `EXTUBATED`, and whether it counts as a ventilator through a tube.
    """
    words = worded(events, CODES)
    words = _with_flow(words, events) if devices == "with_flow" else words
    said = words.group_by("stay_id", "time").agg(
        tracheostomy=_says(DEVICES, _TRACHEOSTOMY),
        invasive=_says(DEVICES, _TUBE) | _says(MODE, _MODES) | _says(HAMILTON, _HAMILTON_MODES),
        non_invasive=_says(DEVICES, _MASKS) | _says(HAMILTON, _HAMILTON_MASKS),
        high_flow=_says(DEVICES, _HIGH_FLOW),
        supplemental_oxygen=_says(DEVICES, _OXYGEN),
        none=_says(DEVICES, ("None",)),
        extubated=_says((EVENTS,), _EXTUBATED),
        named=_says(DEVICES, _TUBE),
        known=pl.col("available_time").max(),
    )
    status = pl.coalesce(pl.when(name).then(pl.lit(name)) for name in (*reversed(STATUSES), EXTUBATED))
    said = said.select("stay_id", "time", "known", "named", status=status).drop_nulls("status")
    tube = pl.col("status") == "invasive"
    return _confirmed(said.with_columns(invasive=tube, asks=tube if devices != "all" else tube & ~pl.col("named")))


def _confirmed(said: pl.DataFrame) -> pl.DataFrame:
    """Statuses, by time, of which those that ask for it are `invasive` only beside another charting of a tube, within
    14 hours. That they are is known when one of the two neighbours that say so is; that they are not when both are, and
    without a next one when none can come."""
    time, known = pl.col("time"), pl.col("known")
    said = said.sort("stay_id", "time")
    before, after = ((time.shift(step).over("stay_id") - time).abs() < HOLDS for step in (1, -1))
    ways = [
        (near & pl.col("invasive").shift(step).over("stay_id")).fill_null(False)
        for near, step in ((before, 1), (after, -1))
    ]
    told = [
        pl.when(before).then(known.shift(1).over("stay_id")),
        pl.when(after).then(known.shift(-1).over("stay_id")).otherwise(time + HOLDS),
    ]
    beside = pl.min_horizontal(
        pl.when(way).then(pl.max_horizontal(known, when)) for way, when in zip(ways, told, strict=True)
    )
    settled = pl.coalesce(beside, pl.max_horizontal(known, *told))
    return said.select(
        "stay_id",
        "time",
        "status",
        "known",
        invasive=pl.col("invasive") & (~pl.col("asks") | pl.any_horizontal(ways)),
        invasive_known=pl.when("asks").then(settled).otherwise("known").cast(TIME),
    ).sort("time", "stay_id")


def _with_flow(words: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Words without the devices that the repository's join loses; a device is then known when its flow is, too."""
    of_device = pl.col("code") == DEVICE
    flows = measured(events, dict.fromkeys(FLOWS, "flow")).group_by("stay_id", "time")
    found = words.filter(of_device).join(flows.agg(flow_known=pl.col("available_time").max()), on=["stay_id", "time"])
    known = pl.max_horizontal("available_time", "flow_known").max()
    last = found.group_by("stay_id", "time", "code").agg(pl.col("text").max(), available_time=known)
    return pl.concat([words.filter(~of_device), last.select(words.columns)])


def _says(codes: Sequence[str], texts: Sequence[str]) -> pl.Expr:
    """Whether any of some codes has any of some texts."""
    return (pl.col("code").is_in(list(codes)) & pl.col("text").is_in(list(texts))).any()


def with_ventilation(rows: pl.DataFrame, statuses: pl.DataFrame) -> pl.DataFrame:
    """Rows with whether their patient was on a ventilator then.

    Args:
        rows: with `stay_id` and `time`.
        statuses: of `ventilation_statuses`.

    Returns:
        The rows, by time, with `ventilated`, and `ventilation_known`: when the chartings that say so were; null where
        there is none.
    """
    found = rows.sort("time").with_columns(just_before=pl.col("time") - pl.duration(microseconds=1))
    for name, at in (("now", "time"), ("before", "just_before")):
        latest = statuses.select("stay_id", _time="time", **{name: "invasive", f"{name}_known": "invasive_known"})
        found = with_latest(found, at, latest)
        fresh = pl.col("time") - pl.col("_time") < HOLDS
        found = found.with_columns(pl.when(fresh).then(each).alias(each) for each in (name, f"{name}_known"))
        found = found.drop("_time")
    return found.with_columns(
        ventilated=pl.any_horizontal(pl.col("now", "before").fill_null(False)),
        ventilation_known=pl.max_horizontal("now_known", "before_known"),
    ).drop("just_before", "now", "before", "now_known", "before_known")
