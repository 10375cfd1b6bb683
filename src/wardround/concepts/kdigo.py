"""The stage of acute kidney injury by KDIGO, 0 to 3, at each charting of creatinine, urine or continuous dialysis.

    kdigo               the highest of the three; 0 where none of them says one
    kdigo_creatinine    1 from 1.5 times the lowest of the 7 days before on, or 0.3 mg/dL above the lowest of 48 h;
                        2 from twice, 3 from three times; 3 also from 4 mg/dL on where it rose: 1.5 times, or from 3.7
                        or less in 48 h
    kdigo_urine         1 below 0.5 mL/kg/h over 6 h, 2 over 12 h; 3 below 0.3 over 24 h, or with none over 12 h
    kdigo_crrt          3 where a mode of continuous dialysis is charted

Source: KDIGO, Kidney Int Suppl 2:1-138 (2012), as `kdigo_creatinine`, `kdigo_uo` and `kdigo_stages` of the MIMIC Code
Repository (mimic-iv/concepts/organfailure) have it. Creatinine is serum's, of the patient from 7 days before the unit
on; the first of all has nothing to rise from and is 0. Urine of N hours is that charted within them, by the time since
the charting before the first of them (1 h before any), where that is N hours or more; a charting has no stage where the
6 hours are 12 or more, or no weight is known, and 0 in the first 6 hours of the unit.

There chartings before the unit have rows as well, the last bit of a float decides at an edge (1.4 is not 0.3 above
1.1), and more irrigation fluid in than urine out over 12 h is stage 2; here it is 3. The highest stage of the last 6
hours (`aki_stage_smoothed`) is not made.
"""

from typing import Final

import polars as pl

from wardround.concepts.needs import Need
from wardround.concepts.rows import hours_since, measured, of_the_patient, sorted_rows, worded
from wardround.concepts.urine_output import URINE
from wardround.concepts.weight import CODES as WEIGHTS
from wardround.concepts.weight import with_weight
from wardround.events import HOUR_US

CREATININE: Final = {"LAB//creatinine//mg/dL": "creatinine"}
CRRT_MODE: Final = "CHART//CRRT mode"
DIALYSIS_TYPE: Final = "CHART//Dialysis Type"
CONTINUOUS: Final = ("CVV", "CAV")
"""How CareVue's types of dialysis begin that are continuous: CVVHD, say."""
CODES: Final = (*CREATININE, *URINE, *WEIGHTS, CRRT_MODE, DIALYSIS_TYPE)
NEEDS: Final = (Need("creatinine", tuple(CREATININE)), Need("urine", tuple(URINE)), Need("weight", WEIGHTS))
"""Who charts no continuous dialysis has the stages of creatinine and urine."""

BEFORE: Final = pl.duration(days=7)
HIGHEST_MG_DL: Final = 150
_DIGITS: Final = 6
_DECIMALS: Final = 4
"""Of a rate in mL/kg/h: 0.49996 is no less than 0.5."""
_LOWEST: Final = (("of_week", "7d"), ("of_two_days", "48h"))
_SPANS_H: Final = (6, 12, 24)


def kdigo(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """The stages of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `subject_id, stay_id, start, end, in_unit_until`.

    Returns:
        Rows with the `ROW_COLUMNS`; `time_h` is when it was charted, from unit admission to the end of the stay.
    """
    parts = pl.concat([_of_creatinine(events, stays), _of_urine(events, stays), _of_crrt(events, stays)])
    highest = parts.group_by("stay_id", "start", "time").agg(
        pl.col("known").max(), stage=pl.col("stage").max().fill_null(0.0), name=pl.lit("kdigo")
    )
    chartings = pl.concat([parts, highest.select(parts.columns)]).drop_nulls("stage")
    chartings = chartings.filter(pl.col("time") >= pl.col("start"))
    chartings = chartings.with_columns(time_h=hours_since("time"), value="stage", available_time="known")
    return sorted_rows(chartings)


def _in_time(chartings: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Chartings from 7 days before the unit to the end of their stay, with its `start`, by stay and time."""
    until = stays.select("stay_id", "start", _until=pl.coalesce("end", "in_unit_until")).drop_nulls()
    found = chartings.join(until, on="stay_id")
    found = found.filter(pl.col("time").is_between(pl.col("start") - BEFORE, "_until"))
    return found.drop("_until").sort("stay_id", "time")


def _stages(frame: pl.DataFrame, name: str, stage: pl.Expr) -> pl.DataFrame:
    """`stay_id, start, time, known, stage, name`."""
    return frame.select("stay_id", "start", "time", "known", stage=stage.cast(pl.Float64), name=pl.lit(name))


def _of_creatinine(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Stages of creatinine, known when all of the 7 days are."""
    results = of_the_patient(events.filter(pl.col("code").is_in(list(CREATININE))), stays)
    found = measured(results, CREATININE, "lab").filter(pl.col("value") <= HIGHEST_MG_DL)
    found = found.group_by("stay_id", "time").agg(
        pl.col("value").mean().round_sig_figs(_DIGITS), known=pl.col("available_time").max()
    )
    found = _in_time(found, stays)
    told = found.rolling("time", period="7d", closed="both", group_by="stay_id").agg(pl.col("known").max())
    before = [
        found.rolling("time", period=period, closed="left", group_by="stay_id").agg(pl.col("value").min().alias(name))
        for name, period in _LOWEST
    ]
    found = found.drop("known")
    for each in (told, *before):
        found = found.join(each, on=["stay_id", "time"])
    value, of_week, of_two_days = pl.col("value"), pl.col("of_week"), pl.col("of_two_days")
    times = {factor: value >= (factor * of_week).round_sig_figs(_DIGITS) for factor in (1.5, 2, 3)}
    rose = value >= (of_two_days + 0.3).round_sig_figs(_DIGITS)
    failing = (value >= 4) & ((of_two_days <= 3.7).fill_null(False) | times[1.5].fill_null(False))
    stage = pl.when(times[3] | failing).then(3).when(times[2]).then(2).when(times[1.5] | rose).then(1).otherwise(0)
    return _stages(found, "kdigo_creatinine", stage)


def _of_urine(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Stages of urine, null where none can be told; known when all of the 24 hours and the weight are."""
    charted = measured(events, URINE).group_by("stay_id", "time")
    charted = _in_time(charted.agg(volume=pl.col("value").sum(), known=pl.col("available_time").max()), stays)
    since_us = (pl.col("time") - pl.col("time").shift().over("stay_id")).dt.total_microseconds()
    charted = charted.with_columns(
        lasted_us=since_us.fill_null(HOUR_US),
        known=pl.max_horizontal("known", pl.col("known").shift().over("stay_id")),
    )
    found = with_weight(_spanned(charted), events, at="time")
    rate = {
        hours: pl.when(pl.col(f"lasted_h_{hours}") >= hours).then(
            (pl.col(f"volume_{hours}") / pl.col("weight_kg") / pl.col(f"lasted_h_{hours}")).round(_DECIMALS)
        )
        for hours in _SPANS_H
    }
    told = rate[6].is_not_null() & (pl.col("lasted_h_6") < 12)
    early = pl.col("time") <= pl.col("start") + pl.duration(hours=6)
    most = (rate[24] < 0.3) | (rate[12] <= 0)
    late = pl.when(most).then(3).when(rate[12] < 0.5).then(2).when(rate[6] < 0.5).then(1).otherwise(0)
    found = found.with_columns(known=pl.max_horizontal("known", "weight_known"))
    return _stages(found, "kdigo_urine", pl.when(told & early).then(0).when(told).then(late))


def _spanned(charted: pl.DataFrame) -> pl.DataFrame:
    """Chartings with `volume_N` in mL and `lasted_h_N`, the hours it came in, of the last N hours, for 6, 12 and 24."""
    found = charted.select("stay_id", "start", "time")
    for hours in _SPANS_H:
        span = charted.rolling("time", period=f"{hours}h", closed="both", group_by="stay_id")
        lasted_h = (pl.col("lasted_us").sum() * (1 / HOUR_US)).round(_DIGITS)
        known = {"known": pl.col("known").max()} if hours == max(_SPANS_H) else {}
        sums = {f"volume_{hours}": pl.col("volume").sum(), f"lasted_h_{hours}": lasted_h}
        found = found.join(span.agg(**sums, **known), on=["stay_id", "time"])
    return found


def _of_crrt(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    said = worded(events, [CRRT_MODE, DIALYSIS_TYPE])
    continuous = pl.any_horizontal(pl.col("text").str.starts_with(begin) for begin in CONTINUOUS)
    modes = said.filter((pl.col("code") == CRRT_MODE) | continuous)
    modes = modes.group_by("stay_id", "time").agg(known=pl.col("available_time").max())
    return _stages(_in_time(modes, stays), "kdigo_crrt", pl.lit(3))
