"""MIMIC-III: every column of every table that is read, and when it is known (`AVAILABILITY.md`, "MIMIC-III").

`label`, `category` and `fluid` of event tables are no columns of theirs: they are looked up by `itemid` (`layout.py`).
Every table has a `row_id`, which is not read: two rows that differ in it alone are one.
"""

from typing import Final

from wardround.sources.raw_table import (
    ADMIT,
    ANY_TEXT,
    DISCHARGE,
    ID,
    INTEGER,
    NEVER,
    NUMBER,
    TEXT,
    TIME,
    UNREAD,
    Columns,
    RawTable,
    at,
    columns,
    end_of_day,
)

_ROW: Final[Columns] = columns("row_id", TEXT, UNREAD)
PATIENT: Final[Columns] = {**_ROW, "subject_id": (INTEGER, ID)}
ADMISSION: Final[Columns] = {**_ROW, **columns("subject_id hadm_id", INTEGER, ID)}
STAY: Final[Columns] = {**_ROW, **columns("subject_id hadm_id icustay_id", INTEGER, ID)}
ITEM: Final[Columns] = {"itemid": (INTEGER, ID), **columns("label category", ANY_TEXT, ID)}

ICUSTAYS: Final = RawTable(
    "icustays",
    {
        **STAY,
        "first_careunit": (TEXT, ADMIT),
        "intime": (TIME, ADMIT),
        "outtime": (TIME, NEVER),
        **columns("dbsource last_careunit first_wardid last_wardid los", TEXT, UNREAD),
    },
    optional=False,
)

PATIENTS: Final = RawTable(
    "patients",
    {
        **PATIENT,
        "gender": (TEXT, ADMIT),
        "dob": (TIME, ADMIT),
        "dod": (TIME, NEVER),
        **columns("dod_hosp dod_ssn expire_flag", TEXT, UNREAD),
    },
    optional=False,
)

ADMISSIONS: Final = RawTable(
    "admissions",
    {
        **ADMISSION,
        "admittime": (TIME, ADMIT),
        **columns("dischtime deathtime", TIME, NEVER),
        **columns("admission_type admission_location insurance language marital_status ethnicity", TEXT, ADMIT),
        "hospital_expire_flag": (INTEGER, NEVER),
        **columns("discharge_location religion edregtime edouttime diagnosis has_chartevents_data", TEXT, UNREAD),
    },
    optional=False,
)
"""The columns that are never inputs make stays and labels. `diagnosis` is free text of no time that is told."""

_CHARTED: Final = at("charttime", "storetime")
CHARTEVENTS: Final = RawTable(
    "chartevents",
    {
        **STAY,
        **ITEM,
        **columns("charttime storetime", TIME, _CHARTED),
        "value": (ANY_TEXT, _CHARTED),
        "valuenum": (NUMBER, _CHARTED),
        "valueuom": (ANY_TEXT, _CHARTED),
        "error": (INTEGER, ID),
        **columns("cgid warning resultstatus stopped", TEXT, UNREAD),
    },
    offset="charttime",
)
"""`error` says which rows are not true, and becomes nothing else."""

_DRAWN: Final = at("charttime")
LABEVENTS: Final = RawTable(
    "labevents",
    {
        **ADMISSION,
        **ITEM,
        "fluid": (ANY_TEXT, ID),
        "charttime": (TIME, _DRAWN),
        "value": (ANY_TEXT, _DRAWN),
        "valuenum": (NUMBER, _DRAWN),
        "valueuom": (ANY_TEXT, _DRAWN),
        "flag": (TEXT, UNREAD),
    },
    offset="charttime",
)
"""No time is stored with a result: it is known a stated delay after its draw."""

MICROBIOLOGYEVENTS: Final = RawTable(
    "microbiologyevents",
    {
        **ADMISSION,
        "charttime": (TIME, _DRAWN),
        "chartdate": (TIME, end_of_day("chartdate")),
        **columns("spec_type_desc org_name ab_name interpretation", ANY_TEXT, _DRAWN),
        **columns("spec_itemid org_itemid isolate_num ab_itemid dilution_text", TEXT, UNREAD),
        **columns("dilution_comparison dilution_value", TEXT, UNREAD),
    },
    offset="charttime",
)
"""What grew is known a stated delay after the specimen was taken."""

INPUTEVENTS_CV: Final = RawTable(
    "inputevents_cv",
    {
        **STAY,
        **ITEM,
        **columns("charttime storetime", TIME, _CHARTED),
        **columns("rate amount", NUMBER, _CHARTED),
        **columns("rateuom amountuom stopped", ANY_TEXT, _CHARTED),
        **columns("orderid linkorderid", INTEGER, ID),
        **columns("cgid newbottle originalamount originalamountuom originalroute originalrate", TEXT, UNREAD),
        **columns("originalrateuom originalsite", TEXT, UNREAD),
    },
    offset="charttime",
)
"""CareVue: points of time with a rate, or with what ran in since the last one; no end is written."""

_RATE, _AMOUNT = at("starttime"), at("starttime", "endtime")
INPUTEVENTS_MV: Final = RawTable(
    "inputevents_mv",
    {
        **STAY,
        **ITEM,
        "orderid": (INTEGER, ID),
        "starttime": (TIME, _RATE),
        "endtime": (TIME, _AMOUNT),
        "rate": (NUMBER, _RATE),
        "rateuom": (ANY_TEXT, _RATE),
        "amount": (NUMBER, _AMOUNT),
        "amountuom": (ANY_TEXT, _AMOUNT),
        "patientweight": (ANY_TEXT, _RATE),
        "statusdescription": (TEXT, ID),
        "cancelreason": (INTEGER, ID),
        **columns("cgid storetime linkorderid ordercategoryname secondaryordercategoryname", TEXT, UNREAD),
        **columns("ordercomponenttypedescription ordercategorydescription totalamount totalamountuom", TEXT, UNREAD),
        **columns("isopenbag continueinnextdept comments_editedby comments_canceledby comments_date", TEXT, UNREAD),
        **columns("originalamount originalrate", TEXT, UNREAD),
    },
    offset="starttime",
)
"""MetaVision. What became of an order says which rows are not true, and becomes nothing else."""

OUTPUTEVENTS: Final = RawTable(
    "outputevents",
    {
        **STAY,
        **ITEM,
        **columns("charttime storetime", TIME, _CHARTED),
        "value": (NUMBER, _CHARTED),
        "valueuom": (ANY_TEXT, _CHARTED),
        "iserror": (INTEGER, ID),
        **columns("cgid stopped newbottle", TEXT, UNREAD),
    },
    offset="charttime",
)

_DONE: Final = at("starttime", "endtime")
PROCEDUREEVENTS_MV: Final = RawTable(
    "procedureevents_mv",
    {
        **STAY,
        **ITEM,
        "orderid": (INTEGER, ID),
        **columns("starttime endtime", TIME, _DONE),
        "value": (NUMBER, _DONE),
        "valueuom": (ANY_TEXT, _DONE),
        "statusdescription": (TEXT, ID),
        "cancelreason": (INTEGER, ID),
        **columns("location locationcategory storetime cgid linkorderid ordercategoryname", TEXT, UNREAD),
        **columns("secondaryordercategoryname ordercategorydescription isopenbag continueinnextdept", TEXT, UNREAD),
        **columns("comments_editedby comments_canceledby comments_date", TEXT, UNREAD),
    },
    offset="starttime",
)

_FIRST_DAY: Final = end_of_day("startdate")
PRESCRIPTIONS: Final = RawTable(
    "prescriptions",
    {
        **ADMISSION,
        "startdate": (TIME, _FIRST_DAY),
        **columns("drug_type drug route", ANY_TEXT, _FIRST_DAY),
        **columns("icustay_id enddate drug_name_poe drug_name_generic formulary_drug_cd gsn ndc", TEXT, UNREAD),
        **columns("prod_strength dose_val_rx dose_unit_rx form_val_disp form_unit_disp", TEXT, UNREAD),
    },
)
"""Days alone: somewhere in the first of them the drug was started, so it is known at the end of that day."""

DIAGNOSES_ICD: Final = RawTable(
    "diagnoses_icd", {**ADMISSION, "seq_num": (INTEGER, DISCHARGE), "icd9_code": (ANY_TEXT, DISCHARGE)}
)

PROCEDURES_ICD: Final = RawTable(
    "procedures_icd", {**ADMISSION, "seq_num": (INTEGER, DISCHARGE), "icd9_code": (ANY_TEXT, DISCHARGE)}
)
"""It has no date, as MIMIC-IV's has."""

_MOVED: Final = at("transfertime")
SERVICES: Final = RawTable(
    "services",
    {
        **ADMISSION,
        "transfertime": (TIME, _MOVED),
        "curr_service": (TEXT, _MOVED),
        "prev_service": (TEXT, UNREAD),
    },
    offset="transfertime",
)

D_ITEMS: Final = RawTable(
    "d_items",
    {**_ROW, **ITEM, **columns("abbreviation dbsource linksto unitname param_type conceptid", TEXT, UNREAD)},
)

D_LABITEMS: Final = RawTable("d_labitems", {**_ROW, **ITEM, "fluid": (ANY_TEXT, ID), "loinc_code": (TEXT, UNREAD)})
