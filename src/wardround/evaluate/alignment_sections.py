"""Sections of a report about a pretraining: do the modalities of one stay find each other, and are they mixed?"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import polars as pl

from wardround.evaluate import data_charts
from wardround.evaluate.evidence import Evidence
from wardround.evaluate.headline import retrieval_entry
from wardround.evaluate.page import Block, Figure, Figures, Section, Table
from wardround.evaluate.small_cells import MINIMUM
from wardround.evaluate.wording import interval, number
from wardround.events import MODALITIES

POINTS_EACH: Final = 150
CELLS: Final = 28


def alignment_sections(evidence: Evidence) -> Iterator[Section]:
    """Retrieval, then the latent space."""
    yield _retrieval(evidence.metrics["retrieval"])
    yield _latent_space(evidence.metrics["silhouette"], evidence.embedding)


def _retrieval(found: dict[str, Any]) -> Section:
    ks = sorted(int(name.removeprefix("recall@")) for name in found["mean"] if name.startswith("recall@"))
    rows: list[dict[str, Any]] = []
    for k in ks:
        recall, baseline, factor = (
            retrieval_entry(found, f"{name}@{k}") for name in ("recall", "baseline", "improvement")
        )
        rows.append(
            {
                "K": str(k),
                "recall": _percent(recall),
                "95 % interval": "–" if recall["low"] is None else f"{recall['low']:.1%} to {recall['high']:.1%}",
                "by chance": _percent(baseline),
                "times better": number(factor["value"], 1),
                "95 %": interval(factor, 1),
            }
        )
    columns = ["K", "recall", "95 % interval", "by chance", "times better", "95 %"]
    shown = [name for name in columns if any(row[name] != "–" for row in rows)]
    caption = (
        "A record of one kind asks for its own stay among all stays that have both kinds. Recall@K: how often the "
        "right stay is among the K nearest; ties count for their share. By chance it would be K of all candidates. "
        "Means over all ordered pairs of kinds."
    )
    blocks: list[Block] = [Table(shown, rows, caption=caption)]
    pairs = _pairs(found.get("pairs", {}), max(ks, default=1))
    if pairs:
        text = (
            "Row asks, column answers: how many times better than chance the right stay is among the first "
            f"{max(ks)}. 1 is chance; the stronger the colour the better. Pairs that fewer than {MINIMUM} stays have "
            "are left out."
        )
        blocks.append(Figures([Figure(data_charts.retrieval(pairs), "Which kind of record finds which", text)]))
    return Section("retrieval", "Do kinds of records find each other?", blocks)


def _percent(entry: dict[str, Any]) -> str:
    return "–" if entry["value"] is None else f"{entry['value']:.1%}"


def _pairs(pairs: dict[str, dict[str, Any]], k: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, pair in pairs.items():
        query, _, target = name.partition("->")
        factor = pair.get(f"improvement@{k}")
        if factor is not None and pair["n_candidates"] >= MINIMUM:
            rows.append({"query": query, "target": target, "factor": round(factor, 2)})
    return rows


def _latent_space(silhouette: dict[str, Any], embedding: pl.DataFrame | None) -> Section:
    by_modality = silhouette["by_modality"]
    order = [
        *(name for name in MODALITIES if name in by_modality),
        *(name for name in by_modality if name not in MODALITIES),
    ]
    rows = [{"modality": name, "silhouette": number(by_modality[name])} for name in order]
    whole = {"modality": "all", "silhouette": number(silhouette["overall"])}
    between = silhouette.get("interval")
    if between is not None:
        whole["silhouette"] += f" ({interval(between)})"
    caption = (
        "1: records of one kind keep to themselves. 0: kinds are mixed, as they should be after alignment. Below 0: "
        "nearer to other kinds. In brackets the 95 % interval."
    )
    blocks: list[Block] = []
    if embedding is not None and embedding.height >= MINIMUM:
        text = (
            "Each panel shows the records of one kind as dots, over the area that all kinds fill, in grey. Kinds "
            "that cover the same area are mixed. Two axes cannot show all of a space: near here need not be near "
            "there. A sample; distances have no unit."
        )
        blocks.append(Figures([Figure(_embedding_chart(embedding), "The latent space in two dimensions", text)]))
    blocks.append(Table(["modality", "silhouette"], [whole, *rows], title="Silhouette by modality", caption=caption))
    return Section("space", "Are they mixed?", blocks)


def _embedding_chart(embedding: pl.DataFrame) -> Any:
    """At most 150 points of each modality, over the grid cells that hold any embedding."""
    sample = pl.concat(
        [
            part.gather_every(-(-part.height // POINTS_EACH))
            for part in embedding.partition_by("modality", maintain_order=True)
        ]
    )
    at: dict[str, np.ndarray] = {axis: embedding[axis].to_numpy() for axis in ("x", "y")}
    edges = {axis: np.linspace(float(one.min()), float(one.max()), CELLS + 1) for axis, one in at.items()}
    place = {axis: np.clip(np.searchsorted(edges[axis], at[axis], side="right") - 1, 0, CELLS - 1) for axis in at}
    filled = np.zeros((CELLS, CELLS), bool)
    filled[place["y"], place["x"]] = True
    rounded = {axis: np.round(values, 4).tolist() for axis, values in edges.items()}
    everywhere: list[dict[str, float]] = []
    for row, cells in enumerate(filled):
        turns = np.flatnonzero(np.diff(cells, prepend=False, append=False)).tolist()
        for first, end in zip(turns[::2], turns[1::2], strict=True):
            x, x2, y, y2 = rounded["x"][first], rounded["x"][end], rounded["y"][row], rounded["y"][row + 1]
            everywhere.append({"x": x, "x2": x2, "y": y, "y2": y2})
    return data_charts.embedding(sample.with_columns(pl.col("x", "y").round(4)).to_dicts(), everywhere)
