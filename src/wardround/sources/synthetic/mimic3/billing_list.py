"""Billing codes of MIMIC-III: ICD-9-CM, with both titles as in `D_ICD_DIAGNOSES` and `D_ICD_PROCEDURES`.

They are those of `mimic/billing_list.py` and some more. What a patient has for good is billed at nearly each visit.
"""

from dataclasses import replace
from typing import Final

from wardround.sources.synthetic.code import Code, traits
from wardround.sources.synthetic.mimic.billing_list import DIAGNOSES as SHARED
from wardround.sources.synthetic.mimic.billing_list import PRIMARY as CAUSES
from wardround.sources.synthetic.mimic.billing_list import PROCEDURES as SHARED_PROCEDURES

_CHRONIC: Final[dict[str, tuple[float, dict[str, float]]]] = {
    "42731": (-3.6, {"atrial_fibrillation": 5.5, "bypass_surgery": 0.8}),
    "4280": (-4.0, {"heart_failure": 5.8}),
    "4019": (-4.0, {"hypertension": 5.6, "renal_insufficiency": -1.5}),
    "2724": (-4.0, {"hyperlipidaemia": 5.8}),
    "25000": (-5.5, {"diabetes": 7.2, "diabetic_neuropathy": -3.0}),
    "496": (-5.0, {"copd": 6.8}),
    "5859": (-5.0, {"renal_insufficiency": 6.8}),
    "40390": (-5.5, {"renal_insufficiency": 6.0}),
    "41400": (-4.5, {"coronary_disease": 6.3, "myocardial_infarction": 1.5}),
}
"""Code -> its log odds here, and what a patient's diseases add to them."""


def _more(nine: str, title: str, odds: float, **more: float) -> Code:
    return Code(nine, odds, 0.0, traits(more), (nine, title))


def _here(code: Code) -> Code:
    odds, more = _CHRONIC.get(code.text, (code.log_odds, None))
    kept = code.more if more is None else traits(more)
    return replace(code, log_odds=odds, more=kept, detail=code.detail[:2])


DIAGNOSES: Final = (
    *map(_here, SHARED),
    _more(
        "25060",
        "Diabetes with neurological manifestations, type II or unspecified type, not stated as uncontrolled",
        -7.0,
        diabetic_neuropathy=9.0,
    ),
    _more("4263", "Other left bundle branch block", -5.0, bundle_branch_block=6.8),
    _more("5718", "Other chronic nonalcoholic liver disease", -5.0, fatty_liver=6.6),
    _more("515", "Postinflammatory pulmonary fibrosis", -5.0, pulmonary_fibrosis=6.6),
    _more("4779", "Allergic rhinitis, cause unspecified", -5.0, allergic_rhinitis=6.4),
)
"""Beside the first code; a code that a hospital stay has already is not given twice."""
PRIMARY: Final = {cause: codes.nine for cause, codes in CAUSES.items()}
"""Cause of admission -> the first code of the hospital stay, and its title."""
PROCEDURES: Final = tuple(map(_here, SHARED_PROCEDURES))

SHORT_TITLES: Final = {
    "0389": "Septicemia NOS",
    "486": "Pneumonia, organism NOS",
    "4280": "CHF NOS",
    "42731": "Atrial fibrillation",
    "41071": "Subendo infarct, initial",
    "4275": "Cardiac arrest",
    "25013": "DMI ketoacd uncontrold",
    "49121": "Obs chr bronc w(ac) exac",
    "43491": "Crbl art ocl NOS w infrc",
    "431": "Intracerebral hemorrhage",
    "5789": "Gastrointest hemorr NOS",
    "9694": "Pois-benzodiazepine tran",
    "29181": "Alcohol withdrawal",
    "5849": "Acute kidney failure NOS",
    "41401": "Crnry athrscl natve vssl",
    "51881": "Acute respiratry failure",
    "78552": "Septic shock",
    "78551": "Cardiogenic shock",
    "2762": "Acidosis",
    "2760": "Hyperosmolality",
    "2768": "Hypopotassemia",
    "5070": "Food/vomit pneumonitis",
    "5119": "Pleural effusion NOS",
    "5180": "Pulmonary collapse",
    "2851": "Ac posthemorrhag anemia",
    "2875": "Thrombocytopenia NOS",
    "34830": "Encephalopathy NOS",
    "5990": "Urin tract infection NOS",
    "4019": "Hypertension NOS",
    "2724": "Hyperlipidemia NEC/NOS",
    "25000": "DMII wo cmp nt st uncntr",
    "496": "Chr airway obstruct NEC",
    "5859": "Chronic kidney dis NOS",
    "5856": "End stage renal disease",
    "41400": "Cor ath unsp vsl ntv/gft",
    "5715": "Cirrhosis of liver NOS",
    "1977": "Second malig neo liver",
    "99811": "Hemorrhage complic proc",
    "4260": "Atriovent block complete",
    "40390": "Hy kid NOS w cr kid I-IV",
    "51889": "Other lung disease NEC",
    "7847": "Epistaxis",
    "V667": "Encountr palliative care",
    "9671": "Cont inv mec ven <96 hrs",
    "9604": "Insert endotracheal tube",
    "3897": "CV cath plcmt w guidance",
    "3995": "Hemodialysis",
    "9904": "Packed cell transfusion",
    "3612": "Aortocor bypas-2 cor art",
    "966": "Entral infus nutrit sub",
    "25060": "DMII neuro nt st uncntrl",
    "4263": "Left bb block NEC",
    "5718": "Chronic liver dis NEC",
    "515": "Postinflam pulm fibrosis",
    "4779": "Allergic rhinitis NOS",
}

PHENOTYPES: Final[dict[str, tuple[str, ...]]] = {
    "acute_and_unspecified_renal_failure": ("5849",),
    "acute_cerebrovascular_disease": ("43491", "431"),
    "acute_myocardial_infarction": ("41071",),
    "cardiac_dysrhythmias": ("42731",),
    "chronic_kidney_disease": ("5859", "5856"),
    "chronic_obstructive_pulmonary_disease_and_bronchiectasis": ("496", "49121"),
    "complications_of_surgical_procedures_or_medical_care": ("99811",),
    "conduction_disorders": ("4260", "4263"),
    "congestive_heart_failure_nonhypertensive": ("4280",),
    "coronary_atherosclerosis_and_other_heart_disease": ("41400", "41401"),
    "diabetes_mellitus_with_complications": ("25013", "25060"),
    "diabetes_mellitus_without_complication": ("25000",),
    "disorders_of_lipid_metabolism": ("2724",),
    "essential_hypertension": ("4019",),
    "fluid_and_electrolyte_disorders": ("2762", "2760", "2768"),
    "gastrointestinal_hemorrhage": ("5789",),
    "hypertension_with_complications_and_secondary_hypertension": ("40390",),
    "other_liver_diseases": ("5715", "5718"),
    "other_lower_respiratory_disease": ("51889", "515"),
    "other_upper_respiratory_disease": ("7847", "4779"),
    "pleurisy_pneumothorax_pulmonary_collapse": ("5119", "5180"),
    "pneumonia_except_that_caused_by_tuberculosis_or_sexually_transmitted_disease": ("486",),
    "respiratory_failure_insufficiency_arrest_adult": ("51881",),
    "septicemia_except_in_labor": ("0389",),
    "shock": ("78552", "78551"),
}
"""Each of the 25 conditions of the benchmark -> which of the codes above mean it (`concepts/phenotypes.py`)."""
