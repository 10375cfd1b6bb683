"""What the notes of a chunk tell; each database has words of its own around it.

Only notes that are not missing are composed; the words of one hang on no other's. Where the demographics of a patient
are missing, no note tells the sex either: what is missing is not to be read elsewhere.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Int

from wardround.sources.synthetic.mimic.billing import worst_severity
from wardround.sources.synthetic.mimic.discharge_prose import Summary
from wardround.sources.synthetic.mimic.prose import Words, draw_words
from wardround.sources.synthetic.mimic.radiology_prose import Report
from wardround.sources.synthetic.mimic.roster import DAY_MIN, Roster
from wardround.sources.synthetic.mimic.studies import Studies
from wardround.sources.synthetic.mimic.ventilator import Ventilator
from wardround.sources.synthetic.population import CAUSE_NAMES, COMORBIDITY_NAMES

GRADES: Final = (0.5, 1.5, 2.5)
"""Severities, as told, at which a course is mildly complicated, complicated, critical."""
SHOCK: Final = 1.8
"""Severity, as told, above which pressors were given."""
REPORTED: Final = ("portable", "grade", "left", "zone", "effusion", "oedema", "large_heart", "tube")
"""Fields of `Report` that are those of a study."""


def summaries(
    roster: Roster,
    ventilator: Ventilator,
    goes_to: Sequence[str],
    missing: Mapping[str, Bool[np.ndarray, " stay"]],
    text: Callable[[int, Summary, Words], str],
    rng: np.random.Generator,
) -> pl.Series:
    """The discharge summaries, one for each of `roster.one_an_admission`; null where missing.

    Args:
        roster: stays with ids and dates.
        ventilator: who was ventilated.
        goes_to: where each patient is discharged to, in the words of `discharge_prose.TO_HOME`.
        missing: modality -> for each stay, whether there is none: of notes, and of the patient's demographics.
        text: makes a note of the hospital stay's place, what is told and the words for it.
        rng: the source of chance.
    """
    one, stays = roster.one_an_admission, roster.stays
    told = worst_severity(roster) + stays.blur["discharge_note"][one]
    group = np.searchsorted(one, roster.first_of_admission)
    tube = np.zeros(one.size, dtype=bool)
    np.logical_or.at(tube, np.repeat(group, stays.hours), ventilator.on)
    days = np.bincount(group, stays.unit_min, one.size) // DAY_MIN
    sexes = _sexes(roster, missing, one, ("M", "F", ""))
    has = stays.of_stay("comorbidity")[one]
    causes: list[int] = stays.of_stay("cause")[one].tolist()

    def composed(place: int, words: Words) -> str:
        history = tuple(name for name, yes in zip(COMORBIDITY_NAMES, has[place], strict=True) if yes)
        severity = float(told[place])
        outcome = (bool(stays.died[one[place]]), goes_to[place])
        ill = (bisect_right(GRADES, severity), int(days[place]), bool(tube[place]), severity > SHOCK)
        return text(place, Summary(sexes[place], CAUSE_NAMES[causes[place]], history, *ill, *outcome), words)

    return _composed(~missing["discharge_note"][one], draw_words(one.size, rng), composed)


def reports(
    roster: Roster,
    studies: Studies,
    working: pl.Series,
    missing: Mapping[str, Bool[np.ndarray, " stay"]],
    text: Callable[[int, Report, Words], str],
    rng: np.random.Generator,
) -> pl.Series:
    """The reports, one a study; null where missing.

    Args:
        roster, missing, text, rng: as of `summaries`.
        studies: the X-rays.
        working: why the patient came, in words, for each of `roster.one_an_admission` (`working_diagnosis.py`): a
            request knows no more.
    """
    first = np.append(True, studies.stay[1:] != studies.stay[:-1])
    sexes = _sexes(roster, missing, studies.stay, ("man", "woman", "patient"))
    admission = np.searchsorted(roster.one_an_admission, roster.first_of_admission[studies.stay])
    reason: list[str] = working.gather(admission).str.to_lowercase().to_list()

    def composed(place: int, words: Words) -> str:
        told = {name: getattr(studies, name)[place].item() for name in REPORTED}
        return text(place, Report(sex=sexes[place], reason=reason[place], first=bool(first[place]), **told), words)

    known = ~missing["radiology_note"][studies.stay]
    return _composed(known, draw_words(known.size, rng), composed)


def _sexes(
    roster: Roster,
    missing: Mapping[str, Bool[np.ndarray, " stay"]],
    stay: Int[np.ndarray, " row"],
    words: tuple[str, str, str],
) -> list[str]:
    """One of the words for each row: of a man, of a woman, of a patient of whom it is not known."""
    which = np.where(missing["demographics"], 2, roster.stays.of_stay("female").astype(int))
    return [words[one] for one in which[stay]]


def _composed(known: np.ndarray, words: Iterable[Words], text: Callable[[int, Words], str]) -> pl.Series:
    """The texts of the notes that there are, null for the others."""
    texts = [text(place, own) if known[place] else None for place, own in enumerate(words)]
    return pl.Series(texts, dtype=pl.String)
