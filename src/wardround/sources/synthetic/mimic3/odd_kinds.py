"""MIMIC-III's planted odd rows: each is set aside by `prepare`.

blank_item      the item is not named
in_error        marked as charted in error
rewritten       an order that another one replaced
cancelled       an order that was cancelled
not_a_number    words in a numeric column
out_of_range    a number that no patient can have
unknown_unit    a unit that does not exist
backwards       it ends before it starts
no_text         a note of no words
other_writer    a note of nobody whose notes are read
blank_subject   a stay of nobody
no_time         a stay without unit admission
"""

from typing import Final

from wardround.sources.synthetic.mimic3.columns import COLUMNS
from wardround.sources.synthetic.odd_rows import OddKinds

BEFORE: Final = "1900-01-01 00:00:00"
ODD_KINDS: Final = OddKinds(
    changes={
        "CHARTEVENTS": {
            "blank_item": ("ITEMID", ""),
            "in_error": ("ERROR", "1"),
            "not_a_number": ("VALUENUM", "artefact"),
            "out_of_range": ("VALUENUM", "99999"),
            "unknown_unit": ("VALUEUOM", "furlongs"),
        },
        "INPUTEVENTS_CV": {"blank_item": ("ITEMID", ""), "not_a_number": ("AMOUNT", "some")},
        "INPUTEVENTS_MV": {
            "blank_item": ("ITEMID", ""),
            "backwards": ("ENDTIME", BEFORE),
            "rewritten": ("STATUSDESCRIPTION", "Rewritten"),
            "cancelled": ("CANCELREASON", "1"),
        },
        "OUTPUTEVENTS": {
            "in_error": ("ISERROR", "1"),
            "not_a_number": ("VALUE", "small amount"),
            "unknown_unit": ("VALUEUOM", "furlongs"),
        },
        "PROCEDUREEVENTS_MV": {"backwards": ("ENDTIME", BEFORE), "cancelled": ("CANCELREASON", "2")},
        "NOTEEVENTS": {
            "in_error": ("ISERROR", "1"),
            "no_text": ("TEXT", ""),
            "other_writer": ("CATEGORY", "Nursing/other"),
        },
    },
    id_of="ICUSTAY_ID",
    row_ids=frozenset(COLUMNS),
    stay_table="ICUSTAYS",
    stay_changes={"blank_id": {"ICUSTAY_ID": ""}, "blank_subject": {"SUBJECT_ID": ""}, "no_time": {"INTIME": ""}},
    own_ids=dict.fromkeys(("ROW_ID", "ICUSTAY_ID", "HADM_ID", "SUBJECT_ID"), "{}"),
    pools={"VALUENUM": ("ITEMID", "220045"), "VALUEUOM": ("ITEMID", "220045"), "AMOUNT": ("ITEMID", "30018")},
    duplicated=frozenset({"ICUSTAYS"}),
    of_no_stay=frozenset({"NOTEEVENTS"}),
)
"""CareVue's units are those of a form and not read, so odd ones are planted in MetaVision's pulses."""
