"""Each table of eICU as events: expected tables written out, and the real laboratory rows."""

import csv
import gzip
import io
from pathlib import Path

import polars as pl
import pytest

from raw_eicu import RawEicu, as_text, demo_folder, prepare
from wardround.sources.eicu import EICU
from wardround.sources.eicu import columns as raw
from wardround.sources.eicu.tables import _at_24_h
from wardround.sources.units import EICU_LABS

MEDICATION = {"patientunitstayid": 1, "drugorderoffset": 10, "drugstartoffset": 30}


def events(folder: Path, table: str, *rows: dict[str, object]) -> str:
    """The events of one table alone, of stay 1, as "minute known code value text"."""
    tables = RawEicu().patient(1)
    for row in rows:
        tables.add(table, **{"patientunitstayid": 1} | row)
    data = prepare(tables.write(folder / "raw"), folder / "data")
    made = data.events.filter(pl.col("modality") != "demographics").join(
        data.stays.select("stay_id", "start"), on="stay_id"
    )
    (only,) = (each for each in EICU.tables("all") if each.raw.name == table)
    assert set(made["modality"]) <= set(only.modalities)
    minutes = [(pl.col(name) - pl.col("start")).dt.total_minutes().alias(as_) for name, as_ in TIMES]
    return as_text(made.select(*minutes, "code", "numeric_value", "text_value").sort(pl.all()))


TIMES = (("time", "minute"), ("available_time", "known"))


def test_diagnosis(tmp_path: Path):
    rows = [
        {"diagnosisoffset": 40, "diagnosisstring": "pulmonary|sepsis"},
        {"diagnosisoffset": -5, "diagnosisstring": "renal"},
    ]
    assert events(tmp_path, "diagnosis", *rows) == "-5 -5 DIAGNOSIS//renal - -\n40 40 DIAGNOSIS//pulmonary|sepsis - -"


def test_treatment(tmp_path: Path):
    row = {"treatmentoffset": 40, "treatmentstring": "pulmonary|ventilation"}
    assert events(tmp_path, "treatment", row) == "40 40 TREATMENT//pulmonary|ventilation - -"


def test_medication_by_ingredient_else_by_name_known_at_the_later_of_order_and_start(tmp_path: Path):
    assert events(
        tmp_path,
        "medication",
        MEDICATION | {"drugname": "Aspirin 81 mg", "drughiclseqno": 1820},
        MEDICATION | {"drughiclseqno": 1820, "drugorderoffset": 95},
        MEDICATION | {"drugname": "Aspirin 81 mg", "drughiclseqno": 0},
        MEDICATION | {"drugname": "Heparin", "drugstartoffset": -500, "drugordercancelled": "Yes"},
    ) == "\n".join(
        [
            "-500 10 MEDICATION//NAME//HEPARIN - Heparin",
            "30 30 MEDICATION//HICL//1820 - Aspirin 81 mg",
            "30 30 MEDICATION//NAME//ASPIRIN 81 MG - Aspirin 81 mg",
            "30 95 MEDICATION//HICL//1820 - -",
        ]
    )


LAB = {"labresultoffset": 100, "labname": "sodium", "labresult": 140, "labmeasurenamesystem": "mmol/L"}


def test_a_lab_is_known_when_it_was_revised(tmp_path: Path):
    assert events(
        tmp_path,
        "lab",
        LAB | {"labresultrevisedoffset": 130},
        LAB | {"labresultrevisedoffset": 100, "labname": "chloride"},
        LAB
        | {
            "labresultrevisedoffset": 133,
            "labname": "troponin - I",
            "labresult": "",
            "labresulttext": "<0.02",
            "labmeasurenamesystem": "ng/mL",
        },
        LAB | {"labresultrevisedoffset": 134, "labname": "TSH", "labresult": 2.5, "labmeasurenamesystem": "mcU/ml"},
        LAB | {"labresultrevisedoffset": "", "labname": "potassium", "labresult": 4.1},
    ) == "\n".join(
        [
            "100 100 LAB//chloride//mmol/L 140 -",
            "100 130 LAB//sodium//mmol/L 140 -",
            "100 133 LAB//troponin - I//ng/mL - <0.02",
            "100 134 LAB//TSH//mcU/ml 2.5 -",
            "100 160 LAB//potassium//mmol/L 4.1 -",
        ]
    )


def test_a_lab_file_without_result_times_is_known_an_hour_after_the_draw(tmp_path: Path):
    rows = [LAB | {"labresultrevisedoffset": 100}, LAB | {"labresultoffset": 700, "labresultrevisedoffset": 700}]
    rows.append(LAB | {"labname": "chloride", "labresultrevisedoffset": ""})
    assert events(tmp_path, "lab", *rows) == "\n".join(
        [
            "100 160 LAB//chloride//mmol/L 140 -",
            "100 160 LAB//sodium//mmol/L 140 -",
            "700 760 LAB//sodium//mmol/L 140 -",
        ]
    )


def test_rows_that_are_set_aside_do_not_decide_whether_a_file_has_result_times(tmp_path: Path):
    other_stay = LAB | {"labresultrevisedoffset": 109, "patientunitstayid": 77}
    assert (
        events(tmp_path, "lab", LAB | {"labresultrevisedoffset": 100}, other_stay)
        == "100 160 LAB//sodium//mmol/L 140 -"
    )


def test_labels_of_units_that_cannot_be_right(tmp_path: Path):
    """Seen in the original rows of the demo: calcium in mmol/L under mg/dL, Fahrenheit under Celsius."""
    known = {"labresultoffset": 0, "labresultrevisedoffset": 5}
    rows = [
        known | {"labname": "ionized calcium", "labresult": 1.2, "labmeasurenamesystem": "mg/dL"},
        known | {"labname": "ionized calcium", "labresult": 4.8, "labmeasurenamesystem": "mg/dL"},
        known | {"labname": "ionized calcium", "labresult": 1.1, "labmeasurenamesystem": "mmol/L"},
        known | {"labname": "Temperature", "labresult": 98.6, "labmeasurenamesystem": "&#176;C"},
        known | {"labname": "Temperature", "labresult": 36.6, "labmeasurenamesystem": "&#176;C"},
    ]
    assert events(tmp_path, "lab", *rows) == "\n".join(
        [
            "0 5 LAB//Temperature//°C 36.6 -",
            "0 5 LAB//Temperature//°C 37 -",
            "0 5 LAB//ionized calcium//mmol/L 1.1 -",
            "0 5 LAB//ionized calcium//mmol/L 1.2 -",
            "0 5 LAB//ionized calcium//mmol/L 1.2 -",
        ]
    )


def test_first_day_variables_are_known_after_a_day_minus_one_is_missing(tmp_path: Path):
    row = {"intubated": 0, "eyes": 4, "heartrate": 104, "temperature": 98.6, "fio2": 0.4, "urine": -1, "ph": -1}
    assert events(tmp_path, "apacheApsVar", row) == "\n".join(
        [
            "0 1440 APS//eyes 4 -",
            "0 1440 APS//fio2 40 -",
            "0 1440 APS//heartrate 104 -",
            "0 1440 APS//intubated 0 -",
            "0 1440 APS//temperature 37 -",
        ]
    )


def test_first_day_flags_and_diagnosis(tmp_path: Path):
    row = {"diabetes": 1, "aids": 0, "electivesurgery": "", "admitdiagnosis": "SEPSISPULM", "diedinhospital": 1}
    assert events(tmp_path, "apachePredVar", row) == "\n".join(
        ["0 1440 APACHE//ADMIT_DIAGNOSIS//SEPSISPULM - -", "0 1440 APACHE//diabetes - -"]
    )


def test_published_scores(tmp_path: Path):
    row = {"apacheversion": "IVa", "apachescore": 60, "predictedhospitalmortality": "9.5E-2", "predictediculos": -1}
    row |= {"actualhospitalmortality": "EXPIRED", "unabridgedhosplos": 12.5, "predictedicumortality": 1.7}
    assert events(tmp_path, "apachePatientResult", row) == "\n".join(
        ["0 1440 APACHE//IVa//apachescore 60 -", "0 1440 APACHE//IVa//predictedhospitalmortality 0.095 -"]
    )


def test_periodic_vitals(tmp_path: Path):
    rows = [{"observationoffset": 7, "temperature": 37.1, "sao2": 96}, {"observationoffset": 60, "heartrate": 88}]
    assert events(tmp_path, "vitalPeriodic", *rows) == "\n".join(
        ["7 7 VITAL//sao2//% 96 -", "7 7 VITAL//temperature//C 37.1 -", "60 60 VITAL//heartrate//bpm 88 -"]
    )


def test_periodic_vitals_that_all_lie_on_the_hour_are_known_when_it_is_over(tmp_path: Path):
    rows = [{"observationoffset": 0, "heartrate": 80}, {"observationoffset": 60, "heartrate": 88}]
    assert (
        events(tmp_path, "vitalPeriodic", *rows) == "0 60 VITAL//heartrate//bpm 80 -\n60 120 VITAL//heartrate//bpm 88 -"
    )


def test_aperiodic_vitals_on_the_hour_are_known_at_once(tmp_path: Path):
    row = {"observationoffset": 60, "noninvasivesystolic": 121, "paop": 12, "svr": -50}
    assert events(tmp_path, "vitalAperiodic", row) == "\n".join(
        ["60 60 VITAL//noninvasivesystolic//mmHg 121 -", "60 60 VITAL//paop//mmHg 12 -"]
    )


def test_nurse_charting_is_known_when_it_was_entered(tmp_path: Path):
    cell = {"nursingchartoffset": 20, "nursingchartentryoffset": 33}
    names = {
        "Temperature (F)": "98.6",
        "Heart Rate": "80",
        "GCS Total": "15",
        "Non-Invasive BP Systolic": "120",
        "Pain Score": "3",
    }
    rows = [cell | {"nursingchartcelltypevalname": name, "nursingchartvalue": value} for name, value in names.items()]
    assert events(tmp_path, "nurseCharting", *rows) == "\n".join(
        [
            "20 33 VITAL//gcs// 15 -",
            "20 33 VITAL//heartrate//bpm 80 -",
            "20 33 VITAL//noninvasivesystolic//mmHg 120 -",
            "20 33 VITAL//temperature//C 37 -",
        ]
    )


def test_infusions_by_drug_and_what_their_rate_is_of(tmp_path: Path):
    names = {
        "Norepinephrine (mcg/min)": 5,
        "Norepinephrine (mg/hr)": 0.6,
        "Norepinephrine (mcg/kg/min)": 0.1,
        "Norepinephrine (ml/hr)": 12,
        "Norepinephrine ()": 3,
        "NOREPINEPHRINE": "",
        "Vasopressin (units/min)": 0.04,
        "Heparin (units/kg/hr)": 18,
        "Drug (with a (nested) name) (mcg/hr)": 60,
    }
    rows = [
        {"infusionoffset": minute, "drugname": name, "drugrate": rate}
        for minute, (name, rate) in enumerate(names.items())
    ]
    assert events(tmp_path, "infusionDrug", *rows) == "\n".join(
        [
            "0 0 INFUSION//norepinephrine//mcg/min 5 -",
            "1 1 INFUSION//norepinephrine//mcg/min 10 -",
            "2 2 INFUSION//norepinephrine//mcg/kg/min 0.1 -",
            "3 3 INFUSION//norepinephrine//mL/hr 12 -",
            "4 4 INFUSION//norepinephrine// 3 -",
            "5 5 INFUSION//norepinephrine// - -",
            "6 6 INFUSION//vasopressin//units/hr 2.4 -",
            "7 7 INFUSION//heparin//units/kg/hr 18 -",
            "8 8 INFUSION//drug (with a (nested) name)//mcg/min 1 -",
        ]
    )


def test_intake_and_output_are_known_when_they_were_entered(tmp_path: Path):
    path = "flowsheet|Flowsheet Cell Labels|I&O|"
    cells = [
        ("Output (ml)|Urine", "Urine", 250),
        ("Output (ml)|Foley", "Foley cath", 100),
        ("Output (ml)|Stool", "Stool", 30),
        ("Intake (ml)|Generic Intake (ml)|P.O.", "P.O.", 180),
        ("Weight|Bodyweight (kg)", "Bodyweight (kg)", 71.3),
        ("Weight|Bodyweight (lb)", "Bodyweight (lb)", 157.2),
        ("Dialysis|Dialysis", "Dialysis out", 900),
    ]
    rows = [
        {
            "intakeoutputoffset": n,
            "intakeoutputentryoffset": 75,
            "cellpath": path + where,
            "celllabel": label,
            "cellvaluenumeric": value,
        }
        for n, (where, label, value) in enumerate(cells)
    ]
    assert events(tmp_path, "intakeOutput", *rows) == "\n".join(
        [
            "0 75 IO//urine//mL 250 -",
            "1 75 IO//urine//mL 100 -",
            "2 75 IO//output//stool//mL 30 -",
            "3 75 IO//intake//p.o.//mL 180 -",
            "4 75 IO//weight//kg 71.3 -",
            "5 75 IO//weight//kg 71.3047 -",
            "6 75 IO//dialysis//dialysis out//mL 900 -",
        ]
    )


def test_past_history_is_known_when_it_was_entered(tmp_path: Path):
    path = "notes/Progress Notes/Past History/Organ Systems/Endocrine (R)/diabetes"
    row = {"pasthistoryoffset": 5, "pasthistoryenteredoffset": 8, "pasthistorypath": path}
    assert events(tmp_path, "pastHistory", row) == "5 8 HISTORY//Organ Systems|Endocrine (R)|diabetes - -"


def by_hand(row: dict[str, str]) -> tuple[int, int, str, float | None, str | None] | None:
    """One original laboratory row as an event, reckoned without the code under test but for its list of ranges."""
    name, unit, number = row["labname"], row["labmeasurenamesystem"], row["labresult"]
    value = float(number) if number else None
    if value is None and not row["labresulttext"]:
        return None
    drawn, revised = int(row["labresultoffset"]), int(row["labresultrevisedoffset"])
    if name in EICU_LABS:
        quantity = EICU_LABS[name]
        if unit == "&#176;C":
            unit = "°C"
            value = (value - 32) * 5 / 9 if value is not None and value > 77 else value
        if name == "FiO2" and value is not None and value <= 1:
            value *= 100
        if name == "ionized calcium":
            unit, value = "mmol/L", value * 0.25 if value is not None and value >= 2 else value
        if name == "CRP":
            unit, value = "mg/L", None if value is None else value * 10
        if unit == "" and name == "PT - INR":
            unit = "ratio"
        assert unit == quantity.unit, (name, unit)
        if value is not None and not quantity.low <= value <= quantity.high:
            return None
    text = row["labresulttext"].strip() if value is None else None
    return drawn, max(drawn, revised), f"LAB//{name}//{unit}", value, text


def test_a_first_day_value_that_is_declared_otherwise_does_not_build():
    frame = pl.DataFrame({"row": [0]})
    with pytest.raises(ValueError, match=r"apachePredVar\.diedinhospital is not declared as known at 24 h"):
        _at_24_h(frame, raw.APACHE_PREDICTORS, "diabetes", "diedinhospital")


@pytest.mark.data
def test_the_original_laboratory_rows_of_the_demo_row_by_row(tmp_path: Path):
    text = gzip.decompress((demo_folder("eicu-demo-raw-lab") / "lab.csv.gz").read_bytes()).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    stays = RawEicu()
    for stay in sorted({int(row["patientunitstayid"]) for row in rows}):
        stays.patient(stay)
    folder = stays.write(tmp_path / "raw")
    (folder / "lab.csv.gz").write_bytes(gzip.compress(text.encode()))
    data = prepare(folder, tmp_path / "data")
    expected = [(int(row["patientunitstayid"]), *event) for row in rows if (event := by_hand(row)) is not None]
    table = data.timeline.filter(pl.col("code").str.starts_with("LAB//"))
    right = pl.DataFrame(expected, schema=table.schema, orient="row", strict=False)
    keys = ["stay_id", "minute", "known", "code", "text"]
    right = right.sort(*keys, "value")
    table = table.sort(*keys, "value")
    assert table.select(keys).equals(right.select(keys))
    assert ((table["value"] - right["value"]).abs() <= 1e-6 * right["value"].abs()).all()
    account = data.ledger["lab"]
    assert account["rows_in"] == len(rows) == 21_708
    assert account["rows_out"] == right.height
    assert account["set_aside"] == {"implausible value": 3}
    assert (table["known"] > table["minute"]).mean() > 0.8
