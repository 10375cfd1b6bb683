"""eICU-CRD 2.0: every column of every table that is read, and when it is known (`AVAILABILITY.md`, "eICU").

Offsets are minutes from unit admission. `prepare` reads only the columns that become events, stays or labels.
"""

from typing import Final

from wardround.sources.raw_table import ADMIT, HOUR_24, ID, INTEGER, NEVER, NUMBER, TEXT, UNREAD, Kind, Known, RawTable, at

Columns = dict[str, tuple[Kind, Known]]

_STAY: Final[Columns] = {"patientunitstayid": (INTEGER, ID)}


def _all(names: str, kind: Kind, known: Known) -> Columns:
    return {name: (kind, known) for name in names.split()}


PATIENT: Final = RawTable(
    "patient",
    {
        **_STAY,
        **_all("patienthealthsystemstayid hospitalid", INTEGER, ID),
        "uniquepid": (TEXT, ID),
        "wardid": (INTEGER, UNREAD),
        **_all("gender age ethnicity hospitaladmitsource unittype unitadmitsource unitstaytype", TEXT, ADMIT),
        **_all("admissionheight admissionweight hospitaladmitoffset unitvisitnumber", NUMBER, ADMIT),
        **_all("hospitaladmittime24 unitadmittime24", TEXT, UNREAD),
        "apacheadmissiondx": (TEXT, HOUR_24),
        **_all("hospitaldischargeyear hospitaldischargeoffset unitdischargeoffset", NUMBER, NEVER),
        **_all("hospitaldischargestatus unitdischargestatus", TEXT, NEVER),
        **_all("hospitaldischargetime24 hospitaldischargelocation unitdischargetime24 unitdischargelocation", TEXT, UNREAD),
        "dischargeweight": (NUMBER, UNREAD),
    },
    optional=False,
)

DIAGNOSIS: Final = RawTable(
    "diagnosis",
    {
        "diagnosisid": (INTEGER, ID),
        **_STAY,
        "activeupondischarge": (TEXT, UNREAD),
        "diagnosisoffset": (INTEGER, at("diagnosisoffset")),
        "diagnosisstring": (TEXT, at("diagnosisoffset")),
        **_all("icd9code diagnosispriority", TEXT, UNREAD),
    },
    offset="diagnosisoffset",
)

TREATMENT: Final = RawTable(
    "treatment",
    {
        "treatmentid": (INTEGER, ID),
        **_STAY,
        "treatmentoffset": (INTEGER, at("treatmentoffset")),
        "treatmentstring": (TEXT, at("treatmentoffset")),
        "activeupondischarge": (TEXT, UNREAD),
    },
    offset="treatmentoffset",
)

MEDICATION: Final = RawTable(
    "medication",
    {
        "medicationid": (INTEGER, ID),
        **_STAY,
        **_all("drugorderoffset drugstartoffset", INTEGER, at("drugorderoffset", "drugstartoffset")),
        "drugname": (TEXT, at("drugorderoffset", "drugstartoffset")),
        "drughiclseqno": (INTEGER, at("drugorderoffset", "drugstartoffset")),
        **_all("drugivadmixture dosage routeadmin frequency loadingdose prn gtc", TEXT, UNREAD),
        **_all("drugordercancelled drugstopoffset", TEXT, UNREAD),
    },
    offset="drugstartoffset",
)

LAB: Final = RawTable(
    "lab",
    {
        "labid": (INTEGER, ID),
        **_STAY,
        "labresultoffset": (INTEGER, at("labresultrevisedoffset", "labresultoffset")),
        "labtypeid": (INTEGER, UNREAD),
        **_all("labname labmeasurenamesystem", TEXT, at("labresultrevisedoffset", "labresultoffset")),
        "labresult": (NUMBER, at("labresultrevisedoffset", "labresultoffset")),
        "labresulttext": (TEXT, at("labresultrevisedoffset", "labresultoffset")),
        "labmeasurenameinterface": (TEXT, UNREAD),
        "labresultrevisedoffset": (INTEGER, at("labresultrevisedoffset", "labresultoffset")),
    },
    offset="labresultoffset",
)

APS_VALUES: Final = (
    "intubated vent dialysis eyes motor verbal meds urine wbc temperature respiratoryrate sodium heartrate meanbp ph hematocrit "
    "creatinine albumin pao2 pco2 bun glucose bilirubin fio2"
)
APS: Final = RawTable(
    "apacheApsVar", {"apacheapsvarid": (INTEGER, ID), **_STAY, **_all(APS_VALUES, NUMBER, HOUR_24)}
)

APACHE_FLAGS: Final = (
    "aids hepaticfailure lymphoma metastaticcancer leukemia immunosuppression cirrhosis electivesurgery activetx readmit ima midur "
    "ventday1 oobventday1 oobintubday1 diabetes thrombolytics"
)
APACHE_PREDICTORS: Final = RawTable(
    "apachePredVar",
    {
        "apachepredvarid": (INTEGER, ID),
        **_STAY,
        **_all(APACHE_FLAGS, NUMBER, HOUR_24),
        "admitdiagnosis": (TEXT, HOUR_24),
        **_all("diedinhospital var03hspxlos dischargelocation", TEXT, UNREAD),
        **_all(
            "sicuday saps3day1 saps3today saps3yesterday gender teachtype region bedcount admitsource graftcount meds verbal motor eyes "
            "age managementsystem pao2 fio2 ejectfx creatinine visitnumber amilocation day1meds day1verbal day1motor day1eyes day1pao2 "
            "day1fio2",
            TEXT,
            UNREAD,
        ),
    },
)

APACHE_RESULT: Final = RawTable(
    "apachePatientResult",
    {
        "apachepatientresultsid": (INTEGER, ID),
        **_STAY,
        "apacheversion": (TEXT, HOUR_24),
        **_all("acutephysiologyscore apachescore predictedhospitalmortality predictedicumortality", NUMBER, HOUR_24),
        **_all("predictediculos predictedhospitallos", NUMBER, HOUR_24),
        **_all("actualicumortality actualiculos actualhospitalmortality actualhospitallos", TEXT, UNREAD),
        **_all("unabridgedunitlos unabridgedhosplos actualventdays unabridgedactualventdays predventdays", TEXT, UNREAD),
        **_all("physicianspeciality physicianinterventioncategory preopmi preopcardiaccath ptcawithin24h", TEXT, UNREAD),
    },
)

PERIODIC_VALUES: Final = (
    "temperature sao2 heartrate respiration cvp etco2 systemicsystolic systemicdiastolic systemicmean pasystolic padiastolic pamean "
    "st1 st2 st3 icp"
)
VITAL_PERIODIC: Final = RawTable(
    "vitalPeriodic",
    {
        "vitalperiodicid": (INTEGER, ID),
        **_STAY,
        "observationoffset": (INTEGER, at("observationoffset")),
        **_all(PERIODIC_VALUES, NUMBER, at("observationoffset")),
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
        **_STAY,
        "observationoffset": (INTEGER, at("observationoffset")),
        **_all(APERIODIC_VALUES, NUMBER, at("observationoffset")),
    },
    offset="observationoffset",
)

NURSE_CHARTING: Final = RawTable(
    "nurseCharting",
    {
        "nursingchartid": (INTEGER, ID),
        **_STAY,
        "nursingchartoffset": (INTEGER, at("nursingchartentryoffset", "nursingchartoffset")),
        "nursingchartentryoffset": (INTEGER, at("nursingchartentryoffset", "nursingchartoffset")),
        "nursingchartcelltypecat": (TEXT, UNREAD),
        **_all(
            "nursingchartcelltypevallabel nursingchartcelltypevalname nursingchartvalue",
            TEXT,
            at("nursingchartentryoffset", "nursingchartoffset"),
        ),
    },
    offset="nursingchartoffset",
)

INFUSION: Final = RawTable(
    "infusionDrug",
    {
        "infusiondrugid": (INTEGER, ID),
        **_STAY,
        "infusionoffset": (INTEGER, at("infusionoffset")),
        "drugname": (TEXT, at("infusionoffset")),
        "drugrate": (NUMBER, at("infusionoffset")),
        **_all("infusionrate drugamount volumeoffluid patientweight", TEXT, UNREAD),
    },
    offset="infusionoffset",
)

INTAKE_OUTPUT: Final = RawTable(
    "intakeOutput",
    {
        "intakeoutputid": (INTEGER, ID),
        **_STAY,
        "intakeoutputoffset": (INTEGER, at("intakeoutputentryoffset", "intakeoutputoffset")),
        **_all("intaketotal outputtotal dialysistotal nettotal", TEXT, UNREAD),
        "intakeoutputentryoffset": (INTEGER, at("intakeoutputentryoffset", "intakeoutputoffset")),
        **_all("cellpath celllabel", TEXT, at("intakeoutputentryoffset", "intakeoutputoffset")),
        "cellvaluenumeric": (NUMBER, at("intakeoutputentryoffset", "intakeoutputoffset")),
        "cellvaluetext": (TEXT, UNREAD),
    },
    offset="intakeoutputoffset",
)

PAST_HISTORY: Final = RawTable(
    "pastHistory",
    {
        "pasthistoryid": (INTEGER, ID),
        **_STAY,
        "pasthistoryoffset": (INTEGER, at("pasthistoryenteredoffset", "pasthistoryoffset")),
        "pasthistoryenteredoffset": (INTEGER, at("pasthistoryenteredoffset", "pasthistoryoffset")),
        "pasthistorypath": (TEXT, at("pasthistoryenteredoffset", "pasthistoryoffset")),
        **_all("pasthistorynotetype pasthistoryvalue pasthistoryvaluetext", TEXT, UNREAD),
    },
    offset="pasthistoryoffset",
)
