"""Stays from codes: a row that opens each, and the row that ends it.

Where a column holds their id, the row with the same id ends a stay; where it is blank or there is none, the first end
at or after the opening and before the next one does. An end that is not found is not known.
"""

import polars as pl

OPENING = {"subject_id": pl.Int64(), "time": pl.Datetime("us"), "code": pl.String(), "id": pl.String()}
"""Rows that open or end: when, by which code, with which id (null where none)."""


def ended(openings: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """Openings with the end of each.

    Args:
        openings: columns of `OPENING`, and others that stay.
        ends: columns of `OPENING`.

    Returns:
        The openings in their order, with `end` and `end_code`, null where no row ends it. Of several ends with one id
            the last counts.
    """
    openings = openings.with_row_index("_place")
    ends = ends.drop_nulls(["subject_id", "time"]).sort("subject_id", "time", "code")
    by_id = ends.drop_nulls("id").group_by("subject_id", "id").agg(pl.col("time", "code").last())
    by_id = by_id.select("subject_id", "id", end="time", end_code="code")
    joined = openings.join(by_id, on=["subject_id", "id"], how="left", maintain_order="left")
    without = openings.filter(pl.col("id").is_null() & pl.col("time").is_not_null())
    by_time = _next_end(without, openings, ends.select("subject_id", "time", "code"))
    joined = joined.join(by_time, on="_place", how="left", maintain_order="left")
    return joined.with_columns(end=pl.coalesce("end", "_end"), end_code=pl.coalesce("end_code", "_end_code")).drop(
        "_place", "_end", "_end_code"
    )


def _next_end(wanted: pl.DataFrame, openings: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """`_place, _end, _end_code`: the first end of the subject at or after each opening, before its next opening."""
    later = openings.drop_nulls("time").select("subject_id", "time").unique().sort("subject_id", "time")
    later = later.with_columns(_next=pl.col("time").shift(-1).over("subject_id"))
    wanted = wanted.join(later, on=["subject_id", "time"], how="left").sort("time")
    ends = ends.with_columns(_end="time", _end_code="code").sort("time").drop("code")
    found = wanted.join_asof(ends, on="time", by="subject_id", strategy="forward", check_sortedness=False)
    before_next = (pl.col("_end") <= pl.col("_next")).fill_null(True)
    return found.filter(before_next).select("_place", "_end", "_end_code")


def around(starts: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """For each start, the span of the subject that it lies in: by the span's id, else by its time.

    Args:
        starts: `subject_id, time` and `id`, the id of the span (null where not known).
        spans: `subject_id, start, end, end_code, id`.

    Returns:
        `hospital_start, hospital_end, end_code` for each start in its order; null where it lies in none.
    """
    starts = starts.select("subject_id", "time", "id").with_row_index("_place")
    spans = spans.drop_nulls(["subject_id", "start"]).sort("subject_id", "start", "end", nulls_last=True)
    named = spans.drop_nulls("id").unique(["subject_id", "id"], keep="first", maintain_order=True)
    by_id = starts.join(named, on=["subject_id", "id"], how="inner")
    rest = starts.join(by_id, on="_place", how="anti").drop_nulls(["subject_id", "time"]).sort("time")
    timed = spans.select("subject_id", "end", "end_code", start="start", time="start").sort("time", maintain_order=True)
    by_time = rest.join_asof(timed, on="time", by="subject_id", strategy="backward", check_sortedness=False)
    by_time = by_time.filter((pl.col("time") <= pl.col("end")).fill_null(True))
    columns = [
        pl.col("_place"),
        pl.col("start").alias("hospital_start"),
        pl.col("end").alias("hospital_end"),
        "end_code",
    ]
    found = pl.concat([by_id.select(columns), by_time.select(columns)])
    return starts.select("_place").join(found, on="_place", how="left", maintain_order="left").drop("_place")
