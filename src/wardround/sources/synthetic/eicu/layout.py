"""A synthetic eICU-CRD 2.0: how a chunk's stays become its raw tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from wardround.sources.synthetic.eicu.apache import apache_tables
from wardround.sources.synthetic.eicu.coded import diagnosis_table, history_table, medication_table, treatment_table
from wardround.sources.synthetic.eicu.columns import COLUMNS, MODALITY_OF
from wardround.sources.synthetic.eicu.infusion import infusion_table
from wardround.sources.synthetic.eicu.intake_output import intake_output_table
from wardround.sources.synthetic.eicu.lab import lab_table
from wardround.sources.synthetic.eicu.odd_kinds import ODD_KINDS
from wardround.sources.synthetic.eicu.patient import hospital_table, patient_table, subject_keys
from wardround.sources.synthetic.eicu.settings import MODALITIES, SyntheticSettings
from wardround.sources.synthetic.eicu.vitals import vital_tables
from wardround.sources.synthetic.layout import People, Spec
from wardround.sources.synthetic.made import Draw, Made, Written
from wardround.sources.synthetic.missingness import Missing

FIRST_STAY_ID: Final = 200_000
FIRST_HOSPITAL_STAY_ID: Final = 120_000
"""Both as in the published database; ids of one chunk are shuffled, so that their order says nothing about time."""

TAU: Final[dict[str, float]] = {
    "diagnosis": 0.9,
    "treatment": 0.9,
    "medication": 1.1,
    "lab": 0.6,
    "aps": 0.7,
    "vitals": 0.7,
    "infusion": 0.7,
    "intake_output": 0.9,
}
"""Standard deviation of each modality's lasting error, in units of severity (`stays.py`)."""


SPEC: Final = Spec(source="eicu", columns=COLUMNS, last="patient", tau=TAU, odd=ODD_KINDS)


@dataclass(frozen=True)
class EicuLayout:
    """The layout of eICU-CRD 2.0."""

    settings: SyntheticSettings
    seed: int

    @property
    def spec(self) -> Spec:
        """Its tables."""
        return SPEC

    @property
    def people(self) -> People:
        """Of many hospitals, some of them patients whom no id names."""
        return People(self.settings.hospitals, self.settings.orphan_rate)

    @property
    def missing_rates(self) -> Mapping[str, float]:
        """The same for all modalities."""
        return dict.fromkeys(MODALITIES, self.settings.missing_rate)

    @property
    def packages(self) -> tuple[str, ...]:
        """None: numpy and polars are named for all layouts."""
        return ()

    def _ids(self, draw: Draw) -> pl.DataFrame:
        """`stay_id, subject_key, hospital_stay_id` of a chunk's stays, in their order."""
        stays, made, rng = draw.stays, draw.made, draw.stream("ids")
        stay_id = FIRST_STAY_ID + made.stays + rng.permutation(stays.size)
        hospital_stay = rng.permutation(stays.admissions.patient.size)[stays.hospital_stay]
        hospital_stay_id = FIRST_HOSPITAL_STAY_ID + made.hospital_stays + hospital_stay
        subject = subject_keys(made.patients + stays.of_stay("patient"), stays.of_stay("hospital"))
        return pl.DataFrame({"stay_id": stay_id, "subject_key": subject, "hospital_stay_id": hospital_stay_id})

    def write(self, draw: Draw, missing: Missing) -> Written:
        """The tables of a chunk without what is missing."""
        ids = self._ids(draw)
        every = self._event_tables(draw)
        tables = {"patient": patient_table(draw.stays, ids, draw.stream("patient"))}
        tables |= {name: _seen(name, rows, ids, missing, draw.made) for name, rows in every.items()}
        tables = {name: rows.select(COLUMNS[name]) for name, rows in tables.items()}
        return Written(ids, tables, {name: rows.height for name, rows in every.items()})

    def whole_table(self, name: str) -> pl.DataFrame | None:
        """`hospital` is of the whole cohort."""
        return hospital_table(self.settings.hospitals, self.seed) if name == "hospital" else None

    def _event_tables(self, draw: Draw) -> dict[str, pl.DataFrame]:
        """All rows of every event table, before anything is taken away; `stay` is the place in `stays`."""
        stays = draw.stays
        return {
            "diagnosis": diagnosis_table(stays, draw.stream("diagnosis")),
            "treatment": treatment_table(stays, draw.stream("treatment")),
            "medication": medication_table(stays, draw.stream("medication")),
            "lab": lab_table(stays, draw.stream("lab")),
            **apache_tables(stays, draw.stream("apache")),
            **vital_tables(stays, self.settings.vitals_every_min, draw.stream("vitals")),
            "infusiondrug": infusion_table(stays, draw.stream("infusion")),
            "intakeOutput": intake_output_table(stays, draw.stream("intake output")),
            "pastHistory": history_table(stays, draw.stream("history")),
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
