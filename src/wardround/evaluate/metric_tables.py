"""Tables of metrics with their intervals, and the section that holds all of them."""

from collections.abc import Mapping
from typing import Any

from wardround.evaluate.evidence import Evidence
from wardround.evaluate.headline import decimals
from wardround.evaluate.page import Block, Section, Table
from wardround.evaluate.small_cells import MINIMUM, NOT_SHOWN, count_text, is_small_share
from wardround.evaluate.threshold_counts import threshold_counts
from wardround.evaluate.wording import in_order, interval, label_words, metric_words, number


def hidden_measures(evidence: Evidence) -> tuple[str, ...]:
    """Measures at the threshold that would give away a small count."""
    answers, threshold = evidence.answers, evidence.metrics.get("threshold")
    return () if answers is None or threshold is None else threshold_counts(answers, float(threshold)).hidden_measures()


def metrics_table(
    metrics: Mapping[str, Mapping[str, Any]], places: int, hidden: tuple[str, ...] = (), title: str = ""
) -> Table:
    """Metrics with intervals and what they say; those in `hidden` without their numbers."""
    rows: list[dict[str, Any]] = []
    for name, entry in in_order(metrics):
        words = metric_words(name)
        value = NOT_SHOWN if name in hidden else number(entry["value"], places)
        between = NOT_SHOWN if name in hidden else interval(entry, places)
        rows.append(
            {
                "measure": words.name,
                "what it says": words.says,
                "value": value,
                "95 % interval": between,
                "ideal": words.ideal,
            }
        )
    caption = (
        f"Not shown ({NOT_SHOWN}): shares that would give away a count of fewer than {MINIMUM} stays." if hidden else ""
    )
    return Table(
        ["measure", "value", "95 % interval", "ideal", "what it says"],
        rows,
        title,
        caption,
        words=("measure", "what it says"),
    )


def beside(head: str, columns: Mapping[str, Mapping[str, Any]], title: str) -> Table:
    """The same metrics of several things side by side: `columns` is heading -> metric -> value with interval."""
    rows: list[dict[str, Any]] = []
    for name, _ in in_order(next(iter(columns.values()))):
        cells = {
            column: f"{number(entries[name]['value'], 2)}  ({interval(entries[name], 2)})"
            for column, entries in columns.items()
        }
        rows.append({head: metric_words(name).name, **cells})
    return Table(
        [head, *columns], rows, title=title, caption="95 % intervals in brackets, by the bootstrap over patients."
    )


def _label_row(label: str, entry: Mapping[str, Any], n_stays: int, places: int) -> dict[str, str]:
    """One label; without numbers where so few have it, or do not have it, that they would give a count away."""
    row = {"label": label_words(label), "stays with it": count_text(entry["n_pos"])}
    if is_small_share(entry["n_pos"], n_stays):
        return row | dict.fromkeys(("AUROC", "AUROC, 95 %", "AUPRC"), NOT_SHOWN)
    values = {metric_words(name).name: number(entry[name]["value"], places) for name in ("auroc", "auprc")}
    return row | values | {"AUROC, 95 %": interval(entry["auroc"], places)}


def every_number_section(evidence: Evidence) -> Section:
    """All metrics of the evaluation, and by label where it has several."""
    blocks: list[Block] = [metrics_table(evidence.metrics["metrics"], decimals(evidence), hidden_measures(evidence))]
    by_label = evidence.metrics.get("by_label", {})
    if by_label:
        n_stays, places = evidence.metrics["n_stays"], decimals(evidence)
        rows = [_label_row(label, entry, n_stays, places) for label, entry in by_label.items()]
        blocks.append(Table(["label", "AUROC", "AUROC, 95 %", "AUPRC", "stays with it"], rows, title="By label"))
    draws = evidence.metrics.get("intervals", {}).get("draws")
    text = (
        f"Intervals are 95 %, from {draws:,} redrawn samples of patients."
        if draws
        else "Intervals are 95 %, by the bootstrap over patients."
    )
    return Section("numbers", "Every number", blocks, text)
