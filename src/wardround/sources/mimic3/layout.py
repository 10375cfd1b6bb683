"""MIMIC-III's files: 26 tables in one folder, and which of them name items.

    RAW/ICUSTAYS.csv.gz, RAW/CHARTEVENTS.csv.gz ...

Names of columns are upper case in the full release and lower case in the demo; either is read.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from wardround.sources.made_up import made_up_patients
from wardround.sources.mimic.named_tables import Layout, Named, find_named_tables
from wardround.sources.mimic3.columns import D_ITEMS, D_LABITEMS
from wardround.sources.raw_data import RawData
from wardround.sources.raw_table import RawTable

LOOKUPS: Final = (D_ITEMS, D_LABITEMS)
NAMED_BY: Final[Named] = {
    **dict.fromkeys(
        ("chartevents", "inputevents_cv", "inputevents_mv", "outputevents", "procedureevents_mv"),
        (D_ITEMS, ("label", "category")),
    ),
    "labevents": (D_LABITEMS, ("label", "category", "fluid")),
}
LAYOUT: Final = Layout("MIMIC-III", "with ICUSTAYS.csv or ICUSTAYS.csv.gz in it", (), LOOKUPS, NAMED_BY)


def find_mimic3_tables(raws: Sequence[Path], tables: Sequence[RawTable]) -> RawData:
    """The tables of MIMIC-III, as `find_named_tables` finds them and with its errors; and whose patients they say they
    hold, where `synth` wrote them."""
    found = find_named_tables(LAYOUT, raws, tables, {})
    stays = "ICUSTAYS.csv.gz", found.inputs.get("icustays")
    return replace(found, patients=made_up_patients(raws[0], "mimic3", "MIMIC-III", stays))
