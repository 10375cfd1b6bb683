"""The laboratory: panels, tests, units and usual values.

Names, type numbers, units and decimals are those of eICU's `lab`; levels and spreads are near the open demo's, slopes
are ours.
"""

from typing import Final, NamedTuple


class Panel(NamedTuple):
    """Tests drawn together: draws an hour at severity 0, log change by severity, share drawn at admission, lag."""

    per_hour: float
    by_severity: float
    at_admission: float
    lag_min: float


PANELS: Final = {
    "chemistry": Panel(1 / 12, 0.1, 1.0, 35),
    "count": Panel(1 / 16, 0.1, 1.0, 30),
    "minerals": Panel(1 / 24, 0.1, 0.5, 40),
    "liver": Panel(1 / 60, 0.3, 0.5, 45),
    "clotting": Panel(1 / 48, 0.3, 0.5, 40),
    "cardiac": Panel(1 / 60, 0.1, 0.5, 50),
    "lactate": Panel(1 / 60, 0.6, 0.3, 25),
    "gas": Panel(1 / 60, 0.7, 0.2, 6),
    "bedside": Panel(1 / 6, 0.1, 0.6, 2),
}
"""Lags are medians in minutes from draw to result; the open demo's raw rows have a median of 33."""


class LabTest(NamedTuple):
    """A test: value = level + slope seen + lasting deviation + noise, or the exponential of that where `log`.

    `level` is the value at severity 0; slope and spreads are in units of the value, or of its logarithm.
    """

    name: str
    panel: str
    type_id: int
    unit: str | None
    unit_sent: str | None
    log: bool
    level: float
    slope: float
    lasting: float
    noise: float
    decimals: int
    low: float
    high: float


TESTS: Final = (
    LabTest("sodium", "chemistry", 1, "mmol/L", "mmol/L", False, 138.5, 0.3, 3.8, 1.8, 0, 105, 175),
    LabTest("potassium", "chemistry", 1, "mmol/L", "mmol/L", False, 3.95, 0.08, 0.3, 0.35, 1, 1.8, 8.5),
    LabTest("chloride", "chemistry", 1, "mmol/L", "mmol/L", False, 104.0, 0.3, 4.5, 2.0, 0, 75, 140),
    LabTest("bicarbonate", "chemistry", 1, "mmol/L", "MEQ/L", False, 25.0, -1.0, 3.0, 1.6, 0, 5, 48),
    LabTest("anion gap", "chemistry", 1, None, "mmol/L", False, 9.5, 0.9, 2.5, 1.6, 0, 1, 40),
    LabTest("BUN", "chemistry", 1, "mg/dL", "mg/dL", True, 19.0, 0.18, 0.42, 0.12, 0, 2, 180),
    LabTest("creatinine", "chemistry", 1, "mg/dL", "mg/dL", True, 0.95, 0.16, 0.32, 0.10, 2, 0.2, 16),
    LabTest("glucose", "chemistry", 1, "mg/dL", "MG/DL", True, 125.0, 0.05, 0.20, 0.18, 0, 25, 1100),
    LabTest("calcium", "chemistry", 1, "mg/dL", "mg/dL", False, 8.5, -0.12, 0.45, 0.28, 1, 5, 13),
    LabTest("Hgb", "count", 3, "g/dL", "gm/dL", False, 11.2, -0.25, 1.8, 0.5, 1, 4, 19),
    LabTest("Hct", "count", 3, "%", "%", False, 33.8, -0.7, 5.2, 1.5, 1, 12, 58),
    LabTest("RBC", "count", 3, "M/mcL", "M/uL", False, 3.8, -0.08, 0.6, 0.15, 2, 1.3, 7),
    LabTest("WBC x 1000", "count", 3, "K/mcL", "K/uL", True, 9.8, 0.11, 0.38, 0.16, 1, 0.2, 90),
    LabTest("platelets x 1000", "count", 3, "K/mcL", "K/uL", True, 190.0, -0.10, 0.38, 0.10, 0, 5, 1100),
    LabTest("MCV", "count", 3, "fL", "FL", False, 90.5, 0.1, 5.5, 0.7, 1, 60, 125),
    LabTest("MCH", "count", 3, "pg", "PG", False, 29.8, 0.0, 2.0, 0.3, 1, 18, 42),
    LabTest("MCHC", "count", 3, "g/dL", "%", False, 33.0, -0.05, 0.9, 0.3, 1, 27, 38),
    LabTest("RDW", "count", 3, "%", "%", False, 15.0, 0.45, 1.8, 0.2, 1, 10, 32),
    LabTest("-lymphs", "count", 3, "%", "%", True, 12.5, -0.18, 0.45, 0.25, 1, 0.5, 80),
    LabTest("magnesium", "minerals", 1, "mg/dL", "mg/dL", False, 1.95, 0.03, 0.2, 0.18, 1, 0.6, 5),
    LabTest("phosphate", "minerals", 1, "mg/dL", "mg/dL", True, 3.1, 0.08, 0.22, 0.18, 1, 0.5, 14),
    LabTest("albumin", "liver", 1, "g/dL", "g/dL", False, 3.0, -0.18, 0.45, 0.12, 1, 1.0, 5.2),
    LabTest("total bilirubin", "liver", 1, "mg/dL", "mg/dL", True, 0.6, 0.20, 0.45, 0.15, 1, 0.1, 40),
    LabTest("AST (SGOT)", "liver", 1, "Units/L", "IU/L", True, 32.0, 0.25, 0.6, 0.20, 0, 5, 9000),
    LabTest("ALT (SGPT)", "liver", 1, "Units/L", "IU/L", True, 28.0, 0.22, 0.6, 0.20, 0, 4, 7000),
    LabTest("alkaline phos.", "liver", 1, "Units/L", "IU/L", True, 82.0, 0.06, 0.38, 0.10, 0, 15, 1500),
    LabTest("PT", "clotting", 3, "sec", "sec", True, 13.8, 0.07, 0.16, 0.05, 1, 9, 110),
    LabTest("PT - INR", "clotting", 3, "ratio", None, True, 1.22, 0.09, 0.20, 0.06, 1, 0.8, 13),
    LabTest("PTT", "clotting", 3, "sec", "sec", True, 33.0, 0.08, 0.20, 0.12, 0, 18, 220),
    LabTest("troponin - I", "cardiac", 1, "ng/mL", "ng/mL", True, 0.03, 0.35, 1.0, 0.3, 2, 0.0, 180),
    LabTest("CPK", "cardiac", 1, "Units/L", "U/L", True, 120.0, 0.15, 0.8, 0.25, 0, 10, 60000),
    LabTest("lactate", "lactate", 1, "mmol/L", "mmol/L", True, 1.3, 0.26, 0.25, 0.20, 1, 0.3, 24),
    LabTest("pH", "gas", 7, None, None, False, 7.39, -0.022, 0.04, 0.035, 2, 6.8, 7.7),
    LabTest("paCO2", "gas", 7, "mm Hg", "mmHg", True, 40.0, 0.0, 0.20, 0.10, 1, 12, 140),
    LabTest("paO2", "gas", 7, "mm Hg", "mmHg", True, 98.0, -0.05, 0.22, 0.28, 1, 28, 500),
    LabTest("Base Excess", "gas", 7, "mEq/L", "mmol/L", False, 0.4, -1.2, 3.0, 1.5, 1, -28, 24),
    LabTest("FiO2", "gas", 7, "%", "%", False, 36.0, 7.0, 7.0, 7.0, 0, 21, 100),
    LabTest("bedside glucose", "bedside", 4, "mg/dL", "mg/dL", True, 138.0, 0.05, 0.20, 0.24, 0, 20, 1300),
)

SHIFTS: Final[dict[str, dict[str, float]]] = {
    "ketoacidosis": {
        "glucose": 0.9,
        "bedside glucose": 0.9,
        "bicarbonate": -10,
        "anion gap": 9,
        "pH": -0.14,
        "Base Excess": -11,
    },
    "myocardial infarction": {"troponin - I": 4.0, "CPK": 1.0, "AST (SGOT)": 0.5},
    "cardiac arrest": {"troponin - I": 2.5, "lactate": 0.4, "AST (SGOT)": 0.9, "ALT (SGPT)": 0.9},
    "acute renal failure": {"creatinine": 1.0, "BUN": 0.8, "potassium": 0.6, "phosphate": 0.4},
    "upper gi bleed": {"Hgb": -2.2, "Hct": -6.5, "RBC": -0.7, "BUN": 0.4},
    "pulmonary sepsis": {"WBC x 1000": 0.35, "lactate": 0.25, "-lymphs": -0.4},
    "urinary sepsis": {"WBC x 1000": 0.35, "lactate": 0.20, "-lymphs": -0.4},
    "pneumonia": {"WBC x 1000": 0.25, "paO2": -0.15},
    "copd": {"paCO2": 0.35, "bicarbonate": 4},
    "diabetes": {"glucose": 0.3, "bedside glucose": 0.3},
    "renal insufficiency": {"creatinine": 0.6, "BUN": 0.5, "Hgb": -0.8, "Hct": -2.4},
    "dialysis": {"creatinine": 1.7, "BUN": 0.6, "potassium": 0.5, "phosphate": 0.5},
    "cirrhosis": {"total bilirubin": 1.4, "PT - INR": 0.35, "PT": 0.3, "platelets x 1000": -0.6, "albumin": -0.5},
    "metastatic cancer": {"alkaline phos.": 0.5, "albumin": -0.4, "Hgb": -1.0, "Hct": -3.0},
}
"""Cause of admission or comorbidity -> test -> shift, in units of the test's level (of its logarithm where `log`)."""

CENSORED: Final = {"troponin - I": (0.02, None), "bedside glucose": (None, 600.0), "PTT": (None, 200.0)}
"""Below or above these a test is reported as text alone ("<0.02", ">600"), its number blank."""
