"""A synthetic MIMIC-III as its tests read it: raw tables as text, its truth, and the rows that are the cohort's own."""

from pathlib import Path

import polars as pl

from wardround.sources.synthetic.mimic3.settings import MODALITIES

NOTHING = {f"missing_{name}": 0.0 for name in (*MODALITIES, "others")}
SEED, STAYS = 11, 220


def raw(folder: Path, table: str) -> pl.DataFrame:
    return pl.read_csv(folder / f"{table}.csv.gz", infer_schema=False)


def truth_of(folder: Path, name: str = "stays") -> pl.DataFrame:
    return pl.read_parquet(folder / "truth" / f"{name}.parquet")


def time(name: str) -> pl.Expr:
    return pl.col(name).str.to_datetime("%Y-%m-%d %H:%M:%S")


def without_odd(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that are the cohort's own."""
    return rows.filter(pl.col("ROW_ID").cast(pl.Int64) < 900_000_000).unique(maintain_order=True)
