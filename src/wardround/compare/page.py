"""`report.html` of a comparison: a picture and a table a task, what was tested, what it cost, and what failed."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from wardround.compare.measures import FLAGS, LOWER_IS_BETTER, NO_DIRECTION
from wardround.compare.outcome import Line, Outcome, TaskTable
from wardround.compare.pooled import Judged
from wardround.compare.workings import workings_sections
from wardround.evaluate.charts import forest
from wardround.evaluate.page import Block, Callout, Figure, Figures, Page, Section, Table
from wardround.evaluate.protocol_warning import protocol_warning
from wardround.evaluate.small_cells import MINIMUM, NOT_SHOWN, count_text, is_small
from wardround.evaluate.tables import FEW_EVENTS
from wardround.evaluate.wording import TASK_TITLES, hour_words, interval, metric_words, number, outcome_words, sentence
from wardround.tasks.task import find_task

BESIDE: Final = 4
"""Measures that a table shows beside each other."""


def comparison_page(outcome: Outcome) -> Page:
    """The page of a comparison; the same outcome gives the same page."""
    about = outcome.about
    rows = max(len(table.lines) for table in outcome.tables)
    titles = [TASK_TITLES.get(table.task, table.task) for table in outcome.tables]
    lead = (
        f"Every row on the same patients, with 95 % intervals from {about['draws']:,} redrawn samples of them, and its "
        f"difference to the row that it is held against on the same draws. Asked: {about['asked']}."
    )
    return Page(
        "wardround · comparison",
        f"{rows} ways to predict: {' · '.join(titles).lower()}",
        lead,
        list(_chips(about)),
        [_headline(outcome), *(_task_section(table, outcome) for table in outcome.tables), *workings_sections(outcome)],
    )


def _chips(about: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    yield f"{about['protocol']} protocol", about["protocol"] != "causal"
    yield hour_words(about["at_h"], about.get("asked_at") == "discharge"), False
    if about["kind"] == "recipe":
        seeds, folds = len(about["split_seeds"]), about["folds"]
        splits = f"{seeds} split{'s' if seeds > 1 else ''}"
        yield splits if folds is None else f"{splits} of {folds} folds", False
        if about["split_by"] != "patient":
            yield f"split by {about['split_by']}", False


def _headline(outcome: Outcome) -> Section:
    """What must be known before any number is read."""
    blocks: list[Block] = list(_past(outcome))
    failures = outcome.failures
    if failures:
        text = "Their rows have no numbers: a mean over the others would flatter them. The reasons stand below."
        whole = sum(f"{line.name}, {table.task}" in line.failed for table in outcome.tables for line in table.lines)
        counts = ((len(failures) - whole, "cell"), (whole, "row"))
        words = " and ".join(f"{count} {what}{'s' if count > 1 else ''}" for count, what in counts if count)
        blocks.append(Callout("warn", f"{words} failed.", text))
    for table in outcome.tables:
        if any(line.name == table.against and line.judged is None for line in table.lines):
            text = f"{table.against} has no numbers for {table.task}, so nothing is paired with it."
            blocks.append(Callout("warn", "No differences.", text))
    blocks += [Callout("warn", "Read with care.", note) for note in outcome.notes]
    search = outcome.search
    if search is not None and not search["equal"]:
        budgets = ", ".join(f"{method} {trials}" for method, trials in search["trials"].items())
        text = f"Trials for each search: {budgets}. More trials find better settings: read the ranking with that."
        blocks.append(Callout("warn", "Search budgets differ.", text))
    if search is not None:
        blocks += _short_of_budget(search)
    blocks.append(_multiplicity(outcome))
    return Section("before", "", blocks)


def _past(outcome: Outcome) -> Iterator[Block]:
    """The stamp of the paper protocol: which modalities see past the prediction time, and in which rows."""
    seen = outcome.sees_past
    past = list(dict.fromkeys(name for names in seen.values() for name in names))
    rows = {line.name for table in outcome.tables for line in table.lines}
    alike = set(seen) == rows and all(set(names) == set(past) for names in seen.values())
    by_row = "; ".join(f"{row}: {', '.join(names)}" for row, names in seen.items())
    yield from protocol_warning(outcome.about["protocol"], past, "" if alike else f" By row: {by_row}.")


def _short_of_budget(search: Mapping[str, Any]) -> Iterator[Callout]:
    """Rows that could learn better settings but had no search, or a shorter one than they were allowed."""
    if search["trials"] and search["not_searched"]:
        text = f"{', '.join(search['not_searched'])}: no setting of these was searched. The ranking favours the others."
        yield Callout("warn", "Not every row was searched.", text)
    if search["stopped_by_time"]:
        found = "; ".join(f"{name}: {trials}" for name, trials in search["stopped_by_time"].items())
        text = f"Trials done: {found}. A method that trains longer had fewer: read the ranking with that."
        yield Callout("warn", "Time ended some searches.", text)


def _multiplicity(outcome: Outcome) -> Callout:
    tested, described = outcome.adjusted(), outcome.n_described()
    names = " and ".join(dict.fromkeys(metric_words(table.headline).name for table in outcome.tables))
    if not tested:
        return Callout("note", "Nothing is tested.", "There is no difference to a reference row here.")
    if len(tested) == 1:
        title, beside = f"One comparison of {names} is tested.", "Beside it stands its bootstrap p."
    else:
        title = f"{len(tested)} comparisons of {names} are tested."
        beside = f"Beside each stands its bootstrap p and the one adjusted for all {len(tested)} (Holm)."
    return Callout(
        "note",
        title,
        f"{beside} Intervals are not adjusted: were there no difference anywhere, about {0.05 * len(tested):.2g} of "
        f"{len(tested)} would leave 0 out by chance, and about {0.05 * described:.2g} of the {described} differences "
        f"in other measures, which describe and are not tested. The smallest p that {outcome.about['draws']:,} draws "
        f"can give is {number(2 / (1 + outcome.about['draws']))}.",
    )


def _task_section(table: TaskTable, outcome: Outcome) -> Section:
    judged = {line.name: line.judged for line in table.lines if line.judged}
    blocks: list[Block] = []
    if not judged:
        blocks.append(Callout("warn", "No row has numbers.", "Every row, or a cell of it, failed: see below."))
    else:
        few = _few_events(table, judged)
        blocks += few
        blocks.append(Figures(_figures(table, judged)))
        blocks += _values_tables(table, 2 if few else 3)
        blocks += _differences_tables(table, outcome)
    lead = f"{sentence(find_task(table.task).summary)}."
    return Section(table.task, TASK_TITLES.get(table.task, table.task), blocks, lead)


def _few_events(table: TaskTable, judged: Mapping[str, Judged]) -> list[Block]:
    task = find_task(table.task)
    if task.kind == "hours" or task.labels:
        return []
    most = max(judged.values(), key=lambda one: one.n_stays)
    rarer = min(most.n_events, most.n_stays - most.n_events)
    if rarer >= FEW_EVENTS:
        return []
    events = outcome_words(table.task).events if rarer == most.n_events else "stays without the event"
    text = "Intervals are wide, and a ranking of the rows may turn with a few patients."
    return [Callout("warn", f"{count_text(rarer)} {events}.", text)]


def _figures(table: TaskTable, judged: Mapping[str, Judged]) -> list[Figure]:
    measure, name = table.headline, metric_words(table.headline).name
    drawn = [_point(row, one.values[measure], row == table.against) for row, one in judged.items()]
    drawn = [row for row in drawn if row["value"] is not None]
    gains = [
        _point(row, one.differences[measure].interval) for row, one in judged.items() if measure in one.differences
    ]
    gains = [row for row in gains if row["value"] is not None]
    figures: list[Figure] = []
    if drawn:
        text = f"Points are values, lines 95 % intervals over patients. The diamond is {table.against}."
        figures.append(Figure(forest(drawn, name), f"{name} by row", text))
    if gains:
        better = "left" if measure in LOWER_IS_BETTER else "right"
        text = (
            f"Row less {table.against} on the stays that both predict, with the 95 % interval of the paired "
            "difference. "
            f"To the {better} of the dashed line the row is better; an interval that holds 0 leaves it open."
        )
        figures.append(Figure(forest(gains, f"difference in {name}", 0.0), f"Against {table.against}", text))
    return figures


def _point(name: str, entry: Mapping[str, Any], compared: bool = False) -> dict[str, Any]:
    return {"name": name, "compared": compared} | {key: entry[key] for key in ("value", "low", "high")}


def gives_away(judged: Judged) -> bool:
    """Whether the measures at the threshold would give away a small count of those flagged rightly, by mistake, or
    missed."""
    sensitivity, ppv = (judged.values[name]["value"] for name in ("sensitivity", "ppv"))
    if sensitivity is None:
        return True
    found = sensitivity * judged.n_events
    counts = [found, judged.n_events - found, found * (1 - ppv) / ppv if ppv else 0.0]
    return any(0 < round(count) < MINIMUM for count in counts)


def _shown(judged: Judged, measure: str, entry: Mapping[str, Any], places: int) -> str:
    """A value with its interval, a dash where it is not shown."""
    if measure in FLAGS and gives_away(judged):
        return NOT_SHOWN
    value = number(entry["value"], places)
    return value if entry["low"] is None else f"{value} ({interval(entry, places)})"


def _measures(table: TaskTable) -> list[str]:
    """In the page's order; of the measures at the threshold the one that stands for both."""
    first = next(line.judged for line in table.lines if line.judged)
    return [name for name in first.values if name not in ("sensitivity", "ppv", "calibration_intercept")]


def _values_tables(table: TaskTable, places: int) -> Iterator[Block]:
    """The measures that fit beside each other, and the others folded."""
    measures, binary = _measures(table), find_task(table.task).kind == "binary"
    events = outcome_words(table.task).events if binary else ""
    counts = ["stays", "patients", *([events] if binary else [])]
    judged = [line.judged for line in table.lines if line.judged]
    differ = len({one.n_stays for one in judged}) > 1
    apart = (
        " A row of fewer stays is judged on those alone: hold it against others by its difference." if differ else ""
    )
    for place, names in enumerate((measures[:BESIDE], measures[BESIDE:])):
        columns = ["row", *(counts if place == 0 else []), *(metric_words(name).name for name in names)]
        rows = [_values_row(line, columns, names, events, places) for line in table.lines]
        ideal = "; ".join(f"{metric_words(name).name}: {metric_words(name).ideal}" for name in names)
        caption = f"95 % intervals over patients in brackets. Ideal values are {ideal}.{apart}"
        if names:
            yield Table(columns, rows, "Other measures" if place else "Every row", caption, folded=place > 0)


def _values_row(line: Line, columns: list[str], measures: list[str], events: str, places: int) -> dict[str, Any]:
    one = line.judged
    if one is None:
        return dict.fromkeys(columns, NOT_SHOWN) | {"row": f"{line.name}: failed"}
    hidden = bool(events) and is_small(one.n_stays - one.n_events)
    counts = {"stays": count_text(one.n_stays, hidden), "patients": count_text(one.n_subjects)}
    cells = {metric_words(name).name: _shown(one, name, one.values[name], places) for name in measures}
    return {"row": line.name, **counts, events: count_text(one.n_events), **cells}


def _differences_tables(table: TaskTable, outcome: Outcome) -> Iterator[Block]:
    paired = [(line, line.judged) for line in table.lines if line.judged and line.judged.differences]
    if not paired:
        return
    name, adjusted = metric_words(table.headline).name, outcome.adjusted()
    rows: list[dict[str, Any]] = []
    for line, one in paired:
        found = one.differences[table.headline]
        rows.append(
            {
                "row": line.name,
                "difference": number(found.interval["value"]),
                "95 % interval": interval(found.interval),
                "p": number(found.p),
                "p, Holm": number(adjusted[table.task, line.name]),
                "stays of both": count_text(found.n_stays),
            }
        )
    better = "Below" if table.headline in LOWER_IS_BETTER else "Above"
    caption = f"{name} of the row less that of {table.against}. {better} 0 the row is better."
    yield Table(list(rows[0]), rows, f"Against {table.against}: {name}", caption)
    others = [measure for measure in _measures(table) if measure != table.headline and measure not in NO_DIRECTION]
    reference = next((line.judged for line in table.lines if line.name == table.against), None)
    hidden = reference is None or ("ppv" in reference.values and gives_away(reference))
    described = [_described(line, one, others, hidden) for line, one in paired]
    if others:
        yield Table(list(described[0]), described, "Differences in other measures, not tested", folded=True)


def _described(line: Line, judged: Judged, measures: list[str], hidden: bool) -> dict[str, Any]:
    """Differences; `hidden`: those at the threshold would give away what the reference must not show."""
    cells = {
        metric_words(name).name: NOT_SHOWN
        if hidden and name in FLAGS
        else _shown(judged, name, judged.differences[name].interval, 3)
        for name in measures
    }
    return {"row": line.name, **cells}
