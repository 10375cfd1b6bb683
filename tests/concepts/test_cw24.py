"""The paragraph of the first 24 hours, by hand: its words, what is in it, and that nothing later is."""

import hashlib

import polars as pl

from concept_timelines import Event, at, events, stays
from wardround.concepts.cw24 import cw24
from wardround.concepts.cw24_template import VERSION, Missing, paragraph
from wardround.events import TIME

EYES, VERBAL, MOTOR = ("VITAL//gcs eyes//", "VITAL//gcs verbal//", "VITAL//gcs motor//")
PULSE, SODIUM, CREATININE = ("VITAL//heartrate//bpm", "LAB//sodium//mmol/L", "LAB//creatinine//mg/dL")
TOBACCO = "CHART//Tobacco Use History"
PERSON: list[Event] = [
    *((1, 0, "AGE", 67), (1, 0, "GENDER//Female", None), (1, 0, "ETHNICITY//Caucasian|WHITE", None)),
    *((1, 0, "MARITAL_STATUS//DIVORCED", None), (1, 0, "INSURANCE//Medicare", None), (1, 0, "UNITTYPE//MICU", None)),
    *((1, 0, "BEFORE_UNIT//h", 1.5), (1, 0, "ADMISSION_LOCATION//EMERGENCY ROOM", None)),
    (1, 0, "ADMISSION_TYPE//EW EMER.", None),
]
BODY: list[Event] = [
    *((1, 10, "WEIGHT//kg", 80.25), (1, 700, "WEIGHT//kg", 81.3), (1, 10, "HEIGHT//cm", 165)),
    *((1, 30, "IO//urine//mL", 400), (1, 90, "IO//urine//mL", 300), (1, 30, PULSE, 60), (1, 90, PULSE, 95)),
    *((1, 30, EYES, 4), (1, 30, VERBAL, 5), (1, 30, MOTOR, 6), (1, 30, SODIUM, 134), (1, 90, SODIUM, 140)),
    *((1, 30, CREATININE, 1.24), (1, 30, TOBACCO, "Never used"), (1, 30, "CHART//ETOH//", 1)),
]
WORKED = (
    "The patient is a 67-year-old woman, Caucasian, divorced, insurance Medicare. Admission: unit MICU, 1.5 hours "
    "after admission to hospital, from EMERGENCY ROOM, type EW EMER. Severity scores: SOFA 1; SAPS II without chronic "
    "diseases 24; OASIS 21; LODS 0; APS III 9. Measurements: weight 81.3 kilograms; height 165 centimetres; urine of "
    "the 24 hours 700 millilitres. Vital signs, lowest, mean and highest: heart rate 60, 78 and 95 beats per minute; "
    "Glasgow coma scale 15. Laboratory values, lowest and highest: sodium 134 and 140 millimoles per litre; creatinine "
    "1.2 milligrams per decilitre. Lifestyle: tobacco: Never used; alcohol: yes."
)
PINNED = "7fc7996e1b04f98318d4db1bbf8193efb5b30c86e9cefdd98396507e78db6e43"
"""Of the paragraph of nothing at all, which has the words of every fact."""


def text(*told: Event, missing: Missing = "left out") -> str | None:
    made = cw24(events(*told), stays({1: 40}, age=67), missing)
    return made["text"].item() if made.height else None


def test_the_worked_example():
    """SOFA: creatinine 1. SAPS II: age 12, a pulse below 70 2, urine 4, no elective surgery 6. OASIS: 90 minutes before
    the unit 3, age 6, a pulse of 95 1, urine 5, no elective surgery 6. APS III: sodium of 134 2, urine 7. The mean
    pulse is 77.5, the older weight is forgotten."""
    assert text(*PERSON, *BODY) == WORKED


def test_the_template_is_pinned():
    """Another wording of the same facts is another version: change both."""
    whole = paragraph({}, "said")
    assert (VERSION, hashlib.sha256(whole.encode()).hexdigest()) == ("cw24-1", PINNED), whole


def test_what_is_missing_is_left_out_or_said():
    only = [(1, 0, "GENDER//Male", None), (1, 30, PULSE, 80)]
    assert text(*only) == "The patient is a man. Vital signs, lowest, mean and highest: heart rate 80 beats per minute."
    said = text(*only, missing="said")
    assert said is not None
    assert said.startswith("The patient is a man of unknown age, ethnicity not recorded, marital status not recorded, ")
    assert "heart rate 80 beats per minute; systolic blood pressure not recorded; " in said
    assert said.endswith("Lifestyle: tobacco not recorded; alcohol not recorded; recreational drugs not recorded.")
    assert text() is None


def test_only_what_was_known_after_24_hours_is_in_it():
    """Not what was measured in them and came later, nor what another stay of the patient heard later."""
    late = [(1, 100, SODIUM, 150, 1441), (1, 1441, PULSE, 200), (1, 9000, "DIAGNOSIS//ICD//10//C787", None)]
    assert text(*PERSON, *BODY, *late) == WORKED
    both = stays({1: 40, 2: 40}).with_columns(subject_id=pl.lit(7, pl.Int64))
    both = both.with_columns(start=pl.when(pl.col("stay_id") == 2).then(pl.lit(at(600), TIME)).otherwise("start"))
    told = events((2, 700, SODIUM, 150), (2, 1430, SODIUM, 155, 1500), (1, 0, "AGE", 67), (2, 600, "AGE", 67))
    texts = dict(cw24(told, both).select("stay_id", "text").rows())
    assert texts[1].endswith("sodium 150 millimoles per litre.")
    assert texts[2].endswith("sodium 150 and 155 millimoles per litre.")


def test_it_is_available_when_the_24_hours_are_over_also_of_a_stay_that_ended_before():
    for hours in (3, 40, None):
        assert cw24(events(*PERSON), stays({1: hours}))["available_time"].to_list() == [at(1440)]


def test_scores_are_said_where_the_coma_scale_was_charted_in_parts():
    without = text(*PERSON, *(event for event in BODY if event[2] not in (EYES, VERBAL, MOTOR)))
    assert without is not None
    assert "Severity" not in without
    of_apache = pl.concat([events(*PERSON), events((1, 0, "APS//heartrate", 155), modality="aps")])
    assert "Severity scores: APS III 17." in cw24(of_apache, stays({1: 40}))["text"].item()


def test_sodium_is_of_serum_and_ph_of_a_blood_gas():
    gas = events((1, 30, SODIUM, 120), (1, 30, "LAB//pH//", 7.31), modality="blood_gas")
    said = cw24(pl.concat([events((1, 30, SODIUM, 140)), gas]), stays({1: 40}))["text"].item()
    assert said == "Laboratory values, lowest and highest: sodium 140 millimoles per litre; pH 7.31."


def test_words_that_say_nothing_are_left_out():
    told = ("ETHNICITY//Other/Unknown|UNABLE TO OBTAIN", "MARITAL_STATUS//UNKNOWN (DEFAULT)", "GENDER//Male")
    assert text(*((1, 0, code, None) for code in told)) == "The patient is a man."
