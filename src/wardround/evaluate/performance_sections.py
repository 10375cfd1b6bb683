"""Sections of a report about how good the predictions are, for probabilities and for hours."""

from collections.abc import Iterator, Mapping
from typing import Any

from wardround.evaluate import charts
from wardround.evaluate.evidence import Answers, Evidence
from wardround.evaluate.metric_tables import beside, hidden_measures, metrics_table
from wardround.evaluate.page import Block, Callout, Figure, Figures, Section, Table
from wardround.evaluate.points import calibration_points, hours_points, ranking_curves, risk_bars
from wardround.evaluate.small_cells import MINIMUM, is_small
from wardround.evaluate.wording import interval, metric_words, number, outcome_words

EACH_POINT = f"Each point stands for {MINIMUM} patients or more."
TOO_FEW = Callout(
    "note",
    "Too few stays for a picture.",
    f"A curve is drawn from groups of {MINIMUM} patients or more, and a comparison of outcomes needs both.",
)


def performance_sections(evidence: Evidence) -> Iterator[Section]:
    """Ranking and calibration of a probability, or the errors of hours; then by how much was known."""
    if evidence.answers is not None:
        yield _ranking(evidence, evidence.answers)
        yield _calibration(evidence, evidence.answers)
    elif evidence.asked is not None:
        yield _hours(evidence)
    known = list(_by_known(evidence))
    if known:
        text = "The same measure for stays of which less or more was known."
        yield Section("known", "Less and more known", [Figures(known)], text)


def _ranking(evidence: Evidence, answers: Answers) -> Section:
    words, threshold = outcome_words(evidence.metrics["task"]), evidence.metrics.get("threshold")
    hidden = hidden_measures(evidence)
    values = {name: entry["value"] for name, entry in evidence.metrics["metrics"].items() if name not in hidden}
    at = [values.get(name) for name in ("specificity", "sensitivity", "ppv")]
    roc, pr = ranking_curves(answers.label, answers.prob, answers.subject)
    figures: list[Figure] = []
    if roc:
        point = None if at[0] is None or at[1] is None else (1 - at[0], at[1])
        flagged = " The diamond is the threshold in use." if point else ""
        figures.append(
            Figure(
                charts.roc_curve(roc, point),
                "ROC curve",
                f"As the threshold falls, more of those who {words.event} are found (up), and more of those who "
                f"{words.no_event} are flagged by mistake (right). The closer to the upper left corner the better; "
                f"the dashed line is a coin.{flagged} Shaded: 95 % of redrawn samples of patients, at the same "
                f"thresholds. {EACH_POINT}",
            )
        )
        point = None if at[1] is None or at[2] is None else (at[1], at[2])
        prevalence = None if is_small(answers.rarer) else answers.n_events / len(answers.label)
        figures.append(
            Figure(
                charts.pr_curve(pr, prevalence, point),
                "Precision and recall",
                f"Of the stays that are flagged (up), how many {words.event}; to find more of them (right) one has to "
                f"accept more false alarms. The dashed line is what flagging everyone would give. {EACH_POINT}",
            )
        )
    bars = risk_bars(answers.label, answers.prob, answers.subject)
    if bars:
        absent = (
            ""
            if len({row["outcome"] for row in bars}) == 2
            else f" An outcome of fewer than {MINIMUM} patients is not drawn."
        )
        figures.append(
            Figure(
                charts.risk_histogram(bars, (words.no_event, words.event), threshold),
                "Predicted risk by outcome",
                "The further the two hills lie apart, the better the model tells the outcomes from each other. The "
                "dashed line is the threshold from which a stay is flagged. Where stays are few, bars are wider: "
                f"each stands for {MINIMUM} patients or more.{absent}",
            )
        )
    return Section(
        "ranking",
        "Does a higher risk mean the event?",
        [*([] if roc else [TOO_FEW]), *([Figures(figures)] if figures else [])],
    )


def _calibration(evidence: Evidence, answers: Answers) -> Section:
    rows = calibration_points(answers.label, answers.prob, answers.subject)
    if not rows:
        return Section("calibration", "Can the risk be taken at its word?", [TOO_FEW])
    words = outcome_words(evidence.metrics["task"])
    numbers = Table(
        ["predicted", "observed", "95 % interval", "stays"],
        [
            {
                "predicted": f"{row['predicted']:.1%}",
                "observed": f"{row['observed']:.0%}",
                "95 % interval": f"{row['low']:.0%} to {row['high']:.0%}",
                "stays": f"{row['n_stays']:,}",
            }
            for row in rows
        ],
        folded=True,
        words=(),
    )
    figure = Figure(
        charts.calibration_curve(rows),
        "Calibration",
        f"Stays with about the same predicted risk form one point: how many of them {words.event}. Points on the "
        "dashed line mean that a risk of 20 % is followed by the event in 20 of 100 stays; above it the model says "
        f"too little, below it too much. Lines are 95 % intervals, bars on top the number of stays. {EACH_POINT}",
        numbers,
    )
    metrics = evidence.metrics["metrics"]
    chosen = [
        name
        for name in ("calibration_slope", "calibration_intercept", "ace", "brier", "bss", "bss_train")
        if name in metrics
    ]
    table = metrics_table({name: metrics[name] for name in chosen}, 2)
    return Section("calibration", "Can the risk be taken at its word?", [Figures([figure]), table])


def _hours(evidence: Evidence) -> Section:
    asked = evidence.asked
    blocks: list[Block] = []
    rows = []
    if asked is not None:
        asked = asked.drop_nulls(["float_value", "predicted_float_value"])
        columns = (asked[name].to_numpy() for name in ("float_value", "predicted_float_value", "subject_id"))
        rows = hours_points(*columns)
        if rows:
            caption = (
                "Stays with about the same predicted hours form one point: the median of their actual hours, with "
                f"the middle half of them as a bar. On the dashed line prediction and reality agree. {EACH_POINT}"
            )
            blocks.append(Figures([Figure(charts.hours_curve(rows), "Predicted and actual hours", caption)]))
    if not rows:
        blocks.append(TOO_FEW)
    metrics, elapsed = evidence.metrics["metrics"], evidence.metrics.get("elapsed_baseline")
    if elapsed:
        blocks.append(
            beside(
                "measure", {"model": metrics, "elapsed hours alone": elapsed}, "Beside what elapsed hours alone know"
            )
        )
    apart = evidence.metrics.get("by_outcome", {})
    shown = {
        f"{name} ({part['n_stays']:,} stays)": part["metrics"]
        for name, part in apart.items()
        if part["n_stays"] >= MINIMUM
    }
    if len(shown) > 1:
        blocks.append(beside("measure", shown, "Deaths and survivors apart"))
    return Section("hours", "How far off?", blocks, "A stay that ends in death counts up to the death.")


def _by_known(evidence: Evidence) -> Iterator[Figure]:
    metrics = evidence.metrics
    bins = metrics.get("by_n_events", [])
    if any(entry["value"] is not None for entry in bins):
        rows = [_group_row(entry, _events_words(bins, place)) for place, entry in enumerate(bins)]
        name, reference = metric_words(bins[0]["metric"]).name, 0.5 if bins[0]["metric"] == "auroc" else None
        hollow = f" Hollow points rest on fewer than {MINIMUM} events." if not all(row["firm"] for row in rows) else ""
        drawn = [row for row in rows if row["value"] is not None]
        yield Figure(
            charts.by_group(drawn, name, "events known at the prediction", reference),
            "By the number of events",
            "Each point is about a quarter of the stays, by how many events were known at the time of prediction; "
            f"lines are 95 % intervals.{hollow}",
            _groups_table(rows, bins, name),
        )
    if len(evidence.by_hour) > 1 and not evidence.is_alignment:
        key = "auroc" if "auroc" in evidence.metrics["metrics"] else "mae_h"
        rows: list[dict[str, Any]] = []
        for hour, found in evidence.by_hour.items():
            entry = found["metrics"][key]
            rows.append(
                {
                    "group": f"{hour:g}",
                    "value": entry["value"],
                    "low": entry["low"],
                    "high": entry["high"],
                    "firm": True,
                }
            )
        drawn = [row for row in rows if row["value"] is not None]
        if not drawn:
            return
        yield Figure(
            charts.by_group(drawn, metric_words(key).name, "hours after unit admission"),
            "By prediction hour",
            "Later predictions know more, and are asked of those who are still in the unit: the groups differ as "
            "well as the knowledge.",
        )


def _group_row(entry: Mapping[str, Any], name: str) -> dict[str, Any]:
    n_events = entry.get("n_events")
    firm = n_events is None or min(n_events, entry["n_stays"] - n_events) >= MINIMUM
    return {"group": name, "value": entry["value"], "low": entry["ci_low"], "high": entry["ci_high"], "firm": firm}


def _events_words(bins: list[dict[str, Any]], place: int) -> str:
    """A range of event counts; the ends stay open, for the fewest and the most are single stays."""
    entry = bins[place]
    if len(bins) == 1:
        return "all"
    if place == 0:
        return f"≤ {entry['high']:,}"
    return f"> {bins[place - 1]['high']:,}" if place == len(bins) - 1 else f"{entry['low']:,}–{entry['high']:,}"


def _groups_table(rows: list[dict[str, Any]], bins: list[dict[str, Any]], name: str) -> Table:
    lines = [
        {
            "events": row["group"],
            name: number(row["value"], 2),
            "95 % interval": interval(row, 2),
            "stays": f"{entry['n_stays']:,}",
        }
        for row, entry in zip(rows, bins, strict=True)
    ]
    return Table(["events", name, "95 % interval", "stays"], lines, folded=True)
