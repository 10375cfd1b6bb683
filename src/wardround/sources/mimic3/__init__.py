"""MIMIC-III (Johnson et al., Scientific Data 3:160035, 2016), version 1.4, and its open demo."""

from wardround.sources.mimic3.chart import CHART_TABLE, PAPER_CHART_TABLE
from wardround.sources.mimic3.columns import ICUSTAYS
from wardround.sources.mimic3.labs import CULTURE_TABLE, LAB_TABLE, PAPER_LAB_TABLE
from wardround.sources.mimic3.layout import LOOKUPS, find_mimic3_tables
from wardround.sources.mimic3.notes import NOTE_TABLE
from wardround.sources.mimic3.stays import ADMISSION_TABLE, PATIENT_TABLE, demographics, stay_rows, stays
from wardround.sources.mimic3.treatments import TREATMENT_TABLES
from wardround.sources.mimic3.unread import UNREAD_TABLES
from wardround.sources.patient_pool import MIMIC, PatientPool
from wardround.sources.source import Source

MIMIC3 = Source(
    name="mimic3",
    summary="MIMIC-III 1.4 and its open demo: CareVue and MetaVision, the tables of the hospital and the unit",
    stay_table=ICUSTAYS,
    stay_id="icustay_id",
    stay_rows=stay_rows,
    stays=stays,
    admission_events=demographics,
    paper_tables=(PAPER_CHART_TABLE, PAPER_LAB_TABLE, NOTE_TABLE),
    all_tables=(CHART_TABLE, LAB_TABLE, CULTURE_TABLE, *TREATMENT_TABLES, NOTE_TABLE),
    unread_tables=UNREAD_TABLES,
    side_tables=(PATIENT_TABLE, ADMISSION_TABLE),
    lookup_tables=LOOKUPS,
    find=find_mimic3_tables,
    stays_per_shard=300,
    patients=PatientPool(MIMIC, "MIMIC-III"),
)
