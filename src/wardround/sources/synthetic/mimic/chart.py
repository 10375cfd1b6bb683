"""What is charted, by the items of MetaVision: vital signs, consciousness, breathing, size, results that nurses copy.

Most vital signs are charted in nine of ten hours, others every few hours; all are stored up to an hour and a half
later. Of a patient on a ventilator there are its oxygen fraction and pressure, and no words to score.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from wardround.sources.synthetic.laboratory import Results
from wardround.sources.synthetic.mimic.item_list import COPIED, ITEMS
from wardround.sources.synthetic.mimic.roster import Roster
from wardround.sources.synthetic.mimic.ventilator import Ventilator
from wardround.sources.synthetic.stays import Stays
from wardround.sources.synthetic.vital_signs import VITALS, coma_scale, lasting_deviations, mean_pressure, vital_value

CM_PER_INCH: Final = 2.54
EYES: Final = ("None", "To Pain", "To Speech", "Spontaneously")
VERBAL: Final = (
    "No Response",
    "Incomprehensible sounds",
    "Inappropriate Words",
    "Confused",
    "Oriented",
    "No Response-ETT",
)
MOTOR: Final = (
    "No response",
    "Abnormal extension",
    "Abnormal Flexion",
    "Flex-withdraws",
    "Localizes Pain",
    "Obeys Commands",
)
MODES: Final = ("CMV/ASSIST/AutoFlow", "CPAP/PSV", "PSV/SBT")
DEVICES: Final = ("Endotracheal tube", "Nasal cannula", "Face tent", "None")
REFILL: Final = ("Normal <3 Seconds", "Abnormal >3 Seconds")
TUBE: Final = len(VERBAL) - 1
"""The place of what is written of a patient who cannot speak for the tube: a verbal response of 1."""


class Moments(NamedTuple):
    """When something was charted: the place of the stay, minutes from unit admission, minutes until it was stored."""

    stay: np.ndarray
    minute: np.ndarray
    stored: np.ndarray

    def at(self, kept: np.ndarray) -> "Moments":
        """Some of them."""
        return Moments(self.stay[kept], self.minute[kept], self.stored[kept])


class Cell(NamedTuple):
    """Values of one item: moments, numbers (null where the item has words alone), and words where it has any."""

    item: int
    when: Moments
    number: np.ndarray | None
    words: pl.Series | None = None


def chart_rows(
    roster: Roster, labs: Sequence[Results], ventilator: Ventilator, rng: np.random.Generator
) -> pl.DataFrame:
    """The rows of MIMIC-IV's `chartevents`, with `stay`; temperature in C and F, pressures in mmHg, saturation in %."""
    lasting = lasting_deviations(roster.stays, rng)
    cells = [*_hourly(roster.stays, lasting, rng), *_now_and_then(roster.stays, lasting, ventilator, rng)]
    cells += [*_sizes(roster.stays, rng), *_copied(roster.stays, labs, rng)]
    rows = pl.concat(_rows(cell) for cell in cells)
    stay = rows["stay"].to_numpy()
    return rows.with_columns(
        **{name: pl.Series(value) for name, value in roster.ids(stay, "stay_id").items()},
        caregiver_id=pl.Series(rng.integers(1_000, 99_999, roster.stays.size)).gather(stay),
        charttime=roster.stamp(stay, rows["minute"].to_numpy()),
        storetime=roster.stamp(stay, rows["stored"].to_numpy()),
        warning=pl.lit(0),
    )


def _rows(cell: Cell) -> pl.DataFrame:
    when, size = cell.when, cell.when.stay.size
    number = pl.Series([None], dtype=pl.Float64).new_from_index(0, size) if cell.number is None else cell.number
    frame = pl.DataFrame({"stay": when.stay, "minute": when.minute, "stored": when.minute + when.stored})
    frame = frame.with_columns(valuenum=pl.Series(number).cast(pl.Float64), itemid=pl.lit(cell.item))
    written = pl.col("valuenum").cast(pl.String).str.strip_suffix(".0") if cell.words is None else cell.words
    return frame.with_columns(value=written, valueuom=pl.lit(ITEMS[cell.item].charted, pl.String))


def _charted(stays: Stays, share: float, rng: np.random.Generator) -> Moments:
    """Moments in a share of all hours, none after the stay's end."""
    stay, hour = stays.every_hour()
    chosen = rng.random(stay.size) < share
    stay, minute = stay[chosen], hour[chosen] * 60 + rng.integers(0, 60, int(chosen.sum()))
    inside = minute <= stays.unit_min[stay]
    return _stored(stay[inside], minute[inside], rng)


def _stored(stay: np.ndarray, minute: np.ndarray, rng: np.random.Generator) -> Moments:
    """The moments with when each was stored."""
    return Moments(stay, minute, np.floor(rng.exponential(20, stay.size)).clip(0, 90).astype(np.int64))


def _hourly(stays: Stays, lasting: dict[str, np.ndarray], rng: np.random.Generator) -> Iterator[Cell]:
    """Pulse, breaths, saturation and pressures, by cuff or, in three of ten stays, by line."""
    when = _charted(stays, 0.9, rng)
    seen = stays.seen("vitals", when.stay, when.minute // 60)
    value = {name: np.rint(vital_value(name, seen, lasting[name][when.stay], rng)) for name in VITALS}
    for name, item in {"heartrate": 220045, "respiration": 220210, "sao2": 220277}.items():
        kept = rng.random(seen.size) < 0.97
        yield Cell(item, when.at(kept), value[name][kept])
    line = (rng.random(stays.size) < 0.3)[when.stay]
    mean = mean_pressure(value["systolic"], value["diastolic"])
    for kept, items in ((~line, (220179, 220180, 220181)), (line, (220050, 220051, 220052))):
        for item, numbers in zip(items, (value["systolic"], value["diastolic"], mean), strict=True):
            yield Cell(item, when.at(kept), numbers[kept])


def _now_and_then(
    stays: Stays, lasting: dict[str, np.ndarray], ventilator: Ventilator, rng: np.random.Generator
) -> Iterator[Cell]:
    """Temperature, consciousness, refill and breathing, about every fourth hour."""
    when = _charted(stays, 0.27, rng)
    seen, hour = stays.seen("vitals", when.stay, when.minute // 60), when.minute // 60
    celsius = vital_value("temperature", seen, lasting["temperature"][when.stay], rng)
    probe = (rng.random(stays.size) < 0.1)[when.stay]
    yield Cell(223762, when.at(probe), celsius[probe].round(1))
    yield Cell(223761, when.at(~probe), (celsius[~probe] * 9 / 5 + 32).round(1))

    coma, on = coma_scale(stays, when.stay, seen, rng), ventilator.is_on(when.stay, hour)
    verbal = np.where(on, TUBE, coma["Verbal"] - 1)
    parts = ((220739, EYES, coma["Eyes"] - 1), (223901, MOTOR, coma["Motor"] - 1), (223900, VERBAL, verbal))
    for item, words, place in parts:
        number = np.where(place == TUBE, 1, place + 1) if words is VERBAL else place + 1
        yield Cell(item, when, number, pl.Series(words).gather(place))

    slow = (rng.random(seen.size) < 1 / (1 + np.exp(2.6 - 0.9 * seen))).astype(np.int64)
    for item, share in ((223951, 0.5), (224308, 0.5)):
        kept = rng.random(seen.size) < share
        yield Cell(item, when.at(kept), None, pl.Series(REFILL).gather(slow[kept]))

    oxygen = np.clip(5 * np.rint((38 + 7 * seen + rng.normal(0, 6, seen.size)) / 5), 21, 100)
    breathes = on | (rng.random(seen.size) < 0.1)
    yield Cell(223835, when.at(breathes), oxygen[breathes])
    pressure = np.clip(np.rint(5 + 1.5 * seen + rng.normal(0, 1.5, seen.size)), 0, 20)
    yield Cell(220339, when.at(on), pressure[on])
    yield Cell(223849, when.at(on), None, pl.Series(MODES).gather(rng.choice(3, int(on.sum()), p=[0.5, 0.4, 0.1])))
    device = np.where(on, 0, rng.choice([1, 2, 3], seen.size, p=[0.5, 0.1, 0.4]))
    yield Cell(226732, when, None, pl.Series(DEVICES).gather(device))


def _sizes(stays: Stays, rng: np.random.Generator) -> Iterator[Cell]:
    """Weight and height at admission, in most stays; weight in one of twenty hours."""
    every = np.flatnonzero(rng.random(stays.size) < 0.9)
    first = _stored(every, np.minimum(rng.integers(0, 90, every.size), stays.unit_min[every]), rng)
    yield Cell(226512, first, stays.weight_kg[every])
    patients = int(stays.admissions.patient.max()) + 1
    height = np.where(stays.of_stay("female"), 162.5, 176.0) + rng.normal(0, 7, patients)[stays.of_stay("patient")]
    measured = rng.random(every.size) < 0.6
    yield Cell(226730, first.at(measured), np.rint(height[every][measured]))
    yield Cell(226707, first.at(measured), np.rint(height[every][measured] / CM_PER_INCH))
    daily = _charted(stays, 0.05, rng)
    drift = rng.normal(0, 1.2, daily.stay.size)
    yield Cell(224639, daily, (stays.weight_kg[daily.stay] + drift).round(1))


def _copied(stays: Stays, labs: Sequence[Results], rng: np.random.Generator) -> Iterator[Cell]:
    """Results that nurses chart: all that they measure at the bedside, four of five of the laboratory's."""
    for made in labs:
        if made.test.name not in COPIED:
            continue
        inside = (made.drawn_min >= 0) & (made.drawn_min <= stays.unit_min[made.stay])
        kept = inside & (rng.random(made.stay.size) < (1.0 if made.test.panel == "bedside" else 0.8))
        stored = made.known_min[kept] - made.drawn_min[kept] + rng.integers(0, 15, int(kept.sum()))
        yield Cell(COPIED[made.test.name], Moments(made.stay[kept], made.drawn_min[kept], stored), made.value[kept])
