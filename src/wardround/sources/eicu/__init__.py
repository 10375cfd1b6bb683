"""eICU Collaborative Research Database 2.0 (Pollard et al., Scientific Data 5:180178, 2018) and its open demo."""

from wardround.sources.eicu.columns import PATIENT
from wardround.sources.eicu.raw import find_eicu
from wardround.sources.eicu.stays import demographics, stay_rows, stays
from wardround.sources.eicu.tables import ALL_TABLES, PAPER_TABLES, SCORE_TABLE
from wardround.sources.eicu.unread import UNREAD_TABLES
from wardround.sources.patient_pool import EICU as POOL
from wardround.sources.patient_pool import PatientPool
from wardround.sources.source import Source

EICU = Source(
    name="eicu",
    summary="eICU Collaborative Research Database 2.0, its open demo, and what `synth eicu` writes",
    stay_table=PATIENT,
    stay_id="patientunitstayid",
    stay_rows=stay_rows,
    stays=stays,
    admission_events=demographics,
    paper_tables=(*PAPER_TABLES, SCORE_TABLE),
    all_tables=(*ALL_TABLES, SCORE_TABLE),
    unread_tables=UNREAD_TABLES,
    find=find_eicu,
    patients=PatientPool(POOL, "eicu"),
)
