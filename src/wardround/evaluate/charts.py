"""The charts of performance: rows of `points.py` in, one inline SVG out. Nothing here knows a stay or a file.

Widths suit a phone; see `chart_style.py` for the colours and the drawing.
"""

import json
from collections.abc import Sequence
from textwrap import wrap
from typing import Any, Final

import altair as alt

from wardround.evaluate.chart_style import WIDTH, Rows, colour, inline, to_svg
from wardround.evaluate.markup import Markup

SHARE_AXIS = alt.Axis(format="%", tickCount=5, grid=True)
UNIT = alt.Scale(domain=[0, 1])
FOREST_STEP = 30
"""Pixels from one method to the next."""
NAME_LETTERS: Final = 26
"""Most letters of a method's name on one of its two lines."""


def roc_curve(rows: Rows, operating: tuple[float, float] | None = None) -> Markup:
    """Sensitivity against 1 - specificity.

    Args:
        rows: `fpr, tpr, low, high` by rising `fpr`.
        operating: (1 - specificity, sensitivity) at the threshold, to mark.
    """
    chance = _line([{"x": 0, "y": 0}, {"x": 1, "y": 1}])
    base = alt.Chart(inline(rows)).encode(
        x=alt.X("fpr:Q", title="false alarms among those without the event", scale=UNIT, axis=SHARE_AXIS)
    )
    band = base.mark_area(color=colour("blue"), fillOpacity=0.16).encode(y="low:Q", y2="high:Q")
    curve = base.mark_line(color=colour("blue"), strokeWidth=2).encode(
        y=alt.Y("tpr:Q", title="found among those with the event", scale=UNIT, axis=SHARE_AXIS), order="tpr:Q"
    )
    layers = [chance, band, curve]
    if operating is not None:
        layers.append(_mark(*operating))
    return to_svg(_sized(alt.layer(*layers), 270), "ROC curve with its 95 % band")


def pr_curve(rows: Rows, prevalence: float | None, operating: tuple[float, float] | None = None) -> Markup:
    """Precision against recall.

    Args:
        rows: `recall, precision, low, high` by rising `recall`.
        prevalence: precision of flagging everyone, to draw; None where it is not shown.
        operating: (sensitivity, PPV) at the threshold, to mark.
    """
    base = alt.Chart(inline(rows)).encode(
        x=alt.X("recall:Q", title="found among those with the event", scale=UNIT, axis=SHARE_AXIS)
    )
    band = base.mark_area(color=colour("blue"), fillOpacity=0.16).encode(y="low:Q", y2="high:Q")
    curve = base.mark_line(color=colour("blue"), strokeWidth=2).encode(
        y=alt.Y("precision:Q", title="right among those flagged", scale=UNIT, axis=SHARE_AXIS)
    )
    layers = [band, curve]
    if prevalence is not None:
        layers.insert(0, _line([{"x": 0, "y": prevalence}, {"x": 1, "y": prevalence}]))
    if operating is not None:
        layers.append(_mark(*operating))
    return to_svg(_sized(alt.layer(*layers), 270), "Precision-recall curve with its 95 % band")


def calibration_curve(rows: Rows) -> Markup:
    """Observed share against predicted risk with intervals, and how many stays each point stands for.

    Args:
        rows: `predicted, observed, low, high, n_stays` by rising `predicted`.
    """
    right = min(1.0, 1.15 * max(max(row["predicted"], row["observed"]) for row in rows))
    top = min(1.0, 1.05 * max(row["high"] for row in rows))
    scale, y_scale = alt.Scale(domain=[0, right], nice=False), alt.Scale(domain=[0, top], nice=False)
    x = alt.X("predicted:Q", title="predicted risk", scale=scale, axis=SHARE_AXIS)
    base = alt.Chart(inline(rows)).encode(x=x)
    y = alt.Y("observed:Q", title="observed share", scale=y_scale, axis=SHARE_AXIS)
    points = alt.layer(
        _line([{"x": 0, "y": 0}, {"x": min(top, right), "y": min(top, right)}]),
        base.mark_rule(color=colour("blue"), strokeWidth=1.5, opacity=0.55).encode(
            y=alt.Y("low:Q", scale=y_scale), y2="high:Q"
        ),
        base.mark_point(
            filled=True, size=64, color=colour("blue"), opacity=1, stroke=colour("surface"), strokeWidth=1.5
        ).encode(y=y),
    ).properties(width=WIDTH, height=260)
    counts = (
        base.mark_rule(color=colour("blue"), strokeWidth=3, strokeCap="butt", opacity=0.6)
        .encode(
            x=alt.X("predicted:Q", title=None, scale=scale, axis=None),
            y=alt.Y("n_stays:Q", title="stays", axis=alt.Axis(tickCount=2, grid=False)),
        )
        .properties(width=WIDTH, height=36)
    )
    return to_svg(
        alt.vconcat(counts, points, spacing=6),
        "Calibration curve with 95 % intervals and the number of stays behind each point",
    )


def risk_histogram(rows: Rows, names: tuple[str, str], threshold: float | None = None) -> Markup:
    """Spread of predicted risk, a panel for each outcome.

    Args:
        rows: `outcome, begin, end, share`.
        names: of the outcome False and True.
        threshold: risk from which a stay is flagged, to draw.
    """
    top = max([row["end"] for row in rows] + ([threshold] if threshold is not None else []))
    low = min([row["begin"] for row in rows] + ([threshold] if threshold is not None else []))
    scale = alt.Scale(domain=[low, top], nice=True)
    panels: list[Any] = []
    outcomes = [outcome for outcome in (False, True) if any(row["outcome"] == outcome for row in rows)]
    for outcome in outcomes:
        fill = colour("orange" if outcome else "blue")
        axis = (
            SHARE_AXIS.copy()
            if outcome == outcomes[-1]
            else alt.Axis(labels=False, ticks=False, grid=True, tickCount=5)
        )
        bars = (
            alt.Chart(inline([row for row in rows if row["outcome"] == outcome]))
            .mark_rect(color=fill, opacity=0.85, stroke=colour("surface"), strokeWidth=1)
            .encode(
                x=alt.X("begin:Q", title="predicted risk" if outcome == outcomes[-1] else None, scale=scale, axis=axis),
                x2="end:Q",
                y=alt.Y("share:Q", title=None, axis=None, scale=alt.Scale(zero=True)),
                y2=alt.datum(0),
            )
        )
        name = alt.TitleParams(names[outcome], anchor="start", fontSize=12, fontWeight="normal", color=fill, offset=6)
        layers: list[Any] = [bars]
        if threshold is not None:
            rule = alt.Chart(inline([{"x": threshold}])).mark_rule(color=colour("ink"), strokeDash=[3, 3])
            layers.append(rule.encode(x=alt.X("x:Q", scale=scale)))
        panels.append(alt.layer(*layers).properties(width=WIDTH + 30, height=105, title=name))
    return to_svg(
        alt.vconcat(*panels, spacing=8),
        f"Spread of predicted risk: {' and '.join(names[outcome] for outcome in outcomes)}",
    )


def hours_curve(rows: Rows) -> Markup:
    """Actual against predicted hours.

    Args:
        rows: `predicted, actual, low, high, n_stays` by rising `predicted`; `low, high` are quartiles.
    """
    top = 1.05 * max(max(row["high"], row["predicted"]) for row in rows)
    scale = alt.Scale(domain=[0, top], nice=False)
    axis = alt.Axis(format=",.0f", tickCount=5)
    base = alt.Chart(inline(rows)).encode(x=alt.X("predicted:Q", title="predicted hours", scale=scale, axis=axis))
    chart = alt.layer(
        _line([{"x": 0, "y": 0}, {"x": top, "y": top}]),
        base.mark_rule(color=colour("blue"), strokeWidth=5, opacity=0.3, strokeCap="round").encode(
            y=alt.Y("low:Q", scale=scale), y2="high:Q"
        ),
        base.mark_point(
            filled=True, size=64, color=colour("blue"), opacity=1, stroke=colour("surface"), strokeWidth=1.5
        ).encode(y=alt.Y("actual:Q", title="actual hours", scale=scale, axis=axis)),
    )
    return to_svg(_sized(chart, 270), "Actual against predicted hours, median and quartiles")


def by_group(rows: Rows, title: str, x_title: str, reference: float | None = None) -> Markup:
    """One metric with its interval for groups in order.

    Args:
        rows: `group, value, low, high, firm`, the interval null where undefined; groups with `firm` False are drawn
            hollow.
        title: of the metric.
        x_title: what the groups are.
        reference: a value to draw, such as the AUROC of chance.
    """
    order = [row["group"] for row in rows]
    values = [
        value for row in rows for value in (row["value"], row["low"], row["high"], reference) if value is not None
    ]
    padding = 0.06 * ((max(values) - min(values)) or 1)
    scale = alt.Scale(domain=[max(0, min(values) - padding), max(values) + padding], nice=True)
    x = alt.X(
        "group:N",
        sort=order,
        title=x_title,
        axis=alt.Axis(labelAngle=0, ticks=False, labelLimit=WIDTH // max(1, len(order)) + 12),
    )
    y = alt.Y("value:Q", title=title, scale=scale, axis=alt.Axis(tickCount=5))
    base, spans = (
        alt.Chart(inline(rows)).encode(x=x),
        [row for row in rows if row["low"] is not None and row["high"] is not None],
    )
    fill = alt.condition("datum.firm", alt.value(colour("blue")), alt.value(colour("surface")))
    layers: list[Any] = [
        alt.Chart(inline(spans))
        .mark_rule(color=colour("blue"), strokeWidth=2, opacity=0.55)
        .encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q"),
        base.mark_point(filled=True, size=80, stroke=colour("blue"), strokeWidth=2, opacity=1).encode(y=y, fill=fill),
    ]
    if reference is not None:
        rule = alt.Chart(inline([{"y": reference}])).mark_rule(color=colour("muted"), strokeDash=[3, 3])
        layers.insert(0, rule.encode(y=alt.Y("y:Q", scale=scale)))
    return to_svg(_sized(alt.layer(*layers), 220), f"{title} by {x_title}")


def forest(rows: Rows, title: str, reference: float | None = None) -> Markup:
    """One value with its interval for each of several methods, below each other.

    Args:
        rows: `name, value, low, high, compared`, top to bottom, the interval null where undefined; those with
            `compared` True are what the others are held against, and drawn in another colour and shape.
        title: of the values.
        reference: a value to draw, such as no difference.
    """
    order = [row["name"] for row in rows]
    ends = [row[key] for row in rows for key in ("value", "low", "high") if row[key] is not None]
    ends += [] if reference is None else [reference]
    padding = 0.04 * ((max(ends) - min(ends)) or 1)
    scale = alt.Scale(domain=[min(ends) - padding, max(ends) + padding], nice=False)
    y = alt.Y("name:N", sort=order, title=None, axis=_two_line_axis(order))
    x = alt.X("value:Q", title=title, scale=scale, axis=alt.Axis(tickCount=5))
    fill = alt.condition("datum.compared", alt.value(colour("orange")), alt.value(colour("blue")))
    shape = alt.condition("datum.compared", alt.value("diamond"), alt.value("circle"))
    spans = alt.Chart(inline([row for row in rows if row["low"] is not None and row["high"] is not None]))
    layers: list[Any] = [
        spans.mark_rule(strokeWidth=2, opacity=0.55).encode(
            x=alt.X("low:Q", scale=scale, title=title), x2="high:Q", y=y, color=fill
        ),
        alt.Chart(inline(rows))
        .mark_point(filled=True, size=85, opacity=1, stroke=colour("surface"), strokeWidth=1.5)
        .encode(x=x, y=y, fill=fill, shape=shape),
    ]
    if reference is not None:
        rule = alt.Chart(inline([{"x": reference}])).mark_rule(color=colour("muted"), strokeDash=[3, 3])
        layers.insert(0, rule.encode(x=alt.X("x:Q", scale=scale)))
    chart = alt.layer(*layers).properties(width=WIDTH - 40, height=FOREST_STEP * len(rows))
    return to_svg(chart, f"{title} of {', '.join(order)}")


def _two_line_axis(names: Sequence[str]) -> alt.Axis:
    """An axis that breaks long names between words; what does not fit on two lines is cut."""
    lines = {name: wrap(name, NAME_LETTERS, max_lines=2, placeholder=" …") or [name] for name in names}
    label = f"({json.dumps(lines)})[datum.label]"
    broken = alt.ConditionalAxisPropertyTextBaselinenull(
        {"condition": {"test": f"{label}.length > 1", "value": "bottom"}, "value": "middle"}
    )
    return alt.Axis(labelExpr=label, labelBaseline=broken, labelLimit=150, labelPadding=8, grid=False)


def _line(rows: Rows) -> alt.Chart:
    return (
        alt.Chart(inline(rows))
        .mark_line(color=colour("axis"), strokeDash=[4, 4], strokeWidth=1.5)
        .encode(x="x:Q", y="y:Q")
    )


def _mark(x: float, y: float) -> alt.Chart:
    point = alt.Chart(inline([{"x": x, "y": y}])).mark_point(
        filled=True,
        shape="diamond",
        size=110,
        color=colour("orange"),
        opacity=1,
        stroke=colour("surface"),
        strokeWidth=1.5,
    )
    return point.encode(x="x:Q", y="y:Q")


def _sized(chart: Any, height: int) -> Any:
    return chart.properties(width=WIDTH, height=height)
