"""MIMIC: what was given, done, put out, and coded, as events.

A rate of `inputevents` is known from its start, its amount at its end (`INFUSION_AMOUNT`; without a rate or at once, as
of a push, `BOLUS_AMOUNT`, which ends no infusion); procedures at their end; outputs at their storetime (else a stated
delay, by which nine of ten are in MIMIC-IV's demo). Billing codes are known at discharge: of a hospital stay they
belong to each unit stay in it.
"""

from collections.abc import Collection
from typing import Final

import polars as pl

from wardround.sources.conversion import candidates, in_canonical_units, with_reason
from wardround.sources.mimic.placing import clocked
from wardround.sources.raw_table import DISCHARGE, RawTable
from wardround.sources.stay_clock import on_stay_clock
from wardround.sources.units import INFUSION_RATES, VITALS, Quantity, unit_key

OUTPUT_MIN: Final = 120

_SAME_RATE: Final = {"grams/hour": "g/hr", "grams/min": "g/min", "mEq./hour": "mEq/hr"}
_RATE_OF: Final = {key: rate for rate, quantity in INFUSION_RATES.items() for key in map(unit_key, quantity.spellings)}


_LABEL: Final = pl.coalesce("label", pl.col("itemid").cast(pl.String))
ITEM_NAME: Final = _LABEL.str.to_lowercase()
"""What an item is called, its number where nothing names it; as it is, and in lower case."""


def inputs(table: RawTable, frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of drugs and fluids given: a rate at the start, an amount at the end.

    Args:
        table: what is declared of the rows.
        frame: placed rows with the `label` of their items.
    """
    frame = with_reason(frame, pl.col("itemid").is_null(), "no code")
    neither = pl.col("rate").is_null() & pl.col("amount").is_null()
    frame = with_reason(frame, neither, "no value")
    backwards = pl.col("endtime") < pl.col("starttime")
    frame = with_reason(frame, backwards, "ends before it starts")
    at_once = (pl.col("endtime") == pl.col("starttime")) & pl.col("rate").is_not_null()
    frame = with_reason(frame, at_once & pl.col("amount").is_null(), "rate that lasts no time")
    frame = frame.with_columns(rate=pl.when(~at_once.fill_null(False)).then("rate"))
    started = clocked(frame, table, "rate")
    rates = started.filter(pl.col("rate").is_not_null() | pl.col("reason").is_not_null())
    ended = frame.filter(pl.col("reason").is_null(), pl.col("amount").is_not_null())
    ended = with_reason(ended, pl.col("endtime").is_null(), "no time")
    known = pl.max_horizontal(table.known_at("amount"))
    ended = on_stay_clock(ended.with_columns(time="endtime", known=known))
    kind = pl.when(pl.col("rate").is_null()).then(pl.lit("BOLUS_AMOUNT")).otherwise(pl.lit("INFUSION_AMOUNT"))
    amount = pl.format("{}//{}//{}", kind, ITEM_NAME, pl.col("amountuom").str.to_lowercase().fill_null(""))
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
    return rate_candidates(frame, ITEM_NAME)


def rate_candidates(frame: pl.DataFrame, name: pl.Expr) -> pl.DataFrame:
    """Candidates of rates in their canonical units.

    Args:
        frame: rows on the clock of their stay, with `rate` and its `unit`.
        name: of the drug, in lower case.
    """
    keys = {unit: _RATE_OF.get(unit_key(unit or ""), "other") for unit in frame["unit"].unique()}
    frame = frame.with_columns(kind=pl.col("unit").replace_strict(keys, default="other", return_dtype=pl.String))
    frame = in_canonical_units(frame, INFUSION_RATES, "kind", "rate", "unit")
    frame = with_reason(frame, pl.col("rate") < 0, "implausible value")
    return candidates(frame, "infusion", pl.format("INFUSION//{}//{}", name, "unit"), pl.col("rate"))


URINE: Final = (226559, 226560, 226561, 226563, 226564, 226565, 226567, 226557, 226558, 226584, 227489)
"""Urine of any way out, the output items of MIMIC Code Repository's `urine_output`; 227488 is what was put in."""
_IRRIGANT_IN: Final = 227488
_VOLUME: Final = {"volume": Quantity("mL", -20_000, 20_000)}


def outputs(table: RawTable, frame: pl.DataFrame, urine: Collection[int] = URINE) -> pl.DataFrame:
    """Candidates of volumes out; urine under eICU's code, irrigation fluid that went in taken off it.

    Args:
        table: what is declared of the rows.
        frame: placed rows with the `label` of their items.
        urine: the items that are urine.
    """
    frame = with_reason(frame, pl.col("itemid").is_null(), "no code")
    frame = with_reason(frame, pl.col("value").is_null(), "no value")
    frame = clocked(frame, table, "value", OUTPUT_MIN)
    put_in = pl.col("itemid") == _IRRIGANT_IN
    frame = frame.with_columns(
        name=pl.lit("volume"),
        number=pl.when(put_in).then(-pl.col("value").abs()).otherwise("value"),
        unit=pl.col("valueuom").fill_null("mL"),
    )
    frame = in_canonical_units(frame, _VOLUME, "name", "number", "unit")
    code = (
        pl.when(pl.col("itemid").is_in(list(urine)) | put_in)
        .then(pl.lit("IO//urine//mL"))
        .otherwise(pl.format("IO//output//{}//mL", ITEM_NAME))
    )
    return candidates(frame, "intake_output", code, pl.col("number"))


_VENTILATION: Final = {225792: "mechanical ventilation", 225794: "non-invasive ventilation"}


def procedures(table: RawTable, frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of bedside procedures, known at their end."""
    frame = with_reason(frame, pl.col("itemid").is_null(), "no code")
    frame = with_reason(frame, pl.col("endtime") < pl.col("starttime"), "ends before it starts")
    frame = with_reason(frame, pl.col("endtime").is_null(), "no end")
    frame = clocked(frame, table, "value")
    ventilation = pl.col("itemid").replace_strict(_VENTILATION, default=None, return_dtype=pl.String)
    return candidates(frame, "treatment", pl.lit("TREATMENT//") + pl.coalesce(ventilation, _LABEL))


def services(table: RawTable, frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of the service that a patient is under."""
    frame = clocked(frame, table, "curr_service")
    return candidates(frame, "demographics", pl.lit("SERVICE//") + pl.col("curr_service"))


def billed(table: RawTable, frame: pl.DataFrame, modality: str, prefix: str, time: pl.Expr) -> pl.DataFrame:
    """Candidates of billing codes of one hospital stay, known at discharge, in each of its unit stays.

    Args:
        table: what is declared of the rows: their codes must be known at discharge.
        frame: placed rows with `icd_code` and `icd_version`.
        modality, prefix: of the events.
        time: when what is coded happened.

    Raises:
        ValueError: where a column is declared to be known otherwise.
    """
    for column in ("icd_code", "icd_version", "icd9_code"):
        if column in table.columns and table.columns[column][1] is not DISCHARGE:
            raise ValueError(f"{table.name}.{column} is not declared as known at discharge")
    uncoded = pl.col("icd_code").is_null() | pl.col("icd_version").is_null()
    frame = with_reason(frame, uncoded, "no code")
    frame = frame.explode("stays").unnest("stays")
    frame = on_stay_clock(frame.with_columns(time=time, known=pl.max_horizontal(time, "discharged")))
    return candidates(frame, modality, pl.format(f"{prefix}//ICD//{{}}//{{}}", "icd_version", "icd_code"))
