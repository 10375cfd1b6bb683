"""`infusiondrug`: what ran continuously.

A drug of the list runs for the hours in which the severity seen is above its threshold, in stays that are given it at
all; its rate grows with the distance. Each stay has one of the spellings and units of the published table. The nurse
charts about every third hour, and once more, rate 0, when the drug has stopped. Every stay has a maintenance fluid.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.latent import sigmoid
from wardround.sources.synthetic.population import CAUSE_NAMES, COMORBIDITY_NAMES
from wardround.sources.synthetic.stays import Stays


@dataclass(frozen=True)
class Infusion:
    """A continuous drug.

    Attributes:
        spellings: name with unit -> factor from the first spelling's unit; 0 stands for division by the weight in kg.
        given: log odds that a stay is given it at all; more: added to them by cause of admission or comorbidity.
        threshold: severity above which it runs.
        rate: base and slope: rate = base + slope (seen - threshold), in the first spelling's unit.
        decimals: of the rate as written.
        bag: amount of drug (in the unit of mass that its name has) and volume in mL.
    """

    spellings: dict[str, float]
    given: float
    threshold: float
    rate: tuple[float, float]
    decimals: int
    bag: tuple[int, int]
    more: dict[str, float] = field(default_factory=dict[str, float])


def _mcg_min(name: str) -> dict[str, float]:
    """A drug in mcg/min, also written by weight."""
    return {f"{name} (mcg/min)": 1.0, f"{name} (mcg/kg/min)": 0.0}


INFUSIONS: Final = (
    Infusion(
        {**_mcg_min("Norepinephrine"), "Norepinephrine (ml/hr)": 3.75, "Norepinephrine ()": 3.75},
        0.8,
        1.4,
        (2.0, 6.0),
        2,
        (4, 250),
    ),
    Infusion(_mcg_min("Phenylephrine"), -1.6, 1.2, (25.0, 40.0), 2, (50, 250)),
    Infusion({"Vasopressin (units/min)": 1.0, "Vasopressin (ml/hr)": 150.0}, 0.4, 2.4, (0.03, 0.01), 3, (40, 100)),
    Infusion(_mcg_min("Epinephrine"), -1.6, 2.6, (2.0, 4.0), 2, (4, 250), {"bypass surgery": 1.5}),
    Infusion({"Dopamine (mcg/kg/min)": 1.0}, -2.0, 1.2, (4.0, 3.0), 1, (400, 250), {"heart failure": 1.0}),
    Infusion(
        {"Dobutamine (mcg/kg/min)": 1.0, "Dobutamine ()": 4.2},
        -3.0,
        1.0,
        (3.0, 2.0),
        1,
        (500, 250),
        {"heart failure": 1.8},
    ),
    Infusion({"Milrinone (mcg/kg/min)": 1.0}, -3.2, 0.8, (0.25, 0.1), 3, (20, 100), {"bypass surgery": 1.5}),
    Infusion({"Propofol (mcg/kg/min)": 1.0, "Propofol (ml/hr)": 0.5}, 0.6, 0.9, (15.0, 12.0), 1, (1000, 100)),
    Infusion({"Fentanyl (mcg/hr)": 1.0, "Fentanyl (ml/hr)": 0.1}, 0.2, 0.8, (40.0, 45.0), 1, (1000, 100)),
    Infusion({"Midazolam (mg/hr)": 1.0, "Midazolam (ml/hr)": 1.0}, -1.5, 1.3, (2.0, 2.0), 1, (100, 100)),
    Infusion(
        {"Amiodarone (mg/min)": 1.0, "Amiodarone (ml/hr)": 33.3},
        -3.0,
        -2.5,
        (0.5, 0.1),
        2,
        (450, 250),
        {"atrial arrhythmia": 3.0},
    ),
    Infusion(
        {"Heparin (units/hr)": 1.0, "Heparin (ml/hr)": 0.02},
        -3.0,
        -3.5,
        (900.0, 60.0),
        0,
        (25000, 500),
        {"myocardial infarction": 3.2},
    ),
    Infusion(
        {"Insulin (units/hr)": 1.0, "Insulin (ml/hr)": 1.0},
        -3.0,
        -4.0,
        (2.0, 0.8),
        1,
        (100, 100),
        {"ketoacidosis": 6.0, "diabetes": 0.8},
    ),
)
MAINTENANCE: Final = "NS (ml/hr)"


def infusion_table(stays: Stays, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `infusiondrug`: offsets in minutes, rates in the unit within the drug's name, weight in kg."""
    stay, hour = stays.every_hour()
    seen = stays.seen("infusion", stay, hour)
    charted_min = hour * 60 + rng.integers(0, 60, stay.size)
    parts = [_maintenance(stays, hour, (stay, charted_min), rng)]
    parts += [_one_drug(stays, drug, (stay, charted_min), seen, rng) for drug in INFUSIONS]
    return pl.concat(parts)


def _rows(
    when: tuple[np.ndarray, np.ndarray], name: pl.Series, rate: np.ndarray, rest: dict[str, pl.Series]
) -> pl.DataFrame:
    stay, offset = when
    empty = pl.Series([None], dtype=pl.Float64).new_from_index(0, stay.size)
    columns = dict.fromkeys(("infusionrate", "drugamount", "volumeoffluid", "patientweight"), empty) | rest
    text = pl.Series(rate).cast(pl.String).str.strip_suffix(".0")
    filled = {key: value.cast(pl.Float64) for key, value in columns.items()}
    return pl.DataFrame({"stay": stay, "infusionoffset": offset, "drugname": name, "drugrate": text, **filled})


def _maintenance(
    stays: Stays, hour: np.ndarray, when: tuple[np.ndarray, np.ndarray], rng: np.random.Generator
) -> pl.DataFrame:
    """Saline, charted in the first hour and then about every twelfth."""
    in_time = when[1] <= stays.unit_min[when[0]]
    rows = np.flatnonzero((hour == 0) | ((rng.random(hour.size) < 1 / 12) & in_time))
    stay = when[0][rows]
    offset = np.minimum(when[1][rows], stays.unit_min[stay])
    rate = rng.choice([30, 50, 75, 100, 125], stays.size)[stay].astype(float)
    name = pl.Series([MAINTENANCE]).new_from_index(0, rate.size)
    return _rows((stay, offset), name, rate, {"infusionrate": pl.Series(rate)})


def _one_drug(
    stays: Stays,
    drug: Infusion,
    when: tuple[np.ndarray, np.ndarray],
    seen: np.ndarray,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """One drug in all stays: rows while it runs, and one of rate 0 where it has just stopped."""
    stay, offset = when
    runs = _given(stays, drug, rng)[stay] & (seen > drug.threshold)
    stopped = ~runs & np.append(False, runs[:-1] & (stay[1:] == stay[:-1]))
    charted = (runs & (rng.random(stay.size) < 0.35)) | stopped
    rows = np.flatnonzero(charted & (offset <= stays.unit_min[stay]))
    stay, offset = stay[rows], offset[rows]
    base, slope = drug.rate
    rate = base + slope * (seen[rows] - drug.threshold) * rng.lognormal(0, 0.2, rows.size)
    spelling = rng.integers(0, len(drug.spellings), stays.size)[stay]
    factor = np.array(list(drug.spellings.values()), dtype=float)[spelling]
    rate = np.where(stopped[rows], 0.0, rate * np.where(factor > 0, factor, 1 / stays.weight_kg[stay]))
    name = pl.Series(list(drug.spellings)).gather(spelling)
    known = pl.Series(rng.random(stays.size) < 0.4).gather(stay)
    rest = {
        "drugamount": _only(known, np.full(rows.size, drug.bag[0])),
        "volumeoffluid": _only(known, np.full(rows.size, drug.bag[1])),
        "patientweight": _only(name.str.contains("kg"), stays.weight_kg[stay]),
    }
    return _rows((stay, offset), name, rate.round(drug.decimals + 1), rest)


def _given(stays: Stays, drug: Infusion, rng: np.random.Generator) -> np.ndarray:
    """Whether a stay is given the drug when ill enough, a flag a stay."""
    by_cause = np.array([drug.more.get(name, 0.0) for name in CAUSE_NAMES])[stays.of_stay("cause")]
    by_comorbidity = stays.of_stay("comorbidity") @ np.array([drug.more.get(name, 0.0) for name in COMORBIDITY_NAMES])
    return rng.random(stays.size) < sigmoid(drug.given + by_cause + by_comorbidity)


def _only(kept: pl.Series, values: np.ndarray) -> pl.Series:
    return pl.Series(values).set(~kept, None)
