"""Stays of a MEDS data set, and what their patients' rows tell of them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raw_eicu import Data, as_text, demo_folder
from raw_meds import MAPPING, RawMeds, at, prepare, tiny
from wardround.errors import SourceError, UsageError
from wardround.sources.meds.stays import stay_number
from wardround.sources.subjects import subject_number
from wardround.tasks.cohort import Window, cohort
from wardround.tasks.task import find_task


def told(data: Data) -> str:
    """Stay, hours to hospital admission, unit and hospital discharge, age, sex, died in hospital, in unit, LOS."""
    hours = [
        ((pl.col(name) - pl.col("start")).dt.total_minutes() / 60).alias(name)
        for name in ("hospital_start", "end", "hospital_end")
    ]
    return as_text(data.stays.select("stay_id", *hours, "age", "sex", "died_in_hospital", "died_in_unit", "los_h"))


def test_stays_of_the_tiny_data_set(tmp_path: Path):
    assert told(prepare(tiny().write(tmp_path / "raw"), tmp_path / "data")) == (
        "11 -2 47.9833 97.9833 59.5029 Female False False 100\n"
        "21 -1 27 26 81.1582 Male True True 27\n"
        "31 -24 24 120 52 Female False False 144\n"
        "32 -72 24 72 52.0055 Female False False 144\n"
        "33 0 - - 52.9993 Female - - -"
    )


def changed(tmp_path: Path, old: str, new: str, raw: RawMeds | None = None) -> Data:
    made = raw or tiny()
    assert old in MAPPING
    made.mapping = MAPPING.replace(old, new)
    return prepare(made.write(tmp_path / "raw"), tmp_path / "data")


def test_without_discharge_codes_the_time_of_death_decides(tmp_path: Path):
    data = changed(tmp_path, 'died = ["HOSP_OUT//DIED"]', "")
    assert data.stays["died_in_hospital"].to_list() == [False, True, False, False, None]


def test_without_either_nobody_has_a_label(tmp_path: Path):
    data = changed(tmp_path, 'died = ["HOSP_OUT//DIED"]\ndeath = ["MEDS_DEATH"]', "")
    assert data.stays.select("died_in_hospital", "died_in_unit").null_count().row(0) == (5, 5)


def test_a_death_after_discharge_is_no_death_in_hospital(tmp_path: Path):
    raw = tiny().add(1, "2150-01-05 12:01", "MEDS_DEATH")
    data = changed(tmp_path, 'died = ["HOSP_OUT//DIED"]', "", raw)
    assert data.stays["died_in_hospital"].to_list() == [False, True, False, False, None]


@pytest.mark.parametrize(("at_h", "asked"), [(25.5, [11, 21]), (26.0, [11]), (26.5, [11])])
def test_nobody_is_asked_about_the_dead_though_the_bed_is_given_up_later(tmp_path: Path, at_h: float, asked: list[int]):
    """Patient 2 dies 26 h after unit admission; unit discharge is written at 27 h, hospital discharge at 28 h."""
    stays = prepare(tiny().write(tmp_path / "raw"), tmp_path / "data").stays
    assert cohort(stays, Window("causal", at_h), find_task("mortality")).frame["stay_id"].to_list() == asked


def test_a_death_without_a_time_leaves_the_label_open(tmp_path: Path):
    raw = tiny().add(1, None, "MEDS_DEATH").add(2, None, "MEDS_DEATH")
    data = changed(tmp_path, 'died = ["HOSP_OUT//DIED"]', "", raw)
    assert data.stays["died_in_hospital"].to_list() == [None, True, False, False, None]
    assert data.stays["died_in_unit"].to_list() == [None, True, False, False, None]


def test_a_discharge_before_admission_says_nothing_of_death(tmp_path: Path):
    raw = tiny().add(3, "2152-12-31 00:00", "HOSP_OUT//HOME", visit="v5")
    data = changed(tmp_path, 'died = ["HOSP_OUT//DIED"]', "", raw)
    assert data.stays["died_in_hospital"].to_list() == [False, True, False, False, None]


def test_a_discharge_alive_after_a_death_gives_no_label_and_is_counted(tmp_path: Path):
    """So a died code that is misspelt shows."""
    data = changed(tmp_path, 'died = ["HOSP_OUT//DIED"]', 'died = ["HOSP_OUT//DEAD"]')
    assert data.stays["died_in_hospital"].to_list() == [False, None, False, False, None]
    assert data.ledger["stays"]["values_set_aside"] == {"died before a discharge alive": 1}


def test_a_died_code_that_ends_no_stay_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match=r"1 of 1 codes that \[labels\] died names end no stay.*\[hospital\] ends"):
        changed(tmp_path, 'ends = ["HOSP_OUT//*"]', 'ends = ["HOSP_OUT//HOME"]')


def test_no_code_that_opens_a_stay_points_at_the_mapping(tmp_path: Path):
    with pytest.raises(SourceError, match=r"no usable stay: no row has a code that \[stays\] opens names"):
        changed(tmp_path, 'opens = ["ICU_IN//*"]', 'opens = ["ICU_ENTRY"]')


def test_hospital_stays_are_stays_where_there_is_no_unit(tmp_path: Path):
    mapping = MAPPING.replace('opens = ["ICU_IN//*"]\nends = ["ICU_OUT"]\nid = "unit_stay"\n\n[hospital]\n', "")
    raw = tiny()
    raw.mapping = mapping
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    stays = data.stays
    assert stays.height == 5
    assert stays["start"].equals(stays["hospital_start"].alias("start"))
    assert stays["end"].equals(stays["hospital_end"].alias("end"))
    assert stays["stay_id"].to_list() == [subject_number(f"meds stay:{v}") for v in ("v1", "v2", "v3", "v4", "v5")]
    assert data.events.filter(pl.col("code") == "HR").height == 5


def test_without_id_columns_stays_are_found_by_time(tmp_path: Path):
    raw = tiny()
    raw.mapping = MAPPING.replace('id = "unit_stay"\n', "").replace('id = "visit"\n', "")
    named = prepare(tiny().write(tmp_path / "raw"), tmp_path / "data")
    timed = prepare(raw.write(tmp_path / "other"), tmp_path / "other-data")
    assert timed.stays.drop("stay_id").equals(named.stays.drop("stay_id"))
    assert timed.stays["stay_id"].is_unique().all()
    assert timed.events.drop("stay_id").equals(named.events.drop("stay_id"))


def with_visit_named(name: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda frame: frame.rename({"visit": name})


@pytest.mark.parametrize("name", ["stay", "start", "death", "birth", "entry", "stay_id", "opens", "hadm_id"])
def test_an_id_column_may_have_any_name(tmp_path: Path, name: str):
    """Also one that we use ourselves."""
    base = prepare(tiny().write(tmp_path / "raw"), tmp_path / "data")
    raw = tiny()
    raw.mapping = MAPPING.replace('id = "visit"', f'id = "{name}"')
    data = prepare(raw.write(tmp_path / "named", change=with_visit_named(name)), tmp_path / "named-data")
    assert data.stays.equals(base.stays)
    assert data.events.equals(base.events)


def test_ids_that_a_shard_holds_as_doubles_are_those_that_another_holds_as_integers(tmp_path: Path):
    """pandas writes integers with gaps as doubles, the gaps as NaN."""
    base = prepare(tiny().write(tmp_path / "raw"), tmp_path / "data")
    folder = tiny().write(tmp_path / "double")
    path = folder / "data" / "train" / "0.parquet"
    frame = pl.read_parquet(path)
    frame[::2].write_parquet(path)
    doubles = frame[1::2].with_columns(pl.col("unit_stay").cast(pl.Float64).fill_null(float("nan")))
    doubles.write_parquet(path.with_name("1.parquet"))
    data = prepare(folder, tmp_path / "double-data")
    assert data.stays.equals(base.stays)
    assert data.events.equals(base.events)


def test_real_dates_give_a_year(tmp_path: Path):
    data = changed(tmp_path, "[stays]", 'dates = "real"\n[stays]')
    assert data.stays["year"].to_list() == [2150, 2151, 2152, 2152, 2153]


ODD_STAYS = {
    # reason: rows that are added, what becomes of the table `stays`
    "no subject id": [(None, "2150-01-01 09:00", "ICU_IN//X", None, None, 90, "v1")],
    "no time": [(1, None, "ICU_IN//X", None, None, 91, "v1")],
    "duplicate row": [(1, "2150-01-01 10:00:30", "ICU_IN//X", None, None, 11, "v1")],
    "stay id used for different rows": [
        (1, "2150-01-02 10:00", "ICU_IN//X", None, None, 92, "v1"),
        (1, "2150-01-02 11:00", "ICU_IN//X", None, None, 92, "v1"),
    ],
}
DOUBTFUL = {
    "impossible age": (1, "2000-01-01 00:00", "MEDS_BIRTH", None, None, None, None),
    "unit discharge before admission": (3, "2152-12-31 00:00", "ICU_OUT", None, None, 33, "v5"),
    "unit discharge more than a year from unit admission": (3, "2155-01-01 00:00", "ICU_OUT", None, None, 33, "v5"),
    "hospital discharge before unit admission": (3, "2152-12-31 00:00", "HOSP_OUT//HOME", None, None, None, "v5"),
    "hospital discharge more than a year from unit admission": (
        3, "2155-01-01 00:00", "HOSP_OUT//HOME", None, None, None, "v5",
    ),
}  # fmt: skip


@pytest.mark.parametrize("reason", ODD_STAYS)
def test_an_odd_opening_has_one_rule(tmp_path: Path, reason: str):
    raw = tiny()
    for row in ODD_STAYS[reason]:
        raw.add(*row)
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    added = len(ODD_STAYS[reason])
    assert data.ledger["stays"] == {"rows_in": 5 + added, "rows_out": 5, "set_aside": {reason: added}}
    assert data.stays["stay_id"].to_list() == [11, 21, 31, 32, 33]


@pytest.mark.parametrize("reason", DOUBTFUL)
def test_a_value_that_cannot_be_right_is_null_and_counted(tmp_path: Path, reason: str):
    data = prepare(tiny().add(*DOUBTFUL[reason]).write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["stays"]["values_set_aside"] == {reason: 1}
    assert data.ledger["stays"]["rows_out"] == 5


def test_a_patient_of_two_sexes_has_none_and_the_first_birth_counts(tmp_path: Path):
    raw = tiny().add(1, None, "GENDER//M").add(1, "2080-07-01 00:00", "MEDS_BIRTH")
    stay = prepare(raw.write(tmp_path / "raw"), tmp_path / "data").stays.row(0, named=True)
    assert stay["sex"] is None
    assert stay["age"] == pytest.approx(69.5, abs=0.01)


@settings(deadline=None)
@given(st.lists(st.one_of(st.integers(-(2**63), 2**63 - 1), st.text(max_size=4), st.none()), max_size=8))
def test_an_id_that_is_a_number_is_kept_and_another_is_hashed(ids: list[int | str | None]):
    words = [None if each is None else str(each) for each in ids]
    made = stay_number(pl.Series(words, dtype=pl.String)).to_list()
    for each, word, number in zip(ids, words, made, strict=True):
        if isinstance(each, int):
            assert number == each
        assert (number is None) == (word is None)
        if word is not None and str(number) != word:
            assert number == subject_number(f"meds stay:{word}")


@pytest.mark.data
@pytest.mark.slow
def test_stays_of_the_demo_are_those_of_the_raw_tables(tmp_path: Path):
    """MIMIC-IV's own `icustays` and `admissions`, which MEDS was made from."""
    data = prepare(demo_folder("mimic-iv-demo-meds"), tmp_path / "data")
    tables = demo_folder("mimic-iv-demo")
    icu, hosp = (next(tables.rglob(f"{name}.csv*")) for name in ("icustays", "admissions"))
    raw = pl.read_csv(icu, try_parse_dates=True).join(pl.read_csv(hosp, try_parse_dates=True), on="hadm_id")
    right = raw.select(
        "subject_id",
        "stay_id",
        *(
            pl.col(old).cast(pl.Datetime("us")).alias(new)
            for new, old in (
                ("start", "intime"), ("end", "outtime"), ("hospital_start", "admittime"), ("hospital_end", "dischtime"),
            )
        ),
        died_in_hospital=pl.col("hospital_expire_flag") == 1,
    ).sort("stay_id")  # fmt: skip
    assert data.stays.select(right.columns).sort("stay_id").equals(right)
    assert data.stays.height == 140
    assert at("2150-01-01") == datetime(2150, 1, 1)
