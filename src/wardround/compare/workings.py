"""The last sections of a comparison's page: what each row was, what it cost, what a search chose, what failed."""

from collections.abc import Iterator
from typing import Any

from wardround.compare.outcome import Outcome
from wardround.evaluate.markup import link
from wardround.evaluate.page import Block, Section, Table
from wardround.evaluate.wording import metric_words, number


def workings_sections(outcome: Outcome) -> Iterator[Section]:
    """Failures first, then the rows, then the search."""
    if outcome.failures:
        rows = [{"cell": cell, "why": why} for cell, why in outcome.failures.items()]
        table = Table(["cell", "why"], rows, words=("cell", "why"))
        yield Section("failed", "What failed", [table], "The same command tries these again, and nothing else.")
    yield Section("rows", "What was compared", list(_rows(outcome)), _how(outcome))
    if outcome.search is not None:
        yield Section("search", "How settings were chosen", list(_search(outcome)), _search_lead(outcome.search))


def _how(outcome: Outcome) -> str:
    about = outcome.about
    if about["kind"] == "runs":
        return (
            "Finished runs or evaluations, each as it was, on the stays that all of them predict. Runs that differ in "
            "nothing but their seed are one row: a number is the mean over them."
        )
    if about["folds"] is None:
        pooled = "A number is the mean over splits and seeds."
    elif about["asked"].startswith("every"):
        pooled = "Each fold's run answers for every stay; a number is the mean over folds, splits and seeds."
    else:
        pooled = (
            "Each stay is predicted by the fold that never saw its patient; the folds of a split are judged together, "
            "and a number is the mean over splits and seeds."
        )
    return (
        f"{pooled} A draw takes patients with all of their stays, splits and seeds, so intervals say how the numbers "
        "would move with other patients."
    )


def _rows(outcome: Outcome) -> Iterator[Block]:
    recipe = outcome.about["kind"] == "recipe"
    rows: list[dict[str, Any]] = []
    for table in outcome.tables:
        if len(outcome.tables) > 1:
            rows.append({"group": table.task})
        for line in table.lines:
            facts = line.facts
            row: dict[str, Any] = {"row": line.name, "method": facts["method"]}
            if recipe:
                row |= {
                    "encoders": facts["encoders"] or "–",
                    "set": ", ".join(facts["settings"]) or "defaults",
                    "seeds": ", ".join(map(str, facts["seeds"])),
                    "cells": f"{facts['cells']:,}",
                    "time": duration(facts["seconds"]),
                }
            else:
                row |= {"runs": f"{facts['cells']:,}", "asked of": facts["split"], "without": facts.get("without", "–")}
            rows.append(row)
    columns = list(next(row for row in rows if "group" not in row))
    caption = "Time counts a pretraining or a search with the cell that came to it first." if recipe else ""
    yield Table(columns, rows, caption=caption, words=("row", "method", "encoders", "set", "asked of", "without"))
    links = [
        {"row": line.name, "report": link(address, what)}
        for table in outcome.tables
        for line in table.lines
        for what, address in line.reports
        if address
    ]
    if links:
        yield Table(["row", "report"], links, "The full report of every cell", folded=True, words=("row", "report"))


def _search_lead(search: Any) -> str:
    limit = "" if search["minutes"] is None else f", none begun after {search['minutes']:g} minutes"
    objective = ", ".join(f"{metric_words(metric).name} for {task}" for task, metric in search["objective"].items())
    budgets = set(search["trials"].values())
    trials = "as many trials as the table says"
    if len(budgets) == 1:
        (budget,) = budgets
        trials = f"{budget} trial{'s' if budget > 1 else ''}, whatever its method"
    return (
        f"Every row that was searched had {trials}, anew in each split{limit}. The best on that split's own "
        f"validation side was taken ({objective}); no test stay was read. The chosen settings then trained every seed "
        "of the row."
    )


def _search(outcome: Outcome) -> Iterator[Block]:
    rows: list[dict[str, Any]] = []
    chosen: list[dict[str, Any]] = []
    for table in outcome.tables:
        for line in table.lines:
            facts = line.facts
            if not facts["trials_allowed"]:
                continue
            rows.append(
                {
                    "row": line.name,
                    "task": table.task,
                    "searches": f"{facts['searches']}",
                    "trials allowed": f"{facts['trials_allowed']:,}",
                    "trials done": f"{facts['trials']:,}",
                    "of them failed": f"{facts['trials_failed']:,}",
                }
            )
            chosen += [
                {
                    "row": line.name,
                    "task": table.task,
                    "split": one["split"],
                    "settings": ", ".join(map(_short, one["settings"])),
                    "on validation": number(one["on_validation"]),
                }
                for one in facts["chosen"]
            ]
    if not rows:
        return
    caption = "Rows that are not here were trained as they stand."
    yield Table(list(rows[0]), rows, caption=caption, words=("row", "task"))
    if chosen:
        words = ("row", "task", "split", "settings")
        yield Table(list(chosen[0]), chosen, "What was chosen", folded=True, words=words)


def _short(assignment: str) -> str:
    """A setting by its last name, a number to three digits: for reading."""
    path, _, text = assignment.partition("=")
    name = path.rpartition(".")[2]
    try:
        return f"{name} {float(text):.3g}"
    except ValueError:
        return f"{name} {text}"


def duration(seconds: float) -> str:
    """`12 s`, `3.4 min`, `2.1 h`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
