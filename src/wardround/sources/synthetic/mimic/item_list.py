"""The items of the unit: numbers, names, categories and units of `d_items`, as in the open demo."""

from typing import Final, NamedTuple


class Item(NamedTuple):
    """A row of `d_items`, and the unit that stands beside its values.

    Attributes:
        label, abbreviation: what it is called.
        table: that it is charted in.
        category: in `d_items`.
        unit: as `d_items` says; charted: as the table of events says, null where it says none.
        kind: `param_type`.
    """

    label: str
    abbreviation: str
    table: str
    category: str
    unit: str | None
    charted: str | None
    kind: str


def _chart(label: str, short: str, category: str, unit: str | None, charted: str | None, kind: str = "Numeric") -> Item:
    return Item(label, short, "chartevents", category, unit, charted, kind)


_VITAL, _BREATH, _LABS, _NERVES = "Routine Vital Signs", "Respiratory", "Labs", "Neurological"
_PULSES: Final = "Cardiovascular (Pulses)"


def _given(label: str, unit: str, category: str = "Medications") -> Item:
    return Item(label, label, "inputevents", category, unit, None, "Solution")


def _done(label: str, category: str) -> Item:
    return Item(label, label, "procedureevents", category, "None", None, "Processes")


ITEMS: Final[dict[int, Item]] = {
    220045: _chart("Heart Rate", "HR", _VITAL, "bpm", "bpm"),
    220050: _chart("Arterial Blood Pressure systolic", "ABPs", _VITAL, "mmHg", "mmHg"),
    220051: _chart("Arterial Blood Pressure diastolic", "ABPd", _VITAL, "mmHg", "mmHg"),
    220052: _chart("Arterial Blood Pressure mean", "ABPm", _VITAL, "mmHg", "mmHg"),
    220179: _chart("Non Invasive Blood Pressure systolic", "NBPs", _VITAL, "mmHg", "mmHg"),
    220180: _chart("Non Invasive Blood Pressure diastolic", "NBPd", _VITAL, "mmHg", "mmHg"),
    220181: _chart("Non Invasive Blood Pressure mean", "NBPm", _VITAL, "mmHg", "mmHg"),
    220210: _chart("Respiratory Rate", "RR", _BREATH, "insp/min", "insp/min"),
    220277: _chart("O2 saturation pulseoxymetry", "SpO2", _BREATH, "%", "%"),
    223761: _chart("Temperature Fahrenheit", "Temperature F", _VITAL, "°F", "°F"),
    223762: _chart("Temperature Celsius", "Temperature C", _VITAL, "°C", "°C"),
    220739: _chart("GCS - Eye Opening", "Eye Opening", _NERVES, None, None, "Text"),
    223900: _chart("GCS - Verbal Response", "Verbal Response", _NERVES, None, None, "Text"),
    223901: _chart("GCS - Motor Response", "Motor Response", _NERVES, None, None, "Text"),
    223835: _chart("Inspired O2 Fraction", "FiO2", _BREATH, "None", None),
    220339: _chart("PEEP set", "PEEP set", _BREATH, "cmH2O", "cmH2O"),
    223951: _chart("Capillary Refill R", "Capillary Refill R", _PULSES, None, None, "Text"),
    224308: _chart("Capillary Refill L", "Capillary Refill L", _PULSES, None, None, "Text"),
    223849: _chart("Ventilator Mode", "Ventilator Mode", _BREATH, None, None, "Text"),
    226732: _chart("O2 Delivery Device(s)", "O2 Delivery Device(s)", _BREATH, None, None, "Text"),
    226512: _chart("Admission Weight (Kg)", "Admission Weight (Kg)", "General", "kg", "kg"),
    224639: _chart("Daily Weight", "Daily Weight", "General", "kg", "kg"),
    226730: _chart("Height (cm)", "Height (cm)", "General", "cm", "cm"),
    226707: _chart("Height", "Height", "General", "Inch", "Inch"),
    220621: _chart("Glucose (serum)", "Glucose (serum)", _LABS, "None", "mg/dL"),
    225664: _chart("Glucose finger stick (range 70-100)", "Glucose FS (range 70 -100)", _LABS, "None", None),
    223830: _chart("PH (Arterial)", "PH (Arterial)", _LABS, "None", "units"),
    225668: _chart("Lactic Acid", "Lactic Acid", _LABS, "None", "mmol/L"),
    220615: _chart("Creatinine (serum)", "Creatinine (serum)", _LABS, "None", "mg/dL"),
    221906: _given("Norepinephrine", "mg"),
    221749: _given("Phenylephrine", "mg"),
    222315: _given("Vasopressin", "units"),
    221289: _given("Epinephrine", "mg"),
    221662: _given("Dopamine", "mg"),
    221653: _given("Dobutamine", "mg"),
    221986: _given("Milrinone", "mg"),
    222168: _given("Propofol", "mg"),
    225942: _given("Fentanyl (Concentrate)", "mg"),
    221668: _given("Midazolam (Versed)", "mg"),
    221347: _given("Amiodarone", "mg"),
    225152: _given("Heparin Sodium", "units"),
    223258: _given("Insulin - Regular", "units"),
    221794: _given("Furosemide (Lasix)", "mg"),
    225158: _given("NaCl 0.9%", "mL", "Fluids/Intake"),
    225828: _given("LR", "mL", "Fluids/Intake"),
    225798: _given("Vancomycin", "dose", "Antibiotics"),
    226559: Item("Foley", "Foley", "outputevents", "Output", "mL", "ml", "Numeric"),
    226560: Item("Void", "Void", "outputevents", "Output", "mL", "ml", "Numeric"),
    226579: Item("Stool", "Stool", "outputevents", "Output", "mL", "ml", "Numeric"),
    225792: _done("Invasive Ventilation", "2-Ventilation"),
    225794: _done("Non-invasive Ventilation", "2-Ventilation"),
    224385: _done("Intubation", "1-Intubation/Extubation"),
    227194: _done("Extubation", "1-Intubation/Extubation"),
    224275: _done("20 Gauge", "Access Lines - Peripheral"),
    225752: _done("Arterial Line", "Access Lines - Invasive"),
    224263: _done("Multi Lumen", "Access Lines - Invasive"),
    225459: _done("Chest X-Ray", "5-Imaging"),
    225432: _done("Transthoracic Echo", "5-Imaging"),
    225401: _done("Blood Cultured", "6-Cultures"),
    225402: _done("EKG", "4-Procedures"),
    225441: _done("Hemodialysis", "4-Procedures"),
    225802: _done("Dialysis - CRRT", "Dialysis"),
}
"""Only such items as `prepare mimic4` has a code or a meaning of its own for, and some procedures beside them."""


class LabItem(NamedTuple):
    """A row of `d_labitems`, and what stands beside its results.

    Attributes:
        itemid, label, category: as in `d_labitems`; the fluid is blood.
        unit: beside the result.
        low, high: the reference range, null where none is written.
    """

    itemid: int
    label: str
    category: str
    unit: str | None
    low: float | None = None
    high: float | None = None


_CHEMISTRY, _BLOOD, _GAS = "Chemistry", "Hematology", "Blood Gas"
LAB_ITEMS: Final[dict[str, LabItem]] = {
    "sodium": LabItem(50983, "Sodium", _CHEMISTRY, "mEq/L", 135, 147),
    "potassium": LabItem(50971, "Potassium", _CHEMISTRY, "mEq/L", 3.3, 5.1),
    "chloride": LabItem(50902, "Chloride", _CHEMISTRY, "mEq/L", 96, 108),
    "bicarbonate": LabItem(50882, "Bicarbonate", _CHEMISTRY, "mEq/L", 22, 32),
    "anion gap": LabItem(50868, "Anion Gap", _CHEMISTRY, "mEq/L", 10, 18),
    "BUN": LabItem(51006, "Urea Nitrogen", _CHEMISTRY, "mg/dL", 6, 20),
    "creatinine": LabItem(50912, "Creatinine", _CHEMISTRY, "mg/dL", 0.5, 1.2),
    "glucose": LabItem(50931, "Glucose", _CHEMISTRY, "mg/dL", 70, 100),
    "calcium": LabItem(50893, "Calcium, Total", _CHEMISTRY, "mg/dL", 8.4, 10.3),
    "Hgb": LabItem(51222, "Hemoglobin", _BLOOD, "g/dL", 13.7, 17.5),
    "Hct": LabItem(51221, "Hematocrit", _BLOOD, "%", 40, 51),
    "RBC": LabItem(51279, "Red Blood Cells", _BLOOD, "m/uL", 4.6, 6.1),
    "WBC x 1000": LabItem(51301, "White Blood Cells", _BLOOD, "K/uL", 4, 10),
    "platelets x 1000": LabItem(51265, "Platelet Count", _BLOOD, "K/uL", 150, 400),
    "MCV": LabItem(51250, "MCV", _BLOOD, "fL", 82, 98),
    "MCH": LabItem(51248, "MCH", _BLOOD, "pg", 26, 32),
    "MCHC": LabItem(51249, "MCHC", _BLOOD, "g/dL", 32, 37),
    "RDW": LabItem(51277, "RDW", _BLOOD, "%", 10.5, 15.5),
    "-lymphs": LabItem(51244, "Lymphocytes", _BLOOD, "%", 19, 53),
    "magnesium": LabItem(50960, "Magnesium", _CHEMISTRY, "mg/dL", 1.6, 2.6),
    "phosphate": LabItem(50970, "Phosphate", _CHEMISTRY, "mg/dL", 2.7, 4.5),
    "albumin": LabItem(50862, "Albumin", _CHEMISTRY, "g/dL", 3.5, 5.2),
    "total bilirubin": LabItem(50885, "Bilirubin, Total", _CHEMISTRY, "mg/dL", 0, 1.5),
    "AST (SGOT)": LabItem(50878, "Asparate Aminotransferase (AST)", _CHEMISTRY, "IU/L", 0, 40),
    "ALT (SGPT)": LabItem(50861, "Alanine Aminotransferase (ALT)", _CHEMISTRY, "IU/L", 0, 40),
    "alkaline phos.": LabItem(50863, "Alkaline Phosphatase", _CHEMISTRY, "IU/L", 40, 130),
    "PT": LabItem(51274, "PT", _BLOOD, "sec", 9.4, 12.5),
    "PT - INR": LabItem(51237, "INR(PT)", _BLOOD, None, 0.9, 1.1),
    "PTT": LabItem(51275, "PTT", _BLOOD, "sec", 25, 36.5),
    "troponin - I": LabItem(51002, "Troponin I", _CHEMISTRY, "ng/mL", 0, 0.01),
    "CPK": LabItem(50910, "Creatine Kinase (CK)", _CHEMISTRY, "IU/L", 47, 322),
    "lactate": LabItem(50813, "Lactate", _GAS, "mmol/L", 0.5, 2),
    "pH": LabItem(50820, "pH", _GAS, "units", 7.35, 7.45),
    "paCO2": LabItem(50818, "pCO2", _GAS, "mm Hg", 35, 45),
    "paO2": LabItem(50821, "pO2", _GAS, "mm Hg", 85, 105),
    "Base Excess": LabItem(50802, "Base Excess", _GAS, "mEq/L"),
    "FiO2": LabItem(50816, "Oxygen", _GAS, "%"),
}
"""Test of `lab_list.py` -> item. Bedside glucose is charted by nurses."""
SPECIMEN: Final = LabItem(52033, "Specimen Type", _GAS, None)
"""Of which blood a gas is: words."""
COPIED: Final = {"glucose": 220621, "pH": 223830, "lactate": 225668, "creatinine": 220615, "bedside glucose": 225664}
"""Test -> the item under which nurses chart its results."""
