"""How causes of admission and comorbidities are written in eICU; the strings are those of the open demo's tables."""

from typing import Final, NamedTuple


class Presentation(NamedTuple):
    """How a cause of admission is written: APACHE's diagnosis and its code, the primary diagnosis and its ICD codes."""

    apache: str
    apache_code: str
    diagnosis: str
    icd: str | None


PRESENTATIONS: Final = {
    "pulmonary sepsis": Presentation(
        "Sepsis, pulmonary", "SEPSISPULM", "cardiovascular|shock / hypotension|sepsis|severe", "995.92, R65.2"
    ),
    "urinary sepsis": Presentation(
        "Sepsis, renal/UTI (including bladder)",
        "SEPSISUTI",
        "cardiovascular|shock / hypotension|sepsis",
        "038.9, A41.9",
    ),
    "pneumonia": Presentation(
        "Pneumonia, bacterial", "PNEUMBACT", "pulmonary|pulmonary infections|pneumonia", "486, J18.9"
    ),
    "heart failure": Presentation(
        "CHF, congestive heart failure",
        "CHF",
        "cardiovascular|ventricular disorders|congestive heart failure",
        "428.0, I50.9",
    ),
    "atrial arrhythmia": Presentation(
        "Rhythm disturbance (atrial, supraventricular)",
        "RHYTHATR",
        "cardiovascular|arrhythmias|atrial fibrillation|with rapid ventricular response",
        "427.31, I48.0",
    ),
    "myocardial infarction": Presentation(
        "Infarction, acute myocardial (MI)",
        "AMI",
        "cardiovascular|chest pain / ASHD|acute coronary syndrome|acute myocardial infarction (no ST elevation)",
        "410.71, I21.4",
    ),
    "cardiac arrest": Presentation(
        "Cardiac arrest (with or without respiratory arrest; for respiratory arrest see Respiratory System)",
        "CARDARREST",
        "cardiovascular|cardiac arrest|cardiac arrest",
        "427.5, I46.9",
    ),
    "ketoacidosis": Presentation("Diabetic ketoacidosis", "DKA", "endocrine|glucose metabolism|DKA", "250.13, E10.1"),
    "copd": Presentation(
        "Emphysema/bronchitis",
        "EMPHYSBRON",
        "pulmonary|disorders of the airways|acute COPD exacerbation",
        "491.21, J44.1",
    ),
    "stroke": Presentation(
        "CVA, cerebrovascular accident/stroke", "CVASTROKE", "neurologic|disorders of vasculature|stroke", "436, I67.8"
    ),
    "intracranial haemorrhage": Presentation(
        "Hemorrhage/hematoma, intracranial",
        "ICH",
        "neurologic|disorders of vasculature|stroke|hemorrhagic stroke",
        "432.9, I62.9",
    ),
    "upper gi bleed": Presentation(
        "Bleeding, upper GI", "UGIBLEED", "gastrointestinal|GI bleeding / PUD|upper GI bleeding", "578.9, K92.2"
    ),
    "overdose": Presentation(
        "Overdose, sedatives, hypnotics, antipsychotics, benzodiazepines",
        "ODSEDHYP",
        "toxicology|drug overdose|drug overdose- general",
        None,
    ),
    "alcohol withdrawal": Presentation(
        "Drug withdrawal", "DRUGWITHD", "toxicology|drug withdrawal|alcohol withdrawal", "291.81, F10.239"
    ),
    "acute renal failure": Presentation(
        "Renal failure, acute", "ARENFAIL", "renal|disorder of kidney|acute renal failure", "584.9, N17.9"
    ),
    "bypass surgery": Presentation(
        "CABG alone, coronary artery bypass grafting",
        "S-CABG",
        "cardiovascular|cardiac surgery|s/p CABG < 7 days",
        None,
    ),
}
"""By the names of `population.CAUSES`."""

_HISTORY = "notes/Progress Notes/Past History/"
HISTORY_PERFORMED: Final = (_HISTORY + "Past History Obtain Options/Performed", "Performed", "Performed")
HISTORY_NONE: Final = (
    _HISTORY + "Past History Obtain Options/No Health Problems",
    "No Health Problems",
    "NoHealthProblems",
)
HISTORY: Final = {
    "hypertension": "Cardiovascular (R)/Hypertension Requiring Treatment/hypertension requiring treatment",
    "diabetes": "Endocrine (R)/Non-Insulin Dependent Diabetes/medication dependent",
    "heart failure": "Cardiovascular (R)/Congestive Heart Failure/CHF",
    "copd": "Pulmonary/COPD/COPD  - moderate",
    "renal insufficiency": "Renal  (R)/Renal Insufficiency/renal insufficiency - baseline creatinine unknown",
    "dialysis": "Renal  (R)/Renal Failure/renal failure - hemodialysis",
    "atrial fibrillation": "Cardiovascular (R)/Arrhythmias/atrial fibrillation - chronic",
    "stroke": "Neurologic/Strokes/stroke - date unknown",
    "dementia": "Neurologic/Dementia/dementia",
    "cirrhosis": "Gastrointestinal (R)/Cirrhosis/clinical diagnosis",
    "metastatic cancer": "Hematology/Oncology (R)/Cancer/Metastases/liver",
    "immunosuppression": "Hematology/Oncology (R)/Cancer Therapy/Chemotherapy/chemotherapy within past mo.",
}
"""Comorbidity -> path below `notes/Progress Notes/Past History/Organ Systems/`; the value is the path's last part."""


def history_row(comorbidity: str) -> tuple[str, str, str]:
    """Path, value and value text of a comorbidity in `pastHistory`."""
    path = f"{_HISTORY}Organ Systems/{HISTORY[comorbidity]}"
    value = HISTORY[comorbidity].rsplit("/", 1)[1]
    return path, value, value
