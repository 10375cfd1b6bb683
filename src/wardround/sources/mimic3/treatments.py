"""MIMIC-III: what was given, done, put out, and coded, as events (`mimic/treatments.py`).

MetaVision's rates are known from their start, amounts and procedures at their end; CareVue's drips when they were
stored (`carevue_drips.py`). Rows that another one replaced (`Rewritten`) or that were cancelled are not true. A
prescription has days alone: it happened, and is known, at the end of its first.
"""

from typing import Final

import polars as pl

from wardround.sources.conversion import EventTable, candidates
from wardround.sources.mimic.placing import by_admission, by_time, midnight_after
from wardround.sources.mimic.treatments import URINE, billed, inputs, outputs, procedures, services
from wardround.sources.mimic3 import columns as raw
from wardround.sources.mimic3.carevue_drips import DRIP_TABLE
from wardround.sources.mimic3.placing import as_it_ran, by_end_of_day, by_icustay, not_in_error
from wardround.sources.stay_clock import on_stay_clock

CAREVUE_URINE: Final = (
    *(40055, 43175, 40069, 40094, 40715, 40473, 40085, 40057, 40056, 40405, 40428, 40086, 40096, 40651),
)
"""CareVue's ways out of urine in MIMIC Code Repository's `urine_output` of MIMIC-III."""
ICD: Final = 9


def metavision_inputs(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of drugs and fluids given, as they ran."""
    return inputs(raw.INPUTEVENTS_MV, as_it_ran(frame))


def volumes_out(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of volumes out, of both systems."""
    return outputs(raw.OUTPUTEVENTS, not_in_error(frame, "iserror"), (*URINE, *CAREVUE_URINE))


def metavision_procedures(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of bedside procedures, known at their end."""
    return procedures(raw.PROCEDUREEVENTS_MV, as_it_ran(frame))


def prescriptions(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of orders of drugs, by name as eICU has it, at the end of their first day; its route in words."""
    started = midnight_after(raw.PRESCRIPTIONS, "drug")
    frame = on_stay_clock(frame.with_columns(time=started, known=started))
    name = pl.lit("MEDICATION//NAME//") + pl.col("drug").str.to_uppercase()
    return candidates(frame, "medication", name, text=pl.col("route"))


def moves(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of the service that a patient is under."""
    return services(raw.SERVICES, frame)


def _coded(frame: pl.DataFrame) -> pl.DataFrame:
    """Codes as MIMIC-IV has them: ICD-9, without a dot."""
    return frame.with_columns(icd_code="icd9_code", icd_version=pl.lit(ICD))


def diagnoses(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of billing diagnoses, told of the time of discharge."""
    return billed(raw.DIAGNOSES_ICD, _coded(frame), "diagnosis", "DIAGNOSIS", pl.col("discharged"))


def coded_procedures(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of billing procedures, told of the time of discharge: they have no date."""
    return billed(raw.PROCEDURES_ICD, _coded(frame), "treatment", "PROCEDURE", pl.col("discharged"))


TREATMENT_TABLES: Final = (
    DRIP_TABLE,
    EventTable(raw.INPUTEVENTS_MV, metavision_inputs, ("infusion", "charting"), place=by_icustay),
    EventTable(raw.OUTPUTEVENTS, volumes_out, ("intake_output",), place=by_icustay),
    EventTable(raw.PROCEDUREEVENTS_MV, metavision_procedures, ("treatment",), place=by_icustay),
    EventTable(raw.PRESCRIPTIONS, prescriptions, ("medication",), place=by_end_of_day(raw.PRESCRIPTIONS, "startdate")),
    EventTable(raw.SERVICES, moves, ("demographics",), place=by_time("transfertime")),
    EventTable(raw.DIAGNOSES_ICD, diagnoses, ("diagnosis",), place=by_admission),
    EventTable(raw.PROCEDURES_ICD, coded_procedures, ("treatment",), place=by_admission),
)
