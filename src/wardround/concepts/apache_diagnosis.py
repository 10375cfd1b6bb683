"""What APACHE IV takes from the reason for admission: a coefficient a group of diagnoses.

Source: Zimmerman et al., Crit Care Med 34:1297-1310 (2006), the diagnostic groups of the mortality equation. Words of
eICU's `apacheadmissiondx` name the group; the first line that fits counts. Which group eICU puts a diagnosis into was
checked against the APACHE IV predictions that the database holds; no outcome was looked at. Three coefficients, marked,
are what those predictions imply: two stand in no list that was at hand, and coronary bypass alone has an equation of
its own in the paper, which is not computed.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Group:
    """A group of diagnoses.

    Attributes:
        coefficient: on the log odds of death in hospital.
        words: a diagnosis that contains one of them, in lower case, is of the group.
        surgical: whether the patient comes from an operation.
    """

    coefficient: float
    words: tuple[str, ...]
    surgical: bool = False


def _surgery(coefficient: float, *words: str) -> Group:
    return Group(coefficient, words, True)


def _medical(coefficient: float, *words: str) -> Group:
    return Group(coefficient, words)


INFARCTION: Final = ("infarction, acute",)
"""Thrombolysis counts for these alone."""

GENERAL: Final = Group(-0.667576408, ())
"""Whatever no line names."""

GROUPS: Final = (
    _medical(-0.732788506, "sepsis, renal"),
    _medical(-0.258766455, "sepsis, pulmonary"),
    _medical(-0.13010935, "sepsis, gi"),
    _medical(0.126440315, "sepsis, cutaneous"),
    _medical(-0.093377498, "sepsis, unknown"),
    _medical(-0.04233671, "sepsis"),
    _surgery(-0.155141644, "cabg with double", "cabg redo with valve", "cabg, redo with valve"),
    _surgery(-2.3, "cabg alone"),  # implied
    _surgery(-1.199434806, "cabg"),
    _surgery(-1.371763972, "valve"),
    _surgery(-0.59044574, "heart transplant", "cardiovascular surgery", "open-heart"),
    _surgery(0.204404736, "abdominal aortic; with rupture"),
    _surgery(-0.178456475, "dissection"),
    _surgery(-0.760703396, "aneurysm, abdominal", "aneurysm, thoracic"),
    _surgery(-1.332642438, "endarterectomy, carotid"),
    _surgery(-0.786571016, "graft, femoral", "femoro-popliteal"),
    _surgery(-0.831194514, "graft, aorto", "aorto-iliac"),
    _surgery(0.604910303, "amputation"),
    _surgery(-0.504208244, "graft", "endarterectomy", "thrombectomy", "vascular surgery", "vasc. surgery"),
    _surgery(-0.504208244, "cellulitis and localized soft tissue infections, surgery"),
    _surgery(0.086933576, "thoracotomy for lung cancer", "thoracotomy for esophageal cancer"),
    _surgery(-0.005937516, "thoracotomy for thoracic/respiratory infection"),
    _surgery(
        0.405738008, "thoracotomy for pleural", "thoracotomy for lung reduction", "thoracotomy for bronchopleural"
    ),
    _surgery(-0.249217228, "thoracotomy", "respiratory surgery", "tracheostomy"),
    _surgery(-1.152870135, "cancer-laryngeal", "cancer oral", "cancer-tracheal", "laryngectomy"),
    _surgery(0.52671741, "intracranial, surgery"),
    _surgery(0.318905704, "intracranial aneurysm, surgery", "arteriovenous malformation, surgery"),
    _surgery(0.715682622, "hematoma subdural, surgery", "hematoma-epidural, surgery"),
    _surgery(-0.437737676, "neoplasm-cranial", "transphenoidal", "neoplasm, neurologic, surgery"),
    _surgery(-0.628609547, "spinal cord surgery", "laminectomy", "fusion-spinal", "neoplasm-spinal"),
    _surgery(0.003996339, "ventriculostomy", "burr hole", "neurologic surgery", "craniotomy"),
    _surgery(0.136282662, "cancer-colon", "cancer-small", "cancer-stomach", "cancer-pancreatic", "cancer-esophageal"),
    _surgery(-0.329679773, "bleeding-upper gi, surgery", "bleeding-lower gi, surgery", "bleeding-variceal, surgery"),
    _surgery(-0.189960264, "gi perforation/rupture, surgery"),
    _surgery(-0.189005132, "gi obstruction, surgery"),
    _surgery(-0.556661177, "fistula/abscess, surgery"),
    _surgery(-0.593293673, "cholecystectomy"),
    _surgery(0.498328014, "gi vascular ischemia, surgery"),
    _surgery(
        -0.165585527, "inflammatory bowel disease, surgery", "diverticular", "appendectomy", "pancreatitis, surgery"
    ),
    _surgery(-1.370278559, "liver transplant"),
    _surgery(-0.295894316, "gi surgery", "esophageal surgery", "obesity-morbid", "hernia", "herniorrhaphy"),
    _surgery(-1.308449407, "kidney transplant"),
    _surgery(-0.795847883, "hysterectomy"),
    _surgery(-1.397212695, "cancer-kidney", "cancer-renal", "cancer-bladder", "cancer-prostate", "cystectomy"),
    _surgery(-0.693574061, "nephrectomy", "genitourinary surgery", "renal surgery"),
    _surgery(1.088819324, "head only trauma, surgery"),
    _surgery(0.357797735, "trauma (head), surgery"),
    _surgery(-0.180386981, "extremity only trauma, surgery"),
    _surgery(-0.377807998, "trauma, surgery"),
    _surgery(-0.667576408, "surgery", "hip replacement", "knee replacement", "adrenalectomy", "thyroidectomy"),
    _medical(0.595869416, "head only trauma", "head/multiple trauma"),
    _medical(-0.372350315, "head/chest", "head/abdomen", "head/pelvis", "head/spinal"),
    _medical(-0.364128015, "head/face", "head/extremity"),
    _medical(-0.717432122, "chest/spinal"),
    _medical(0.033769484, "spinal cord only trauma", "spinal only trauma"),
    _medical(-0.678110274, "trauma"),
    _medical(0.59, "coma due to anoxia"),  # implied
    _medical(-0.92, "coma/change in level", "encephalopathies"),  # implied
    _medical(-0.119675791, "hepatic failure", "encephalopathy, hepatic"),
    _medical(0.416919141, "cardiac arrest (with"),
    _medical(0.239711427, "shock, cardiogenic"),
    _medical(0.059962444, "cardiomyopathy"),
    _medical(-0.422587793, "chf,"),
    _medical(-1.212730735, "angina, unstable"),
    _medical(-1.122354572, "chest pain", "angina, stable"),
    _medical(-0.813921325, "hypertension, uncontrolled"),
    _medical(-0.622592285, "hypovolemia"),
    _medical(-0.656757432, "hemorrhage (for", "retroperitoneal"),
    _medical(-0.603060945, "rhythm disturbance"),
    _medical(-0.690943246, "toxicity, drug"),
    _medical(0.0, *INFARCTION),  # "other": which wall it is in is not read
    _medical(0.649149305, "aneurysm, dissecting", "aortic dissection, medical"),
    _medical(-0.502752032, "thrombus, arterial", "cellulitis", "aneurysm/pseudoaneurysm"),
    _medical(-0.369658509, "mi admitted", "thrombosis, vascular", "vascular medical", "cardiovascular medical"),
    _medical(-0.369658509, "pericardial", "pericarditis", "endocarditis"),
    _medical(-0.390631425, "arrest, respiratory"),
    _medical(-0.977669154, "obstruction-airway"),
    _medical(-1.540678498, "asthma"),
    _medical(-0.37223658, "pneumonia, aspiration"),
    _medical(0.254374904, "pneumonia, viral"),
    _medical(1.056187347, "pneumonia, fungal", "pneumonia, parasitic"),
    _medical(-0.043365914, "pneumonia"),
    _medical(-0.398697453, "emphysema"),
    _medical(0.189900524, "effusions, pleural"),
    _medical(-0.2416873, "ards-adult"),
    _medical(-0.051527401, "embolus, pulmonary"),
    _medical(0.966313802, "cancer, lung", "cancer, laryngeal", "cancer, oral", "cancer, tracheal"),
    _medical(1.55529658, "restrictive lung"),
    _medical(-0.202823617, "respiratory - medical", "atelectasis", "apnea", "pneumothorax", "weaning", "smoke"),
    _medical(-0.527719358, "varices"),
    _medical(-0.579471867, "bleeding, lower gi"),
    _medical(-0.551832894, "bleeding, upper gi", "bleeding, gi"),
    _medical(-0.211771894, "inflammatory bowel"),
    _medical(
        0.195130291, "cancer, esophageal", "cancer, pancreatic", "cancer, gastric", "cancer, colon", "cancer, liver"
    ),
    _medical(-0.369945003, "gi obstruction"),
    _medical(-0.327171182, "gi perforation"),
    _medical(0.714879336, "gi vascular"),
    _medical(-0.513627563, "pancreatitis"),
    _medical(-0.252586643, "gi medical", "cholangitis", "gi abscess", "peritonitis"),
    _medical(0.945056155, "hemorrhage/hematoma, intracranial"),
    _medical(0.615950385, "subarachnoid"),
    _medical(0.295093901, "hematoma"),
    _medical(0.519453035, "cva"),
    _medical(0.018952727, "neoplasm, neurologic"),
    _medical(-0.535783229, "abscess, neurologic", "meningitis", "encephalitis"),
    _medical(-0.550653067, "neuromuscular", "myasthenia", "guillain"),
    _medical(-1.55261952, "overdose", "withdrawal"),
    _medical(-0.942170992, "seizures"),
    _medical(-0.176828697, "neurologic medical"),
    _medical(-0.640575517, "acid-base"),
    _medical(-1.775702142, "diabetic ketoacidosis"),
    _medical(-0.927156778, "diabetic hyperglycemic"),
    _medical(-0.986438209, "hypoglycemia", "metabolic/endocrine"),
    _medical(0.258172435, "coagulopathy", "pancytopenia", "thrombocytopenia", "neutropenia"),
    _medical(-0.342352862, "anemia", "hematologic medical", "leukemia", "lymphoma"),
    _medical(-0.54158014, "renal", "genitourinary medical"),
)


def diagnosis_group(diagnosis: str) -> Group:
    """The group of an admission diagnosis, as eICU words it; `GENERAL` where none fits."""
    words = diagnosis.lower()
    return next((group for group in GROUPS if any(word in words for word in group.words)), GENERAL)
