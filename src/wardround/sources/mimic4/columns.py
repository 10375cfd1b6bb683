"""MIMIC-IV: every column of every table that is read, and when it is known (`AVAILABILITY.md`, "MIMIC-IV").

Columns are those of 1.0, 2.2, 3.0 and 3.1 together; `prepare` asks a file only for those that it reads. `label`,
`category` and `fluid` of event tables are no columns of theirs: they are looked up by `itemid` (`layout.py`).
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

PATIENT: Final[Columns] = {"subject_id": (INTEGER, ID)}
ADMISSION: Final[Columns] = columns("subject_id hadm_id", INTEGER, ID)
STAY: Final[Columns] = columns("subject_id hadm_id stay_id", INTEGER, ID)
ITEM: Final[Columns] = {"itemid": (INTEGER, ID), **columns("label category", ANY_TEXT, ID)}

ICUSTAYS: Final = RawTable(
    "icustays",
    {
        **STAY,
        "first_careunit": (TEXT, ADMIT),
        "intime": (TIME, ADMIT),
        "outtime": (TIME, NEVER),
        **columns("last_careunit los", TEXT, UNREAD),
    },
    optional=False,
)

PATIENTS: Final = RawTable(
    "patients",
    {
        **PATIENT,
        "gender": (TEXT, ADMIT),
        **columns("anchor_age anchor_year", INTEGER, ADMIT),
        "anchor_year_group": (TEXT, ADMIT),
        "dod": (TIME, NEVER),
    },
    optional=False,
)

ADMISSIONS: Final = RawTable(
    "admissions",
    {
        **ADMISSION,
        "admittime": (TIME, ADMIT),
        **columns("dischtime deathtime", TIME, NEVER),
        **columns("admission_type admission_location insurance language marital_status race", TEXT, ADMIT),
        "hospital_expire_flag": (INTEGER, NEVER),
        **columns("discharge_location edregtime edouttime admit_provider_id", TEXT, UNREAD),
    },
    optional=False,
    former={"race": "ethnicity"},
)
"""The columns that are never inputs make stays and labels. `race` is `ethnicity` in 1.0."""

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
        **columns("caregiver_id warning", TEXT, UNREAD),
    },
    offset="charttime",
)

LABEVENTS: Final = RawTable(
    "labevents",
    {
        "labevent_id": (INTEGER, ID),
        **ADMISSION,
        **ITEM,
        "fluid": (ANY_TEXT, ID),
        **columns("charttime storetime", TIME, _CHARTED),
        "value": (ANY_TEXT, _CHARTED),
        "valuenum": (NUMBER, _CHARTED),
        "valueuom": (ANY_TEXT, _CHARTED),
        **columns("specimen_id order_provider_id ref_range_lower ref_range_upper", TEXT, UNREAD),
        **columns("flag priority comments", TEXT, UNREAD),
    },
    offset="charttime",
)

_DRAWN: Final = at("charttime")
MICROBIOLOGYEVENTS: Final = RawTable(
    "microbiologyevents",
    {
        "microevent_id": (INTEGER, ID),
        **ADMISSION,
        "charttime": (TIME, _DRAWN),
        "chartdate": (TIME, end_of_day("chartdate")),
        "spec_type_desc": (ANY_TEXT, _DRAWN),
        **columns("storetime", TIME, _CHARTED),
        **columns("test_name org_name ab_name interpretation", ANY_TEXT, _CHARTED),
        **columns("micro_specimen_id order_provider_id spec_itemid test_seq storedate test_itemid", TEXT, UNREAD),
        **columns("org_itemid isolate_num quantity ab_itemid dilution_text dilution_comparison", TEXT, UNREAD),
        **columns("dilution_value comments", TEXT, UNREAD),
    },
    offset="charttime",
)

_RATE, _AMOUNT = at("starttime"), at("starttime", "endtime")
INPUTEVENTS: Final = RawTable(
    "inputevents",
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
        **columns("caregiver_id storetime linkorderid ordercategoryname secondaryordercategoryname", TEXT, UNREAD),
        **columns("ordercomponenttypedescription ordercategorydescription totalamount totalamountuom", TEXT, UNREAD),
        **columns(
            "isopenbag continueinnextdept cancelreason statusdescription originalamount originalrate", TEXT, UNREAD
        ),
    },
    offset="starttime",
)
"""A rate is known from its start, an amount at its end; how a drip ended (`statusdescription`) is not read."""

OUTPUTEVENTS: Final = RawTable(
    "outputevents",
    {
        **STAY,
        **ITEM,
        **columns("charttime storetime", TIME, _CHARTED),
        "value": (NUMBER, _CHARTED),
        "valueuom": (ANY_TEXT, _CHARTED),
        "caregiver_id": (TEXT, UNREAD),
    },
    offset="charttime",
)

_DONE: Final = at("starttime", "endtime")
PROCEDUREEVENTS: Final = RawTable(
    "procedureevents",
    {
        **STAY,
        **ITEM,
        "orderid": (INTEGER, ID),
        **columns("starttime endtime", TIME, _DONE),
        "value": (NUMBER, _DONE),
        "valueuom": (ANY_TEXT, _DONE),
        **columns("caregiver_id storetime location locationcategory linkorderid ordercategoryname", TEXT, UNREAD),
        **columns("secondaryordercategoryname ordercategorydescription patientweight totalamount", TEXT, UNREAD),
        **columns("totalamountuom isopenbag continueinnextdept cancelreason statusdescription", TEXT, UNREAD),
        **columns("comments_date originalamount originalrate", TEXT, UNREAD),
    },
    offset="starttime",
)

_ORDERED: Final = at("starttime")
PRESCRIPTIONS: Final = RawTable(
    "prescriptions",
    {
        **ADMISSION,
        "pharmacy_id": (INTEGER, ID),
        "starttime": (TIME, _ORDERED),
        **columns("drug_type drug route", ANY_TEXT, _ORDERED),
        "stoptime": (TEXT, UNREAD),
        **columns("poe_id poe_seq order_provider_id formulary_drug_cd gsn ndc prod_strength form_rx", TEXT, UNREAD),
        **columns("dose_val_rx dose_unit_rx form_val_disp form_unit_disp doses_per_24_hrs", TEXT, UNREAD),
    },
    offset="starttime",
)

EMAR: Final = RawTable(
    "emar",
    {
        **ADMISSION,
        "emar_id": (ANY_TEXT, ID),
        **columns("charttime storetime", TIME, _CHARTED),
        **columns("medication event_txt", ANY_TEXT, _CHARTED),
        **columns("emar_seq poe_id pharmacy_id enter_provider_id scheduletime", TEXT, UNREAD),
    },
    offset="charttime",
)

DIAGNOSES_ICD: Final = RawTable(
    "diagnoses_icd",
    {
        **ADMISSION,
        "seq_num": (INTEGER, DISCHARGE),
        "icd_code": (ANY_TEXT, DISCHARGE),
        "icd_version": (INTEGER, DISCHARGE),
    },
)

PROCEDURES_ICD: Final = RawTable(
    "procedures_icd",
    {
        **ADMISSION,
        "seq_num": (INTEGER, DISCHARGE),
        "chartdate": (TIME, end_of_day("chartdate")),
        "icd_code": (ANY_TEXT, DISCHARGE),
        "icd_version": (INTEGER, DISCHARGE),
    },
)
"""Its date is known at the end of that day; which code it got, when billing is done."""

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

OMR: Final = RawTable(
    "omr",
    {
        **PATIENT,
        "chartdate": (TIME, end_of_day("chartdate")),
        "seq_num": (INTEGER, ID),
        **columns("result_name result_value", ANY_TEXT, end_of_day("chartdate")),
    },
)

D_ITEMS: Final = RawTable(
    "d_items",
    {
        **ITEM,
        **columns("abbreviation linksto unitname param_type lownormalvalue highnormalvalue", TEXT, UNREAD),
    },
)

D_LABITEMS: Final = RawTable("d_labitems", {**ITEM, "fluid": (ANY_TEXT, ID), "loinc_code": (TEXT, UNREAD)})
