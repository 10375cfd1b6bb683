"""The paragraphs of `cw24`: their length, and whether they say what SQL over MIMIC-IV's raw tables does.

    python benchmarks/cw24_sql.py mimic-iv-demo data-mimic          # with duckdb, of the `dev` extra
    python benchmarks/cw24_sql.py - data-mimic3                     # length and scores alone

The SQL cuts the raw rows at what was known when the 24 hours ended: stored by then, or, where no storetime is, taken an
hour (charted) or three (laboratory) before. The scores of a paragraph are beside those of the whole day, of which some
rests on what became known after its end.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from wardround.concepts.cw24_template import LABS, VITALS
from wardround.export import write_concepts

EXTREMES: Final = """
with rows as (
    select stay_id, intime, 'heart_rate' as name, charttime, valuenum, storetime, 1 as delay_h
    from chartevents join icustays using (stay_id) where itemid = 220045 and valuenum > 0 and valuenum < 300
    union all
    select stay_id, intime, case when itemid in (50912, 52546) then 'creatinine' else 'sodium' end, charttime, valuenum,
        storetime, 3
    from labevents join icustays using (subject_id) where itemid in (50912, 52546, 50983, 52623) and valuenum > 0
)
select stay_id, name, min(valuenum) as low, max(valuenum) as high from rows
where charttime >= intime and charttime < intime + interval 24 hour
    and coalesce(try_cast(storetime as timestamp), charttime + to_hours(delay_h)) <= intime + interval 24 hour
group by 1, 2
"""
SCORES: Final = {
    "sofa": ("sofa_24h", "SOFA"),
    "sapsii": ("sapsii_without_chronic", "SAPS II without chronic diseases"),
    "oasis": ("oasis", "OASIS"),
    "lods": ("lods", "LODS"),
    "apache": ("apache_aps", "APS III"),
}
"""Concept -> its row of the whole day, and how a paragraph names it."""


def extremes(raw: Path) -> pl.DataFrame:
    """`stay_id, name, low, high` of the first day as it was known at its end, by SQL over the raw tables."""
    base = duckdb.connect()
    base.execute("set threads to 1")
    for table in ("icu/icustays", "icu/chartevents", "hosp/labevents"):
        path = next(iter(raw.glob(f"{table}.csv*")))
        base.execute(f"create view {path.name.split('.')[0]} as select * from read_csv('{path}', sample_size=-1)")
    return base.sql(EXTREMES).pl()


def equal_extremes(texts: pl.DataFrame, raw: Path) -> pl.DataFrame:
    """Name -> stays of which either side tells lowest and highest, and those of which both tell the same.

    Args:
        texts: `stay_id, text`.
        raw: MIMIC-IV.
    """
    found = extremes(raw)
    rows: list[tuple[str, int, int]] = []
    for name in ("heart_rate", "creatinine", "sodium"):
        of = (VITALS | LABS)[name]
        digits = pl.col("text").str.extract(rf" {of.words} ([-0-9., and]+?) {of.unit}").str.extract_all(r"[0-9.]+")
        digits = digits.list.eval(pl.element().str.strip_chars_end("."))
        said = texts.select("stay_id", said=pl.concat_str(digits.list.first(), digits.list.last(), separator=" "))
        own = found.filter(pl.col("name") == name).select(
            "stay_id",
            own=pl.struct("low", "high").map_elements(
                lambda row, places=of.decimals: f"{row['low']:.{places}f} {row['high']:.{places}f}", pl.String
            ),
        )
        both = said.drop_nulls().join(own, on="stay_id", how="full", coalesce=True)
        rows.append((name, both.height, both.filter(pl.col("said") == pl.col("own")).height))
    return pl.DataFrame(rows, ["name", "stays", "equal"], orient="row")


def equal_scores(texts: pl.DataFrame, concepts: Path) -> pl.DataFrame:
    """Score -> stays whose paragraph tells it, and those of which it is that of the whole day."""
    rows: list[tuple[str, int, int]] = []
    for concept, (name, words) in SCORES.items():
        whole = pl.read_parquet(concepts / f"{concept}.parquet").filter(pl.col("name") == name)
        said = texts.select("stay_id", said=pl.col("text").str.extract(rf"[:;] {words} (\d+)").cast(pl.Float64))
        both = said.drop_nulls().join(whole.select("stay_id", "value"), on="stay_id", how="left")
        rows.append((name, both.height, both.filter(pl.col("said") == pl.col("value")).height))
    return pl.DataFrame(rows, ["name", "stays", "equal"], orient="row")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", help="MIMIC-IV, raw; - for none")
    parser.add_argument("data", type=Path, help="MIMIC-IV, MIMIC-III, or with --length-only eICU, prepared")
    parser.add_argument("--length-only", action="store_true", help="of data that have no scores")
    options = parser.parse_args()
    names = ["cw24"] if options.length_only else ["cw24", *SCORES]
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / "concepts"
        write_concepts(options.data, names, to, quiet=True)
        texts = pl.read_parquet(to / "cw24.parquet")
        words = texts["text"].str.split(" ").list.len()
        print(f"{texts.height} paragraphs; words: mean {words.mean():.0f}, median {words.median():.0f}")
        if options.raw != "-":
            print(equal_extremes(texts, Path(options.raw)))
        if not options.length_only:
            print(equal_scores(texts, to))


if __name__ == "__main__":
    main()
