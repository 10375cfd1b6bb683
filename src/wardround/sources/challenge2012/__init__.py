"""PhysioNet/CinC Challenge 2012 (Silva et al., Computing in Cardiology 39:245-248, 2012): the first 48 h of 12,000 unit
stays, from MIMIC-II, in sets a, b and c."""

from wardround.sources.challenge2012.columns import RECORD, RECORDS
from wardround.sources.challenge2012.observations import OBSERVATION_TABLE
from wardround.sources.challenge2012.raw import find_records
from wardround.sources.challenge2012.stays import OUTCOME_TABLE, no_admission_events, record_stays, stays
from wardround.sources.patient_pool import MIMIC, PatientPool
from wardround.sources.source import Source

CHALLENGE2012 = Source(
    name="challenge2012",
    summary="PhysioNet/CinC Challenge 2012: 48 h of each stay, sets a, b and c, with or without their outcomes",
    stay_table=RECORDS,
    stay_id=RECORD,
    stay_rows=record_stays,
    stays=stays,
    admission_events=no_admission_events,
    paper_tables=(),
    all_tables=(OBSERVATION_TABLE,),
    side_tables=(OUTCOME_TABLE,),
    find=find_records,
    patients=PatientPool(MIMIC, "challenge2012"),
)
