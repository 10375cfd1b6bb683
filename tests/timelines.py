"""ICU timelines for tests: made in memory, written as the DATA folder that `prepare` writes.

Timelines          events and stays, with times as minutes from unit admission
write_data         -> DATA folder (MEDS shards, stays, codes, ledger, manifest)
random_timelines   seeded, vectorised: many modalities, ties, delays, several stays a subject
with_physiology    the same with what APACHE is computed from, known at many times
other_future       the same timelines with another future after a prediction time
hand, small_timelines, small_future    written by hand, or drawn by Hypothesis
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from hypothesis import strategies as st

import wardround
from wardround import files
from wardround.events import (
    EVENT_COLUMNS,
    MEDS_EVENT_SCHEMA,
    MINUTE_US,
    MODALITIES,
    SORT_WITHIN_SUBJECT,
    STAY_COLUMNS,
    calendar_start,
)
from wardround.sources.pipeline import CODES_SCHEMA

EVENT: Final = {
    "stay_id": pl.Int64,
    "minute": pl.Float64,
    "available": pl.Float64,
    "modality": pl.String,
    "code": pl.String,
    "value": pl.Float32,
}
"""An event of `Timelines`: minutes from unit admission, fractions of a minute allowed."""

STAY: Final = {
    "subject_id": pl.Int64,
    "stay_id": pl.Int64,
    "nth": pl.Int64,
    "end": pl.Int64,
    "hospital_start": pl.Int64,
    "hospital_end": pl.Int64,
    "age": pl.Float32,
    "sex": pl.String,
    "hospital_id": pl.Int64,
    "orphan": pl.Boolean,
    "died_in_hospital": pl.Boolean,
    "died_in_unit": pl.Boolean,
}
"""A stay of `Timelines`: the subject's `nth` hospital stay, its times as minutes from unit admission."""

NUMBERS: Final = {
    "demographics": ("AGE", "WEIGHT//kg"),
    "lab": ("LAB//sodium", "LAB//lactate", "LAB//creatinine", "LAB//hematocrit"),
    "aps": ("APS//gcs", "APS//ph"),
    "vitals": ("VITALS//heartrate", "VITALS//sao2", "VITALS//temperature"),
    "infusion": ("INFUSION//norepinephrine",),
    "intake_output": ("IO//urine", "IO//total"),
    "score": ("APACHE//IVa//predictedhospitalmortality", "APACHE//IVa//predictedhospitallos"),
}
CODES: Final = {
    "demographics": ("GENDER//Female", "GENDER//Male", "UNITTYPE//MICU"),
    "diagnosis": ("DIAGNOSIS//cardio|shock|septic", "DIAGNOSIS//cardio|shock|cardiogenic", "DIAGNOSIS//pulm|pneumonia"),
    "treatment": ("TREATMENT//pulm|ventilation", "TREATMENT//renal|dialysis", "TREATMENT//cardio|vasopressor"),
    "medication": ("MEDICATION//heparin", "MEDICATION//vancomycin", "MEDICATION//propofol"),
    "infusion": ("INFUSION//fluids",),
    "history": ("HISTORY//copd", "HISTORY//diabetes"),
}
CATALOGUE: Final = pl.DataFrame(
    [(m, c, True) for m, codes in NUMBERS.items() for c in codes]
    + [(m, c, False) for m, codes in CODES.items() for c in codes],
    schema={"modality": pl.String, "code": pl.String, "number": pl.Boolean},
    orient="row",
)
"""The codes of random timelines."""
SPEAKING: Final = tuple(name for name in MODALITIES if name in (*NUMBERS, *CODES))

APART: Final = 10_000_000
"""Added to a stay's id, and to its patient's, to make its twin."""

APS_MIN: Final = 24 * 60
"""When APS and the published scores become known, though they stand at time 0."""


@dataclass(frozen=True)
class Timelines:
    """Events (`EVENT`) and stays (`STAY`) in memory."""

    events: pl.DataFrame
    stays: pl.DataFrame

    def with_stays(self, **columns: pl.Expr | pl.Series) -> "Timelines":
        """Other stay columns."""
        return replace(
            self, stays=self.stays.with_columns(**columns).select(pl.col(n).cast(k) for n, k in STAY.items())
        )

    def only(self, stay_ids: Iterable[int]) -> "Timelines":
        """Some of the stays."""
        wanted = list(stay_ids)
        keep = pl.col("stay_id").is_in(wanted)
        return Timelines(self.events.filter(keep), self.stays.filter(keep))


def joined(parts: Iterable[Timelines]) -> Timelines:
    """Several timelines as one; their stay ids must differ."""
    parts = list(parts)
    return Timelines(pl.concat(part.events for part in parts), pl.concat(part.stays for part in parts))


def hand(events: Iterable[tuple], stays: Iterable[dict] = ()) -> Timelines:
    """Timelines written by hand.

    Args:
        events: `(stay, minute, available, modality, code, value)`.
        stays: columns that differ from the default stay (adult, alive, out of the unit after 3 days and of the hospital
            after 5); every
            stay that has events is there anyway.
    """
    rows = pl.DataFrame(list(events), schema=EVENT, orient="row")
    given = {stay["stay_id"]: stay for stay in stays}
    ids = sorted(set(rows["stay_id"]) | set(given))
    table = [
        default_stay(stay_id, **{k: v for k, v in given.get(stay_id, {}).items() if k != "stay_id"}) for stay_id in ids
    ]
    return Timelines(rows, pl.DataFrame(table, schema=STAY))


def default_stay(stay_id: int, **columns) -> dict:
    """A row of `STAY`: of subject 1000 + stay id."""
    return {
        "subject_id": 1000 + stay_id,
        "stay_id": stay_id,
        "nth": 0,
        "end": 3 * 1440,
        "hospital_start": -60,
        "hospital_end": 5 * 1440,
        "age": 60.0,
        "sex": "Female",
        "hospital_id": 1,
        "orphan": False,
        "died_in_hospital": False,
        "died_in_unit": False,
    } | columns


def write_data(folder: Path, timelines: Timelines, shards: int = 1, shuffle: int | None = None) -> Path:
    """Write a DATA folder as `sources/pipeline.py` does.

    Args:
        folder: where to; made.
        timelines: what.
        shards: number of files, whole subjects in each.
        shuffle: a seed that mixes the rows of every table: a folder from elsewhere, whose order says nothing or too
            much.

    Returns:
        The folder.
    """
    stays, events = _stays_on_disk(timelines), _events_on_disk(timelines)
    if shuffle is not None:
        events = events.sample(fraction=1, shuffle=True, seed=shuffle)
        stays = stays.sample(fraction=1, shuffle=True, seed=shuffle)
    place = pl.col("subject_id").rank("dense") - 1
    shard = stays.select("subject_id", shard=place.cast(pl.Int64) % shards).unique("subject_id")
    parts = events.join(shard, on="subject_id", maintain_order="left").partition_by("shard", as_dict=True)
    for number in range(shards):
        part = parts[(number,)].drop("shard") if (number,) in parts else events.clear()
        files.write_table(folder / "data" / f"{number}.parquet", part, MEDS_EVENT_SCHEMA)
    files.write_table(folder / "stays.parquet", stays)
    codes = events.select("code", "modality").unique("code").sort("code")
    codes = codes.with_columns(description="code", parent_codes=pl.lit(None, pl.List(pl.String)))
    files.write_table(folder / "metadata" / "codes.parquet", codes, CODES_SCHEMA)
    files.write_json(folder / "metadata" / "dataset.json", {"dataset_name": "timelines", "etl_name": "wardround"})
    account = {"rows_in": events.height, "rows_out": events.height, "set_aside": {}}
    files.write_json(folder / "ledger.json", {"tables": {"timelines": account}, "absent": []})
    files.write_manifest(folder, "data", {}, {"source": "timelines"}, wardround.__version__)
    return folder


def _at(column: str) -> pl.Expr:
    return pl.col("start") + (pl.col(column) * MINUTE_US).round().cast(pl.Int64).cast(pl.Duration("us"))


def _started(stays: pl.DataFrame) -> pl.DataFrame:
    calendar = {nth: calendar_start(nth) for nth in stays["nth"].unique()}
    return stays.with_columns(start=pl.col("nth").replace_strict(calendar, return_dtype=pl.Datetime("us")))


def _events_on_disk(timelines: Timelines) -> pl.DataFrame:
    starts = _started(timelines.stays).select("stay_id", "subject_id", "start")
    events = timelines.events.join(starts, on="stay_id", maintain_order="left")
    events = events.with_columns(
        time=_at("minute"), available_time=_at("available"), numeric_value="value", text_value=pl.lit(None, pl.String)
    )
    events = events.select(pl.col(name).cast(kind) for name, kind in EVENT_COLUMNS.items())
    return events.sort(SORT_WITHIN_SUBJECT, nulls_last=True)


def _stays_on_disk(timelines: Timelines) -> pl.DataFrame:
    order = {name: place for place, name in enumerate(MODALITIES)}
    names = pl.col("modality").unique().sort_by(pl.col("modality").unique().replace_strict(order, default=99))
    summary = timelines.events.group_by("stay_id").agg(n_events=pl.len(), modalities=names)
    stays = _started(timelines.stays).with_columns(
        los_h=(pl.col("hospital_end") - pl.col("hospital_start")) / 60,
        year=pl.col("start").dt.year(),
        in_unit_until=None,
        **{name: _at(name) for name in ("end", "hospital_start", "hospital_end")},
    )
    stays = stays.join(summary, on="stay_id", how="left").sort("subject_id", "start", "stay_id")
    return stays.select(pl.col(name).cast(kind) for name, kind in STAY_COLUMNS.items())


def random_stays(seed: int, n: int, at_min: int = 1440, first_id: int = 1) -> pl.DataFrame:
    """Stays of about 0.7 n subjects: some left before `at_min` or on it, some are children or of unknown age, some
    die."""
    rng = np.random.default_rng([seed, 1])
    subject = np.sort(rng.integers(0, max(1, round(0.7 * n)), n))
    nth = np.arange(n) - np.searchsorted(subject, subject)
    end = at_min + rng.integers(1, 6000, n)
    end = np.where(rng.random(n) < 0.15, rng.integers(1, at_min + 1, n), end)
    end = np.where(rng.random(n) < 0.05, at_min, end)
    admitted = -rng.integers(0, 3000, n)
    died = rng.random(n) < 0.2
    age = np.where(rng.random(n) < 0.06, rng.integers(1, 18, n), rng.integers(18, 91, n)).astype(np.float32)
    table = pl.DataFrame(
        {
            "subject_id": first_id * 10 + 5000 + subject,
            "stay_id": first_id + rng.permutation(n),
            "nth": nth,
            "end": end,
            "hospital_start": admitted,
            "hospital_end": end + np.where(died, 0, rng.integers(0, 9000, n)),
            "age": age,
            "sex": rng.choice(["Female", "Male"], n),
            "hospital_id": subject % 7,
            "orphan": np.zeros(n, bool),
            "died_in_hospital": died,
            "died_in_unit": died & (rng.random(n) < 0.7),
        }
    )
    unknown = pl.Series(rng.random(n) < 0.03)
    return table.with_columns(age=pl.when(~unknown).then("age")).select(
        pl.col(name).cast(kind) for name, kind in STAY.items()
    )


def random_events(
    seed: int, stays: pl.DataFrame, per_stay: float = 14, at_min: int = 1440, until: int = 4000
) -> pl.DataFrame:
    """Events of some stays: each stay lacks some modalities, a few have none; ties, delays, and minutes next to
    `at_min` are common."""
    rng = np.random.default_rng([seed, 2])
    count = rng.poisson(per_stay, stays.height)
    count[rng.random(stays.height) < 0.03] = 0
    stay = np.repeat(stays["stay_id"].to_numpy(), count)
    place = np.repeat(np.arange(stays.height), count)
    n = len(stay)
    modality_of_code = CATALOGUE["modality"].to_numpy()
    has = rng.random((stays.height, len(SPEAKING))) < 0.75
    code = rng.integers(0, CATALOGUE.height, n)
    modality_index = np.asarray([SPEAKING.index(name) for name in modality_of_code])
    keep = has[place, modality_index[code]]
    minute = _minutes(rng, n, at_min, until)
    frame = CATALOGUE[code.tolist()].with_columns(stay_id=stay, minute=minute, available=minute + _delays(rng, n))
    late = pl.col("modality").is_in(["aps", "score"])
    frame = frame.with_columns(
        minute=pl.when(pl.col("modality").is_in(["demographics", "aps", "score"])).then(0).otherwise("minute"),
        available=pl.when(late).then(APS_MIN).when(pl.col("modality") == "demographics").then(0).otherwise("available"),
        value=pl.when("number").then(pl.Series(_values(rng, n))),
    )
    frame = frame.filter(pl.Series(keep))
    twice = frame.filter(pl.Series(rng.random(frame.height) < 0.08)).with_columns(pl.col("value") + 1)
    possible = 1 / (1 + (-pl.col("value")).exp())  # a published score outside [0, 1] counts as none
    both = pl.concat([frame, twice]).with_columns(
        value=pl.when(pl.col("modality") == "score").then(possible).otherwise("value")
    )
    return both.select(pl.col(name).cast(kind) for name, kind in EVENT.items())


PHYSIOLOGY: Final = {
    "heartrate": (30, 180), "meanbp": (35, 150), "temperature": (32, 41), "respiratoryrate": (4, 55), "ph": (7.1, 7.65),
    "pao2": (40, 300), "pco2": (20, 60), "fio2": (21, 100), "creatinine": (0.3, 5), "urine": (0, 4000), "wbc": (0, 30),
    "eyes": (1, 4), "motor": (1, 6), "verbal": (1, 5), "intubated": (0, 1), "vent": (0, 1),
}  # fmt: skip
"""What APACHE reads, and between which values it lies."""
_WHOLE: Final = ("eyes", "motor", "verbal", "intubated", "vent")


def with_physiology(timelines: Timelines, seed: int, at_min: int = 1440, per_stay: int = 6) -> Timelines:
    """And what APACHE IV is made of, for most of the stays that have events: age, where from and diagnosis, and values
    that become known at several times before and after `at_min` (in eICU all at 24 h)."""
    rng = np.random.default_rng([seed, 4])
    rows = []
    for stay in timelines.events["stay_id"].unique().sort().to_list():
        if rng.random() < 0.15:
            continue
        rows.append((stay, 0, 0, "demographics", "UNITADMITSOURCE//Floor", None))
        rows.append((stay, 0, 0, "demographics", "AGE", float(rng.integers(18, 90))))
        late = float(rng.integers(0, 2 * at_min))
        rows.append((stay, 0, late, "diagnosis", "APACHE//ADMISSION_DX//Sepsis, pulmonary", None))
        for name in rng.choice(list(PHYSIOLOGY), per_stay):
            minute, delay = float(rng.integers(-60, 2 * at_min)), float(rng.choice((0, 0, 20, 300)))
            value = round(float(rng.uniform(*PHYSIOLOGY[name])), 0 if name in _WHOLE else 2)
            rows.append((stay, minute, minute + delay, "aps", f"APS//{name}", value))
    made = pl.DataFrame(rows, EVENT, orient="row")
    return replace(timelines, events=pl.concat([timelines.events, made]))


def _minutes(rng: np.random.Generator, n: int, at_min: int, until: int) -> np.ndarray:
    minute = rng.integers(-600, until, n)
    minute = np.where(rng.random(n) < 0.3, minute // 60 * 60, minute)
    minute = np.where(rng.random(n) < 0.1, at_min + rng.integers(-2, 3, n), minute)
    return np.where(rng.random(n) < 0.1, minute + rng.integers(0, 60, n) / 60, minute)


def _delays(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.where(rng.random(n) < 0.5, 0, rng.exponential(90, n).astype(np.int64))


def _values(rng: np.random.Generator, n: int) -> np.ndarray:
    value = np.where(rng.random(n) < 0.5, rng.normal(0, 30, n), rng.lognormal(3, 1, n)).round(2)
    return np.where(rng.random(n) < 0.04, np.nan, value).astype(np.float32)


def random_timelines(
    seed: int, n: int, at_min: int = 1440, first_id: int = 1, per_stay: float = 14, until: int = 4000
) -> Timelines:
    """`n` seeded stays with their events, up to minute `until`."""
    stays = random_stays(seed, n, at_min, first_id)
    events = random_events(seed, stays, per_stay, at_min, until)
    return Timelines(events.with_columns(pl.col("value").fill_nan(None)), stays)


def other_future(timelines: Timelines, at_min: int, seed: int) -> Timelines:
    """Keep all that is available by `at_min`; delete, re-time, re-value, re-code and insert what comes later, outcomes
    included.

    A draw before `at_min` that is charted after it belongs to the future too. A stay that has left the unit by `at_min`
    keeps its end, which is known by then; the others get another one, and all get another outcome.
    """
    rng = np.random.default_rng([seed, 3])
    known = timelines.events.filter(pl.col("available") <= at_min)
    later = timelines.events.filter(pl.col("available") > at_min)
    later = later.filter(pl.Series(rng.random(later.height) < 0.7, dtype=pl.Boolean))
    later = _altered(later, at_min, rng)
    inserted = random_events(seed + 77, timelines.stays, 4, at_min)
    inserted = _altered(inserted.with_columns(available=pl.lit(at_min + 1.0)), at_min, rng)
    n = timelines.stays.height
    still_in = pl.col("end") > at_min
    end = pl.Series(at_min + 1 + rng.integers(0, 9000, n))
    died = pl.Series(rng.random(n) < 0.5)
    stays = timelines.stays.with_columns(end=pl.when(still_in).then(end).otherwise("end")).with_columns(
        hospital_end=pl.col("end") + pl.Series(rng.integers(0, 9000, n)),
        died_in_hospital=died,
        died_in_unit=died & pl.Series(rng.random(n) < 0.5),
    )
    events = pl.concat([known, later, inserted.with_columns(pl.col("value").fill_nan(None))])
    return Timelines(
        events.sample(fraction=1, shuffle=True, seed=seed), stays.select(pl.col(c).cast(k) for c, k in STAY.items())
    )


def twin_of(timelines: Timelines, at_min: int, seed: int) -> Timelines:
    """A twin of every stay, `APART` from it: the same past, another future, the other outcome. Of those still in the
    unit half leave at the next minute, the others after twenty days."""
    other = other_future(timelines, at_min, seed)
    inside, soon = pl.col("end") > at_min, pl.Series(np.arange(other.stays.height) % 2 == 0)
    end = pl.when(inside & soon).then(at_min + 1).when(inside).then(at_min + 20 * 1440).otherwise("end")
    died = ~timelines.stays["died_in_hospital"]
    twins = Timelines(other.events.with_columns(pl.col("stay_id") + APART), other.stays)
    return twins.with_stays(
        stay_id=pl.col("stay_id") + APART,
        subject_id=pl.col("subject_id") + APART,
        end=end,
        hospital_end=pl.when(died).then(end).otherwise(end + 3000),
        died_in_hospital=died,
        died_in_unit=died,
    )


def _altered(later: pl.DataFrame, at_min: int, rng: np.random.Generator) -> pl.DataFrame:
    """Other times, values and codes for events that become known after `at_min`, the first minute after it included."""
    n = later.height
    pick = lambda share: pl.Series(rng.random(n) < share, dtype=pl.Boolean)  # noqa: E731
    available = at_min + np.where(rng.random(n) < 0.3, rng.choice([1 / 60, 0.5, 1], n), 1 + rng.integers(0, 6000, n))
    drawn = available - np.where(rng.random(n) < 0.4, 0, rng.integers(0, 4000, n))
    retimed, revalued, recoded = pick(0.5), pick(0.5), pick(0.3)
    unseen = pl.Series([f"//new {k}" for k in rng.integers(0, 5, n)], dtype=pl.String)
    return later.with_columns(
        available=pl.when(retimed).then(pl.Series(available)).otherwise("available"),
        minute=pl.when(retimed).then(pl.Series(drawn)).otherwise("minute"),
        value=pl.when(revalued).then(pl.Series(rng.normal(0, 1e4, n), dtype=pl.Float32)).otherwise("value"),
        code=pl.when(recoded).then(pl.col("modality").str.to_uppercase() + unseen).otherwise("code"),
    ).select(pl.col(name).cast(kind) for name, kind in EVENT.items())


@dataclass(frozen=True)
class Drawn:
    """A few events by Hypothesis: `(minute, delay, place in the catalogue, value)` by stay."""

    events: list[list[tuple[int, int, int, float]]] = field(default_factory=list)

    def timelines(self, stays: Iterable[dict] = ()) -> Timelines:
        """As timelines of stays 1, 2, ..."""
        rows = []
        for number, events in enumerate(self.events, start=1):
            for minute, delay, place, value in events:
                modality, code, is_number = CATALOGUE.row(place)
                rows.append((number, minute, minute + delay, modality, code, value if is_number else None))
        return hand(rows, [*({"stay_id": number + 1} for number in range(len(self.events))), *stays])


def drawn_events(earliest: int = -30, latest: int = 200) -> st.SearchStrategy[list[tuple[int, int, int, float]]]:
    """Events of one stay, small enough to be read when they fail."""
    event = st.tuples(
        st.integers(earliest, latest),
        st.sampled_from((0, 0, 1, 30, 90)),
        st.integers(0, CATALOGUE.height - 1),
        st.sampled_from((0.0, 1.0, -2.5, 140.0)),
    )
    return st.lists(event, max_size=8)


def small_timelines(max_stays: int = 3) -> st.SearchStrategy[Drawn]:
    """One to three stays of a few events."""
    return st.builds(Drawn, st.lists(drawn_events(), min_size=1, max_size=max_stays))


def available_by(timelines: Timelines, at_min: float) -> Timelines:
    """What is known by `at_min`."""
    return replace(timelines, events=timelines.events.filter(pl.col("available") <= at_min))


def available_after(timelines: Timelines, at_min: float) -> Timelines:
    """What is not known by `at_min`."""
    return replace(timelines, events=timelines.events.filter(pl.col("available") > at_min))
