"""eICU-CRD 2.0: every column of every table that is read, and when it is known (`AVAILABILITY.md`, "eICU").

Offsets are minutes from unit admission. `prepare` reads only the columns that become events, stays or labels.
"""

from typing import Final

from wardround.sources.raw_table import (
    ADMIT,
    ANY_TEXT,
    HOUR_24,
    ID,
    INTEGER,
    NEVER,
    NUMBER,
    TEXT,
    UNREAD,
    Columns,
    RawTable,
    at,
    columns,
)

STAY: Final[Columns] = {"patientunitstayid": (INTEGER, ID)}


PATIENT: Final = RawTable(
    "patient",
    {
        **STAY,
        **columns("patienthealthsystemstayid hospitalid", INTEGER, ID),
        "uniquepid": (ANY_TEXT, ID),
        "wardid": (INTEGER, UNREAD),
        **columns("gender ethnicity hospitaladmitsource unittype unitadmitsource unitstaytype", TEXT, ADMIT),
        "age": (ANY_TEXT, ADMIT),
        **columns("admissionheight admissionweight unitvisitnumber", NUMBER, ADMIT),
        "hospitaladmitoffset": (INTEGER, ADMIT),
        **columns("hospitaladmittime24 unitadmittime24", TEXT, UNREAD),
        "apacheadmissiondx": (TEXT, HOUR_24),
        **columns("hospitaldischargeyear hospitaldischargeoffset unitdischargeoffset", INTEGER, NEVER),
        **columns("hospitaldischargestatus unitdischargestatus", TEXT, NEVER),
        **columns("hospitaldischargetime24 hospitaldischargelocation", TEXT, UNREAD),
        **columns("unitdischargetime24 unitdischargelocation", TEXT, UNREAD),
        "dischargeweight": (NUMBER, UNREAD),
    },
    optional=False,
)
"""The columns that are never inputs make stays, their order and labels."""

DIAGNOSIS: Final = RawTable(
    "diagnosis",
    {
        "diagnosisid": (INTEGER, ID),
        **STAY,
        "activeupondischarge": (TEXT, UNREAD),
        "diagnosisoffset": (INTEGER, at("diagnosisoffset")),
        "diagnosisstring": (TEXT, at("diagnosisoffset")),
        **columns("icd9code diagnosispriority", TEXT, UNREAD),
    },
    offset="diagnosisoffset",
)

TREATMENT: Final = RawTable(
    "treatment",
    {
        "treatmentid": (INTEGER, ID),
        **STAY,
        "treatmentoffset": (INTEGER, at("treatmentoffset")),
        "treatmentstring": (TEXT, at("treatmentoffset")),
        "activeupondischarge": (TEXT, UNREAD),
    },
    offset="treatmentoffset",
)

_ORDER: Final = at("drugorderoffset", "drugstartoffset")
MEDICATION: Final = RawTable(
    "medication",
    {
        "medicationid": (INTEGER, ID),
        **STAY,
        **columns("drugorderoffset drugstartoffset", INTEGER, _ORDER),
        "drugname": (TEXT, _ORDER),
        "drughiclseqno": (INTEGER, _ORDER),
        **columns("drugivadmixture dosage routeadmin frequency loadingdose prn gtc", TEXT, UNREAD),
        **columns("drugordercancelled drugstopoffset", TEXT, UNREAD),
    },
    offset="drugstartoffset",
)

_RESULT: Final = at("labresultrevisedoffset", "labresultoffset")
LAB: Final = RawTable(
    "lab",
    {
        "labid": (INTEGER, ID),
        **STAY,
        "labresultoffset": (INTEGER, _RESULT),
        "labtypeid": (INTEGER, UNREAD),
        **columns("labname labmeasurenamesystem", TEXT, _RESULT),
        "labresult": (NUMBER, _RESULT),
        "labresulttext": (ANY_TEXT, _RESULT),
        "labmeasurenameinterface": (TEXT, UNREAD),
        "labresultrevisedoffset": (INTEGER, _RESULT),
    },
    offset="labresultoffset",
)

APS_VALUES: Final = (
    "intubated vent dialysis eyes motor verbal meds urine wbc temperature respiratoryrate sodium heartrate meanbp ph "
    "hematocrit creatinine albumin pao2 pco2 bun glucose bilirubin fio2"
)
APS: Final = RawTable("apacheApsVar", {"apacheapsvarid": (INTEGER, ID), **STAY, **columns(APS_VALUES, NUMBER, HOUR_24)})

APACHE_FLAGS: Final = (
    "aids hepaticfailure lymphoma metastaticcancer leukemia immunosuppression cirrhosis electivesurgery activetx "
    "readmit ima midur ventday1 oobventday1 oobintubday1 diabetes thrombolytics"
)
APACHE_PREDICTORS: Final = RawTable(
    "apachePredVar",
    {
        "apachepredvarid": (INTEGER, ID),
        **STAY,
        **columns(APACHE_FLAGS, NUMBER, HOUR_24),
        "admitdiagnosis": (TEXT, HOUR_24),
        **columns("diedinhospital var03hspxlos dischargelocation", TEXT, UNREAD),
        **columns("sicuday saps3day1 saps3today saps3yesterday gender teachtype region bedcount", TEXT, UNREAD),
        **columns("admitsource graftcount meds verbal motor eyes age managementsystem pao2 fio2 ejectfx", TEXT, UNREAD),
        **columns("creatinine visitnumber amilocation day1meds day1verbal day1motor day1eyes", TEXT, UNREAD),
        **columns("day1pao2 day1fio2", TEXT, UNREAD),
    },
)

APACHE_RESULT: Final = RawTable(
    "apachePatientResult",
    {
        "apachepatientresultsid": (INTEGER, ID),
        **STAY,
        "apacheversion": (TEXT, HOUR_24),
        **columns("acutephysiologyscore apachescore predictedhospitalmortality predictedicumortality", NUMBER, HOUR_24),
        **columns("predictediculos predictedhospitallos", NUMBER, HOUR_24),
        **columns("actualicumortality actualiculos actualhospitalmortality actualhospitallos", TEXT, UNREAD),
        **columns("unabridgedunitlos unabridgedhosplos actualventdays unabridgedactualventdays", TEXT, UNREAD),
        **columns("predventdays physicianspeciality physicianinterventioncategory", TEXT, UNREAD),
        **columns("preopmi preopcardiaccath ptcawithin24h", TEXT, UNREAD),
    },
)

PERIODIC_VALUES: Final = (
    "temperature sao2 heartrate respiration cvp etco2 systemicsystolic systemicdiastolic systemicmean pasystolic "
    "padiastolic pamean st1 st2 st3 icp"
)
VITAL_PERIODIC: Final = RawTable(
    "vitalPeriodic",
    {
        "vitalperiodicid": (INTEGER, ID),
        **STAY,
        "observationoffset": (INTEGER, at("observationoffset")),
        **columns(PERIODIC_VALUES, NUMBER, at("observationoffset")),
    },
    offset="observationoffset",
)

APERIODIC_VALUES: Final = (
    "noninvasivesystolic noninvasivediastolic noninvasivemean paop cardiacoutput cardiacinput svr svri pvr pvri"
)
VITAL_APERIODIC: Final = RawTable(
    "vitalAperiodic",
    {
        "vitalaperiodicid": (INTEGER, ID),
        **STAY,
        "observationoffset": (INTEGER, at("observationoffset")),
        **columns(APERIODIC_VALUES, NUMBER, at("observationoffset")),
    },
    offset="observationoffset",
)

_NURSE: Final = at("nursingchartentryoffset", "nursingchartoffset")
NURSE_CHARTING: Final = RawTable(
    "nurseCharting",
    {
        "nursingchartid": (INTEGER, ID),
        **STAY,
        "nursingchartoffset": (INTEGER, _NURSE),
        "nursingchartentryoffset": (INTEGER, _NURSE),
        "nursingchartcelltypecat": (TEXT, UNREAD),
        "nursingchartcelltypevallabel": (TEXT, UNREAD),
        "nursingchartcelltypevalname": (TEXT, _NURSE),
        "nursingchartvalue": (ANY_TEXT, _NURSE),
    },
    offset="nursingchartoffset",
)

INFUSION: Final = RawTable(
    "infusionDrug",
    {
        "infusiondrugid": (INTEGER, ID),
        **STAY,
        "infusionoffset": (INTEGER, at("infusionoffset")),
        "drugname": (TEXT, at("infusionoffset")),
        "drugrate": (NUMBER, at("infusionoffset")),
        **columns("infusionrate drugamount volumeoffluid patientweight", TEXT, UNREAD),
    },
    offset="infusionoffset",
)

_BALANCE: Final = at("intakeoutputentryoffset", "intakeoutputoffset")
INTAKE_OUTPUT: Final = RawTable(
    "intakeOutput",
    {
        "intakeoutputid": (INTEGER, ID),
        **STAY,
        "intakeoutputoffset": (INTEGER, _BALANCE),
        **columns("intaketotal outputtotal dialysistotal nettotal", TEXT, UNREAD),
        "intakeoutputentryoffset": (INTEGER, _BALANCE),
        **columns("cellpath celllabel", TEXT, _BALANCE),
        "cellvaluenumeric": (NUMBER, _BALANCE),
        "cellvaluetext": (TEXT, UNREAD),
    },
    offset="intakeoutputoffset",
)

_HISTORY: Final = at("pasthistoryenteredoffset", "pasthistoryoffset")
PAST_HISTORY: Final = RawTable(
    "pastHistory",
    {
        "pasthistoryid": (INTEGER, ID),
        **STAY,
        "pasthistoryoffset": (INTEGER, _HISTORY),
        "pasthistoryenteredoffset": (INTEGER, _HISTORY),
        "pasthistorypath": (TEXT, _HISTORY),
        **columns("pasthistorynotetype pasthistoryvalue pasthistoryvaluetext", TEXT, UNREAD),
    },
    offset="pasthistoryoffset",
)
