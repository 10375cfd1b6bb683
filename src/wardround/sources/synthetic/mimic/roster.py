"""Who is where, and when: the ids of a chunk's stays and their places in the calendar.

Dates are shifted for each patient, as in the published database: the first hospital stay begins on some day of
2110-2190, the next one a while after the end of the one before. Ids are spread over their range by multiplication
modulo a prime, so that their order says nothing about time, and no two chunks share one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Int

from wardround.events import MINUTE_US
from wardround.sources.synthetic.made import Draw
from wardround.sources.synthetic.stays import Stays

PRIME: Final = 9_999_991
"""Below the 10 million ids of each kind that MIMIC-IV has."""
_BLOCK: Final = 100_000_000
"""Numbers beyond the prime go on so much higher."""
DAY_MIN: Final = 1440
GAP_DAYS: Final = (3.0, 90.0, 1.2)
"""Between hospital stays of a patient: least, median, spread of the logarithm."""
STAMP: Final = "%Y-%m-%d %H:%M:%S"


def spread(number: np.ndarray, step: int, prime: int = PRIME) -> Int[np.ndarray, "*row"]:
    """Each number's place in 0 to `prime` - 1, those beyond it in blocks of their own; different numbers have
    different places."""
    return number * step % prime + number // prime * _BLOCK


@dataclass(frozen=True)
class Numbering:
    """How a database numbers, and in which years it was.

    Attributes:
        subject, hadm, stay: first id of each kind.
        prime: below the ids that each kind has.
        first_year, last_year: in which patients first came, before dates were shifted.
    """

    subject: int
    hadm: int
    stay: int
    prime: int
    first_year: int
    last_year: int


@dataclass(frozen=True)
class Roster:
    """The stays of a chunk with their ids and dates. Arrays have an entry a unit stay; dates are minutes since 1970.

    Attributes:
        stays: the unit stays.
        subject_id, hadm_id, stay_id: their ids.
        anchor_year: year of the patient's first hospital stay.
        real_year: the year in which that was, before dates were shifted.
        admitted, begun, ended, discharged: hospital admission, unit admission, unit discharge, hospital discharge.
        first_of_admission: the place of the first unit stay of the same hospital stay.
        first_of_patient: the place of the first unit stay of the same patient.
    """

    stays: Stays
    subject_id: Int[np.ndarray, " stay"]
    hadm_id: Int[np.ndarray, " stay"]
    stay_id: Int[np.ndarray, " stay"]
    anchor_year: Int[np.ndarray, " stay"]
    real_year: Int[np.ndarray, " stay"]
    admitted: Int[np.ndarray, " stay"]
    begun: Int[np.ndarray, " stay"]
    ended: Int[np.ndarray, " stay"]
    discharged: Int[np.ndarray, " stay"]
    first_of_admission: Int[np.ndarray, " stay"]
    first_of_patient: Int[np.ndarray, " stay"]

    @property
    def one_an_admission(self) -> Int[np.ndarray, " admission"]:
        """The place of the first unit stay of each hospital stay."""
        return np.unique(self.first_of_admission)

    @property
    def one_a_patient(self) -> Int[np.ndarray, " patient"]:
        """The place of the first unit stay of each patient."""
        return np.unique(self.first_of_patient)

    @property
    def real_years(self) -> Int[np.ndarray, " admission"]:
        """The year of each of `one_an_admission`, before dates were shifted."""
        one = self.one_an_admission
        return moments(self.admitted[one]).dt.year().to_numpy() - self.anchor_year[one] + self.real_year[one]

    def truth_ids(self) -> pl.DataFrame:
        """The ids under which the truth knows the stays."""
        names = {"stay_id": self.stay_id, "subject_key": self.subject_id, "hospital_stay_id": self.hadm_id}
        return pl.DataFrame(names)

    def ids(self, stay: np.ndarray, *names: str) -> dict[str, np.ndarray]:
        """The ids of rows: `subject_id`, `hadm_id` and what else is named."""
        return {name: getattr(self, name)[stay] for name in ("subject_id", "hadm_id", *names)}

    def stamp(self, stay: np.ndarray, offset_min: np.ndarray) -> pl.Series:
        """Times as text, of rows so many minutes after unit admission."""
        return stamp(self.begun[stay] + offset_min)


def stamp(minute: np.ndarray) -> pl.Series:
    """Minutes since 1970 as the text of a time."""
    return moments(minute).dt.to_string(STAMP)


def moments(minute: np.ndarray) -> pl.Series:
    """Minutes since 1970 as times."""
    return pl.Series(minute.astype(np.int64) * MINUTE_US).cast(pl.Datetime("us"))


def first_of_admission(stays: Stays) -> Int[np.ndarray, " stay"]:
    """For each unit stay, the place of the first one of its hospital stay."""
    return _first(stays.hospital_stay)


def first_of_patient(stays: Stays) -> Int[np.ndarray, " stay"]:
    """For each unit stay, the place of the first one of its patient."""
    return _first(stays.of_stay("patient"))


def _first(group: np.ndarray) -> np.ndarray:
    """For each entry of a sorted array, the place of the first equal one."""
    return np.searchsorted(group, group)


def draw_roster(draw: Draw, numbering: Numbering) -> Roster:
    """Give a chunk's stays their ids and dates."""
    stays, made, rng = draw.stays, draw.made, draw.stream("roster")
    patients = int(stays.admissions.patient.max()) + 1
    first, first_day = first_of_admission(stays), pl.Series([f"{year}-01-01" for year in range(2110, 2191)])
    january = first_day.str.to_date().cast(pl.Datetime("us")).dt.epoch("s").to_numpy() // 60
    arrival = january[rng.integers(0, january.size, patients)] + rng.integers(0, 365 * DAY_MIN, patients)
    real_year = rng.integers(numbering.first_year, numbering.last_year + 1, patients)
    least, median, deviation = GAP_DAYS
    gap = rng.lognormal(np.log(median), deviation, stays.admissions.patient.size)
    gap_min = np.rint(DAY_MIN * (least + gap)).astype(np.int64)

    patient, one = stays.of_stay("patient"), np.unique(first)
    lasted = (stays.before_min + stays.unit_min + stays.after_min)[one]
    until_next = lasted + gap_min[stays.hospital_stay[one]]
    earlier = np.cumsum(until_next) - until_next
    earlier -= earlier[_first(patient[one])]
    admitted = (arrival[patient[one]] + earlier)[np.searchsorted(one, first)]
    begun = admitted + stays.before_min
    ended = begun + stays.unit_min
    return Roster(
        stays,
        subject_id=numbering.subject + spread(made.patients + patient, 4_463_141, numbering.prime),
        hadm_id=numbering.hadm + spread(made.hospital_stays + stays.hospital_stay, 6_180_339, numbering.prime),
        stay_id=numbering.stay + spread(2 * (made.stays + np.arange(stays.size)), 3_819_661, numbering.prime),
        anchor_year=moments(arrival).dt.year().to_numpy().astype(np.int64)[patient],
        real_year=real_year[patient],
        admitted=admitted,
        begun=begun,
        ended=ended,
        discharged=ended + stays.after_min,
        first_of_admission=first,
        first_of_patient=first_of_patient(stays),
    )
