"""A clinical score of each stay of a cohort, made of what was known of the patient at its prediction time.

The events that a concept reads are cut at the prediction time before it sees them, those of the patient's other stays
as well, and what a stay's row says of its end is hidden where it lies later. Of a first-day score asked before hour 24
this is the score so far. Points of SAPS II are those without chronic diseases, in both protocols: these are coded at
discharge, which in the paper protocol has come by the end of the unit stay for those who died in it and for few others.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float
from numpy import ndarray

from wardround import files
from wardround.batches.content import visible_items
from wardround.batches.published_risk import published_logit
from wardround.batches.store import NO_END, stay_chunks, stays_and_cuts
from wardround.concepts.known import Concept, find_concept
from wardround.concepts.needs import check_needs
from wardround.concepts.rows import INPUT_COLUMNS
from wardround.events import EVENT_COLUMNS
from wardround.methods.scores import EQUATION
from wardround.progress import progress
from wardround.tasks.cohort import Cohort
from wardround.train.data import OpenData

_POINTS: Final = {"sapsii": "sapsii_without_chronic", "oasis": "oasis", "sofa": "sofa"}
"""Score -> the row that is its points."""
_EVENT: Final = {name: EVENT_COLUMNS[name] for name in ("subject_id", *INPUT_COLUMNS)}


def points_of(data: OpenData, cohort: Cohort, of: str, quiet: bool = True) -> Float[ndarray, "stay"]:
    """The points of a clinical score, or the log odds of the published equation, of each stay, NaN where there are
    none. Arguments and errors are those of `clinical_scores`."""
    return equation_log_odds(data, cohort, quiet) if of == EQUATION else clinical_scores(data, cohort, of, quiet)


def equation_log_odds(data: OpenData, cohort: Cohort, quiet: bool = True) -> Float[ndarray, "stay"]:
    """The log odds of death in hospital by APACHE IV, as computed of what was known of each stay at its prediction
    time; NaN where it had not been computed by then."""
    stays, cuts = stays_and_cuts(data.lines, cohort)
    found = [np.zeros(0)]
    for part in stay_chunks(len(stays), "looking up the equation, stays", quiet):
        seen, n = visible_items(data.lines, stays[part], cuts[part]), part.stop - part.start
        everyone = np.arange(n, dtype=np.int64)
        found.append(published_logit(data.lines, seen, everyone, np.full_like(everyone, NO_END)))
    return np.concatenate(found).astype(np.float64)


def check_codes(folder: Path, of: str) -> None:
    """Raises `DataError` where a DATA folder has no code of what a score of `concepts` needs, naming it."""
    codes = files.read_columns(folder / "metadata" / "codes.parquet", {"code": EVENT_COLUMNS["code"]})["code"]
    check_needs(folder, of, find_concept(of).needs, set(codes.to_list()), leave="this row")


def clinical_scores(data: OpenData, cohort: Cohort, of: str, quiet: bool = True) -> Float[ndarray, "stay"]:
    """The points of each stay, NaN where nothing of the score was measured by its prediction time.

    Args:
        data: an open DATA folder.
        cohort: the stays, with their prediction times.
        of: a concept: "sapsii", "oasis" or "sofa".
        quiet: no progress on stderr.

    Raises:
        DataError: where the data have no code of what the score needs, or a column is missing.
    """
    check_codes(data.folder, of)
    points = [pl.DataFrame(schema={"stay_id": pl.Int64, "points": pl.Float64})]
    points += points_by_shard(data, cohort, of, quiet)
    found = cohort.frame.join(pl.concat(points), on="stay_id", how="left", maintain_order="left")["points"]
    return found.fill_null(float("nan")).to_numpy().copy()


def have_points(
    data: OpenData, cohort: Cohort, of: str, groups: Sequence[ndarray], quiet: bool = True
) -> Bool[ndarray, "stay"]:
    """Which stays have points, from no more of the data than it takes to find one in each group.

    Args:
        data, cohort, of, quiet: as for `clinical_scores`, with its errors.
        groups: places in the cohort.
    """
    check_codes(data.folder, of)
    have = np.zeros(cohort.frame.height, bool)
    for points in points_by_shard(data, cohort, of, quiet):
        have |= cohort.frame["stay_id"].is_in(points["stay_id"].implode()).to_numpy()
        if all(have[group].any() for group in groups):
            break
    return have


def points_by_shard(data: OpenData, cohort: Cohort, of: str, quiet: bool = True) -> Iterator[pl.DataFrame]:
    """`stay_id, points` of the stays that have some, shard by shard; arguments as for `clinical_scores`."""
    concept = find_concept(of)
    asked = cohort.frame.select("subject_id", "stay_id", "prediction_time").drop_nulls()
    shards = sorted((data.folder / "data").glob("*.parquet"), key=lambda path: int(path.stem))
    for path in progress(shards, f"making {of}, shards", quiet=quiet):
        yield from _of_shard(path, asked, data, concept)


def _of_shard(path: Path, asked: pl.DataFrame, data: OpenData, concept: Concept) -> Iterator[pl.DataFrame]:
    """`stay_id, points` of the stays of a shard: the first asked stay of each patient, then the second, and so on."""
    events = files.read_columns(path, _EVENT)
    theirs = pl.col("subject_id").is_in(events["subject_id"].unique().implode())
    events, asked, stays = events.filter(concept.reads()), asked.filter(theirs), data.stays.filter(theirs)
    nth = pl.col("prediction_time").rank("ordinal").over("subject_id")
    for cuts in asked.with_columns(nth=nth).partition_by("nth", maintain_order=True):
        of_patient = cuts.select("subject_id", "prediction_time")
        known = events.join(of_patient, on="subject_id")
        known = known.filter(pl.col(data.window.clock) <= pl.col("prediction_time")).select(INPUT_COLUMNS)
        rows = concept.compute(known, _until_then(stays.join(of_patient, on="subject_id")))
        yield _latest(rows.filter(pl.col("stay_id").is_in(cuts["stay_id"].implode())), concept.name)


def _until_then(stays: pl.DataFrame) -> pl.DataFrame:
    """Stays as they stood: one that begins later is not there, an end that lies later is not known."""
    then = pl.col("prediction_time")
    ends = [pl.when(pl.col(name) <= then).then(name).alias(name) for name in ("end", "hospital_end")]
    lasting = pl.min_horizontal(then, pl.coalesce("end", "in_unit_until"))
    return stays.filter(pl.col("start") <= then).with_columns(*ends, in_unit_until=lasting)


def _latest(rows: pl.DataFrame, of: str) -> pl.DataFrame:
    """`stay_id, points`: of each stay the last points, where something was measured."""
    last = rows.sort("time_h").group_by("stay_id", "name").agg(pl.col("value").last())
    measured = last.filter(pl.col("name") == f"{of}_measured", pl.col("value") > 0).select("stay_id")
    points = last.filter(pl.col("name") == _POINTS[of]).select("stay_id", points="value")
    return points.join(measured, on="stay_id", how="semi")
