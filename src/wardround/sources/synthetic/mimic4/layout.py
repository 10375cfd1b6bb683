"""A synthetic MIMIC-IV 2.2 or 3.1: how a chunk's stays become its raw tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from wardround.sources.synthetic.laboratory import results
from wardround.sources.synthetic.layout import People, Spec
from wardround.sources.synthetic.made import Draw, Written
from wardround.sources.synthetic.mimic.billing_list import DIAGNOSES, PRIMARY, PROCEDURES, icd
from wardround.sources.synthetic.mimic.care import bedside_rows
from wardround.sources.synthetic.mimic.chart import chart_rows
from wardround.sources.synthetic.mimic.cultures import culture_rows
from wardround.sources.synthetic.mimic.fluids import input_rows, output_rows
from wardround.sources.synthetic.mimic.item_list import ITEMS, LAB_ITEMS, SPECIMEN
from wardround.sources.synthetic.mimic.labs import lab_rows, timely
from wardround.sources.synthetic.mimic.roster import Roster, draw_roster, first_of_admission, first_of_patient
from wardround.sources.synthetic.mimic.studies import draw_studies
from wardround.sources.synthetic.mimic.tau import TAU
from wardround.sources.synthetic.mimic.ventilator import Ventilator, draw_ventilator
from wardround.sources.synthetic.mimic4.billing import diagnosis_rows, procedure_rows, titles
from wardround.sources.synthetic.mimic4.columns import COLUMNS, MODALITY_OF
from wardround.sources.synthetic.mimic4.cxr_tables import cxr_tables, image_rows, image_truth
from wardround.sources.synthetic.mimic4.image_files import PACKAGES, check_images, image_files
from wardround.sources.synthetic.mimic4.notes import discharge_tables, radiology_tables
from wardround.sources.synthetic.mimic4.numbering import NUMBERING
from wardround.sources.synthetic.mimic4.odd_kinds import ODD_KINDS
from wardround.sources.synthetic.mimic4.people import person_tables
from wardround.sources.synthetic.mimic4.prescriptions import prescription_rows
from wardround.sources.synthetic.mimic4.settings import SyntheticMimic4Settings
from wardround.sources.synthetic.missingness import Missing

SPEC: Final = Spec(
    source="mimic4",
    columns=COLUMNS,
    last="icu/icustays",
    tau=TAU,
    odd=ODD_KINDS,
    folders=("cxr/files",),
    truth={"images": ("dicom_id",)},
    decided_with={"discharge_note": first_of_admission, "demographics": first_of_patient},
)


@dataclass(frozen=True)
class Mimic4Layout:
    """The layout of MIMIC-IV 2.2 and 3.1, with MIMIC-CXR-JPG and MIMIC-IV-Note beside it.

    Raises:
        UsageError: where images are asked for and the package is missing that writes them.
    """

    settings: SyntheticMimic4Settings
    seed: int

    def __post_init__(self) -> None:
        check_images(self.settings.images)

    @property
    def spec(self) -> Spec:
        """Its tables."""
        return SPEC

    @property
    def people(self) -> People:
        """Of one hospital; all have an id."""
        return People()

    @property
    def missing_rates(self) -> Mapping[str, float]:
        """Each modality has its own."""
        return self.settings.missing_rates

    @property
    def packages(self) -> tuple[str, ...]:
        """Those that write images, where any are written."""
        return PACKAGES[self.settings.images]

    def write(self, draw: Draw, missing: Missing) -> Written:
        """The tables of a chunk without what is missing."""
        roster = draw_roster(draw, NUMBERING)
        ventilator = draw_ventilator(roster.stays, draw.stream("ventilator"))
        studies = draw_studies(roster, ventilator, draw.made, draw.stream("studies"))
        images = image_rows(roster, studies, self.seed)
        every = _event_tables(draw, roster, ventilator)
        every |= cxr_tables(roster, studies, images, self.settings.image_px, draw.stream("image tables"))
        people = person_tables(draw, roster, missing.mask["demographics"])
        tables = people | {name: missing.seen(rows, MODALITY_OF.get(name)) for name, rows in every.items()}
        tables |= discharge_tables(draw, roster, ventilator, people["hosp/admissions"], missing.mask)
        tables |= radiology_tables(draw, roster, studies, missing.mask)
        tables = {name: rows.select(COLUMNS[name]) for name, rows in tables.items()}
        counts = {name: rows.height for name, rows in (people | every).items()} | {"studies": studies.stay.size}

        taken = images.filter(pl.Series(~missing.mask["cxr"][studies.stay]).gather(images["study"]))
        files = image_files(draw, studies, taken, self.settings.images, self.settings.image_px)
        return Written(roster.truth_ids(), tables, counts, files, {"images": image_truth(roster, studies, taken)})

    def whole_table(self, name: str) -> pl.DataFrame | None:
        """What items and codes mean is of the whole database."""
        return _LOOKUPS[name].select(COLUMNS[name]) if name in _LOOKUPS else None


def _event_tables(draw: Draw, roster: Roster, ventilator: Ventilator) -> dict[str, pl.DataFrame]:
    """All rows of every event table, before anything is taken away; `stay` is the place in the roster."""
    before = draw.made.rows
    labs = timely(roster, list(results(roster.stays, draw.stream("lab"))))
    return {
        "icu/chartevents": chart_rows(roster, labs, ventilator, draw.stream("chart")),
        "icu/inputevents": input_rows(roster, before["icu/inputevents"], draw.stream("input")),
        "icu/outputevents": output_rows(roster, draw.stream("output")),
        "icu/procedureevents": bedside_rows(roster, ventilator, before["icu/procedureevents"], draw.stream("bedside")),
        "hosp/labevents": lab_rows(roster, labs, draw.made, before["hosp/labevents"], draw.stream("lab rows")),
        "hosp/prescriptions": prescription_rows(roster, draw.made, draw.stream("prescriptions")),
        "hosp/microbiologyevents": culture_rows(roster, before["hosp/microbiologyevents"], draw.stream("cultures")),
        "hosp/diagnoses_icd": diagnosis_rows(roster, draw.stream("diagnoses")),
        "hosp/procedures_icd": procedure_rows(roster, draw.stream("procedures")),
    }


def _items() -> pl.DataFrame:
    rows = [
        (item, each.label, each.abbreviation, each.table, each.category, each.unit, each.kind)
        for item, each in sorted(ITEMS.items())
    ]
    schema = ["itemid", "label", "abbreviation", "linksto", "category", "unitname", "param_type"]
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(lownormalvalue=pl.lit(None, pl.Float64), highnormalvalue=pl.lit(None, pl.Float64))


def _lab_items() -> pl.DataFrame:
    rows = [(each.itemid, each.label, "Blood", each.category) for each in sorted([*LAB_ITEMS.values(), SPECIMEN])]
    return pl.DataFrame(rows, schema=["itemid", "label", "fluid", "category"], orient="row")


_LOOKUPS: Final = {
    "icu/d_items": _items(),
    "hosp/d_labitems": _lab_items(),
    "hosp/d_icd_diagnoses": titles([*PRIMARY.values(), *map(icd, DIAGNOSES)]),
    "hosp/d_icd_procedures": titles([*map(icd, PROCEDURES)]),
}
