"""The acute physiology points of APACHE III and IV: how far the worst values of a day are from normal, 0 to 252.

Source: Knaus et al., The APACHE III prognostic system, Chest 100:1619-1636 (1991), figures 1-3; taken over unchanged by
APACHE IV (Zimmerman et al., Crit Care Med 34:1297-1310, 2006). A value that is missing counts as normal: 0 points.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from jaxtyping import Float

Values = Mapping[str, Float[np.ndarray, "stay"]]
Points = Float[np.ndarray, "stay"]

POINTS: Final[dict[str, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    "heartrate": ((40, 50, 100, 110, 120, 140, 155), (8, 5, 0, 1, 5, 7, 13, 17)),
    "meanbp": ((40, 60, 70, 80, 100, 120, 130, 140), (23, 15, 7, 6, 0, 4, 7, 9, 10)),
    "temperature": ((33, 33.5, 34, 35, 36, 40), (20, 16, 13, 8, 2, 0, 4)),
    "respiratoryrate": ((6, 12, 14, 25, 35, 40, 50), (17, 8, 7, 0, 6, 9, 11, 18)),
    "hematocrit": ((41, 50), (3, 0, 3)),
    "wbc": ((1, 3, 20, 25), (19, 5, 0, 1, 5)),
    "urine": ((400, 600, 900, 1500, 2000, 4000), (15, 8, 7, 5, 4, 0, 1)),
    "bun": ((17, 20, 40, 80), (0, 2, 7, 11, 12)),
    "sodium": ((120, 135, 155), (3, 2, 0, 4)),
    "albumin": ((2, 2.5, 4.5), (11, 6, 0, 4)),
    "bilirubin": ((2, 3, 5, 8), (0, 5, 6, 8, 16)),
    "glucose": ((40, 60, 200, 350), (8, 9, 0, 3, 5)),
}
"""Variable -> (edges, points of the intervals between them), an interval from its lower edge on. In beats/min, mmHg,
degrees Celsius, breaths/min, %, 10^9/L, mL in 24 h, mg/dL, mmol/L, g/dL, mg/dL, mg/dL."""

CREATININE: Final = ((0.5, 1.5, 1.95), (3.0, 0.0, 4.0, 7.0))
"""In mg/dL; `ACUTE_FAILURE` instead from 1.5 mg/dL on where 24 h gave less than 410 mL of urine, without dialysis."""
ACUTE_FAILURE: Final = 10.0
OLIGURIA_ML: Final = 410.0

PAO2: Final = ((50, 70, 80), (15.0, 5.0, 2.0, 0.0))
"""In mmHg, of patients who are not intubated or breathe less than 50 % oxygen; of the others the gradient counts."""
GRADIENT: Final = ((100, 250, 350, 500), (0.0, 7.0, 9.0, 11.0, 14.0))

_MOIST_AIR_MMHG: Final = 760 - 47
"""Of the alveolar gas equation; the respiratory quotient is 1, which the scores stored in eICU agree with."""

PH_EDGES: Final = (7.2, 7.3, 7.35, 7.45, 7.5, 7.6)
PCO2_EDGES: Final = (25.0, 30.0, 35.0, 40.0, 45.0, 50.0)
ACID_BASE: Final = np.array(
    [
        [12, 12, 12, 12, 12, 12, 4],
        [9, 9, 6, 6, 3, 3, 2],
        [9, 9, 0, 0, 0, 1, 1],
        [5, 5, 0, 0, 0, 1, 1],
        [5, 5, 0, 2, 2, 12, 12],
        [3, 3, 3, 3, 12, 12, 12],
        [0, 3, 3, 3, 12, 12, 12],
    ],
    np.float64,
)
"""Points by interval of pH (rows) and PaCO2 in mmHg (columns)."""

EYES_OPEN: Final = np.array([[29, 29, 29, 13, 3], [24, 24, 24, 13, 3], [15, 13, 13, 8, 3], [15, 10, 10, 3, 0]], float)
EYES_SHUT: Final = np.array(
    [[48, 29, 29, 29, 29], [33, 24, 24, 24, 24], [16, 16, 16, 16, 16], [16, 16, 16, 16, 16]], float
)
"""Points by motor response (rows: 1-2, 3-4, 5, 6) and verbal response (columns: 1 to 5). Combinations with eyes that do
not open to pain which the chart leaves out, as no patient should show them, take the points beside them."""


def acute_physiology_points(values: Values) -> Points:
    """The points of each stay.

    Args:
        values: variable -> worst value of the first day, NaN where missing: those of `POINTS`, `creatinine` (mg/dL),
            `pao2, pco2` (mmHg), `fio2` (%), `ph`, `eyes, motor, verbal` (Glasgow coma scale), and 1 or 0 in
            `intubated, vent` (on a ventilator), `dialysis` (chronic), `meds` (too sedated to be examined).
    """
    total = sum((interval_points(values[name], *table) for name, table in POINTS.items()), np.zeros(len(values["ph"])))
    breaths = values["respiratoryrate"]
    driven = (values["vent"] == 1) & (breaths >= 6) & (breaths < 13)  # a slow rate that the ventilator sets is no sign
    total -= np.where(driven, interval_points(breaths, *POINTS["respiratoryrate"]), 0)
    return total + _creatinine(values) + oxygen_points(values) + acid_base_points(values) + coma_points(values)


def interval_points(value: np.ndarray, edges: tuple[float, ...], points: tuple[float, ...]) -> np.ndarray:
    """The points of the interval that each value is in, 0 of a missing one."""
    return np.where(np.isnan(value), 0.0, np.asarray(points)[np.searchsorted(edges, value, side="right")])


def _creatinine(values: Values) -> np.ndarray:
    failing = (values["creatinine"] >= CREATININE[0][1]) & (values["urine"] < OLIGURIA_ML) & (values["dialysis"] != 1)
    return np.where(failing, ACUTE_FAILURE, interval_points(values["creatinine"], *CREATININE))


def oxygen_points(values: Values) -> Points:
    """Of `pao2, pco2, fio2, intubated` alone."""
    pao2, fio2 = values["pao2"], values["fio2"]
    gradient = fio2 / 100 * _MOIST_AIR_MMHG - values["pco2"] - pao2
    by_gradient = (values["intubated"] == 1) & (fio2 >= 50)
    return np.where(by_gradient, interval_points(gradient, *GRADIENT), interval_points(pao2, *PAO2))


def acid_base_points(values: Values) -> Points:
    """Of `ph, pco2` alone."""
    ph, pco2 = values["ph"], values["pco2"]
    row, column = np.searchsorted(PH_EDGES, ph, side="right"), np.searchsorted(PCO2_EDGES, pco2, side="right")
    return np.where(np.isnan(ph) | np.isnan(pco2), 0.0, ACID_BASE[row.clip(max=6), column.clip(max=6)])


def coma_points(values: Values) -> Points:
    """Of `eyes, motor, verbal, meds` alone."""
    eyes, motor, verbal = values["eyes"], values["motor"], values["verbal"]
    unknown = np.isnan(eyes) | np.isnan(motor) | np.isnan(verbal) | (values["meds"] == 1)
    row = np.searchsorted((3, 5, 6), np.nan_to_num(motor, nan=6), side="right")
    column = (np.nan_to_num(verbal, nan=5) - 1).clip(0, 4).astype(np.int64)
    found = np.where(eyes == 1, EYES_SHUT[row, column], EYES_OPEN[row, column])
    return np.where(unknown, 0.0, found)
