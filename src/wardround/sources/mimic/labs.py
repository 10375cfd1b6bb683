"""MIMIC, labevents and microbiologyevents: results as events, known at their storetime.

Each odd row has one rule. Where nothing is stored, a result of the laboratory is known 3 h after the draw, one of the
blood gas analyser after 1 h, a culture after 7 days: by then nine of ten are, by the storetimes of MIMIC-IV's demo. A
result without a number keeps its words; `___` stands for words that were taken away. Words in `comments` are not read.
"""

from typing import Final

import polars as pl

from wardround.sources.conversion import candidates, converted, with_conversions, with_reason
from wardround.sources.mimic.items import paper_rows
from wardround.sources.mimic.kinds import told_unit, with_kinds
from wardround.sources.mimic.lab_items import LAB_ITEMS, UNITS, WITHOUT_UNIT
from wardround.sources.mimic.placing import clocked, midnight_after
from wardround.sources.raw_table import RawTable
from wardround.sources.units import EICU_LABS

RESULT_MIN: Final = 180
GAS_MIN: Final = 60
CULTURE_MIN: Final = 7 * 24 * 60
TAKEN_AWAY: Final = "___"
DAY_ALONE: Final = "day alone"

_CANONICAL: Final = {name: EICU_LABS[name].unit for name in set(LAB_ITEMS.values())}
_SPELLED: Final = {f"{name}|{theirs}": ours for name, same in UNITS.items() for theirs, ours in same.items()}
_UNITLESS: Final = {name: EICU_LABS[name].unit for name in WITHOUT_UNIT}

_KIND: Final = ("itemid", "unit", "has_number")

PAPER_LABS: Final = paper_rows({item: f"LAB//{name}//{_CANONICAL[name]}" for item, name in LAB_ITEMS.items()})
"""Results of the 17 variables: glucose, pH and inspired oxygen."""


def labs(table: RawTable, frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of laboratory results.

    Args:
        table: what is declared of the rows.
        frame: placed rows with the `label`, `category` and `fluid` of their items.
    """
    unit = told_unit(_items("FiO2"), _items("Temperature"))
    frame = frame.with_columns(unit=unit, has_number=pl.col("valuenum").is_not_null())
    frame = with_kinds(frame, _KIND, ("label", "category", "fluid"), _kinds)
    frame = clocked(frame, table, "valuenum", pl.col("delay_min"))
    frame = with_reason(frame, pl.col("itemid").is_null(), "no code")
    words = pl.when(~pl.col("has_number") & (pl.col("value") != TAKEN_AWAY)).then("value")
    frame = frame.with_columns(words=words)
    frame = with_reason(frame, ~pl.col("has_number") & pl.col("words").is_null(), "no value")
    frame = converted(frame, "valuenum")
    return candidates(frame, pl.col("modality"), pl.col("code"), pl.col("valuenum"), pl.col("words"))


def _items(name: str) -> list[int]:
    return [item for item, of in LAB_ITEMS.items() if of == name]


def _kinds(kinds: pl.DataFrame) -> pl.DataFrame:
    """What results of an item in one unit are, with a number or in words. A known quantity has its code and unit, where
    MIMIC writes that in its own way, or none; words of it are under its code whether or not a unit stands beside them.
    Any other item keeps its own name and unit."""
    name = pl.col("itemid").replace_strict(LAB_ITEMS, default=None, return_dtype=pl.String)
    kinds = kinds.with_columns(name=name, given=pl.col("unit").cast(pl.String))
    spelled = pl.format("{}|{}", "name", "given").replace_strict(_SPELLED, default=None, return_dtype=pl.String)
    without = pl.col("name").replace_strict(_UNITLESS, default=None, return_dtype=pl.String)
    canonical = pl.col("name").replace_strict(_CANONICAL, default=None, return_dtype=pl.String)
    given = pl.coalesce(spelled, "given", without, pl.when(~pl.col("has_number")).then(canonical))
    kinds = with_conversions(kinds.with_columns(given=given), EICU_LABS, "name", "given")
    own = pl.coalesce(pl.format("{} ({})", "label", "fluid"), "label", pl.col("itemid").cast(pl.String))
    gas = (pl.col("category").str.to_lowercase() == "blood gas").fill_null(False)
    return kinds.select(
        *(*_KIND, "is_coded", "factor", "shift", "low", "high"),
        delay_min=pl.when(gas).then(GAS_MIN).otherwise(RESULT_MIN),
        modality=pl.when(gas).then(pl.lit("blood_gas")).otherwise(pl.lit("lab")).cast(pl.Categorical),
        code=pl.format("LAB//{}//{}", pl.coalesce("name", own), "canonical").cast(pl.Categorical),
    )


def cultures(table: RawTable, frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of cultures: what grew of which specimen, and what each organism stood up to.

    A row without a time of day happened at the end of its day. That a specimen was taken is known then, long before
    what grew: for concepts, as charting, with the words `DAY_ALONE` where no time of day is written.

    Args:
        table: what is declared of the rows.
        frame: placed rows with a `test_name`.
    """
    day_alone = pl.when(pl.col("charttime").is_null()).then(pl.lit(DAY_ALONE))
    frame = frame.with_columns(
        charttime=pl.coalesce("charttime", midnight_after(table, "chartdate")), day_alone=day_alone
    )
    taken = clocked(frame, table, "spec_type_desc")
    taken = taken.filter(pl.col("reason").is_null(), pl.col("spec_type_desc").is_not_null())
    specimens = candidates(taken, "charting", pl.lit("SPECIMEN//") + pl.col("spec_type_desc"), text=pl.col("day_alone"))
    frame = clocked(frame, table, "org_name", CULTURE_MIN)
    frame = with_reason(frame, pl.col("spec_type_desc").is_null() & pl.col("test_name").is_null(), "no code")
    path = pl.concat_str("spec_type_desc", "test_name", "org_name", separator="|", ignore_nulls=True)
    grown = candidates(frame, "microbiology", pl.lit("MICROBIOLOGY//") + path)
    tested = frame.filter(pl.col("reason").is_null(), pl.col("ab_name").is_not_null(), pl.col("org_name").is_not_null())
    against = pl.concat_str("org_name", "ab_name", "interpretation", separator="|", ignore_nulls=True)
    return pl.concat([grown, candidates(tested, "microbiology", pl.lit("SUSCEPTIBILITY//") + against), specimens])
