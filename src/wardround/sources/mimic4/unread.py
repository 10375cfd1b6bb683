"""MIMIC-IV: the tables that are not read, with when each column would be known (`AVAILABILITY.md`, "MIMIC-IV")."""

from typing import Final

from wardround.sources.mimic4.columns import ADMISSION, PATIENT, STAY
from wardround.sources.raw_table import (
    ANY_TEXT,
    DISCHARGE,
    ID,
    INTEGER,
    NEVER,
    TEXT,
    TIME,
    RawTable,
    at,
    columns,
    end_of_day,
)

TRANSFERS: Final = RawTable(
    "transfers",
    {
        **ADMISSION,
        **columns("transfer_id", TEXT, ID),
        **columns("eventtype careunit", TEXT, at("intime")),
        "intime": (TIME, at("intime")),
        "outtime": (TIME, NEVER),
    },
    offset="intime",
)
"""Moves between units repeat the stays, and the last of them is the discharge."""

DRGCODES: Final = RawTable(
    "drgcodes",
    {**ADMISSION, **columns("drg_type drg_code description drg_severity drg_mortality", ANY_TEXT, NEVER)},
)

HCPCSEVENTS: Final = RawTable(
    "hcpcsevents",
    {
        **ADMISSION,
        "chartdate": (TIME, end_of_day("chartdate")),
        **columns("hcpcs_cd seq_num short_description", ANY_TEXT, DISCHARGE),
    },
)

_ORDERED: Final = at("ordertime")
POE: Final = RawTable(
    "poe",
    {
        **columns("poe_id poe_seq", ANY_TEXT, ID),
        **ADMISSION,
        "ordertime": (TIME, _ORDERED),
        **columns("order_type order_subtype transaction_type order_provider_id", TEXT, _ORDERED),
        **columns("discontinue_of_poe_id", TEXT, _ORDERED),
        **columns("discontinued_by_poe_id order_status", TEXT, NEVER),
    },
    offset="ordertime",
)
"""Discharge orders are among them; whether an order would be stopped is not known when it is given."""

POE_DETAIL: Final = RawTable(
    "poe_detail",
    {**columns("poe_id poe_seq", ANY_TEXT, ID), **PATIENT, **columns("field_name field_value", ANY_TEXT, NEVER)},
)
"""It has no time of its own."""

_ENTERED: Final = at("entertime")
PHARMACY: Final = RawTable(
    "pharmacy",
    {
        **ADMISSION,
        **columns("pharmacy_id poe_id", ANY_TEXT, ID),
        **columns("starttime entertime verifiedtime expirationdate", TIME, _ENTERED),
        **columns("medication proc_type route frequency disp_sched infusion_type sliding_scale", ANY_TEXT, _ENTERED),
        **columns("lockout_interval basal_rate one_hr_max doses_per_24_hrs duration", ANY_TEXT, _ENTERED),
        **columns("duration_interval expiration_value expiration_unit dispensation fill_quantity", ANY_TEXT, _ENTERED),
        "stoptime": (TIME, NEVER),
        "status": (TEXT, NEVER),
    },
    offset="entertime",
)

EMAR_DETAIL: Final = RawTable(
    "emar_detail",
    {
        **PATIENT,
        **columns("emar_id emar_seq parent_field_ordinal pharmacy_id", ANY_TEXT, ID),
        **columns("administration_type barcode_type reason_for_no_barcode complete_dose_not_given", TEXT, NEVER),
        **columns("dose_due dose_due_unit dose_given dose_given_unit will_remainder_of_dose_be_given", TEXT, NEVER),
        **columns("product_amount_given product_unit product_code product_description", TEXT, NEVER),
        **columns("product_description_other prior_infusion_rate infusion_rate", TEXT, NEVER),
        **columns("infusion_rate_adjustment infusion_rate_adjustment_amount infusion_rate_unit route", TEXT, NEVER),
        **columns("infusion_complete completion_interval new_iv_bag_hung", TEXT, NEVER),
        **columns("continued_infusion_in_other_location restart_interval side site", TEXT, NEVER),
        **columns("non_formulary_visual_verification", TEXT, NEVER),
    },
)
"""Its times are those of `emar`: whoever reads it joins them."""

_CHARTED: Final = at("charttime", "storetime")
DATETIMEEVENTS: Final = RawTable(
    "datetimeevents",
    {
        **STAY,
        "itemid": (INTEGER, ID),
        **columns("charttime storetime", TIME, _CHARTED),
        **columns("value valueuom warning caregiver_id", ANY_TEXT, _CHARTED),
    },
    offset="charttime",
)

_AMOUNT: Final = at("starttime", "endtime")
INGREDIENTEVENTS: Final = RawTable(
    "ingredientevents",
    {
        **STAY,
        "itemid": (INTEGER, ID),
        **columns("starttime", TIME, at("starttime")),
        **columns("endtime storetime", TIME, _AMOUNT),
        **columns("amount amountuom", ANY_TEXT, _AMOUNT),
        **columns("rate rateuom orderid linkorderid caregiver_id", ANY_TEXT, at("starttime")),
        **columns("statusdescription originalamount originalrate", ANY_TEXT, NEVER),
    },
    offset="starttime",
)
"""What the fluids of `inputevents` hold of water, salt and calories."""

UNREAD_TABLES: Final = (
    TRANSFERS,
    DRGCODES,
    HCPCSEVENTS,
    POE,
    POE_DETAIL,
    PHARMACY,
    EMAR_DETAIL,
    DATETIMEEVENTS,
    INGREDIENTEVENTS,
    RawTable("d_hcpcs", columns("code category long_description short_description", ANY_TEXT, ID)),
    RawTable("d_icd_diagnoses", columns("icd_code icd_version long_title", ANY_TEXT, ID)),
    RawTable("d_icd_procedures", columns("icd_code icd_version long_title", ANY_TEXT, ID)),
    RawTable("provider", columns("provider_id", ANY_TEXT, ID)),
    RawTable("caregiver", columns("caregiver_id", ANY_TEXT, ID)),
)
