"""What ran into the patient, and what came out, by the items of MetaVision.

A drip is a chain of rows, each from one change of its rate to the next, with the rate and what ran in at it; the rates
are those of `infusion_list.py`, written by weight where MIMIC writes them so. Boluses have an amount alone.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from wardround.sources.synthetic.infusion_list import INFUSIONS, Infusion
from wardround.sources.synthetic.latent import sigmoid
from wardround.sources.synthetic.mimic.item_list import ITEMS
from wardround.sources.synthetic.mimic.roster import Roster
from wardround.sources.synthetic.stays import Stays


class Drip(NamedTuple):
    """How an infusion is written: item, unit of the rate, factor to it from the list's unit, whether it is divided by
    the weight; and what one unit of the rate gives in an hour, in the unit of amounts (a kg of weight, where by kg)."""

    item: int
    unit: str
    factor: float
    by_weight: bool
    per_hour: float


_MCG_KG: Final = "mcg/kg/min"
DRIPS: Final = {
    "Norepinephrine": Drip(221906, _MCG_KG, 1.0, True, 0.06),
    "Phenylephrine": Drip(221749, _MCG_KG, 1.0, True, 0.06),
    "Vasopressin": Drip(222315, "units/hour", 60.0, False, 1.0),
    "Epinephrine": Drip(221289, _MCG_KG, 1.0, True, 0.06),
    "Dopamine": Drip(221662, _MCG_KG, 1.0, False, 0.06),
    "Dobutamine": Drip(221653, _MCG_KG, 1.0, False, 0.06),
    "Milrinone": Drip(221986, _MCG_KG, 1.0, False, 0.06),
    "Propofol": Drip(222168, _MCG_KG, 1.0, False, 0.06),
    "Fentanyl": Drip(225942, "mcg/hour", 1.0, False, 0.001),
    "Midazolam": Drip(221668, "mg/hour", 1.0, False, 1.0),
    "Amiodarone": Drip(221347, "mg/min", 1.0, False, 60.0),
    "Heparin": Drip(225152, "units/hour", 1.0, False, 1.0),
    "Insulin": Drip(223258, "units/hour", 1.0, False, 1.0),
}
SALINE, RINGER, FUROSEMIDE, VANCOMYCIN = 225158, 225828, 221794, 225798
FOLEY, VOID, STOOL = 226559, 226560, 226579
CHANGE_PROB: Final = 0.25
"""Of a new rate, each hour."""


@dataclass(frozen=True)
class Runs:
    """Rows that last: place of the stay, minutes from unit admission, the first row of the same drip."""

    stay: np.ndarray
    hour: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    link: np.ndarray


def runs_of(stays: Stays, on: np.ndarray, breaks: np.ndarray, rng: np.random.Generator) -> Runs:
    """Hours that follow on each other as rows.

    Args:
        stays: whose hours `on` and `breaks` are.
        on: whether it ran in an hour.
        breaks: hours in which a new row begins though it ran before.
        rng: draws the minute at which a drip begins.
    """
    stay, hour = stays.every_hour()
    before = np.append(False, on[:-1] & (stay[1:] == stay[:-1]))
    whole = on & ~before
    opens = on & (whole | breaks)
    row = np.cumsum(opens)[on] - 1
    first = np.flatnonzero(opens)
    lasted = np.bincount(row, minlength=first.size)
    link = np.maximum.accumulate(np.where(whole[first], np.arange(first.size), 0))
    minute = rng.integers(0, 60, first.size)[link]
    begin = hour[first] * 60 + minute
    end = np.minimum(begin + 60 * lasted, stays.unit_min[stay[first]])
    kept = begin < end
    renumber = np.cumsum(kept) - 1
    return Runs(stay[first][kept], hour[first][kept], begin[kept], end[kept], renumber[link][kept])


def input_rows(roster: Roster, before: int, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of MIMIC-IV's `inputevents`, with `stay` and, in minutes from unit admission, `begin` and `end`.

    Args:
        roster: the stays with ids and dates.
        before: rows of the chunks before.
        rng: the source of chance.
    """
    stays = roster.stays
    parts = [_drip(stays, drug, rng) for drug in INFUSIONS]
    parts += [_maintenance(stays, rng)]
    parts += [_bolus(stays, RINGER, 500, (-1.2, 0.5), rng), _bolus(stays, FUROSEMIDE, 40, (-1.6, 0.2), rng)]
    parts += [_bolus(stays, VANCOMYCIN, 1, (-1.4, 0.4), rng)]
    sizes = np.array([part.height for part in parts])
    rows = pl.concat(parts)
    base = 1_000_000 + before + np.repeat(np.cumsum(sizes) - sizes, sizes)
    stay = rows["stay"].to_numpy()
    drip = pl.col("rate").is_not_null()
    return rows.with_columns(
        **{name: pl.Series(value) for name, value in roster.ids(stay, "stay_id").items()},
        caregiver_id=pl.Series(rng.integers(1_000, 99_999, stays.size)).gather(stay),
        starttime=roster.stamp(stay, rows["begin"].to_numpy()),
        endtime=roster.stamp(stay, rows["end"].to_numpy()),
        storetime=roster.stamp(stay, rows["begin"].to_numpy() + rng.integers(0, 30, stay.size)),
        orderid=pl.Series(1_000_000 + before + np.arange(rows.height)),
        linkorderid=pl.Series(base + rows["link"].to_numpy()),
        ordercategoryname=pl.when(drip).then(pl.lit("01-Drips")).otherwise(pl.lit("05-Med Bolus")),
        secondaryordercategoryname=pl.when(drip).then(pl.lit("02-Fluids (Crystalloids)")),
        ordercomponenttypedescription=pl.lit("Main order parameter"),
        ordercategorydescription=pl.when(drip).then(pl.lit("Continuous Med")).otherwise(pl.lit("Drug Push")),
        patientweight=pl.Series(stays.weight_kg[stay]),
        totalamount=pl.when(drip).then(250),
        totalamountuom=pl.when(drip).then(pl.lit("ml")),
        isopenbag=pl.lit(0),
        continueinnextdept=pl.lit(0),
        statusdescription=pl.lit("FinishedRunning"),
        originalamount=pl.col("amount"),
        originalrate=pl.coalesce("rate", "amount"),
    )


def _given(item: int, runs: Runs, rate: np.ndarray | None, unit: str | None, amount: np.ndarray) -> pl.DataFrame:
    size = runs.stay.size
    rates = pl.Series([None], dtype=pl.Float64).new_from_index(0, size) if rate is None else pl.Series(rate)
    label = "ml" if ITEMS[item].unit == "mL" else ITEMS[item].unit
    columns = {"stay": runs.stay, "begin": runs.begin, "end": runs.end, "link": runs.link, "amount": amount}
    return pl.DataFrame({**columns, "rate": rates.cast(pl.Float64)}).with_columns(
        pl.col("amount").cast(pl.Float64), itemid=pl.lit(item), amountuom=pl.lit(label), rateuom=pl.lit(unit, pl.String)
    )


def _drip(stays: Stays, drug: Infusion, rng: np.random.Generator) -> pl.DataFrame:
    """One drug in all stays."""
    written = DRIPS[drug.name]
    stay, hour = stays.every_hour()
    on = drug.drawn(stays, rng)[stay] & (stays.seen("infusion", stay, hour) > drug.threshold)
    runs = runs_of(stays, on, rng.random(stay.size) < CHANGE_PROB, rng)
    seen, weight = stays.seen("infusion", runs.stay, runs.hour), stays.weight_kg[runs.stay]
    base, slope = drug.rate
    rate = (base + slope * (seen - drug.threshold)) * rng.lognormal(0, 0.15, seen.size) * written.factor
    rate = np.round(rate / weight if written.by_weight else rate, 4)
    by_kg = weight if written.unit == _MCG_KG else 1.0
    amount = rate * by_kg * written.per_hour * (runs.end - runs.begin) / 60
    return _given(written.item, runs, rate, written.unit, amount.round(5))


def _maintenance(stays: Stays, rng: np.random.Generator) -> pl.DataFrame:
    """Saline in every stay, from its begin on, a bag of about ten hours after the other."""
    on = np.ones(stays.path.size, dtype=bool)
    runs = runs_of(stays, on, rng.random(on.size) < 0.1, rng)
    lacks = np.setdiff1d(np.arange(stays.size), runs.stay)
    zero = np.zeros(lacks.size, dtype=np.int64)
    own = np.arange(runs.stay.size, runs.stay.size + lacks.size)
    short = Runs(lacks, zero, zero, stays.unit_min[lacks], own)
    names = ("stay", "hour", "begin", "end", "link")
    runs = Runs(*(np.concatenate([getattr(runs, name), getattr(short, name)]) for name in names))
    rate = rng.choice([30, 50, 75, 100, 125], stays.size)[runs.stay].astype(float)
    return _given(SALINE, runs, rate, "mL/hour", (rate * (runs.end - runs.begin) / 60).round(3))


def _bolus(stays: Stays, item: int, dose: int, odds: tuple[float, float], rng: np.random.Generator) -> pl.DataFrame:
    """Single doses: about every tenth hour, more often in the sick."""
    stay, hour = stays.every_hour()
    chance = 0.1 * sigmoid(odds[0] + odds[1] * stays.seen("infusion", stay, hour))
    given = rng.random(stay.size) < chance
    stay, hour = stay[given], hour[given]
    begin = np.minimum(hour * 60 + rng.integers(0, 60, stay.size), stays.unit_min[stay] - 1)
    size = np.arange(stay.size)
    return _given(item, Runs(stay, hour, begin, begin + 1, size), None, None, np.full(stay.size, dose))


VOLUME: Final = {"urine": (160.0, -0.28), "stool": (150.0, 0.0)}
"""Median in mL at severity 0, change of its logarithm by severity."""


def output_rows(roster: Roster, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of MIMIC-IV's `outputevents`, with `stay`: urine about every second hour, by catheter in the
    sick; stool rarely."""
    stays = roster.stays
    stay, hour = stays.every_hour()
    minute = hour * 60 + rng.integers(0, 60, stay.size)
    passed = (rng.random(stay.size) < 0.45) | (hour == 0)
    minute = np.where(hour == 0, np.minimum(minute, stays.unit_min[stay]), minute)
    passed &= minute <= stays.unit_min[stay]
    stay, minute = stay[passed], minute[passed]
    foley = rng.random(stays.size) < sigmoid(
        0.8 + 0.5 * stays.seen("intake_output", np.arange(stays.size), 0 * stays.visit)
    )
    stool = (rng.random(stay.size) < 0.05) & (minute >= 60)
    kind = np.where(stool, STOOL, np.where(foley[stay], FOLEY, VOID))
    seen = stays.seen("intake_output", stay, minute // 60)
    level, slope = (np.where(stool, VOLUME["stool"][part], VOLUME["urine"][part]) for part in (0, 1))
    volume = 5 * np.rint(level * np.exp(slope * seen + rng.normal(0, 0.5, stay.size)) / 5)
    late = np.floor(rng.exponential(25, stay.size)).astype(np.int64)
    return pl.DataFrame(
        {
            "stay": stay,
            **roster.ids(stay, "stay_id"),
            "caregiver_id": rng.integers(1_000, 99_999, stays.size)[stay],
            "charttime": roster.stamp(stay, minute),
            "storetime": roster.stamp(stay, minute + late),
            "itemid": kind,
            "value": volume.astype(np.int64),
        }
    ).with_columns(valueuom=pl.lit("ml"))
