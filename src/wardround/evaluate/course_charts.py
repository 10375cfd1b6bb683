"""Charts of what changes: the loss over epochs, a belief over the hours of a stay, the rate of events over a stay."""

from itertools import count
from typing import Any

import altair as alt

from wardround.evaluate.chart_style import WIDTH, Rows, colour, inline, modality_scale, to_svg
from wardround.evaluate.markup import Markup
from wardround.events import MODALITIES

LANE_HEIGHT = 26


def history(rows: Rows, names: tuple[str, ...], title: str, best_epoch: int | None = None) -> Markup:
    """Values by epoch, each line named at its end.

    Args:
        rows: `epoch, name, value`, nulls left out.
        names: of the lines; "validation" has a colour of its own.
        title: of the values.
        best_epoch: whose weights were kept, to mark.
    """
    last = max(row["epoch"] for row in rows)
    x_scale, y_scale = alt.Scale(domain=[0, max(last, 1)], nice=False), _scale_of([row["value"] for row in rows])
    hues = alt.Scale(domain=list(names), range=[colour("orange" if name == "validation" else "blue") for name in names])
    base = alt.Chart(inline(rows)).encode(
        x=alt.X(
            "epoch:Q", title="epoch", scale=x_scale, axis=alt.Axis(values=_whole_ticks(last), format="d", grid=False)
        ),
        y=alt.Y("value:Q", title=title, scale=y_scale, axis=alt.Axis(tickCount=5)),
        color=alt.Color("name:N", scale=hues, legend=None),
    )
    ends = [max((row for row in rows if row["name"] == name), key=lambda row: row["epoch"]) for name in names]
    label = alt.Chart(inline(ends)).mark_text(align="left", dx=7, fontSize=12)
    layers: list[Any] = [
        base.mark_line(strokeWidth=2, point={"size": 18}),
        label.encode(x="epoch:Q", y="value:Q", text="name:N", color=alt.Color("name:N", scale=hues, legend=None)),
    ]
    if best_epoch is not None:
        kept = alt.Chart(inline([{"epoch": best_epoch}])).mark_rule(color=colour("muted"), strokeDash=[3, 3])
        layers.insert(0, kept.encode(x=alt.X("epoch:Q", scale=x_scale)))
    return to_svg(
        alt.layer(*layers).properties(width=WIDTH - 60, height=200), f"{title} by epoch: {' and '.join(names)}"
    )


def _whole_ticks(last: int) -> list[int]:
    """At most six whole numbers from 0 on: by itself a short axis has halves, which a whole label rounds."""
    step = next(step * 10**power for power in count() for step in (1, 2, 5) if last <= 5 * step * 10**power)
    return list(range(0, last + 1, step))


def _scale_of(values: list[float]) -> alt.Scale:
    """Around the values; around a single one some room, since an axis without any has one label and rounds it."""
    low, high = min(values), max(values)
    if low < high:
        return alt.Scale(zero=False, nice=True)
    room = abs(low) / 10 or 0.1
    return alt.Scale(domain=[low - room, high + room], nice=True, zero=False)


def belief(
    rows: Rows, span_h: tuple[float, float], top: float, threshold: float | None, title: str, percent: bool = True
) -> Markup:
    """One stay: the belief after every event, and which modality each event came from.

    Args:
        rows: `time_h, modality, value` in order.
        span_h: hours to draw.
        top: highest value to draw.
        threshold: value from which a stay is flagged, or the true value, to draw.
        title: of the values.
        percent: whether values are probabilities.
    """
    names = [name for name in MODALITIES if any(row["modality"] == name for row in rows)]
    x_scale, y_scale = alt.Scale(domain=list(span_h), nice=False), alt.Scale(domain=[0, top], nice=False)
    hue = alt.Color("modality:N", scale=modality_scale(), legend=None)
    steps = [*rows, {**rows[-1], "time_h": span_h[1]}]
    base = alt.Chart(inline(steps)).encode(
        x=alt.X("time_h:Q", title=None, scale=x_scale, axis=alt.Axis(labels=False, ticks=False, tickCount=6))
    )
    y = alt.Y("value:Q", title=title, scale=y_scale, axis=alt.Axis(format="%" if percent else ",.0f", tickCount=4))
    marks = alt.Chart(inline(rows))
    layers: list[Any] = [
        base.mark_line(color=colour("muted"), strokeWidth=1.5, interpolate="step-after").encode(y=y),
        marks.mark_point(filled=True, size=26, opacity=1).encode(x=alt.X("time_h:Q", scale=x_scale), y=y, color=hue),
    ]
    if threshold is not None:
        rule = alt.Chart(inline([{"y": threshold}])).mark_rule(color=colour("ink"), strokeDash=[3, 3])
        layers.insert(0, rule.encode(y=alt.Y("y:Q", scale=y_scale)))
    lanes = (
        alt.Chart(inline(rows))
        .mark_tick(thickness=1.5, size=9, opacity=0.9)
        .encode(
            x=alt.X(
                "time_h:Q", title="hours since unit admission", scale=x_scale, axis=alt.Axis(tickCount=6, grid=True)
            ),
            y=alt.Y("modality:N", sort=names, title=None, axis=alt.Axis(domain=False, ticks=False, grid=False)),
            color=hue,
        )
        .properties(width=WIDTH - 20, height=14 * len(names))
    )
    return to_svg(
        alt.vconcat(alt.layer(*layers).properties(width=WIDTH - 20, height=150), lanes, spacing=4),
        f"{title} over one stay",
    )


def event_rates(rows: Rows, last_h: float) -> Markup:
    """Events an hour over the first hours of a stay, a lane for each modality, each lane on its own scale.

    Args:
        rows: `modality, hour, rate` (events per stay still in the unit).
        last_h: hours to draw.
    """
    lanes: list[Any] = []
    names = [name for name in MODALITIES if any(row["modality"] == name for row in rows)]
    for name in names:
        own = [row for row in rows if row["modality"] == name]
        peak = max(row["rate"] for row in own)
        bottom = name == names[-1]
        axis = alt.Axis(tickCount=6, grid=False, domain=bottom, ticks=bottom, labels=bottom)
        x_scale = alt.Scale(domain=[0, last_h], nice=False)
        area = (
            alt.Chart(inline(own))
            .mark_area(color=colour(name), opacity=0.8, interpolate="step-after")
            .encode(
                x=alt.X("hour:Q", title="hours since unit admission" if bottom else None, scale=x_scale, axis=axis),
                y=alt.Y("rate:Q", title=None, axis=None, scale=alt.Scale(domain=[0, peak])),
            )
        )
        word = alt.Chart(inline([{"text": name, "peak": f"{peak:.2g} / h"}]))
        left = word.mark_text(align="right", fontSize=11, baseline="bottom").encode(
            text="text:N", x=alt.value(-8), y=alt.value(LANE_HEIGHT)
        )
        right = word.mark_text(align="left", fontSize=10, baseline="top", color=colour("muted"))
        peak_word = right.encode(text="peak:N", x=alt.value(WIDTH - 92), y=alt.value(0))
        lanes.append(alt.layer(area, left, peak_word).properties(width=WIDTH - 100, height=LANE_HEIGHT))
    return to_svg(alt.vconcat(*lanes, spacing=6), "Events an hour by modality over the first hours")
