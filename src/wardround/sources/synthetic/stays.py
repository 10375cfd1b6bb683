"""Unit stays: the hospital stays of `population.py`, run through the chain of `latent.py`, with the minutes filled in.

A unit stay that is followed by a return is one row, the return another; both carry the outcome of their hospital
stay. Hospital stays after a patient's death never happen. Times within an hour are uniform on minutes 1 to 59, so
that a stay is in the unit at hour H exactly if its unit discharge offset is above 60 H.

What a modality shows of severity is blurred by an error of its own that lasts the whole stay:

    seen(i, modality, h) = x_i(h) + tau(modality) eps(i, modality),   eps ~ N(0, 1)

so no amount of data of one modality reveals x, and every further modality adds information. Whatever is charted at
hour h is drawn from seen(h) and the stay's fixed traits, never from the stay's length, later path or outcome. The
exceptions are what the real databases fill in at discharge: eICU's `activeupondischarge`, `drugstopoffset`, discharge
columns and APACHE's `actual*`; MIMIC-IV's billing codes, discharge columns and discharge notes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from wardround.sources.synthetic.latent import DIED, LATTICE, RETURN_JUMP, Walks, solved_chain, walk
from wardround.sources.synthetic.population import Admissions


@dataclass(frozen=True)
class Stays:
    """Unit stays, in order of patient and time. Arrays have one entry a unit stay unless said otherwise.

    Attributes:
        hospital_stay: row of its hospital stay in `admissions`; visit: 1 for the first unit stay of a hospital stay,
            2, ...
        hours: hours begun in the unit; start: place of its first hour in `path`.
        path: severity (place on the lattice) at each hour of each stay.
        unit_min: unit discharge, minutes from unit admission; before_min: unit admission, minutes from hospital
            admission;
        after_min: hospital discharge, minutes from unit discharge.
        died, died_in_unit: in-hospital death; death in this very unit stay.
        weight_kg: body weight at unit admission.
        blur: eps tau, a value a modality.
        admissions: the hospital stays that the rows of `hospital_stay` mean.
    """

    hospital_stay: Int[np.ndarray, " stay"]
    visit: Int[np.ndarray, " stay"]
    hours: Int[np.ndarray, " stay"]
    start: Int[np.ndarray, " stay"]
    path: Int[np.ndarray, " stay_hour"]
    unit_min: Int[np.ndarray, " stay"]
    before_min: Int[np.ndarray, " stay"]
    after_min: Int[np.ndarray, " stay"]
    died: Bool[np.ndarray, " stay"]
    died_in_unit: Bool[np.ndarray, " stay"]
    weight_kg: Float[np.ndarray, " stay"]
    blur: dict[str, Float[np.ndarray, " stay"]]
    admissions: Admissions

    @property
    def size(self) -> int:
        """Number of unit stays."""
        return self.hours.size

    def of_stay(self, name: str) -> np.ndarray:
        """A column of `admissions`, spread over the unit stays."""
        return getattr(self.admissions, name)[self.hospital_stay]

    def state_at(self, stay: Int[np.ndarray, "*row"], hour: Int[np.ndarray, "*row"]) -> Int[np.ndarray, "*row"]:
        """Severity (place on the lattice) at each hour; held before its first and after its last."""
        return self.path[self.start[stay] + np.clip(hour, 0, self.hours[stay] - 1)]

    def seen(
        self, modality: str, stay: Int[np.ndarray, "*row"], hour: Int[np.ndarray, "*row"]
    ) -> Float[np.ndarray, "*row"]:
        """Severity as `modality` shows it."""
        return LATTICE[self.state_at(stay, hour)] + self.blur[modality][stay]

    def every_hour(self) -> tuple[Int[np.ndarray, " stay_hour"], Int[np.ndarray, " stay_hour"]]:
        """Stay and hour of each entry of `path`."""
        stay = np.repeat(np.arange(self.size), self.hours)
        return stay, np.arange(self.path.size) - self.start[stay]


def run_stays(admissions: Admissions, limit: int, tau: Mapping[str, float], rng: np.random.Generator) -> Stays:
    """Run hospital stays to their ends.

    Args:
        admissions: every hospital stay that the patients could have, in order of patient and time.
        limit: keep at most so many unit stays, the first ones.
        tau: modality -> standard deviation of its lasting error, in units of severity, whose own is about 1.4.
        rng: the source of chance.

    Returns:
        The unit stays that happened.
    """
    run = _until_all_ended(admissions, rng)
    unit_min = (run.hours - 1) * 60 + rng.integers(1, 60, run.hours.size)
    before, after = _clock(run, unit_min, np.rint(rng.lognormal(5.3, 1.3, run.hours.size)).astype(np.int64))
    died = np.zeros(admissions.patient.size, dtype=bool)
    died[run.hospital_stay[(run.fate == UNIT_DEATH) | (run.fate == WARD_DEATH)]] = True

    kept = np.flatnonzero(_happened(admissions, died)[run.hospital_stay])[:limit]
    hours = run.hours[kept]
    start = np.cumsum(hours) - hours
    path = run.path[np.arange(hours.sum()) + np.repeat(run.start[kept] - start, hours)]
    minutes = (unit_min[kept], before[kept], after[kept])
    outcome = (died[run.hospital_stay[kept]], run.fate[kept] == UNIT_DEATH)
    blur = {name: rng.normal(0, spread, kept.size) for name, spread in tau.items()}
    weight_kg = np.where(admissions.female, 74.0, 84.0)[run.hospital_stay[kept]] * rng.lognormal(0, 0.24, kept.size)
    rest = (*minutes, *outcome, weight_kg.round(1), blur, admissions)
    return Stays(run.hospital_stay[kept], run.visit[kept], hours, start, path, *rest)


UNIT_DEATH, RETURN, WARD_DEATH, HOME = range(4)


@dataclass(frozen=True)
class _Run:
    """Unit stays of one or more rounds; `fate` is how each ended, `ward_min` how long the ward that followed lasted."""

    hospital_stay: np.ndarray
    visit: np.ndarray
    hours: np.ndarray
    fate: np.ndarray
    ward_min: np.ndarray
    path: np.ndarray

    @property
    def start(self) -> np.ndarray:
        return np.cumsum(self.hours) - self.hours


def _until_all_ended(admissions: Admissions, rng: np.random.Generator) -> _Run:
    """Every unit stay of every hospital stay, by hospital stay and visit: round after round until nobody returns."""
    rounds: list[_Run] = []
    who, begin = np.arange(admissions.patient.size), admissions.start
    while who.size:
        walks = walk(admissions.level[who], begin, rng)
        fate = _fates(walks, rng)
        ward_min = _ward_minutes(fate, walks.last, rng)
        rounds.append(_Run(who, np.full(who.size, len(rounds) + 1), walks.hours, fate, ward_min, walks.path))
        back = fate == RETURN
        who, begin = who[back], np.minimum(walks.last[back] + RETURN_JUMP, LATTICE.size - 1)
    names = ("hospital_stay", "visit", "hours", "fate", "ward_min", "path")
    run = _Run(*(np.concatenate([getattr(part, name) for part in rounds]) for name in names))
    order = np.lexsort((run.visit, run.hospital_stay))
    hours = run.hours[order]
    take = np.arange(run.path.size) + np.repeat(run.start[order] - (np.cumsum(hours) - hours), hours)
    return _Run(run.hospital_stay[order], run.visit[order], hours, run.fate[order], run.ward_min[order], run.path[take])


def _fates(walks: Walks, rng: np.random.Generator) -> np.ndarray:
    """The lottery at unit discharge (`latent.py`): return, else death on the ward, else home."""
    chain = solved_chain()
    returns = rng.random(walks.last.size) < chain.return_prob[walks.last]
    dies = rng.random(walks.last.size) < chain.ward_death_prob[walks.last]
    after_exit = np.where(returns, RETURN, np.where(dies, WARD_DEATH, HOME))
    return np.where(walks.end == DIED, UNIT_DEATH, after_exit)


def _ward_minutes(fate: np.ndarray, last: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Minutes from unit discharge to the next event: none after a unit death, few for who goes straight home."""
    median_h = np.select([fate == RETURN, fate == WARD_DEATH], [36.0, 60.0], 66.0) * np.exp(0.15 * LATTICE[last])
    minutes = 60 * median_h * rng.lognormal(0, 0.8, fate.size)
    straight_home = (fate == HOME) & (rng.random(fate.size) < 0.2)
    minutes = np.where(straight_home, rng.uniform(0, 60, fate.size), np.maximum(minutes, 30))
    return np.where(fate == UNIT_DEATH, 0, np.rint(minutes)).astype(np.int64)


def _clock(run: _Run, unit_min: np.ndarray, first_before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Minutes from hospital to unit admission, and from unit to hospital discharge."""
    both = unit_min + run.ward_min
    end = np.cumsum(both)
    first = np.flatnonzero(run.visit == 1)
    last = np.append(first[1:], run.visit.size) - 1
    group = np.cumsum(run.visit == 1) - 1
    before = first_before[first][group] + (end - both) - (end - both)[first][group]
    return before, end[last][group] - (end - run.ward_min)


def _happened(admissions: Admissions, died: np.ndarray) -> np.ndarray:
    """Whether no earlier hospital stay of the same patient ended in death: a flag a hospital stay."""
    deaths = np.cumsum(died) - died
    first = np.flatnonzero(admissions.sequence == 0)
    group = np.cumsum(admissions.sequence == 0) - 1
    return deaths == deaths[first][group]
