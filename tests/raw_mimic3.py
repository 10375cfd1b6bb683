"""Tiny raw MIMIC-III folders, made by hand: the published columns, a few stays, rows that say what they are.

raw = tiny()                                    four unit stays of three patients, rows in every table that is read
raw.add("chartevents", 1, itemid=211, ...)      one more row of a stay; its ids follow, other columns stay blank
folder = raw.write(tmp_path / "raw")            the upper-case columns of the full release; `upper=False` as in the demo
data = prepare(folder, tmp_path / "data")
"""

import gzip
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from raw_eicu import Data, as_text, csv_text
from wardround.sources import pipeline
from wardround.sources.mimic3 import MIMIC3

COLUMNS: dict[str, list[str]] = {
    table: ["row_id", *columns.split()]
    for table, columns in {
        "admissions": (
            "subject_id hadm_id admittime dischtime deathtime admission_type admission_location discharge_location "
            "insurance language religion marital_status ethnicity edregtime edouttime diagnosis hospital_expire_flag "
            "has_chartevents_data"
        ),
        "callout": (
            "subject_id hadm_id submit_wardid submit_careunit curr_wardid curr_careunit callout_wardid "
            "callout_service request_tele request_resp request_cdiff request_mrsa request_vre callout_status "
            "callout_outcome discharge_wardid acknowledge_status createtime updatetime acknowledgetime outcometime "
            "firstreservationtime currentreservationtime"
        ),
        "caregivers": "cgid label description",
        "chartevents": (
            "subject_id hadm_id icustay_id itemid charttime storetime cgid value valuenum valueuom warning error "
            "resultstatus stopped"
        ),
        "cptevents": (
            "subject_id hadm_id costcenter chartdate cpt_cd cpt_number cpt_suffix ticket_id_seq sectionheader "
            "subsectionheader description"
        ),
        "d_cpt": (
            "category sectionrange sectionheader subsectionrange subsectionheader codesuffix mincodeinsubsection "
            "maxcodeinsubsection"
        ),
        "d_icd_diagnoses": "icd9_code short_title long_title",
        "d_icd_procedures": "icd9_code short_title long_title",
        "d_items": "itemid label abbreviation dbsource linksto category unitname param_type conceptid",
        "d_labitems": "itemid label fluid category loinc_code",
        "datetimeevents": (
            "subject_id hadm_id icustay_id itemid charttime storetime cgid value valueuom warning error "
            "resultstatus stopped"
        ),
        "diagnoses_icd": "subject_id hadm_id seq_num icd9_code",
        "drgcodes": "subject_id hadm_id drg_type drg_code description drg_severity drg_mortality",
        "icustays": (
            "subject_id hadm_id icustay_id dbsource first_careunit last_careunit first_wardid last_wardid intime "
            "outtime los"
        ),
        "inputevents_cv": (
            "subject_id hadm_id icustay_id charttime itemid amount amountuom rate rateuom storetime cgid orderid "
            "linkorderid stopped newbottle originalamount originalamountuom originalroute originalrate "
            "originalrateuom originalsite"
        ),
        "inputevents_mv": (
            "subject_id hadm_id icustay_id starttime endtime itemid amount amountuom rate rateuom storetime cgid "
            "orderid linkorderid ordercategoryname secondaryordercategoryname ordercomponenttypedescription "
            "ordercategorydescription patientweight totalamount totalamountuom isopenbag continueinnextdept "
            "cancelreason statusdescription comments_editedby comments_canceledby comments_date originalamount "
            "originalrate"
        ),
        "labevents": "subject_id hadm_id itemid charttime value valuenum valueuom flag",
        "microbiologyevents": (
            "subject_id hadm_id chartdate charttime spec_itemid spec_type_desc org_itemid org_name isolate_num "
            "ab_itemid ab_name dilution_text dilution_comparison dilution_value interpretation"
        ),
        "noteevents": ("subject_id hadm_id chartdate charttime storetime category description cgid iserror text"),
        "outputevents": (
            "subject_id hadm_id icustay_id charttime itemid value valueuom storetime cgid stopped newbottle iserror"
        ),
        "patients": "subject_id gender dob dod dod_hosp dod_ssn expire_flag",
        "prescriptions": (
            "subject_id hadm_id icustay_id startdate enddate drug_type drug drug_name_poe drug_name_generic "
            "formulary_drug_cd gsn ndc prod_strength dose_val_rx dose_unit_rx form_val_disp form_unit_disp route"
        ),
        "procedureevents_mv": (
            "subject_id hadm_id icustay_id starttime endtime itemid value valueuom location locationcategory "
            "storetime cgid orderid linkorderid ordercategoryname secondaryordercategoryname "
            "ordercategorydescription isopenbag continueinnextdept cancelreason statusdescription "
            "comments_editedby comments_canceledby comments_date"
        ),
        "procedures_icd": "subject_id hadm_id seq_num icd9_code",
        "services": "subject_id hadm_id transfertime prev_service curr_service",
        "transfers": (
            "subject_id hadm_id icustay_id dbsource eventtype prev_careunit curr_careunit prev_wardid curr_wardid "
            "intime outtime los"
        ),
    }.items()
}
"""The 26 tables of MIMIC-III 1.4 with their columns."""

PATIENT = {"gender": "F", "dob": "2090-05-05 00:00:00", "expire_flag": 0}
ADMISSION = {
    "admittime": "2151-01-01 06:00:00",
    "dischtime": "2151-01-06 12:00:00",
    "admission_type": "EMERGENCY",
    "admission_location": "EMERGENCY ROOM ADMIT",
    "insurance": "Medicare",
    "language": "ENGL",
    "marital_status": "MARRIED",
    "ethnicity": "WHITE",
    "hospital_expire_flag": 0,
}
STAY = {
    "dbsource": "metavision",
    "first_careunit": "MICU",
    "last_careunit": "SICU",
    "intime": "2151-01-01 12:00:00",
    "outtime": "2151-01-03 12:00:00",
    "los": 2.0,
}
"""A patient, hospital stay and unit stay like any other."""

ITEMS = {
    211: ("Heart Rate", ""),
    467: ("O2 Delivery Device", ""),
    720: ("Ventilator Mode", ""),
    535: ("Peak Insp. Pressure", ""),
    677: ("Temperature C (calc)", ""),
    152: ("Dialysis Type", ""),
    220048: ("Heart Rhythm", "Routine Vital Signs"),
    221906: ("Norepinephrine", "Medications"),
    225158: ("NaCl 0.9%", "Fluids/Intake"),
    225792: ("Invasive Ventilation", "2-Ventilation"),
    226588: ("Chest Tube #1", "Output"),
    30018: (".9% Normal Saline", ""),
    30120: ("Levophed-k", ""),
    40055: ("Urine Out Foley", ""),
}
LAB_ITEMS = {
    50800: ("SPECIMEN TYPE", "BLOOD", "BLOOD GAS"),
    50820: ("pH", "Blood", "Blood Gas"),
    50971: ("Potassium", "Blood", "Chemistry"),
    51478: ("Glucose", "Urine", "Hematology"),
}


@dataclass
class RawMimic3:
    """Rows by table, as text, each a full row of the published table; `row_id` counts them."""

    rows: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def add(self, table: str, stay: int | None = None, **values: object) -> "RawMimic3":
        """Append a row; `stay` fills in the ids that the table has."""
        columns = COLUMNS[table]
        unknown = set(values) - set(columns)
        assert not unknown, f"{table} has no {unknown}"
        ids = {} if stay is None else self.ids(stay)
        row = dict.fromkeys(columns, "") | {name: value for name, value in ids.items() if name in columns}
        row |= {"row_id": str(len(self.rows.get(table, [])) + 1)}
        row |= {name: "" if value is None else str(value) for name, value in values.items()}
        self.rows.setdefault(table, []).append(row)
        return self

    def ids(self, stay: int) -> dict[str, str]:
        """The ids of a unit stay that was added."""
        found = next(row for row in self.rows["icustays"] if row["icustay_id"] == str(stay))
        return {name: found[name] for name in ("subject_id", "hadm_id", "icustay_id")}

    def stay(self, stay: int, subject: int | None = None, hadm: int | None = None, **values: object) -> "RawMimic3":
        """Append a unit stay, with its patient and hospital stay where they are new; values of all three tables."""
        subject, hadm = subject or 100 + stay, hadm or 1000 + stay
        for table, key, number, usual in (
            ("patients", "subject_id", subject, PATIENT),
            ("admissions", "hadm_id", hadm, ADMISSION | {"subject_id": subject}),
        ):
            if not any(row[key] == str(number) for row in self.rows.get(table, [])):
                given = {name: value for name, value in values.items() if name in COLUMNS[table]}
                self.add(table, **{key: number} | usual | given)
        given = {name: value for name, value in values.items() if name in COLUMNS["icustays"]}
        return self.add("icustays", **{"subject_id": subject, "hadm_id": hadm, "icustay_id": stay} | STAY | given)

    def named(self) -> "RawMimic3":
        """With the tables that name items."""
        for item, (label, category) in ITEMS.items():
            self.add("d_items", itemid=item, label=label, category=category)
        for item, (label, fluid, category) in LAB_ITEMS.items():
            self.add("d_labitems", itemid=item, label=label, fluid=fluid, category=category)
        return self

    def write(self, folder: Path, upper: bool = True, packed: bool = True) -> Path:
        """Write the tables as `.csv.gz` or `.csv`, names of columns in upper or lower case."""
        folder.mkdir(parents=True, exist_ok=True)
        for table, rows in self.rows.items():
            columns = {name.upper() if upper else name: name for name in COLUMNS[table]}
            text = csv_text(list(columns), [{out: row[name] for out, name in columns.items()} for row in rows])
            path = folder / f"{table.upper()}.csv{'.gz' * packed}"
            path.write_bytes(gzip.compress(text, mtime=0) if packed else text)
        return folder


def tiny() -> RawMimic3:
    """Four stays of three patients, two of them in one hospital stay and one of CareVue, with rows in every table that
    is read."""
    raw = RawMimic3().named()
    raw.stay(1)
    raw.stay(2, 101, 1001, intime="2151-01-04 00:00:00", outtime="2151-01-05 00:00:00")
    raw.stay(3, gender="M", hospital_expire_flag=1, deathtime="2151-01-03 10:00:00")
    raw.stay(4, dbsource="carevue")
    for stay, day in ((1, "01-02"), (2, "01-04"), (3, "01-02"), (4, "01-02")):
        at = {"charttime": f"2151-{day} 08:00:00", "storetime": f"2151-{day} 08:20:00"}
        if stay == 4:
            raw.add("chartevents", stay, **at, itemid=211, value="88", valuenum=88, valueuom="BPM")
            raw.add("chartevents", stay, **at, itemid=678, value="98.6", valuenum=98.6, valueuom="Deg. F")
            raw.add("chartevents", stay, **at, itemid=467, value="Nasal Cannula")
            raw.add("outputevents", stay, **at, itemid=40055, value=250, valueuom="ml")
            raw.add("inputevents_cv", stay, **at, itemid=30120, rate=0.14, rateuom="mcgkgmin", orderid=4)
            raw.add("inputevents_cv", stay, **at, itemid=30018, amount=50, amountuom="ml", orderid=5)
        else:
            raw.add("chartevents", stay, **at, itemid=220045, value="88", valuenum=88, valueuom="bpm", error=0)
            raw.add("chartevents", stay, **at, itemid=223761, value="98.6", valuenum=98.6, valueuom="?F", error=0)
            raw.add("chartevents", stay, **at, itemid=220048, value="AF (Atrial Fibrillation)", error=0)
            raw.add("outputevents", stay, **at, itemid=226559, value=250, valueuom="mL")
            given = {"starttime": f"2151-{day} 09:00:00", "endtime": f"2151-{day} 10:00:00"}
            given |= {"statusdescription": "FinishedRunning", "cancelreason": 0}
            dose = {"amount": 0.6, "amountuom": "mg", "rate": 0.14, "rateuom": "mcg/kg/min"}
            raw.add("inputevents_mv", stay, **given, itemid=221906, orderid=stay, **dose)
            raw.add("procedureevents_mv", stay, **given, itemid=225792, orderid=stay, value=60, valueuom="min")
        lab = {"itemid": 50971, "value": "4.1", "valuenum": 4.1, "valueuom": "mEq/L"}
        raw.add("labevents", stay, charttime=at["charttime"], **lab)
        raw.add("prescriptions", stay, startdate=f"2151-{day} 00:00:00", drug="Insulin", route="SC")
        raw.add("services", stay, transfertime=at["charttime"], curr_service="MED")
        culture = {"spec_type_desc": "URINE", "org_name": "ESCHERICHIA COLI", "chartdate": f"2151-{day} 00:00:00"}
        raw.add("microbiologyevents", stay, charttime=at["charttime"], **culture)
    for stay in (1, 3, 4):
        raw.add("diagnoses_icd", stay, seq_num=1, icd9_code="4019")
        raw.add("procedures_icd", stay, seq_num=1, icd9_code="3961")
    return raw


def prepare(raw: Path, to: Path, modalities: str = "all") -> Data:
    """Run `prepare mimic3` without a word."""
    pipeline.prepare(MIMIC3, raw, to, modalities=modalities, quiet=True)
    return Data(to)


def events(folder: Path, raw: RawMimic3, *modalities: str) -> str:
    """Events of some modalities as lines of "stay, minutes from unit admission, minutes known, code value text"."""
    data = prepare(raw.write(folder / "raw"), folder / "data")
    made = data.events.filter(pl.col("modality").is_in(modalities))
    made = made.join(data.stays.select("stay_id", "start"), on="stay_id")
    minutes = [(pl.col(name) - pl.col("start")).dt.total_minutes() for name in ("time", "available_time")]
    return as_text(made.select("stay_id", *minutes, "code", "numeric_value", "text_value").sort(pl.all()))
