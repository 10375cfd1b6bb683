"""A synthetic MIMIC-III 1.4: how a chunk's stays become its raw tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.laboratory import results
from wardround.sources.synthetic.layout import People, Spec
from wardround.sources.synthetic.made import Draw, Written
from wardround.sources.synthetic.mimic import chart, fluids
from wardround.sources.synthetic.mimic.care import bedside_rows
from wardround.sources.synthetic.mimic.cultures import culture_rows
from wardround.sources.synthetic.mimic.labs import lab_rows, timely
from wardround.sources.synthetic.mimic.roster import Roster, draw_roster, first_of_admission, first_of_patient
from wardround.sources.synthetic.mimic.studies import draw_studies
from wardround.sources.synthetic.mimic.tau import TAU
from wardround.sources.synthetic.mimic.ventilator import Ventilator, draw_ventilator
from wardround.sources.synthetic.mimic3.bedside import procedure_event_rows
from wardround.sources.synthetic.mimic3.billing import coded, diagnosis_rows, procedure_rows, titles, visit_truth
from wardround.sources.synthetic.mimic3.billing_list import DIAGNOSES, PRIMARY, PROCEDURES
from wardround.sources.synthetic.mimic3.chart import chart_rows, output_rows
from wardround.sources.synthetic.mimic3.columns import COLUMNS, MODALITY_OF, QUOTED
from wardround.sources.synthetic.mimic3.conditions import draw_conditions
from wardround.sources.synthetic.mimic3.drips import carevue_rows, metavision_rows
from wardround.sources.synthetic.mimic3.items import in_lab_items, items, lab_items
from wardround.sources.synthetic.mimic3.next_visit import Patients, best_next
from wardround.sources.synthetic.mimic3.notes import note_rows
from wardround.sources.synthetic.mimic3.odd_kinds import ODD_KINDS
from wardround.sources.synthetic.mimic3.orders import prescription_rows
from wardround.sources.synthetic.mimic3.people import person_tables, with_charted
from wardround.sources.synthetic.mimic3.settings import SyntheticMimic3Settings
from wardround.sources.synthetic.mimic3.systems import NUMBERING, in_metavision, split
from wardround.sources.synthetic.missingness import Missing
from wardround.sources.synthetic.population import Visiting

RECURRENCE: Final = 0.25
LINKS: Final = {
    "heart failure": {"heart failure": 1.8},
    "copd": {"copd": 2.2, "pneumonia": 0.6},
    "diabetes": {"ketoacidosis": 1.2},
    "renal insufficiency": {"acute renal failure": 1.2},
    "dialysis": {"acute renal failure": -3.0},
    "atrial fibrillation": {"atrial arrhythmia": 1.8},
    "stroke": {"stroke": 1.0},
    "cirrhosis": {"upper gi bleed": 1.6, "alcohol withdrawal": 1.6},
    "immunosuppression": {"pulmonary sepsis": 0.9, "pneumonia": 0.9},
}
"""What chronic diseases bring patients back with (`Visiting.links`)."""
SPEC: Final = Spec(
    source="mimic3",
    columns=COLUMNS,
    last="ICUSTAYS",
    tau=TAU,
    odd=ODD_KINDS,
    truth={"visits": ("subject_key", "visit"), "reports": ("row_id",)},
    best={"visits": best_next},
    quoted=QUOTED,
    decided_with={"discharge_note": first_of_admission, "demographics": first_of_patient},
)
_PEOPLE: Final = ("PATIENTS", "ADMISSIONS", "ICUSTAYS", "SERVICES")


@dataclass(frozen=True)
class Mimic3Layout:
    """The layout of MIMIC-III 1.4."""

    settings: SyntheticMimic3Settings
    seed: int

    @property
    def spec(self) -> Spec:
        """Its tables."""
        return SPEC

    @property
    def people(self) -> People:
        """Of one hospital; all have an id, and come back with what they have."""
        return People(visiting=Visiting(self.settings.visits, RECURRENCE, LINKS))

    @property
    def missing_rates(self) -> Mapping[str, float]:
        """Each modality has its own."""
        return self.settings.missing_rates

    @property
    def packages(self) -> tuple[str, ...]:
        """None but those of every layout."""
        return ()

    def write(self, draw: Draw, missing: Missing) -> Written:
        """The tables of a chunk without what is missing."""
        roster = draw_roster(draw, NUMBERING)
        metavision = in_metavision(roster)
        ventilator = draw_ventilator(roster.stays, draw.stream("ventilator"))
        studies = draw_studies(roster, ventilator, draw.made, draw.stream("studies"))
        patients = _patients(draw)
        every = person_tables(draw, roster, missing.mask["demographics"], metavision)
        people = {name: _numbered(draw, name, every[name]) for name in _PEOPLE}
        events, counts = _event_tables(draw, roster, ventilator, metavision)
        events["DIAGNOSES_ICD"] = diagnosis_rows(roster, patients, draw.stream("diagnoses"))
        events = {name: _numbered(draw, name, rows) for name, rows in events.items()}
        notes, reports = note_rows(draw, roster, ventilator, studies, people, missing.mask)

        tables = (
            people
            | {name: missing.seen(rows, MODALITY_OF.get(name)) for name, rows in events.items()}
            | {"NOTEEVENTS": notes}
        )
        counts |= {name: rows.height for name, rows in (people | events).items()} | {"studies": studies.stay.size}
        counts["NOTEEVENTS"] = roster.one_an_admission.size + studies.stay.size
        visits = visit_truth(roster, patients, events["DIAGNOSES_ICD"], self.people.visiting, TAU["billing"])
        tables["ADMISSIONS"] = with_charted(tables["ADMISSIONS"], tables["CHARTEVENTS"])
        tables = {name: _published(name, rows) for name, rows in tables.items()}
        return Written(roster.truth_ids(), tables, counts, truth={"visits": visits, "reports": reports})

    def whole_table(self, name: str) -> pl.DataFrame | None:
        """What items and codes mean is of the whole database."""
        return _published(name, _LOOKUPS[name]) if name in _LOOKUPS else None


def _patients(draw: Draw) -> Patients:
    """What of the chunk's patients stays."""
    admissions = draw.stays.admissions
    first = np.searchsorted(admissions.patient, np.arange(int(admissions.patient.max()) + 1))
    condition = draw_conditions(admissions, draw.stream("conditions"))
    return Patients(admissions.lasting[first], admissions.comorbidity[first], condition)


def _event_tables(
    draw: Draw, roster: Roster, ventilator: Ventilator, metavision: np.ndarray
) -> tuple[dict[str, pl.DataFrame], dict[str, int]]:
    """All rows of the event tables, before anything is taken away; `stay` is the place in the roster. And how many
    orders there were."""
    before = draw.made.rows
    labs = timely(roster, list(results(roster.stays, draw.stream("lab"))))
    charted = chart.chart_rows(roster, labs, ventilator, draw.stream("chart"))
    given = fluids.input_rows(roster, before["given"], draw.stream("input"))
    done = bedside_rows(roster, ventilator, before["done"], draw.stream("bedside"))
    counts = {"given": given.height, "done": done.height}
    (old, new), (_, done) = split(given, metavision), split(done, metavision)
    tables = {
        "CHARTEVENTS": chart_rows(charted, metavision),
        "LABEVENTS": in_lab_items(lab_rows(roster, labs, draw.made, 0, draw.stream("lab rows"))),
        "INPUTEVENTS_CV": carevue_rows(roster, old, before["INPUTEVENTS_CV"], draw.stream("drips")),
        "INPUTEVENTS_MV": metavision_rows(new),
        "OUTPUTEVENTS": output_rows(fluids.output_rows(roster, draw.stream("output")), metavision),
        "PROCEDUREEVENTS_MV": procedure_event_rows(done),
        "PRESCRIPTIONS": prescription_rows(roster, draw.stream("prescriptions")),
        "MICROBIOLOGYEVENTS": culture_rows(roster, 0, draw.stream("cultures")).unique(
            ["hadm_id", "charttime", "spec_itemid"], keep="first", maintain_order=True
        ),
        "PROCEDURES_ICD": procedure_rows(roster, draw.stream("procedures")),
    }
    return tables, counts


_WHEN: Final = ("charttime", "starttime", "startdate")


def _numbered(draw: Draw, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows by stay and time, with the next numbers of their table."""
    if "stay" in rows.columns:
        rows = rows.sort("stay", *(column for column in _WHEN if column in rows.columns), maintain_order=True)
    return rows.with_columns(row_id=pl.Series(draw.made.rows[name] + 1 + np.arange(rows.height)))


def _published(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows in the columns of MIMIC-III; what nothing is said of is empty."""
    columns = [column.lower() for column in COLUMNS[name]]
    rows = rows.with_columns(pl.lit(None, pl.String).alias(column) for column in columns if column not in rows.columns)
    rows = rows.with_columns(pl.col(pl.Float64).cast(pl.String).str.strip_suffix(".0"))
    return rows.select(pl.col(column).alias(column.upper()) for column in columns)


_LOOKUPS: Final = {
    "D_ITEMS": items(),
    "D_LABITEMS": lab_items(),
    "D_ICD_DIAGNOSES": titles([*PRIMARY.values(), *coded(DIAGNOSES)]),
    "D_ICD_PROCEDURES": titles(coded(PROCEDURES)),
}
