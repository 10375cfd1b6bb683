"""The pictures: how far each method stays below the best possible, and what alignment adds, both by rate.

Colours and type are those of the reports (`wardround.evaluate.chart_style`).
"""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from truth.plan import ALIGNED, METHODS, PAIRS, REFERENCE, Plan
from truth.summary import ALL
from wardround import files
from wardround.evaluate.chart_style import CONFIG, colour, inline

Rows = Sequence[Mapping[str, Any]]
COLOUR = {"mlp": "blue", "trajectory": "orange", REFERENCE: "muted"}
PANEL = (220, 150)
APART = 1.6
"""Percent of missingness between two methods at the same rate, so that their intervals do not hide each other."""
ZOOM = 2


def gap_chart(rows: Rows, plan: Plan) -> alt.VConcatChart:
    """Best possible less AUROC against the rate: a row of panels a size, a column a mechanism. Intervals that are wider
    than the panels are cut at their edge, for three seeds can make some so wide that no line could be read.

    Args:
        rows: of `method_rows`. Where nothing is missing the same cells stand in every column.
        plan: what is studied.
    """
    points = [point for row in rows for point in _gap_points(row, plan)]
    values = [point["value"] for point in points]
    scale = alt.Scale(domain=[min(0.0, *values), 1.2 * max(values)], nice=True)
    panels = [
        alt.hconcat(*(_gap_panel(points, size, why, scale, size == max(plan.sizes)) for why in plan.mechanisms))
        for size in sorted(plan.sizes)
    ]
    return alt.vconcat(*panels)


def _gap_points(row: Mapping[str, Any], plan: Plan) -> list[dict[str, Any]]:
    """The point of a row in each of its panels."""
    place = [method.name for method in METHODS].index(row["method"])
    point = {
        "at": 100 * row["rate"] + APART * (place - (len(METHODS) - 1) / 2),
        "value": row["gap"],
        "low": _first(row["gap_low"], row["gap_patients_low"]),
        "high": _first(row["gap_high"], row["gap_patients_high"]),
        "method": row["method"],
        "size": row["size"],
    }
    columns = plan.mechanisms if not row["rate"] else [row["mechanism"]]
    return [point | {"mechanism": why} for why in columns]


def _gap_panel(points: Rows, size: int, mechanism: str, scale: alt.Scale, last: bool) -> alt.LayerChart:
    own = [point for point in points if point["size"] == size and point["mechanism"] == mechanism]
    names = [method.name for method in METHODS]
    colours = alt.Scale(domain=names, range=[colour(COLOUR[method.model]) for method in METHODS])
    dashes = alt.Scale(domain=names, range=[_dash(method.encoders) for method in METHODS])
    x = alt.X("at:Q", title="missing, %" if last else None, scale=alt.Scale(domain=[-6, 86]), axis=_rate_axis())
    legend = alt.Legend(title=None, orient="right", symbolType="stroke", symbolStrokeWidth=2, symbolSize=300)
    base = alt.Chart(inline(own)).encode(x=x, color=alt.Color("method:N", scale=colours, legend=legend))
    y = alt.Y("value:Q", title="below the best", scale=scale, axis=alt.Axis(tickCount=5, format=".2f"))
    layers = [
        base.mark_rule(strokeWidth=1.2, opacity=0.5, clip=True).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q"),
        base.mark_line(strokeWidth=1.8).encode(y=y, strokeDash=alt.StrokeDash("method:N", scale=dashes, legend=legend)),
        base.mark_point(filled=True, size=26, opacity=1).encode(y=y),
    ]
    return _titled(alt.layer(*layers), f"{size:,} stays, missing {'at' if mechanism == 'random' else 'by'} {mechanism}")


def gain_chart(rows: Rows, plan: Plan) -> alt.HConcatChart:
    """AUROC on aligned less that on random encoders against the rate: a panel a model, a line a size, and the mean over
    sizes and mechanisms with its interval.

    Args:
        rows: of `gain_rows`.
        plan: what is studied.
    """
    points = [point for row in rows if row["what"] == "gain" for point in _gain_point(row)]
    scale = alt.Scale(domain=_domain(points, 0.0), nice=True)
    return alt.hconcat(*(_gain_panel(points, model, plan, scale) for model in PAIRS))


def _gain_point(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Means over all mechanisms; where nothing is missing there is one alone."""
    if row["method"] == ALL or (row["rate"] and row["mechanism"] != ALL and row["size"] != ALL):
        return []
    whole = row["size"] == ALL
    low, high = (_first(row[f"gain_{end}"], row[f"gain_patients_{end}"]) for end in ("low", "high"))
    ends = {"low": low, "high": high} if whole else {"low": row["gain"], "high": row["gain"]}
    return [{"rate": 100 * row["rate"], "value": row["gain"], "model": row["method"], "of": _size(row["size"]), **ends}]


def _gain_panel(points: Rows, model: str, plan: Plan, scale: alt.Scale) -> alt.LayerChart:
    own = [point for point in points if point["model"] == model]
    sizes = [_size(size) for size in sorted(plan.sizes)]
    steps = ["blue-2", "blue-3", "blue-4", "blue-5"]
    shades = [colour(steps[min(place, len(steps) - 1)]) for place in range(len(sizes))]
    colours = alt.Scale(domain=[*sizes, ALL], range=[*shades, colour("ink")])
    legend = alt.Legend(title="stays", orient="right", symbolType="stroke", symbolStrokeWidth=2, symbolSize=300)
    x = alt.X("rate:Q", title="missing, %", scale=alt.Scale(domain=[-6, 86]), axis=_rate_axis())
    y = alt.Y("value:Q", title="AUROC, aligned less random", scale=scale, axis=alt.Axis(tickCount=6, format="+.3f"))
    base = alt.Chart(inline(own)).encode(x=x, color=alt.Color("of:N", scale=colours, sort=[*sizes, ALL], legend=legend))
    zero = alt.Chart(inline([{"y": 0}])).mark_rule(color=colour("muted"), strokeDash=[3, 3])
    layers = [
        zero.encode(y=alt.Y("y:Q", scale=scale)),
        base.mark_rule(strokeWidth=1.6).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q"),
        base.mark_line(strokeWidth=1.8).encode(y=y),
        base.mark_point(filled=True, size=40, opacity=1).encode(y=y),
    ]
    return _titled(alt.layer(*layers), model)


def write_picture(to: Path, name: str, chart: Any) -> None:
    """A chart as `NAME.svg` and `NAME.png`. Raises `StorageError` if the disk refuses."""
    spec = chart.to_dict() | {"config": CONFIG | {"background": colour("surface")}}
    files.write_text(to / f"{name}.svg", vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))
    files.write_bytes(to / f"{name}.png", vl_convert.vegalite_to_png(spec, scale=ZOOM, allowed_base_urls=[]))


def _titled(chart: Any, title: str) -> alt.LayerChart:
    words = alt.TitleParams(title, fontSize=12, fontWeight="normal", color=colour("ink"), anchor="start")
    return chart.properties(width=PANEL[0], height=PANEL[1], title=words)


def _rate_axis() -> alt.Axis:
    return alt.Axis(values=[0, 20, 40, 60, 80], grid=False)


def _size(size: int | str) -> str:
    return f"{size:,}" if isinstance(size, int) else size


def _dash(encoders: str | None) -> list[int]:
    return [1, 0] if encoders == ALIGNED else [4, 3] if encoders else [1, 3]


def _domain(points: Rows, reference: float) -> list[float]:
    ends = [point[key] for point, key in product(points, ("low", "high"))]
    low, high = min([reference, *ends]), max([reference, *ends])
    padding = 0.04 * ((high - low) or 1)
    return [low - padding, high + padding]


def _first(value: float | None, other: float) -> float:
    """The interval over patients alone where one seed knows of no other."""
    return other if value is None else value
