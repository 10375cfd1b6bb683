"""MIMIC, chartevents: items of MetaVision -> code, unit as charted, canonical unit, plausible range, modality.

The 17 variables of the mimic3-benchmarks (capillary refill, blood pressures, FiO2, the parts of the GCS, glucose, heart
rate, height, SpO2, respiratory rate, temperature, weight, pH) under all item numbers of MetaVision that
mimic3-benchmarks and the MIMIC Code Repository know, and what eICU or the Challenge 2012 measure as well, under their
codes and ranges, so that a model of one database reads the other. The GCS total is a sum of three items, not an item.

Every other item keeps its own name and unit: CHART//LABEL//UNIT. Item numbers of CareVue, before 2008, are MIMIC-III's
alone (`mimic3/carevue_items.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from wardround.sources.conversion import Selection
from wardround.sources.units import EICU_LABS, VITALS, Quantity


@dataclass(frozen=True)
class Item:
    """A charted item with numbers.

    Attributes:
        modality, code: of its events.
        unit: that it is charted in.
        quantity: its canonical unit and range.
        delay_min: stated delay, where no time is stored with it.
    """

    modality: str
    code: str
    unit: str
    quantity: Quantity
    delay_min: int


CHARTED_MIN: Final = 60
"""Charted values without a storetime: a nurse writes within the hour."""
RESULT_MIN: Final = 180
"""Results of the laboratory that a nurse copied: known when the laboratory's own without a storetime (`labs.py`)."""


_SPELLINGS: Final = {
    **dict.fromkeys(("respiration", "spontaneous respiration"), ("insp/min", "bpm")),
    "height": ("Inch",),
    "pH": ("units",),
}
"""Name -> ways in which MIMIC writes the unit that its item is charted in."""


def _also(name: str, quantity: Quantity, unit: str) -> Quantity:
    """A quantity that takes MIMIC's spellings of a unit as well."""
    conversion = {**quantity.others, quantity.unit: (1.0, 0.0)}[unit]
    return replace(quantity, others={**quantity.others, **dict.fromkeys(_SPELLINGS.get(name, ()), conversion)})


def vital_item(name: str, unit: str | None = None, modality: str = "vitals") -> Item:
    """A vital sign by eICU's name, charted in `unit` (the canonical one if None)."""
    unit = VITALS[name].unit if unit is None else unit
    return Item(modality, f"VITAL//{name}//{VITALS[name].unit}", unit, _also(name, VITALS[name], unit), CHARTED_MIN)


def lab_item(name: str, unit: str | None = None, modality: str = "lab", delay_min: int = RESULT_MIN) -> Item:
    """A result by eICU's name, which a nurse copied in `unit` (the canonical one if None)."""
    unit = EICU_LABS[name].unit if unit is None else unit
    quantity = _also(name, EICU_LABS[name], unit)
    return Item(modality, f"LAB//{name}//{quantity.unit}", unit, quantity, delay_min)


def gas_item(name: str, unit: str | None = None) -> Item:
    """A value of the blood gas analyser or the ventilator, known as soon as it is charted."""
    return lab_item(name, unit, "blood_gas", CHARTED_MIN)


def coma_item(part: str, highest: int) -> Item:
    """A part of the coma scale."""
    return Item("neurology", f"VITAL//gcs {part}//", "", Quantity("", 1, highest), CHARTED_MIN)


_SIZES: Final = {"weight": "WEIGHT//kg", "height": "HEIGHT//cm"}


def size_item(name: str, unit: str) -> Item:
    """Height, and the weight at admission: of the patient, as in eICU and the Challenge; later weights are vitals."""
    return Item("demographics", _SIZES[name], unit, _also(name, VITALS[name], unit), CHARTED_MIN)


PRESSURES: Final = ("systolic", "diastolic", "mean")
REFILL: Final = Item("vitals", "VITAL//capillary refill//", "", Quantity("", 0, 1), CHARTED_MIN)
REFILL_WORDS: Final = {
    **dict.fromkeys(("Normal <3 Seconds", "Normal <3 secs", "Brisk"), 0.0),
    **dict.fromkeys(("Abnormal >3 Seconds", "Abnormal >3 secs", "Delayed"), 1.0),
}
"""0 is normal, 1 prolonged, as in mimic3-benchmarks."""

METAVISION: Final[Mapping[int, Item]] = {
    220045: vital_item("heartrate"),
    **dict.fromkeys((220210, 224690), vital_item("respiration")),
    **dict.fromkeys((224689, 224422), vital_item("spontaneous respiration")),
    **dict.fromkeys((220277,), vital_item("sao2")),
    **dict.fromkeys((220050, 225309), vital_item("systemicsystolic")),
    **dict.fromkeys((220051, 225310), vital_item("systemicdiastolic")),
    **dict.fromkeys((220052, 225312, 224322), vital_item("systemicmean")),
    **dict.fromkeys((220179, 224167, 227243), vital_item("noninvasivesystolic")),
    **dict.fromkeys((220180, 224643, 227242), vital_item("noninvasivediastolic")),
    220181: vital_item("noninvasivemean"),
    223761: vital_item("temperature", "F"),
    223762: vital_item("temperature"),
    **dict.fromkeys((223951, 224308), REFILL),
    220739: coma_item("eyes", 4),
    223901: coma_item("motor", 6),
    223900: coma_item("verbal", 5),
    224639: vital_item("weight"),
    226512: size_item("weight", "kg"),
    226531: size_item("weight", "lb"),
    226707: size_item("height", "in"),
    226730: size_item("height", "cm"),
    223835: gas_item("FiO2"),
    **dict.fromkeys((223830, 220274), gas_item("pH")),
    220621: lab_item("glucose"),
    225664: lab_item("bedside glucose", delay_min=CHARTED_MIN),
    226537: gas_item("glucose"),
    220074: vital_item("cvp"),
    220059: vital_item("pasystolic"),
    220060: vital_item("padiastolic"),
    220061: vital_item("pamean"),
    223771: vital_item("paop"),
    **dict.fromkeys((220088, 224842, 227543, 228369, 228178), vital_item("cardiacoutput")),
    **dict.fromkeys((228368, 228177), vital_item("cardiacinput")),
    **dict.fromkeys((220765, 227989), vital_item("icp")),
    228640: vital_item("etco2"),
    220339: gas_item("PEEP"),
    220235: gas_item("paCO2"),
    220224: gas_item("paO2"),
    220227: gas_item("O2 Sat (%)"),
    224828: gas_item("Base Excess"),
    225668: gas_item("lactate"),
    225667: gas_item("ionized calcium"),
    226534: gas_item("sodium"),
    227464: gas_item("potassium"),
    226536: gas_item("chloride"),
    220228: lab_item("Hgb"),
    220545: lab_item("Hct"),
    226540: gas_item("Hct"),
    227457: lab_item("platelets x 1000"),
    220546: lab_item("WBC x 1000"),
    220602: lab_item("chloride"),
    227442: lab_item("potassium"),
    220645: lab_item("sodium"),
    227443: lab_item("bicarbonate"),
    227073: lab_item("anion gap"),
    220615: lab_item("creatinine"),
    225624: lab_item("BUN"),
    220635: lab_item("magnesium"),
    225677: lab_item("phosphate"),
    225625: lab_item("calcium"),
    227466: lab_item("PTT"),
    227467: lab_item("PT - INR"),
    227465: lab_item("PT"),
    227468: lab_item("fibrinogen"),
    220644: lab_item("ALT (SGPT)"),
    220587: lab_item("AST (SGOT)"),
    225690: lab_item("total bilirubin"),
    225651: lab_item("direct bilirubin"),
    225612: lab_item("alkaline phos."),
    227456: lab_item("albumin"),
    220650: lab_item("total protein"),
    220632: lab_item("LDH"),
    225634: lab_item("CPK"),
    227445: lab_item("CPK-MB"),
    227429: lab_item("troponin - T"),
    225672: lab_item("lipase"),
    220581: lab_item("amylase"),
    225693: lab_item("triglycerides"),
    225638: lab_item("-bands"),
    225639: lab_item("-basos"),
    225640: lab_item("-eos"),
    225641: lab_item("-lymphs"),
    225642: lab_item("-monos"),
    225643: lab_item("-polys"),
}
"""The same in MIMIC-III and in MIMIC-IV 1.0 to 3.1."""

_MONITORED: Final = ("heartrate", "respiration", "spontaneous respiration", "sao2", "temperature")
PAPER_CODES: Final = frozenset(
    {
        *(f"VITAL//{kind}{part}//mmHg" for kind in ("systemic", "noninvasive") for part in PRESSURES),
        *(f"VITAL//{name}//{VITALS[name].unit}" for name in _MONITORED),
        *(f"VITAL//gcs {part}//" for part in ("eyes", "motor", "verbal")),
        "VITAL//gcs//",
        *("LAB//FiO2//%", "LAB//glucose//mg/dL", "LAB//bedside glucose//mg/dL", "LAB//pH//"),
        *("VITAL//capillary refill//", "VITAL//weight//kg", "WEIGHT//kg", "HEIGHT//cm"),
    }
)
"""The 17 variables of arXiv 2604.18753, appendix A.1.2."""

NOT_PAPER: Final = "none of the 17 variables"


def paper_rows(codes: Mapping[int, str]) -> Selection:
    """The rows of the 17 variables, by item.

    Args:
        codes: item -> the code of its events.
    """
    return Selection("itemid", frozenset(item for item, code in codes.items() if code in PAPER_CODES), NOT_PAPER)


MODALITY_OF: Final = {
    **dict.fromkeys(("Routine Vital Signs", "Hemodynamics", "Respiratory", "IABP", "PiCCO", "NICOM"), "vitals"),
    **dict.fromkeys(("Dialysis", "ECMO", "Impella", "Centrimag", "Durable VAD", "Heartware", "Tandem Heart"), "vitals"),
    **dict.fromkeys(("Neurological", "Pain/Sedation"), "neurology"),
    "Labs": "lab",
}
"""Category of `d_items` -> modality of the numbers of other items. Those of other categories (alarm limits, skin,
lines, scores that nurses reckon) and all words are charting."""
