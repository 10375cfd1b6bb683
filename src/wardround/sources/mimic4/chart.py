"""MIMIC-IV, chartevents: rows as events, known at their storetime.

Each odd row has one rule. Fractions of oxygen and temperatures in Fahrenheit are told by their values, as in eICU; a
unit that is not the item's own is unknown. The verbal part of the GCS keeps its words: an intubated patient
(`No Response-ETT`) has 1 there and no verbal response. The weight at admission that was charted in pounds says so
(`lb`): concepts take the one in kg first, which is charted apart.
"""

from typing import Final

import polars as pl

from wardround.sources.conversion import EventTable, candidates, in_canonical_units, with_reason
from wardround.sources.mimic4.chart_items import (
    CHART_ITEMS,
    CHARTED_MIN,
    MODALITY_OF,
    PAPER_CODES,
    REFILL,
    REFILL_WORDS,
    RESULT_MIN,
)
from wardround.sources.mimic4.columns import CHARTEVENTS
from wardround.sources.mimic4.placing import by_stay, clocked
from wardround.sources.units import is_fahrenheit, is_fraction

CHARTING: Final = "charting"
SCALES: Final = "neurology"
MODALITIES: Final = ("demographics", "lab", "vitals", "blood_gas", SCALES, CHARTING)
_KEYS: Final = {item: f"{each.code} from {each.unit}" for item, each in CHART_ITEMS.items()}
_QUANTITIES: Final = {_KEYS[item]: each.quantity for item, each in CHART_ITEMS.items()}
_IN_POUNDS: Final = _KEYS[226531]
_REFILLS: Final = [item for item, each in CHART_ITEMS.items() if each is REFILL]


def _of_item(what: str) -> pl.Expr:
    """An attribute of the declared item of a row; null for the others."""
    values = {item: getattr(each, what) for item, each in CHART_ITEMS.items()}
    return pl.col("itemid").replace_strict(values, default=None)


def _delay() -> pl.Expr:
    copied = pl.when(pl.col("category") == "Labs").then(RESULT_MIN).otherwise(CHARTED_MIN)
    return pl.coalesce(_of_item("delay_min"), copied)


def chart(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of charted rows."""
    frame = with_reason(frame, pl.col("itemid").is_null(), "no code")
    frame = clocked(frame, CHARTEVENTS, "valuenum", _delay())
    refill = pl.col("value").replace_strict(REFILL_WORDS, default=None, return_dtype=pl.Float64)
    frame = frame.with_columns(number=pl.when(pl.col("itemid").is_in(_REFILLS)).then(refill).otherwise("valuenum"))
    frame = with_reason(frame, pl.col("number").is_null() & pl.col("value").is_null(), "no value")
    declared = pl.col("itemid").is_in(list(CHART_ITEMS)).fill_null(False)
    return pl.concat([_declared(frame.filter(declared)), _others(frame.filter(~declared))])


def _unit() -> pl.Expr:
    """The unit that a declared item is in: as it stands, its own where nothing stands there."""
    given, number, key = pl.col("valueuom"), pl.col("number"), pl.col("key")
    fraction = key.str.starts_with("LAB//FiO2//") & is_fraction(number)
    warm = key.str.starts_with("VITAL//temperature//") & is_fahrenheit(number)
    unit = pl.when(fraction).then(pl.lit("fraction")).when(warm).then(pl.lit("F"))
    return unit.otherwise(pl.coalesce(given, _of_item("unit")))


def _declared(frame: pl.DataFrame) -> pl.DataFrame:
    frame = frame.with_columns(key=pl.col("itemid").replace_strict(_KEYS, default=None, return_dtype=pl.String))
    frame = with_reason(frame, pl.col("number").is_null(), "no number")
    frame = in_canonical_units(frame.with_columns(unit=_unit()), _QUANTITIES, "key", "number", "unit")
    verbal, in_pounds = pl.col("key").str.starts_with("VITAL//gcs verbal"), pl.col("key") == _IN_POUNDS
    words = pl.when(verbal).then("value").when(in_pounds).then(pl.lit("lb"))
    return candidates(frame, _of_item("modality"), _of_item("code"), pl.col("number"), words)


def _others(frame: pl.DataFrame) -> pl.DataFrame:
    """Items under their own names. Words are charting, and so are numbers of no input or that only stand for words, but
    for the ordered scales of nerves and pain."""
    name = pl.coalesce("label", pl.col("itemid").cast(pl.String))
    words = pl.when(pl.col("value").cast(pl.Float64, strict=False).is_null()).then("value")
    modality = pl.col("category").replace_strict(MODALITY_OF, default=CHARTING, return_dtype=pl.String)
    numeric, in_words = pl.col("number").is_not_null(), words.is_not_null()
    is_input = numeric & (~in_words | (modality == SCALES))
    code = pl.format("CHART//{}//{}", name, pl.col("valueuom").fill_null(""))
    return candidates(
        frame,
        pl.when(is_input).then(modality).otherwise(pl.lit(CHARTING)),
        pl.when(numeric).then(code).otherwise(pl.lit("CHART//") + name),
        pl.col("number"),
        words,
    )


def paper_chart(frame: pl.DataFrame) -> pl.DataFrame:
    """As `chart`, the 17 variables alone."""
    return with_reason(chart(frame), ~pl.col("code").is_in(PAPER_CODES), "none of the 17 variables")


CHART_TABLE: Final = EventTable(CHARTEVENTS, chart, MODALITIES, place=by_stay)
PAPER_CHART_TABLE: Final = EventTable(CHARTEVENTS, paper_chart, MODALITIES[:-1], place=by_stay)
