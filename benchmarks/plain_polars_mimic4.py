"""What one would write by hand with polars on MIMIC-IV's raw tables: hourly tables of the 17 variables, or all events.

    python benchmarks/plain_polars_mimic4.py {hourly,events} RAW TO.parquet

`events` makes MEDS columns (subject, stay, time, code, value, words), sorted, in one file; `hourly` the last value of
each variable in each hour of a stay. Both check nothing, convert no unit but the temperature's, account for no row,
know no availability, and hold all in memory.
"""

import sys
from pathlib import Path

import polars as pl

HOURLY = {
    **dict.fromkeys((223951, 224308), "refill"),
    **dict.fromkeys((220051, 225310, 220180, 224643), "diastolic"),
    **dict.fromkeys((220050, 225309, 220179, 224167), "systolic"),
    **dict.fromkeys((220052, 225312, 220181), "mean_pressure"),
    **{223835: "fio2", 220739: "gcs_eyes", 223901: "gcs_motor", 223900: "gcs_verbal", 220045: "heart_rate"},
    **dict.fromkeys((220621, 225664, 226537, 50931, 50809), "glucose"),
    **dict.fromkeys((226707, 226730), "height"),
    **dict.fromkeys((220210, 224690, 224689, 224422), "respiratory_rate"),
    **{220277: "spo2", 223761: "temperature", 223762: "temperature"},
    **dict.fromkeys((226512, 224639), "weight"),
    **dict.fromkeys((223830, 220274, 50820), "ph"),
}
"""Item -> variable; the 17th, the total of the coma scale, is a sum of three."""
TIME = "%Y-%m-%d %H:%M:%S"
KINDS = {**dict.fromkeys(("subject_id", "stay_id", "itemid"), pl.Int64), "valuenum": pl.Float64}
KINDS |= dict.fromkeys(("charttime", "storetime", "value", "valueuom"), pl.String)


def main(what: str, raw: Path, to: Path) -> None:
    """Make one of the two and write it."""
    made = hourly(raw) if what == "hourly" else events(raw)
    made.write_parquet(to)


def read(raw: Path, table: str, columns: list[str]) -> pl.DataFrame:
    """Some columns of a packed table."""
    (path,) = raw.rglob(f"{table}.csv.gz")
    kinds = {name: kind for name, kind in KINDS.items() if name in columns}
    return pl.read_csv(path, columns=columns, schema_overrides=kinds, infer_schema_length=0)


def stays_of(raw: Path) -> pl.DataFrame:
    """`subject_id, stay_id, intime, outtime`."""
    stays = read(raw, "icustays", ["subject_id", "stay_id", "intime", "outtime"])
    return stays.with_columns(pl.col("intime", "outtime").str.to_datetime(TIME))


def in_stays(labs: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Laboratory rows with the stay that began last, up to a day before it."""
    opens = stays.select("subject_id", "stay_id", opens=pl.col("intime") - pl.duration(hours=24)).sort("opens")
    placed = labs.sort("charttime").join_asof(
        opens, left_on="charttime", right_on="opens", by="subject_id", check_sortedness=False
    )
    return placed.drop_nulls("stay_id").drop("opens")


def hourly(raw: Path) -> pl.DataFrame:
    """A row for each stay and hour with a value, a column for each variable."""
    stays = stays_of(raw)
    chart = read(raw, "chartevents", ["stay_id", "charttime", "itemid", "valuenum"])
    labs = read(raw, "labevents", ["subject_id", "charttime", "itemid", "valuenum"])
    chart, labs = (
        rows.filter(pl.col("itemid").is_in(list(HOURLY)), pl.col("valuenum").is_not_null()).with_columns(
            pl.col("charttime").str.to_datetime(TIME)
        )
        for rows in (chart, labs)
    )
    columns = ["stay_id", "charttime", "itemid", "valuenum"]
    rows = pl.concat([chart.select(columns), in_stays(labs, stays).select(columns)]).join(stays, on="stay_id")
    warm = pl.col("itemid") == 223761
    value = pl.when(warm).then((pl.col("valuenum") - 32) / 1.8).otherwise("valuenum")
    rows = rows.with_columns(
        value=value,
        hour=(pl.col("charttime") - pl.col("intime")).dt.total_seconds() // 3600,
        name=pl.col("itemid").replace_strict(HOURLY, return_dtype=pl.String),
    )
    rows = rows.filter(pl.col("hour") >= 0, pl.col("charttime") <= pl.col("outtime")).sort("charttime", "value")
    names = sorted(set(HOURLY.values()))
    wide = rows.group_by("stay_id", "hour").agg(
        pl.col("value").filter(pl.col("name") == name).last().alias(name) for name in names
    )
    total = pl.col("gcs_eyes") + pl.col("gcs_motor") + pl.col("gcs_verbal")
    return wide.with_columns(gcs_total=total).sort("stay_id", "hour")


def events(raw: Path) -> pl.DataFrame:
    """Every charted and every laboratory row as an event, in the order of MEDS."""
    stays = stays_of(raw)
    said = ["charttime", "storetime", "itemid", "value", "valuenum", "valueuom"]
    chart = read(raw, "chartevents", ["subject_id", "stay_id", *said])
    labs = read(raw, "labevents", ["subject_id", *said])
    chart = _coded(chart, "CHART", read(raw, "d_items", ["itemid", "label"]))
    labs = in_stays(_coded(labs, "LAB", read(raw, "d_labitems", ["itemid", "label"])), stays)
    columns = ["subject_id", "charttime", "code", "numeric_value", "text_value", "stay_id", "available_time"]
    return pl.concat([chart.select(columns), labs.select(columns)]).sort("subject_id", "charttime", "stay_id", "code")


def _coded(rows: pl.DataFrame, kind: str, items: pl.DataFrame) -> pl.DataFrame:
    code = pl.concat_str(pl.lit(f"{kind}//"), "label", pl.lit("//"), pl.col("valueuom").fill_null(""))
    return rows.join(items, on="itemid", how="left").select(
        *("subject_id", *(["stay_id"] if "stay_id" in rows.columns else [])),
        pl.col("charttime").str.to_datetime(TIME),
        available_time=pl.col("storetime").str.to_datetime(TIME),
        code=code,
        numeric_value=pl.col("valuenum").cast(pl.Float32),
        text_value=pl.when(pl.col("valuenum").is_null()).then("value"),
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
