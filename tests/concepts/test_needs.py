"""What data must have for a concept: codes as of eICU, of the Challenge, and of MIMIC-IV without a vasopressor."""

import pytest

from wardround.concepts.infusions import ENDS, RATES
from wardround.concepts.known import CONCEPTS
from wardround.concepts.needs import Need, needs_of, unmet

SHARED = {
    *("LAB//platelets x 1000//K/mcL", "LAB//total bilirubin//mg/dL", "LAB//creatinine//mg/dL", "LAB//paO2//mm Hg"),
    *("LAB//FiO2//%", "VITAL//systemicmean//mmHg", "VITAL//gcs//", "IO//urine//mL", "VITAL//heartrate//bpm"),
    *("VITAL//noninvasivesystolic//mmHg", "VITAL//respiration///min", "VITAL//temperature//C", "LAB//BUN//mg/dL"),
    *("LAB//WBC x 1000//K/mcL", "LAB//potassium//mmol/L", "LAB//sodium//mmol/L", "LAB//bicarbonate//mmol/L"),
    *("LAB//PT//sec", "LAB//Hct//%", "LAB//albumin//g/dL", "LAB//glucose//mg/dL", "LAB//pH//", "LAB//paCO2//mm Hg"),
    *("WEIGHT//kg", "MEDICATION//NAME//INSULIN"),
}
CHALLENGE = SHARED
EICU = SHARED | {"INFUSION//norepinephrine//mcg/kg/min", "INFUSION//vasopressin//units/hr"}
MIMIC4 = SHARED - {"VITAL//gcs//"} | {
    *("VITAL//gcs eyes//", "VITAL//gcs verbal//", "VITAL//gcs motor//", "LAB//Specimen Type (Blood)//"),
    "SPECIMEN//URINE",
    *("CHART//O2 Delivery Device(s)", "CHART//Ventilator Mode//", "INFUSION//nacl 0.9%//mL/hr"),
    *("INFUSION_AMOUNT//nacl 0.9%//ml", "AGE"),
    *("DIAGNOSIS//ICD//10//I509", "ADMISSION_TYPE//URGENT", "SERVICE//MED"),
}
COMA = ["gcs eyes", "gcs verbal", "gcs motor"]
GAS = ["which blood is arterial", "ventilation"]
CAME = ["type of admission", "service"]


def lacking(name: str, codes: set[str]) -> list[str]:
    return [need.part for need in unmet(CONCEPTS[name].needs, codes)]


def test_eicu_has_urine_kidneys_and_the_17_variables_alone():
    assert lacking("urine_output", EICU) == lacking("hourly17", EICU) == lacking("kdigo", EICU) == []
    assert lacking("phenotypes", EICU) == lacking("charlson", EICU) == ["ICD diagnoses"]
    assert lacking("suspicion_of_infection", EICU) == ["specimens taken"]
    assert lacking("gcs", EICU) == COMA
    assert lacking("ventilation", EICU) == ["the device that gives oxygen", "the ventilator's mode"]
    assert lacking("vis", EICU) == ["drugs given", "ends of vasopressors"]
    assert lacking("sofa", EICU) == [*COMA, *GAS, "drugs given", "ends of vasopressors"]
    assert lacking("sapsii", EICU) == [*COMA, *GAS, *CAME, "diagnoses"]
    assert lacking("oasis", EICU) == ["ventilation", *COMA, *CAME]
    assert lacking("lods", EICU) == [*COMA, *GAS]


def test_the_challenge_has_urine_kidneys_and_the_17_variables_alone():
    assert lacking("urine_output", CHALLENGE) == lacking("hourly17", CHALLENGE) == lacking("kdigo", CHALLENGE) == []
    assert lacking("vis", CHALLENGE) == ["drugs given"]
    assert lacking("sofa", CHALLENGE) == [*COMA, *GAS, "drugs given"]


@pytest.mark.parametrize("name", CONCEPTS)
def test_mimic_has_all_of_them_with_a_vasopressor_and_without(name: str):
    assert lacking(name, MIMIC4) == []
    assert lacking(name, MIMIC4 | {next(iter(RATES)), next(iter(ENDS))}) == []
    assert lacking(name, MIMIC4 - {"INFUSION_AMOUNT//nacl 0.9%//ml"} | {"BOLUS_AMOUNT//nacl 0.9%//ml"}) == []


def test_rates_without_an_end_are_refused():
    assert lacking("vis", MIMIC4 | {next(iter(RATES))}) == ["ends of vasopressors"]


@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("LAB//platelets x 1000//K/mcL", "platelets"),
        ("LAB//total bilirubin//mg/dL", "bilirubin"),
        ("VITAL//systemicmean//mmHg", "mean pressure"),
        ("LAB//paO2//mm Hg", "PaO2"),
        ("LAB//FiO2//%", "FiO2"),
    ],
)
def test_each_part_of_sofa_is_needed(code: str, part: str):
    assert lacking("sofa", MIMIC4 - {code}) == [part]


def test_the_kidneys_need_creatinine_or_urine():
    creatinine, urine = "LAB//creatinine//mg/dL", "IO//urine//mL"
    assert lacking("sofa", MIMIC4 - {creatinine}) == lacking("sofa", MIMIC4 - {urine}) == []
    assert lacking("sofa", MIMIC4 - {creatinine, urine}) == ["creatinine or urine"]


def test_a_name_of_several_codes_needs_one_of_them():
    assert needs_of({"A": "x", "B": "y", "C": "x"}) == (Need("x", ("A", "C")), Need("y", ("B",)))
