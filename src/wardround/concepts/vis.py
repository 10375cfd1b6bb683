"""The vasoactive-inotropic score of each hour, and the doses that it is made of.

    vis = dopamine + dobutamine + 100 epinephrine + 10 milrinone + 10,000 vasopressin + 100 norepinephrine

in mcg/kg/min, vasopressin in units/kg/min.

    vis                 of the time-weighted mean dose of the hour
    vis_max             the highest in the hour: of what runs at once
    vis_DRUG            the mean dose of a drug, six names

Every hour of a stay has a row of each; a drug that is not given is 0. Hours with vasopressin and no weight ever known
have none of vasopressin, `vis` and `vis_max`.

Source: Gaies et al., Pediatr Crit Care Med 11:234-238 (2010); item ids and units as in arXiv 2502.16834. Vasopressin
is charted in units/min or units/h: events hold units/h, here divided once by 60 and by the weight charted with the
infusion, else the patient's at the end of the hour (`weight.py`). Norepinephrine in mg/kg/min is 1,000 times mcg/kg/min
unless the weight charted with it is 1, as in the MIMIC Code Repository: `prepare mimic4` sees to that.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl

from wardround.concepts import infusions
from wardround.concepts.infusions import DRUGS, hourly_rates, with_infusions_known
from wardround.concepts.rows import long_rows, sorted_rows
from wardround.concepts.unit_hours import unit_hours
from wardround.concepts.weight import BESIDE_INFUSION, with_weight
from wardround.concepts.weight import CODES as WEIGHTS

COEFFICIENTS: Final[Mapping[str, float]] = {
    "dopamine": 1.0,
    "dobutamine": 1.0,
    "epinephrine": 100.0,
    "milrinone": 10.0,
    "vasopressin": 10_000.0,
    "norepinephrine": 100.0,
}
CODES: Final = (*infusions.CODES, *WEIGHTS, BESIDE_INFUSION)
NEEDS: Final = infusions.NEEDS
_PER_MIN: Final = 1 / 60
_BY_WEIGHT: Final = ("vis", "vis_max", "vis_vasopressin")


def vis(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """The score of each hour of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `stay_id, start, end, in_unit_until`.

    Returns:
        Rows with the `ROW_COLUMNS`; `time_h` is the end of the hour.
    """
    hours = unit_hours(stays).filter("in_unit")
    rates = hourly_rates(events, hours)
    doses = rates.group_by("stay_id", "hour").agg(
        (pl.col("rate") * pl.col("share")).filter(pl.col("drug") == drug).sum().alias(drug) for drug in DRUGS
    )
    hours = with_weight(with_infusions_known(hours, events), events, at="closes", beside_infusion=True)
    hours = hours.join(doses, on=["stay_id", "hour"], how="left").with_columns(time_h=pl.col("hour") + 1.0)
    hours = hours.with_columns(pl.col(DRUGS).fill_null(0.0)).with_columns(by_weight=pl.col("vasopressin") > 0)
    hours = hours.with_columns(_per_kg("vasopressin")).with_columns(
        *(pl.col(drug).alias(f"vis_{drug}") for drug in DRUGS), vis=_score()
    )
    hours = hours.join(_highest(rates, hours), on=["stay_id", "hour"], how="left")
    hours = hours.with_columns(vis_max=pl.when(pl.col("vis").is_not_null()).then(pl.max_horizontal("vis", "highest")))
    weighed = pl.when("by_weight").then("weight_known")
    others = [f"vis_{drug}" for drug in DRUGS if f"vis_{drug}" not in _BY_WEIGHT]
    known = pl.max_horizontal("infusions_known", weighed)
    return sorted_rows(
        pl.concat(
            [
                long_rows(hours.with_columns(available_time=known), _BY_WEIGHT),
                long_rows(hours.with_columns(available_time="infusions_known"), others),
            ]
        )
    )


def _per_kg(name: str) -> pl.Expr:
    """Units/h as units/kg/min; none needs no weight."""
    return pl.when(pl.col(name) > 0).then(pl.col(name) * _PER_MIN / pl.col("weight_kg")).otherwise(0.0).alias(name)


def _score() -> pl.Expr:
    return pl.sum_horizontal((factor * pl.col(drug) for drug, factor in COEFFICIENTS.items()), ignore_nulls=False)


def _highest(rates: pl.DataFrame, hours: pl.DataFrame) -> pl.DataFrame:
    """`stay_id, hour, highest`: the most that the infusions of an hour score at once, which is when one of them begins.

    Args:
        rates: of `hourly_rates`.
        hours: `stay_id, hour, weight_kg`.
    """
    vasopressin = pl.col("drug") == "vasopressin"
    dose = pl.when(vasopressin).then(pl.col("rate") * _PER_MIN / pl.col("weight_kg")).otherwise("rate")
    running = rates.join(hours.select("stay_id", "hour", "weight_kg"), on=["stay_id", "hour"])
    running = running.with_columns(score=dose * pl.col("drug").replace_strict(COEFFICIENTS, return_dtype=pl.Float64))
    begins = running.select("stay_id", "hour", at="since").unique()
    at_once = running.join(begins, on=["stay_id", "hour"]).filter(
        pl.col("at").is_between("since", "until", closed="left")
    )
    scores = at_once.group_by("stay_id", "hour", "at").agg(pl.col("score").sum())
    return scores.group_by("stay_id", "hour").agg(highest=pl.col("score").max())
