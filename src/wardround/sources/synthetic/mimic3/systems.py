"""Which of the two systems of the unit a hospital stay was charted in, and how both name what they chart.

Until 2007 that is CareVue, from 2008 on MetaVision. Rows are made as MetaVision has them (`synthetic/mimic`); those of
CareVue are its items, words and units for the same.
"""

from typing import Final, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool

from wardround.sources.synthetic.mimic.chart import DEVICES, EYES, MODES, MOTOR, REFILL, VERBAL
from wardround.sources.synthetic.mimic.fluids import FOLEY, STOOL, VOID
from wardround.sources.synthetic.mimic.roster import Numbering, Roster

NUMBERING: Final = Numbering(subject=1, hadm=100_000, stay=200_000, prime=99_991, first_year=2001, last_year=2012)
FIRST_METAVISION_YEAR: Final = 2008
SYSTEMS: Final = ("carevue", "metavision")


def in_metavision(roster: Roster) -> Bool[np.ndarray, " stay"]:
    """Whether each stay was charted in MetaVision, else in CareVue."""
    since = roster.real_years >= FIRST_METAVISION_YEAR
    return since[np.searchsorted(roster.one_an_admission, roster.first_of_admission)]


def split(rows: pl.DataFrame, metavision: Bool[np.ndarray, " stay"]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows with `stay` of CareVue, and of MetaVision."""
    new = pl.Series(metavision).gather(rows["stay"])
    return rows.filter(~new), rows.filter(new)


class Charted(NamedTuple):
    """An item of CareVue.

    Attributes:
        item, label, category: as in `D_ITEMS`.
        unit: beside its values.
        words: of MetaVision -> of CareVue.
        factor: CareVue's number is MetaVision's times this.
        result: `RESULTSTATUS`, of results.
        once: whether it is charted at admission alone, where nothing is said of its being stopped.
    """

    item: int
    label: str
    category: str | None = None
    unit: str | None = None
    words: dict[str, str] | None = None
    factor: float = 1.0
    result: str | None = None
    once: bool = False


def _words(theirs: tuple[str, ...], *ours: str) -> dict[str, str]:
    return dict(zip(theirs, ours, strict=True))


_REFILL: Final = _words(REFILL, "Normal <3 secs", "Abnormal >3 secs")
_BREATHS: Final = _words(MODES, "Assist Control", "CPAP+PS", "Pressure Support")
_OXYGEN: Final = _words(DEVICES, "Ventilator", "Nasal Cannula", "Face Tent", "None")
_EYES: Final = _words(EYES, "1 No Response", "2 To pain", "3 To speech", "4 Spontaneously")
_VERBAL: Final = _words(
    VERBAL, "1 No Response", "2 Incomp sounds", "3 Inapprop words", "4 Confused", "5 Oriented", "1.0 ET/Trach"
)
_MOTOR: Final = _words(
    MOTOR,
    *("1 No Response", "2 Abnorm extensn", "3 Abnorm flexion"),
    *("4 Flex-withdraws", "5 Localizes Pain", "6 Obeys Commands"),
)

CAREVUE: Final[dict[int, Charted]] = {
    220045: Charted(211, "Heart Rate", unit="BPM"),
    220210: Charted(618, "Respiratory Rate", unit="BPM"),
    220277: Charted(646, "SpO2", unit="%"),
    220179: Charted(455, "NBP [Systolic]", unit="mmHg"),
    220180: Charted(8441, "NBP [Diastolic]", unit="mmHg"),
    220181: Charted(456, "NBP Mean", unit="mmHg"),
    220050: Charted(51, "Arterial BP [Systolic]", unit="mmHg"),
    220051: Charted(8368, "Arterial BP [Diastolic]", unit="mmHg"),
    220052: Charted(52, "Arterial BP Mean", unit="mmHg"),
    223761: Charted(678, "Temperature F", unit="Deg. F"),
    223762: Charted(676, "Temperature C", unit="Deg. C"),
    220739: Charted(184, "Eye Opening", words=_EYES),
    223900: Charted(723, "Verbal Response", words=_VERBAL),
    223901: Charted(454, "Motor Response", words=_MOTOR),
    223835: Charted(190, "FiO2 Set", unit="torr", factor=0.01),
    220339: Charted(506, "PEEP Set", unit="cmH2O"),
    223951: Charted(115, "Capillary Refill [Right]", words=_REFILL),
    224308: Charted(8377, "Capillary Refill [Left]", words=_REFILL),
    223849: Charted(720, "Ventilator Mode", words=_BREATHS),
    226732: Charted(467, "O2 Delivery Device", words=_OXYGEN),
    226512: Charted(762, "Admit Wt", unit="kg", once=True),
    224639: Charted(763, "Daily Weight", unit="kg"),
    226707: Charted(920, "Admit Ht", once=True),
    220621: Charted(811, "Glucose (70-105)", "Chemistry", result="Final"),
    225664: Charted(807, "Fingerstick Glucose", "Chemistry", result="Manual"),
    223830: Charted(780, "Arterial pH", "ABG", result="Final"),
    225668: Charted(818, "Lactic Acid(0.5-2.0)", "Chemistry", result="Final"),
    220615: Charted(791, "Creatinine (0-1.3)", "Chemistry", result="Final"),
}
"""Item of MetaVision -> the one of CareVue; what has none (a height in cm) is not charted there."""
COMA_TOTAL: Final = Charted(198, "GCS Total", unit="points")
"""CareVue charts the sum of the three parts beside them."""
OUTPUTS: Final = {
    FOLEY: Charted(40055, "Urine Out Foley"),
    VOID: Charted(40069, "Urine Out Void"),
    STOOL: Charted(40054, "Stool Out Stool"),
}
