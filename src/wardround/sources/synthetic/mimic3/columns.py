"""The raw tables that are written: columns in the order of MIMIC-III 1.4, which of them hold text, and their modality.

Names are in capitals and texts in quotation marks, as in the full release; the open demo has neither.
"""

from typing import Final

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(columns.upper().split())
    for name, columns in {
        "PATIENTS": "row_id subject_id gender dob dod dod_hosp dod_ssn expire_flag",
        "ADMISSIONS": (
            "row_id subject_id hadm_id admittime dischtime deathtime admission_type admission_location "
            "discharge_location insurance language religion marital_status ethnicity edregtime edouttime diagnosis "
            "hospital_expire_flag has_chartevents_data"
        ),
        "ICUSTAYS": (
            "row_id subject_id hadm_id icustay_id dbsource first_careunit last_careunit first_wardid last_wardid "
            "intime outtime los"
        ),
        "SERVICES": "row_id subject_id hadm_id transfertime prev_service curr_service",
        "CHARTEVENTS": (
            "row_id subject_id hadm_id icustay_id itemid charttime storetime cgid value valuenum valueuom warning "
            "error resultstatus stopped"
        ),
        "LABEVENTS": "row_id subject_id hadm_id itemid charttime value valuenum valueuom flag",
        "MICROBIOLOGYEVENTS": (
            "row_id subject_id hadm_id chartdate charttime spec_itemid spec_type_desc org_itemid org_name "
            "isolate_num ab_itemid ab_name dilution_text dilution_comparison dilution_value interpretation"
        ),
        "INPUTEVENTS_CV": (
            "row_id subject_id hadm_id icustay_id charttime itemid amount amountuom rate rateuom storetime cgid "
            "orderid linkorderid stopped newbottle originalamount originalamountuom originalroute originalrate "
            "originalrateuom originalsite"
        ),
        "INPUTEVENTS_MV": (
            "row_id subject_id hadm_id icustay_id starttime endtime itemid amount amountuom rate rateuom storetime "
            "cgid orderid linkorderid ordercategoryname secondaryordercategoryname ordercomponenttypedescription "
            "ordercategorydescription patientweight totalamount totalamountuom isopenbag continueinnextdept "
            "cancelreason statusdescription comments_editedby comments_canceledby comments_date originalamount "
            "originalrate"
        ),
        "OUTPUTEVENTS": (
            "row_id subject_id hadm_id icustay_id charttime itemid value valueuom storetime cgid stopped newbottle "
            "iserror"
        ),
        "PROCEDUREEVENTS_MV": (
            "row_id subject_id hadm_id icustay_id starttime endtime itemid value valueuom location locationcategory "
            "storetime cgid orderid linkorderid ordercategoryname secondaryordercategoryname "
            "ordercategorydescription isopenbag continueinnextdept cancelreason statusdescription "
            "comments_editedby comments_canceledby comments_date"
        ),
        "PRESCRIPTIONS": (
            "row_id subject_id hadm_id icustay_id startdate enddate drug_type drug drug_name_poe drug_name_generic "
            "formulary_drug_cd gsn ndc prod_strength dose_val_rx dose_unit_rx form_val_disp form_unit_disp route"
        ),
        "NOTEEVENTS": (
            "row_id subject_id hadm_id chartdate charttime storetime category description cgid iserror text"
        ),
        "DIAGNOSES_ICD": "row_id subject_id hadm_id seq_num icd9_code",
        "PROCEDURES_ICD": "row_id subject_id hadm_id seq_num icd9_code",
        "D_ITEMS": "row_id itemid label abbreviation dbsource linksto category unitname param_type conceptid",
        "D_LABITEMS": "row_id itemid label fluid category loinc_code",
        "D_ICD_DIAGNOSES": "row_id icd9_code short_title long_title",
        "D_ICD_PROCEDURES": "row_id icd9_code short_title long_title",
    }.items()
}

_TEXTS: Final = frozenset(
    (
        "gender admission_type admission_location discharge_location insurance language religion marital_status "
        "ethnicity diagnosis dbsource first_careunit last_careunit prev_service curr_service value valueuom "
        "resultstatus stopped flag spec_type_desc org_name ab_name dilution_text dilution_comparison interpretation "
        "amountuom rateuom originalamountuom originalroute originalrateuom originalsite ordercategoryname "
        "secondaryordercategoryname ordercomponenttypedescription ordercategorydescription totalamountuom "
        "statusdescription comments_editedby comments_canceledby location locationcategory drug_type drug "
        "drug_name_poe drug_name_generic formulary_drug_cd gsn ndc prod_strength dose_val_rx dose_unit_rx "
        "form_val_disp form_unit_disp route category description iserror text icd9_code label abbreviation linksto "
        "unitname param_type fluid loinc_code short_title long_title"
    )
    .upper()
    .split()
)
_NUMBERS: Final = {"OUTPUTEVENTS": frozenset({"VALUE", "ISERROR"}), "PROCEDUREEVENTS_MV": frozenset({"VALUE"})}
QUOTED: Final = {
    name: _TEXTS.intersection(columns) - _NUMBERS.get(name, frozenset[str]()) for name, columns in COLUMNS.items()
}
"""Table -> its columns of text."""

MODALITY_OF: Final = {
    "CHARTEVENTS": "time_series",
    "LABEVENTS": "time_series",
    "INPUTEVENTS_CV": "infusion",
    "INPUTEVENTS_MV": "infusion",
    "OUTPUTEVENTS": "intake_output",
    "PROCEDUREEVENTS_MV": "treatment",
    "PRESCRIPTIONS": "medication",
    "MICROBIOLOGYEVENTS": "microbiology",
}
"""The tables whose rows go when a stay lacks the modality. Notes that are missing are never composed (`notes.py`)."""
