"""MIMIC-III's results of the laboratory and of cultures: known a stated delay after the draw."""

from pathlib import Path

from raw_mimic3 import RawMimic3, events


def drawn(folder: Path, table: str, *rows: dict[str, object], modalities: tuple[str, ...]) -> str:
    """Rows of stay 1 as "minute known code value text"."""
    raw = RawMimic3().named().stay(1)
    for row in rows:
        raw.add(table, 1, **{"charttime": "2151-01-01 13:00:00"} | row)
    return "\n".join(line.removeprefix("1 ") for line in events(folder, raw, *modalities).splitlines())


def test_results_are_known_three_hours_after_the_draw_and_gases_after_one(tmp_path: Path):
    rows = [
        {"itemid": 50971, "value": "4.1", "valuenum": 4.1, "valueuom": "mEq/L"},
        {"itemid": 50820, "value": "7.3", "valuenum": 7.3, "valueuom": "units"},
        {"itemid": 50800, "value": "ART"},
        {"itemid": 51274, "value": "13", "valuenum": 13, "valueuom": "SECONDS"},
        {"itemid": 50817, "value": "97", "valuenum": 97},
        {"itemid": 51478, "value": "NEG", "valueuom": "mg/dL", "hadm_id": ""},
    ]
    assert drawn(tmp_path, "labevents", *rows, modalities=("lab", "blood_gas")) == "\n".join(
        [
            "60 120 LAB//Specimen Type (Blood)// - ART",
            "60 120 LAB//pH// 7.3 -",
            "60 240 LAB//Glucose (Urine)//mg/dL - NEG",
            "60 240 LAB//O2 Sat (%)//% 97 -",
            "60 240 LAB//PT//sec 13 -",
            "60 240 LAB//potassium//mmol/L 4.1 -",
        ]
    )


def test_what_grew_is_known_after_a_week_and_that_a_specimen_was_taken_at_once(tmp_path: Path):
    day = {"chartdate": "2151-01-01 00:00:00"}
    rows = [
        day | {"spec_type_desc": "URINE", "org_name": "ESCHERICHIA COLI", "ab_name": "CEFEPIME", "interpretation": "S"},
        day | {"spec_type_desc": "SPUTUM"},
        day | {"spec_type_desc": "SWAB", "charttime": ""},
    ]
    assert drawn(tmp_path, "microbiologyevents", *rows, modalities=("microbiology", "charting")) == "\n".join(
        [
            "60 60 SPECIMEN//SPUTUM - -",
            "60 60 SPECIMEN//URINE - -",
            "60 10140 MICROBIOLOGY//SPUTUM - -",
            "60 10140 MICROBIOLOGY//URINE||ESCHERICHIA COLI - -",
            "60 10140 SUSCEPTIBILITY//ESCHERICHIA COLI|CEFEPIME|S - -",
            "720 720 SPECIMEN//SWAB - day alone",
            "720 10800 MICROBIOLOGY//SWAB - -",
        ]
    )
