"""`patients`, `admissions`, `icustays`, `services` and `transfers`: who, where, from when to when, how it ended."""

from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.made import Draw
from wardround.sources.synthetic.mimic.care_units import CARE, OTHER_CARE, service_rows, units_of
from wardround.sources.synthetic.mimic.people import last_days, word
from wardround.sources.synthetic.mimic.roster import (
    DAY_MIN,
    STAMP,
    Roster,
    moments,
    spread,
    stamp,
)
from wardround.sources.synthetic.mimic4.numbering import NUMBERING
from wardround.sources.synthetic.population import CAUSE_NAMES

OLDEST, WRITTEN_AGE = 89, 91
"""Older patients are all written as 91."""
UNITS: Final = (
    "Medical Intensive Care Unit (MICU)",
    "Medical/Surgical Intensive Care Unit (MICU/SICU)",
    "Surgical Intensive Care Unit (SICU)",
    "Trauma SICU (TSICU)",
    "Coronary Care Unit (CCU)",
    "Cardiac Vascular Intensive Care Unit (CVICU)",
    "Neuro Surgical Intensive Care Unit (Neuro SICU)",
)
MARITAL: Final = ("MARRIED", "SINGLE", "WIDOWED", "DIVORCED", None)
RACES: Final = (
    "WHITE",
    "BLACK/AFRICAN AMERICAN",
    "HISPANIC/LATINO - PUERTO RICAN",
    "ASIAN - CHINESE",
    "OTHER",
    "UNKNOWN",
)
HOMES: Final = ("HOME", "HOME HEALTH CARE", "SKILLED NURSING FACILITY", "REHAB", "CHRONIC/LONG TERM ACUTE CARE")
WAYS_IN: Final = (
    ("EW EMER.", "EMERGENCY ROOM"),
    ("OBSERVATION ADMIT", "EMERGENCY ROOM"),
    ("URGENT", "TRANSFER FROM HOSPITAL"),
    ("DIRECT EMER.", "PHYSICIAN REFERRAL"),
    ("SURGICAL SAME DAY ADMISSION", "PHYSICIAN REFERRAL"),
)
"""Kind of admission and where from; the last one of those who come for surgery."""


def person_tables(draw: Draw, roster: Roster, unknown: np.ndarray) -> dict[str, pl.DataFrame]:
    """The rows of the five tables.

    Args:
        draw: the chunk.
        roster: its stays with ids and dates.
        unknown: for each stay, whether its patient's demographics are missing.

    Returns:
        Table -> rows: one a patient, one a hospital stay, one a unit stay, one or two a hospital stay, and one a move.
    """
    rng = draw.stream("way in")
    surgical = roster.stays.of_stay("cause") == CAUSE_NAMES.index("bypass surgery")
    way = np.where(surgical, 4, rng.choice(4, roster.stays.size, p=[0.6, 0.15, 0.17, 0.08]))
    arrived = roster.admitted - rng.integers(60, 720, roster.stays.size)
    by_ed = (way < 2)[roster.first_of_admission]
    unit = units_of(roster, draw.stream("units"))
    return {
        "hosp/patients": _patients(roster, unknown, draw.stream("patients")),
        "hosp/admissions": _admissions(roster, unknown, way, arrived, draw.stream("admission rows")),
        "icu/icustays": _icustays(roster, unit),
        "hosp/services": service_rows(roster, draw.stream("services")),
        "hosp/transfers": _transfers(draw, roster, unit, np.where(by_ed, arrived, -1)),
    }


def _patients(roster: Roster, unknown: np.ndarray, rng: np.random.Generator) -> pl.DataFrame:
    one, stays = roster.one_a_patient, roster.stays
    age, blank = stays.of_stay("age")[one], unknown[one]
    dead, day = last_days(roster, rng)
    groups = tuple(f"{year} - {year + 2}" for year in range(2008, 2023, 3))
    return pl.DataFrame(
        {
            "subject_id": roster.subject_id[one],
            "gender": word(("M", "F"), stays.of_stay("female")[one].astype(np.int64), blank),
            "anchor_age": pl.Series(np.where(age > OLDEST, WRITTEN_AGE, age)).set(pl.Series(blank), None),
            "anchor_year": roster.anchor_year[one],
            "anchor_year_group": word(groups, (roster.real_year[one] - 2008) // 3),
            "dod": moments(day).dt.to_string("%Y-%m-%d").set(pl.Series(~dead), None),
        }
    )


def _admissions(
    roster: Roster, unknown: np.ndarray, way: np.ndarray, arrived: np.ndarray, rng: np.random.Generator
) -> pl.DataFrame:
    one, stays = roster.one_an_admission, roster.stays
    died, blank, way, arrived = stays.died[one], unknown[one], way[one], arrived[one]
    person = np.searchsorted(roster.one_a_patient, roster.first_of_patient[one])
    people = roster.one_a_patient.size
    old = stays.of_stay("age")[one] >= 65
    insured = np.where(old, rng.choice(2, one.size, p=[0.85, 0.15]), rng.choice([1, 2], one.size, p=[0.75, 0.25]))
    married = rng.choice(len(MARITAL), people, p=[0.42, 0.28, 0.15, 0.1, 0.05])[person]
    race = rng.choice(len(RACES), people, p=[0.68, 0.13, 0.05, 0.03, 0.05, 0.06])[person]
    speaks = (rng.random(people) < 0.1).astype(np.int64)[person]
    left = np.minimum(roster.admitted[one] + rng.integers(0, 120, one.size), roster.begun[one])
    home = np.where(died, len(HOMES), rng.choice(len(HOMES), one.size, p=[0.3, 0.28, 0.25, 0.12, 0.05]))
    discharged = stamp(roster.discharged[one])
    walked_in = pl.Series(way >= 2)
    provider = pl.DataFrame({"n": 10_000 + rng.integers(0, 90_000, one.size)})
    return pl.DataFrame(
        {
            **roster.ids(one),
            "admittime": stamp(roster.admitted[one]),
            "dischtime": discharged,
            "deathtime": discharged.set(pl.Series(~died), None),
            "admission_type": word(tuple(kind for kind, _ in WAYS_IN), way, blank),
            "admit_provider_id": provider.select(pl.format("P{}", "n")).to_series(),
            "admission_location": word(tuple(where for _, where in WAYS_IN), way, blank),
            "discharge_location": word((*HOMES, "DIED"), home),
            "insurance": word(("Medicare", "Other", "Medicaid"), insured, blank),
            "language": word(("ENGLISH", "?"), speaks, blank),
            "marital_status": word(MARITAL, married, blank),
            "race": word(RACES, race, blank),
            "edregtime": stamp(arrived).set(walked_in, None),
            "edouttime": stamp(left).set(walked_in, None),
            "hospital_expire_flag": died.astype(np.int64),
        }
    )


def _icustays(roster: Roster, unit: np.ndarray) -> pl.DataFrame:
    every = np.arange(roster.stays.size)
    return pl.DataFrame(
        {
            **roster.ids(every, "stay_id"),
            "first_careunit": word(UNITS, unit),
            "last_careunit": word(UNITS, unit),
            "intime": stamp(roster.begun),
            "outtime": stamp(roster.ended),
            "los": (roster.stays.unit_min / DAY_MIN).round(10),
        }
    )


def _transfers(draw: Draw, roster: Roster, unit: np.ndarray, arrived: np.ndarray) -> pl.DataFrame:
    """The emergency department (where `arrived` is not -1), the ward before, each unit, the wards after, the end."""
    stays, every = roster.stays, np.arange(roster.stays.size)
    one = roster.one_an_admission
    next_begun = np.where(np.append(roster.first_of_admission[1:], -1) == roster.first_of_admission, 1, 0)
    until = np.where(next_begun == 1, np.append(roster.begun[1:], 0), roster.discharged)
    ward = tuple(CARE.get(name, OTHER_CARE)[2] for name in CAUSE_NAMES)
    wards, units = word(ward, stays.of_stay("cause")), word(UNITS, unit)
    by_ed, waited = one[arrived[one] >= 0], one[stays.before_min[one] > 0]
    after = every[until > roster.ended]
    straight = (every == roster.first_of_admission) & (stays.before_min == 0)
    kinds: list[tuple[np.ndarray, str, pl.Series | str | None, np.ndarray, np.ndarray | None]] = [
        (by_ed, "ED", "Emergency Department", arrived[by_ed], roster.admitted[by_ed]),
        (waited, "admit", wards.gather(waited), roster.admitted[waited], roster.begun[waited]),
        (every[straight], "admit", units.gather(every[straight]), roster.begun[straight], roster.ended[straight]),
        (
            every[~straight],
            "transfer",
            units.gather(every[~straight]),
            roster.begun[~straight],
            roster.ended[~straight],
        ),
        (after, "transfer", wards.gather(after), roster.ended[after], until[after]),
        (one, "discharge", None, roster.discharged[one], None),
    ]
    rows = pl.concat(
        pl.DataFrame({**roster.ids(stay), "intime": moments(begin)}).with_columns(
            eventtype=pl.lit(kind),
            careunit=pl.lit(where, pl.String) if not isinstance(where, pl.Series) else where,
            outtime=pl.lit(None, pl.Datetime("us")) if end is None else moments(end),
        )
        for stay, kind, where, begin, end in kinds
    )
    number = spread(2 * (draw.made.rows["hosp/transfers"] + np.arange(rows.height)) + 1, 3_819_661)
    text = rows.with_columns(pl.col("intime", "outtime").dt.to_string(STAMP))
    return text.with_columns(transfer_id=pl.Series(NUMBERING.stay + number))
