"""Which columns may hold units, by their names alone.

    unit, valueuom, dose_unit_rx, unitOfMeasure, unit_concept_code    may: part of a word is unit, units, uom or ucum
    care_unit, unittype, first_careunit, unit_discharge_status        not: the other words are those of wards
    community, united                                                 not: another word

A name in doubt may (`unit_id`): asking costs a line of the mapping, two units under one code the result.
"""

import re
from typing import Final

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_UNIT: Final = re.compile(r"unit(?!y|ies|ive|ion|ed)|(?<![a-z])(?:uom|ucum)|(?:uom|ucum)(?![a-z])")
"""The endings are those of community, immunities, punitive, munition and united."""
_WARD: Final = re.compile(
    "care|icu|hospital|hosp|ward|stay|nurs(?:e|ing)|admi(?:tting|tted|t|ssion)|discharge|transfer|visit|encounter|"
    "patient|bed|room|location|department|dept|type|number|intensive|critical|emergency|medical|surgical|clinic(?:al)?|"
    "org(?:ani[sz]ation(?:al)?)?|business|stroke|trauma|burn"
)
"""Words of wards: MIMIC's first_careunit, eICU's unittype, unitstaytype, unitvisitnumber, unitdischargelocation, ..."""
_WORDS: Final = re.compile(
    rf"units?(?![a-z])|unit|{_WARD.pattern}|"
    r"first|last|prev(?:ious)?|next|curr(?:ent)?|source|status|offset|code|name|time|date|from|the|to|of|at|id|[\W\d_]"
)
"""What a name of a ward is made of: nothing is left of it without these."""


def may_hold_units(column: str) -> bool:
    """Whether a column of this name may say in which units the values of its rows are.

    Args:
        column: its name in the shards.
    """
    name = _CAMEL.sub("_", column).lower()
    if _UNIT.search(name) is None:
        return False
    return not (_WARD.search(name) and _WORDS.sub("", name) == "")
