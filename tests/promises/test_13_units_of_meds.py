"""Promise 13, of MEDS: the unit is a part of the code, so nothing is converted and no two units meet under one code.

`prepare meds` knows no quantity: "LAB//glucose//mg/dL" and "LAB//glucose//mmol/L" are two codes, each with its own
feature, and a run that learned from one ignores and counts the other.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from raw_eicu import none_of
from raw_meds import RawMeds, prepare, tiny
from wardround.batches.store import InputSettings, event_store, fit_featuriser
from wardround.sources.meds import events
from wardround.tasks.cohort import Window
from wardround.tasks.splits import TRAIN, SplitPlan
from wardround.train.data import open_data, sides_of

pytestmark = pytest.mark.usefixtures("fast_fsync")

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
UNITS = {"glucose": ("mg/dL", "mmol/L"), "temp": ("C", "F", ""), "pao2": ("mm Hg", "kPa"), "weight": ("kg", "lb")}
CODES = [f"LAB//{name}//{unit}" for name, units in UNITS.items() for unit in units]


def mixed(rng: random.Random, rows: int) -> RawMeds:
    """Values in units of all kinds, any finite number that fits 32 bits, for the one long stay of patient 1."""
    raw = tiny()
    for number in range(rows):
        value = rng.choice([rng.uniform(-1e3, 1e3), rng.uniform(-1, 1) * 10.0 ** rng.randrange(-6, 7), float(number)])
        raw.add(1, f"2150-01-0{1 + number % 2} {10 + number // 60 % 12}:{number % 60:02}:01", rng.choice(CODES), value)
    return raw


def wrong_values(raw: RawMeds, folder: Path) -> int:
    """Events of the codes with units that are not, code for code and bit for bit, the rows that were given."""
    data = prepare(raw.write(folder / "raw"), folder / "data")
    made = data.events.filter(pl.col("code").is_in(CODES)).select("time", "code", value="numeric_value")
    given = raw.frame().filter(pl.col("code").is_in(CODES)).select("time", "code", value="numeric_value").unique()
    keys = ["time", "code", "value"]
    return abs(made.height - given.height) + given.join(made, on=keys, how="anti").height


def test_a_value_keeps_its_code_and_its_unit_to_the_last_bit(tmp_path: Path):
    count = max(2, round(30 * SCALE))
    wrong = [wrong_values(mixed(random.Random(seed), 400), tmp_path / str(seed)) for seed in range(count)]
    assert wrong == [0] * count
    print(f"values that moved: {none_of(count * 400)}")


def without_unit(original: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """What would let units meet: codes cut before their last part."""
    return lambda rows: original(rows.with_columns(pl.col("code").str.replace("//[^/]*(/[^/]+)?$", "")))


def in_si(original: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """What would convert without being asked."""
    fahrenheit = pl.col("code").str.ends_with("//F")
    celsius = (pl.col("numeric_value") - 32) * 5 / 9
    return lambda rows: original(
        rows.with_columns(numeric_value=pl.when(fahrenheit).then(celsius).otherwise("numeric_value"))
    )


@pytest.mark.parametrize("fault", [without_unit, in_si])
def test_control_units_that_meet_are_caught(fault: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "_valued", fault(events._valued))
    assert wrong_values(mixed(random.Random(1), 400), tmp_path) > 0


def cohort_in(unit: str, folder: Path) -> Path:
    """Forty patients with one glucose a stay, in that unit."""
    raw = RawMeds()
    for subject in range(1, 41):
        raw.add(subject, "2150-01-01 08:00", "HOSP_IN", visit=f"v{subject}")
        raw.add(subject, "2150-01-01 10:00", "ICU_IN//MICU", unit_stay=subject, visit=f"v{subject}")
        raw.add(subject, "2150-01-01 11:00", f"LAB//glucose//{unit}", 90.0 + subject)
        raw.add(subject, "2150-01-03 10:00", "ICU_OUT", unit_stay=subject, visit=f"v{subject}")
        raw.add(subject, "2150-01-05 12:00", "HOSP_OUT//HOME", visit=f"v{subject}")
    return prepare(raw.write(folder / "raw"), folder / "data").folder


def test_a_unit_that_a_run_has_never_seen_is_ignored_and_counted(tmp_path: Path):
    home, away = (open_data(cohort_in(unit, tmp_path / unit[:2]), Window()) for unit in ("mg/dL", "mmol/L"))
    sides, _ = sides_of(home, home.cohort(None), SplitPlan(), "pretrain_split")
    featuriser = fit_featuriser(home.lines, sides.part(TRAIN), InputSettings(modalities=("lab",)))
    assert featuriser.vocabulary.numbers["lab"] == ("LAB//glucose//mg/dL",)
    for data, unknown in ((home, 0), (away, 40)):
        store = event_store(data.lines, data.cohort(None), featuriser, sequences=False)
        assert store.unknown_items == unknown
        assert bool(np.any(store.observed)) == (unknown == 0)


def in_columns(rng: random.Random, rows: int) -> RawMeds:
    """As `mixed`, with the unit in a column of its own."""
    raw = mixed(rng, rows)
    raw.kinds |= {"unit": pl.String}
    raw.mapping = 'modifiers = ["unit"]\n' + raw.mapping
    raw.rows = [
        row | dict(zip(("code", "unit"), row["code"].rsplit("//", 1), strict=True)) if row["code"] in CODES else row
        for row in raw.rows
    ]
    return raw


def wrong_in_columns(raw: RawMeds, folder: Path) -> int:
    """As `wrong_values`; a blank unit leaves the bare code."""
    data = prepare(raw.write(folder / "raw"), folder / "data")
    bare = pl.concat_str("code", "unit", separator="//").str.strip_suffix("//")
    given = raw.frame().filter(pl.col("unit").is_not_null()).select("time", code=bare, value="numeric_value").unique()
    made = data.events.filter(pl.col("code").str.contains("//(glucose|temp|pao2|weight)"))
    made = made.select("time", "code", value="numeric_value")
    return abs(made.height - given.height) + given.join(made, on=given.columns, how="anti").height


def test_units_in_a_column_of_their_own_never_meet(tmp_path: Path):
    count = max(2, round(30 * SCALE))
    raws = [in_columns(random.Random(seed), 400) for seed in range(count)]
    assert [wrong_in_columns(raw, tmp_path / str(seed)) for seed, raw in enumerate(raws)] == [0] * count


def test_control_a_column_of_units_that_is_not_read_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "modified", lambda code, modifiers: pl.col(code))
    assert wrong_in_columns(in_columns(random.Random(1), 400), tmp_path) > 0
