"""`D_ITEMS` and `D_LABITEMS`: the items of the rows that are written, named as in the open demo."""

from typing import Final

import polars as pl

from wardround.sources.synthetic.mimic.item_list import ITEMS, LAB_ITEMS, SPECIMEN
from wardround.sources.synthetic.mimic3.drips import DRUGS, FLUIDS
from wardround.sources.synthetic.mimic3.systems import CAREVUE, COMA_TOTAL, OUTPUTS

_TABLES: Final = {"inputevents": "inputevents_mv", "procedureevents": "procedureevents_mv"}
_LABELS: Final = {225664: "Glucose finger stick", 220615: "Creatinine"}
_UNITS: Final = {"°F": "?F", "°C": "?C"}
_KINDS: Final = {"Processes": "Process"}
"""What MIMIC-IV calls otherwise."""
SPECIMEN_ITEM: Final = 50800
LAB_UNITS: Final = {51249: "%", 51002: "ng/ml"}
"""Item of the laboratory -> unit, where it is not MIMIC-IV's."""
_Row = tuple[int, str, str | None, str, str, str | None, str | None, str | None]


def _metavision() -> list[_Row]:
    made: list[_Row] = []
    for number, each in ITEMS.items():
        label, short = _LABELS.get(number, each.label), _LABELS.get(number, each.abbreviation)
        unit = None if each.unit is None else _UNITS.get(each.unit, each.unit)
        kind, table = _KINDS.get(each.kind, each.kind), _TABLES.get(each.table, each.table)
        made.append((number, label, short, "metavision", table, each.category, unit, kind))
    return made


def _carevue() -> list[_Row]:
    charted = [(each.item, each.label, "chartevents", each.category) for each in (*CAREVUE.values(), COMA_TOTAL)]
    charted += [(each.item, each.label, "outputevents", None) for each in OUTPUTS.values()]
    charted += [(each.item, each.label, "inputevents_cv", None) for each in (*DRUGS.values(), *FLUIDS.values())]
    return [(number, label, None, "carevue", table, group, None, None) for number, label, table, group in charted]


def items() -> pl.DataFrame:
    """The rows of `D_ITEMS`, by item."""
    names = ["itemid", "label", "abbreviation", "dbsource", "linksto", "category", "unitname", "param_type"]
    frame = pl.DataFrame(sorted([*_carevue(), *_metavision()]), schema=names, orient="row", infer_schema_length=None)
    return frame.with_columns(conceptid=pl.lit(None, pl.Int64)).with_row_index("row_id", offset=1)


def lab_items() -> pl.DataFrame:
    """The rows of `D_LABITEMS`, by item."""
    rows = [(each.itemid, each.label, "Blood", each.category) for each in LAB_ITEMS.values()]
    rows.append((SPECIMEN_ITEM, "SPECIMEN TYPE", "BLOOD", "BLOOD GAS"))
    frame = pl.DataFrame(sorted(rows), schema=["itemid", "label", "fluid", "category"], orient="row")
    return frame.with_columns(loinc_code=pl.lit(None, pl.String)).with_row_index("row_id", offset=1)


def in_lab_items(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of MIMIC-IV's `labevents` with the items, words and units of MIMIC-III."""
    specimen = pl.col("itemid") == SPECIMEN.itemid
    return rows.with_columns(
        itemid=pl.when(specimen).then(SPECIMEN_ITEM).otherwise("itemid"),
        value=pl.when(specimen).then(pl.col("value").str.strip_suffix(".")).otherwise("value"),
        valueuom=pl.coalesce(
            pl.col("itemid").replace_strict(LAB_UNITS, default=None, return_dtype=pl.String), "valueuom"
        ),
    )
