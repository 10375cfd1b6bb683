"""MIMIC-IV (Johnson et al., Scientific Data 10:1, 2023), versions 1.0 to 3.1, and its open demo; with MIMIC-CXR and
MIMIC-IV-Note beside it."""

from wardround.sources.mimic4.beside import MIMIC_CXR, MIMIC_IV_NOTE
from wardround.sources.mimic4.chart import CHART_TABLE, PAPER_CHART_TABLE
from wardround.sources.mimic4.columns import ICUSTAYS
from wardround.sources.mimic4.labs import CULTURE_TABLE, LAB_TABLE, PAPER_LAB_TABLE
from wardround.sources.mimic4.layout import LOOKUPS, find_mimic4_tables
from wardround.sources.mimic4.stays import ADMISSION_TABLE, PATIENT_TABLE, demographics, stay_rows, stays
from wardround.sources.mimic4.treatments import TREATMENT_TABLES
from wardround.sources.mimic4.unread import UNREAD_TABLES
from wardround.sources.patient_pool import MIMIC, PatientPool
from wardround.sources.source import Source

MIMIC4 = Source(
    name="mimic4",
    summary="MIMIC-IV 1.0, 2.2, 3.0 and 3.1, and its open demo; --cxr MIMIC-CXR, --notes MIMIC-IV-Note",
    stay_table=ICUSTAYS,
    stay_id="stay_id",
    stay_rows=stay_rows,
    stays=stays,
    admission_events=demographics,
    paper_tables=(PAPER_CHART_TABLE, PAPER_LAB_TABLE),
    all_tables=(CHART_TABLE, LAB_TABLE, CULTURE_TABLE, *TREATMENT_TABLES),
    unread_tables=UNREAD_TABLES,
    side_tables=(PATIENT_TABLE, ADMISSION_TABLE),
    lookup_tables=LOOKUPS,
    find=find_mimic4_tables,
    stays_per_shard=300,
    patients=PatientPool(MIMIC, "MIMIC-IV"),
    beside=(MIMIC_CXR, MIMIC_IV_NOTE),
)
