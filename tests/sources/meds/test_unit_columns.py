"""Which columns may hold units, by their names alone."""

import pytest

from wardround.sources.meds.unit_columns import may_hold_units

UNITS = """
unit units Unit UNITS uom UOM ucum valueuom VALUEUOM valueUOM amountuom rateuom originalamountuom value_unit
valueunit numeric_value_unit unit_code unit_name unit_id unitname unit_source unit_source_value unit_concept_id
unit_concept_name unit_concept_code unit_source_concept_id unit_of_measure unitOfMeasure unit_of_measurement lab_unit
lab_units result_unit resultUnits measurement_unit original_unit orig_unit dose_unit dose_unit_rx doseUnitRx doseunit
drug_unit rate_unit infusion_rate_unit dosage_units valuenum_uom uom_code uomCode ucum_unit ucumcode std_unit si_unit
reference_range_unit lab_unit_type admission_weight_unit discharge_weight_uom patientweightunit bed_height_units
unit.code unit-code time_unit age_unit unit_2 unit1
"""

OTHERS = """
care_unit careunit first_careunit last_careunit prev_careunit curr_careunit careUnit care_unit_name hospital_unit
icu_unit nursing_unit unit_stay unit_stay_id patientunitstayid unitstaytype unittype unitType unit_type unitnumber
unit_number unitvisitnumber unitadmitsource unitadmittime24 unitdischargestatus unitdischargelocation
unitdischargeoffset unit_discharge_status admitting_unit transfer_from_unit discharge_unit unit_bed unit_location
visit_unit emergency_unit intensive_care_unit surgical_unit medical_unit organizational_unit stroke_unit_id
community immunity opportunity opportunities united punitive ammunition unity
priority value code text_value ward stay_id route continuomonitor fluid menu_item
"""


@pytest.mark.parametrize("column", UNITS.split())
def test_these_may(column: str):
    assert may_hold_units(column)


@pytest.mark.parametrize("column", OTHERS.split())
def test_these_are_none(column: str):
    assert not may_hold_units(column)


def test_no_name_takes_long():
    """A name comes out of a file of somebody's."""
    assert may_hold_units("unitsicu" * 10_000 + "x")
    assert not may_hold_units("careunit" * 10_000)
