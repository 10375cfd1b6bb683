"""Promise 9: the clock, the place, the language and the hash seed of the machine do not matter."""

import datetime
import itertools
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

import raw_meds
import raw_mimic4
from raw_challenge import tiny_set
from raw_eicu import SCALE, Data, RawEicu, none_of, tiny

ZONES = ("UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
LOCALES = ("C", "de_DE.UTF-8", "tr_TR.UTF-8")
SEEDS = tuple(str(seed) for seed in range(10))

SCRIPT = """
import sys, time
from pathlib import Path
from wardround.sources.eicu import EICU
from wardround.sources.pipeline import prepare
time.tzset()
prepare(EICU, Path(sys.argv[1]), Path(sys.argv[2]), quiet=True)
print(time.tzname, hash("wardround"))
"""

DAY = 24 * 60
NIGHT = range(2 * 60, 3 * 60)
"""02:00 to 02:59, the hour that a spring night does not have and an autumn night has twice (Lord Howe: half of it)."""


def minutes_to(month: int, day: int) -> int:
    """Minutes from unit admission (1 July 2001, 00:00) to the start of a day of that calendar year."""
    return (datetime.date(2001, month, day) - datetime.date(2001, 7, 1)).days * DAY


CHANGES = {
    "New York, spring": minutes_to(4, 1),
    "New York, autumn": minutes_to(10, 28),
    "Lord Howe, autumn": minutes_to(3, 25),
    "Lord Howe, spring": minutes_to(10, 28),
}
"""The nights of 2001 in which clocks changed, on the calendar on which the stays are laid."""


def planted() -> tuple[RawEicu, dict[int, int]]:
    """The tiny folder with 97 labs drawn in nights of a clock change; row id -> minute of draw."""
    raw, minutes = tiny(), {}
    spots = itertools.islice(
        itertools.cycle((start, minute) for minute in (*NIGHT, NIGHT.start - 1) for start in CHANGES.values()), 97
    )
    for row, (start, minute) in enumerate(spots, 1000):
        minutes[row] = start + minute
        lab = {"labresultoffset": start + minute, "labresultrevisedoffset": start + minute + 1}
        raw.add(
            "lab",
            labid=row,
            patientunitstayid=1,
            **lab,
            labname="sodium",
            labresult=row / 10,
            labmeasurenamesystem="mmol/L",
        )
    return raw, minutes


def prepare_elsewhere(
    raw: Path, to: Path, zone: str, language: str, seed: str, script: str = SCRIPT
) -> tuple[Data, str]:
    """Run `prepare` in a process of its own; the data, and what the process says of its clock and its hashes."""
    place = {"TZ": zone, "LC_ALL": language, "LANG": language, "PYTHONHASHSEED": seed, "POLARS_MAX_THREADS": "1"}
    command = [sys.executable, "-c", script, str(raw), str(to)]
    done = subprocess.run(command, env=os.environ | place, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return Data(to), done.stdout


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Data, str]]:
    """The same folder prepared in many places: every zone and locale at least once, all 120 at full scale."""
    folder = tmp_path_factory.mktemp("places")
    raw = planted()[0].write(folder / "raw")
    every = list(itertools.product(ZONES, LOCALES, SEEDS))
    count = max(len(ZONES), round(len(every) * SCALE))
    chosen = [(ZONES[i % 4], LOCALES[i // 4 % 3], SEEDS[i % 10]) for i in range(count)] if SCALE < 1 else every
    return [prepare_elsewhere(raw, folder / str(number), *place) for number, place in enumerate(chosen)]


@pytest.mark.slow
def test_the_same_bytes_everywhere(places: list[tuple[Data, str]]):
    hashes = [data.hashes() for data, _ in places]
    assert len(hashes[0]) == 7
    assert all(each == hashes[0] for each in hashes)
    assert len({said for _, said in places}) > len(ZONES), "the processes did not run in different places"
    print(f"files that differ: {none_of(len(hashes[0]) * len(places))}")


@pytest.mark.slow
def test_no_planted_night_row_is_moved(places: list[tuple[Data, str]]):
    minutes = planted()[1]
    for data, _ in places:
        labs = data.events.filter(pl.col("code") == "LAB//sodium//mmol/L")
        row = (labs["numeric_value"].cast(pl.Float64) * 10).round().cast(pl.Int64)
        start = datetime.datetime(2001, 7, 1)
        found = {
            int(number): int((time - start).total_seconds() // 60)
            for number, time in zip(row, labs["time"], strict=True)
        }
        assert found == minutes
    hours = {time.hour for time in labs["time"]}
    assert 2 in hours
    print(f"{len(minutes)} of {len(minutes)} planted rows unmoved in {len(places)} places")


@pytest.mark.slow
def test_times_are_naive_integers(places: list[tuple[Data, str]]):
    for path in sorted((places[0][0].folder / "data").glob("*.parquet")):
        schema = pq.read_schema(path)
        for name in ("time", "available_time"):
            assert str(schema.field(name).type) == "timestamp[us]"
    for name in ("start", "end", "hospital_start", "hospital_end"):
        assert places[0][0].stays.schema[name] == pl.Datetime("us", time_zone=None)


def test_a_cast_through_a_time_zone_is_caught():
    """Negative control: the cast that moved admissions elsewhere moves or loses rows of a spring night."""
    start = minutes_to(4, 1)
    times = pl.Series([datetime.datetime(2001, 7, 1) + datetime.timedelta(minutes=start + minute) for minute in NIGHT])
    through = times.dt.replace_time_zone("America/New_York", ambiguous="earliest", non_existent="null")
    back = through.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    assert back.null_count() == len(NIGHT)
    assert not back.equals(times)


@pytest.mark.slow
def test_the_challenge_is_the_same_everywhere(tmp_path: Path):
    raw = tiny_set().write(tmp_path / "raw", "tar.gz")
    script = SCRIPT.replace("sources.eicu", "sources.challenge2012").replace("EICU", "CHALLENGE2012")
    places = [
        prepare_elsewhere(raw, tmp_path / str(at), ZONES[at], LOCALES[at % 3], SEEDS[at], script) for at in range(4)
    ]
    hashes = [data.hashes() for data, _ in places]
    assert all(each == hashes[0] for each in hashes)
    assert len({said for _, said in places}) == len(ZONES)


MEDS_SCRIPT = SCRIPT.replace(
    "from wardround.sources.eicu import EICU", "from wardround.sources.meds import meds_source"
)
MEDS_SCRIPT = MEDS_SCRIPT.replace("(EICU,", '(meds_source([Path(sys.argv[1])], Path(sys.argv[1]) / "mapping.toml"),')


@pytest.mark.slow
def test_meds_is_the_same_everywhere_and_no_night_row_is_moved(tmp_path: Path):
    """A pulse in every minute of the nights of 2150 in which clocks would change, 02:00 to 02:59."""
    raw = raw_meds.tiny()
    raw.mapping = raw.mapping.replace("before_h = 6", "before_h = 8000")
    nights = [datetime.datetime(2149, month, day, 2) for month, day in ((3, 30), (4, 6), (10, 5), (11, 2))]
    planted = sorted(night + datetime.timedelta(minutes=minute) for night in nights for minute in range(60))
    for time in planted:
        raw.add(1, str(time), "HR", 61.0)
    folder = raw.write(tmp_path / "raw")
    places = [
        prepare_elsewhere(folder, tmp_path / str(at), ZONES[at], LOCALES[at % 3], SEEDS[at], MEDS_SCRIPT)
        for at in range(4)
    ]
    hashes = [data.hashes() for data, _ in places]
    assert all(each == hashes[0] for each in hashes)
    assert len({said for _, said in places}) == len(ZONES)
    pulses = places[-1][0].events.filter(pl.col("numeric_value") == 61)
    assert pulses["time"].to_list() == planted


@pytest.mark.slow
def test_mimic_iv_is_the_same_everywhere_and_no_night_row_is_moved(tmp_path: Path):
    """A pulse in every minute of a night in which clocks would change, 02:00 to 02:59."""
    raw = raw_mimic4.RawMimic4().named().stay(1, intime="2151-03-13 12:00:00", outtime="2151-03-15 12:00:00")
    nights = [f"2151-03-14 02:{minute:02}:30" for minute in range(60)]
    for time in nights:
        raw.add("icu/chartevents", 1, charttime=time, storetime=time, itemid=220045, value=61, valuenum=61)
    folder = raw.write(tmp_path / "raw")
    script = SCRIPT.replace("sources.eicu", "sources.mimic4").replace("EICU", "MIMIC4")
    places = [
        prepare_elsewhere(folder, tmp_path / str(at), ZONES[at], LOCALES[at % 3], SEEDS[at], script) for at in range(4)
    ]
    hashes = [data.hashes() for data, _ in places]
    assert all(each == hashes[0] for each in hashes)
    pulses = places[-1][0].events.filter(pl.col("code") == "VITAL//heartrate//bpm")
    assert [str(time) for time in pulses["time"]] == nights
