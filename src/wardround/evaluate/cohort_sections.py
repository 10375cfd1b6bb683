"""Sections of a report about the stays: how they came to be asked, who they are, what is missing from them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import polars as pl

from wardround.evaluate.data_charts import missingness
from wardround.evaluate.evidence import Evidence
from wardround.evaluate.missingness import column_shares, pattern_words, patterns, share_text
from wardround.evaluate.page import Figure, Figures, Flow, Section, Table
from wardround.evaluate.small_cells import MINIMUM, NOT_SHOWN, SMALL, count_text, hidden_cells
from wardround.evaluate.table_one import Combinations, Group, by_outcome, table_one
from wardround.evaluate.wording import outcome_words

OTHER_SIDE: Final = "not on the asked side of the split"
HIDING: Final = (
    f"Counts of 1 to 10 are shown as {SMALL}, and {NOT_SHOWN} stands for a count that would give one of them away."
)
SIDES: Final = {"train": "Training", "val": "Validation", "test": "Test"}


def cohort_section(evidence: Evidence) -> Section:
    """Cohort flow and table one."""
    return Section(
        "cohort",
        "Who was asked",
        [_flow(evidence), _table_one(evidence)],
        "From all stays in the data to those that this report is about, and what they are like.",
    )


def _flow(evidence: Evidence) -> Flow:
    metrics, everyone = evidence.metrics, evidence.stays.height
    counts = {
        "all": everyone,
        "asked": metrics["n_stays"],
        **{f"why {why}": count for why, count in metrics["n_excluded"].items()},
    }
    unexplained = everyone - metrics["n_stays"] - sum(metrics["n_excluded"].values())
    if unexplained > 0:
        counts[f"why {OTHER_SIDE}"] = counts.get(f"why {OTHER_SIDE}", 0) + unexplained
    reasons = [cell for cell in counts if cell.startswith("why ")]
    hidden = hidden_cells(counts, [("all", [*reasons, "asked"])], keep=("asked",))

    def text(cell: str) -> str:
        return count_text(counts[cell], cell in hidden).replace(NOT_SHOWN, "some")

    left = [(text(cell), cell.removeprefix("why ")) for cell in reasons if counts[cell]]
    n_subjects = count_text(metrics["n_subjects"])
    return Flow(
        [(text("all"), "stays in the data", left), (text("asked"), f"stays of {n_subjects} patients were asked", [])]
    )


def _table_one(evidence: Evidence) -> Table:
    groups = [*_asked_groups(evidence), *_training_groups(evidence)]
    stays, modalities = _as_given(evidence)
    beside = Combinations(*patterns(stays, modalities), stays)
    return table_one_block(
        table_one(groups, beside), f"Modalities are counted where they occur at any time of the stay. {HIDING}"
    )


def _asked_groups(evidence: Evidence) -> list[Group]:
    name, answers = "Evaluated", evidence.answers
    if answers is not None:
        words = outcome_words(evidence.metrics["task"])
        return by_outcome(
            answers.frame, name, pl.col("boolean_value"), (words.no_event.capitalize(), words.event.capitalize())
        )
    if evidence.asked is not None:
        return by_outcome(evidence.asked, name, pl.col("died_in_hospital"), ("Survived", "Died"))
    column = "pretrain_split" if evidence.is_alignment else "split"
    return [Group(name, _on_side(evidence, column, evidence.metrics["split"]))]


def _training_groups(evidence: Evidence) -> list[Group]:
    """The stays that the run learned from and was tuned on, under the same cohort rule."""
    if evidence.is_elsewhere:
        return []
    column = "pretrain_split" if evidence.is_alignment else "split"
    sides = [side for side in ("train", "val") if side != evidence.metrics["split"]]
    groups = [Group(SIDES[side], _on_side(evidence, column, side)) for side in sides]
    return [group for group in groups if group.stays.height]


def _on_side(evidence: Evidence, column: str, side: str) -> pl.DataFrame:
    stay_ids = evidence.cohort().frame["stay_id"]
    stays = evidence.stays.filter(pl.col("stay_id").is_in(stay_ids.implode()))
    if side == "all":
        return stays
    sides = evidence.splits.filter(pl.col(column) == side)["stay_id"]
    return stays.filter(pl.col("stay_id").is_in(sides.implode()))


def table_one_block(rows: Sequence[dict[str, str]], caption: str = HIDING) -> Table:
    """Table one as a block: variables of several categories under a heading, the others in a line."""
    lines: list[dict[str, str]] = []
    several = {row["variable"] for row, after in pairwise(rows) if row["variable"] == after["variable"]}
    for row in rows:
        variable, category = row["variable"], row["category"]
        if variable in several and (not lines or {"group": variable} not in lines):
            lines.append({"group": variable})
        name = category if variable in several else ", ".join(filter(None, (variable, category)))
        lines.append({"": name} | {group: text for group, text in row.items() if group not in ("variable", "category")})
    return Table(["", *list(rows[0])[2:]], lines, title="Table one", caption=caption)


def missingness_section(evidence: Evidence) -> Section | None:
    """Which modalities the evaluated stays have together at their prediction times, as the model was given them."""
    block = missingness_block(*_as_given(evidence))
    if block is None:
        return None
    return Section(
        "missing",
        "What was missing",
        [block],
        "A model must cope with what a ward did not record. These are the combinations it met.",
    )


def _as_given(evidence: Evidence) -> tuple[pl.DataFrame, list[str]]:
    """The evaluated stays with the modalities that the model was given of each, and the names of all that it reads."""
    settings: dict[str, Any] = evidence.settings.get("settings") or {}
    modalities: list[str] = settings.get("inputs", {}).get("modalities", [])
    stays = _asked_groups(evidence)[0].stays
    if evidence.observed is not None:
        stays = stays.drop("modalities").join(evidence.observed, on="stay_id", how="inner")
    return stays, modalities


def missingness_block(stays: pl.DataFrame, modalities: Sequence[str] = ()) -> Figures | None:
    """The chart of modality combinations with its numbers; None where there are too few stays to show any."""
    rows, names = patterns(stays, modalities)
    if not rows:
        return None
    return Figures(
        [
            Figure(
                missingness(rows, names, column_shares(stays, rows, names)),
                "Combinations of modalities",
                "Each row is a combination: a dark dot means that the stays of this row have that kind of record, a "
                "pale one that they lack it. The bar at the right says how many stays have exactly this combination, "
                "the bar below a column how many have that kind at all, to the nearest 5 % (a dash where that "
                f"would tell of fewer than {MINIMUM} stays). Columns run from the most to the least common kind.",
                _pattern_table(rows, names),
            )
        ]
    )


def _pattern_table(rows: list[dict[str, Any]], names: Sequence[str]) -> Table:
    lines = [
        {"combination": pattern_words(row, names), "stays": f"{row['n_stays']:,}", "share": share_text(row["share"])}
        for row in rows
    ]
    return Table(["combination", "stays", "share"], lines, folded=True)
