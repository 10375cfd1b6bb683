"""Tiny raw MIMIC-IV folders, made by hand: the published columns, a few stays, rows that say what they are.

raw = tiny()                                        three unit stays of two patients, rows in every table that is read
raw.add("icu/chartevents", stay_id=1, ...)          one more row; ids follow from the stay, other columns stay blank
folder = raw.write(tmp_path / "raw")                the layout of 2.2 to 3.1; `layout="1.0"` and "flat" too
data = prepare(folder, tmp_path / "data")
raw.note("discharge", 1, text="...")                a note of stay 1; "radiology" too
raw.picture(1, "a0b1c2d3", StudyTime="130000")      a chest X-ray of stay 1, its file in folder / "cxr" / "files"
data = prepare(folder, tmp_path / "data", cxr=folder / "cxr", notes=folder)
"""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from raw_eicu import Data, as_text, csv_text
from wardround.sources import pipeline
from wardround.sources.beside import with_folders
from wardround.sources.mimic4 import MIMIC4

COLUMNS: dict[str, list[str]] = {
    table: columns.split()
    for table, columns in {
        "hosp/admissions": (
            "subject_id hadm_id admittime dischtime deathtime admission_type admit_provider_id "
            "admission_location discharge_location insurance language marital_status race edregtime edouttime "
            "hospital_expire_flag"
        ),
        "hosp/d_hcpcs": "code category long_description short_description",
        "hosp/d_icd_diagnoses": "icd_code icd_version long_title",
        "hosp/d_icd_procedures": "icd_code icd_version long_title",
        "hosp/d_labitems": "itemid label fluid category",
        "hosp/diagnoses_icd": "subject_id hadm_id seq_num icd_code icd_version",
        "hosp/drgcodes": "subject_id hadm_id drg_type drg_code description drg_severity drg_mortality",
        "hosp/emar": (
            "subject_id hadm_id emar_id emar_seq poe_id pharmacy_id enter_provider_id charttime medication "
            "event_txt scheduletime storetime"
        ),
        "hosp/emar_detail": (
            "subject_id emar_id emar_seq parent_field_ordinal administration_type pharmacy_id barcode_type "
            "reason_for_no_barcode complete_dose_not_given dose_due dose_due_unit dose_given dose_given_unit "
            "will_remainder_of_dose_be_given product_amount_given product_unit product_code "
            "product_description product_description_other prior_infusion_rate infusion_rate "
            "infusion_rate_adjustment infusion_rate_adjustment_amount infusion_rate_unit route "
            "infusion_complete completion_interval new_iv_bag_hung continued_infusion_in_other_location "
            "restart_interval side site non_formulary_visual_verification"
        ),
        "hosp/hcpcsevents": "subject_id hadm_id chartdate hcpcs_cd seq_num short_description",
        "hosp/labevents": (
            "labevent_id subject_id hadm_id specimen_id itemid order_provider_id charttime storetime value "
            "valuenum valueuom ref_range_lower ref_range_upper flag priority comments"
        ),
        "hosp/microbiologyevents": (
            "microevent_id subject_id hadm_id micro_specimen_id order_provider_id chartdate charttime "
            "spec_itemid spec_type_desc test_seq storedate storetime test_itemid test_name org_itemid "
            "org_name isolate_num quantity ab_itemid ab_name dilution_text dilution_comparison dilution_value "
            "interpretation comments"
        ),
        "hosp/omr": "subject_id chartdate seq_num result_name result_value",
        "hosp/patients": "subject_id gender anchor_age anchor_year anchor_year_group dod",
        "hosp/pharmacy": (
            "subject_id hadm_id pharmacy_id poe_id starttime stoptime medication proc_type status entertime "
            "verifiedtime route frequency disp_sched infusion_type sliding_scale lockout_interval basal_rate "
            "one_hr_max doses_per_24_hrs duration duration_interval expiration_value expiration_unit "
            "expirationdate dispensation fill_quantity"
        ),
        "hosp/poe": (
            "poe_id poe_seq subject_id hadm_id ordertime order_type order_subtype transaction_type "
            "discontinue_of_poe_id discontinued_by_poe_id order_provider_id order_status"
        ),
        "hosp/poe_detail": "poe_id poe_seq subject_id field_name field_value",
        "hosp/prescriptions": (
            "subject_id hadm_id pharmacy_id poe_id poe_seq order_provider_id starttime stoptime drug_type "
            "drug formulary_drug_cd gsn ndc prod_strength form_rx dose_val_rx dose_unit_rx form_val_disp "
            "form_unit_disp doses_per_24_hrs route"
        ),
        "hosp/procedures_icd": "subject_id hadm_id seq_num chartdate icd_code icd_version",
        "hosp/provider": "provider_id",
        "hosp/services": "subject_id hadm_id transfertime prev_service curr_service",
        "hosp/transfers": "subject_id hadm_id transfer_id eventtype careunit intime outtime",
        "icu/caregiver": "caregiver_id",
        "icu/chartevents": (
            "subject_id hadm_id stay_id caregiver_id charttime storetime itemid value valuenum valueuom warning"
        ),
        "icu/d_items": "itemid label abbreviation linksto category unitname param_type lownormalvalue highnormalvalue",
        "icu/datetimeevents": (
            "subject_id hadm_id stay_id caregiver_id charttime storetime itemid value valueuom warning"
        ),
        "icu/icustays": "subject_id hadm_id stay_id first_careunit last_careunit intime outtime los",
        "icu/ingredientevents": (
            "subject_id hadm_id stay_id caregiver_id starttime endtime storetime itemid amount amountuom rate "
            "rateuom orderid linkorderid statusdescription originalamount originalrate"
        ),
        "icu/inputevents": (
            "subject_id hadm_id stay_id caregiver_id starttime endtime storetime itemid amount amountuom rate "
            "rateuom orderid linkorderid ordercategoryname secondaryordercategoryname "
            "ordercomponenttypedescription ordercategorydescription patientweight totalamount totalamountuom "
            "isopenbag continueinnextdept statusdescription originalamount originalrate"
        ),
        "icu/outputevents": "subject_id hadm_id stay_id caregiver_id charttime storetime itemid value valueuom",
        "icu/procedureevents": (
            "subject_id hadm_id stay_id caregiver_id starttime endtime storetime itemid value valueuom "
            "location locationcategory orderid linkorderid ordercategoryname ordercategorydescription "
            "patientweight isopenbag continueinnextdept statusdescription ORIGINALAMOUNT ORIGINALRATE"
        ),
    }.items()
}
"""The tables of MIMIC-IV 2.2 with their columns, by module."""

BESIDE_COLUMNS: dict[str, list[str]] = {
    table: columns.split()
    for table, columns in {
        "note/discharge": "note_id subject_id hadm_id note_type note_seq charttime storetime text",
        "note/discharge_detail": "note_id subject_id field_name field_value field_ordinal",
        "note/radiology": "note_id subject_id hadm_id note_type note_seq charttime storetime text",
        "note/radiology_detail": "note_id subject_id field_name field_value field_ordinal",
        "cxr/mimic-cxr-2.0.0-metadata": (
            "dicom_id subject_id study_id PerformedProcedureStepDescription ViewPosition Rows Columns StudyDate "
            "StudyTime ProcedureCodeSequence_CodeMeaning ViewCodeSequence_CodeMeaning "
            "PatientOrientationCodeSequence_CodeMeaning"
        ),
        "cxr/mimic-cxr-2.0.0-split": "dicom_id study_id subject_id split",
    }.items()
} | {
    f"cxr/mimic-cxr-{name}": [*ids.split(), *findings.split(",")]
    for name, ids, findings in (
        *(
            (
                f"2.0.0-{labeller}",
                "subject_id study_id",
                "Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,Fracture,Lung Lesion,"
                "Lung Opacity,No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices",
            )
            for labeller in ("chexpert", "negbio")
        ),
        (
            "2.1.0-test-set-labeled",
            "study_id",
            "Airspace Opacity,Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,Fracture,"
            "Lung Lesion,No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices",
        ),
    )
}
"""The tables of MIMIC-IV-Note 2.2, and of MIMIC-CXR-JPG 2.0.0 and 2.1.0, with their columns."""

METADATA = "cxr/mimic-cxr-2.0.0-metadata"

OTHER_VERSIONS: dict[str, list[str]] = {
    table: columns.split()
    for table, columns in {
        "core/patients": "subject_id gender anchor_age anchor_year anchor_year_group dod",
        "core/admissions": (
            "subject_id hadm_id admittime dischtime deathtime admission_type admission_location "
            "discharge_location insurance language marital_status ethnicity edregtime edouttime hospital_expire_flag"
        ),
        "core/transfers": "subject_id hadm_id transfer_id eventtype careunit intime outtime",
        "hosp/d_labitems": "itemid label fluid category loinc_code",
        "icu/inputevents": (
            "subject_id hadm_id stay_id starttime endtime storetime itemid amount amountuom rate rateuom orderid "
            "linkorderid ordercategoryname secondaryordercategoryname ordercomponenttypedescription "
            "ordercategorydescription patientweight totalamount totalamountuom isopenbag continueinnextdept "
            "cancelreason statusdescription originalamount originalrate"
        ),
        "icu/procedureevents": (
            "subject_id hadm_id stay_id starttime endtime storetime itemid value valueuom location locationcategory "
            "orderid linkorderid ordercategoryname secondaryordercategoryname ordercategorydescription "
            "patientweight totalamount totalamountuom isopenbag continueinnextdept cancelreason statusdescription "
            "comments_date ORIGINALAMOUNT ORIGINALRATE"
        ),
    }.items()
}
"""Tables of 1.0 that have other columns."""

PATIENT = {"gender": "F", "anchor_age": 60, "anchor_year": 2150, "anchor_year_group": "2011 - 2013"}
ADMISSION = {
    "admittime": "2151-01-01 06:00:00",
    "dischtime": "2151-01-06 12:00:00",
    "admission_type": "EW EMER.",
    "admission_location": "EMERGENCY ROOM",
    "insurance": "Medicare",
    "language": "ENGLISH",
    "marital_status": "MARRIED",
    "race": "WHITE",
    "hospital_expire_flag": 0,
}
STAY = {
    "first_careunit": "Medical Intensive Care Unit (MICU)",
    "last_careunit": "Surgical Intensive Care Unit (SICU)",
    "intime": "2151-01-01 12:00:00",
    "outtime": "2151-01-03 12:00:00",
    "los": 2.0,
}
"""A patient, hospital stay and unit stay like any other."""

NOTE = {
    "discharge": {"charttime": "2151-01-06 00:00:00", "storetime": "2151-01-08 09:00:00", "text": " \nA stay.\n"},
    "radiology": {"charttime": "2151-01-01 13:00:00", "storetime": "2151-01-01 15:00:00", "text": "Clear lungs."},
}
PICTURE = {"ViewPosition": "AP", "StudyDate": "21510101", "StudyTime": "130000.0"}
"""A note and a chest X-ray like any other."""

ITEMS = {
    220045: ("Heart Rate", "Routine Vital Signs"),
    223761: ("Temperature Fahrenheit", "Routine Vital Signs"),
    223900: ("GCS - Verbal Response", "Neurological"),
    228096: ("Richmond-RAS Scale", "Pain/Sedation"),
    220047: ("Heart Rate Alarm - Low", "Alarms"),
    223848: ("Ventilator Type", "Respiratory"),
    220048: ("Heart Rhythm", "Routine Vital Signs"),
    224695: ("Peak Insp. Pressure", "Respiratory"),
    220621: ("Glucose (serum)", "Labs"),
    221906: ("Norepinephrine", "Medications"),
    225158: ("NaCl 0.9%", "Fluids/Intake"),
    226559: ("Foley", "Output"),
    226588: ("Chest Tube #1", "Output"),
    225792: ("Invasive Ventilation", "2-Ventilation"),
    225459: ("Chest X-Ray", "5-Imaging"),
}
LAB_ITEMS = {
    50971: ("Potassium", "Blood", "Chemistry"),
    50820: ("pH", "Blood", "Blood Gas"),
    51478: ("Glucose", "Urine", "Hematology"),
    51249: ("MCHC", "Blood", "Hematology"),
}


@dataclass
class RawMimic4:
    """Rows by table, as text, each a full row of the published table."""

    rows: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    """Of pictures: paths in the folder."""

    def add(self, table: str, stay: int | None = None, **values: object) -> "RawMimic4":
        """Append a row; `stay` fills in the ids that the table has."""
        columns = (COLUMNS | BESIDE_COLUMNS)[table]
        unknown = set(values) - set(columns)
        assert not unknown, f"{table} has no {unknown}"
        ids = {} if stay is None else self.ids(stay)
        row = dict.fromkeys(columns, "") | {name: str(value) for name, value in ids.items() if name in columns}
        row |= {name: "" if value is None else str(value) for name, value in values.items()}
        self.rows.setdefault(table, []).append(row)
        return self

    def ids(self, stay: int) -> dict[str, str]:
        """The ids of a unit stay that was added."""
        found = next(row for row in self.rows["icu/icustays"] if row["stay_id"] == str(stay))
        return {name: found[name] for name in ("subject_id", "hadm_id", "stay_id")}

    def stay(self, stay: int, subject: int | None = None, hadm: int | None = None, **values: object) -> "RawMimic4":
        """Append a unit stay, with its patient and hospital stay where they are new; values of all three tables."""
        subject, hadm = subject or 100 + stay, hadm or 1000 + stay
        for table, key, number, usual in (
            ("hosp/patients", "subject_id", subject, PATIENT),
            ("hosp/admissions", "hadm_id", hadm, ADMISSION | {"subject_id": subject}),
        ):
            if not any(row[key] == str(number) for row in self.rows.get(table, [])):
                given = {name: value for name, value in values.items() if name in COLUMNS[table]}
                self.add(table, **{key: number} | usual | given)
        given = {name: value for name, value in values.items() if name in COLUMNS["icu/icustays"]}
        return self.add("icu/icustays", **{"subject_id": subject, "hadm_id": hadm, "stay_id": stay} | STAY | given)

    def note(self, table: str, stay: int | None, **values: object) -> "RawMimic4":
        """Append a note; charted and stored at the usual times, where nothing else is said."""
        kinds = {"discharge": "DS", "radiology": "RR"}
        number = len(self.rows.get(f"note/{table}", [])) + 1
        return self.add(
            f"note/{table}",
            stay,
            **NOTE[table] | {"note_type": kinds[table], "note_id": number, "note_seq": 1} | values,
        )

    def picture(
        self, stay: int | None, name: str, study: int = 50000001, endings: Sequence[str] = ("jpg",), **values: object
    ) -> "RawMimic4":
        """Append a chest X-ray, and its files; `endings` is empty where they are not there."""
        self.add(METADATA, stay, dicom_id=name, study_id=study, **PICTURE | values)
        subject = self.rows[METADATA][-1]["subject_id"]
        path = f"cxr/files/p{subject[:2]}/p{subject}/s{study}/{name}"
        self.files += [f"{path}.{ending}" for ending in endings]
        return self

    def named(self) -> "RawMimic4":
        """With the tables that name items."""
        for item, (label, category) in ITEMS.items():
            self.add("icu/d_items", itemid=item, label=label, category=category)
        for item, (label, fluid, category) in LAB_ITEMS.items():
            self.add("hosp/d_labitems", itemid=item, label=label, fluid=fluid, category=category)
        return self

    def write(self, folder: Path, layout: str = "2.2", packed: bool = True) -> Path:
        """Write the tables as `.csv.gz` or `.csv` in the layout of "2.2" (to 3.1), "1.0" or "flat"."""
        for table, rows in self.rows.items():
            module, name = table.split("/")
            columns = (COLUMNS | BESIDE_COLUMNS)[table]
            if layout == "1.0" and name in ("patients", "admissions", "transfers"):
                module, columns = "core", OTHER_VERSIONS[f"core/{name}"]
                rows = [row | ({"ethnicity": row["race"]} if "race" in row else {}) for row in rows]
            place = folder if layout == "flat" else folder / module
            place.mkdir(parents=True, exist_ok=True)
            text = csv_text(columns, [{column: row[column] for column in columns} for row in rows])
            (place / (f"{name}.csv.gz" if packed else f"{name}.csv")).write_bytes(
                gzip.compress(text, mtime=0) if packed else text
            )
        for path in self.files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(b"a picture")
        return folder


def tiny() -> RawMimic4:
    """Three stays of two patients, two of them in one hospital stay, with rows in every table that is read."""
    raw = RawMimic4().named()
    raw.stay(1)
    raw.stay(2, 101, 1001, intime="2151-01-04 00:00:00", outtime="2151-01-05 00:00:00")
    raw.stay(3, gender="M", hospital_expire_flag=1, deathtime="2151-01-03 10:00:00")
    for stay, day in ((1, "01-02"), (2, "01-04"), (3, "01-02")):
        at = {"charttime": f"2151-{day} 08:00:00", "storetime": f"2151-{day} 08:20:00"}
        raw.add("icu/chartevents", stay, **at, itemid=220045, value="88", valuenum=88, valueuom="bpm")
        raw.add("icu/chartevents", stay, **at, itemid=223761, value="98.6", valuenum=98.6, valueuom="°F")
        raw.add("icu/chartevents", stay, **at, itemid=220048, value="AF (Atrial Fibrillation)")
        lab = {"labevent_id": stay, "itemid": 50971, "value": "4.1", "valuenum": 4.1, "valueuom": "mEq/L"}
        raw.add("hosp/labevents", stay, **at, **lab)
        raw.add("icu/outputevents", stay, **at, itemid=226559, value=250, valueuom="ml")
        given = {"starttime": f"2151-{day} 09:00:00", "endtime": f"2151-{day} 10:00:00"}
        dose = {"amount": 0.6, "amountuom": "mg", "rate": 0.14, "rateuom": "mcg/kg/min"}
        raw.add("icu/inputevents", stay, **given, itemid=221906, orderid=stay, **dose)
        raw.add("icu/procedureevents", stay, **given, itemid=225792, orderid=stay, value=60, valueuom="min")
        raw.add("hosp/prescriptions", stay, starttime=at["charttime"], pharmacy_id=stay, drug="Insulin")
        raw.add("hosp/emar", stay, **at, emar_id=f"{stay}-1", medication="Insulin", event_txt="Administered")
        raw.add("hosp/services", stay, transfertime=at["charttime"], curr_service="MED")
        culture = {"spec_type_desc": "URINE", "test_name": "URINE CULTURE", "org_name": "ESCHERICHIA COLI"}
        raw.add("hosp/microbiologyevents", stay, microevent_id=stay, chartdate=f"2151-{day}", **at, **culture)
        raw.add("hosp/omr", stay, chartdate=f"2151-{day}", seq_num=1, result_name="Weight (Lbs)", result_value="150")
    for hadm, stay in ((1001, 1), (1003, 3)):
        raw.add("hosp/diagnoses_icd", stay, seq_num=1, icd_code="4019", icd_version=9)
        raw.add("hosp/procedures_icd", stay, seq_num=1, icd_code="3961", icd_version=9, chartdate="2151-01-02")
        assert raw.ids(stay)["hadm_id"] == str(hadm)
    return raw


def prepare(
    raw: Path, to: Path, modalities: str = "all", cxr: Path | None = None, notes: Path | None = None, workers: int = 1
) -> Data:
    """Run `prepare mimic4` without a word."""
    source = with_folders(MIMIC4, {"cxr": cxr, "notes": notes})
    pipeline.prepare(source, raw, to, modalities=modalities, workers=workers, quiet=True)
    return Data(to)


def events(folder: Path, raw: RawMimic4, *modalities: str) -> str:
    """Events of some modalities as lines of "stay, minutes from unit admission, minutes known, code value text"."""
    written = raw.write(folder / "raw")
    beside = {
        option: written / where
        for option, table, where in (("cxr", METADATA, "cxr"), ("notes", "note/", "."))
        if any(name.startswith(table) for name in raw.rows)
    }
    data = prepare(written, folder / "data", **beside)
    made = data.events.filter(pl.col("modality").is_in(modalities))
    made = made.join(data.stays.select("stay_id", "start"), on="stay_id")
    minutes = [(pl.col(name) - pl.col("start")).dt.total_minutes() for name in ("time", "available_time")]
    return as_text(made.select("stay_id", *minutes, "code", "numeric_value", "text_value").sort(pl.all()))


def add_scores(raw: RawMimic4) -> None:
    """Rows of stay 1 that every clinical score is made of, 40 minutes after its beginning, known 10 minutes later."""
    raw.add("icu/d_items", itemid=226732, label="O2 Delivery Device(s)", category="Respiratory")
    for item, name in ((52033, "Specimen Type"), (50821, "pO2"), (50816, "Oxygen")):
        raw.add("hosp/d_labitems", itemid=item, label=name, fluid="Blood", category="Blood Gas")
    at = {"charttime": "2151-01-01 12:40:00", "storetime": "2151-01-01 12:50:00"}
    charted = (
        (220739, 3),
        (223900, 4),
        (223901, 6),
        (220052, 65),
        (220045, 90),
        (220050, 95),
        (220210, 18),
        (223762, 37),
    )
    for item, value in charted:
        raw.add("icu/chartevents", 1, **at, itemid=item, value=value, valuenum=value)
    raw.add("icu/chartevents", 1, **at, itemid=226732, value="Endotracheal tube")
    raw.add("hosp/labevents", 1, **at, itemid=52033, value="ART.")
    for item, value, unit in (
        *((51265, 90, "K/uL"), (50885, 2.5, "mg/dL"), (50912, 1.3, "mg/dL"), (50821, 80, "mm Hg"), (50816, 50, "%")),
        *((51006, 30, "mg/dL"), (51301, 9, "K/uL"), (51274, 13, "sec"), (50983, 140, "mEq/L"), (50971, 4, "mEq/L")),
        (50882, 24, "mEq/L"),
    ):
        raw.add("hosp/labevents", 1, **at, itemid=item, value=value, valuenum=value, valueuom=unit)
