"""Promise 13: the same values in other units give the same timeline; an unknown unit is set aside and counted."""

import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl
import pytest

from raw_eicu import SCALE, RawEicu, none_of, prepare, tiny
from wardround.sources.conversion import in_canonical_units
from wardround.sources.units import (
    EICU_APS,
    EICU_LABS,
    EICU_SCORES,
    INFUSION_RATES,
    VITALS,
    Quantity,
    conversion_table,
    unit_key,
)

pytestmark = pytest.mark.usefixtures("fast_fsync")

ALL: dict[str, Mapping[str, Quantity]] = {
    "lab": EICU_LABS,
    "vital": VITALS,
    "aps": EICU_APS,
    "score": EICU_SCORES,
    "infusion": INFUSION_RATES,
}
CODED = [(group, name, unit) for group, table in ALL.items() for name, of in table.items() for unit in of.spellings]


def other_way(quantity: Quantity, unit: str, value: float) -> float:
    """A canonical value in another unit, from the declared conversion."""
    factor, shift = quantity.others.get(unit, (1.0, 0.0))
    return (value - shift) / factor


def converted(table: Mapping[str, Quantity], rows: list[tuple[str, float, str | None]]) -> pl.DataFrame:
    """(name, number, unit) rows in canonical units."""
    schema = {"name": pl.String, "number": pl.Float64, "unit": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(reason=pl.lit(None, pl.String))
    return in_canonical_units(frame, table, "name", "number", "unit")


def inside(quantity: Quantity, share: float) -> float:
    return quantity.low + share * (quantity.high - quantity.low)


@pytest.mark.parametrize("group", ALL)
def test_every_coded_unit_goes_there_and_back(group: str):
    table = ALL[group]
    rows, right = [], []
    for name, quantity in table.items():
        for unit in quantity.spellings:
            for share in (0.01, 0.3, 0.99):
                rows.append((name, other_way(quantity, unit, inside(quantity, share)), unit or None))
                right.append(inside(quantity, share))
    made = converted(table, rows)
    assert made.height == len(rows), "a value became two"
    assert made["reason"].null_count() == len(rows)
    assert made["unit"].to_list() == [table[name].unit for name, _, _ in rows]
    error = (made["number"] - pl.Series(right)).abs() / pl.Series(right).abs().clip(lower_bound=1e-12)
    assert error.max() <= 1e-9
    print(f"{group}: {sum(1 for each in CODED if each[0] == group)} coded units, largest error {error.max():.1e}")


AMA = {
    ("glucose", "mmol/L"): 180.156 / 10,
    ("BUN", "mmol/L"): 28.013 / 10,
    ("calcium", "mmol/L"): 40.078 / 10,
    ("magnesium", "mmol/L"): 24.305 / 10,
    ("magnesium", "mEq/L"): 24.305 / 20,
    ("phosphate", "mmol/L"): 30.974 / 10,
    ("triglycerides", "mmol/L"): 885.4 / 10,
    ("creatinine", "umol/L"): 113.12 / 10_000,
    ("total bilirubin", "umol/L"): 584.66 / 10_000,
    ("ammonia", "umol/L"): 17.031 / 10,
    ("lactate", "mg/dL"): 10 / 90.08,
    ("ionized calcium", "mg/dL"): 10 / 40.078,
    ("paCO2", "kPa"): 7.50062,
    ("fibrinogen", "g/L"): 100.0,
    ("albumin", "g/L"): 0.1,
    ("Hct", "L/L"): 100.0,
    ("CRP", "mg/dL"): 10.0,
    ("troponin - T", "ng/L"): 0.001,
}
"""Factors from molar masses (g/mol), reckoned apart from the table under test."""


def test_factors_agree_with_molar_masses():
    for (name, unit), factor in AMA.items():
        assert EICU_LABS[name].others[unit][0] == pytest.approx(factor, rel=0.01), (name, unit)


@pytest.mark.parametrize(
    ("table", "name", "unit", "value", "canonical"),
    [
        (VITALS, "temperature", "F", 98.6, 37.0),
        (VITALS, "temperature", "F", 104.0, 40.0),
        (VITALS, "weight", "lb", 220.462262, 100.0),
        (VITALS, "height", "in", 70.0, 177.8),
        (EICU_LABS, "Temperature", "&#176;C", 36.6, 36.6),
        (EICU_LABS, "FiO2", "fraction", 0.21, 21.0),
        (EICU_LABS, "paO2", "kPa", 12.0, 90.007),
        (EICU_LABS, "glucose", "mmol/L", 5.55, 100.0),
        (EICU_LABS, "creatinine", "\u00b5mol/L", 88.4, 1.0),
        (EICU_LABS, "creatinine", "\u03bcmol/L", 88.4, 1.0),
        (EICU_LABS, "creatinine", "MCMOL / L", 88.4, 1.0),
        (INFUSION_RATES, "mass", "mg/hr", 6.0, 100.0),
        (INFUSION_RATES, "units", "units/min", 0.04, 2.4),
    ],
)
def test_values_that_everybody_knows(
    table: Mapping[str, Quantity], name: str, unit: str, value: float, canonical: float
):
    made = converted(table, [(name, value, unit)])
    assert made["reason"].to_list() == [None]
    assert made["number"].item() == pytest.approx(canonical, rel=1e-4)


@pytest.mark.parametrize("group", ALL)
def test_an_unknown_unit_is_set_aside(group: str):
    made = converted(ALL[group], [(name, inside(of, 0.5), "furlongs") for name, of in ALL[group].items()])
    assert made["reason"].to_list() == ["unknown unit"] * len(ALL[group])


def test_no_unit_is_an_unknown_unit_where_the_quantity_has_one():
    made = converted(EICU_LABS, [("glucose", 100.0, None), ("pH", 7.4, None), ("PT - INR", 1.1, None)])
    assert made["reason"].to_list() == ["unknown unit", None, None]


def test_a_quantity_that_is_not_declared_keeps_its_own_unit():
    made = converted(EICU_LABS, [("Tacrolimus-FK506", 8.0, "ng/mL"), ("urinary sodium", 40.0, None)])
    assert made.select("number", "unit", "reason").rows() == [(8.0, "ng/mL", None), (40.0, "", None)]


@pytest.mark.parametrize("group", ALL)
def test_every_code_has_a_plausible_range_and_keeps_to_it(group: str):
    for name, quantity in ALL[group].items():
        width = quantity.high - quantity.low
        assert 0 < width < 1e7, name
        rows = [quantity.low, quantity.high, quantity.low - 0.01 * width, quantity.high + 0.01 * width, float("inf")]
        reasons = converted(ALL[group], [(name, value, quantity.unit) for value in rows])["reason"].to_list()
        assert reasons == [None, None, *["implausible value"] * 3], name


def test_two_spellings_of_one_unit_are_one_row_of_the_table():
    table = conversion_table({"heat": Quantity("°C", 0, 1, {"C": (1.0, 0.0), " c ": (1.0, 0.0)})})
    assert table.height == 1
    for quantities in ALL.values():
        made = conversion_table(quantities)
        assert made.select("name", "unit_key").is_unique().all()


def test_two_conversions_of_one_unit_do_not_build():
    with pytest.raises(ValueError, match="heat: unit °C converts in two ways"):
        conversion_table({"heat": Quantity("°C", 0, 1, {"C": (2.0, 0.0)})})


def test_unit_keys():
    spellings = {"µg/L": "ug/l", "mcg/L": "ug/l", "μg/l": "ug/l", "mm Hg": "mmhg", "&#176;C": "c", "°F": "f", "": ""}
    assert {unit: unit_key(unit) for unit in spellings} == spellings


@pytest.mark.slow
def test_tables_of_mixed_units():
    """Rows of any quantity in any of its units, spelled in any case: the canonical values come back."""
    rng, count = random.Random(13), max(100, round(10_000 * SCALE))
    worst = 0.0
    for _ in range(count):
        table = ALL[rng.choice(["lab", "vital", "aps", "infusion"])]
        rows, right = [], []
        for _ in range(rng.randint(1, 12)):
            name = rng.choice(sorted(table))
            unit = rng.choice(table[name].spellings)
            right.append(inside(table[name], rng.random()))
            spelled = rng.choice([unit, unit.upper(), unit.lower(), f" {unit}", unit.replace("/", " / ")])
            rows.append((name, other_way(table[name], unit, right[-1]), spelled))
        made = converted(table, rows)
        assert made["reason"].null_count() == made.height == len(rows)
        worst = max(worst, *((made["number"] - pl.Series(right)).abs() / pl.Series(right).abs().clip(1e-12)))
    assert worst <= 1e-9
    print(f"tables that differ: {none_of(count)}, largest error {worst:.1e}")


def mixed(rng: random.Random | None) -> RawEicu:
    """Labs, vital signs, weights, rates and first-day values; with a `rng` each row in a unit of its choice."""
    raw, row = tiny(), random.Random(7)
    for number in range(300):
        name = sorted(EICU_LABS)[number % len(EICU_LABS)]
        quantity = EICU_LABS[name]
        unit = rng.choice(quantity.spellings) if rng else quantity.unit
        value = inside(quantity, row.uniform(0.05, 0.95))
        shown = other_way(quantity, unit, value)
        as_fraction = name == "FiO2" and unit == "fraction"
        minute = {"labresultoffset": number, "labresultrevisedoffset": number + 5}
        raw.add(
            "lab",
            **minute,
            patientunitstayid=1,
            labname=name,
            labresult=repr(shown),
            labmeasurenamesystem="%" if as_fraction else unit,
        )
    for number in range(60):
        celsius, kg, rate = row.uniform(33, 41), row.uniform(40, 150), row.uniform(0.1, 50)
        fahrenheit, pounds = (bool(rng and rng.random() < 0.5) for _ in range(2))
        heat = repr(celsius * 9 / 5 + 32 if fahrenheit else celsius)
        raw.add("vitalPeriodic", patientunitstayid=2, observationoffset=number * 7 + 1, temperature=heat)
        cell = {"nursingchartcelltypevalname": f"Temperature ({'F' if fahrenheit else 'C'})", "nursingchartvalue": heat}
        raw.add("nurseCharting", patientunitstayid=3, nursingchartoffset=number, nursingchartentryoffset=number, **cell)
        label = f"Bodyweight ({'lb' if pounds else 'kg'})"
        cell = {"cellpath": f"flowsheet|Flowsheet Cell Labels|I&O|Weight|{label}", "celllabel": label}
        cell["cellvaluenumeric"] = repr(kg / 0.45359237 if pounds else kg)
        raw.add("intakeOutput", patientunitstayid=3, intakeoutputoffset=number, intakeoutputentryoffset=number, **cell)
        kind = row.choice(["mass", "mass per kg", "units", "units per kg", "volume"])
        unit = rng.choice(INFUSION_RATES[kind].spellings) if rng else INFUSION_RATES[kind].unit
        drug = {"drugname": f"{kind} ({unit})", "drugrate": repr(other_way(INFUSION_RATES[kind], unit, rate))}
        raw.add("infusionDrug", patientunitstayid=1, infusionoffset=number, **drug)
    for stay, fio2, celsius in ((1, 21, 36.0), (2, 40, 39.5), (3, 100, 34.1)):
        share = fio2 / 100 if rng else fio2
        heat = celsius * 9 / 5 + 32 if rng else celsius
        raw.rows["apacheApsVar"][stay - 1] |= {"fio2": str(share), "temperature": repr(heat)}
    return raw


def differences(one: pl.DataFrame, other: pl.DataFrame) -> int:
    """Rows of two timelines that are not the same to 1e-6."""
    keys = ["stay_id", "minute", "known", "code", "text"]
    if not one.select(keys).equals(other.select(keys)):
        return max(one.height, other.height)
    close = (one["value"] - other["value"]).abs() <= 1e-6 * one["value"].abs().clip(1e-6)
    return int((~close.fill_null(True)).sum())


def timelines(raws: Iterator[RawEicu], folder: Path) -> Iterator[pl.DataFrame]:
    for number, raw in enumerate(raws):
        data = prepare(raw.write(folder / f"raw{number}"), folder / f"data{number}")
        reasons = {reason for account in data.ledger.values() for reason in account["set_aside"]}
        assert reasons == {"not a vital sign"}
        yield data.timeline


@pytest.mark.slow
def test_the_whole_input_in_other_units_is_the_same_timeline(tmp_path: Path):
    count = max(3, round(30 * SCALE))
    canonical, *others = timelines((mixed(random.Random(n) if n else None) for n in range(count + 1)), tmp_path)
    assert canonical.height > 600
    assert [differences(canonical, other) for other in others] == [0] * count
    print(f"events that differ: {none_of(count * canonical.height)}")


def test_unknown_units_are_counted_in_the_ledger(tmp_path: Path):
    raw = tiny()
    for row in raw.rows["lab"][:4]:
        row["labmeasurenamesystem"] = "furlongs"
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["lab"] == {"rows_in": 9, "rows_out": 5, "set_aside": {"unknown unit": 4}}


FAULTS = {
    "a factor of another molecule": ("glucose", Quantity("mg/dL", 5, 2_500, {"mmol/L": (88.4, 0.0)})),
    "a shift forgotten": ("Temperature", Quantity("°C", -200, 460, {"F": (5 / 9, 0.0)})),
    "a unit taken for the canonical one": ("paO2", Quantity("mm Hg", 0, 800, {"kPa": (1.0, 0.0)})),
    "upside down": ("creatinine", Quantity("mg/dL", 0, 1e9, {"umol/L": (88.4, 0.0)})),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_conversion_is_caught(fault: str):
    """Negative control: the same values in other units no longer agree."""
    name, faulty = FAULTS[fault]
    unit = next(iter(faulty.others))
    value = inside(EICU_LABS[name], 0.3)
    shown = other_way(EICU_LABS[name], unit, value)
    right = converted(EICU_LABS, [(name, shown, unit)])["number"].item()
    wrong = converted({name: faulty}, [(name, shown, unit)])["number"].item()
    assert right == pytest.approx(value, rel=1e-9)
    assert wrong != pytest.approx(value, rel=1e-2)
