"""Units: one canonical unit a quantity, the conversions into it, and the range in which a value is plausible.

A value in a unit that its quantity does not list is set aside ("unknown unit"), never guessed. Conversions are
`canonical = factor * value + shift`. Molar masses for mg/dL <-> mmol/L are those of the International System conversion
tables (AMA Manual of Style, 11th ed., section 17.5). Ranges are wide: they hold what a living patient can show.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

_CONVERSION: Final = {
    "name": pl.String,
    "unit_key": pl.String,
    "factor": pl.Float64,
    "shift": pl.Float64,
    "unit": pl.String,
    "low": pl.Float64,
    "high": pl.Float64,
}


def is_fraction(number: pl.Expr) -> pl.Expr:
    """Whether an inspired oxygen that should be in percent is a fraction: nobody breathes 1 % or less."""
    return number.is_between(0.1, 1.0)


def is_fahrenheit(number: pl.Expr) -> pl.Expr:
    """Whether a temperature, whatever is said of it, is in Fahrenheit: no patient has 77 to 113 degrees Celsius."""
    return number.is_between(77.0, 113.0)


@dataclass(frozen=True)
class Quantity:
    """A measured quantity.

    Attributes:
        unit: the canonical unit, as it stands in event codes; "" where it has none.
        low, high: plausible range in the canonical unit, ends included.
        others: other unit -> (factor, shift) into the canonical one.
    """

    unit: str
    low: float
    high: float
    others: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])

    @property
    def spellings(self) -> tuple[str, ...]:
        """The units that it takes, the canonical one first."""
        return (self.unit, *self.others)


_SPELLINGS: Final = {" ": "", "\u00b5": "u", "\u03bc": "u", "mcg": "ug", "mcmol": "umol", "&#176;": "", "°": ""}
"""Blanks, both signs for micro, and those for degree."""


def unit_key(unit: str) -> str:
    """The spelling under which units are compared: lower case, no blanks, one sign for micro, none for degree."""
    key = unit.lower()
    for spelling, plain in _SPELLINGS.items():
        key = key.replace(spelling, plain)
    return key


def conversion_table(quantities: Mapping[str, Quantity]) -> pl.DataFrame:
    """Quantities as a table to join on: `name, unit_key, factor, shift, unit, low, high`.

    Returns:
        One row for each unit that a quantity takes, however many spellings of it were given: a second row would make
        two events of one value.

    Raises:
        ValueError: where two spellings of one unit convert differently.
    """
    conversions: dict[tuple[str, str], tuple[float, float]] = {}
    for name, quantity in quantities.items():
        for unit, conversion in {**quantity.others, quantity.unit: (1.0, 0.0)}.items():
            if conversions.setdefault((name, unit_key(unit)), conversion) != conversion:
                raise ValueError(f"{name}: unit {unit} converts in two ways")
    rows = [
        (name, key, *conversion, quantities[name].unit, quantities[name].low, quantities[name].high)
        for (name, key), conversion in conversions.items()
    ]
    return pl.DataFrame(rows, schema=_CONVERSION, orient="row")


def _mmol(per_mg_dl: float) -> dict[str, tuple[float, float]]:
    """mmol/L into mg/dL, from the factor that turns mg/dL into mmol/L."""
    return {"mmol/L": (1 / per_mg_dl, 0.0)}


def _umol(per_mg_dl: float) -> dict[str, tuple[float, float]]:
    """umol/L into mg/dL (or mcg/dL), from the factor the other way."""
    return {"umol/L": (1 / per_mg_dl, 0.0)}


_ELECTROLYTE = {"mEq/L": (1.0, 0.0)}
_CELLS = {"10^3/uL": (1.0, 0.0), "10^9/L": (1.0, 0.0), "x1000/uL": (1.0, 0.0), "K/uL": (1.0, 0.0)}
_ENZYME = {"U/L": (1.0, 0.0), "IU/L": (1.0, 0.0)}
_G_DL = {"g/L": (0.1, 0.0)}
_KPA = {"kPa": (7.50062, 0.0)}
_FRACTION = {"fraction": (100.0, 0.0)}
_FAHRENHEIT = {"F": (5 / 9, -160 / 9)}

EICU_LABS: Final[dict[str, Quantity]] = {
    "albumin": Quantity("g/dL", 0.3, 10, _G_DL),
    "alkaline phos.": Quantity("Units/L", 1, 10_000, _ENZYME),
    "ALT (SGPT)": Quantity("Units/L", 0, 40_000, _ENZYME),
    "ammonia": Quantity("mcg/dL", 0, 3_000, _umol(0.587)),
    "amylase": Quantity("Units/L", 0, 20_000, _ENZYME),
    "anion gap": Quantity("", -30, 80, {"mEq/L": (1.0, 0.0), "mmol/L": (1.0, 0.0)}),
    "AST (SGOT)": Quantity("Units/L", 0, 60_000, _ENZYME),
    "Base Deficit": Quantity("mEq/L", -60, 60, {"mmol/L": (1.0, 0.0)}),
    "Base Excess": Quantity("mEq/L", -60, 60, {"mmol/L": (1.0, 0.0)}),
    "bedside glucose": Quantity("mg/dL", 5, 2_500, _mmol(0.0555)),
    "bicarbonate": Quantity("mmol/L", 1, 80, _ELECTROLYTE),
    "BNP": Quantity("pg/mL", 0, 100_000, {"ng/L": (1.0, 0.0)}),
    "BUN": Quantity("mg/dL", 0, 400, _mmol(0.357)),
    "calcium": Quantity("mg/dL", 1, 25, _mmol(0.25)),
    "Carboxyhemoglobin": Quantity("%", 0, 80),
    "chloride": Quantity("mmol/L", 50, 180, _ELECTROLYTE),
    "CPK": Quantity("Units/L", 0, 400_000, _ENZYME),
    "CPK-MB": Quantity("ng/mL", 0, 2_000, {"mcg/L": (1.0, 0.0)}),
    "creatinine": Quantity("mg/dL", 0, 60, _umol(88.4)),
    "CRP": Quantity("mg/L", 0, 1_000, {"mg/dL": (10.0, 0.0)}),
    "CRP-hs": Quantity("mg/L", 0, 1_000, {"mg/dL": (10.0, 0.0)}),
    "direct bilirubin": Quantity("mg/dL", 0, 80, _umol(17.1)),
    "ESR": Quantity("mm/hr", 0, 250),
    "fibrinogen": Quantity("mg/dL", 5, 2_500, {"g/L": (100.0, 0.0)}),
    "FiO2": Quantity("%", 10, 100, _FRACTION),
    "glucose": Quantity("mg/dL", 5, 2_500, _mmol(0.0555)),
    "HCO3": Quantity("mmol/L", 1, 80, _ELECTROLYTE),
    "Hct": Quantity("%", 3, 85, {"L/L": (100.0, 0.0)}),
    "Hgb": Quantity("g/dL", 1, 30, _G_DL),
    "ionized calcium": Quantity("mmol/L", 0.5, 5, {"mg/dL": (0.25, 0.0)}),
    "lactate": Quantity("mmol/L", 0, 50, {"mg/dL": (0.111, 0.0), "mEq/L": (1.0, 0.0)}),
    "LDH": Quantity("Units/L", 0, 60_000, _ENZYME),
    "lipase": Quantity("Units/L", 0, 40_000, _ENZYME),
    "magnesium": Quantity("mg/dL", 0.2, 20, {"mmol/L": (1 / 0.4114, 0.0), "mEq/L": (1.2154, 0.0)}),
    "MCH": Quantity("pg", 8, 70),
    "MCHC": Quantity("g/dL", 15, 50, _G_DL),
    "MCV": Quantity("fL", 40, 180),
    "Methemoglobin": Quantity("%", 0, 80),
    "MPV": Quantity("fL", 3, 25),
    "O2 Sat (%)": Quantity("%", 1, 100, _FRACTION),
    "paCO2": Quantity("mm Hg", 3, 250, _KPA),
    "paO2": Quantity("mm Hg", 5, 800, _KPA),
    "PEEP": Quantity("cm H2O", 0, 60),
    "pH": Quantity("", 6.3, 8.2),
    "phosphate": Quantity("mg/dL", 0.1, 40, _mmol(0.3229)),
    "platelets x 1000": Quantity("K/mcL", 0, 4_000, _CELLS),
    "potassium": Quantity("mmol/L", 0.8, 15, _ELECTROLYTE),
    "PT": Quantity("sec", 3, 300),
    "PT - INR": Quantity("ratio", 0.2, 40, {"": (1.0, 0.0)}),
    "PTT": Quantity("sec", 5, 400),
    "RBC": Quantity("M/mcL", 0.3, 12, {"10^6/uL": (1.0, 0.0), "10^12/L": (1.0, 0.0)}),
    "RDW": Quantity("%", 5, 60),
    "sodium": Quantity("mmol/L", 80, 215, _ELECTROLYTE),
    "Temperature": Quantity("°C", 20, 46, _FAHRENHEIT),
    "total bilirubin": Quantity("mg/dL", 0, 80, _umol(17.1)),
    "total protein": Quantity("g/dL", 0.5, 20, _G_DL),
    "triglycerides": Quantity("mg/dL", 5, 20_000, _mmol(0.0113)),
    "troponin - I": Quantity("ng/mL", 0, 2_000, {"ng/L": (0.001, 0.0), "pg/mL": (0.001, 0.0)}),
    "troponin - T": Quantity("ng/mL", 0, 200, {"ng/L": (0.001, 0.0), "pg/mL": (0.001, 0.0)}),
    "WBC x 1000": Quantity("K/mcL", 0, 1_000, _CELLS),
    "-bands": Quantity("%", 0, 100),
    "-basos": Quantity("%", 0, 100),
    "-eos": Quantity("%", 0, 100),
    "-lymphs": Quantity("%", 0, 100),
    "-monos": Quantity("%", 0, 100),
    "-polys": Quantity("%", 0, 100),
}
"""eICU labs with a known canonical unit. A lab that is not here keeps its unit inside its code, so that two units never
mix."""

VITALS: Final[dict[str, Quantity]] = {
    "temperature": Quantity("C", 20, 46, _FAHRENHEIT),
    "sao2": Quantity("%", 1, 100),
    "heartrate": Quantity("bpm", 1, 350),
    "respiration": Quantity("/min", 0, 120),
    "spontaneous respiration": Quantity("/min", 0, 120),
    "cvp": Quantity("mmHg", -30, 80),
    "etco2": Quantity("mmHg", 0, 150),
    "systemicsystolic": Quantity("mmHg", 10, 350),
    "systemicdiastolic": Quantity("mmHg", 5, 250),
    "systemicmean": Quantity("mmHg", 5, 300),
    "pasystolic": Quantity("mmHg", 1, 200),
    "padiastolic": Quantity("mmHg", 0, 150),
    "pamean": Quantity("mmHg", 0, 150),
    "st1": Quantity("mm", -30, 30),
    "st2": Quantity("mm", -30, 30),
    "st3": Quantity("mm", -30, 30),
    "icp": Quantity("mmHg", -20, 150),
    "noninvasivesystolic": Quantity("mmHg", 10, 350),
    "noninvasivediastolic": Quantity("mmHg", 5, 250),
    "noninvasivemean": Quantity("mmHg", 5, 300),
    "paop": Quantity("mmHg", 0, 100),
    "cardiacoutput": Quantity("L/min", 0.1, 40),
    "cardiacinput": Quantity("L/min/m2", 0.05, 25),
    "svr": Quantity("dyn", 10, 10_000),
    "svri": Quantity("dyn", 10, 20_000),
    "pvr": Quantity("dyn", 0, 5_000),
    "pvri": Quantity("dyn", 0, 10_000),
    "gcs": Quantity("", 3, 15),
    "height": Quantity("cm", 30, 260, {"in": (2.54, 0.0)}),
    "weight": Quantity("kg", 2, 600, {"lb": (0.45359237, 0.0)}),
}

_FLAG = Quantity("", 0, 1)
EICU_APS: Final[dict[str, Quantity]] = {
    **dict.fromkeys(("intubated", "vent", "dialysis", "meds"), _FLAG),
    "eyes": Quantity("", 1, 4),
    "motor": Quantity("", 1, 6),
    "verbal": Quantity("", 1, 5),
    "urine": Quantity("mL", 0, 100_000),
    "wbc": EICU_LABS["WBC x 1000"],
    "temperature": VITALS["temperature"],
    "respiratoryrate": VITALS["respiration"],
    "sodium": EICU_LABS["sodium"],
    "heartrate": VITALS["heartrate"],
    "meanbp": VITALS["systemicmean"],
    "ph": EICU_LABS["pH"],
    "hematocrit": EICU_LABS["Hct"],
    "creatinine": EICU_LABS["creatinine"],
    "albumin": EICU_LABS["albumin"],
    "pao2": EICU_LABS["paO2"],
    "pco2": EICU_LABS["paCO2"],
    "bun": EICU_LABS["BUN"],
    "glucose": EICU_LABS["glucose"],
    "bilirubin": EICU_LABS["total bilirubin"],
    "fio2": EICU_LABS["FiO2"],
}
"""APACHE's first-day variables; the table has no unit column."""

EICU_SCORES: Final[dict[str, Quantity]] = {
    **dict.fromkeys(("acutephysiologyscore", "apachescore"), Quantity("", 0, 300)),
    **dict.fromkeys(("predictedhospitalmortality", "predictedicumortality"), Quantity("", 0, 1)),
    **dict.fromkeys(("predictediculos", "predictedhospitallos"), Quantity("d", 0, 366)),
}
"""APACHE's scores and predictions (IVa's maximal score is 286)."""

_PER_H = 1 / 60
INFUSION_RATES: Final[dict[str, Quantity]] = {
    "mass": Quantity("mcg/min", 0, 1e6, {"mcg/hr": (_PER_H, 0.0), "mg/min": (1e3, 0.0), "mg/hr": (1e3 * _PER_H, 0.0)}),
    "mass per kg": Quantity(
        "mcg/kg/min",
        0,
        1e6,
        {
            "mcg/kg/hr": (_PER_H, 0.0),
            "mg/kg/min": (1e3, 0.0),
            "mg/kg/hr": (1e3 * _PER_H, 0.0),
            "ng/kg/min": (1e-3, 0.0),
            "nanograms/kg/min": (1e-3, 0.0),
        },
    ),
    "units": Quantity("units/hr", 0, 1e6, {"units/min": (60.0, 0.0)}),
    "units per kg": Quantity("units/kg/hr", 0, 1e6, {"units/kg/min": (60.0, 0.0)}),
    "volume": Quantity("mL/hr", 0, 1e5, {"mL/min": (60.0, 0.0)}),
    "no unit": Quantity("", 0, 1e6),
}
"""Rates of infusions. What a rate is of stands in its unit alone, so the codes of one drug in mass, mass per kg and
volume stay apart."""
