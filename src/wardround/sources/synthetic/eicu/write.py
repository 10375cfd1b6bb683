"""Synthetic eICU: the raw tables of a cohort whose true risks are known.

Patients come in chunks; every chunk's stays are run (`stays.py`), its tables made and appended, so memory holds one
chunk and the truth. What a seed gives does not depend on what is taken away: the mechanism and the rate of
missingness, and the odd rows, act on finished tables. Equal seeds and settings give equal bytes (for the same
versions of numpy, polars and isal).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

import wardround
from wardround.errors import UsageError
from wardround.files import storage_errors, write_json, write_manifest, write_table
from wardround.progress import progress
from wardround.sources.synthetic.eicu.apache import apache_tables
from wardround.sources.synthetic.eicu.coded import diagnosis_table, history_table, medication_table, treatment_table
from wardround.sources.synthetic.eicu.columns import COLUMNS, MODALITY_OF
from wardround.sources.synthetic.eicu.infusion import infusion_table
from wardround.sources.synthetic.eicu.intake_output import intake_output_table
from wardround.sources.synthetic.eicu.lab import lab_table
from wardround.sources.synthetic.eicu.odd_rows import OddRows
from wardround.sources.synthetic.eicu.patient import hospital_table, patient_table, subject_keys
from wardround.sources.synthetic.eicu.vitals import vital_tables
from wardround.sources.synthetic.gzip_tables import GzipTable
from wardround.sources.synthetic.missingness import draw_missing
from wardround.sources.synthetic.population import draw_admissions, draw_hospitals
from wardround.sources.synthetic.reference import draw_reference
from wardround.sources.synthetic.settings import SyntheticSettings, stream
from wardround.sources.synthetic.stays import Stays, run_stays
from wardround.sources.synthetic.truth import best_possible, hour_truth, stay_truth

PATIENTS_PER_CHUNK: Final = 2_000
FIRST_STAY_ID: Final = 200_000
FIRST_HOSPITAL_STAY_ID: Final = 120_000
"""Both as in the published database; ids of one chunk are shuffled, so that their order says nothing about time."""


def synthesise_eicu(
    to: Path, stays: int, seed: int, settings: SyntheticSettings | None = None, quiet: bool = False
) -> None:
    """Write a synthetic cohort as raw eICU-CRD 2.0 tables, and the truth about it.

    Args:
        to: the folder; gets a `.csv.gz` a table (names as in the open demo), `truth/stays.parquet`,
            `truth/hours.parquet`,
            `truth/settings.json`, `manifest.json` and, with odd rows, `truth/odd_rows.json`. Files of these names are
            replaced.
        stays: number of unit stays, at least 1.
        seed: 0 or more; equal seeds give equal files.
        settings: mechanism of missingness, mortality, hospitals, ...; the defaults where None.
        quiet: no progress on stderr.

    Raises:
        UsageError: if `stays` or `seed` is out of range.
        StorageError: if the disk refuses.
    """
    if stays < 1 or seed < 0:
        raise UsageError(f"stays is 1 or more and seed 0 or more, got {stays} and {seed}")
    settings = settings or SyntheticSettings()
    with storage_errors(to, "creating"):
        to.mkdir(parents=True, exist_ok=True)
    writer = _Writer(to, seed, settings)
    with progress(stays, "stays", quiet=quiet) as bar:
        while writer.written < stays:
            before = writer.written
            writer.add_chunk(stays - before)
            bar.advance(writer.written - before)
    writer.finish()


@dataclass
class _Writer:
    """The cohort on its way to disk."""

    to: Path
    seed: int
    settings: SyntheticSettings
    written: int = 0
    chunk: int = 0
    patients: int = 0
    hospital_stays: int = 0
    stay_truths: list[pl.DataFrame] = field(default_factory=list[pl.DataFrame])
    hour_truths: list[pl.DataFrame] = field(default_factory=list[pl.DataFrame])

    def __post_init__(self) -> None:
        self.hospitals = draw_hospitals(self.settings, self.seed)
        self.reference = draw_reference(self.settings, self.hospitals, self.seed)
        self.tables = {name: GzipTable(self.to / f"{name}.csv.gz") for name in COLUMNS}
        self.tables["hospital"].add(hospital_table(self.settings, self.seed))
        self.rows_made = dict.fromkeys(COLUMNS, 0)
        self.odd_rows = OddRows()

    def add_chunk(self, wanted: int) -> None:
        """Make and append the next patients' stays, at most `wanted` of them."""
        patients = min(PATIENTS_PER_CHUNK, wanted)
        admissions = self._stream("admissions")
        drawn = draw_admissions(patients, self.reference.shift, self.settings, self.hospitals, admissions)
        stays = run_stays(drawn, wanted, self._stream("stays"))
        ids = self._ids(stays)
        missing = draw_missing(stays, self.settings, self.reference, self._stream("missing"))
        self._add("patient", patient_table(stays, ids, self._stream("patient")))
        for name, rows in self._event_tables(stays).items():
            first = self.rows_made[name] + 1
            self.rows_made[name] += rows.height
            rows = rows.with_columns(
                pl.int_range(first, first + rows.height).alias(COLUMNS[name][0]),
                ids["stay_id"].gather(rows["stay"]).alias("patientunitstayid"),
            )
            here = ~missing.mask[MODALITY_OF[name]]
            self._add(name, rows.filter(pl.Series(here).gather(rows["stay"])))
        self.stay_truths.append(stay_truth(stays, missing, ids))
        self.hour_truths.append(hour_truth(stays, ids["stay_id"].to_numpy()))
        self.chunk, self.written, self.patients = self.chunk + 1, self.written + stays.size, self.patients + patients
        self.hospital_stays += drawn.patient.size

    def _stream(self, name: str) -> np.random.Generator:
        return stream(self.seed, self.chunk, name)

    def _ids(self, stays: Stays) -> pl.DataFrame:
        """`stay_id, subject_key, hospital_stay_id` of a chunk's stays, in the order of `stays`."""
        rng = self._stream("ids")
        stay_id = FIRST_STAY_ID + self.written + rng.permutation(stays.size)
        hospital_stay = rng.permutation(stays.admissions.patient.size)[stays.hospital_stay]
        hospital_stay_id = FIRST_HOSPITAL_STAY_ID + self.hospital_stays + hospital_stay
        subject = subject_keys(self.patients + stays.of_stay("patient"), stays.of_stay("hospital"))
        return pl.DataFrame({"stay_id": stay_id, "subject_key": subject, "hospital_stay_id": hospital_stay_id})

    def _event_tables(self, stays: Stays) -> dict[str, pl.DataFrame]:
        """All rows of every event table, before anything is taken away; `stay` is the place in `stays`."""
        return {
            "diagnosis": diagnosis_table(stays, self._stream("diagnosis")),
            "treatment": treatment_table(stays, self._stream("treatment")),
            "medication": medication_table(stays, self._stream("medication")),
            "lab": lab_table(stays, self._stream("lab")),
            **apache_tables(stays, self._stream("apache")),
            **vital_tables(stays, self.settings.vitals_every_min, self._stream("vitals")),
            "infusiondrug": infusion_table(stays, self._stream("infusion")),
            "intakeOutput": intake_output_table(stays, self._stream("intake output")),
            "pastHistory": history_table(stays, self._stream("history")),
        }

    def _add(self, name: str, rows: pl.DataFrame) -> None:
        rows = rows.select(COLUMNS[name])
        if self.settings.odd_rows:
            rows = self.odd_rows.plant(name, rows, self._stream(f"odd {name}"))
        self.tables[name].add(rows)

    def finish(self) -> None:
        """Put the tables in place and write the truth."""
        for table in self.tables.values():
            table.finish()
        truth = pl.concat(self.stay_truths).sort("stay_id")
        folder = self.to / "truth"
        write_table(folder / "stays.parquet", truth)
        write_table(folder / "hours.parquet", pl.concat(self.hour_truths).sort("stay_id", "hour"))
        if self.settings.odd_rows:
            write_json(folder / "odd_rows.json", self.odd_rows.as_json())
        summary = {"source": "eicu", "stays": truth.height, "seed": self.seed, "settings": self.settings.as_json()}
        write_json(folder / "settings.json", {**summary, "best": best_possible(truth)})
        write_manifest(self.to, "raw", {}, summary, wardround.__version__)
