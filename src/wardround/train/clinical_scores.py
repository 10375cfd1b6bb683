"""A clinical score of each stay of a cohort, made of what was known of the stay at its prediction time.

The events that a concept reads are cut at the prediction time before it sees them, and what a stay's row says of its
end is hidden where it lies later. Of a first-day score asked before hour 24 this is the score so far. A stay has its
own events alone: what was drawn in another stay of the patient does not count here.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from wardround import files
from wardround.concepts.known import Concept, find_concept
from wardround.concepts.needs import unmet
from wardround.concepts.rows import INPUT_COLUMNS
from wardround.errors import DataError
from wardround.events import EVENT_COLUMNS
from wardround.tasks.cohort import Cohort
from wardround.train.data import OpenData

_POINTS: Final[Mapping[str, tuple[str, ...]]] = {
    "sapsii": ("sapsii", "sapsii_without_chronic"),
    "oasis": ("oasis",),
    "sofa": ("sofa",),
}
"""Score -> the rows that are its points, the first that there is: chronic diseases are known at discharge alone."""


def clinical_scores(data: OpenData, cohort: Cohort, of: str) -> Float[np.ndarray, "stay"]:
    """The points of each stay, NaN where nothing of the score was measured by its prediction time.

    Args:
        data: an open DATA folder.
        cohort: the stays, with their prediction times.
        of: a concept: "sapsii", "oasis" or "sofa".

    Raises:
        DataError: where the data have no code of what the score needs.
    """
    concept = find_concept(of)
    codes = files.read_columns(data.folder / "metadata" / "codes.parquet", {"code": EVENT_COLUMNS["code"]})["code"]
    lacking = [need.part for need in unmet(concept.needs, set(codes.to_list()))]
    if lacking:
        raise DataError(
            f"{data.folder} has no code of what {of} needs: {', '.join(lacking)}. It is made of data of `prepare "
            "mimic4` so far: leave this row out."
        )
    asked = cohort.frame.select("stay_id", "prediction_time").drop_nulls()
    stays = _until_then(data.stays.join(asked, on="stay_id"))
    shards = sorted((data.folder / "data").glob("*.parquet"))
    made = [concept.compute(_known_then(path, asked, concept, data.window.clock), stays) for path in shards]
    points = _latest(pl.concat(made), of)
    found = cohort.frame.join(points, on="stay_id", how="left", maintain_order="left")["points"]
    return found.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy()


def _known_then(path: object, asked: pl.DataFrame, concept: Concept, clock: str) -> pl.DataFrame:
    """The events of a shard that the concept reads, by the prediction times of their stays."""
    events = pl.scan_parquet(str(path)).select(INPUT_COLUMNS).filter(concept.reads()).collect()
    events = events.join(asked, on="stay_id")
    return events.filter(pl.col(clock) <= pl.col("prediction_time")).select(INPUT_COLUMNS)


def _until_then(stays: pl.DataFrame) -> pl.DataFrame:
    """Stays as they stood: an end that lies later is not known, and each is a patient of its own."""
    then = pl.col("prediction_time")
    ends = [pl.when(pl.col(name) <= then).then(name).alias(name) for name in ("end", "hospital_end")]
    lasting = pl.min_horizontal(then, pl.coalesce("end", "in_unit_until"))
    return stays.with_columns(*ends, in_unit_until=lasting, subject_id="stay_id")


def _latest(rows: pl.DataFrame, of: str) -> pl.DataFrame:
    """`stay_id, points`: of each stay the last row of the points, where something was measured."""
    last = rows.sort("time_h").group_by("stay_id", "name").agg(pl.col("value").last())
    wide = last.filter(pl.col("name") == f"{of}_measured", pl.col("value") > 0).select("stay_id")
    for name in _POINTS[of]:
        wide = wide.join(
            last.filter(pl.col("name") == name).select("stay_id", pl.col("value").alias(name)), "stay_id", "left"
        )
    return wide.select("stay_id", points=pl.coalesce(_POINTS[of]))
