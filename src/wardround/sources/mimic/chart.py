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

from wardround.sources.conversion import Selection, candidates, converted, with_conversions, with_reason
from wardround.sources.mimic.items import (
    CHARTED_MIN,
    MODALITY_OF,
    REFILL,
    REFILL_WORDS,
    RESULT_MIN,
    Item,
    paper_rows,
)
from wardround.sources.mimic.kinds import told_unit, with_kinds
from wardround.sources.mimic.placing import clocked
from wardround.sources.raw_table import RawTable
from wardround.sources.units import Quantity

CHARTING: Final = "charting"
SCALES: Final = "neurology"
MODALITIES: Final = ("demographics", "lab", "vitals", "blood_gas", SCALES, CHARTING)
_IN_POUNDS: Final = "WEIGHT//kg from lb"
_OXYGEN: Final = "LAB//FiO2//"
_TEMPERATURE: Final = "VITAL//temperature//"
_VERBAL: Final = "VITAL//gcs verbal"
_KIND: Final = ("itemid", "unit")
_DECLARED: Final = {
    "itemid": pl.Int64,
    **dict.fromkeys(("key", "own_code", "own_modality", "own_unit"), pl.String),
    "own_delay_min": pl.Int64,
}


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

    @cached_property
    def declared(self) -> pl.DataFrame:
        """The items as a table: `itemid, key, own_code, own_modality, own_unit, own_delay_min`."""
        rows = [
            (item, self.keys[item], each.code, each.modality, each.unit, each.delay_min)
            for item, each in self.items.items()
        ]
        return pl.DataFrame(rows, _DECLARED, orient="row")

    def chart(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Candidates of charted rows. Words are charting, and so are numbers of no input or that only stand for words,
        but for the ordered scales of nerves and pain."""
        unit = told_unit(self._begins(_OXYGEN), self._begins(_TEMPERATURE))
        frame = with_reason(frame, pl.col("itemid").is_null(), "no code").with_columns(unit=unit)
        frame = with_kinds(frame, _KIND, ("label", "category"), self._kinds)
        frame = clocked(frame, self.table, "valuenum", pl.col("delay_min")).with_columns(number=_number())
        number, value = pl.col("number"), pl.col("value")
        frame = with_reason(frame, number.is_null() & value.is_null(), "no value")
        frame = converted(with_reason(frame, pl.col("is_declared") & number.is_null(), "no number"), "number")
        is_words = value.is_not_null() & value.cast(pl.Float64, strict=False).is_null()
        is_input = pl.col("is_declared") | (number.is_not_null() & (~is_words | (pl.col("modality") == SCALES)))
        kept = pl.col("is_verbal") | (~pl.col("is_declared") & is_words)
        words = pl.when(kept).then("value").when("in_pounds").then(pl.lit("lb"))
        return candidates(
            frame,
            pl.when(is_input).then("modality").otherwise(pl.lit(CHARTING, pl.Categorical)),
            pl.when(number.is_not_null()).then("code").otherwise("word_code"),
            number,
            words,
        )

    @property
    def paper(self) -> Selection:
        """The rows of the 17 variables."""
        return paper_rows({item: each.code for item, each in self.items.items()})

    def _begins(self, code: str) -> list[int]:
        """Items whose code begins so."""
        return [item for item, each in self.items.items() if each.code.startswith(code)]

    def _kinds(self, kinds: pl.DataFrame) -> pl.DataFrame:
        """What rows of an item in one unit are: a declared one has one code, and converts its numbers; any other keeps
        its own name and unit, the unit where it has a number."""
        kinds = kinds.join(self.declared, on="itemid", how="left")
        unit = pl.col("unit").cast(pl.String)
        kinds = kinds.with_columns(given=pl.coalesce(unit, "own_unit"))
        kinds = with_conversions(kinds, self.quantities, "key", "given")
        name = pl.lit("CHART//") + pl.coalesce("label", pl.col("itemid").cast(pl.String))
        modality = pl.col("category").replace_strict(MODALITY_OF, default=CHARTING, return_dtype=pl.String)
        copied = pl.when(pl.col("category") == "Labs").then(RESULT_MIN).otherwise(CHARTED_MIN)
        declared = pl.col("key").is_not_null()
        return kinds.select(
            *(*_KIND, "is_coded", "factor", "shift", "low", "high"),
            is_declared=declared,
            is_refill=(pl.col("own_code") == REFILL.code).fill_null(False),
            in_pounds=(pl.col("key") == _IN_POUNDS).fill_null(False),
            is_verbal=pl.col("own_code").str.starts_with(_VERBAL).fill_null(False),
            delay_min=pl.coalesce("own_delay_min", copied),
            modality=pl.coalesce("own_modality", modality).cast(pl.Categorical),
            code=pl.coalesce("own_code", pl.format("{}//{}", name, unit.fill_null(""))).cast(pl.Categorical),
            word_code=name.cast(pl.Categorical),
        )


def _number() -> pl.Expr:
    """The number of a row; of a capillary refill that of its words."""
    words = pl.when("is_refill").then("value").replace_strict(REFILL_WORDS, default=None, return_dtype=pl.Float64)
    return pl.when("is_refill").then(words).otherwise("valuenum")
