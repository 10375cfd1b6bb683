"""`CHARTEVENTS` and `OUTPUTEVENTS` of both systems."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool

from wardround.sources.synthetic.mimic3.systems import CAREVUE, COMA_TOTAL, OUTPUTS, Charted, split

DEGREES: Final = {"°F": "?F", "°C": "?C"}
"""MIMIC-III was written in an alphabet without a degree sign."""
COMA_PARTS: Final = (220739, 223901, 223900)
NOT_STOPPED: Final = "NotStopd"


def _of_item(items: Mapping[int, Charted], what: str, kind: type[pl.DataType]) -> pl.Expr:
    """What CareVue has of an item of MetaVision."""
    values = {number: getattr(item, what) for number, item in items.items()}
    return pl.col("itemid").replace_strict(values, return_dtype=kind)


def chart_rows(rows: pl.DataFrame, metavision: Bool[np.ndarray, " stay"]) -> pl.DataFrame:
    """The rows of `CHARTEVENTS`, with `stay` and `minute`.

    Args:
        rows: of `mimic.chart.chart_rows`.
        metavision: for each stay, which system it is in.
    """
    old, new = split(rows.rename({"stay_id": "icustay_id", "caregiver_id": "cgid"}), metavision)
    return pl.concat(
        [
            new.with_columns(pl.col("valueuom").replace(DEGREES), error=pl.lit(0)),
            _carevue(old).with_columns(warning=pl.lit(None, pl.Int32)),
        ],
        how="diagonal_relaxed",
    )


def _carevue(rows: pl.DataFrame) -> pl.DataFrame:
    parts = rows.filter(pl.col("itemid").is_in(COMA_PARTS))
    alike = pl.all().exclude("valuenum", "value", "itemid").first()
    total = parts.group_by("stay", "minute", maintain_order=True).agg(alike, pl.col("valuenum").sum())
    total = total.with_columns(
        itemid=pl.lit(COMA_TOTAL.item), valueuom=pl.lit(COMA_TOTAL.unit), stopped=pl.lit(NOT_STOPPED)
    )
    rows = rows.filter(pl.col("itemid").is_in(list(CAREVUE)))
    said = [
        pl.when(pl.col("itemid") == number).then(pl.col("value").replace_strict(item.words, default=None))
        for number, item in CAREVUE.items()
        if item.words
    ]
    rows = rows.with_columns(
        valuenum=(pl.col("valuenum") * _of_item(CAREVUE, "factor", pl.Float64)).round(2),
        words=pl.coalesce(said),
        valueuom=_of_item(CAREVUE, "unit", pl.String),
        resultstatus=_of_item(CAREVUE, "result", pl.String),
        stopped=pl.when(~_of_item(CAREVUE, "once", pl.Boolean)).then(pl.lit(NOT_STOPPED)),
        itemid=_of_item(CAREVUE, "item", pl.Int32),
    )
    rows = pl.concat([rows, total], how="diagonal_relaxed")
    number = pl.col("valuenum").cast(pl.String).str.strip_suffix(".0").str.replace(r"^0\.", ".")
    return rows.with_columns(value=pl.coalesce("words", number))


def output_rows(rows: pl.DataFrame, metavision: Bool[np.ndarray, " stay"]) -> pl.DataFrame:
    """The rows of `OUTPUTEVENTS`, with `stay`; arguments as of `chart_rows`."""
    old, new = split(rows.rename({"stay_id": "icustay_id", "caregiver_id": "cgid"}), metavision)
    old = old.with_columns(itemid=_of_item(OUTPUTS, "item", pl.Int64))
    return pl.concat([new.with_columns(valueuom=pl.lit("mL")), old])
