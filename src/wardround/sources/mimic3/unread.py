"""MIMIC-III: the tables that are not read, with when each column would be known (`AVAILABILITY.md`, "MIMIC-III")."""

from typing import Final

from wardround.sources.mimic3.columns import ADMISSION, STAY
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

_WRITTEN: Final = at("charttime", "storetime")
CALLOUT: Final = RawTable(
    "callout",
    {
        **ADMISSION,
        **columns("submit_wardid submit_careunit curr_wardid curr_careunit callout_wardid", ANY_TEXT, NEVER),
        **columns("callout_service request_tele request_resp request_cdiff request_mrsa request_vre", ANY_TEXT, NEVER),
        **columns("callout_status callout_outcome discharge_wardid acknowledge_status", ANY_TEXT, NEVER),
        **columns("createtime updatetime acknowledgetime outcometime", TIME, NEVER),
        **columns("firstreservationtime currentreservationtime", TIME, NEVER),
    },
)
"""Who is called out is about to leave the unit alive."""

TRANSFERS: Final = RawTable(
    "transfers",
    {
        **STAY,
        **columns("dbsource", TEXT, ID),
        **columns("eventtype curr_careunit curr_wardid prev_careunit prev_wardid", ANY_TEXT, at("intime")),
        "intime": (TIME, at("intime")),
        **columns("outtime", TIME, NEVER),
        **columns("los", ANY_TEXT, NEVER),
    },
    offset="intime",
)
"""Moves between units repeat the stays, and the last of them is the discharge."""

DRGCODES: Final = RawTable(
    "drgcodes",
    {**ADMISSION, **columns("drg_type drg_code description drg_severity drg_mortality", ANY_TEXT, NEVER)},
)

CPTEVENTS: Final = RawTable(
    "cptevents",
    {
        **ADMISSION,
        "chartdate": (TIME, end_of_day("chartdate")),
        **columns("costcenter cpt_cd cpt_number cpt_suffix ticket_id_seq", ANY_TEXT, DISCHARGE),
        **columns("sectionheader subsectionheader description", ANY_TEXT, DISCHARGE),
    },
)
"""Billing: most rows have no date."""

DATETIMEEVENTS: Final = RawTable(
    "datetimeevents",
    {
        **STAY,
        "itemid": (INTEGER, ID),
        **columns("charttime storetime", TIME, _WRITTEN),
        **columns("value valueuom warning cgid resultstatus stopped", ANY_TEXT, _WRITTEN),
        "error": (INTEGER, ID),
    },
    offset="charttime",
)

UNREAD_TABLES: Final = (
    CALLOUT,
    TRANSFERS,
    DRGCODES,
    CPTEVENTS,
    DATETIMEEVENTS,
    RawTable("caregivers", columns("row_id cgid label description", ANY_TEXT, ID)),
    RawTable(
        "d_cpt",
        columns(
            "row_id category sectionrange sectionheader subsectionrange subsectionheader codesuffix "
            "mincodeinsubsection maxcodeinsubsection",
            ANY_TEXT,
            ID,
        ),
    ),
    RawTable("d_icd_diagnoses", columns("row_id icd9_code short_title long_title", ANY_TEXT, ID)),
    RawTable("d_icd_procedures", columns("row_id icd9_code short_title long_title", ANY_TEXT, ID)),
)
