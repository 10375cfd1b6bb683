"""Odd rows of each table of eICU, and the one reason under which each is set aside: the written rules, as data.

`ODD[table][reason]` is what is changed in a row like any other of that table; `ODD_STAYS` are rows of `patient` that
are no stay, `DOUBTFUL_STAYS` stays of which one value becomes null.
"""

import random
from collections import Counter

from raw_eicu import COLUMNS, RawEicu, tiny

YEAR_AWAY = "more than a year from unit admission"
TIMES = {
    "diagnosis": ("diagnosisoffset",),
    "treatment": ("treatmentoffset",),
    "medication": ("drugorderoffset", "drugstartoffset"),
    "lab": ("labresultoffset", "labresultrevisedoffset"),
    "vitalPeriodic": ("observationoffset",),
    "vitalAperiodic": ("observationoffset",),
    "nurseCharting": ("nursingchartoffset", "nursingchartentryoffset"),
    "infusionDrug": ("infusionoffset",),
    "intakeOutput": ("intakeoutputoffset", "intakeoutputentryoffset"),
    "pastHistory": ("pasthistoryoffset", "pasthistoryenteredoffset"),
}
"""The columns that say when: when it happened, and when it was entered or resulted."""

NUMBERS = {
    "lab": "labresult",
    "apacheApsVar": "heartrate",
    "apachePredVar": "diabetes",
    "apachePatientResult": "apachescore",
    "vitalPeriodic": "sao2",
    "vitalAperiodic": "noninvasivemean",
    "infusionDrug": "drugrate",
    "intakeOutput": "cellvaluenumeric",
    "nurseCharting": "nursingchartvalue",
}
CODES = {
    "diagnosis": "diagnosisstring",
    "treatment": "treatmentstring",
    "lab": "labname",
    "infusionDrug": "drugname",
    "intakeOutput": "celllabel",
    "pastHistory": "pasthistorypath",
    "apachePatientResult": "apacheversion",
}
_WIDE = ("apacheApsVar", "apachePredVar", "apachePatientResult", "vitalPeriodic", "vitalAperiodic")


def _blanks(table: str, but: str = "") -> dict[str, str]:
    """Every measured value of a wide table blank, but one."""
    kept = ("id", "offset", "version")
    return {name: "" for name in COLUMNS[table][2:] if name != but and not name.endswith(kept)}


ODD: dict[str, dict[str, dict[str, str]]] = {
    table: {
        "blank stay id": {"patientunitstayid": ""},
        "no such stay": {"patientunitstayid": "987654"},
        "not a number: patientunitstayid": {"patientunitstayid": "A17"},
        "not a whole number: patientunitstayid": {"patientunitstayid": "1.5"},
    }
    for table in COLUMNS
    if table != "patient"
}
for _table, _times in TIMES.items():
    ODD[_table] |= {
        "no time": dict.fromkeys(_times, ""),
        YEAR_AWAY: {_times[0]: "600000"},
        f"not a number: {_times[0]}": {_times[0]: "day two"},
        f"not a whole number: {_times[0]}": {_times[0]: "90.5"},
    }
for _table, _column in NUMBERS.items():
    ODD[_table][f"not a number: {_column}"] = {_column: "see comment"}
for _table, _column in CODES.items():
    ODD[_table]["no code"] = {_column: ""}
for _table in _WIDE:
    ODD[_table]["no value"] = _blanks(_table)
for _table in ("apacheApsVar", "vitalPeriodic", "vitalAperiodic", "apachePatientResult"):
    ODD[_table]["implausible value"] = _blanks(_table, NUMBERS[_table]) | {NUMBERS[_table]: "99999"}
ODD["medication"]["no code"] = {"drugname": "", "drughiclseqno": "0"}
ODD["lab"] |= {
    "unknown unit": {"labmeasurenamesystem": "furlongs"},
    "implausible value": {"labresult": "99999999"},
    "no value": {"labresult": "", "labresulttext": ""},
}
ODD["infusionDrug"] |= {
    "unknown unit": {"drugname": "Norepinephrine (furlongs/fortnight)"},
    "implausible value": {"drugrate": "-3"},
}
ODD["intakeOutput"] |= {
    "unknown unit": {"cellpath": "flowsheet|Flowsheet Cell Labels|I&O|Weight|Bodyweight", "celllabel": "Bodyweight"},
    "no code": {"cellpath": "flowsheet|Flowsheet Cell Labels|I&O|Intake (ml)|P.O.", "celllabel": ""},
    "implausible value": {"cellvaluenumeric": "99999"},
    "no value": {"cellvaluenumeric": ""},
}
ODD["nurseCharting"] |= {
    "not a vital sign": {"nursingchartcelltypevalname": "Pain Goal"},
    "implausible value": {"nursingchartvalue": "9999"},
}

ODD_STAYS: dict[str, dict[str, str]] = {
    "blank stay id": {"patientunitstayid": ""},
    "unreadable age": {"age": "old"},
    "not a status: hospitaldischargestatus": {"hospitaldischargestatus": "home"},
    "not a status: unitdischargestatus": {"unitdischargestatus": "7"},
    f"hospital admission {YEAR_AWAY}": {"hospitaladmitoffset": "-600000"},
    "not a number: unitdischargeoffset": {"unitdischargeoffset": "unknown"},
    "not a whole number: hospitaladmitoffset": {"hospitaladmitoffset": "-0.5"},
}
"""Reason -> what is changed in a patient row like any other, so that it is set aside."""

DOUBTFUL_STAYS: dict[str, dict[str, str]] = {
    "impossible age": {"age": "300"},
    "unit discharge before admission": {"unitdischargeoffset": "-37"},
    f"unit discharge {YEAR_AWAY}": {"unitdischargeoffset": "600000"},
    "hospital discharge before unit admission": {"hospitaldischargeoffset": "-1"},
    "hospital discharge before hospital admission": {"hospitaladmitoffset": "90", "hospitaldischargeoffset": "80"},
    f"hospital discharge {YEAR_AWAY}": {"hospitaldischargeoffset": "600000"},
    "impossible discharge year": {"hospitaldischargeyear": "20144"},
}
"""Reason -> what is changed in a patient row like any other, which stays; the value is counted."""


def planted(seed: int, tables: int = 3) -> tuple[RawEicu, dict[str, Counter[str]]]:
    """A folder of `patient` and other tables with odd rows among good ones; table -> what is set aside, by reason.

    Each of `DOUBTFUL_STAYS` is there once, and sets aside no row.
    """
    rng = random.Random(seed)
    names = ["patient", *rng.sample(sorted(ODD), tables)]
    raw, expected = RawEicu(), {name: Counter[str]() for name in names}
    for name in names:
        good = [row for row in tiny().rows[name] if row.get("nursingchartvalue") != "3"]
        copies = 1 if name == "patient" else 10
        rows = [_fresh(name, row, f"{copy}{place}") for copy in range(copies) for place, row in enumerate(good)]
        odd: list[dict[str, str]] = []
        for number, (reason, change) in enumerate(sorted((ODD_STAYS if name == "patient" else ODD[name]).items())):
            times = rng.randrange(3)
            odd += [_fresh(name, rng.choice(good), f"9{number}{time}") | change for time in range(times)]
            expected[name][reason] += times
        if name == "patient":
            doubtful = enumerate(DOUBTFUL_STAYS.values())
            rows += [_fresh(name, rng.choice(good), f"98{number}") | change for number, change in doubtful]
        repeated = [dict(rng.choice(rows)) for _ in range(rng.randrange(3))]
        expected[name]["duplicate row"] += len(repeated)
        raw.rows[name] = rows + odd + repeated
        rng.shuffle(raw.rows[name])
        raw.lines[name] = rng.choices(["1,2,3", "x" + "," * 99, "one field"], k=rng.randrange(3))
        expected[name]["wrong number of fields"] += len(raw.lines[name])
    return raw, {name: +counts for name, counts in expected.items()}


def _fresh(table: str, row: dict[str, str], number: str) -> dict[str, str]:
    """The row under another row id; an odd stay under another stay id too."""
    first = COLUMNS[table][0]
    return row | {first: f"7{number}"} if table != "patient" or number.startswith("9") else dict(row)
