"""Quantities: what their tables hold (`promises/test_13_units.py` has the conversions)."""

import polars as pl

from wardround.sources.units import (
    EICU_APS,
    EICU_LABS,
    EICU_SCORES,
    INFUSION_RATES,
    VITALS,
    Quantity,
    conversion_table,
)


def test_a_quantity_lists_its_units_canonical_first():
    assert Quantity("C", 20, 46, {"F": (1.0, 2.0)}).spellings == ("C", "F")
    assert Quantity("%", 0, 1).spellings == ("%",)


def test_a_conversion_table_has_a_row_a_unit():
    table = conversion_table({"heat": Quantity("°C", 20, 46, {"F": (0.5, -16.0)})})
    assert table.sort("unit_key").rows() == [
        ("heat", "c", 1.0, 0.0, "°C", 20.0, 46.0),
        ("heat", "f", 0.5, -16.0, "°C", 20.0, 46.0),
    ]
    assert conversion_table({}).schema == table.schema
    assert table.schema["factor"] == pl.Float64


def test_no_quantity_spells_its_own_unit_among_the_others_with_another_factor():
    for table in (EICU_LABS, VITALS, EICU_APS, EICU_SCORES, INFUSION_RATES):
        conversion_table(table)


def test_every_first_day_variable_has_a_quantity():
    from wardround.sources.eicu.columns import APS_VALUES

    assert set(EICU_APS) == set(APS_VALUES.split())


def test_what_is_measured_in_two_tables_has_one_unit():
    for aps, lab in (
        ("sodium", "sodium"),
        ("creatinine", "creatinine"),
        ("pao2", "paO2"),
        ("fio2", "FiO2"),
        ("wbc", "WBC x 1000"),
    ):
        assert EICU_APS[aps] is EICU_LABS[lab]


def test_every_rate_is_told_from_the_others_by_its_unit():
    units = [unit for quantity in INFUSION_RATES.values() for unit in quantity.spellings]
    assert len(units) == len(set(units))
