"""MIMIC-IV's planted odd rows: each is set aside by `prepare`, but that a stay without an end is one all the same.

blank_item      the item is not named
no_value        neither number nor words
not_a_number    words in a numeric column
out_of_range    a number that no patient can have
unknown_unit    a unit that does not exist
backwards       it ends before it starts
blank_subject   a stay of nobody
no_time         a stay without unit admission
"""

from typing import Final

from wardround.sources.synthetic.odd_rows import OddKinds

PULSE: Final = "220045"
ODD_KINDS: Final = OddKinds(
    changes={
        "icu/chartevents": {
            "blank_item": ("itemid", ""),
            "not_a_number": ("valuenum", "artefact"),
            "out_of_range": ("valuenum", "99999"),
            "unknown_unit": ("valueuom", "furlongs"),
        },
        "icu/inputevents": {"blank_item": ("itemid", ""), "backwards": ("endtime", "2000-01-01 00:00:00")},
        "icu/outputevents": {"not_a_number": ("value", "small amount"), "unknown_unit": ("valueuom", "furlongs")},
        "icu/procedureevents": {"backwards": ("endtime", "2000-01-01 00:00:00")},
    },
    id_of="stay_id",
    row_ids=frozenset(),
    stay_table="icu/icustays",
    stay_changes={"blank_id": {"stay_id": ""}, "blank_subject": {"subject_id": ""}, "no_time": {"intime": ""}},
    own_ids={"stay_id": "{}", "hadm_id": "{}", "subject_id": "{}"},
    pools={"valuenum": ("itemid", PULSE), "valueuom": ("itemid", PULSE)},
    duplicated=frozenset({"icu/icustays"}),
)
