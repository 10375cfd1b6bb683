"""MIMIC-IV, chartevents: items -> code, unit as charted, canonical unit, plausible range, modality.

The 17 variables of the mimic3-benchmarks (capillary refill, blood pressures, FiO2, the parts of the GCS, glucose, heart
rate, height, SpO2, respiratory rate, temperature, weight, pH) under all item numbers of MetaVision that
mimic3-benchmarks and the MIMIC Code Repository know, and what eICU or the Challenge 2012 measure as well, under their
codes and ranges, so that a model of one database reads the other. The GCS total is a sum of three items, not an item.

Every other item keeps its own name and unit: CHART//LABEL//UNIT.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

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
"""Name -> ways in which MIMIC-IV writes the unit that its item is charted in."""


def _also(name: str, quantity: Quantity, unit: str) -> Quantity:
    """A quantity that takes MIMIC-IV's spellings of a unit as well."""
    conversion = {**quantity.others, quantity.unit: (1.0, 0.0)}[unit]
    return replace(quantity, others={**quantity.others, **dict.fromkeys(_SPELLINGS.get(name, ()), conversion)})


def _vital(name: str, unit: str | None = None, modality: str = "vitals") -> Item:
    unit = VITALS[name].unit if unit is None else unit
    return Item(modality, f"VITAL//{name}//{VITALS[name].unit}", unit, _also(name, VITALS[name], unit), CHARTED_MIN)


def _lab(name: str, unit: str | None = None, modality: str = "lab", delay_min: int = RESULT_MIN) -> Item:
    unit = EICU_LABS[name].unit if unit is None else unit
    quantity = _also(name, EICU_LABS[name], unit)
    return Item(modality, f"LAB//{name}//{quantity.unit}", unit, quantity, delay_min)


def _gas(name: str, unit: str | None = None) -> Item:
    return _lab(name, unit, "blood_gas", CHARTED_MIN)


def _gcs(part: str, highest: int) -> Item:
    return Item("neurology", f"VITAL//gcs {part}//", "", Quantity("", 1, highest), CHARTED_MIN)


_SIZES: Final = {"weight": "WEIGHT//kg", "height": "HEIGHT//cm"}


def _size(name: str, unit: str) -> Item:
    """Height, and the weight at admission: of the patient, as in eICU and the Challenge; later weights are vitals."""
    return Item("demographics", _SIZES[name], unit, _also(name, VITALS[name], unit), CHARTED_MIN)


PRESSURES: Final = ("systolic", "diastolic", "mean")
REFILL: Final = Item("vitals", "VITAL//capillary refill//", "", Quantity("", 0, 1), CHARTED_MIN)
REFILL_WORDS: Final = {"Normal <3 Seconds": 0.0, "Abnormal >3 Seconds": 1.0}
"""0 is normal, 1 prolonged, as in mimic3-benchmarks."""

CHART_ITEMS: Final[Mapping[int, Item]] = {
    220045: _vital("heartrate"),
    **dict.fromkeys((220210, 224690), _vital("respiration")),
    **dict.fromkeys((224689, 224422), _vital("spontaneous respiration")),
    **dict.fromkeys((220277,), _vital("sao2")),
    **dict.fromkeys((220050, 225309), _vital("systemicsystolic")),
    **dict.fromkeys((220051, 225310), _vital("systemicdiastolic")),
    **dict.fromkeys((220052, 225312, 224322), _vital("systemicmean")),
    **dict.fromkeys((220179, 224167, 227243), _vital("noninvasivesystolic")),
    **dict.fromkeys((220180, 224643, 227242), _vital("noninvasivediastolic")),
    220181: _vital("noninvasivemean"),
    223761: _vital("temperature", "F"),
    223762: _vital("temperature"),
    **dict.fromkeys((223951, 224308), REFILL),
    220739: _gcs("eyes", 4),
    223901: _gcs("motor", 6),
    223900: _gcs("verbal", 5),
    224639: _vital("weight"),
    226512: _size("weight", "kg"),
    226531: _size("weight", "lb"),
    226707: _size("height", "in"),
    226730: _size("height", "cm"),
    223835: _gas("FiO2"),
    **dict.fromkeys((223830, 220274), _gas("pH")),
    220621: _lab("glucose"),
    225664: _lab("bedside glucose", delay_min=CHARTED_MIN),
    226537: _gas("glucose"),
    220074: _vital("cvp"),
    220059: _vital("pasystolic"),
    220060: _vital("padiastolic"),
    220061: _vital("pamean"),
    223771: _vital("paop"),
    **dict.fromkeys((220088, 224842, 227543, 228369, 228178), _vital("cardiacoutput")),
    **dict.fromkeys((228368, 228177), _vital("cardiacinput")),
    **dict.fromkeys((220765, 227989), _vital("icp")),
    228640: _vital("etco2"),
    220339: _gas("PEEP"),
    220235: _gas("paCO2"),
    220224: _gas("paO2"),
    220227: _gas("O2 Sat (%)"),
    224828: _gas("Base Excess"),
    225668: _gas("lactate"),
    225667: _gas("ionized calcium"),
    226534: _gas("sodium"),
    227464: _gas("potassium"),
    226536: _gas("chloride"),
    220228: _lab("Hgb"),
    220545: _lab("Hct"),
    226540: _gas("Hct"),
    227457: _lab("platelets x 1000"),
    220546: _lab("WBC x 1000"),
    220602: _lab("chloride"),
    227442: _lab("potassium"),
    220645: _lab("sodium"),
    227443: _lab("bicarbonate"),
    227073: _lab("anion gap"),
    220615: _lab("creatinine"),
    225624: _lab("BUN"),
    220635: _lab("magnesium"),
    225677: _lab("phosphate"),
    225625: _lab("calcium"),
    227466: _lab("PTT"),
    227467: _lab("PT - INR"),
    227465: _lab("PT"),
    227468: _lab("fibrinogen"),
    220644: _lab("ALT (SGPT)"),
    220587: _lab("AST (SGOT)"),
    225690: _lab("total bilirubin"),
    225651: _lab("direct bilirubin"),
    225612: _lab("alkaline phos."),
    227456: _lab("albumin"),
    220650: _lab("total protein"),
    220632: _lab("LDH"),
    225634: _lab("CPK"),
    227445: _lab("CPK-MB"),
    227429: _lab("troponin - T"),
    225672: _lab("lipase"),
    220581: _lab("amylase"),
    225693: _lab("triglycerides"),
    225638: _lab("-bands"),
    225639: _lab("-basos"),
    225640: _lab("-eos"),
    225641: _lab("-lymphs"),
    225642: _lab("-monos"),
    225643: _lab("-polys"),
}
"""Item numbers are MetaVision's, the same in 1.0 to 3.1."""

_MONITORED: Final = ("heartrate", "respiration", "spontaneous respiration", "sao2", "temperature")
PAPER_CODES: Final = frozenset(
    {
        *(f"VITAL//{kind}{part}//mmHg" for kind in ("systemic", "noninvasive") for part in PRESSURES),
        *(f"VITAL//{name}//{VITALS[name].unit}" for name in _MONITORED),
        *(f"VITAL//gcs {part}//" for part in ("eyes", "motor", "verbal")),
        *("LAB//FiO2//%", "LAB//glucose//mg/dL", "LAB//bedside glucose//mg/dL", "LAB//pH//"),
        *("VITAL//capillary refill//", "VITAL//weight//kg", "WEIGHT//kg", "HEIGHT//cm"),
    }
)
"""The 17 variables of arXiv 2604.18753, appendix A.1.2."""

MODALITY_OF: Final = {
    **dict.fromkeys(("Routine Vital Signs", "Hemodynamics", "Respiratory", "IABP", "PiCCO", "NICOM"), "vitals"),
    **dict.fromkeys(("Dialysis", "ECMO", "Impella", "Centrimag", "Durable VAD", "Heartware", "Tandem Heart"), "vitals"),
    **dict.fromkeys(("Neurological", "Pain/Sedation"), "neurology"),
    "Labs": "lab",
}
"""Category of `d_items` -> modality of the numbers of other items. Those of other categories (alarm limits, skin,
lines, scores that nurses reckon) and all words are charting."""
