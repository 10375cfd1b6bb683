"""MIMIC, labevents and microbiologyevents: results as events, known at their storetime.

Each odd row has one rule. Where nothing is stored, a result of the laboratory is known 3 h after the draw, one of the
blood gas analyser after 1 h, a culture after 7 days: by then nine of ten are, by the storetimes of MIMIC-IV's demo. A
result without a number keeps its words; `___` stands for words that were taken away. Words in `comments` are not read.
"""

from typing import Final

import polars as pl

from wardround.sources.conversion import candidates, in_canonical_units, with_reason
from wardround.sources.mimic.items import paper_rows
from wardround.sources.mimic.lab_items import LAB_ITEMS, UNITS, WITHOUT_UNIT
from wardround.sources.mimic.placing import clocked, midnight_after
from wardround.sources.raw_table import RawTable
from wardround.sources.units import EICU_LABS, is_fahrenheit, is_fraction

RESULT_MIN: Final = 180
GAS_MIN: Final = 60
CULTURE_MIN: Final = 7 * 24 * 60
TAKEN_AWAY: Final = "___"
DAY_ALONE: Final = "day alone"

_CANONICAL: Final = {name: EICU_LABS[name].unit for name in set(LAB_ITEMS.values())}
_SPELLED: Final = {f"{name}|{theirs}": ours for name, same in UNITS.items() for theirs, ours in same.items()}
_UNITLESS: Final = {name: EICU_LABS[name].unit for name in WITHOUT_UNIT}

PAPER_LABS: Final = paper_rows({item: f"LAB//{name}//{_CANONICAL[name]}" for item, name in LAB_ITEMS.items()})
"""Results of the 17 variables: glucose, pH and inspired oxygen."""


def labs(table: RawTable, frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of laboratory results.

    Args:
        table: what is declared of the rows.
        frame: placed rows with the `label`, `category` and `fluid` of their items.
    """
    gas = (pl.col("category").str.to_lowercase() == "blood gas").fill_null(False)
    frame = clocked(frame, table, "valuenum", pl.when(gas).then(GAS_MIN).otherwise(RESULT_MIN))
    frame = with_reason(frame, pl.col("itemid").is_null(), "no code")
    words = pl.when(pl.col("valuenum").is_null() & (pl.col("value") != TAKEN_AWAY)).then("value")
    frame = frame.with_columns(
        words=words,
        name=pl.col("itemid").replace_strict(LAB_ITEMS, default=None, return_dtype=pl.String),
        modality=pl.when(gas).then(pl.lit("blood_gas")).otherwise(pl.lit("lab")),
    )
    frame = with_reason(frame, pl.col("valuenum").is_null() & pl.col("words").is_null(), "no value")
    own = pl.coalesce(pl.format("{} ({})", "label", "fluid"), "label", pl.col("itemid").cast(pl.String))
    frame = frame.with_columns(code_name=pl.coalesce("name", own), unit=_unit())
    frame = in_canonical_units(frame, EICU_LABS, "name", "valuenum", "unit")
    code = pl.format("LAB//{}//{}", "code_name", "unit")
    return candidates(frame, pl.col("modality"), code, pl.col("valuenum"), pl.col("words"))


def _unit() -> pl.Expr:
    """The unit of a result: as it stands, but where MIMIC writes a known one in its own way, or none; words of a
    known quantity are under its code whether or not a unit stands beside them."""
    name, given, number = pl.col("name"), pl.col("valueuom"), pl.col("valuenum")
    spelled = pl.format("{}|{}", name, given).replace_strict(_SPELLED, default=None, return_dtype=pl.String)
    without = name.replace_strict(_UNITLESS, default=None, return_dtype=pl.String)
    canonical = name.replace_strict(_CANONICAL, default=None, return_dtype=pl.String)
    unit = pl.coalesce(spelled, given, without, pl.when(number.is_null()).then(canonical))
    fraction = (name == "FiO2") & is_fraction(number)
    warm = (name == "Temperature") & is_fahrenheit(number)
    return pl.when(fraction).then(pl.lit("fraction")).when(warm).then(pl.lit("F")).otherwise(unit)


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
