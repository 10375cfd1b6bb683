"""A chunk of a synthetic eICU: the next patients' stays, their raw tables and their truth.

Each chunk has random streams of its own (`settings.stream`), and its ids go on from those of the chunks before it. So a
chunk is made of the settings, the seed and those chunks' counts alone, and is the same whoever makes it, and when.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.eicu.apache import apache_tables
from wardround.sources.synthetic.eicu.coded import diagnosis_table, history_table, medication_table, treatment_table
from wardround.sources.synthetic.eicu.columns import COLUMNS, MODALITY_OF
from wardround.sources.synthetic.eicu.infusion import infusion_table
from wardround.sources.synthetic.eicu.intake_output import intake_output_table
from wardround.sources.synthetic.eicu.lab import lab_table
from wardround.sources.synthetic.eicu.odd_rows import OddRows
from wardround.sources.synthetic.eicu.patient import patient_table, subject_keys
from wardround.sources.synthetic.eicu.vitals import vital_tables
from wardround.sources.synthetic.missingness import Missing, draw_missing
from wardround.sources.synthetic.population import draw_admissions, draw_hospitals
from wardround.sources.synthetic.reference import draw_reference
from wardround.sources.synthetic.settings import SyntheticSettings, stream
from wardround.sources.synthetic.stays import Stays, run_stays
from wardround.sources.synthetic.truth import hour_truth, stay_truth

FIRST_STAY_ID: Final = 200_000
FIRST_HOSPITAL_STAY_ID: Final = 120_000
"""Both as in the published database; ids of one chunk are shuffled, so that their order says nothing about time."""


@dataclass
class Made:
    """What the chunks so far have made.

    Attributes:
        chunks: how many they are.
        stays: unit stays.
        patients: that were drawn, also those of whom no stay was wanted any more.
        hospital_stays: likewise.
        rows: table -> rows, before anything was taken away.
        odd_rows: the account of what was planted.
    """

    chunks: int = 0
    stays: int = 0
    patients: int = 0
    hospital_stays: int = 0
    rows: Counter[str] = field(default_factory=Counter[str])
    odd_rows: OddRows = field(default_factory=OddRows)

    def add(self, facts: Mapping[str, Any]) -> None:
        """Add the facts of the next chunk (`Chunk.facts`)."""
        self.chunks += 1
        self.stays += facts["stays"]
        self.patients += facts["patients"]
        self.hospital_stays += facts["hospital_stays"]
        self.rows.update(facts["rows"])
        self.odd_rows.add(facts["odd_rows"])


@dataclass(frozen=True)
class Chunk:
    """One chunk.

    Attributes:
        tables: raw table -> its rows, in the published columns.
        stay_truth: the rows of `truth/stays.parquet`.
        hour_truth: the rows of `truth/hours.parquet`.
        facts: what `Made.add` counts, as plain JSON values.
    """

    tables: dict[str, pl.DataFrame]
    stay_truth: pl.DataFrame
    hour_truth: pl.DataFrame
    facts: dict[str, Any]


class Cohort:
    """The population that chunks are drawn from."""

    def __init__(self, settings: SyntheticSettings, seed: int) -> None:
        self.settings, self.seed = settings, seed
        self.hospitals = draw_hospitals(settings, seed)
        self.reference = draw_reference(settings, self.hospitals, seed)

    def chunk(self, made: Made, patients: int, wanted: int) -> Chunk:
        """Draw the next chunk.

        Args:
            made: by the chunks before.
            patients: to draw.
            wanted: stays, at most.

        Returns:
            Their stays.
        """
        drawn = draw_admissions(
            patients, self.reference.shift, self.settings, self.hospitals, self._stream(made, "admissions")
        )
        stays = run_stays(drawn, wanted, self._stream(made, "stays"))
        ids = self._ids(made, stays)
        missing = draw_missing(stays, self.settings, self.reference, self._stream(made, "missing"))
        every = self._event_tables(made, stays)
        tables = {"patient": patient_table(stays, ids, self._stream(made, "patient"))}
        tables |= {name: _seen(name, rows, ids, missing, made) for name, rows in every.items()}
        tables = {name: rows.select(COLUMNS[name]) for name, rows in tables.items()}
        planted = OddRows(next_id=made.odd_rows.next_id)
        if self.settings.odd_rows:
            tables = {
                name: planted.plant(name, rows, self._stream(made, f"odd {name}")) for name, rows in tables.items()
            }
        facts = {
            "stays": stays.size,
            "patients": patients,
            "hospital_stays": drawn.patient.size,
            "rows": {name: rows.height for name, rows in every.items()},
            "odd_rows": {**planted.as_json(), "next_id": planted.next_id},
        }
        return Chunk(tables, stay_truth(stays, missing, ids), hour_truth(stays, ids["stay_id"].to_numpy()), facts)

    def _stream(self, made: Made, name: str) -> np.random.Generator:
        return stream(self.seed, made.chunks, name)

    def _ids(self, made: Made, stays: Stays) -> pl.DataFrame:
        """`stay_id, subject_key, hospital_stay_id` of a chunk's stays, in the order of `stays`."""
        rng = self._stream(made, "ids")
        stay_id = FIRST_STAY_ID + made.stays + rng.permutation(stays.size)
        hospital_stay = rng.permutation(stays.admissions.patient.size)[stays.hospital_stay]
        hospital_stay_id = FIRST_HOSPITAL_STAY_ID + made.hospital_stays + hospital_stay
        subject = subject_keys(made.patients + stays.of_stay("patient"), stays.of_stay("hospital"))
        return pl.DataFrame({"stay_id": stay_id, "subject_key": subject, "hospital_stay_id": hospital_stay_id})

    def _event_tables(self, made: Made, stays: Stays) -> dict[str, pl.DataFrame]:
        """All rows of every event table, before anything is taken away; `stay` is the place in `stays`."""
        return {
            "diagnosis": diagnosis_table(stays, self._stream(made, "diagnosis")),
            "treatment": treatment_table(stays, self._stream(made, "treatment")),
            "medication": medication_table(stays, self._stream(made, "medication")),
            "lab": lab_table(stays, self._stream(made, "lab")),
            **apache_tables(stays, self._stream(made, "apache")),
            **vital_tables(stays, self.settings.vitals_every_min, self._stream(made, "vitals")),
            "infusiondrug": infusion_table(stays, self._stream(made, "infusion")),
            "intakeOutput": intake_output_table(stays, self._stream(made, "intake output")),
            "pastHistory": history_table(stays, self._stream(made, "history")),
        }


def _seen(name: str, rows: pl.DataFrame, ids: pl.DataFrame, missing: Missing, made: Made) -> pl.DataFrame:
    """The rows of an event table that are not missing, with their ids; each has the number it had among all."""
    first = made.rows[name] + 1
    rows = rows.with_columns(
        pl.int_range(first, first + rows.height).alias(COLUMNS[name][0]),
        ids["stay_id"].gather(rows["stay"]).alias("patientunitstayid"),
    )
    here = ~missing.mask[MODALITY_OF[name]]
    return rows.filter(pl.Series(here).gather(rows["stay"]))
