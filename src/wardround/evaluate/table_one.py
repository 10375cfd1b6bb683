"""Table one: who the stays are, by group, with small cells hidden so that no sum gives them away."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from wardround.evaluate.small_cells import MINIMUM, NOT_SHOWN, SMALL, count_text, hidden_cells, is_small
from wardround.events import MODALITIES, NOT_INPUTS

Key = tuple[str, str]
HOURS_A_DAY = 24


@dataclass(frozen=True)
class Group:
    """A column.

    Attributes:
        name: at its head.
        stays: rows of `stays.parquet`.
        parts: names of the groups that together are this one.
    """

    name: str
    stays: pl.DataFrame
    parts: tuple[str, ...] = ()


def by_outcome(stays: pl.DataFrame, name: str, event: pl.Expr, words: tuple[str, str]) -> list[Group]:
    """All stays, and those without and with an outcome apart; an unknown outcome counts as none and the column says so.

    Args:
        stays: rows of `stays.parquet`.
        name: of the first column.
        event: the outcome of a stay.
        words: heads of the columns without and with it.

    Returns:
        Three groups, or the first alone where all stays have the same outcome.
    """
    outcome = stays.select(event.alias("event"))["event"]
    without, with_event = stays.filter(~outcome.fill_null(False)), stays.filter(outcome.fill_null(False))
    if without.is_empty() or with_event.is_empty():
        return [Group(name, stays)]
    parts = [
        Group(words[0] if outcome.null_count() == 0 else f"{words[0]} or unknown", without),
        Group(words[1], with_event),
    ]
    return [Group(name, stays, tuple(part.name for part in parts)), *parts]


def table_one(groups: Sequence[Group]) -> list[dict[str, str]]:
    """Age, sex, length of stay, deaths, events and modalities of each group.

    Args:
        groups: columns, left to right.

    Returns:
        Rows with the keys `variable`, `category` and the name of each group. A count of 1 to 10 reads `<11`; one that
        would give such a count away reads `–`; medians come with quartiles, and only of 11 stays or more.
    """
    present = set[str]().union(*(set(group.stays["modalities"].explode().drop_nulls()) for group in groups))
    modalities = [name for name in MODALITIES if name in present - NOT_INPUTS]
    counts = {(group.name, key): count for group in groups for key, count in _counts(group.stays, modalities)}
    parts = {part for group in groups for part in group.parts}  # other sizes stand at the head of a report as well
    known = {(group.name, ("stays", "")) for group in groups if group.name not in parts}
    hidden = hidden_cells(counts, list(_sums(groups, modalities)), keep=known)
    rows = [_row(groups, counts, hidden, ("stays", ""))]
    rows += [_row(groups, counts, hidden, ("patients", ""))]
    rows += [_quartiles(groups, "age", "years", pl.col("age"))]
    rows += [_row(groups, counts, hidden, ("female", ""))]
    rows += [_quartiles(groups, "hospital stay", "days", pl.col("los_h") / HOURS_A_DAY)]
    unit_h = (pl.col("end") - pl.col("start")).dt.total_minutes() / 60
    rows += [_quartiles(groups, "unit stay", "days", unit_h / HOURS_A_DAY)]
    rows += [_row(groups, counts, hidden, ("died in hospital", ""))]
    rows += [_quartiles(groups, "events a stay", "", pl.col("n_events"))]
    rows += [_row(groups, counts, hidden, ("modality present", name)) for name in modalities]
    return rows


def _counts(stays: pl.DataFrame, modalities: Sequence[str]) -> Iterator[tuple[Key, int]]:
    """Every count that is shown, and what it lacks of the whole."""
    yield ("stays", ""), stays.height
    yield ("patients", ""), stays["subject_id"].n_unique()
    female = int((stays["sex"].str.to_lowercase() == "female").sum())
    died = int(stays["died_in_hospital"].sum() or 0)
    for name, count in (("female", female), ("died in hospital", died)):
        yield (name, ""), count
        yield (name, "not"), stays.height - count
    for name in modalities:
        there = int(stays["modalities"].list.contains(name).sum() or 0)
        yield ("modality present", name), there
        yield ("modality present", f"not {name}"), stays.height - there


def _sums(
    groups: Sequence[Group], modalities: Sequence[str]
) -> Iterator[tuple[tuple[str, Key], list[tuple[str, Key]]]]:
    """What adds up to what: categories to the stays of a group, groups to the group that they are parts of."""
    splits: list[list[Key]] = [
        *([(name, ""), (name, "not")] for name in ("female", "died in hospital")),
        *([("modality present", name), ("modality present", f"not {name}")] for name in modalities),
    ]
    for group in groups:
        for split in splits:
            yield (group.name, ("stays", "")), [(group.name, key) for key in split]
        if group.parts:
            for key in [("stays", ""), *(key for split in splits for key in split)]:
                yield (group.name, key), [(part, key) for part in group.parts]


def _row(
    groups: Sequence[Group], counts: dict[tuple[str, Key], int], hidden: set[tuple[str, Key]], key: Key
) -> dict[str, str]:
    cells = {}
    for group in groups:
        count, whole = counts[group.name, key], counts[group.name, ("stays", "")]
        absent = counts.get((group.name, (key[0], f"not {key[1]}".strip())))
        if (group.name, key) in hidden:
            nearly_all = absent is not None and is_small(absent) and not is_small(count)
            cells[group.name] = f"all but {SMALL}" if nearly_all else count_text(count, hidden=True)
        elif key[0] in ("stays", "patients"):
            cells[group.name] = f"{count:,}"
        else:
            cells[group.name] = f"{count:,} ({count / whole:.0%})" if count else "0"
    return {"variable": key[0], "category": key[1], **cells}


def _quartiles(groups: Sequence[Group], variable: str, unit: str, value: pl.Expr) -> dict[str, str]:
    cells = {}
    for group in groups:
        found = group.stays.select(value.cast(pl.Float64).alias("value"))["value"].drop_nulls()
        if len(found) < MINIMUM:
            cells[group.name] = NOT_SHOWN
            continue
        low, middle, high = (found.quantile(share, "linear") or 0.0 for share in (0.25, 0.5, 0.75))
        decimals = 1 if unit == "days" else 0
        cells[group.name] = f"{middle:,.{decimals}f} [{low:,.{decimals}f}–{high:,.{decimals}f}]"
    return {"variable": variable, "category": f"{unit}, median [quartiles]".removeprefix(", "), **cells}
