"""MIMIC-IV: what was given, done, put out, and coded, as events (`mimic/treatments.py`).

Doses are known at their storetime (else a stated delay, by which nine of ten are in the demo); prescriptions from their
start; sizes measured outside the unit at the end of their day.
"""

from functools import partial
from typing import Final

import polars as pl

from wardround.sources.conversion import EventTable, candidates, in_canonical_units, with_reason
from wardround.sources.mimic.placing import by_admission, by_stay, by_time, clocked, midnight_after
from wardround.sources.mimic.treatments import billed, inputs, outputs, procedures, services
from wardround.sources.mimic4 import columns as raw
from wardround.sources.stay_clock import on_stay_clock
from wardround.sources.units import VITALS, Quantity

DOSE_MIN: Final = 60


def prescriptions(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of orders of drugs, by name as eICU has it; its route in words beside it."""
    frame = clocked(frame, raw.PRESCRIPTIONS, "drug")
    name = pl.lit("MEDICATION//NAME//") + pl.col("drug").str.to_uppercase()
    return candidates(frame, "medication", name, text=pl.col("route"))


_GIVEN: Final = r"^(Delayed |Partial )?(Administered|Applied|Started|Restarted|Removed Existing / Applied New)"


def doses(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of doses given, and of those that were not: held, refused, flushed, stopped."""
    frame = clocked(frame, raw.EMAR, "medication", DOSE_MIN)
    frame = with_reason(frame, pl.col("event_txt").is_null(), "no code")
    given = pl.col("event_txt").str.contains(_GIVEN)
    what = pl.when(given).then(pl.lit("GIVEN")).otherwise(pl.col("event_txt").str.to_uppercase())
    return candidates(
        frame, "medication", pl.format("MEDICATION//{}//{}", what, pl.col("medication").str.to_uppercase())
    )


def diagnoses(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of billing diagnoses, told of the time of discharge; coded as MIMIC-IV in MEDS is."""
    return billed(raw.DIAGNOSES_ICD, frame, "diagnosis", "DIAGNOSIS", pl.col("discharged"))


def coded_procedures(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of billing procedures: done by the end of their day, coded at discharge."""
    frame = with_reason(frame, pl.col("chartdate").is_null(), "no time")
    done = midnight_after(raw.PROCEDURES_ICD, "chartdate")
    return billed(raw.PROCEDURES_ICD, frame, "treatment", "PROCEDURE", done)


_RECORDED: Final = {
    "Weight (Lbs)": ("WEIGHT//clinic//kg", VITALS["weight"], "lb"),
    "Weight": ("WEIGHT//clinic//kg", VITALS["weight"], "lb"),
    "Height (Inches)": ("HEIGHT//cm", VITALS["height"], "in"),
    "Height": ("HEIGHT//cm", VITALS["height"], "in"),
    "BMI (kg/m2)": ("BMI//kg/m2", Quantity("kg/m2", 5, 150), "kg/m2"),
    "BMI": ("BMI//kg/m2", Quantity("kg/m2", 5, 150), "kg/m2"),
}
"""Result of `omr` -> code, range, unit; blood pressures and what else there is, without an hour, are set aside. The
clinic's weight has a code of its own: it is no weight at admission."""


def office_measures(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of sizes measured outside the unit, known at the end of their day."""
    known = midnight_after(raw.OMR, "result_value")
    frame = on_stay_clock(frame.with_columns(time=known, known=known))
    frame = frame.with_columns(number=pl.col("result_value").cast(pl.Float64, strict=False))
    frame = with_reason(frame, ~pl.col("result_name").is_in(list(_RECORDED)).fill_null(False), "no size")
    frame = with_reason(frame, ~pl.col("number").is_finite().fill_null(False), "not a number: result_value")
    unit = pl.col("result_name").replace_strict({name: unit for name, (_, _, unit) in _RECORDED.items()}, default=None)
    quantities = {name: quantity for name, (_, quantity, _) in _RECORDED.items()}
    frame = in_canonical_units(frame.with_columns(unit=unit), quantities, "result_name", "number", "unit")
    code = pl.col("result_name").replace_strict({n: code for n, (code, _, _) in _RECORDED.items()}, default=None)
    return candidates(frame, "demographics", code, pl.col("number"))


TREATMENT_TABLES: Final = (
    EventTable(raw.INPUTEVENTS, partial(inputs, raw.INPUTEVENTS), ("infusion", "charting"), place=by_stay),
    EventTable(raw.OUTPUTEVENTS, partial(outputs, raw.OUTPUTEVENTS), ("intake_output",), place=by_stay),
    EventTable(raw.PROCEDUREEVENTS, partial(procedures, raw.PROCEDUREEVENTS), ("treatment",), place=by_stay),
    EventTable(raw.PRESCRIPTIONS, prescriptions, ("medication",), place=by_time("starttime")),
    EventTable(raw.EMAR, doses, ("medication",), place=by_time("charttime")),
    EventTable(raw.SERVICES, partial(services, raw.SERVICES), ("demographics",), place=by_time("transfertime")),
    EventTable(raw.OMR, office_measures, ("demographics",), place=by_time("chartdate")),
    EventTable(raw.DIAGNOSES_ICD, diagnoses, ("diagnosis",), place=by_admission),
    EventTable(raw.PROCEDURES_ICD, coded_procedures, ("treatment",), place=by_admission),
)
