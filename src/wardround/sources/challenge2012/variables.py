"""Challenge 2012: parameter -> code, unit as published, canonical unit, plausible range, modality.

A quantity that eICU has as well carries eICU's code and range, so that a model of one database reads the other. The
units are those of the Challenge's own table of variables, with one exception: it says mmol/L of magnesium, but the
median of 2.0 is that of mg/dL (a living patient has 0.7 to 1.1 mmol/L).
"""

from dataclasses import dataclass
from typing import Final

from wardround.sources.units import EICU_LABS, VITALS, Quantity


@dataclass(frozen=True)
class Variable:
    """A parameter with numbers.

    Attributes:
        modality: of its events.
        code: of its events.
        unit: that the files write it in.
        quantity: its canonical unit and range.
        descriptor: whether it describes the record as a whole and stands at 00:00 alone.
    """

    modality: str
    code: str
    unit: str
    quantity: Quantity
    descriptor: bool = False


def _lab(name: str, unit: str, modality: str = "lab") -> Variable:
    return Variable(modality, f"LAB//{name}//{EICU_LABS[name].unit}", unit, EICU_LABS[name])


def _vital(name: str, modality: str = "vitals") -> Variable:
    return Variable(modality, f"VITAL//{name}//{VITALS[name].unit}", VITALS[name].unit, VITALS[name])


def _demographic(code: str, unit: str, low: float, high: float) -> Variable:
    return Variable("demographics", code, unit, Quantity(unit, low, high), descriptor=True)


_CHOLESTEROL: Final = Quantity("mg/dL", 5, 1_500, {"mmol/L": (38.67, 0.0)})
_WITHOUT_POINT: Final = Quantity("", 6.3, 8.2, {"hundredths": (0.01, 0.0)})

VARIABLES: Final[dict[str, Variable]] = {
    "Age": _demographic("AGE", "years", 0, 120),
    "Height": _demographic("HEIGHT//cm", "cm", 30, 260),
    "HR": _vital("heartrate"),
    "RespRate": _vital("respiration"),
    "Temp": _vital("temperature"),
    "SysABP": _vital("systemicsystolic"),
    "DiasABP": _vital("systemicdiastolic"),
    "MAP": _vital("systemicmean"),
    "NISysABP": _vital("noninvasivesystolic"),
    "NIDiasABP": _vital("noninvasivediastolic"),
    "NIMAP": _vital("noninvasivemean"),
    "Weight": _vital("weight"),
    "Albumin": _lab("albumin", "g/dL"),
    "ALP": _lab("alkaline phos.", "IU/L"),
    "ALT": _lab("ALT (SGPT)", "IU/L"),
    "AST": _lab("AST (SGOT)", "IU/L"),
    "Bilirubin": _lab("total bilirubin", "mg/dL"),
    "BUN": _lab("BUN", "mg/dL"),
    "Cholesterol": Variable("lab", "LAB//total cholesterol//mg/dL", "mg/dL", _CHOLESTEROL),
    "Creatinine": _lab("creatinine", "mg/dL"),
    "Glucose": _lab("glucose", "mg/dL"),
    "HCO3": _lab("bicarbonate", "mmol/L"),
    "HCT": _lab("Hct", "%"),
    "K": _lab("potassium", "mEq/L"),
    "Lactate": _lab("lactate", "mmol/L", "blood_gas"),
    "Mg": _lab("magnesium", "mg/dL"),
    "Na": _lab("sodium", "mEq/L"),
    "Platelets": _lab("platelets x 1000", "10^9/L"),
    "TroponinI": _lab("troponin - I", "ng/mL"),
    "TroponinT": _lab("troponin - T", "ng/mL"),
    "WBC": _lab("WBC x 1000", "10^9/L"),
    "FiO2": _lab("FiO2", "fraction", "blood_gas"),
    "PaCO2": _lab("paCO2", "mm Hg", "blood_gas"),
    "PaO2": _lab("paO2", "mm Hg", "blood_gas"),
    "SaO2": _lab("O2 Sat (%)", "%", "blood_gas"),
    "pH": Variable("blood_gas", "LAB//pH//", "", _WITHOUT_POINT),
    "GCS": _vital("gcs", "neurology"),
    "Urine": Variable("intake_output", "IO//urine//mL", "mL", Quantity("mL", 0, 20_000)),
    "MechVent": Variable("treatment", "TREATMENT//mechanical ventilation", "", Quantity("", 0, 1)),
}
"""Lactate is with the blood gases: the analyser that measures them gives it within minutes, the laboratory much later.
Urine has eICU's name for a volume out. Ventilation is a treatment."""

ADMISSION_WEIGHT: Final = _demographic("WEIGHT//kg", "kg", 2, 600)
"""Weight at 00:00; later ones are vital signs."""

CATEGORIES: Final[dict[str, dict[float, str]]] = {
    "Gender": {0: "GENDER//Female", 1: "GENDER//Male"},
    "ICUType": {
        1: "UNITTYPE//Coronary Care Unit",
        2: "UNITTYPE//Cardiac Surgery Recovery Unit",
        3: "UNITTYPE//MICU",
        4: "UNITTYPE//SICU",
    },
}
"""Descriptors that are names in numbers: parameter -> number -> code."""

MODALITIES: Final = ("demographics", "treatment", "lab", "vitals", "intake_output", "blood_gas", "neurology")
