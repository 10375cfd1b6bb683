"""ICU timelines made in memory, for tests: events and stays, times as minutes from unit admission.

hand               written by hand
random_timelines   seeded, vectorised (random_timelines.py)
other_future       the same timelines with another future (other_futures.py)
write_data         -> DATA folder (data_folder.py)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from wardround.events import MODALITIES

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


def hand(events: Iterable[tuple[Any, ...]], stays: Iterable[Mapping[str, Any]] = ()) -> Timelines:
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


def default_stay(stay_id: int, **columns: Any) -> dict[str, Any]:
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
