"""describe: what a DATA folder holds before anything is learned: table one, missingness, event rates, codes, ledger."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

import wardround
from wardround import files
from wardround.errors import DataError
from wardround.evaluate.cohort_sections import HIDING, missingness_block, table_one_block
from wardround.evaluate.course_charts import event_rates
from wardround.evaluate.data_folder import read_ledger, read_stays
from wardround.evaluate.event_counts import code_rows, count_events, hourly_rows, rate_rows
from wardround.evaluate.making_sections import ledger_table
from wardround.evaluate.missingness import pattern_words, patterns
from wardround.evaluate.page import Block, Figure, Figures, Page, Section, Table, Tile, Tiles, write_page
from wardround.evaluate.small_cells import MINIMUM, NOT_SHOWN, count_text, is_small
from wardround.evaluate.table_one import Combinations, by_outcome, table_one
from wardround.evaluate.wording import number


def describe(data: Path, to: Path | None = None, quiet: bool = False) -> dict[str, Any]:
    """Describe a DATA folder.

    Args:
        data: a DATA folder.
        to: where to write `describe.json`, `table_one.csv` and `report.html`; None writes nothing.
        quiet: no progress on stderr.

    Returns:
        `source, n_stays, n_subjects`; the tables `table_one, missingness, event_rates, codes`, each a list of flat
        rows; `ledger`. Counts of 1 to 10 stays are hidden, shares are rounded to the percent.

    Raises:
        DataError: where the folder is unfinished or changed, or a column is missing or of another type.
        RunError: where `to` holds another description.
        StorageError: if the disk refuses.
    """
    manifest = files.verify_folder(data, "data", DataError)
    stays, ledger = read_stays(data), read_ledger(data)
    events = count_events(data, stays, quiet)
    combinations, names = patterns(stays)
    groups = by_outcome(stays, "All", pl.col("died_in_hospital"), ("Survived", "Died"))
    who = table_one(groups, Combinations(combinations, names, stays))
    hidden = {row["category"] for row in who if row["variable"] == "modality present" and row["All"] == NOT_SHOWN}
    described: dict[str, Any] = {
        "source": manifest["settings"].get("source", "unknown"),
        "n_stays": _count(stays.height),
        "n_subjects": _count(stays["subject_id"].n_unique()),
        "table_one": who,
        "missingness": [
            {"combination": pattern_words(row, names), "stays": row["n_stays"], "share": round(row["share"], 2)}
            for row in combinations
        ],
        "event_rates": rate_rows(stays, events, hidden),
        "codes": code_rows(stays, events, hidden),
        "ledger": ledger,
    }
    inputs = {"data": manifest["hash"]}
    if to is not None and not files.is_complete(to, "description", {}, inputs):
        files.write_json(to / "describe.json", described)
        files.write_text(to / "table_one.csv", pl.DataFrame(described["table_one"]).write_csv())
        write_page(to / "report.html", _page(described, stays, hourly_rows(stays, events)))
        files.write_manifest(to, "description", inputs, {}, wardround.__version__)
    return described


def _count(count: int) -> int | str:
    return count_text(count) if is_small(count) else count


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
        Tile(
            "Deaths in hospital",
            count_text(died),
            () if is_small(died) else (f"{died / max(1, stays.height):.1%} of stays",),
        ),
        Tile("Kinds of records", str(len(described["event_rates"]))),
        Tile("Codes", f"{sum(row['n_codes'] for row in described['event_rates']):,}"),
    ]
    yield Section("headline", "", [Tiles(tiles)])
    yield Section("stays", "Who they are", [table_one_block([dict(row) for row in described["table_one"]], HIDING)])
    missing = missingness_block(stays)
    if missing is not None:
        yield Section(
            "missing",
            "What is missing",
            [missing],
            "Kinds of records that stays have together, at any time of the stay.",
        )
    yield Section("events", "What is recorded, and when", list(_event_blocks(described, hourly)))
    yield Section("ledger", "Where the rows went", [ledger_table(described["ledger"], folded=False)])


def _share_text(share: float | None) -> str:
    return NOT_SHOWN if share is None else f"{share:.0%}"


def _event_blocks(described: Mapping[str, Any], hourly: list[dict[str, Any]]) -> Iterator[Block]:
    if hourly:
        text = (
            "Events an hour per stay that is still in the unit, at the time they became known. Every lane has its "
            f"own scale; its highest hour is at the right. Hours with fewer than {MINIMUM} stays in the unit are not "
            "drawn."
        )
        yield Figures(
            [Figure(event_rates(hourly, 1 + max(row["hour"] for row in hourly)), "Event rates over the stay", text)]
        )
    columns = {
        "modality": "kind of record",
        "events_per_stay_day": "events a stay-day",
        "share_of_stays": "stays that have it",
        "first_available_h": "first known, h",
        "n_codes": "codes",
    }
    rows: list[dict[str, Any]] = []
    for row in described["event_rates"]:
        cells = {**row, "share_of_stays": _share_text(row["share_of_stays"]), "n_codes": f"{row['n_codes']:,}"}
        cells |= {name: number(row[name], 1) for name in ("events_per_stay_day", "first_available_h")}
        rows.append({head: cells[name] for name, head in columns.items()})
    yield Table(
        list(columns.values()),
        rows,
        caption="First known: median hours from unit admission; below 0 it was known before. "
        f"{NOT_SHOWN} stands for a share that would tell of fewer than {MINIMUM} stays.",
    )
    codes = [
        {"kind of record": row["modality"], "code": row["code"], "stays": _share_text(row["share_of_stays"])}
        for row in described["codes"]
    ]
    yield Table(
        ["kind of record", "code", "stays"],
        codes,
        title="Most frequent codes",
        folded=True,
        words=("kind of record", "code"),
    )
