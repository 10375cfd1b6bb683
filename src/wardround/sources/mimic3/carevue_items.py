"""MIMIC-III, chartevents: items of CareVue (before 2008) -> code, unit, canonical unit, range, modality.

Under the codes of MetaVision's items (`mimic/items.py`), so that stays of both systems read alike. The numbers are
those of mimic3-benchmarks and the MIMIC Code Repository. What is written as a unit beside them is that of a form and
wrong for some (torr of inspired oxygen, mEq/L of phosphate): an item is in its own unit. Inspired oxygen as a fraction
and temperatures in Fahrenheit are told by their values.

Left out, under their own names: temperatures that were computed from the one beside them (677, 679) or are of the skin
(3655); a pH of who knows what (1673, 3839); the weight in pounds and ounces beside the one in kg (3581, 3582); the last
weight, charted again each hour (580, 581).
"""

from collections.abc import Mapping
from typing import Final

from wardround.sources.mimic.items import (
    CHARTED_MIN,
    REFILL,
    Item,
    coma_item,
    gas_item,
    lab_item,
    size_item,
    vital_item,
)

CAREVUE: Final[Mapping[int, Item]] = {
    211: vital_item("heartrate"),
    **dict.fromkeys((618, 3603, 615), vital_item("respiration")),
    **dict.fromkeys((614, 651), vital_item("spontaneous respiration")),
    646: vital_item("sao2"),
    **dict.fromkeys((51, 6701), vital_item("systemicsystolic")),
    **dict.fromkeys((8368, 8555), vital_item("systemicdiastolic")),
    **dict.fromkeys((52, 6702, 224), vital_item("systemicmean")),
    **dict.fromkeys((455, 442, 3313, 3315, 3317, 3321, 3323), vital_item("noninvasivesystolic")),
    **dict.fromkeys((8441, 8440, 8502, 8503, 8504, 8506, 8507), vital_item("noninvasivediastolic")),
    **dict.fromkeys((456, 3312, 3314, 3316, 3320, 3322), vital_item("noninvasivemean")),
    **dict.fromkeys((678, 3654), vital_item("temperature", "F")),
    676: vital_item("temperature"),
    **dict.fromkeys((3348, 115, 8377), REFILL),
    198: vital_item("gcs", modality="neurology"),
    184: coma_item("eyes", 4),
    454: coma_item("motor", 6),
    723: coma_item("verbal", 5),
    **dict.fromkeys((763, 3580, 3693), vital_item("weight")),
    762: size_item("weight", "kg"),
    **dict.fromkeys((920, 1394), size_item("height", "in")),
    **dict.fromkeys((3420, 3422, 190, 189, 727), gas_item("FiO2")),
    **dict.fromkeys((780, 1126, 4753, 4202, 860), gas_item("pH")),
    **dict.fromkeys((811, 1529), lab_item("glucose")),
    **dict.fromkeys((807, 3745), lab_item("bedside glucose", delay_min=CHARTED_MIN)),
    113: vital_item("cvp"),
    492: vital_item("pasystolic"),
    8448: vital_item("padiastolic"),
    491: vital_item("pamean"),
    504: vital_item("paop"),
    **dict.fromkeys((89, 90), vital_item("cardiacoutput")),
    116: vital_item("cardiacinput"),
    626: vital_item("svr"),
    627: vital_item("svri"),
    226: vital_item("icp"),
    1817: vital_item("etco2"),
    **dict.fromkeys((505, 506), gas_item("PEEP")),
    778: gas_item("paCO2"),
    779: gas_item("paO2"),
    834: gas_item("O2 Sat (%)"),
    776: gas_item("Base Excess"),
    **dict.fromkeys((818, 1531), gas_item("lactate")),
    816: gas_item("ionized calcium"),
    814: lab_item("Hgb"),
    813: lab_item("Hct"),
    828: lab_item("platelets x 1000"),
    **dict.fromkeys((861, 1127, 1542), lab_item("WBC x 1000")),
    833: lab_item("RBC"),
    **dict.fromkeys((788, 1523), lab_item("chloride")),
    **dict.fromkeys((829, 1535), lab_item("potassium")),
    **dict.fromkeys((837, 1536), lab_item("sodium")),
    787: lab_item("bicarbonate"),
    **dict.fromkeys((791, 1525), lab_item("creatinine")),
    **dict.fromkeys((781, 1162), lab_item("BUN")),
    **dict.fromkeys((821, 1532), lab_item("magnesium")),
    **dict.fromkeys((827, 1534), lab_item("phosphate")),
    **dict.fromkeys((786, 1522), lab_item("calcium")),
    **dict.fromkeys((825, 1533), lab_item("PTT")),
    **dict.fromkeys((815, 1530), lab_item("PT - INR")),
    **dict.fromkeys((824, 1286), lab_item("PT")),
    **dict.fromkeys((806, 1528), lab_item("fibrinogen")),
    769: lab_item("ALT (SGPT)"),
    770: lab_item("AST (SGOT)"),
    **dict.fromkeys((848, 1538), lab_item("total bilirubin")),
    803: lab_item("direct bilirubin"),
    773: lab_item("alkaline phos."),
    **dict.fromkeys((772, 1521), lab_item("albumin")),
    817: lab_item("LDH"),
    784: lab_item("CPK"),
    785: lab_item("CPK-MB"),
    820: lab_item("lipase"),
    775: lab_item("amylase"),
    774: lab_item("ammonia"),
    **dict.fromkeys((850, 1540), lab_item("triglycerides")),
}

CATEGORY_OF: Final[Mapping[str, str]] = dict.fromkeys(
    (
        *("ABG", "ABG's", "ABG'S", "Blood Gases", "Chemistry", "Coags", "CSF", "Drug Level", "Drug level", "Enzymes"),
        *("Heme/Coag", "Hematology", "Mixed VBGs", "Mixed Venous Gases", "Other ABGs", "Urine", "VBG's", "VBG'S"),
        "Venous ABG",
    ),
    "Labs",
)
"""Category of CareVue -> MetaVision's for the same."""

CATEGORIES: Final[Mapping[int, str]] = {
    **dict.fromkeys((535, 543, 682, 683, 684, 450, 444, 619, 578, 131, 653, 654), "Respiratory"),
    **dict.fromkeys((662, 625, 664, 601, 602, 430, 431), "Hemodynamics"),
}
"""Item -> MetaVision's category, for numbers of the ventilator and the heart: most items of CareVue have none."""
