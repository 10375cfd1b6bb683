"""`PATIENTS`, `ADMISSIONS`, `ICUSTAYS` and `SERVICES`: who, where, from when to when, how it ended."""

from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Int

from wardround.sources.synthetic.made import Draw
from wardround.sources.synthetic.mimic.care_units import service_rows, units_of
from wardround.sources.synthetic.mimic.people import last_days, word
from wardround.sources.synthetic.mimic.roster import DAY_MIN, STAMP, Roster, moments, stamp
from wardround.sources.synthetic.mimic.working_diagnosis import working_diagnoses
from wardround.sources.synthetic.mimic3.systems import SYSTEMS
from wardround.sources.synthetic.population import CAUSE_NAMES

OLDEST, HIDDEN_YEARS = 89, 300
"""Who was older at the first hospital stay was born so many years before it, as written."""
UNITS: Final = (*(("MICU", 52), ("MICU", 23), ("SICU", 33), ("TSICU", 14), ("CCU", 7), ("CSRU", 15), ("SICU", 57)),)
"""Unit and ward, in the order of `care_units.units_of`."""
RELIGIONS: Final = ("CATHOLIC", "NOT SPECIFIED", "UNOBTAINABLE", "PROTESTANT QUAKER", "JEWISH", "OTHER")
MARITAL: Final = ("MARRIED", "SINGLE", "WIDOWED", "DIVORCED", None)
ETHNICITIES: Final = (
    *("WHITE", "BLACK/AFRICAN AMERICAN", "HISPANIC/LATINO - PUERTO RICAN"),
    *("ASIAN", "OTHER", "UNKNOWN/NOT SPECIFIED"),
)
LANGUAGES: Final = ("ENGL", "SPAN", "RUSS", None)
INSURANCES: Final = ("Medicare", "Private", "Medicaid")
HOMES: Final = ("HOME", "HOME HEALTH CARE", "SNF", "REHAB/DISTINCT PART HOSP", "LONG TERM CARE HOSPITAL")
DEAD: Final = "DEAD/EXPIRED"
WAYS_IN: Final = (
    ("EMERGENCY", "EMERGENCY ROOM ADMIT"),
    ("EMERGENCY", "CLINIC REFERRAL/PREMATURE"),
    ("URGENT", "TRANSFER FROM HOSP/EXTRAM"),
    ("ELECTIVE", "PHYS REFERRAL/NORMAL DELI"),
)
"""Kind of admission and where from; the last one of those who come for surgery."""


def person_tables(
    draw: Draw, roster: Roster, unknown: Bool[np.ndarray, " stay"], metavision: Bool[np.ndarray, " stay"]
) -> dict[str, pl.DataFrame]:
    """The rows of the four tables: one a patient, one a hospital stay, one a unit stay, one or two a hospital stay;
    but for `HAS_CHARTEVENTS_DATA` (`with_charted`).

    Args:
        draw: the chunk.
        roster: its stays with ids and dates.
        unknown: for each stay, whether its patient's demographics are missing.
        metavision: for each stay, which system it is in.
    """
    return {
        "PATIENTS": _patients(roster, unknown, draw.stream("patients")),
        "ADMISSIONS": _admissions(
            roster, unknown, working_diagnoses(roster, draw.stream("working diagnoses")), draw.stream("admission rows")
        ),
        "ICUSTAYS": _icustays(roster, metavision, units_of(roster, draw.stream("units"))),
        "SERVICES": service_rows(roster, draw.stream("services")),
    }


def with_charted(admissions: pl.DataFrame, charted: pl.DataFrame) -> pl.DataFrame:
    """The rows of `ADMISSIONS` with `HAS_CHARTEVENTS_DATA`: whether rows of `CHARTEVENTS` are of the hospital stay."""
    has = pl.col("hadm_id").is_in(charted["hadm_id"].unique().implode())
    return admissions.with_columns(has_chartevents_data=has.cast(pl.Int64))


def age_at(
    roster: Roster, patients: pl.DataFrame, stay: Int[np.ndarray, "*row"], minute: Int[np.ndarray, "*row"]
) -> list[int | None]:
    """Whole years that the patient of each stay has lived at a time; 300 and more of those whose age is hidden, None
    where no day of birth is written.

    Args:
        roster: the stays with ids and dates.
        patients: the rows of `PATIENTS`.
        stay: places in the roster.
        minute: times, minutes since 1970.
    """
    person = np.searchsorted(roster.one_a_patient, roster.first_of_patient[stay])
    frame = pl.DataFrame({"at": moments(minute), "born": patients["dob"].str.to_datetime().gather(person)})
    day = {name: pl.col(name).dt.month().cast(pl.Int32) * 32 + pl.col(name).dt.day() for name in frame.columns}
    years = pl.col("at").dt.year() - pl.col("born").dt.year() - (day["at"] < day["born"]).cast(pl.Int32)
    return frame.select(years).to_series().to_list()


def _born(roster: Roster, rng: np.random.Generator) -> pl.Series:
    """Days of birth: so many whole years before the first unit admission, or as those of the oldest are hidden."""
    one = roster.one_a_patient
    age, first = roster.stays.of_stay("age")[one], moments(roster.begun[one])
    hidden = age > OLDEST
    back = pl.Series(np.where(hidden, HIDDEN_YEARS, age))
    days = pl.Series(np.where(hidden, 0, rng.integers(1, 360, one.size)))
    frame = pl.DataFrame({"first": first, "admitted": moments(roster.admitted[one]), "hidden": hidden, "years": back})
    since = pl.when("hidden").then("admitted").otherwise("first").dt.truncate("1d")
    years = since.dt.offset_by(pl.format("-{}y", "years"))
    return frame.with_columns(days=days).select((years - pl.duration(days="days")).dt.to_string(STAMP)).to_series()


def _patients(roster: Roster, unknown: np.ndarray, rng: np.random.Generator) -> pl.DataFrame:
    one, stays = roster.one_a_patient, roster.stays
    dead, minute = last_days(roster, rng)
    in_hospital = stays.died[np.append(one[1:], stays.size) - 1]
    day, blank = stamp(minute // DAY_MIN * DAY_MIN), unknown[one]
    return pl.DataFrame(
        {
            "subject_id": roster.subject_id[one],
            "gender": word(("M", "F"), stays.of_stay("female")[one].astype(np.int64), blank),
            "dob": _born(roster, rng).set(pl.Series(blank), None),
            "dod": day.set(pl.Series(~dead), None),
            "dod_hosp": day.set(pl.Series(~in_hospital), None),
            "dod_ssn": day.set(pl.Series(~dead | (rng.random(one.size) < 0.3) & in_hospital), None),
            "expire_flag": dead.astype(np.int64),
        }
    )


def _admissions(roster: Roster, unknown: np.ndarray, working: pl.Series, rng: np.random.Generator) -> pl.DataFrame:
    one, stays = roster.one_an_admission, roster.stays
    died, blank = stays.died[one], unknown[one]
    person = np.searchsorted(roster.one_a_patient, roster.first_of_patient[one])
    cause = stays.of_stay("cause")[one]
    surgical = cause == CAUSE_NAMES.index("bypass surgery")
    way = np.where(surgical, 3, rng.choice(3, one.size, p=[0.7, 0.12, 0.18]))
    by_ed = pl.Series(way == 0)

    def of_person(words: tuple[str | None, ...], shares: list[float]) -> pl.Series:
        return word(words, rng.choice(len(words), roster.one_a_patient.size, p=shares)[person], blank)

    old = stays.of_stay("age")[one] >= 65
    insured = np.where(old, rng.choice(2, one.size, p=[0.85, 0.15]), rng.choice([1, 2], one.size, p=[0.75, 0.25]))
    arrived = roster.admitted[one] - rng.integers(60, 480, one.size)
    left = np.minimum(roster.admitted[one] + rng.integers(0, 120, one.size), roster.begun[one])
    home = np.where(died, len(HOMES), rng.choice(len(HOMES), one.size, p=[0.3, 0.28, 0.25, 0.12, 0.05]))
    discharged = stamp(roster.discharged[one])
    return pl.DataFrame(
        {
            **roster.ids(one),
            "admittime": stamp(roster.admitted[one]),
            "dischtime": discharged,
            "deathtime": discharged.set(pl.Series(~died), None),
            "admission_type": word(tuple(kind for kind, _ in WAYS_IN), way, blank),
            "admission_location": word(tuple(where for _, where in WAYS_IN), way, blank),
            "discharge_location": word((*HOMES, DEAD), home),
            "insurance": word(INSURANCES, insured, blank),
            "language": of_person(LANGUAGES, [0.6, 0.08, 0.04, 0.28]),
            "religion": of_person(RELIGIONS, [0.4, 0.2, 0.12, 0.12, 0.1, 0.06]),
            "marital_status": of_person(MARITAL, [0.42, 0.28, 0.15, 0.1, 0.05]),
            "ethnicity": of_person(ETHNICITIES, [0.68, 0.13, 0.05, 0.03, 0.05, 0.06]),
            "edregtime": stamp(arrived).set(~by_ed, None),
            "edouttime": stamp(left).set(~by_ed, None),
            "diagnosis": working,
            "hospital_expire_flag": died.astype(np.int64),
        }
    )


def _icustays(roster: Roster, metavision: np.ndarray, unit: np.ndarray) -> pl.DataFrame:
    units, wards = word(tuple(name for name, _ in UNITS), unit), pl.Series([ward for _, ward in UNITS]).gather(unit)
    return pl.DataFrame(
        {
            **roster.ids(np.arange(roster.stays.size)),
            "icustay_id": roster.stay_id,
            "dbsource": word(SYSTEMS, metavision.astype(np.int64)),
            "first_careunit": units,
            "last_careunit": units,
            "first_wardid": wards,
            "last_wardid": wards,
            "intime": stamp(roster.begun),
            "outtime": stamp(roster.ended),
            "los": (roster.stays.unit_min / DAY_MIN).round(4),
        }
    )
