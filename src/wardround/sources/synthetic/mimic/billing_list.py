"""Billing codes: ICD-9-CM and ICD-10-CM of the same, with their titles as in `d_icd_diagnoses` and `d_icd_procedures`.

Log odds and how they go with severity are ours; the codes lie in all 25 groups of phenotyping.
"""

from typing import Final, NamedTuple

from wardround.sources.synthetic.code import Code, traits


class Icd(NamedTuple):
    """A code in both versions, each with its title."""

    nine: tuple[str, str]
    ten: tuple[str, str]


def _coded(codes: Icd, odds: float, by_severity: float = 0.0, **more: float) -> Code:
    return Code(codes.nine[0], odds, by_severity, traits(more), (*codes.nine, *codes.ten))


def icd(code: Code) -> Icd:
    """The codes that a `Code` of these lists stands for."""
    nine, title_nine, ten, title_ten = (part or "" for part in code.detail)
    return Icd((nine, title_nine), (ten, title_ten))


_SEPSIS: Final = Icd(("0389", "Unspecified septicemia"), ("A419", "Sepsis, unspecified organism"))
_FAILURE: Final = Icd(("4280", "Congestive heart failure, unspecified"), ("I509", "Heart failure, unspecified"))
_KIDNEY: Final = Icd(("5849", "Acute kidney failure, unspecified"), ("N179", "Acute kidney failure, unspecified"))
_FIBRILLATION: Final = Icd(("42731", "Atrial fibrillation"), ("I4891", "Unspecified atrial fibrillation"))

PRIMARY: Final = {
    "pulmonary sepsis": _SEPSIS,
    "urinary sepsis": _SEPSIS,
    "pneumonia": Icd(("486", "Pneumonia, organism unspecified"), ("J189", "Pneumonia, unspecified organism")),
    "heart failure": _FAILURE,
    "atrial arrhythmia": _FIBRILLATION,
    "myocardial infarction": Icd(
        ("41071", "Subendocardial infarction, initial episode of care"),
        ("I214", "Non-ST elevation (NSTEMI) myocardial infarction"),
    ),
    "cardiac arrest": Icd(("4275", "Cardiac arrest"), ("I469", "Cardiac arrest, cause unspecified")),
    "ketoacidosis": Icd(
        ("25013", "Diabetes with ketoacidosis, type I [juvenile type], uncontrolled"),
        ("E1010", "Type 1 diabetes mellitus with ketoacidosis without coma"),
    ),
    "copd": Icd(
        ("49121", "Obstructive chronic bronchitis with (acute) exacerbation"),
        ("J441", "Chronic obstructive pulmonary disease with (acute) exacerbation"),
    ),
    "stroke": Icd(
        ("43491", "Cerebral artery occlusion, unspecified with cerebral infarction"),
        ("I639", "Cerebral infarction, unspecified"),
    ),
    "intracranial haemorrhage": Icd(
        ("431", "Intracerebral hemorrhage"), ("I619", "Nontraumatic intracerebral hemorrhage, unspecified")
    ),
    "upper gi bleed": Icd(
        ("5789", "Hemorrhage of gastrointestinal tract, unspecified"),
        ("K922", "Gastrointestinal hemorrhage, unspecified"),
    ),
    "overdose": Icd(
        ("9694", "Poisoning by benzodiazepine-based tranquilizers"),
        ("T424X1A", "Poisoning by benzodiazepines, accidental (unintentional), initial encounter"),
    ),
    "alcohol withdrawal": Icd(
        ("29181", "Alcohol withdrawal"), ("F10239", "Alcohol dependence with withdrawal, unspecified")
    ),
    "acute renal failure": _KIDNEY,
    "bypass surgery": Icd(
        ("41401", "Coronary atherosclerosis of native coronary artery"),
        ("I2510", "Atherosclerotic heart disease of native coronary artery without angina pectoris"),
    ),
}
"""Cause of admission -> the first code of the hospital stay."""

DIAGNOSES: Final = (
    _coded(
        Icd(("51881", "Acute respiratory failure"), ("J9601", "Acute respiratory failure with hypoxia")),
        -2.2,
        1.0,
        pneumonia=0.8,
        copd=1.0,
        cardiac_arrest=1.2,
    ),
    _coded(_KIDNEY, -2.2, 0.8, renal_insufficiency=0.8),
    _coded(
        Icd(("78552", "Septic shock"), ("R6521", "Severe sepsis with septic shock")),
        -6.0,
        1.2,
        pulmonary_sepsis=3.2,
        urinary_sepsis=3.0,
    ),
    _coded(
        Icd(("78551", "Cardiogenic shock"), ("R570", "Cardiogenic shock")),
        -5.5,
        0.9,
        myocardial_infarction=1.8,
        heart_failure=1.2,
    ),
    _coded(Icd(("2762", "Acidosis"), ("E872", "Acidosis")), -2.6, 0.8, ketoacidosis=1.5),
    _coded(
        Icd(("2760", "Hyperosmolality and/or hypernatremia"), ("E870", "Hyperosmolality and hypernatremia")), -3.0, 0.5
    ),
    _coded(Icd(("2768", "Hypopotassemia"), ("E876", "Hypokalemia")), -2.2, 0.1, alcohol_withdrawal=1.0),
    _coded(
        Icd(
            ("5070", "Pneumonitis due to inhalation of food or vomitus"),
            ("J690", "Pneumonitis due to inhalation of food and vomit"),
        ),
        -3.6,
        0.6,
        overdose=1.5,
        stroke=0.8,
    ),
    _coded(PRIMARY["pneumonia"], -3.0, 0.5, pulmonary_sepsis=3.0),
    _coded(
        Icd(("5119", "Unspecified pleural effusion"), ("J90", "Pleural effusion, not elsewhere classified")), -3.2, 0.4
    ),
    _coded(Icd(("5180", "Pulmonary collapse"), ("J9811", "Atelectasis")), -3.0, 0.3, bypass_surgery=1.2),
    _coded(
        Icd(("2851", "Acute posthemorrhagic anemia"), ("D62", "Acute posthemorrhagic anemia")),
        -2.6,
        0.2,
        upper_gi_bleed=2.6,
        bypass_surgery=1.2,
    ),
    _coded(Icd(("2875", "Thrombocytopenia, unspecified"), ("D696", "Thrombocytopenia, unspecified")), -3.0, 0.5),
    _coded(
        Icd(("34830", "Encephalopathy, unspecified"), ("G9340", "Encephalopathy, unspecified")),
        -3.2,
        0.7,
        cirrhosis=1.0,
    ),
    _coded(PRIMARY["cardiac arrest"], -5.5, 0.9),
    _coded(
        Icd(
            ("5990", "Urinary tract infection, site not specified"),
            ("N390", "Urinary tract infection, site not specified"),
        ),
        -2.4,
        0.1,
        urinary_sepsis=3.5,
    ),
    _coded(_FIBRILLATION, -3.2, 0.1, atrial_fibrillation=3.5, bypass_surgery=0.8),
    _coded(_FAILURE, -3.6, 0.1, heart_failure=4.0),
    _coded(
        Icd(("4019", "Unspecified essential hypertension"), ("I10", "Essential (primary) hypertension")),
        -3.0,
        -0.1,
        hypertension=3.5,
    ),
    _coded(Icd(("2724", "Other and unspecified hyperlipidemia"), ("E785", "Hyperlipidemia, unspecified")), -0.9, -0.1),
    _coded(
        Icd(
            (
                "25000",
                "Diabetes mellitus without mention of complication, type II or unspecified type, "
                "not stated as uncontrolled",
            ),
            ("E119", "Type 2 diabetes mellitus without complications"),
        ),
        -4.0,
        diabetes=5.5,
    ),
    _coded(
        Icd(
            ("496", "Chronic airway obstruction, not elsewhere classified"),
            ("J449", "Chronic obstructive pulmonary disease, unspecified"),
        ),
        -4.0,
        copd=4.5,
    ),
    _coded(
        Icd(("5859", "Chronic kidney disease, unspecified"), ("N189", "Chronic kidney disease, unspecified")),
        -4.5,
        renal_insufficiency=5.5,
    ),
    _coded(Icd(("5856", "End stage renal disease"), ("N186", "End stage renal disease")), -6.0, dialysis=8.0),
    _coded(
        Icd(
            ("41400", "Coronary atherosclerosis of unspecified type of vessel, native or graft"),
            ("I2510", "Atherosclerotic heart disease of native coronary artery without angina pectoris"),
        ),
        -1.6,
        myocardial_infarction=2.5,
    ),
    _coded(
        Icd(("5715", "Cirrhosis of liver without mention of alcohol"), ("K7460", "Unspecified cirrhosis of liver")),
        -6.0,
        cirrhosis=8.0,
    ),
    _coded(
        Icd(
            ("1977", "Malignant neoplasm of liver, secondary"),
            ("C787", "Secondary malignant neoplasm of liver and intrahepatic bile duct"),
        ),
        -7.0,
        metastatic_cancer=9.0,
    ),
    _coded(
        Icd(("99811", "Hemorrhage complicating a procedure"), ("D62", "Acute posthemorrhagic anemia")),
        -5.0,
        0.3,
        bypass_surgery=2.0,
    ),
    _coded(
        Icd(("4260", "Atrioventricular block, complete"), ("I442", "Atrioventricular block, complete")),
        -4.0,
        0.1,
        atrial_arrhythmia=1.5,
        myocardial_infarction=1.0,
    ),
    _coded(
        Icd(
            (
                "40390",
                "Hypertensive chronic kidney disease, unspecified, with chronic kidney disease stage I through stage "
                "IV, or unspecified",
            ),
            (
                "I129",
                "Hypertensive chronic kidney disease with stage 1 through stage 4 chronic kidney disease, or "
                "unspecified chronic kidney disease",
            ),
        ),
        -5.0,
        renal_insufficiency=4.0,
    ),
    _coded(
        Icd(("51889", "Other diseases of lung, not elsewhere classified"), ("J984", "Other disorders of lung")),
        -3.6,
        0.4,
        copd=0.8,
    ),
    _coded(Icd(("7847", "Epistaxis"), ("R040", "Epistaxis")), -4.2, 0.1),
    _coded(
        Icd(("V667", "Encounter for palliative care"), ("Z515", "Encounter for palliative care")),
        -5.5,
        1.0,
        metastatic_cancer=1.5,
    ),
)
"""Beside the first code; a code that a hospital stay has already is not given twice."""

PROCEDURES: Final = (
    _coded(
        Icd(
            ("9671", "Continuous invasive mechanical ventilation for less than 96 consecutive hours"),
            ("5A1945Z", "Respiratory Ventilation, 24-96 Consecutive Hours"),
        ),
        -2.6,
        1.0,
        cardiac_arrest=1.5,
    ),
    _coded(
        Icd(
            ("9604", "Insertion of endotracheal tube"),
            ("0BH17EZ", "Insertion of Endotracheal Airway into Trachea, Via Natural or Artificial Opening"),
        ),
        -2.8,
        1.0,
        cardiac_arrest=1.5,
    ),
    _coded(
        Icd(
            ("3897", "Central venous catheter placement with guidance"),
            ("02HV33Z", "Insertion of Infusion Device into Superior Vena Cava, Percutaneous Approach"),
        ),
        -2.4,
        0.8,
    ),
    _coded(
        Icd(
            ("3995", "Hemodialysis"),
            ("5A1D70Z", "Performance of Urinary Filtration, Intermittent, Less than 6 Hours Per Day"),
        ),
        -5.5,
        0.4,
        dialysis=5.5,
    ),
    _coded(
        Icd(
            ("9904", "Transfusion of packed cells"),
            ("30233N1", "Transfusion of Nonautologous Red Blood Cells into Peripheral Vein, Percutaneous Approach"),
        ),
        -2.6,
        0.3,
        upper_gi_bleed=2.6,
    ),
    _coded(
        Icd(
            ("3612", "(Aorto)coronary bypass of two coronary arteries"),
            ("021109W", "Bypass Coronary Artery, Two Arteries from Aorta with Autologous Venous Tissue, Open Approach"),
        ),
        -30.0,
        bypass_surgery=60.0,
    ),
    _coded(
        Icd(
            ("966", "Enteral infusion of concentrated nutritional substances"),
            ("3E0G36Z", "Introduction of Nutritional Substance into Upper GI, Percutaneous Approach"),
        ),
        -3.4,
        0.7,
    ),
)
