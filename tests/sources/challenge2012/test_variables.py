"""Parameters of the Challenge: all of them, in units that convert, under codes that eICU shares."""

from itertools import pairwise

from wardround.events import INPUT_MODALITIES
from wardround.sources.challenge2012.variables import ADMISSION_WEIGHT, CATEGORIES, MODALITIES, VARIABLES
from wardround.sources.units import EICU_LABS, VITALS, unit_key

PUBLISHED = (
    "RecordID Age Gender Height ICUType Weight Albumin ALP ALT AST Bilirubin BUN Cholesterol Creatinine DiasABP FiO2 "
    "GCS Glucose HCO3 HCT HR K Lactate Mg MAP MechVent Na NIDiasABP NIMAP NISysABP PaCO2 PaO2 pH Platelets RespRate "
    "SaO2 SysABP Temp TroponinI TroponinT Urine WBC"
)
"""The table of variables on physionet.org/content/challenge-2012."""


def test_every_published_parameter_has_a_place_and_no_other():
    assert {"RecordID", *VARIABLES, *CATEGORIES} == set(PUBLISHED.split())
    assert len(PUBLISHED.split()) == 42


def test_every_unit_is_one_that_the_quantity_takes():
    for name, variable in {**VARIABLES, "admission weight": ADMISSION_WEIGHT}.items():
        assert unit_key(variable.unit) in {unit_key(unit) for unit in variable.quantity.spellings}, name


def test_modalities_are_inputs_in_their_one_order():
    of_numbers = {variable.modality for variable in VARIABLES.values()}
    assert set(MODALITIES) == of_numbers
    assert all(a < b for a, b in pairwise(INPUT_MODALITIES.index(name) for name in MODALITIES))


def test_codes_are_distinct_and_those_that_eicu_has_are_spelled_as_there():
    codes = [variable.code for variable in VARIABLES.values()]
    assert len(set(codes)) == len(codes)
    assert ADMISSION_WEIGHT.code not in codes
    shared = {f"VITAL//{name}//{of.unit}" for name, of in VITALS.items()}
    shared |= {f"LAB//{name}//{of.unit}" for name, of in EICU_LABS.items()}
    others = [code for code in codes if code.startswith(("VITAL//", "LAB//")) and code not in shared]
    assert others == ["LAB//total cholesterol//mg/dL"], "eICU has it too, with its unit in its code"
