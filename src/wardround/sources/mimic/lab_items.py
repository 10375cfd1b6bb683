"""MIMIC, labevents: items of blood -> eICU's name for the same, whose unit and range it takes.

Every other item keeps its own name, fluid and unit: LAB//LABEL (FLUID)//UNIT. A blood gas is of any blood, arterial or
not: which, another row of its specimen says.
"""

from collections.abc import Mapping
from typing import Final

LAB_ITEMS: Final[Mapping[int, str]] = {
    **dict.fromkeys((50862, 52022, 53085), "albumin"),
    50863: "alkaline phos.",
    **dict.fromkeys((50861, 53084), "ALT (SGPT)"),
    50866: "ammonia",
    50867: "amylase",
    50868: "anion gap",
    **dict.fromkeys((50878, 53088), "AST (SGOT)"),
    50802: "Base Excess",
    50882: "bicarbonate",
    50803: "HCO3",
    **dict.fromkeys((51006, 52647), "BUN"),
    50893: "calcium",
    50805: "Carboxyhemoglobin",
    **dict.fromkeys((50902, 50806, 52535), "chloride"),
    50910: "CPK",
    50911: "CPK-MB",
    **dict.fromkeys((50912, 52024, 52546), "creatinine"),
    50889: "CRP",
    50883: "direct bilirubin",
    51288: "ESR",
    **dict.fromkeys((51214, 51623), "fibrinogen"),
    50816: "FiO2",
    **dict.fromkeys((50931, 50809, 52569), "glucose"),
    **dict.fromkeys((51221, 50810, 51638, 51639), "Hct"),
    **dict.fromkeys((51222, 50811, 51640), "Hgb"),
    50808: "ionized calcium",
    **dict.fromkeys((50813, 52442), "lactate"),
    50954: "LDH",
    50956: "lipase",
    50960: "magnesium",
    51248: "MCH",
    51249: "MCHC",
    51250: "MCV",
    50814: "Methemoglobin",
    50817: "O2 Sat (%)",
    50818: "paCO2",
    50821: "paO2",
    50819: "PEEP",
    50820: "pH",
    50970: "phosphate",
    **dict.fromkeys((51265, 51704), "platelets x 1000"),
    **dict.fromkeys((50971, 50822, 52610), "potassium"),
    51274: "PT",
    **dict.fromkeys((51237, 51675), "PT - INR"),
    51275: "PTT",
    51279: "RBC",
    51277: "RDW",
    **dict.fromkeys((50983, 50824, 52623), "sodium"),
    50825: "Temperature",
    50885: "total bilirubin",
    50976: "total protein",
    51000: "triglycerides",
    **dict.fromkeys((51002, 52642), "troponin - I"),
    51003: "troponin - T",
    **dict.fromkeys((51301, 51300, 51755, 51756), "WBC x 1000"),
    51144: "-bands",
    51146: "-basos",
    51200: "-eos",
    51244: "-lymphs",
    51254: "-monos",
    51256: "-polys",
}

UNITS: Final[Mapping[str, Mapping[str, str]]] = {
    "MCHC": {"%": "g/dL"},
    "RBC": {"m/uL": "M/mcL"},
    "pH": {"units": "", "UNITS": ""},
    "PT": {"SECONDS": "sec"},
}
"""Name -> unit as MIMIC writes it -> the same one as others write it: 33 % of a red cell is 33 g/dL."""

WITHOUT_UNIT: Final = frozenset({"PT - INR", "Temperature", "PEEP", "FiO2", "pH", "O2 Sat (%)"})
"""Names whose results come without a unit, in the canonical one."""
