"""Table one: who the stays are, by group, with small cells hidden so that no sum gives them away."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class Combinations:
    """Combinations of modalities of the first group, where they stand on the same page as table one.

    Attributes:
        rows: of `missingness.patterns`.
        names: the modalities that were looked at.
        stays: the stays of the group with the `modalities` that these are of: at any time, or at a prediction time.
    """

    rows: Sequence[Mapping[str, Any]]
    names: Sequence[str]
    stays: pl.DataFrame


def table_one(groups: Sequence[Group], combinations: Combinations | None = None) -> list[dict[str, str]]:
    """Age, sex, length of stay, deaths, events and modalities of each group.

    Args:
        groups: columns, left to right.
        combinations: that stand beside it: with the stays of a modality they would tell how many of all other
            combinations have it, or how many have it only after the prediction time.

    Returns:
        Rows with the keys `variable`, `category` and the name of each group. A count of 1 to 10 reads `<11`; one that
        would give such a count away reads `–`; medians come with quartiles, and only of 11 stays or more.
    """
    present = set[str]().union(*(set(group.stays["modalities"].explode().drop_nulls()) for group in groups))
    modalities = [name for name in MODALITIES if name in present - NOT_INPUTS]
    counts = {(group.name, key): count for group in groups for key, count in _counts(group.stays, modalities)}
    beside, sums_beside = _beside(groups[0], modalities, combinations)
    counts |= _patients_by_part(groups) | beside
    parts = {part for group in groups for part in group.parts}
    told = [("stays", ""), ("patients", "")]  # elsewhere on a page
    known = {(group.name, key) for group in groups if group.name not in parts for key in told}
    known |= {cell for cell in beside if cell[1][0] == "combination"}
    hidden = hidden_cells(counts, [*_sums(groups, modalities), *sums_beside], keep=known)
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
        there = _having(stays, name)
        yield ("modality present", name), there
        yield ("modality present", f"not {name}"), stays.height - there


def _patients_by_part(groups: Sequence[Group]) -> dict[tuple[str, Key], int]:
    """Patients of each part who are in no other part, and who are: a patient may have stays of several."""
    subjects = {group.name: set(group.stays["subject_id"]) for group in groups}
    counts: dict[tuple[str, Key], int] = {}
    for group in groups:
        for part in group.parts:
            others = set[int]().union(*(subjects[other] for other in group.parts if other != part))
            counts[part, ("patients", "alone")] = len(subjects[part] - others)
            counts[part, ("patients", "shared")] = len(subjects[part] & others)
        if len(group.parts) == 2:  # the same people, seen from either part
            counts[group.name, ("patients", "shared")] = counts[group.parts[0], ("patients", "shared")]
    return counts


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
        yield from _sums_of_patients(group)


def _sums_of_patients(group: Group) -> Iterator[tuple[tuple[str, Key], list[tuple[str, Key]]]]:
    """Who is in both of two parts is counted in both: 116 patients of whom 108 have stays of one part leave 8."""
    whole, alone, shared = ("patients", ""), ("patients", "alone"), ("patients", "shared")
    for part in group.parts:
        yield (part, whole), [(part, alone), (part, shared)]
    if len(group.parts) == 2:
        for one, other in (group.parts, group.parts[::-1]):
            yield (group.name, whole), [(one, whole), (other, alone)]
            yield (group.name, shared), [(one, shared)]


def _beside(
    group: Group, modalities: Sequence[str], combinations: Combinations | None
) -> tuple[dict[tuple[str, Key], int], list[tuple[tuple[str, Key], list[tuple[str, Key]]]]]:
    """Counts of listed combinations and of what is left, by modality, and what they add up to."""
    listed = [] if combinations is None else [row for row in combinations.rows if row["modalities"] is not None]
    if combinations is None or not listed:
        return {}, []
    cells = [(group.name, ("combination", str(place))) for place in range(len(listed))]
    rest = (group.name, ("combination", "others"))
    counts = dict(zip(cells, (row["n_stays"] for row in listed), strict=True))
    counts[rest] = group.stays.height - sum(counts.values())
    sums = [((group.name, ("stays", "")), [*cells, rest])]
    for name in (name for name in modalities if name in combinations.names):
        has = [name in row["modalities"] for row in listed]
        then, ever = (_having(stays, name) for stays in (combinations.stays, group.stays))
        among = {True: (group.name, ("others", name)), False: (group.name, ("others", f"not {name}"))}
        counts[among[True]] = then - sum(counts[cell] for cell, yes in zip(cells, has, strict=True) if yes)
        counts[among[False]] = counts[rest] - counts[among[True]]
        sums.append((rest, list(among.values())))
        kind = "modality present" if then == ever else "modality then"
        for yes, key in ((True, name), (False, f"not {name}")):
            within = [cell for cell, there in zip(cells, has, strict=True) if there is yes]
            sums.append(((group.name, (kind, key)), [*within, among[yes]]))
        if then != ever:
            there, lacking, later = (group.name, (kind, name)), (group.name, (kind, f"not {name}")), ("later", name)
            counts |= {there: then, lacking: group.stays.height - then, (group.name, later): ever - then}
            sums.append(((group.name, ("modality present", name)), [there, (group.name, later)]))
            sums.append((lacking, [(group.name, ("modality present", f"not {name}")), (group.name, later)]))
    return counts, sums


def _having(stays: pl.DataFrame, modality: str) -> int:
    return int(stays["modalities"].list.contains(modality).sum() or 0)


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
