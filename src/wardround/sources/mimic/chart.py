"""MIMIC, chartevents: rows as events, known at their storetime.

Each odd row has one rule. Fractions of oxygen and temperatures in Fahrenheit are told by their values, as in eICU; a
unit that is not the item's own is unknown. The verbal part of the GCS keeps its words: an intubated patient
(`No Response-ETT`) has 1 there and no verbal response. A weight at admission that was charted in pounds says so
(`lb`): concepts take the one in kg first, which is charted apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import polars as pl

from wardround.sources.conversion import Selection, candidates, in_canonical_units, with_reason
from wardround.sources.mimic.items import CHARTED_MIN, MODALITY_OF, REFILL, REFILL_WORDS, RESULT_MIN, Item, paper_rows
from wardround.sources.mimic.placing import clocked
from wardround.sources.raw_table import RawTable
from wardround.sources.units import Quantity, is_fahrenheit, is_fraction

CHARTING: Final = "charting"
SCALES: Final = "neurology"
MODALITIES: Final = ("demographics", "lab", "vitals", "blood_gas", SCALES, CHARTING)
_IN_POUNDS: Final = "WEIGHT//kg from lb"


@dataclass(frozen=True)
class Chart:
    """How the charted rows of a database read.

    Attributes:
        table: what is declared of them.
        items: item number -> what it is.
    """

    table: RawTable
    items: Mapping[int, Item]

    @cached_property
    def keys(self) -> dict[int, str]:
        """Item -> a name for its quantity as it is charted."""
        return {item: f"{each.code} from {each.unit}" for item, each in self.items.items()}

    @cached_property
    def quantities(self) -> dict[str, Quantity]:
        """That name -> the quantity."""
        return {self.keys[item]: each.quantity for item, each in self.items.items()}

    def chart(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Candidates of charted rows."""
        frame = with_reason(frame, pl.col("itemid").is_null(), "no code")
        frame = clocked(frame, self.table, "valuenum", self._delay())
        refill = pl.col("value").replace_strict(REFILL_WORDS, default=None, return_dtype=pl.Float64)
        refills = [item for item, each in self.items.items() if each is REFILL]
        frame = frame.with_columns(number=pl.when(pl.col("itemid").is_in(refills)).then(refill).otherwise("valuenum"))
        frame = with_reason(frame, pl.col("number").is_null() & pl.col("value").is_null(), "no value")
        declared = pl.col("itemid").is_in(list(self.items)).fill_null(False)
        return pl.concat([self._declared(frame.filter(declared)), _others(frame.filter(~declared))])

    @property
    def paper(self) -> Selection:
        """The rows of the 17 variables."""
        return paper_rows({item: each.code for item, each in self.items.items()})

    def _of_item(self, what: str) -> pl.Expr:
        """An attribute of the declared item of a row; null for the others."""
        values = {item: getattr(each, what) for item, each in self.items.items()}
        return pl.col("itemid").replace_strict(values, default=None)

    def _delay(self) -> pl.Expr:
        copied = pl.when(pl.col("category") == "Labs").then(RESULT_MIN).otherwise(CHARTED_MIN)
        return pl.coalesce(self._of_item("delay_min"), copied)

    def _unit(self) -> pl.Expr:
        """The unit that a declared item is in: as it stands, its own where nothing stands there."""
        given, number, key = pl.col("valueuom"), pl.col("number"), pl.col("key")
        fraction = key.str.starts_with("LAB//FiO2//") & is_fraction(number)
        warm = key.str.starts_with("VITAL//temperature//") & is_fahrenheit(number)
        unit = pl.when(fraction).then(pl.lit("fraction")).when(warm).then(pl.lit("F"))
        return unit.otherwise(pl.coalesce(given, self._of_item("unit")))

    def _declared(self, frame: pl.DataFrame) -> pl.DataFrame:
        key = pl.col("itemid").replace_strict(self.keys, default=None, return_dtype=pl.String)
        frame = with_reason(frame.with_columns(key=key), pl.col("number").is_null(), "no number")
        frame = in_canonical_units(frame.with_columns(unit=self._unit()), self.quantities, "key", "number", "unit")
        verbal, in_pounds = pl.col("key").str.starts_with("VITAL//gcs verbal"), pl.col("key") == _IN_POUNDS
        words = pl.when(verbal).then("value").when(in_pounds).then(pl.lit("lb"))
        return candidates(frame, self._of_item("modality"), self._of_item("code"), pl.col("number"), words)


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
