"""Sections of a report about a task of several answers: how well each of them is told, beside their mean."""

from collections.abc import Mapping
from typing import Any, Final

from wardround.evaluate import charts
from wardround.evaluate.evidence import Evidence
from wardround.evaluate.page import Block, Callout, Figure, Figures, Section, Table
from wardround.evaluate.small_cells import MINIMUM, count_text, is_small_share
from wardround.evaluate.wording import interval, label_words, number

COIN: Final = 0.5


def label_section(evidence: Evidence) -> Section | None:
    """AUROC of each label with its interval, the best on top; None for a task of one answer.

    A label of 1 to 10 stays, or without 1 to 10, is not drawn: so few make no number.
    """
    by_label: dict[str, Any] = evidence.metrics.get("by_label", {})
    if not by_label:
        return None
    n_stays, shown = evidence.metrics["n_stays"], dict[str, Any]()
    for label, entry in by_label.items():
        if entry["auroc"]["value"] is not None and not is_small_share(entry["n_pos"], n_stays):
            shown[label] = entry
    text = (
        "The numbers above are means over the labels of which both answers occur. Each answer has a threshold of its "
        "own, chosen on validation patients."
    )
    if not shown:
        note = Callout("note", "Too few stays for a picture.", f"No label has {MINIMUM} stays with and without it.")
        return Section("labels", "Which answers are right?", [note], text)
    ordered = sorted(shown, key=lambda label: -shown[label]["auroc"]["value"])
    rows = [{"name": label_words(label), **_area(shown[label]), "compared": False} for label in ordered]
    left_out = len(by_label) - len(shown)
    labels = "1 label has" if left_out == 1 else f"{left_out} labels have"
    missing = f" {labels} fewer than {MINIMUM} stays on a side, and no point here." if left_out else ""
    figure = Figure(
        charts.forest(rows, "AUROC", COIN),
        "AUROC by label",
        f"How often a stay with the label gets the higher probability of a random pair; the line is a coin.{missing}",
        _calibration_table(shown, ordered),
    )
    blocks: list[Block] = [Figures([figure])]
    return Section("labels", "Which answers are right?", blocks, text)


def _area(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry["auroc"][key] for key in ("value", "low", "high")}


def _calibration_table(shown: Mapping[str, Any], ordered: list[str]) -> Table:
    """Stays and calibration of each label."""
    rows = [
        {
            "label": label_words(label),
            "stays with it": count_text(shown[label]["n_pos"]),
            "AUROC": f"{number(shown[label]['auroc']['value'], 2)}  ({interval(shown[label]['auroc'], 2)})",
            "calibration slope": number(shown[label]["calibration_slope"]["value"], 2),
        }
        for label in ordered
    ]
    return Table(["label", "stays with it", "AUROC", "calibration slope"], rows, folded=True)
