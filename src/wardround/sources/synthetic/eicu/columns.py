"""The raw tables that are written: file names, columns in the order of eICU-CRD 2.0, and their modality."""

from typing import Final

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(columns.split())
    for name, columns in {
        "hospital": "hospitalid numbedscategory teachingstatus region",
        "patient": (
            "patientunitstayid patienthealthsystemstayid gender age ethnicity hospitalid wardid apacheadmissiondx "
            "admissionheight hospitaladmittime24 hospitaladmitoffset hospitaladmitsource hospitaldischargeyear "
            "hospitaldischargetime24 hospitaldischargeoffset hospitaldischargelocation hospitaldischargestatus "
            "unittype unitadmittime24 unitadmitsource unitvisitnumber unitstaytype admissionweight "
            "dischargeweight unitdischargetime24 unitdischargeoffset unitdischargelocation unitdischargestatus "
            "uniquepid"
        ),
        "diagnosis": (
            "diagnosisid patientunitstayid activeupondischarge diagnosisoffset diagnosisstring icd9code "
            "diagnosispriority"
        ),
        "treatment": "treatmentid patientunitstayid treatmentoffset treatmentstring activeupondischarge",
        "medication": (
            "medicationid patientunitstayid drugorderoffset drugstartoffset drugivadmixture drugordercancelled "
            "drugname drughiclseqno dosage routeadmin frequency loadingdose prn drugstopoffset gtc"
        ),
        "lab": (
            "labid patientunitstayid labresultoffset labtypeid labname labresult labresulttext "
            "labmeasurenamesystem labmeasurenameinterface labresultrevisedoffset"
        ),
        "apacheApsVar": (
            "apacheapsvarid patientunitstayid intubated vent dialysis eyes motor verbal meds urine wbc "
            "temperature respiratoryrate sodium heartrate meanbp ph hematocrit creatinine albumin pao2 pco2 bun "
            "glucose bilirubin fio2"
        ),
        "apachePatientResult": (
            "apachepatientresultsid patientunitstayid physicianspeciality physicianinterventioncategory "
            "acutephysiologyscore apachescore apacheversion predictedicumortality actualicumortality "
            "predictediculos actualiculos predictedhospitalmortality actualhospitalmortality predictedhospitallos "
            "actualhospitallos preopmi preopcardiaccath ptcawithin24h unabridgedunitlos unabridgedhosplos "
            "actualventdays predventdays unabridgedactualventdays"
        ),
        "apachePredVar": (
            "apachepredvarid patientunitstayid sicuday saps3day1 saps3today saps3yesterday gender teachtype "
            "region bedcount admitsource graftcount meds verbal motor eyes age admitdiagnosis thrombolytics "
            "diedinhospital aids hepaticfailure lymphoma metastaticcancer leukemia immunosuppression cirrhosis "
            "electivesurgery activetx readmit ima midur ventday1 oobventday1 oobintubday1 diabetes "
            "managementsystem var03hspxlos pao2 fio2 ejectfx creatinine dischargelocation visitnumber amilocation "
            "day1meds day1verbal day1motor day1eyes day1pao2 day1fio2"
        ),
        "vitalPeriodic": (
            "vitalperiodicid patientunitstayid observationoffset temperature sao2 heartrate respiration cvp etco2 "
            "systemicsystolic systemicdiastolic systemicmean pasystolic padiastolic pamean st1 st2 st3 icp"
        ),
        "vitalAperiodic": (
            "vitalaperiodicid patientunitstayid observationoffset noninvasivesystolic noninvasivediastolic "
            "noninvasivemean paop cardiacoutput cardiacinput svr svri pvr pvri"
        ),
        "nurseCharting": (
            "nursingchartid patientunitstayid nursingchartoffset nursingchartentryoffset nursingchartcelltypecat "
            "nursingchartcelltypevallabel nursingchartcelltypevalname nursingchartvalue"
        ),
        "infusiondrug": (
            "infusiondrugid patientunitstayid infusionoffset drugname drugrate infusionrate drugamount "
            "volumeoffluid patientweight"
        ),
        "intakeOutput": (
            "intakeoutputid patientunitstayid intakeoutputoffset intaketotal outputtotal dialysistotal nettotal "
            "intakeoutputentryoffset cellpath celllabel cellvaluenumeric cellvaluetext"
        ),
        "pastHistory": (
            "pasthistoryid patientunitstayid pasthistoryoffset pasthistoryenteredoffset pasthistorynotetype "
            "pasthistorypath pasthistoryvalue pasthistoryvaluetext"
        ),
    }.items()
}
"""Table -> columns. The table's name is its file's, as the open demo spells it."""

MODALITY_OF: Final = {
    "diagnosis": "diagnosis",
    "treatment": "treatment",
    "medication": "medication",
    "lab": "lab",
    "apacheApsVar": "aps",
    "apachePatientResult": "aps",
    "apachePredVar": "aps",
    "vitalPeriodic": "vitals",
    "vitalAperiodic": "vitals",
    "nurseCharting": "vitals",
    "infusiondrug": "infusion",
    "intakeOutput": "intake_output",
    "pastHistory": "history",
}
"""The tables whose rows go when a stay lacks the modality. A stay that has it has rows in at least one of them."""
