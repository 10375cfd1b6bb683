"""A MIMIC-IV as large as one likes, for benchmarks of speed alone: raw tables in the layout of 3.1, by column.

    python benchmarks/large_mimic4.py TO --stays 20000 [--seed 0]

20,000 stays have some 50 million rows of `chartevents` and 12 million of `labevents` (2,500 and 600 a stay; the open
demo has 4,780 a stay and 768). Rows lie in the order of the release: by patient, then by time. A third of what is
charted are the 17 variables and other declared items, a third numbers under other items, a third words. Values are
plausible and mean nothing: for patients with a course and a true risk, take `wardround synth mimic4`. Memory holds some
hundred stays, whatever the number.
"""

import argparse
import gzip
import io
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

CHART_ROWS, LAB_ROWS = 2_500, 600
STAYS_AT_ONCE = 200
DECLARED = {
    **{220045: (84, 15, "bpm"), 220210: (19, 5, "insp/min"), 220277: (96, 2, "%"), 220179: (122, 20, "mmHg")},
    **{220180: (64, 13, "mmHg"), 220181: (80, 14, "mmHg"), 220050: (120, 20, "mmHg"), 220051: (60, 11, "mmHg")},
    **{220052: (79, 13, "mmHg"), 223761: (98.4, 1.1, "°F"), 223835: (45, 10, ""), 225664: (140, 35, "mg/dL")},
    **{220621: (138, 35, "mg/dL"), 223830: (7.38, 0.06, "units"), 220739: (3, 1, ""), 223901: (5, 1, "")},
    **{223900: (4, 1, ""), 224639: (82, 15, "kg"), 220235: (40, 8, "mmHg"), 220224: (110, 30, "mmHg")},
}
"""Item -> mean, standard deviation, unit."""
LABS = {
    **{50931: (130, 35, "mg/dL"), 50912: (1.3, 0.5, "mg/dL"), 51006: (25, 9, "mg/dL"), 50983: (139, 4, "mEq/L")},
    **{50971: (4.1, 0.5, "mEq/L"), 50902: (103, 5, "mEq/L"), 50882: (25, 4, "mEq/L"), 50868: (13, 3, "mEq/L")},
    **{51221: (31, 5, "%"), 51222: (10.2, 1.6, "g/dL"), 51265: (210, 80, "K/uL"), 51301: (10.5, 4, "K/uL")},
    **{50820: (7.38, 0.06, "units"), 50818: (41, 8, "mm Hg"), 50821: (105, 35, "mm Hg"), 50813: (1.9, 0.8, "mmol/L")},
}
WORDS = (
    "WNL",
    "Within Normal Limits",
    "Not applicable",
    "Done",
    "SR (Sinus Rhythm)",
    "Clear",
    "Bilateral Breath Sounds",
)
BOUNDARY = np.datetime64("2150-01-01T00:00:00.000000")


def write(to: Path, stays: int, seed: int = 0) -> None:
    """Write the tables that `prepare mimic4` must have, `chartevents`, `labevents` and the names of their items."""
    random = np.random.default_rng(seed)
    others = {230_000 + n: (50 + n % 60, 8, ("", "cmH2O", "L/min", "mL")[n % 4]) for n in range(120)}
    words = range(240_000, 240_180)
    labels = [(item, f"Item {item}", "Routine Vital Signs" if item % 3 else "Respiratory") for item in others]
    labels += [(item, f"Charted words {item}", "Skin - Assessment") for item in words]
    labels += [(item, f"Declared {item}", "Routine Vital Signs") for item in DECLARED]
    with ExitStack() as stack:
        tables = {
            name: stack.enter_context(_table(to / folder / f"{name}.csv.gz"))
            for folder, names in (("icu", _ICU), ("hosp", _HOSP))
            for name in names
        }
        _add(tables["d_items"], pl.DataFrame(labels, ["itemid", "label", "category"], orient="row"))
        lab_labels = [(item, f"Lab {item}", "Blood", "Blood Gas" if item < 50_830 else "Chemistry") for item in LABS]
        _add(tables["d_labitems"], pl.DataFrame(lab_labels, ["itemid", "label", "fluid", "category"], orient="row"))
        for first in range(0, stays, STAYS_AT_ONCE):
            cohort = _cohort(random, first, min(STAYS_AT_ONCE, stays - first))
            _add(tables["icustays"], cohort.select(_ICUSTAYS))
            _add(tables["patients"], cohort.select(_PATIENTS))
            _add(tables["admissions"], cohort.select(_ADMISSIONS))
            _add(tables["chartevents"], _chart(random, cohort, others, np.array(words)))
            _add(tables["labevents"], _labs(random, cohort, first))


_ICU, _HOSP = ("icustays", "chartevents", "d_items"), ("patients", "admissions", "labevents", "d_labitems")
_ICUSTAYS = ["subject_id", "hadm_id", "stay_id", "first_careunit", "last_careunit", "intime", "outtime", "los"]
_PATIENTS = ["subject_id", "gender", "anchor_age", "anchor_year", "anchor_year_group", "dod"]
_ADMISSIONS = [
    *("subject_id", "hadm_id", "admittime", "dischtime", "deathtime", "admission_type", "admission_location"),
    *("discharge_location", "insurance", "language", "marital_status", "race", "hospital_expire_flag"),
]


class _Table:
    """A table under construction: its packed stream, and whether it has its header."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.stream, self.has_header = _packed(path), False

    def __enter__(self) -> "_Table":
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()


def _table(path: Path) -> _Table:
    return _Table(path)


def _packed(path: Path) -> Any:
    """As gzip packs by default, by isal where it is installed: it takes a tenth of the time."""
    try:
        from isal import igzip
    except ImportError:
        return gzip.open(path, "wb", compresslevel=4)
    return igzip.open(path, "wb", compresslevel=3)


def _add(table: _Table, rows: pl.DataFrame) -> None:
    text = io.BytesIO()
    rows.write_csv(text, include_header=not table.has_header, datetime_format="%Y-%m-%d %H:%M:%S")
    table.stream.write(text.getbuffer())
    table.has_header = True


def _cohort(random: np.random.Generator, first: int, count: int) -> pl.DataFrame:
    """A stay each of some patients."""
    number = np.arange(first, first + count)
    length_min = np.clip(random.lognormal(np.log(2_900), 0.7, count), 400, 60_000).astype(int)
    start = BOUNDARY + (random.integers(0, 20 * 365 * 1440, count) * 60).astype("timedelta64[s]")
    end = start + (length_min * 60).astype("timedelta64[s]")
    before, after = np.timedelta64(2, "h"), np.timedelta64(2, "D")
    died = random.random(count) < 0.11
    some = pl.DataFrame(
        {
            **{"subject_id": 10_000_000 + number, "hadm_id": 20_000_000 + number, "stay_id": 30_000_000 + number},
            **{"intime": start, "outtime": end, "length_min": length_min},
            **{"admittime": start - before, "dischtime": end + np.where(died, before, after)},
            **{"anchor_age": random.integers(18, 92, count), "hospital_expire_flag": died.astype(int)},
        }
    )
    deathtime = pl.when(pl.col("hospital_expire_flag") == 1).then("dischtime")
    return some.with_columns(
        deathtime=deathtime,
        dod=deathtime.dt.date(),
        anchor_year=pl.col("intime").dt.year(),
        los=pl.col("length_min") / 1440,
        **{
            name: pl.lit(value)
            for name, value in {
                **{"first_careunit": "Medical Intensive Care Unit (MICU)", "gender": "F", "race": "WHITE"},
                **{"last_careunit": "Medical Intensive Care Unit (MICU)", "anchor_year_group": "2011 - 2013"},
                **{"admission_type": "EW EMER.", "admission_location": "EMERGENCY ROOM", "insurance": "Medicare"},
                **{"discharge_location": "HOME", "language": "English", "marital_status": "MARRIED"},
            }.items()
        },
    )


def _drawn(random: np.random.Generator, cohort: pl.DataFrame, mean: int, grid_min: int) -> tuple[pl.DataFrame, Any]:
    """Rows of stays, more of longer ones, at times on a grid; and how many."""
    length = cohort["length_min"].to_numpy()
    count = np.maximum(random.poisson(mean * length / length.mean()), 1)
    of_stay = np.repeat(np.arange(cohort.height), count)
    minute = (random.random(of_stay.size) * length[of_stay]).astype(int) // grid_min * grid_min
    order = np.lexsort((minute, of_stay))
    charttime = cohort["intime"].to_numpy()[of_stay] + (minute * 60).astype("timedelta64[s]")
    rows = cohort.select("subject_id", "hadm_id", "stay_id")[of_stay]
    rows = rows.with_columns(charttime=pl.Series(charttime, dtype=pl.Datetime("us")))[order]
    late = pl.Series(random.integers(1, 90, of_stay.size) * 60)
    return rows.with_columns(storetime=pl.col("charttime") + pl.duration(seconds=late)), of_stay.size


def _measured(random: np.random.Generator, items: np.ndarray, means: dict[int, tuple[float, float, str]]) -> Any:
    """Value as text, value, unit of each item; rounded as they are charted."""
    known = pl.DataFrame(
        [(item, *each) for item, each in means.items()], ["itemid", "mean", "deviation", "valueuom"], orient="row"
    ).cast({"mean": pl.Float64, "deviation": pl.Float64})
    noise = pl.Series(random.standard_normal(items.size))
    rows = pl.DataFrame({"itemid": items}).join(known, on="itemid", how="left", maintain_order="left")
    value = (pl.col("mean") + noise * pl.col("deviation")).clip(0)
    value = pl.when(pl.col("mean") > 15).then(value.round()).otherwise(value.round(2))
    value = pl.when(pl.col("mean") <= 5, pl.col("valueuom") == "").then(value.round().clip(1, 4)).otherwise(value)
    rows = rows.with_columns(valuenum=value).with_columns(value=pl.col("valuenum").cast(pl.String))
    whole = pl.col("value").str.strip_suffix(".0")
    return rows.with_columns(value=whole, valueuom=pl.when(pl.col("valueuom") != "").then("valueuom"))


def _chart(
    random: np.random.Generator, cohort: pl.DataFrame, others: dict[int, Any], words: np.ndarray
) -> pl.DataFrame:
    rows, count = _drawn(random, cohort, CHART_ROWS, 15)
    kind = random.integers(0, 3, count)
    items = np.select(
        [kind == 0, kind == 1],
        [random.choice(list(DECLARED), count), random.choice(list(others), count)],
        random.choice(words, count),
    )
    said = _measured(random, items, {**DECLARED, **others})
    said = said.with_columns(
        value=pl.coalesce("value", pl.Series(np.array(WORDS, object)[random.integers(0, len(WORDS), count)].tolist()))
    )
    rows = pl.concat([rows, said.select("itemid", "value", "valuenum", "valueuom")], how="horizontal")
    caregiver = pl.Series(random.integers(1_000, 99_999, count))
    return rows.with_columns(caregiver_id=caregiver, warning=pl.lit(0)).select(
        *("subject_id", "hadm_id", "stay_id", "caregiver_id", "charttime", "storetime", "itemid"),
        *("value", "valuenum", "valueuom", "warning"),
    )


def _labs(random: np.random.Generator, cohort: pl.DataFrame, first: int) -> pl.DataFrame:
    rows, count = _drawn(random, cohort, LAB_ROWS, 60)
    said = _measured(random, random.choice(list(LABS), count), LABS)
    rows = pl.concat([rows, said.select("itemid", "value", "valuenum", "valueuom")], how="horizontal")
    number = pl.int_range(count, dtype=pl.Int64) + first * LAB_ROWS * 4
    flag = pl.Series(random.random(count) < 0.35)
    return rows.select(
        number.alias("labevent_id"),
        *("subject_id", "hadm_id"),
        (number // 12).alias("specimen_id"),
        "itemid",
        pl.lit("P123AB").alias("order_provider_id"),
        *("charttime", "storetime", "value", "valuenum", "valueuom"),
        ref_range_lower=pl.lit(3.5),
        ref_range_upper=pl.lit(11.0),
        flag=pl.when(flag).then(pl.lit("abnormal")),
        priority=pl.when(~flag).then(pl.lit("ROUTINE")).otherwise(pl.lit("STAT")),
        comments=pl.when(flag).then(pl.lit("___")),
    )


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("to", type=Path)
    parser.add_argument("--stays", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write(options.to, options.stays, options.seed)


if __name__ == "__main__":
    main()
