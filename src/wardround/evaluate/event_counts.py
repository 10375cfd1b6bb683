"""What the events of a DATA folder add up to: rates, first times, codes; no number of fewer than 11 stays."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from wardround import files
from wardround.errors import DataError
from wardround.evaluate.small_cells import MINIMUM, is_small_share
from wardround.events import EVENT_COLUMNS, HOUR_US, MODALITIES
from wardround.progress import progress

FIRST_H: Final = 72
"""Hours over which event rates are drawn."""
CODES_EACH: Final = 3
"""Most frequent codes that are named of each modality."""
IN_UNIT: Final = pl.coalesce("end", "in_unit_until")
"""How long a stay is known to have been in the unit: a database may publish no end, but vouch for the first hours."""
COUNTED: Final = {name: EVENT_COLUMNS[name] for name in ("stay_id", "modality", "code", "available_time")}


@dataclass(frozen=True)
class EventCounts:
    """What the events of a DATA folder add up to.

    Attributes:
        by_stay: `stay_id, modality, n_events, first_h` (hours from unit admission at which the first became available).
        by_hour: `modality, hour, n_events` of the first 72 hours, while the stay was still in the unit.
        by_code: `modality, code, n_stays`.
    """

    by_stay: pl.DataFrame
    by_hour: pl.DataFrame
    by_code: pl.DataFrame


def count_events(data: Path, stays: pl.DataFrame, quiet: bool = False) -> EventCounts:
    """Count events shard by shard; a stay lies whole in one shard, so memory is bounded by the largest.

    Raises:
        DataError: where a shard is torn, or a column of it is missing or of another type.
    """
    shards = sorted((data / "data").glob("*.parquet"))
    bounds = stays.select("stay_id", "start", end=IN_UNIT)
    parts: list[EventCounts] = []
    for path in progress(shards, "counting events", quiet=quiet):
        events = files.read_columns(path, COUNTED)
        parts.append(_count_shard(events.drop_nulls(["stay_id", "modality"]).join(bounds, on="stay_id")))
    if not parts:
        raise DataError(f"{data / 'data'} holds no events. Prepare the data again.")
    by_code = pl.concat([part.by_code for part in parts]).group_by("modality", "code").agg(pl.col("n_stays").sum())
    by_hour = pl.concat([part.by_hour for part in parts]).group_by("modality", "hour").agg(pl.col("n_events").sum())
    return EventCounts(pl.concat([part.by_stay for part in parts]), by_hour, by_code)


def _count_shard(events: pl.DataFrame) -> EventCounts:
    events = events.with_columns(since_h=(pl.col("available_time") - pl.col("start")).dt.total_microseconds() / HOUR_US)
    by_stay = events.group_by("stay_id", "modality").agg(n_events=pl.len(), first_h=pl.col("since_h").min())
    in_unit = (pl.col("since_h") >= 0) & (pl.col("since_h") < FIRST_H) & (pl.col("available_time") < pl.col("end"))
    hours = events.filter(in_unit).with_columns(hour=pl.col("since_h").floor().cast(pl.Int32))
    by_hour = hours.group_by("modality", "hour").agg(n_events=pl.len())
    by_code = events.group_by("modality", "code").agg(n_stays=pl.col("stay_id").n_unique())
    return EventCounts(by_stay, by_hour, by_code)


def _unit_h(stays: pl.DataFrame) -> pl.Series:
    return stays.select((IN_UNIT - pl.col("start")).dt.total_minutes() / 60).to_series()


def rate_rows(stays: pl.DataFrame, events: EventCounts, hidden: Collection[str] = ()) -> list[dict[str, Any]]:
    """How often each modality speaks, of how many stays, and since when; no numbers below 11 stays.

    Args:
        stays: rows of `stays.parquet`.
        events: what was counted of them.
        hidden: modalities of which nobody is told how many stays have them.

    Returns:
        `modality, events_per_stay_day` (over the unit days that are known), `share_of_stays, first_available_h` (median
        hours from unit admission, negative before it), `n_codes`. The share is None where 1 to 10 stays lack it, too.
    """
    days = float(_unit_h(stays).sum()) / 24
    ended = stays.filter(IN_UNIT.is_not_null())
    rows: list[dict[str, Any]] = []
    for name in _present(events):
        own = events.by_stay.filter(pl.col("modality") == name)
        row: dict[str, Any] = {
            "modality": name,
            "events_per_stay_day": None,
            "share_of_stays": None,
            "first_available_h": None,
        }
        if own.height >= MINIMUM:
            first_h, counted = own["first_h"].median(), own.join(ended, on="stay_id", how="semi")
            if counted.height >= MINIMUM and days > 0:
                row["events_per_stay_day"] = round(int(counted["n_events"].sum()) / days, 2)
            row["share_of_stays"] = None if name in hidden else _share(own.height, stays.height)
            row["first_available_h"] = round(first_h, 1) + 0.0 if isinstance(first_h, float) else None
        rows.append(row | {"n_codes": events.by_code.filter(pl.col("modality") == name).height})
    return rows


def _share(n_stays: int, of: int) -> float | None:
    """To the percent; None where it would tell how few stays there are, or how few are left."""
    return None if is_small_share(n_stays, of) else round(n_stays / of, 2)


def _present(events: EventCounts) -> list[str]:
    found = set(events.by_stay["modality"])
    return [name for name in MODALITIES if name in found] + sorted(found - set(MODALITIES))


def code_rows(stays: pl.DataFrame, events: EventCounts, hidden: Collection[str] = ()) -> list[dict[str, Any]]:
    """The most frequent codes of each modality and the share of stays that have them, none of fewer than 11 stays; the
    share is None where 1 to 10 stays lack it, and of the modalities `hidden`, which may have one code alone."""
    ordered = events.by_code.filter(pl.col("n_stays") >= MINIMUM).sort("n_stays", "code", descending=[True, False])
    return [
        {"modality": name, "code": code, "share_of_stays": None if name in hidden else _share(n_stays, stays.height)}
        for name in _present(events)
        for code, n_stays in ordered.filter(pl.col("modality") == name)
        .head(CODES_EACH)
        .select("code", "n_stays")
        .iter_rows()
    ]


def hourly_rows(stays: pl.DataFrame, events: EventCounts) -> list[dict[str, Any]]:
    """Events an hour per stay still in the unit, as long as 11 stays are; silent modalities are left out."""
    unit_h = _unit_h(stays)
    still = [int((unit_h > hour).sum()) for hour in range(FIRST_H)]
    last = next((hour for hour, count in enumerate(still) if count < MINIMUM), FIRST_H)
    counts = {
        (name, hour): count for name, hour, count in events.by_hour.select("modality", "hour", "n_events").iter_rows()
    }
    speaks = [name for name in MODALITIES if any((name, hour) in counts for hour in range(last))]
    return [
        {"modality": name, "hour": hour, "rate": round(counts.get((name, hour), 0) / still[hour], 4)}
        for name in speaks
        for hour in range(last)
    ]
