"""Bedside procedures and orders of drugs: items and names as in the open demo, log odds of our own."""

from typing import Final

from wardround.sources.synthetic.code import Code, traits


def _done(item: int, log_odds: float, by_severity: float = 0.0, **more: float) -> Code:
    return Code(str(item), log_odds, by_severity, traits(more))


PROCEDURES: Final = (
    _done(225402, -0.8, 0.1, myocardial_infarction=1.5, atrial_arrhythmia=1.5),
    _done(225401, -1.8, 0.4, pulmonary_sepsis=2.0, urinary_sepsis=2.0, pneumonia=1.2),
    _done(225432, -2.2, 0.2, heart_failure=1.2, myocardial_infarction=1.2),
    _done(225459, -0.6, 0.4, pneumonia=1.0, pulmonary_sepsis=1.0, heart_failure=0.6),
)
"""Done in a minute. What lasts is in `procedures.py`."""


def _drug(
    drug: str, route: str, dose: str, unit: str, log_odds: float, by_severity: float = 0.0, **more: float
) -> Code:
    return Code(drug, log_odds, by_severity, traits(more), (route, dose, unit))


DRUGS: Final = (
    _drug("0.9% Sodium Chloride", "IV", "1000", "mL", float("inf")),
    _drug("Acetaminophen", "PO/NG", "650", "mg", -0.4),
    _drug("Insulin", "SC", "0", "UNIT", -0.8, diabetes=2.0, ketoacidosis=1.5),
    _drug("Furosemide", "IV", "40", "mg", -1.6, 0.2, heart_failure=2.2),
    _drug("Potassium Chloride", "IV", "40", "mEq", -0.9, 0.1),
    _drug("Magnesium Sulfate", "IV", "2", "gm", -0.8, 0.1),
    _drug("Calcium Gluconate", "IV", "2", "gm", -1.8, 0.4),
    _drug("Heparin", "SC", "5000", "UNIT", -0.4, -0.2),
    _drug("Heparin Sodium", "IV", "25000", "UNIT", -3.2, myocardial_infarction=3.0),
    _drug("Metoprolol Tartrate", "PO/NG", "25", "mg", -1.4, -0.4, hypertension=0.8, atrial_arrhythmia=1.5),
    _drug("Aspirin", "PO/NG", "81", "mg", -1.6, myocardial_infarction=2.5, bypass_surgery=2.0),
    _drug("Atorvastatin", "PO/NG", "80", "mg", -1.8, -0.1, myocardial_infarction=2.0),
    _drug("Pantoprazole", "IV", "40", "mg", -1.2, 0.2, upper_gi_bleed=3.0),
    _drug("Ondansetron", "IV", "4", "mg", -1.0, -0.2),
    _drug("Senna", "PO/NG", "8.6", "mg", -0.8, -0.2),
    _drug("Docusate Sodium", "PO/NG", "100", "mg", -0.8, -0.2),
    _drug("Vancomycin", "IV", "1000", "mg", -2.2, 0.5, pulmonary_sepsis=2.2, urinary_sepsis=1.5, pneumonia=1.2),
    _drug("Piperacillin-Tazobactam", "IV", "4.5", "g", -2.6, 0.5, pulmonary_sepsis=2.0, urinary_sepsis=1.5),
    _drug("CeftriaXONE", "IV", "1", "gm", -2.2, 0.0, pneumonia=2.0, urinary_sepsis=1.5),
    _drug("NORepinephrine", "IV DRIP", "0.03", "mcg/kg/min", -4.0, 1.1),
    _drug("Vasopressin", "IV DRIP", "2.4", "units/hr", -5.5, 1.1),
    _drug("Propofol", "IV DRIP", "20", "mcg/kg/min", -2.8, 0.8),
    _drug("Fentanyl Citrate", "IV DRIP", "50", "mcg/hr", -2.6, 0.8),
    _drug("Morphine Sulfate", "IV", "2", "mg", -1.8, 0.2),
    _drug("Lorazepam", "IV", "1", "mg", -2.6, 0.1, alcohol_withdrawal=3.2),
    _drug("MethylPREDNISolone Sodium Succ", "IV", "125", "mg", -3.0, 0.2, copd=2.5),
    _drug("Albuterol 0.083% Neb Soln", "IH", "1", "NEB", -2.0, 0.1, copd=2.2, pneumonia=0.8),
    _drug("Amiodarone", "IV", "150", "mg", -3.4, 0.2, atrial_arrhythmia=2.0, cardiac_arrest=1.5),
    _drug("Lactulose", "PO/NG", "30", "mL", -4.5, 0.2, cirrhosis=4.5),
)
