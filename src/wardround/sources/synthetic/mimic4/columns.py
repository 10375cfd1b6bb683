"""The raw tables that are written: file names, columns in the order of MIMIC-IV, and their modality."""

from typing import Final

from wardround.sources.synthetic.mimic4.cxr_tables import FINDINGS, LABELS, METADATA, SPLIT

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(columns.split())
    for name, columns in {
        "hosp/patients": "subject_id gender anchor_age anchor_year anchor_year_group dod",
        "hosp/admissions": (
            "subject_id hadm_id admittime dischtime deathtime admission_type admit_provider_id "
            "admission_location discharge_location insurance language marital_status race edregtime "
            "edouttime hospital_expire_flag"
        ),
        "hosp/transfers": "subject_id hadm_id transfer_id eventtype careunit intime outtime",
        "hosp/services": "subject_id hadm_id transfertime prev_service curr_service",
        "hosp/labevents": (
            "labevent_id subject_id hadm_id specimen_id itemid order_provider_id charttime storetime value "
            "valuenum valueuom ref_range_lower ref_range_upper flag priority comments"
        ),
        "hosp/microbiologyevents": (
            "microevent_id subject_id hadm_id micro_specimen_id order_provider_id chartdate charttime "
            "spec_itemid spec_type_desc test_seq storedate storetime test_itemid test_name org_itemid "
            "org_name isolate_num quantity ab_itemid ab_name dilution_text dilution_comparison "
            "dilution_value interpretation comments"
        ),
        "hosp/d_labitems": "itemid label fluid category",
        "hosp/prescriptions": (
            "subject_id hadm_id pharmacy_id poe_id poe_seq order_provider_id starttime stoptime drug_type "
            "drug formulary_drug_cd gsn ndc prod_strength form_rx dose_val_rx dose_unit_rx form_val_disp "
            "form_unit_disp doses_per_24_hrs route"
        ),
        "hosp/diagnoses_icd": "subject_id hadm_id seq_num icd_code icd_version",
        "hosp/procedures_icd": "subject_id hadm_id seq_num chartdate icd_code icd_version",
        "hosp/d_icd_diagnoses": "icd_code icd_version long_title",
        "hosp/d_icd_procedures": "icd_code icd_version long_title",
        "icu/icustays": "subject_id hadm_id stay_id first_careunit last_careunit intime outtime los",
        "icu/d_items": "itemid label abbreviation linksto category unitname param_type lownormalvalue highnormalvalue",
        "icu/chartevents": (
            "subject_id hadm_id stay_id caregiver_id charttime storetime itemid value valuenum valueuom warning"
        ),
        "icu/inputevents": (
            "subject_id hadm_id stay_id caregiver_id starttime endtime storetime itemid amount amountuom "
            "rate rateuom orderid linkorderid ordercategoryname secondaryordercategoryname "
            "ordercomponenttypedescription ordercategorydescription patientweight totalamount totalamountuom "
            "isopenbag continueinnextdept statusdescription originalamount originalrate"
        ),
        "icu/outputevents": "subject_id hadm_id stay_id caregiver_id charttime storetime itemid value valueuom",
        "icu/procedureevents": (
            "subject_id hadm_id stay_id caregiver_id starttime endtime storetime itemid value valueuom "
            "location locationcategory orderid linkorderid ordercategoryname ordercategorydescription "
            "patientweight isopenbag continueinnextdept statusdescription ORIGINALAMOUNT ORIGINALRATE"
        ),
        "note/discharge": "note_id subject_id hadm_id note_type note_seq charttime storetime text",
        "note/discharge_detail": "note_id subject_id field_name field_value field_ordinal",
        "note/radiology": "note_id subject_id hadm_id note_type note_seq charttime storetime text",
        "note/radiology_detail": "note_id subject_id field_name field_value field_ordinal",
        METADATA: (
            "dicom_id subject_id study_id PerformedProcedureStepDescription ViewPosition Rows Columns StudyDate "
            "StudyTime ProcedureCodeSequence_CodeMeaning ViewCodeSequence_CodeMeaning "
            "PatientOrientationCodeSequence_CodeMeaning"
        ),
        SPLIT: "dicom_id study_id subject_id split",
    }.items()
} | {LABELS: ("subject_id", "study_id", *FINDINGS)}
"""Table -> columns, as in the open demo; those of MIMIC-CXR-JPG 2.0.0 and MIMIC-IV-Note 2.2
as published."""

MODALITY_OF: Final = {
    "icu/chartevents": "time_series",
    "hosp/labevents": "time_series",
    "icu/inputevents": "infusion",
    "icu/outputevents": "intake_output",
    "icu/procedureevents": "treatment",
    "hosp/prescriptions": "medication",
    "hosp/microbiologyevents": "microbiology",
    METADATA: "cxr",
    SPLIT: "cxr",
    LABELS: "cxr",
}
"""The tables whose rows go when a stay lacks the modality. A stay that has it has rows in at least one of them.
Notes that are missing are never composed (`notes.py`)."""
