"""`patient` and `hospital`: who, where, from when to when, and how it ended."""

from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Int

from wardround.sources.synthetic.eicu.presentation import PRESENTATIONS
from wardround.sources.synthetic.population import CAUSE_NAMES
from wardround.sources.synthetic.settings import stream
from wardround.sources.synthetic.stays import Stays

FIRST_HOSPITAL_ID: Final = 56
ETHNICITIES: Final = ("Caucasian", "African American", "Hispanic", "Other/Unknown", "Asian", None)
UNIT_TYPES: Final = ("Med-Surg ICU", "MICU", "SICU", "CCU-CTICU", "Cardiac ICU", "Neuro ICU")
SOURCES: Final = ("Emergency Department", "Floor", "Direct Admit", "Operating Room", None)
UNIT_EXITS: Final = ("Floor", "Step-Down Unit (SDU)", "Acute Care/Floor", "Telemetry", "Home", "Death")
HOSPITAL_EXITS: Final = ("Home", "Skilled Nursing Facility", "Rehabilitation", "Other Hospital", "Death")
CLOCK: Final = pl.Series([f"{minute // 60:02d}:{minute % 60:02d}:00" for minute in range(1440)])
STRAIGHT_HOME_MIN: Final = 60


def hospital_table(hospitals: int, seed: int) -> pl.DataFrame:
    """The rows of `hospital`, one a hospital; some lack their size or region, as in the published table."""
    rng = stream(seed, 0, "hospital table")
    beds = pl.Series(["<100", "100 - 249", "250 - 499", ">= 500", None])
    regions = pl.Series(["Midwest", "South", "West", "Northeast", None])
    return pl.DataFrame(
        {
            "hospitalid": FIRST_HOSPITAL_ID + np.arange(hospitals),
            "numbedscategory": beds.gather(rng.choice(5, hospitals, p=[0.2, 0.35, 0.2, 0.1, 0.15])),
            "teachingstatus": pl.Series(["f", "t"]).gather(rng.integers(0, 10, hospitals) // 9),
            "region": regions.gather(rng.choice(5, hospitals, p=[0.33, 0.29, 0.21, 0.07, 0.1])),
        }
    )


def patient_table(stays: Stays, ids: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `patient`, one a unit stay.

    Args:
        stays: the unit stays.
        ids: `stay_id, hospital_stay_id, subject_key`, a row a stay.
        rng: the source of chance.

    Returns:
        All columns but in no particular order. Offsets are minutes from unit admission, height is in cm, weight in kg.
    """
    age, female, hospital = stays.of_stay("age"), stays.of_stay("female"), stays.of_stay("hospital")
    unit_type = rng.choice(len(UNIT_TYPES), stays.size, p=[0.6, 0.1, 0.1, 0.08, 0.07, 0.05])
    apache = pl.Series([PRESENTATIONS[name].apache for name in CAUSE_NAMES]).gather(stays.of_stay("cause"))
    columns = {
        "patientunitstayid": ids["stay_id"],
        "patienthealthsystemstayid": ids["hospital_stay_id"],
        "gender": pl.Series(["Male", "Female"]).gather(female.astype(np.int64)),
        "age": pl.Series([str(years) if years < 90 else "> 89" for years in range(120)]).gather(age),
        "hospitalid": FIRST_HOSPITAL_ID + hospital,
        "wardid": 10 * (FIRST_HOSPITAL_ID + hospital) + unit_type,
        "apacheadmissiondx": apache.set(pl.Series(rng.random(stays.size) < 0.04), None),
        "unittype": pl.Series(UNIT_TYPES).gather(unit_type),
        "unitvisitnumber": stays.visit,
        "unitstaytype": pl.Series(["admit", "readmit"]).gather(np.minimum(stays.visit, 2) - 1),
        "uniquepid": ids["subject_key"].set(pl.Series(stays.of_stay("orphan")), None),
    }
    return pl.DataFrame({**columns, **_person(stays, female, rng), **_times(stays, rng), **_ends(stays, rng)})


def _person(stays: Stays, female: np.ndarray, rng: np.random.Generator) -> dict[str, pl.Series]:
    """Ethnicity and height, the same on all stays of a patient; weight."""
    patients = int(stays.admissions.patient.max()) + 1
    patient = stays.of_stay("patient")
    ethnicity = rng.choice(len(ETHNICITIES), patients, p=[0.77, 0.11, 0.04, 0.05, 0.02, 0.01])[patient]
    height = np.where(female, 162.5, 176.0) + rng.normal(0, 7, patients)[patient]
    leaving = stays.weight_kg + rng.normal(0, 2, stays.size)
    return {
        "ethnicity": pl.Series(ETHNICITIES).gather(ethnicity),
        "admissionheight": _with_gaps(height.round(1), 0.03, rng),
        "admissionweight": _with_gaps(stays.weight_kg, 0.08, rng),
        "dischargeweight": _with_gaps(leaving.round(1), 0.5, rng),
    }


def _with_gaps(values: np.ndarray, share: float, rng: np.random.Generator) -> pl.Series:
    return pl.Series(values).set(pl.Series(rng.random(values.size) < share), None)


def _times(stays: Stays, rng: np.random.Generator) -> dict[str, np.ndarray | pl.Series]:
    """Offsets from unit admission, and the clock times that go with them."""
    arrival = rng.integers(0, 1440, stays.admissions.patient.size)[stays.hospital_stay]
    year = 2014 + np.maximum(
        stays.of_stay("sequence") > 0, rng.random(stays.admissions.patient.size)[stays.hospital_stay] < 0.5
    )
    moments = {"hospitaladmit": -stays.before_min, "unitadmit": np.zeros_like(stays.unit_min)}
    moments |= {"unitdischarge": stays.unit_min, "hospitaldischarge": stays.unit_min + stays.after_min}
    columns: dict[str, np.ndarray | pl.Series] = {"hospitaldischargeyear": year}
    for name, offset in moments.items():
        columns[f"{name}time24"] = CLOCK.gather((arrival + stays.before_min + offset) % 1440)
        columns[f"{name}offset"] = offset
    del columns["unitadmitoffset"]
    return columns


def _ends(stays: Stays, rng: np.random.Generator) -> dict[str, pl.Series]:
    """Where from, where to, alive or not."""
    surgical = stays.of_stay("cause") == CAUSE_NAMES.index("bypass surgery")
    came_from = rng.choice(len(SOURCES), stays.size, p=[0.7, 0.15, 0.08, 0.0, 0.07])
    came_from = np.where(stays.visit > 1, 1, np.where(surgical, 3, came_from))
    unit_exit = np.where(stays.after_min <= STRAIGHT_HOME_MIN, 4, rng.choice(4, stays.size, p=[0.65, 0.15, 0.1, 0.1]))
    hospital_exit = np.where(stays.died, 4, rng.choice(4, stays.size, p=[0.7, 0.17, 0.06, 0.07]))
    status = pl.Series(["Alive", "Expired"])
    return {
        "hospitaladmitsource": pl.Series(SOURCES).gather(
            np.where(surgical, 3, rng.choice([0, 0, 0, 2, 4], stays.size))
        ),
        "unitadmitsource": pl.Series(SOURCES).gather(came_from),
        "unitdischargelocation": pl.Series(UNIT_EXITS).gather(np.where(stays.died_in_unit, 5, unit_exit)),
        "unitdischargestatus": status.gather(stays.died_in_unit.astype(np.int64)),
        "hospitaldischargelocation": pl.Series(HOSPITAL_EXITS).gather(hospital_exit),
        "hospitaldischargestatus": status.gather(stays.died.astype(np.int64)),
    }


def subject_keys(patient: Int[np.ndarray, " stay"], hospital: Int[np.ndarray, " stay"]) -> pl.Series:
    """Keys in the shape of eICU's `uniquepid`: hospital system, dash, number.

    Args:
        patient: number of the patient in the whole cohort.
        hospital: place of the hospital.
    """
    frame = pl.DataFrame({"hospital": hospital, "patient": patient + 10_000})
    return frame.select(pl.format("{}-{}", pl.col("hospital").cast(pl.String).str.zfill(3), "patient")).to_series()
