"""Random timelines, seeded and vectorised: many modalities, ties, delays, several stays a subject."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl

from wardround.testing.timelines import APS_MIN, CATALOGUE, EVENT, SPEAKING, STAY, Timelines


def random_timelines(
    seed: int, n: int, at_min: int = 1440, first_id: int = 1, per_stay: float = 14, until: int = 4000
) -> Timelines:
    """`n` seeded stays with their events, up to minute `until`."""
    stays = random_stays(seed, n, at_min, first_id)
    events = random_events(seed, stays, per_stay, at_min, until)
    return Timelines(events.with_columns(pl.col("value").fill_nan(None)), stays)


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
    keep: np.ndarray = has[place, modality_index[code]]
    minute = _minutes(rng, n, at_min, until)
    frame: pl.DataFrame = CATALOGUE[code.tolist()]
    frame = frame.with_columns(stay_id=stay, minute=minute, available=minute + _delays(rng, n))
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
    rows: list[tuple[Any, ...]] = []
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


NOTES: Final = (
    ("radiology_note", "NOTE//radiology"),
    ("radiology_note", "NOTE//radiology//addendum"),
    ("discharge_note", "NOTE//discharge"),
)


def with_documents(timelines: Timelines, seed: int, at_min: int = 1440, pictures: int = 0) -> Timelines:
    """And notes and chest X-rays of most stays, before and after `at_min`, some known later than they were made, some
    twice a minute.

    Args:
        timelines: stays to give them to.
        seed: of all that is drawn.
        at_min: around which they lie, in minutes from unit admission.
        pictures: files that there are; none for no X-rays.
    """
    rng = np.random.default_rng([seed, 6])
    rows: list[tuple[Any, ...]] = []
    for stay in timelines.stays["stay_id"].to_list():
        for _ in range(int(rng.integers(0, 7))):
            minute, delay = float(rng.integers(-60, 2 * at_min)), float(rng.choice((0, 0, 30, 600)))
            modality, code, value = *NOTES[int(rng.integers(0, len(NOTES)))], float(rng.integers(0, 9000))
            if pictures and rng.random() < 0.5:
                modality, code = "cxr", f"CXR//{rng.choice(('AP', 'AP', 'LATERAL'))}"
                value = float(rng.integers(0, pictures))
            rows += [(stay, minute, minute + delay, modality, code, value)] * int(rng.choice((1, 1, 2)))
    made = pl.DataFrame(rows, EVENT, orient="row")
    return replace(timelines, events=pl.concat([timelines.events, made]))


BILLED: Final = ("10//A419", "10//I10", "10//I509", "10//J9601", "10//N179", "9//25000", "9//4019", "9//42731")
"""ICD codes, most of which tell one of the 25 acute care conditions."""


def with_billed_diagnoses(timelines: Timelines, seed: int) -> Timelines:
    """And what each hospital stay is billed with at its discharge: one code or more of `BILLED`."""
    rng = np.random.default_rng([seed, 5])
    stays = timelines.stays.select("stay_id", minute=pl.col("hospital_end").cast(pl.Float64))
    codes = [
        [f"DIAGNOSIS//ICD//{code}" for code in rng.choice(BILLED, n, False)] for n in rng.integers(1, 5, stays.height)
    ]
    made = stays.with_columns(
        available="minute", modality=pl.lit("diagnosis"), code=pl.Series(codes), value=pl.lit(None, pl.Float32)
    ).explode("code")
    own = made.select(pl.col(name).cast(kind) for name, kind in EVENT.items())
    return replace(timelines, events=pl.concat([timelines.events, own]))


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
