"""MIMIC: rows by kind. Rows of an item in one unit share code, modality, delay and conversion; of the thousands of rows
of a block there are few kinds, so that what one is is worked out once and joined.
"""

from collections.abc import Callable, Collection, Sequence

import polars as pl

from wardround.sources.units import is_fahrenheit, is_fraction


def told_unit(oxygen: Collection[int], temperature: Collection[int]) -> pl.Expr:
    """The unit that `valuenum` is in: `valueuom`, but where the number tells otherwise, which is "fraction" or "F".

    Args:
        oxygen: items of inspired oxygen.
        temperature: items of temperatures.
    """
    number, item = pl.col("valuenum"), pl.col("itemid")
    fraction = item.is_in(oxygen) & is_fraction(number)
    warm = item.is_in(temperature) & is_fahrenheit(number)
    told = pl.when(fraction).then(pl.lit("fraction", pl.Categorical)).when(warm).then(pl.lit("F", pl.Categorical))
    return told.otherwise(pl.col("valueuom").cast(pl.Categorical))


def with_kinds(
    rows: pl.DataFrame, by: Sequence[str], names: Sequence[str], describe: Callable[[pl.DataFrame], pl.DataFrame]
) -> pl.DataFrame:
    """Rows with what their kind is; null in those that have a reason, whose item may be another's, and nameless.

    Args:
        rows: with `reason`.
        by: columns that tell kinds apart.
        names: columns that go with the item.
        describe: kinds, a row each with `by` and `names` -> `by` and what is joined.
    """
    usable = rows.select(*by, *names, "reason").filter(pl.col("reason").is_null())
    kinds = describe(usable.unique(by).drop("reason"))
    return rows.join(kinds, on=by, how="left", nulls_equal=True, maintain_order="left")
