"""What diagnoses and treatments are called in eICU: strings and ICD codes of the open demo, log odds of our own."""

from typing import Final

from wardround.sources.synthetic.code import Code, traits


def _dx(text: str, icd: str | None, priority: str, log_odds: float, by_severity: float = 0.0, **more: float) -> Code:
    return Code(text, log_odds, by_severity, traits(more), (icd, priority))


def _rx(text: str, log_odds: float, by_severity: float = 0.0, **more: float) -> Code:
    return Code(text, log_odds, by_severity, traits(more))


DIAGNOSES: Final = (
    _dx(
        "pulmonary|respiratory failure|acute respiratory failure",
        "518.81, J96.00",
        "Major",
        -2.2,
        0.7,
        pneumonia=1.0,
        copd=1.5,
    ),
    _dx("pulmonary|respiratory failure|hypoxemia", "799.02, J96.91", "Other", -2.6, 0.4, pneumonia=0.8),
    _dx("renal|disorder of kidney|acute renal failure", "584.9, N17.9", "Major", -2.4, 0.6, renal_insufficiency=0.8),
    _dx(
        "cardiovascular|shock / hypotension|septic shock",
        "785.52, R65.21",
        "Primary",
        -5.5,
        0.8,
        pulmonary_sepsis=2.8,
        urinary_sepsis=2.6,
    ),
    _dx(
        "cardiovascular|shock / hypotension|cardiogenic shock",
        "785.51, R57.0",
        "Major",
        -5.5,
        0.8,
        myocardial_infarction=1.8,
        heart_failure=1.0,
    ),
    _dx("cardiovascular|shock / hypotension|hypotension", "458.9, I95.9", "Major", -2.6, 0.5),
    _dx("renal|disorder of acid base|metabolic acidosis|lactic acidosis", "276.2, E87.2", "Major", -4.0, 0.8),
    _dx("renal|disorder of acid base|metabolic acidosis", "276.2, E87.2", "Other", -3.4, 0.5, ketoacidosis=2.5),
    _dx("hematology|coagulation disorders|coagulopathy", "286.9, D68.9", "Other", -4.2, 0.6, cirrhosis=1.5),
    _dx("hematology|platelet disorders|thrombocytopenia", "287.5, D69.6", "Other", -3.4, 0.4, cirrhosis=1.5),
    _dx("hematology|bleeding and red blood cell disorders|anemia", None, "Other", -2.2, 0.1, upper_gi_bleed=2.0),
    _dx("hematology|white blood cell disorders|leukocytosis", "288.8, D72.829", "Other", -2.8, 0.3),
    _dx(
        "neurologic|altered mental status / pain|change in mental status",
        "780.09, R41.82",
        "Major",
        -2.6,
        0.4,
        dementia=0.8,
        overdose=2.0,
    ),
    _dx("neurologic|altered mental status / pain|encephalopathy", "348.30, G93.40", "Major", -3.6, 0.6, cirrhosis=1.5),
    _dx("cardiovascular|arrhythmias|atrial fibrillation", "427.31, I48.0", "Other", -3.0, 0.1, atrial_fibrillation=2.5),
    _dx(
        "cardiovascular|ventricular disorders|congestive heart failure",
        "428.0, I50.9",
        "Other",
        -3.5,
        0.1,
        heart_failure=3.0,
    ),
    _dx("cardiovascular|vascular disorders|hypertension", "401.9, I10", "Other", -3.0, -0.1, hypertension=2.2),
    _dx("cardiovascular|chest pain / ASHD|hyperlipidemia", "272.4, E78.5", "Other", -2.4, -0.2),
    _dx("endocrine|glucose metabolism|diabetes mellitus", None, "Other", -4.0, 0.0, diabetes=3.4, ketoacidosis=2.0),
    _dx("endocrine|glucose metabolism|hyperglycemia", "790.6, R73.9", "Other", -2.8, 0.2, diabetes=1.0),
    _dx("endocrine|thyroid|hypothyroidism", "244.9, E03.9", "Other", -3.0),
    _dx("pulmonary|disorders of the airways|COPD", "491.20, J44.9", "Other", -4.0, 0.0, copd=3.4),
    _dx(
        "renal|disorder of kidney|chronic renal insufficiency",
        "585.9, N18.9",
        "Other",
        -4.5,
        0.0,
        renal_insufficiency=3.5,
    ),
    _dx("renal|electrolyte imbalance|hypokalemia", "276.8, E87.6", "Other", -3.0, 0.0, alcohol_withdrawal=1.0),
    _dx("cardiovascular|arrhythmias|sinus tachycardia", "785.0, R00.0", "Other", -3.2, 0.3),
    _dx(
        "oncology|GI tumors|liver CA|CA metastatic to liver", "197.7, C78.7", "Other", -7.0, 0.0, metastatic_cancer=5.5
    ),
)
"""Diagnoses beside the primary one; detail is ICD codes and priority."""

TREATMENTS: Final = (
    _rx("pulmonary|radiologic procedures / bronchoscopy|chest x-ray", float("inf")),
    _rx("pulmonary|ventilation and oxygenation|mechanical ventilation", -2.0, 0.9, cardiac_arrest=1.5),
    _rx("pulmonary|ventilation and oxygenation|non-invasive ventilation", -3.0, 0.3, copd=2.0, heart_failure=0.8),
    _rx("pulmonary|ventilation and oxygenation|oxygen therapy (< 40%)|nasal cannula", -1.0, -0.3),
    _rx("cardiovascular|shock|vasopressors|norepinephrine > 0.1 micrograms/kg/min", -4.0, 1.1),
    _rx("cardiovascular|shock|vasopressors|norepinephrine <= 0.1 micrograms/kg/min", -3.6, 0.7),
    _rx("cardiovascular|shock|vasopressors|vasopressin", -5.5, 1.1),
    _rx("cardiovascular|intravenous fluid|normal saline administration", -0.8, 0.1),
    _rx(
        "cardiovascular|intravenous fluid|normal saline administration|aggressive volume resuscitation (>250 mls/hr)",
        -3.0,
        0.5,
    ),
    _rx("cardiovascular|vascular disorders|VTE prophylaxis|compression stockings", -1.2),
    _rx("cardiovascular|vascular disorders|VTE prophylaxis|low molecular weight heparin|enoxaparin", -1.8, -0.1),
    _rx(
        "cardiovascular|arrhythmias|antiarrhythmics|class III antiarrhythmic|amiodarone",
        -3.2,
        0.3,
        atrial_arrhythmia=1.8,
        cardiac_arrest=1.5,
    ),
    _rx(
        "cardiovascular|myocardial ischemia / infarction|antiplatelet agent|aspirin",
        -2.0,
        0.0,
        myocardial_infarction=2.5,
        bypass_surgery=2.0,
    ),
    _rx("cardiovascular|ventricular dysfunction|intravenous diuretic|IV furosemide", -2.4, 0.1, heart_failure=2.5),
    _rx(
        "infectious diseases|medications|therapeutic antibacterials|vancomycin",
        -2.2,
        0.4,
        pulmonary_sepsis=1.8,
        pneumonia=1.2,
    ),
    _rx(
        "infectious diseases|medications|therapeutic antibacterials|penicillins|piperacillin/tazobactam",
        -2.4,
        0.4,
        pulmonary_sepsis=1.5,
        urinary_sepsis=1.5,
    ),
    _rx(
        "infectious diseases|cultures / immuno-assays|cultures|blood",
        -1.8,
        0.3,
        pulmonary_sepsis=1.5,
        urinary_sepsis=1.5,
    ),
    _rx("gastrointestinal|medications|stress ulcer prophylaxis|pantoprazole", -1.2, 0.2),
    _rx("gastrointestinal|medications|antiemetic|serotonin antagonist|ondansetron", -1.2, -0.2),
    _rx("gastrointestinal|nutrition|enteral feeds|tube feeding", -3.4, 0.6),
    _rx("endocrine|glucose metabolism|insulin|sliding scale administration", -1.6, 0.0, diabetes=1.2),
    _rx("endocrine|glucose metabolism|insulin|continuous infusion", -4.0, 0.2, ketoacidosis=5.0),
    _rx("neurologic|pain / agitation / altered mentation|sedative agent|propofol", -2.8, 0.8),
    _rx("neurologic|pain / agitation / altered mentation|sedative agent|lorazepam", -2.8, 0.0, alcohol_withdrawal=3.0),
    _rx("neurologic|procedures / diagnostics|head CT scan", -2.4, 0.3, stroke=3.0, intracranial_haemorrhage=3.0),
    _rx("renal|urinary catheters|foley catheter", -1.4, 0.4),
    _rx("renal|dialysis|hemodialysis", -4.8, 0.4, dialysis=3.5, acute_renal_failure=1.5),
    _rx("renal|dialysis|C V V H D", -6.5, 0.9, acute_renal_failure=1.5),
    _rx(
        "gastrointestinal|endoscopy/gastric instrumentation|nasogastric tube",
        -3.0,
        0.2,
        upper_gi_bleed=2.5,
    ),
    _rx("general|support services|physical therapy consult", -1.8, -0.5),
)
