"""`INPUTEVENTS_MV` and `INPUTEVENTS_CV`: what ran in (`mimic/fluids.py`), as either system writes it.

MetaVision has begin and end of each rate. CareVue has points of time: the rate to which a drug was set, charted again
every hour, and that it was stopped; of fluids what ran in since the last row. It knows no doses by mouth or vein.
"""

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from wardround.sources.synthetic.mimic.fluids import RINGER, SALINE
from wardround.sources.synthetic.mimic.roster import Roster

HOUR_MIN: Final = 60
PUSH, DRIP = "Intravenous Push", "IV Drip"
ENDINGS: Final = ("Stopped", "D/C'd")


class Drug(NamedTuple):
    """An item of CareVue: number, label, unit of its rate, and its rate as a multiple of MetaVision's."""

    item: int
    label: str
    unit: str | None = None
    factor: float = 1.0


DRUGS: Final[dict[int, Drug]] = {
    221906: Drug(30120, "Levophed-k", "mcgkgmin"),
    221749: Drug(30128, "Neosynephrine-k", "mcgkgmin"),
    222315: Drug(30051, "Vasopressin", "Umin", 1 / 60),
    221289: Drug(30119, "Epinephrine-k", "mcgkgmin"),
    221662: Drug(30043, "Dopamine", "mcgkgmin"),
    221653: Drug(30042, "Dobutamine", "mcgkgmin"),
    221986: Drug(30125, "Milrinone", "mcgkgmin"),
    222168: Drug(30131, "Propofol", "mcgkgmin"),
    225942: Drug(30118, "Fentanyl", "mcghr"),
    221668: Drug(30124, "Midazolam", "mghr"),
    221347: Drug(30112, "Amiodarone", "mgmin"),
    225152: Drug(30025, "Heparin", "Uhr"),
    223258: Drug(30045, "Insulin", "Uhr"),
}
"""Item of MetaVision -> the one of CareVue."""
FLUIDS: Final[dict[int, Drug]] = {SALINE: Drug(30018, ".9% Normal Saline"), RINGER: Drug(30021, "Lactated Ringers")}


def metavision_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of `INPUTEVENTS_MV`, of MetaVision's part of those of `mimic.fluids.input_rows`."""
    last = pl.col("starttime") == pl.col("starttime").max().over("linkorderid")
    ran = pl.when(last).then(pl.lit("FinishedRunning")).otherwise(pl.lit("Changed"))
    return rows.rename({"stay_id": "icustay_id", "caregiver_id": "cgid"}).with_columns(
        cancelreason=pl.lit(0), statusdescription=ran
    )


def carevue_rows(roster: Roster, rows: pl.DataFrame, before: int, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `INPUTEVENTS_CV`, with `stay` and `minute`.

    Args:
        roster: the stays with ids and dates.
        rows: CareVue's part of the rows of `mimic.fluids.input_rows`.
        before: rows of the chunks before.
        rng: the source of chance.
    """
    begun = pl.Series(roster.begun).gather(rows["stay"])
    kept = rows.select(
        "stay", "itemid", "begin", "end", "rate", "amount", "linkorderid", cgid="caregiver_id", begun=begun
    )
    drips, fluids = (kept.filter(pl.col("itemid").is_in(list(of))) for of in (DRUGS, FLUIDS))
    parts = _rates(drips), _ends(roster, drips, rng), _amounts(fluids)
    made = pl.concat(parts, how="diagonal_relaxed").sort("stay", "minute", "itemid", "linkorderid", maintain_order=True)
    stay, minute = made["stay"].to_numpy(), made["minute"].to_numpy()
    everything = {**DRUGS, **FLUIDS}
    drug = pl.col("itemid").is_in(list(DRUGS))
    return made.with_columns(
        **{name: pl.Series(value) for name, value in roster.ids(stay).items()},
        icustay_id=pl.Series(roster.stay_id[stay]),
        charttime=roster.stamp(stay, minute),
        storetime=roster.stamp(stay, minute + rng.integers(0, 50, stay.size)),
        orderid=pl.Series(before + 1 + np.arange(stay.size)),
        rateuom=pl.when(drug).then(_of(everything, "unit", pl.String)),
        amountuom=pl.when(~drug).then(pl.lit("ml")),
        originalamountuom=pl.when(~drug).then(pl.lit("ml")),
        originalroute=pl.when(drug).then(pl.lit(DRIP)).otherwise(pl.lit(PUSH)),
        itemid=_of(everything, "item", pl.Int64),
    )


def _of(items: dict[int, Drug], what: str, kind: type[pl.DataType]) -> pl.Expr:
    return pl.col("itemid").replace_strict(
        {number: getattr(drug, what) for number, drug in items.items()}, return_dtype=kind
    )


def _full_hours() -> pl.Expr:
    """The full hours of the clock between `begin` and `end`, in minutes from unit admission."""
    first = ((pl.col("begin") + pl.col("begun")) // HOUR_MIN + 1) * HOUR_MIN - pl.col("begun")
    return pl.int_ranges(first, pl.col("end"), HOUR_MIN)


def _rates(drips: pl.DataFrame) -> pl.DataFrame:
    """A rate at its begin, and at each full hour that it lasts."""
    rows = drips.with_columns(minute=pl.concat_list("begin", _full_hours())).explode("minute")
    rate = (pl.col("rate") * _of(DRUGS, "factor", pl.Float64)).round(4)
    return rows.select("stay", "itemid", "minute", "linkorderid", "cgid", rate=rate)


def _ends(roster: Roster, drips: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """That a drip stopped, where it did before the stay ended."""
    last = drips.sort("linkorderid", "end").unique("linkorderid", keep="last", maintain_order=True)
    before = pl.Series(roster.stays.unit_min).gather(last["stay"])
    last = last.filter(last["end"] < before)
    how = pl.Series(ENDINGS, dtype=pl.String).gather(rng.integers(0, len(ENDINGS), last.height))
    return last.select("stay", "itemid", "linkorderid", "cgid", minute="end").with_columns(stopped=how)


def _amounts(fluids: pl.DataFrame) -> pl.DataFrame:
    """What of a fluid ran in, at each full hour and at its end."""
    rows = fluids.with_row_index("run").with_columns(minute=pl.concat_list(_full_hours(), "end")).explode("minute")
    since = pl.col("minute") - pl.col("minute").shift(1).over("run").fill_null(pl.col("begin"))
    amount = (pl.col("amount") * since / (pl.col("end") - pl.col("begin"))).round(2)
    return rows.select("stay", "itemid", "minute", "linkorderid", "cgid", amount=amount)
