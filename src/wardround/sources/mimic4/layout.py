"""MIMIC-IV's files, in any of its layouts, and which table names their items.

    RAW/hosp, RAW/icu            2.2, 3.0, 3.1
    RAW/core, RAW/hosp, RAW/icu  1.0, where admissions have an `ethnicity` and no `race`
    RAW                          all tables in one folder

Which it is shows in the folders and columns that are there; nobody needs to say. Tables are `.csv` or `.csv.gz`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from wardround.sources.made_up import made_up_patients
from wardround.sources.mimic.named_tables import Layout, Named, find_named_tables
from wardround.sources.mimic4.columns import D_ITEMS, D_LABITEMS
from wardround.sources.raw_data import RawData
from wardround.sources.raw_table import RawTable

LOOKUPS: Final = (D_ITEMS, D_LABITEMS)
NAMED_BY: Final[Named] = {
    **dict.fromkeys(
        ("chartevents", "inputevents", "outputevents", "procedureevents"), (D_ITEMS, ("label", "category"))
    ),
    "labevents": (D_LABITEMS, ("label", "category", "fluid")),
}
LAYOUT: Final = Layout("MIMIC-IV", "with hosp/ and icu/ in it", ("hosp", "icu", "core"), LOOKUPS, NAMED_BY)

STAND_INS: Final = {
    "5c04c11980f1c9c22a0703973d7c179910a7d7577bfea683def377cb3d2b8508": "chartevents is not the published file but the "
    "demo's, rebuilt from its MEDS conversion: without storetimes, values as 32-bit floats",
}
"""SHA-256 of a file that is known, whole, and in use beside the published `SHA256SUMS.txt` -> what it is."""


def find_mimic4_tables(raws: Sequence[Path], tables: Sequence[RawTable]) -> RawData:
    """The tables of MIMIC-IV, as `find_named_tables` finds them and with its errors; and whose patients they say they
    hold, where `synth` wrote them."""
    found = find_named_tables(LAYOUT, raws, tables, STAND_INS)
    stays = "icu/icustays.csv.gz", found.inputs.get("icustays")
    return replace(found, patients=made_up_patients(raws[0], "mimic4", "MIMIC-IV", stays))
