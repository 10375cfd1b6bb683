"""describe: what a DATA folder holds, before anything is learned from it: table one, missingness, event rates, codes, the ledger."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

import wardround
from wardround import files
from wardround.errors import DataError
from wardround.evaluate.cohort_sections import HIDING, missingness_block, table_one_block
from wardround.evaluate.data_charts import event_rates as event_rate_chart
from wardround.evaluate.making_sections import ledger_table
from wardround.evaluate.missingness import pattern_words, patterns
from wardround.evaluate.page import Block, Figure, Figures, Page, Section, Table, Tile, Tiles, write_page
from wardround.evaluate.small_cells import MINIMUM, count_text, is_small
from wardround.evaluate.table_one import by_outcome, table_one
from wardround.evaluate.wording import number
from wardround.events import HOUR_US, MODALITIES
from wardround.progress import progress

FIRST_H: Final = 72
"""Hours over which event rates are drawn."""
CODES_EACH: Final = 3
"""Most frequent codes that are named of each modality."""


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


def describe(data: Path, to: Path | None = None, quiet: bool = False) -> dict[str, Any]:
    """Describe a DATA folder.

    Args:
        data: a DATA folder.
        to: where to write `describe.json`, `table_one.csv` and `report.html`; None writes nothing.
        quiet: no progress on stderr.

    Returns:
        `source, n_stays, n_subjects`; the tables `table_one, missingness, event_rates, codes`, each a list of flat rows; `ledger`. Counts
        of 1 to 10 stays are hidden, shares are rounded to the percent.

    Raises:
        DataError: where the folder is unfinished or changed.
        RunError: where `to` holds another description.
        StorageError: if the disk refuses.
    """
    manifest = files.verify_folder(data, "data", DataError)
    stays = files.read_table(data / "stays.parquet")
    ledger = files.read_json(data / "ledger.json")
    events = count_events(data, stays, quiet)
    combinations, names = patterns(stays)
    described = {
        "source": manifest["settings"].get("source", "unknown"),
        "n_stays": _count(stays.height),
        "n_subjects": _count(stays["subject_id"].n_unique()),
        "table_one": table_one(by_outcome(stays, "All", pl.col("died_in_hospital"), ("Survived", "Died"))),
        "missingness": [
            {"combination": pattern_words(row, names), "stays": row["n_stays"], "share": round(row["share"], 2)} for row in combinations
        ],
        "event_rates": rate_rows(stays, events),
        "codes": _code_rows(stays, events),
        "ledger": ledger,
    }
    inputs = {"data": manifest["hash"]}
    if to is not None and not files.is_complete(to, "description", {}, inputs):
        files.write_json(to / "describe.json", described)
        files.write_text(to / "table_one.csv", pl.DataFrame(described["table_one"]).write_csv())
        write_page(to / "report.html", _page(described, stays, _hourly(stays, events)))
        files.write_manifest(to, "description", inputs, {}, wardround.__version__)
    return described


def _count(count: int) -> int | str:
    return count_text(count) if is_small(count) else count


def count_events(data: Path, stays: pl.DataFrame, quiet: bool = False) -> EventCounts:
    """Count events shard by shard; a stay lies whole in one shard, so memory is bounded by the largest.

    Raises:
        DataError: where a shard is missing or torn.
    """
    shards = sorted((data / "data").glob("*.parquet"))
    bounds = stays.select("stay_id", "start", "end")
    parts: list[EventCounts] = []
    for path in progress(shards, "counting events", quiet=quiet):
        events = files.read_table(path, columns=["stay_id", "modality", "code", "available_time"])
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
    return stays.select((pl.col("end") - pl.col("start")).dt.total_minutes() / 60).to_series()


def rate_rows(stays: pl.DataFrame, events: EventCounts) -> list[dict[str, Any]]:
    """How often each modality speaks, of how many stays, and since when; a modality of fewer than 11 stays has no numbers.

    Returns:
        `modality, events_per_stay_day` (over the unit days of all stays), `share_of_stays, first_available_h` (median hours from unit
        admission, negative before it), `n_codes`.
    """
    days = float(_unit_h(stays).sum()) / 24
    rows = []
    for name in _present(events):
        own = events.by_stay.filter(pl.col("modality") == name)
        row: dict[str, Any] = {"modality": name, "events_per_stay_day": None, "share_of_stays": None, "first_available_h": None}
        if own.height >= MINIMUM and days > 0:
            first_h = own["first_h"].median()
            row["events_per_stay_day"] = round(int(own["n_events"].sum()) / days, 2)
            row["share_of_stays"] = round(own.height / stays.height, 2)
            row["first_available_h"] = round(first_h, 1) if isinstance(first_h, float) else None
        rows.append(row | {"n_codes": events.by_code.filter(pl.col("modality") == name).height})
    return rows


def _present(events: EventCounts) -> list[str]:
    found = set(events.by_stay["modality"])
    return [name for name in MODALITIES if name in found] + sorted(found - set(MODALITIES))


def _code_rows(stays: pl.DataFrame, events: EventCounts) -> list[dict[str, Any]]:
    """The most frequent codes of each modality and the share of stays that have them; no code of fewer than 11 stays."""
    ordered = events.by_code.filter(pl.col("n_stays") >= MINIMUM).sort("n_stays", "code", descending=[True, False])
    return [
        {"modality": name, "code": code, "share_of_stays": round(n_stays / stays.height, 2)}
        for name in _present(events)
        for code, n_stays in ordered.filter(pl.col("modality") == name).head(CODES_EACH).select("code", "n_stays").iter_rows()
    ]


def _hourly(stays: pl.DataFrame, events: EventCounts) -> list[dict[str, Any]]:
    """Events an hour per stay still in the unit, as long as 11 stays are; a modality that never speaks then is left out."""
    unit_h = _unit_h(stays)
    still = [int((unit_h > hour).sum()) for hour in range(FIRST_H)]
    last = next((hour for hour, count in enumerate(still) if count < MINIMUM), FIRST_H)
    counts = {(name, hour): count for name, hour, count in events.by_hour.select("modality", "hour", "n_events").iter_rows()}
    speaks = [name for name in MODALITIES if any((name, hour) in counts for hour in range(last))]
    return [
        {"modality": name, "hour": hour, "rate": round(counts.get((name, hour), 0) / still[hour], 4)} for name in speaks for hour in range(last)
    ]


def _page(described: Mapping[str, Any], stays: pl.DataFrame, hourly: list[dict[str, Any]]) -> Page:
    return Page(
        "wardround · data",
        f"What is in the {described['source']} data",
        "Stays, what was recorded of them and when it was known; nothing has been learned from them yet.",
        [],
        list(_sections(described, stays, hourly)),
    )


def _sections(described: Mapping[str, Any], stays: pl.DataFrame, hourly: list[dict[str, Any]]) -> Iterator[Section]:
    died = int(stays["died_in_hospital"].sum() or 0)
    tiles = [
        Tile("Stays", count_text(stays.height), (f"of {count_text(stays['subject_id'].n_unique())} patients",)),
        Tile("Deaths in hospital", count_text(died), () if is_small(died) else (f"{died / max(1, stays.height):.1%} of stays",)),
        Tile("Kinds of records", str(len(described["event_rates"]))),
        Tile("Codes", f"{sum(row['n_codes'] for row in described['event_rates']):,}"),
    ]
    yield Section("headline", "", [Tiles(tiles)])
    yield Section("stays", "Who they are", [table_one_block([dict(row) for row in described["table_one"]], HIDING)])
    missing = missingness_block(stays)
    if missing is not None:
        yield Section("missing", "What is missing", [missing], "Kinds of records that stays have together, at any time of the stay.")
    yield Section("events", "What is recorded, and when", list(_event_blocks(described, hourly)))
    yield Section("ledger", "Where the rows went", [ledger_table(described["ledger"], folded=False)])


def _event_blocks(described: Mapping[str, Any], hourly: list[dict[str, Any]]) -> Iterator[Block]:
    if hourly:
        text = (
            "Events an hour per stay that is still in the unit, at the time they became known. Every lane has its own scale; its highest hour is "
            f"at the right. Hours with fewer than {MINIMUM} stays in the unit are not drawn."
        )
        yield Figures([Figure(event_rate_chart(hourly, 1 + max(row["hour"] for row in hourly)), "Event rates over the stay", text)])
    columns = {
        "modality": "kind of record",
        "events_per_stay_day": "events a stay-day",
        "share_of_stays": "stays that have it",
        "first_available_h": "first known, h",
        "n_codes": "codes",
    }
    rows = []
    for row in described["event_rates"]:
        share = row["share_of_stays"]
        cells = {**row, "share_of_stays": "–" if share is None else f"{share:.0%}", "n_codes": f"{row['n_codes']:,}"}
        cells |= {name: number(row[name], 1) for name in ("events_per_stay_day", "first_available_h")}
        rows.append({head: cells[name] for name, head in columns.items()})
    yield Table(list(columns.values()), rows, caption="First known: median hours from unit admission; below 0 it was known before.")
    codes = [{"kind of record": row["modality"], "code": row["code"], "stays": f"{row['share_of_stays']:.0%}"} for row in described["codes"]]
    yield Table(["kind of record", "code", "stays"], codes, title="Most frequent codes", folded=True, words=("kind of record", "code"))
