"""The Sequential Organ Failure Assessment of each hour: 0 to 24, the worst of the last 24 hours.

    sofa                           the total of six parts
    sofa_respiration               PaO2/FiO2 below 400, 300; on a ventilator below 200, 100 mmHg
    sofa_coagulation               platelets below 150, 100, 50, 20 10^9/L
    sofa_liver                     bilirubin from 1.2, 2, 6, 12 mg/dL on
    sofa_cardiovascular            mean pressure below 70 mmHg; dobutamine or dopamine at all; epinephrine or
                                   norepinephrine at all, dopamine above 5; those above 0.1, dopamine above 15
    sofa_cns                       coma scale below 15, 13, 10, 6
    sofa_renal                     creatinine from 1.2, 2, 3.5, 5 mg/dL on; urine below 500 (3 points), 200 mL/day (4)
    sofa_measured                  how many of the six parts had a value in the 24 hours
    sofa_24h                       the total at 24 h, one row a stay: of the first day, however early the stay ends

Rates in mcg/kg/min. Each part is 0 to 4; one that was not measured in the 24 hours is 0, and not counted by
`sofa_measured`, which is known when the total is. Hours before the unit count
where they are within the 24, so laboratory results of the ward do.

Source: Vincent et al., Intensive Care Med 22:707-710 (1996), as `sofa` of the MIMIC Code Repository
(mimic-iv/concepts/score) has it: pressures of one minute are averaged; urine of a day is that charted within 23 hours,
by the time since the charting before the first of them (before any, since the first pulse), where that is 22 to 30
hours, and the most that any charting of an hour says; results of the laboratory and blood gases are the patient's, of
whatever stay. There the hours are those of the clock (`unit_hours.py`), and a drug counts in an hour only if it runs at
the hour's end (`pressors="hour_end"`): a drip of half an hour is then missed or not as the clock will have it. Here it
counts where it runs at all.
"""

from typing import Final, Literal

import polars as pl

from wardround.concepts import gcs as coma
from wardround.concepts import infusions, oxygenation
from wardround.concepts.infusions import hourly_rates, with_infusions_known
from wardround.concepts.needs import Need
from wardround.concepts.rows import long_rows, measured, of_the_patient, sorted_rows
from wardround.concepts.unit_hours import FIRST_DAY_H, unit_hours, with_hour
from wardround.concepts.urine_output import URINE
from wardround.concepts.ventilation import Devices
from wardround.events import HOUR_US

Pressors = Literal["any", "hour_end"]

PARTS: Final = ("respiration", "coagulation", "liver", "cardiovascular", "cns", "renal")
WORST_OF_H: Final = 24

_CREATININE: Final = "LAB//creatinine//mg/dL"
_LABS: Final = {
    "LAB//platelets x 1000//K/mcL": "platelets",
    "LAB//total bilirubin//mg/dL": "bilirubin",
    _CREATININE: "creatinine",
}
_OF_THE_PATIENT: Final = (*_LABS, oxygenation.PAO2, oxygenation.FIO2, oxygenation.SPECIMEN)
_PULSE: Final = "VITAL//heartrate//bpm"
_PRESSURES: Final = {f"VITAL//{kind}mean//mmHg": "mean_pressure" for kind in ("systemic", "noninvasive")}
CODES: Final = (*_LABS, *_PRESSURES, _PULSE, *URINE, *coma.CODES, *oxygenation.CODES, *infusions.CODES)
NEEDS: Final = (
    *(Need(name, (code,)) for code, name in _LABS.items() if code != _CREATININE),
    Need("creatinine or urine", (_CREATININE, *URINE)),
    Need("mean pressure", tuple(_PRESSURES)),
    *(*coma.NEEDS, *oxygenation.NEEDS, *infusions.NEEDS),
)

_BELOW: Final = {"platelets": (150, 100, 50, 20), "mean_pressure": (70,), "gcs": (15, 13, 10, 6)}
_FROM: Final = {"bilirubin": (1.2, 2, 6, 12), "creatinine": (1.2, 2, 3.5, 5)}
_PART_OF: Final = {"platelets": "coagulation", "bilirubin": "liver", "creatinine": "renal"}


def sofa(
    events: pl.DataFrame, stays: pl.DataFrame, pressors: Pressors = "any", devices: Devices = "all"
) -> pl.DataFrame:
    """The score of each hour of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `subject_id, stay_id, start, end, in_unit_until`.
        pressors: when a drug counts in an hour: running at "any" time in it, or at its end ("hour_end").
        devices: which say that a patient is on a ventilator: "all", "twice" or "with_flow" (`ventilation_statuses`).

    Returns:
        Rows with the `ROW_COLUMNS`; `time_h` is the end of the hour.
    """
    hours = unit_hours(stays, before=WORST_OF_H - 1, at_least=FIRST_DAY_H)
    shared = pl.col("code").is_in(_OF_THE_PATIENT)
    found = pl.concat([events.filter(~shared), of_the_patient(events.filter(shared), stays)])
    points = pl.concat(
        [
            _of_labs(found),
            _of_gases(found, stays, devices),
            _of_pressure(events),
            _of_coma(events),
            _of_urine(events, stays),
        ]
    )
    points = pl.concat([with_hour(points, stays).drop("time"), _of_drugs(events, hours, pressors)], how="diagonal")
    worst = points.group_by("stay_id", "hour").agg(
        *(pl.col("points").filter(pl.col("part") == part).max().alias(part) for part in PARTS),
        *(pl.col("known").filter(pl.col("part") == part).max().alias(f"{part}_known") for part in PARTS),
    )
    hours = hours.join(worst, on=["stay_id", "hour"], how="left").sort("stay_id", "hour")
    return _rows(hours.with_columns(_worst_of_the_day()))


def _worst_of_the_day() -> list[pl.Expr]:
    """Of each part the most points of the last 24 hours, null without any, and when all that they are of was known."""
    made: list[pl.Expr] = []
    for part in PARTS:
        most = pl.col(part).rolling_max(WORST_OF_H, min_samples=1).over("stay_id")
        known = pl.max_horizontal("closes", f"{part}_known").dt.epoch("us")
        latest = known.rolling_max(WORST_OF_H, min_samples=1).over("stay_id")
        made += [most.alias(f"sofa_{part}"), pl.from_epoch(latest, "us").alias(f"{part}_known")]
    return made


def _rows(hours: pl.DataFrame) -> pl.DataFrame:
    names = [f"sofa_{part}" for part in PARTS]
    hours = hours.filter(pl.col("hour") >= 0).with_columns(
        time_h=pl.col("hour") + 1.0,
        sofa=pl.sum_horizontal(names),
        sofa_measured=pl.sum_horizontal(pl.col(name).is_not_null() for name in names),
        sofa_known=pl.max_horizontal(f"{part}_known" for part in PARTS),
    )
    hours = hours.with_columns(pl.col(names).fill_null(0.0))
    in_unit = hours.filter("in_unit")
    at_a_day = hours.filter(pl.col("hour") == FIRST_DAY_H - 1).rename({"sofa_known": "available_time"})
    rows = [long_rows(in_unit.with_columns(available_time=f"{part}_known"), [f"sofa_{part}"]) for part in PARTS]
    rows.append(long_rows(in_unit.with_columns(available_time="sofa_known"), ["sofa", "sofa_measured"]))
    rows.append(long_rows(at_a_day.with_columns(sofa_24h="sofa"), ["sofa_24h"]))
    return sorted_rows(pl.concat(rows))


def _points(frame: pl.DataFrame, part: str | pl.Expr, points: pl.Expr, known: str) -> pl.DataFrame:
    """`stay_id, time, part, points, known`."""
    name = pl.lit(part) if isinstance(part, str) else part
    return frame.select("stay_id", "time", part=name, points=points.cast(pl.Float64), known=known)


def _below(value: str, edges: tuple[float, ...]) -> pl.Expr:
    return pl.sum_horizontal(pl.col(value) < edge for edge in edges)


def _from(value: str, edges: tuple[float, ...]) -> pl.Expr:
    return pl.sum_horizontal(pl.col(value) >= edge for edge in edges)


def _of_labs(events: pl.DataFrame) -> pl.DataFrame:
    labs = measured(events, _LABS)
    points = pl.when(pl.col("name") == "platelets").then(_below("value", _BELOW["platelets"]))
    for name, edges in _FROM.items():
        points = points.when(pl.col("name") == name).then(_from("value", edges))
    return _points(labs, pl.col("name").replace_strict(_PART_OF, return_dtype=pl.String), points, "available_time")


def _of_gases(events: pl.DataFrame, stays: pl.DataFrame, devices: Devices) -> pl.DataFrame:
    always, ventilated = _below("ratio", (400, 300)), _below("ratio", (200, 100))
    points = always + pl.when("ventilated").then(ventilated).otherwise(0)
    return _points(oxygenation.oxygenation(events, stays, devices=devices), "respiration", points, "known")


def _of_pressure(events: pl.DataFrame) -> pl.DataFrame:
    pressures = (
        measured(events, _PRESSURES)
        .group_by("stay_id", "time")
        .agg(pl.col("value").mean().round_sig_figs(12), known=pl.col("available_time").max())
    )
    return _points(pressures, "cardiovascular", _below("value", _BELOW["mean_pressure"]), "known")


def _of_coma(events: pl.DataFrame) -> pl.DataFrame:
    return _points(coma.gcs_chartings(events), "cns", _below("gcs", _BELOW["gcs"]), "available_time")


def _of_urine(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Points of the urine of a day, in each hour with a charting that has a day before it: of the most urine."""
    charted = (
        measured(events, URINE)
        .group_by("stay_id", "time")
        .agg(volume=pl.col("value").sum(), known=pl.col("available_time").max())
    )
    charted = charted.join(stays.drop_nulls("start").select("stay_id", "start"), on="stay_id").sort("stay_id", "time")
    pulse = measured(events, {_PULSE: "pulse"}).sort("time", "available_time").group_by("stay_id", maintain_order=True)
    first = pulse.first().select("stay_id", pulse="time", pulse_known="available_time")
    charted = charted.join(first, on="stay_id", how="left", maintain_order="left")
    earlier, told = (pl.col(name).shift().over("stay_id") for name in ("time", "known"))
    charted = charted.with_columns(
        lasted_us=(pl.col("time") - pl.coalesce(earlier, "pulse", "start")).dt.total_microseconds(),
        known=pl.max_horizontal("known", pl.when(earlier.is_null()).then("pulse_known").otherwise(told)),
    )
    days = charted.rolling("time", period="23h", closed="both", group_by="stay_id").agg(
        pl.col("volume", "lasted_us").sum(), pl.col("known").max()
    )
    days = days.filter(pl.col("lasted_us").is_between(22 * HOUR_US, 30 * HOUR_US))
    days = days.with_columns(day_ml=(pl.col("volume") * 24 * HOUR_US / pl.col("lasted_us")).round_sig_figs(12))
    days = with_hour(days, stays).sort("stay_id", "time")
    days = days.group_by("stay_id", "hour").agg(pl.col("time").last(), pl.col("day_ml", "known").max())
    few, fewer = pl.col("day_ml") < 500, pl.col("day_ml") < 200
    return _points(days, "renal", pl.when(fewer).then(4).when(few).then(3).otherwise(0), "known")


def _of_drugs(events: pl.DataFrame, hours: pl.DataFrame, pressors: Pressors) -> pl.DataFrame:
    """`stay_id, hour, part, points, known`: points of the drugs of each hour; null points where none runs, since that,
    too, is known only when all infusions are."""
    rates = hourly_rates(events, hours).filter(pl.col("rate") > 0, pl.col("at_end") | (pressors == "any"))
    of = {drug: pl.col("rate").filter(pl.col("drug") == drug).max() for drug in infusions.DRUGS}
    dopamine, catechols = of["dopamine"], pl.max_horizontal(of["epinephrine"], of["norepinephrine"])
    graded = (
        pl.when((dopamine > 15) | (catechols > 0.1)).then(4.0).when((dopamine > 5) | (catechols > 0)).then(3.0)
        .when((dopamine > 0) | (of["dobutamine"] > 0)).then(2.0)
    )  # fmt: skip
    points = rates.group_by("stay_id", "hour").agg(points=graded)
    known = with_infusions_known(hours, events).join(points, on=["stay_id", "hour"], how="left")
    return known.select("stay_id", "hour", "points", part=pl.lit("cardiovascular"), known="infusions_known")
