"""Strata of a split: which modalities a patient's first stay has (arXiv 2604.18753, section 3.1.1).

Orphans, stays without a patient id, are strata by themselves. Strata too small to divide are merged, orphans apart.
Published scores are no input and name no stratum.
"""

from collections.abc import Collection, Mapping
from typing import Final

import polars as pl

from wardround.events import INPUT_MODALITIES

SMALL_STRATUM: Final = 20
"""Patients; at 15 % a smaller stratum would expect fewer than three test patients."""
SIDES: Final = ("train", "val", "test")


def combinations(stays: pl.DataFrame) -> pl.DataFrame:
    """`subject_id, combination, orphan`: the input modalities of each patient's first stay, in their one order."""
    first = stays.sort("subject_id", "start", "stay_id").group_by("subject_id", maintain_order=True).first()
    inputs = pl.col("modalities").list.eval(pl.element().filter(pl.element().is_in(INPUT_MODALITIES)))
    names = inputs.list.join("+").fill_null("").replace("", "nothing recorded")
    return first.select("subject_id", combination=names, orphan=pl.col("orphan").fill_null(False))


def _stratum() -> pl.Expr:
    """The name of a patient's stratum among the patients of a table with the columns of `combinations`."""
    small = pl.len().over("combination", "orphan") < SMALL_STRATUM
    name = pl.when(small).then(pl.lit("merged small strata")).otherwise("combination")
    return name + pl.when("orphan").then(pl.lit(" (orphans)")).otherwise(pl.lit(""))


def strata(patients: pl.DataFrame, units: Collection[str]) -> dict[str, str]:
    """Patient -> stratum, of some of the patients; what is small among them is merged.

    Args:
        patients: what `combinations` gave.
        units: the patients that are divided together, as text.
    """
    named = patients.with_columns(unit=pl.col("subject_id").cast(pl.String))
    divided = named.filter(pl.col("unit").is_in(list(units))).with_columns(stratum=_stratum())
    return dict(divided.select("unit", "stratum").iter_rows())


def ranked(shares: Mapping[str, float], stratum: Mapping[str, str]) -> dict[str, float]:
    """Shares of a hash made even within each stratum: (rank - 1/2) / patients of the stratum.

    A stratum cut at a share has that share on either side of the cut, to one patient. The rank of a patient moves when
    others of the stratum come or go.

    Args:
        shares: patient -> a number in [0, 1) that depends on the patient alone.
        stratum: patient -> stratum.

    Returns:
        Patient -> a number in (0, 1), in the order of the shares within a stratum.
    """
    rows = [(unit, share, stratum[unit]) for unit, share in shares.items()]
    schema = {"unit": pl.String, "share": pl.Float64, "stratum": pl.String}
    table = pl.DataFrame(rows, schema, orient="row").sort("stratum", "share", "unit")
    even = (pl.int_range(pl.len()) + 0.5) / pl.len()
    return dict(table.select("unit", even.over("stratum").alias("even")).iter_rows())


def balance(stays: pl.DataFrame, sides: pl.DataFrame, column: str = "split") -> pl.DataFrame:
    """How evenly the modality combinations lie on the sides.

    Args:
        stays: `stays.parquet`.
        sides: what `split_stays` gave.
        column: "split" or "pretrain_split".

    Returns:
        A row a stratum, the largest first: `stratum`, `patients`, and the share of them on each side.
    """
    on_side = sides.drop_nulls(column).select("subject_id", side=column).unique("subject_id")
    table = combinations(stays).join(on_side, on="subject_id").with_columns(stratum=_stratum())
    shares = [(pl.col("side") == side).mean().alias(side) for side in SIDES]
    return (
        table.group_by("stratum")
        .agg(pl.len().alias("patients"), *shares)
        .sort("patients", "stratum", descending=[True, False])
    )
