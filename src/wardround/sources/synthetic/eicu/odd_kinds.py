"""eICU's planted odd rows; one with an impossible time or age can still be read as a stay, without that value.

not_a_number                words in a numeric column
out_of_range                a number that no patient can have
unknown_unit                a unit that does not exist
year_long_offset            an offset of more than a year
impossible_age              an age below zero, or of two hundred years
negative_stay               unit discharge before unit admission
discharge_before_admission  hospital discharge before hospital admission
"""

from typing import Final

from wardround.sources.synthetic.eicu.columns import COLUMNS
from wardround.sources.synthetic.odd_rows import OddKinds

YEAR_LONG_MIN: Final = 600_000
STAY: Final = "patientunitstayid"

_CHANGES: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "diagnosis": {
        "year_long_offset": ("diagnosisoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("diagnosisoffset", "day two"),
    },
    "treatment": {
        "year_long_offset": ("treatmentoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("treatmentoffset", "day two"),
    },
    "medication": {
        "year_long_offset": ("drugstartoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("drugstartoffset", "on call"),
    },
    "lab": {
        "year_long_offset": ("labresultoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("labresult", "see comment"),
        "out_of_range": ("labresult", "99999999"),
        "unknown_unit": ("labmeasurenamesystem", "furlongs"),
    },
    "apacheApsVar": {"not_a_number": ("heartrate", "fast"), "out_of_range": ("heartrate", "99999")},
    "apachePatientResult": {"not_a_number": ("predictedhospitalmortality", "high")},
    "apachePredVar": {"not_a_number": ("diabetes", "type two")},
    "vitalPeriodic": {
        "year_long_offset": ("observationoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("heartrate", "artefact"),
        "out_of_range": ("heartrate", "99999"),
    },
    "vitalAperiodic": {
        "year_long_offset": ("observationoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("noninvasivemean", "artefact"),
        "out_of_range": ("noninvasivemean", "99999"),
    },
    "nurseCharting": {
        "year_long_offset": ("nursingchartoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("nursingchartvalue", "refused"),
        "out_of_range": ("nursingchartvalue", "99999"),
    },
    "infusiondrug": {
        "year_long_offset": ("infusionoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("drugrate", "titrate"),
        "unknown_unit": ("drugname", "Norepinephrine (furlongs/fortnight)"),
    },
    "intakeOutput": {
        "year_long_offset": ("intakeoutputoffset", str(YEAR_LONG_MIN)),
        "not_a_number": ("cellvaluenumeric", "small amount"),
    },
    "pastHistory": {"year_long_offset": ("pasthistoryoffset", str(YEAR_LONG_MIN))},
}
"""Table -> kind -> the column that is changed and what it then holds. An entry or revision offset stays as it was."""

_PATIENT_CHANGES: Final[dict[str, dict[str, str]]] = {
    "blank_id": {STAY: ""},
    "impossible_age": {"age": "212"},
    "not_a_number": {"unitdischargeoffset": "unknown"},
    "negative_stay": {"unitdischargeoffset": "-37"},
    "discharge_before_admission": {"hospitaladmitoffset": "-60", "hospitaldischargeoffset": "-600"},
    "year_long_offset": {"unitdischargeoffset": str(YEAR_LONG_MIN), "hospitaldischargeoffset": str(YEAR_LONG_MIN + 60)},
}

ODD_KINDS: Final = OddKinds(
    changes=_CHANGES,
    id_of=STAY,
    row_ids=frozenset(_CHANGES),
    stay_table="patient",
    stay_changes=_PATIENT_CHANGES,
    own_ids={STAY: "{}", "patienthealthsystemstayid": "{}", "uniquepid": "999-{}"},
    pools={"nursingchartvalue": ("nursingchartcelltypevallabel", "Heart Rate")},
    duplicated=frozenset(COLUMNS),
)
"""Odd nurse values are planted in heart rates: elsewhere words may be right."""
