"""Charts of kinds of records: which are there together, which finds which, and where they lie in latent space."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from wardround.evaluate.chart_style import BLUE_STEPS, WIDTH, Rows, colour, inline, to_svg
from wardround.evaluate.markup import Markup
from wardround.evaluate.missingness import share_text
from wardround.evaluate.small_cells import NOT_SHOWN
from wardround.events import MODALITIES

DOT_STEP = 17
COLUMN_HEIGHT = 44
PANEL = 104
SHORTEST = 0.015
"""Of the longest bar: shorter ones are drawn so long, to be seen; their count stands beside them."""


def missingness(rows: Rows, modalities: Sequence[str], shares: Mapping[str, float | None]) -> Markup:
    """The most frequent combinations of modalities: a row of dots for each, and a bar for how many stays have it; below
    each modality a bar for how many have that one (an UpSet plot: Lex et al., IEEE TVCG 2014).

    Args:
        rows: `modalities` (list of names, None for rarer combinations together), `n_stays, share`, most frequent first.
        modalities: columns, in order.
        shares: of stays that have each modality; a dash in place of the bar where it is None.
    """
    least = SHORTEST * max((row["n_stays"] for row in rows), default=0)
    rows = [
        {
            **row,
            "row": place,
            "long": max(row["n_stays"], least),
            "text": f"{row['n_stays']:,} ({share_text(row['share'])})",
        }
        for place, row in enumerate(rows)
    ]
    dots: list[dict[str, Any]] = []
    links: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    for row in rows:
        if row["modalities"] is None:
            words.append({"row": row["row"], "modality": modalities[0], "text": "all others"})
            continue
        dots += [{"row": row["row"], "modality": name, "there": name in row["modalities"]} for name in modalities]
        there = [name for name in modalities if name in row["modalities"]]
        links += [{"row": row["row"], "first": there[0], "last": there[-1]}] if there else []
    height = DOT_STEP * len(rows)
    x = alt.X(
        "modality:N",
        sort=list(modalities),
        title=None,
        scale=alt.Scale(domain=list(modalities)),
        axis=alt.Axis(
            orient="top", labelAngle=-60, labelAlign="left", domain=False, ticks=False, labelPadding=6, grid=False
        ),
    )
    y = alt.Y("row:O", title=None, axis=None, scale=alt.Scale(domain=[row["row"] for row in rows]))
    matrix = alt.layer(
        alt.Chart(inline(links))
        .mark_rule(color=colour("ink"), strokeWidth=2)
        .encode(x=alt.X("first:N", sort=list(modalities)), x2="last:N", y=y),
        alt.Chart(inline(dots))
        .mark_circle(size=70, opacity=1)
        .encode(x=x, y=y, color=alt.condition("datum.there", alt.value(colour("ink")), alt.value(colour("empty")))),
        alt.Chart(inline(words))
        .mark_text(align="left", dx=-6, fontSize=11, fontStyle="italic")
        .encode(x=x, y=y, text="text:N"),
    ).properties(width=DOT_STEP * len(modalities), height=height)
    bars = alt.Chart(inline(rows)).encode(x=alt.X("long:Q", title=None, axis=None), y=y)
    counts = alt.layer(
        bars.mark_bar(color=colour("blue"), height=10, cornerRadiusEnd=3),
        bars.mark_text(align="left", dx=5, fontSize=11).encode(text="text:N"),
    ).properties(width=max(110, WIDTH - 20 - DOT_STEP * len(modalities)), height=height)
    columns = _column_bars(modalities, shares)
    chart = alt.vconcat(alt.hconcat(matrix, counts, spacing=8), columns, spacing=2)
    return to_svg(chart, "Most frequent combinations of modalities, and how many stays have each modality")


def _column_bars(modalities: Sequence[str], shares: Mapping[str, float | None]) -> alt.LayerChart | alt.FacetChart:
    """Bars that hang below the dots, as long as the share of stays that have each modality."""
    width = DOT_STEP * len(modalities)
    drawn = [{"modality": name, "share": share} for name, share in shares.items() if share is not None]
    x = alt.X("modality:N", scale=alt.Scale(domain=list(modalities)), axis=None)
    y = alt.Y("share:Q", scale=alt.Scale(domain=[1, 0]), axis=None)
    bars = alt.Chart(inline(drawn)).mark_bar(size=9, color=colour("blue"), opacity=0.6).encode(x=x, y=y)
    end = alt.Chart(inline([{"share": 1.0}])).mark_rule(color=colour("grid")).encode(y=y)
    words = alt.Chart(inline([{"text": "stays that have it (line: all)"}])).mark_text(
        align="left", fontSize=11, color=colour("muted")
    )
    hidden = [{"modality": name, "text": NOT_SHOWN} for name, share in shares.items() if share is None]
    dashes = alt.Chart(inline(hidden)).mark_text(fontSize=11, color=colour("muted")).encode(x=x, text="text:N")
    label = words.encode(text="text:N", x=alt.value(width + 8), y=alt.value(COLUMN_HEIGHT - 6))
    return alt.layer(end, bars, dashes.encode(y=alt.value(6)), label).properties(width=width, height=COLUMN_HEIGHT)


def embedding(rows: Rows, everywhere: Rows) -> Markup:
    """The latent space in two dimensions, a panel for each modality: its embeddings over where all embeddings lie.

    Args:
        rows: `x, y, modality`.
        everywhere: `x, y, x2, y2`: cells that hold some embedding.
    """
    bounds = {
        axis: [min(cell[axis] for cell in everywhere), max(cell[f"{axis}2"] for cell in everywhere)]
        for axis in ("x", "y")
    }
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=bounds["x"], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=bounds["y"], nice=False))
    panels: list[Any] = []
    for name in [name for name in MODALITIES if any(row["modality"] == name for row in rows)]:
        ground = alt.Chart(inline(everywhere)).mark_rect(color=colour("grid")).encode(x=x, x2="x2:Q", y=y, y2="y2:Q")
        own = alt.Chart(inline([row for row in rows if row["modality"] == name]))
        points = own.mark_circle(size=9, color=colour(name), opacity=0.75).encode(x=x, y=y)
        title = alt.TitleParams(
            name, fontSize=11, fontWeight="normal", color=colour("secondary"), anchor="start", offset=3
        )
        panels.append(alt.layer(ground, points).properties(width=PANEL, height=PANEL, title=title))
    return to_svg(alt.concat(*panels, columns=3, spacing=12), "Embeddings of each modality in two dimensions")


def retrieval(rows: Rows) -> Markup:
    """How many times better than chance one modality finds another of the same stay.

    Args:
        rows: `query, target, factor`.
    """
    names = [name for name in MODALITIES if any(name in (row["query"], row["target"]) for row in rows)]
    hues = alt.Scale(type="threshold", domain=[1.5, 3, 6, 12], range=[colour(step) for step in BLUE_STEPS])
    text = [{**row, "text": f"{row['factor']:.1f}" if row["factor"] < 10 else f"{row['factor']:.0f}"} for row in rows]
    head: dict[str, Any] = {"title": None, "sort": names}
    base = alt.Chart(inline(text)).encode(
        x=alt.X(
            "target:N",
            axis=alt.Axis(orient="top", labelAngle=-60, labelAlign="left", domain=False, ticks=False, labelPadding=6),
            **head,
        ),
        y=alt.Y("query:N", axis=alt.Axis(domain=False, ticks=False, grid=False), **head),
    )
    cells = base.mark_rect(stroke=colour("surface"), strokeWidth=2).encode(
        color=alt.Color("factor:Q", scale=hues, legend=None)
    )
    ink = alt.condition("datum.factor >= 6", alt.value(colour("surface")), alt.value(colour("ink")))
    words = base.mark_text(fontSize=10).encode(text="text:N", color=ink)
    size = 28 * len(names)
    return to_svg(
        alt.layer(cells, words).properties(width=size, height=size),
        "Retrieval between modalities, times better than chance",
    )
