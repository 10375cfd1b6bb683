"""Small MEDS data sets, written by hand, their mapping, and `prepare meds` of them.

raw = tiny()                                  three patients, four stays of the unit, every kind of row
raw.add(1, "2150-01-02 03:00", "LAB//k", 4.4)
folder = raw.write(tmp_path / "raw")          data/*.parquet, metadata/, and mapping.toml beside it
data = prepare(folder, tmp_path / "data")
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from raw_eicu import Data
from wardround.sources import pipeline
from wardround.sources.meds import meds_source

MAPPING = """
name = "a small hospital"

[stays]
opens = ["ICU_IN//*"]
ends = ["ICU_OUT"]
id = "unit_stay"

[hospital]
opens = ["HOSP_IN"]
ends = ["HOSP_OUT//*"]
id = "visit"
before_h = 6

[subject]
birth = ["MEDS_BIRTH"]

[subject.sex]
Female = ["GENDER//F"]
Male = ["GENDER//M"]

[labels]
died = ["HOSP_OUT//DIED"]
death = ["MEDS_DEATH"]

[[events]]
codes = ["GENDER//*", "ICU_IN//*"]
modality = "demographics"

[[events]]
codes = ["re:LAB//(lactate|ph)"]
modality = "blood_gas"
known = "15 min"

[[events]]
codes = ["LAB//*"]
modality = "lab"
known = "2 h"

[[events]]
codes = ["HR", "NOTE"]
modality = "vitals"

[[events]]
codes = ["WEIGHT"]
modality = "vitals"
known = "end of day"

[[events]]
codes = ["DX//*"]
modality = "diagnosis"
known = "discharge"

[[left_out]]
codes = ["BED//*"]
why = "moves between beds"
"""

KINDS: dict[str, Any] = {
    "subject_id": pl.Int64,
    "time": pl.Datetime("us"),
    "code": pl.String,
    "numeric_value": pl.Float32,
    "text_value": pl.String,
    "unit_stay": pl.Int64,
    "visit": pl.String,
}


def at(text: str | None) -> datetime | None:
    """A time as a test writes it."""
    return None if text is None else datetime.fromisoformat(text)


@dataclass
class RawMeds:
    """A data set.

    Attributes:
        rows: rows of `KINDS`.
        mapping: the text of its mapping.
        dataset: what its metadata say.
        kinds: the types of its columns.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    mapping: str = MAPPING
    dataset: dict[str, Any] = field(default_factory=lambda: {"dataset_name": "small", "meds_version": "0.3.3"})
    kinds: dict[str, Any] = field(default_factory=lambda: dict(KINDS))

    def add(
        self, subject: int | None, time: str | None, code: str | None, number: float | None = None,
        text: str | None = None, unit_stay: int | None = None, visit: str | None = None, **more: Any,
    ) -> "RawMeds":  # fmt: skip
        """Another row; `more` are values of columns that a test put into `kinds`."""
        self.rows.append(
            dict(zip(KINDS, (subject, at(time), code, number, text, unit_stay, visit), strict=True)) | more
        )
        return self

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame(self.rows, schema=self.kinds)

    def write(
        self,
        folder: Path,
        shards: int = 1,
        order: random.Random | None = None,
        change: Callable[[pl.DataFrame], pl.DataFrame] = lambda frame: frame,
        row_group: int | None = None,
    ) -> Path:
        """Write it in so many shards, whole patients each, in another order where a generator is given."""
        frame = self.frame()
        if order is not None:
            frame = frame.sample(fraction=1.0, shuffle=True, seed=order.randrange(1 << 30))
        for number in range(shards):
            path = folder / "data" / ("train", "tuning", "held_out")[number % 3] / f"{number}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            mine = frame.filter(pl.col("subject_id").fill_null(0) % shards == number)
            change(mine).write_parquet(path, row_group_size=row_group)
        (folder / "metadata").mkdir(exist_ok=True)
        (folder / "metadata" / "dataset.json").write_text(json.dumps(self.dataset))
        (folder / "mapping.toml").write_text(self.mapping)
        return folder


def tiny() -> RawMeds:
    """Patient 1: one stay, home. Patient 2: dies in the unit. Patient 3: two unit stays in one visit, then a visit
    without one, then a stay that has not ended."""
    made = RawMeds()
    for subject, born, sex in ((1, "2090-07-01", "F"), (2, "2070-01-01", "M"), (3, "2100-01-01", "F")):
        made.add(subject, None, f"GENDER//{sex}").add(subject, f"{born} 00:00", "MEDS_BIRTH")
    made.add(1, "2150-01-01 08:00", "HOSP_IN", visit="v1")
    made.add(1, "2150-01-01 10:00:30", "ICU_IN//MICU", unit_stay=11, visit="v1")
    made.add(1, "2150-01-01 07:00", "LAB//k", 4.1, visit="v1")
    made.add(1, "2150-01-01 10:20", "HR", 88.0, unit_stay=11)
    made.add(1, "2150-01-01 11:00", "LAB//lactate", 2.5)
    made.add(1, "2150-01-01 12:00", "LAB//k", 4.5, visit="v1")
    made.add(1, "2150-01-02 00:00", "WEIGHT", 70.5)
    made.add(1, "2150-01-02 09:00", "NOTE", text="stable")
    made.add(1, "2150-01-01 10:00", "BED//4")
    made.add(1, "2150-01-03 10:00", "ICU_OUT", unit_stay=11, visit="v1")
    made.add(1, "2150-01-05 12:00", "HOSP_OUT//HOME", visit="v1")
    made.add(1, "2150-01-05 12:00", "DX//I10", visit="v1")
    made.add(2, "2151-03-01 00:00", "HOSP_IN", visit="v2")
    made.add(2, "2151-03-01 01:00", "ICU_IN//SICU", unit_stay=21, visit="v2")
    made.add(2, "2151-03-01 02:00", "HR", 120.0)
    made.add(2, "2151-03-02 03:00", "MEDS_DEATH")
    made.add(2, "2151-03-02 04:00", "ICU_OUT", unit_stay=21, visit="v2")
    made.add(2, "2151-03-02 05:00", "HOSP_OUT//DIED", visit="v2")
    made.add(2, "2151-03-01 00:00", "DX//A41", visit="v2")
    made.add(3, "2152-01-01 00:00", "HOSP_IN", visit="v3")
    made.add(3, "2152-01-02 00:00", "ICU_IN//MICU", unit_stay=31, visit="v3")
    made.add(3, "2152-01-03 00:00", "ICU_OUT", unit_stay=31, visit="v3")
    made.add(3, "2152-01-03 12:00", "HR", 70.0)
    made.add(3, "2152-01-04 00:00", "ICU_IN//MICU", unit_stay=32, visit="v3")
    made.add(3, "2152-01-05 00:00", "ICU_OUT", unit_stay=32, visit="v3")
    made.add(3, "2152-01-06 00:00", "HR", 71.0)
    made.add(3, "2152-01-07 00:00", "HOSP_OUT//HOME", visit="v3")
    made.add(3, "2152-06-01 00:00", "HOSP_IN", visit="v4").add(3, "2152-06-02 00:00", "HOSP_OUT//HOME", visit="v4")
    made.add(3, "2153-01-01 00:00", "HOSP_IN", visit="v5")
    made.add(3, "2153-01-01 00:00", "ICU_IN//MICU", unit_stay=33, visit="v5")
    return made.add(3, "2153-01-01 06:00", "HR", 90.0)


ODD: dict[str, dict[str, Any]] = {
    "no subject id": {"subject_id": None},
    "no code": {"code": None},
    "code of no modality": {"code": "XYZ//1"},
    "moves between beds": {"code": "BED//7"},
    "tells of the stay or the patient": {"code": "HOSP_OUT//AMA", "time": datetime(2150, 1, 5, 12), "visit": "none"},
    "subject without a stay": {"subject_id": 77},
    "outside every stay": {"time": datetime(2149, 1, 1)},
    "no such stay": {"unit_stay": 999},
    "stay of another subject": {"unit_stay": 21, "time": datetime(2151, 3, 1, 3)},
    "implausible value": {"numeric_value": float("inf")},
    "more than a year from unit admission": {"time": datetime(2152, 1, 1), "unit_stay": 11},
    "known at discharge, which is not known": {
        "subject_id": 3, "code": "DX//Z", "time": datetime(2153, 1, 1, 7), "numeric_value": None,
    },
    "known at discharge, but of no stay's time": {"code": "DX//Z", "time": None},
}  # fmt: skip
"""Reason -> what is changed in a pulse of patient 1, so that it is set aside."""


def pulse(number: int) -> dict[str, Any]:
    """A pulse of patient 1 like any other, no two equal."""
    values = (1, datetime(2150, 1, 2, number // 60 % 24, number % 60, 1), "HR", 60.0 + number / 8, None, None, None)
    return dict(zip(KINDS, values, strict=True))


def planted(seed: int) -> tuple[RawMeds, dict[str, int]]:
    """The tiny data set with odd rows and equal rows among good ones; reason -> how many of it are there."""
    rng, made = random.Random(seed), tiny()
    before = {"tells of the stay or the patient": 17, "moves between beds": 1}
    expected = dict(before)
    good = [pulse(number) for number in range(rng.randrange(5, 40))]
    odd: list[dict[str, Any]] = []
    for place, (reason, change) in enumerate(ODD.items()):
        times = rng.randrange(3)
        odd += [pulse(1000 + 50 * place + each) | change for each in range(times)]
        expected[reason] = expected.get(reason, 0) + times
    repeated = rng.choices(good, k=rng.randrange(3))
    expected["duplicate row"] = len(repeated)
    made.rows += rng.sample(good + odd + repeated, len(good + odd + repeated))
    return made, {reason: count for reason, count in sorted(expected.items()) if count}


def prepare(raw: Path, to: Path, workers: int = 1, mapping: Path | None = None) -> Data:
    """Run `prepare meds` without a word, with the mapping beside the data set where there is one."""
    beside = raw / "mapping.toml"
    source = meds_source([raw], mapping or (beside if beside.is_file() else None))
    pipeline.prepare(source, raw, to, workers=workers, quiet=True)
    return Data(to)
