"""Episodes of each kind of breathing support.

    ventilation_status      at each charting that tells it: 0 none, 1 oxygen, 2 high flow by the nose, 3 a mask under
                            pressure, 4 a ventilator through a tube, 5 a tracheostomy
    ventilation_STATUS      1 where an episode of the status begins, 0 where it ends: `ventilation_invasive`, and so on

Source: `ventilation` of the MIMIC Code Repository (mimic-iv/concepts/treatment). Chartings of one status, each less
than 14 h after the one before, are an episode, if there are two of them. It ends with the charting of another status,
or with its last charting where none follows within 14 h. A beginning is known when the second charting is; an end when
the next status is, or 14 h after the last charting.

There a device counts only where a flow of oxygen is charted at the same minute, as a slip of a join has it, which
loses most tubes that are charted without a mode (`devices="with_flow"`); here it counts always. CareVue's extubation
ends an episode, and is none itself.
"""

from typing import Final

import polars as pl

from wardround.concepts import ventilation as breathing
from wardround.concepts.needs import Need
from wardround.concepts.rows import hours_since, long_rows, sorted_rows
from wardround.concepts.ventilation import EXTUBATED, HOLDS, STATUSES, Devices, ventilation_statuses
from wardround.events import TIME

CODES: Final = (*breathing.CODES, *breathing.FLOWS)
NEEDS: Final = (Need("the device that gives oxygen", breathing.DEVICES), Need("the ventilator's mode", breathing.MODE))


def ventilation(events: pl.DataFrame, stays: pl.DataFrame, devices: Devices = "all") -> pl.DataFrame:
    """The chartings and episodes of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `stay_id, start`.
        devices: which count: "all", or those "with_flow", as the repository has it; of "twice" they are those of "all".

    Returns:
        Rows with the `ROW_COLUMNS`.
    """
    said = ventilation_statuses(events, devices).join(
        stays.drop_nulls("start").select("stay_id", "start"), on="stay_id"
    )
    ordinal = pl.col("status").replace_strict(STATUSES, default=None, return_dtype=pl.Float64)
    chartings = said.with_columns(time_h=hours_since("time"), available_time="known", ventilation_status=ordinal)
    edges = _with_neighbours(said).filter(pl.col("status") != EXTUBATED)
    rows = [long_rows(chartings, ["ventilation_status"])]
    for edge in (_beginnings(edges), _ends(edges)):
        placed = edge.with_columns(time_h=hours_since("edge"), name="ventilation_" + pl.col("status"))
        rows.append(sorted_rows(placed))
    return sorted_rows(pl.concat(rows))


def _with_neighbours(said: pl.DataFrame) -> pl.DataFrame:
    """Chartings with the times of those before and after them, when these were known, and whether they are of the same
    episode."""
    said = said.sort("stay_id", "time")
    for side, step in (("before", 1), ("next", -1)):
        time, known, status = (pl.col(name).shift(step).over("stay_id") for name in ("time", "known", "status"))
        near = ((time - pl.col("time")).abs() < HOLDS).fill_null(False)
        same = near & (status == pl.col("status"))
        found = {"time": time, "known": known, "near": near, "same": same}
        said = said.with_columns(each.alias(f"{side}_{name}") for name, each in found.items())
    return said


def _beginnings(chartings: pl.DataFrame) -> pl.DataFrame:
    """The first charting of each episode: one of its status follows, and none is before it."""
    first = chartings.filter("next_same", ~pl.col("before_same"))
    known = pl.max_horizontal("known", "next_known", "before_known")
    return first.with_columns(edge="time", available_time=known, value=pl.lit(1.0))


def _ends(chartings: pl.DataFrame) -> pl.DataFrame:
    """The last charting of each episode, and where it ends."""
    last = chartings.filter("before_same", ~pl.col("next_same"))
    known = pl.max_horizontal("known", "before_known")
    silent = pl.max_horizontal(known, pl.col("time") + HOLDS).cast(TIME)
    return last.with_columns(
        edge=pl.when("next_near").then("next_time").otherwise("time"),
        available_time=pl.when("next_near").then(pl.max_horizontal(known, "next_known")).otherwise(silent),
        value=pl.lit(0.0),
    )
