"""The section that no report leaves out: what it would mean to switch the model on, and what nobody has looked at yet.

Sensitivity, PPV, alerts per 100 stays, stays to look at for one true alert and lead time, overall and by age and sex:
the questions that were asked too late of a sepsis model in wide use (Wong et al., JAMA Internal Medicine 2021).
"""

from functools import partial
from typing import Any, Final

import numpy as np
import polars as pl

from wardround.evaluate.evidence import Answers, Evidence
from wardround.evaluate.kinship import Kinship
from wardround.evaluate.page import Block, Section, Table
from wardround.evaluate.small_cells import MINIMUM, NOT_SHOWN
from wardround.evaluate.threshold_counts import NEEDS, ThresholdCounts, threshold_counts
from wardround.evaluate.wording import interval, number, outcome_words
from wardround.metrics.bootstrap import bootstrap_intervals
from wardround.metrics.discrimination import auroc, ppv, sensitivity

DRAWS: Final = 500
BY_YOU: Final = "by you"


def alerts_section(evidence: Evidence) -> Section:
    """Alerts at the threshold by subgroup, where the task is a yes or no, and what is left to look at."""
    blocks: list[Block] = []
    answers, threshold = evidence.answers, evidence.metrics.get("threshold")
    lead_time = BY_YOU
    if answers is not None and threshold is not None:
        blocks.append(_alerts_table(evidence, answers, float(threshold)))
        lead_time = _lead_time(evidence, answers, float(threshold))
    blocks.append(_open_questions(evidence, lead_time))
    text = "A good curve does not make a good alarm. This is what the ward would see, and what still has to be asked."
    return Section("use", "If it were switched on", blocks, text)


def _alerts_table(evidence: Evidence, answers: Answers, threshold: float) -> Table:
    words, counted = outcome_words(evidence.metrics["task"]), threshold_counts(answers, threshold)
    rows: list[dict[str, Any]] = []
    for group, inside in counted.groups.items():
        if counted.counts[group, "stays"] == 0 or group.endswith("unknown"):
            continue
        alerts = NOT_SHOWN
        if counted.shows(group, "stays", "alerts", "quiet"):
            alerts = f"{100 * counted.counts[group, 'alerts'] / counted.counts[group, 'stays']:.0f}"
        rows.append(
            {
                "": group,
                "stays": counted.text(group, "stays"),
                words.events: counted.text(group, "events"),
                "alerts per 100": alerts,
                **_measures(answers, inside, threshold, counted, group),
            }
        )
    return Table(
        list(rows[0]),
        rows,
        title=f"At the threshold of {threshold:.1%}",
        caption="The threshold was chosen on validation stays. In brackets 95 % intervals. To look at: flagged stays "
        f"for one who {words.event}. Nothing is shown that would give away a count of 1 to 10 stays, such as who "
        f"{words.event} and was flagged; then there is {NOT_SHOWN}.",
    )


def _measures(
    answers: Answers, inside: np.ndarray, threshold: float, counted: ThresholdCounts, group: str
) -> dict[str, str]:
    """Sensitivity, PPV, stays to look at and AUROC of one subgroup, where it is large enough."""
    names = ("sensitivity", "PPV", "to look at", "AUROC")
    if min(counted.counts[group, "events"], counted.counts[group, "others"]) < MINIMUM:
        return dict.fromkeys(names, NOT_SHOWN)
    metrics = {
        "sensitivity": partial(sensitivity, threshold=threshold),
        "PPV": partial(ppv, threshold=threshold),
        "AUROC": auroc,
    }
    label, prob = answers.label[inside].astype(int), answers.prob[inside]
    found = bootstrap_intervals(metrics, answers.subject[inside], label, prob, draws=DRAWS)
    texts = {name: f"{number(entry['value'], 2)} ({interval(entry, 2)})" for name, entry in found.items()}
    right = found["PPV"]["value"]
    texts["to look at"] = f"{1 / right:.1f}" if right else NOT_SHOWN
    if not counted.shows(group, *NEEDS["sensitivity"]):
        texts["sensitivity"] = NOT_SHOWN
    if not counted.shows(group, *NEEDS["ppv"]):
        texts |= {"PPV": NOT_SHOWN, "to look at": NOT_SHOWN}
    return {name: texts[name] for name in names}


def _lead_time(evidence: Evidence, answers: Answers, threshold: float) -> str:
    """Hours from the first belief at or above the threshold to death, of those flagged rightly; days where the data
    tell no hour of death."""
    right = answers.frame.filter(pl.Series(answers.label & (answers.prob >= threshold)))
    if right.height < MINIMUM or evidence.metrics["task"] != "mortality":
        return f"{BY_YOU}: fewer than {MINIMUM} true alerts here" if evidence.metrics["task"] == "mortality" else BY_YOU
    alert_h = (pl.col("prediction_time") - pl.col("start")).dt.total_minutes() / 60
    if evidence.beliefs is not None and "label" not in evidence.beliefs.columns:
        over = evidence.beliefs.filter(pl.col("predicted_boolean_probability") >= threshold)
        first = over.group_by("stay_id").agg(first_h=pl.col("time_h").min())
        right = right.join(first, on="stay_id", how="left").with_columns(first_h=pl.coalesce("first_h", alert_h))
    else:
        right = right.with_columns(first_h=alert_h)
    end_h = (pl.col("hospital_end") - pl.col("start")).dt.total_minutes() / 60
    lead_h = right.select((end_h - pl.col("first_h")).alias("h"))["h"].drop_nulls()
    if len(lead_h) < MINIMUM:
        return BY_YOU
    low, middle, high = (lead_h.quantile(share, "linear") or 0.0 for share in (0.25, 0.5, 0.75))
    if _in_whole_days(evidence.stays["hospital_end"]):
        return (
            f"about {middle / 24:.0f} days from the first alert to death (median; quartiles {low / 24:.0f} to "
            f"{high / 24:.0f} days), of stays flagged rightly; these data tell of ends in whole days alone, perhaps a "
            "day off: no hours can be said"
        )
    return (
        f"{middle:.0f} h from the first alert to death (median; quartiles {low:.0f} to {high:.0f} h), of stays "
        "flagged rightly"
    )


def _in_whole_days(ends: pl.Series) -> bool:
    """Whether all ends are at the same hour of the day, as those that are dates, or days after an admission whose
    hour is not known (Challenge 2012)."""
    return ends.drop_nulls().dt.time().n_unique() == 1


def _open_questions(evidence: Evidence, lead_time: str) -> Table:
    here = (
        "this evaluation: the model was made with patients of another database"
        if evidence.kinship == Kinship.EXTERNAL
        else f"{BY_YOU}: wardround evaluate RUN --data OTHER --split all"
    )
    rows = [
        ("Another site", here),
        ("Time to act", lead_time),
        (
            "Before or after the ward noticed",
            f"{BY_YOU}: orders placed before the alert show that the ward already knew",
        ),
        ("What an alert leads to", f"{BY_YOU}: needs a silent phase, then a trial"),
        ("Who answers an alert, and how many a shift", BY_YOU),
    ]
    return Table(
        ["question", "answer"],
        [dict(zip(("question", "answer"), row, strict=True)) for row in rows],
        title="Still to ask",
        words=("question", "answer"),
    )
