"""MIMIC-IV: what was given, done, put out, and coded, as events.

A rate of `inputevents` is known from its start, its amount at its end (`INFUSION_AMOUNT`; without a rate or at once, as
of a push, `BOLUS_AMOUNT`, which ends no infusion); procedures at their end; outputs and doses at their storetime (else
a stated delay, by which nine of ten are in the demo); prescriptions from their start. Billing codes are known at
discharge: of a hospital stay they belong to each unit stay in it.
"""

from typing import Final

import polars as pl

from wardround.sources.conversion import EventTable, candidates, in_canonical_units, with_reason
from wardround.sources.mimic4 import columns as raw
from wardround.sources.mimic4.placing import by_admission, by_stay, by_time, clocked, midnight_after
from wardround.sources.raw_table import DISCHARGE
from wardround.sources.stay_clock import on_stay_clock
from wardround.sources.units import INFUSION_RATES, VITALS, Quantity, unit_key

OUTPUT_MIN: Final = 120
DOSE_MIN: Final = 60

_SAME_RATE: Final = {"grams/hour": "g/hr", "grams/min": "g/min", "mEq./hour": "mEq/hr"}
_RATE_OF: Final = {key: rate for rate, quantity in INFUSION_RATES.items() for key in map(unit_key, quantity.spellings)}


_LABEL: Final = pl.coalesce("label", pl.col("itemid").cast(pl.String))
_NAME: Final = _LABEL.str.to_lowercase()
"""What an item is called, its number where nothing names it; as it is, and in lower case."""


def inputs(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of drugs and fluids given: a rate at the start, an amount at the end."""
    frame = with_reason(frame, pl.col("itemid").is_null(), "no code")
    neither = pl.col("rate").is_null() & pl.col("amount").is_null()
    frame = with_reason(frame, neither, "no value")
    backwards = pl.col("endtime") < pl.col("starttime")
    frame = with_reason(frame, backwards, "ends before it starts")
    at_once = (pl.col("endtime") == pl.col("starttime")) & pl.col("rate").is_not_null()
    frame = with_reason(frame, at_once & pl.col("amount").is_null(), "rate that lasts no time")
    frame = frame.with_columns(rate=pl.when(~at_once.fill_null(False)).then("rate"))
    started = clocked(frame, raw.INPUTEVENTS, "rate")
    rates = started.filter(pl.col("rate").is_not_null() | pl.col("reason").is_not_null())
    ended = frame.filter(pl.col("reason").is_null(), pl.col("amount").is_not_null())
    ended = with_reason(ended, pl.col("endtime").is_null(), "no time")
    known = pl.max_horizontal(raw.INPUTEVENTS.known_at("amount"))
    ended = on_stay_clock(ended.with_columns(time="endtime", known=known))
    kind = pl.when(pl.col("rate").is_null()).then(pl.lit("BOLUS_AMOUNT")).otherwise(pl.lit("INFUSION_AMOUNT"))
    amount = pl.format("{}//{}//{}", kind, _NAME, pl.col("amountuom").str.to_lowercase().fill_null(""))
    given = candidates(
        with_reason(ended, pl.col("amount") < 0, "implausible value"), "infusion", amount, pl.col("amount")
    )
    return pl.concat([_rates(rates), given, _weights_beside(rates)])


_NOREPINEPHRINE: Final = 221906
_VASOPRESSIN: Final = 222315
_BESIDE: Final = pl.col("patientweight").cast(pl.Float64, strict=False)
_WEIGHT: Final = VITALS["weight"]


def _weights_beside(frame: pl.DataFrame) -> pl.DataFrame:
    """The weight that stands beside a rate of vasopressin, the one pressor that is not given by weight: for concepts,
    which need it to say the dose by weight, and no input."""
    plausible = _BESIDE.is_between(_WEIGHT.low, _WEIGHT.high).fill_null(False)
    frame = frame.filter(pl.col("reason").is_null(), pl.col("itemid") == _VASOPRESSIN, plausible)
    return candidates(frame, "charting", pl.lit("CHART//weight at infusion//kg"), _BESIDE)


def _rates(frame: pl.DataFrame) -> pl.DataFrame:
    """Rates in their canonical units. Norepinephrine in mg/kg/min beside a weight of 1 is mcg/kg/min already, as in
    MIMIC Code Repository's `norepinephrine`."""
    frame = frame.with_columns(unit=pl.col("rateuom").replace(_SAME_RATE).str.replace("/hour$", "/hr"))
    misnamed = (pl.col("itemid") == _NOREPINEPHRINE) & (pl.col("unit") == "mg/kg/min") & (_BESIDE == 1)
    frame = frame.with_columns(unit=pl.when(misnamed.fill_null(False)).then(pl.lit("mcg/kg/min")).otherwise("unit"))
    keys = {unit: _RATE_OF.get(unit_key(unit or ""), "other") for unit in frame["unit"].unique()}
    frame = frame.with_columns(kind=pl.col("unit").replace_strict(keys, default="other", return_dtype=pl.String))
    frame = in_canonical_units(frame, INFUSION_RATES, "kind", "rate", "unit")
    frame = with_reason(frame, pl.col("rate") < 0, "implausible value")
    return candidates(frame, "infusion", pl.format("INFUSION//{}//{}", _NAME, "unit"), pl.col("rate"))


_URINE: Final = (226559, 226560, 226561, 226563, 226564, 226565, 226567, 226557, 226558, 226584, 227489)
"""Urine of any way out, the output items of MIMIC Code Repository's `urine_output`; 227488 is what was put in."""
_IRRIGANT_IN: Final = 227488
_VOLUME: Final = {"volume": Quantity("mL", -20_000, 20_000)}


def outputs(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of volumes out; urine under eICU's code, irrigation fluid that went in taken off it."""
    frame = with_reason(frame, pl.col("itemid").is_null(), "no code")
    frame = with_reason(frame, pl.col("value").is_null(), "no value")
    frame = clocked(frame, raw.OUTPUTEVENTS, "value", OUTPUT_MIN)
    put_in = pl.col("itemid") == _IRRIGANT_IN
    frame = frame.with_columns(
        name=pl.lit("volume"),
        number=pl.when(put_in).then(-pl.col("value").abs()).otherwise("value"),
        unit=pl.col("valueuom").fill_null("mL"),
    )
    frame = in_canonical_units(frame, _VOLUME, "name", "number", "unit")
    urine = pl.col("itemid").is_in(_URINE) | put_in
    code = pl.when(urine).then(pl.lit("IO//urine//mL")).otherwise(pl.format("IO//output//{}//mL", _NAME))
    return candidates(frame, "intake_output", code, pl.col("number"))


_VENTILATION: Final = {225792: "mechanical ventilation", 225794: "non-invasive ventilation"}


def procedures(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of bedside procedures, known at their end."""
    frame = with_reason(frame, pl.col("itemid").is_null(), "no code")
    frame = with_reason(frame, pl.col("endtime") < pl.col("starttime"), "ends before it starts")
    frame = with_reason(frame, pl.col("endtime").is_null(), "no end")
    frame = clocked(frame, raw.PROCEDUREEVENTS, "value")
    ventilation = pl.col("itemid").replace_strict(_VENTILATION, default=None, return_dtype=pl.String)
    return candidates(frame, "treatment", pl.lit("TREATMENT//") + pl.coalesce(ventilation, _LABEL))


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


def services(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of the service that a patient is under."""
    frame = clocked(frame, raw.SERVICES, "curr_service")
    return candidates(frame, "demographics", pl.lit("SERVICE//") + pl.col("curr_service"))


def diagnoses(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of billing diagnoses, told of the time of discharge; coded as MIMIC-IV in MEDS is."""
    return _billed(frame, raw.DIAGNOSES_ICD, "diagnosis", "DIAGNOSIS", pl.col("discharged"))


def coded_procedures(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of billing procedures: done by the end of their day, coded at discharge."""
    frame = with_reason(frame, pl.col("chartdate").is_null(), "no time")
    done = midnight_after(raw.PROCEDURES_ICD, "chartdate")
    return _billed(frame, raw.PROCEDURES_ICD, "treatment", "PROCEDURE", done)


def _billed(frame: pl.DataFrame, table: raw.RawTable, modality: str, prefix: str, time: pl.Expr) -> pl.DataFrame:
    for column in ("icd_code", "icd_version"):
        if table.columns[column][1] is not DISCHARGE:
            raise ValueError(f"{table.name}.{column} is not declared as known at discharge")
    uncoded = pl.col("icd_code").is_null() | pl.col("icd_version").is_null()
    frame = with_reason(frame, uncoded, "no code")
    frame = frame.explode("stays").unnest("stays")
    frame = on_stay_clock(frame.with_columns(time=time, known=pl.max_horizontal(time, "discharged")))
    return candidates(frame, modality, pl.format(f"{prefix}//ICD//{{}}//{{}}", "icd_version", "icd_code"))


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
    EventTable(raw.INPUTEVENTS, inputs, ("infusion", "charting"), place=by_stay),
    EventTable(raw.OUTPUTEVENTS, outputs, ("intake_output",), place=by_stay),
    EventTable(raw.PROCEDUREEVENTS, procedures, ("treatment",), place=by_stay),
    EventTable(raw.PRESCRIPTIONS, prescriptions, ("medication",), place=by_time("starttime")),
    EventTable(raw.EMAR, doses, ("medication",), place=by_time("charttime")),
    EventTable(raw.SERVICES, services, ("demographics",), place=by_time("transfertime")),
    EventTable(raw.OMR, office_measures, ("demographics",), place=by_time("chartdate")),
    EventTable(raw.DIAGNOSES_ICD, diagnoses, ("diagnosis",), place=by_admission),
    EventTable(raw.PROCEDURES_ICD, coded_procedures, ("treatment",), place=by_admission),
)
