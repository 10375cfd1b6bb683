"""Odd lines of the Challenge's records, each with the one reason that sets it aside: the written rules, as data."""

import random
from collections import Counter

import polars as pl

from raw_challenge import RawSet, record
from wardround.sources.block import Converted, convert_block
from wardround.sources.challenge2012.columns import RECORD
from wardround.sources.challenge2012.observations import OBSERVATION_TABLE
from wardround.sources.challenge2012.record_text import observation_rows

ODD_LINES = [
    ("00:00,RecordID,17", "states the RecordID"),
    ("00:00,Height,-1", "missing (-1)"),
    ("00:00,Gender,-1", "missing (-1)"),
    ("07:00,Urine,-1", "missing (-1)"),
    ("00:00,Height,462.3", "implausible value"),
    ("00:00,Height,1.7", "implausible value"),
    ("00:00,Gender,2", "implausible value"),
    ("00:00,ICUType,0.5", "implausible value"),
    ("00:00,Age,200", "implausible value"),
    ("07:00,HR,0", "implausible value"),
    ("07:00,SysABP,0", "implausible value"),
    ("07:00,Temp,-17.8", "implausible value"),
    ("07:00,Temp,0", "implausible value"),
    ("07:00,pH,99", "implausible value"),
    ("07:00,pH,73.5", "implausible value"),
    ("07:00,WBC,12500", "implausible value"),
    ("07:00,Weight,0", "implausible value"),
    ("07:00,MechVent,2", "implausible value"),
    ("07:00,Urine,-60", "implausible value"),
    ("07:00,HR,1e308", "implausible value"),
    ("07:00,Age,60", "descriptor after admission"),
    ("07:00,ICUType,3", "descriptor after admission"),
    ("07:00,RecordID,17", "states the RecordID"),
    ("07:00,Potassium,4", "unknown parameter"),
    ("07:00,hr,70", "unknown parameter"),
    ("07:00,,70", "unknown parameter"),
    ("07:00,HR,", "no value"),
    ("07:00,HR,fast", "not a number: Value"),
    ("07:00,HR,nan", "not a number: Value"),
    ("07:00,HR,inf", "not a number: Value"),
    ("-01:00,HR,70", "time before unit admission"),
    ("48:01,HR,70", "time after the record's 48 h"),
    ("999:00,HR,70", "time after the record's 48 h"),
    ("9999:00,HR,70", "not a time: Time"),
    (",HR,70", "no time"),
    ("7,HR,70", "not a time: Time"),
    ("07:60,HR,70", "not a time: Time"),
    ("07:00:00,HR,70", "not a time: Time"),
    ("07:00,HR", "wrong number of fields"),
    ("07:00,HR,7,3", "wrong number of fields"),
    ("", "wrong number of fields"),
]
"""A line, and the one rule that sets it aside."""


SHARDS = pl.DataFrame({"stay_id": [17], "subject_id": [5], "slice": [0]})


def converted(*lines: str) -> Converted:
    """The lines of record 17 as one block."""
    block = observation_rows(["17"], ["".join(f"{line}\n" for line in lines)], 0)
    return convert_block(block, OBSERVATION_TABLE, RECORD, SHARDS)


def planted(seed: int, records: int = 12) -> tuple[RawSet, dict[str, dict[str, int]]]:
    """A set with odd lines, equal lines and odd records; table -> reason -> how many of it are there."""
    rng, made = random.Random(seed), RawSet("abc"[seed % 3])
    expected = {"records": Counter[str](), "outcomes": Counter[str](), "observations": Counter[str]()}
    for number in range(100, 100 + records):
        hours = [rng.randrange(48) for _ in range(rng.randrange(9))]
        lines = [f"{hour:02}:{minute:02},HR,{rng.randrange(50, 150)}" for minute, hour in enumerate(hours)]
        for line, reason in rng.sample(ODD_LINES, rng.randrange(6)):
            if line.startswith("00:00,") and not line.startswith("00:00,Height"):
                continue  # it would change what the record states of itself
            lines.append(line.replace(",17", f",{number}"))
            expected["observations"][reason] += 1
        if hours and rng.random() < 0.5:
            lines.append(lines[0])
            expected["observations"]["duplicate row"] += 1
        made.add(number, *rng.sample(lines, len(lines)))
        expected["observations"]["states the RecordID"] += 1
    nobody = record(999, "01:00,HR,70")
    made.records["1000.txt"] = nobody
    expected["records"]["file name and RecordID differ"] += 1
    expected["observations"]["no such stay"] += len(nobody)
    made.outcomes = [*(made.outcomes or []), "1000,1,1,5,-1,0", "100,1,1", "x,1,1,5,-1,0"]
    expected["outcomes"] = Counter({"no such stay": 1, "wrong number of fields": 1, "not a number: RecordID": 1})
    return made, {table: dict(sorted(reasons.items())) for table, reasons in expected.items()}
