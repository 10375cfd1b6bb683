"""Tiny raw eICU folders, made by hand: the published columns, a few stays, rows that say what they are.

raw = tiny()                                  three stays, every table that is read
raw.add("lab", patientunitstayid=1, ...)      one more row; columns that are not named stay blank
folder = raw.write(tmp_path / "raw")
data = prepare(folder, tmp_path / "data")
"""

import csv
import gzip
import hashlib
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from wardround import files
from wardround.sources import pipeline
from wardround.sources.eicu import EICU

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
"""Share of the promised counts that a run does."""

COLUMNS: dict[str, list[str]] = {
    table: columns.split()
    for table, columns in {
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
        "treatment": ("treatmentid patientunitstayid treatmentoffset treatmentstring activeupondischarge"),
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
        "apachePredVar": (
            "apachepredvarid patientunitstayid sicuday saps3day1 saps3today saps3yesterday gender teachtype "
            "region bedcount admitsource graftcount meds verbal motor eyes age admitdiagnosis thrombolytics "
            "diedinhospital aids hepaticfailure lymphoma metastaticcancer leukemia immunosuppression cirrhosis "
            "electivesurgery activetx readmit ima midur ventday1 oobventday1 oobintubday1 diabetes "
            "managementsystem var03hspxlos pao2 fio2 ejectfx creatinine dischargelocation visitnumber amilocation "
            "day1meds day1verbal day1motor day1eyes day1pao2 day1fio2"
        ),
        "apachePatientResult": (
            "apachepatientresultsid patientunitstayid physicianspeciality physicianinterventioncategory "
            "acutephysiologyscore apachescore apacheversion predictedicumortality actualicumortality "
            "predictediculos actualiculos predictedhospitalmortality actualhospitalmortality predictedhospitallos "
            "actualhospitallos preopmi preopcardiaccath ptcawithin24h unabridgedunitlos unabridgedhosplos "
            "actualventdays predventdays unabridgedactualventdays"
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
        "infusionDrug": (
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
"""The tables that are read, with the columns of eICU-CRD 2.0 in their published order."""

UNREAD_COLUMNS: dict[str, list[str]] = {
    table: columns.split()
    for table, columns in {
        "admissionDrug": (
            "admissiondrugid patientunitstayid drugoffset drugenteredoffset drugnotetype specialtytype usertype "
            "rxincluded writtenineicu drugname drugdosage drugunit drugadmitfrequency drughiclseqno"
        ),
        "admissionDx": ("admissiondxid patientunitstayid admitdxenteredoffset admitdxpath admitdxname admitdxtext"),
        "allergy": (
            "allergyid patientunitstayid allergyoffset allergyenteredoffset allergynotetype specialtytype "
            "usertype rxincluded writtenineicu drugname allergytype allergyname drughiclseqno"
        ),
        "carePlanCareProvider": (
            "cplcareprovderid patientunitstayid careprovidersaveoffset providertype specialty "
            "interventioncategory managingphysician activeupondischarge"
        ),
        "carePlanEOL": ("cpleolid patientunitstayid cpleolsaveoffset cpleoldiscussionoffset activeupondischarge"),
        "carePlanGeneral": ("cplgeneralid patientunitstayid activeupondischarge cplitemoffset cplgroup cplitemvalue"),
        "carePlanGoal": (
            "cplgoalid patientunitstayid cplgoaloffset cplgoalcategory cplgoalvalue cplgoalstatus activeupondischarge"
        ),
        "carePlanInfectiousDisease": (
            "cplinfectid patientunitstayid activeupondischarge cplinfectdiseaseoffset infectdiseasesite "
            "infectdiseaseassessment responsetotherapy treatment"
        ),
        "customLab": (
            "customlabid patientunitstayid labotheroffset labothertypeid labothername labotherresult labothervaluetext"
        ),
        "hospital": "hospitalid numbedscategory teachingstatus region",
        "microLab": (
            "microlabid patientunitstayid culturetakenoffset culturesite organism antibiotic sensitivitylevel"
        ),
        "note": ("noteid patientunitstayid noteoffset noteenteredoffset notetype notepath notevalue notetext"),
        "nurseAssessment": (
            "nurseassessid patientunitstayid nurseassessoffset nurseassessentryoffset cellattributepath celllabel "
            "cellattribute cellattributevalue"
        ),
        "nurseCare": (
            "nursecareid patientunitstayid celllabel nursecareoffset nursecareentryoffset cellattributepath "
            "cellattribute cellattributevalue"
        ),
        "physicalExam": (
            "physicalexamid patientunitstayid physicalexamoffset physicalexampath physicalexamvalue physicalexamtext"
        ),
        "respiratoryCare": (
            "respcareid patientunitstayid respcarestatusoffset currenthistoryseqnum airwaytype airwaysize "
            "airwayposition cuffpressure ventstartoffset ventendoffset priorventstartoffset priorventendoffset "
            "apneaparams lowexhmvlimit hiexhmvlimit lowexhtvlimit hipeakpreslimit lowpeakpreslimit "
            "hirespratelimit lowrespratelimit sighpreslimit lowironoxlimit highironoxlimit meanairwaypreslimit "
            "peeplimit cpaplimit setapneainterval setapneatv setapneaippeephigh setapnearr setapneapeakflow "
            "setapneainsptime setapneaie setapneafio2"
        ),
        "respiratoryCharting": (
            "respchartid patientunitstayid respchartoffset respchartentryoffset respcharttypecat "
            "respchartvaluelabel respchartvalue"
        ),
    }.items()
}
"""The other tables of eICU-CRD 2.0."""

PATIENT = {
    "gender": "Female",
    "age": "64",
    "ethnicity": "Caucasian",
    "hospitalid": 73,
    "hospitaladmitoffset": -60,
    "hospitaldischargeyear": 2014,
    "hospitaldischargeoffset": 6000,
    "hospitaldischargestatus": "Alive",
    "unitdischargeoffset": 3000,
    "unitdischargestatus": "Alive",
    "unitvisitnumber": 1,
}
"""A stay like any other; `patient` fills in the ids."""


@dataclass
class RawEicu:
    """Rows by table, as text, each a full row of the published table; and lines of any kind, written after them."""

    rows: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)

    def add(self, table: str, **values: object) -> "RawEicu":
        """Append a row; the id in its first column is its number where it is not given."""
        columns = COLUMNS[table]
        unknown = set(values) - set(columns)
        assert not unknown, f"{table} has no {unknown}"
        rows = self.rows.setdefault(table, [])
        row = dict.fromkeys(columns, "") | {columns[0]: str(len(rows) + 1)}
        rows.append(row | {name: "" if value is None else str(value) for name, value in values.items()})
        return self

    def patient(self, stay_id: int, **values: object) -> "RawEicu":
        """Append a stay of a patient of its own; `PATIENT` fills what is not given."""
        ids = {"patientunitstayid": stay_id, "patienthealthsystemstayid": 100 + stay_id, "uniquepid": f"002-{stay_id}"}
        return self.add("patient", **(ids | PATIENT | values))

    def changed(self, table: str, change: Callable[[dict[str, str]], dict[str, str]]) -> "RawEicu":
        """A copy in which each row of a table is what `change` makes of it."""
        return RawEicu(
            {name: [change(dict(row)) if name == table else row for row in rows] for name, rows in self.rows.items()}
        )

    def write(self, folder: Path, packed: bool = True) -> Path:
        """Write the tables as `.csv.gz` or `.csv`; equal rows give equal bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        for table, rows in self.rows.items():
            text = csv_text(COLUMNS[table], rows) + "".join(f"{line}\n" for line in self.lines.get(table, [])).encode()
            name, data = (f"{table}.csv.gz", gzip.compress(text, mtime=0)) if packed else (f"{table}.csv", text)
            (folder / name).write_bytes(data)
        return folder


def csv_text(columns: list[str], rows: list[dict[str, str]]) -> bytes:
    """A csv table, quoted where it must be."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row[name] for name in columns] for row in rows)
    return text.getvalue().encode()


def tiny() -> RawEicu:
    """Three stays of two patients, with rows in every table that is read. All values are plausible."""
    raw = RawEicu()
    raw.patient(1, age="> 89", apacheadmissiondx="Sepsis, pulmonary", admissionheight=165.1, admissionweight=71.3)
    raw.patient(2, uniquepid="002-1", hospitaldischargeyear=2015, hospitaldischargestatus="Expired", gender="Female")
    raw.patient(3, gender="Male", age="47", unittype="MICU", unitadmitsource="Emergency Department")
    for stay in (1, 2, 3):
        of_stay = {"patientunitstayid": stay}
        raw.add(
            "diagnosis",
            **of_stay,
            diagnosisoffset=40 + stay,
            diagnosisstring="pulmonary|sepsis",
            icd9code="038.9, A41.9",
        )
        raw.add(
            "treatment",
            **of_stay,
            treatmentoffset=50,
            treatmentstring="pulmonary|ventilation",
            activeupondischarge="False",
        )
        raw.add(
            "medication",
            **of_stay,
            drugorderoffset=10,
            drugstartoffset=30,
            drugname="ASPIRIN 81 MG TAB",
            drughiclseqno=1820,
        )
        raw.add(
            "medication",
            **of_stay,
            drugorderoffset=95,
            drugstartoffset=90,
            drugname='5" dressing',
            drugordercancelled="Yes",
        )
        lab = {**of_stay, "labresultoffset": 100 + stay, "labresultrevisedoffset": 130 + stay}
        raw.add("lab", **lab, labname="glucose", labresult=110.5, labresulttext="110.5", labmeasurenamesystem="mg/dL")
        raw.add("lab", **lab, labname="FiO2", labresult=40, labresulttext="40", labmeasurenamesystem="%")
        raw.add("lab", **lab, labname="troponin - I", labresulttext="<0.02", labmeasurenamesystem="ng/mL")
        raw.add(
            "apacheApsVar",
            **of_stay,
            intubated=0,
            eyes=4,
            motor=6,
            verbal=5,
            temperature=36.6,
            heartrate=104,
            fio2=-1,
            urine=-1,
        )
        raw.add("apachePredVar", **of_stay, admitdiagnosis="SEPSISPULM", diabetes=1, aids=0)
        raw.add(
            "apachePatientResult",
            **of_stay,
            apacheversion="IV",
            apachescore=60,
            predictedhospitalmortality="9.5E-2",
            predictediculos=-1,
        )
        raw.add("apachePatientResult", **of_stay, apacheversion="IVa", apachescore=60, predictedhospitalmortality=0.1)
        raw.add("vitalPeriodic", **of_stay, observationoffset=7, temperature=37.1, sao2=96, heartrate=88)
        raw.add("vitalPeriodic", **of_stay, observationoffset=12, heartrate=90, respiration=18)
        raw.add(
            "vitalAperiodic",
            **of_stay,
            observationoffset=15,
            noninvasivesystolic=121,
            noninvasivediastolic=60,
            noninvasivemean=80,
        )
        nurse = {**of_stay, "nursingchartoffset": 20, "nursingchartentryoffset": 33}
        raw.add("nurseCharting", **nurse, nursingchartcelltypevalname="Temperature (F)", nursingchartvalue="98.6")
        raw.add("nurseCharting", **nurse, nursingchartcelltypevalname="Pain Score", nursingchartvalue="3")
        raw.add("infusionDrug", **of_stay, infusionoffset=25, drugname="Norepinephrine (mcg/min)", drugrate=5)
        raw.add("infusionDrug", **of_stay, infusionoffset=26, drugname="Propofol ()", drugrate=12.5)
        path = "flowsheet|Flowsheet Cell Labels|I&O|"
        chart = {**of_stay, "intakeoutputoffset": 60, "intakeoutputentryoffset": 75}
        raw.add("intakeOutput", **chart, cellpath=path + "Output (ml)|Urine", celllabel="Urine", cellvaluenumeric=250)
        raw.add(
            "intakeOutput",
            **chart,
            cellpath=path + "Weight|Bodyweight (lb)",
            celllabel="Bodyweight (lb)",
            cellvaluenumeric=157.2,
        )
        path = "notes/Progress Notes/Past History/Organ Systems/Endocrine (R)/Diabetes/insulin dependent diabetes"
        raw.add("pastHistory", **of_stay, pasthistoryoffset=5, pasthistoryenteredoffset=8, pasthistorypath=path)
    return raw


def small() -> RawEicu:
    """One stay, its labs and medications: for tests that prepare hundreds of times."""
    raw = RawEicu().patient(1)
    for minute in range(100, 700, 100):
        lab = {"labresultoffset": minute, "labresultrevisedoffset": minute + 30, "labmeasurenamesystem": "mg/dL"}
        raw.add("lab", patientunitstayid=1, **lab, labname="glucose", labresult=minute / 4, labresulttext=minute / 4)
    return raw.add("medication", patientunitstayid=1, drugorderoffset=10, drugstartoffset=30, drugname="ASPIRIN")


@dataclass(frozen=True)
class Data:
    """A prepared folder."""

    folder: Path

    @property
    def events(self) -> pl.DataFrame:
        """All events, in the order on disk."""
        shards = sorted((self.folder / "data").glob("*.parquet"), key=lambda path: int(path.stem))
        return pl.concat(files.read_table(path) for path in shards)

    @property
    def stays(self) -> pl.DataFrame:
        return files.read_table(self.folder / "stays.parquet")

    @property
    def ledger(self) -> dict:
        return json.loads((self.folder / "ledger.json").read_text())["tables"]

    @property
    def timeline(self) -> pl.DataFrame:
        """`stay_id, minute, known, code, value, text`: minutes from unit admission, the calendar taken away."""
        events = self.events.join(self.stays.select("stay_id", "start"), on="stay_id")
        minute = {
            name: (pl.col(of) - pl.col("start")).dt.total_minutes()
            for name, of in (("minute", "time"), ("known", "available_time"))
        }
        return events.select("stay_id", **minute, code="code", value="numeric_value", text="text_value").sort(pl.all())

    def hashes(self) -> dict[str, str]:
        """File -> SHA-256, of everything in the folder."""
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def prepare(raw: Path, to: Path, modalities: str = "all", workers: int = 1) -> Data:
    """Run `prepare eicu` without a word."""
    pipeline.prepare(EICU, raw, to, modalities=modalities, workers=workers, quiet=True)
    return Data(to)


def as_text(table: pl.DataFrame) -> str:
    """Rows as lines of blank-separated cells, floats in short; null is `-`."""

    def cell(value: object) -> str:
        return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)

    return "\n".join(" ".join(cell(value) for value in row) for row in table.rows())


def demo_folder(name: str) -> Path:
    """A folder of the open demo data; skips the test where it is absent, fails in CI."""
    root = Path(os.environ.get("WARDROUND_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (root / name).is_dir():
        message = f"needs the open demo data: {name} in WARDROUND_DATA or ../shared/data"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return root / name


def none_of(n: int) -> str:
    """What "0 of n" says: the upper end of its 95 % interval."""
    return f"0 of {n} (upper 95 % bound {min(1.0, 3 / n):.2%})"
