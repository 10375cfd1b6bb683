"""`infusiondrug`: what ran continuously.

The drugs are those of `infusion_list.py`. Each stay has one of the spellings and units of the published table. The
nurse charts about every third hour, and once more, rate 0, when the drug has stopped. Every stay has a maintenance
fluid.
"""

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from wardround.sources.synthetic.infusion_list import INFUSIONS, Infusion
from wardround.sources.synthetic.stays import Stays


class Spelling(NamedTuple):
    """How a drug is written.

    Attributes:
        names: name with unit -> factor from the first name's unit; 0 stands for division by the weight in kg.
        decimals: of the rate as written.
        bag: amount of drug (in the unit of mass that its name has) and volume in mL.
    """

    names: dict[str, float]
    decimals: int
    bag: tuple[int, int]


def _mcg_min(name: str) -> dict[str, float]:
    """A drug in mcg/min, also written by weight."""
    return {f"{name} (mcg/min)": 1.0, f"{name} (mcg/kg/min)": 0.0}


SPELLINGS: Final = {
    "Norepinephrine": Spelling(
        {**_mcg_min("Norepinephrine"), "Norepinephrine (ml/hr)": 3.75, "Norepinephrine ()": 3.75}, 2, (4, 250)
    ),
    "Phenylephrine": Spelling(_mcg_min("Phenylephrine"), 2, (50, 250)),
    "Vasopressin": Spelling({"Vasopressin (units/min)": 1.0, "Vasopressin (ml/hr)": 150.0}, 3, (40, 100)),
    "Epinephrine": Spelling(_mcg_min("Epinephrine"), 2, (4, 250)),
    "Dopamine": Spelling({"Dopamine (mcg/kg/min)": 1.0}, 1, (400, 250)),
    "Dobutamine": Spelling({"Dobutamine (mcg/kg/min)": 1.0, "Dobutamine ()": 4.2}, 1, (500, 250)),
    "Milrinone": Spelling({"Milrinone (mcg/kg/min)": 1.0}, 3, (20, 100)),
    "Propofol": Spelling({"Propofol (mcg/kg/min)": 1.0, "Propofol (ml/hr)": 0.5}, 1, (1000, 100)),
    "Fentanyl": Spelling({"Fentanyl (mcg/hr)": 1.0, "Fentanyl (ml/hr)": 0.1}, 1, (1000, 100)),
    "Midazolam": Spelling({"Midazolam (mg/hr)": 1.0, "Midazolam (ml/hr)": 1.0}, 1, (100, 100)),
    "Amiodarone": Spelling({"Amiodarone (mg/min)": 1.0, "Amiodarone (ml/hr)": 33.3}, 2, (450, 250)),
    "Heparin": Spelling({"Heparin (units/hr)": 1.0, "Heparin (ml/hr)": 0.02}, 0, (25000, 500)),
    "Insulin": Spelling({"Insulin (units/hr)": 1.0, "Insulin (ml/hr)": 1.0}, 1, (100, 100)),
}
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
    written = SPELLINGS[drug.name]
    runs = drug.drawn(stays, rng)[stay] & (seen > drug.threshold)
    stopped = ~runs & np.append(False, runs[:-1] & (stay[1:] == stay[:-1]))
    charted = (runs & (rng.random(stay.size) < 0.35)) | stopped
    rows = np.flatnonzero(charted & (offset <= stays.unit_min[stay]))
    stay, offset = stay[rows], offset[rows]
    base, slope = drug.rate
    rate = base + slope * (seen[rows] - drug.threshold) * rng.lognormal(0, 0.2, rows.size)
    spelling = rng.integers(0, len(written.names), stays.size)[stay]
    factor = np.array(list(written.names.values()), dtype=float)[spelling]
    rate = np.where(stopped[rows], 0.0, rate * np.where(factor > 0, factor, 1 / stays.weight_kg[stay]))
    name = pl.Series(list(written.names)).gather(spelling)
    known = pl.Series(rng.random(stays.size) < 0.4).gather(stay)
    rest = {
        "drugamount": _only(known, np.full(rows.size, written.bag[0])),
        "volumeoffluid": _only(known, np.full(rows.size, written.bag[1])),
        "patientweight": _only(name.str.contains("kg"), stays.weight_kg[stay]),
    }
    return _rows((stay, offset), name, rate.round(written.decimals + 1), rest)


def _only(kept: pl.Series, values: np.ndarray) -> pl.Series:
    return pl.Series(values).set(~kept, None)
