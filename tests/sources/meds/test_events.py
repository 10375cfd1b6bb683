"""MEDS rows as events: their stay, their modality, and when they were known."""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raw_eicu import as_text
from raw_meds import MAPPING, ODD, RawMeds, prepare, pulse, tiny
from wardround.errors import SourceError
from wardround.sources.meds.events import CodeBook
from wardround.sources.meds.mapping import parse_mapping, read_mapping


def test_events_of_the_tiny_data_set(tmp_path: Path):
    data = prepare(tiny().write(tmp_path / "raw"), tmp_path / "data")
    assert as_text(data.timeline.filter(pl.col("stay_id") == 11)) == (
        "11 -180 -60 LAB//k 4.1 -\n"
        "11 0 0 AGE 59.5029 -\n"
        "11 0 0 GENDER//F - -\n"
        "11 0 0 ICU_IN//MICU - -\n"
        "11 19 19 HR 88 -\n"
        "11 59 74 LAB//lactate 2.5 -\n"
        "11 119 239 LAB//k 4.5 -\n"
        "11 839 2279 WEIGHT 70.5 -\n"
        "11 1379 1379 NOTE - stable\n"
        "11 5879 5879 DX//I10 - -"
    )
    assert data.events.filter(pl.col("code").str.starts_with("DX"))["available_time"].to_list() == [
        datetime(2150, 1, 5, 12),
        datetime(2151, 3, 2, 4),
    ], "not before discharge, whatever time the code carries"


@pytest.mark.parametrize("reason", ODD)
def test_an_odd_row_has_one_rule(tmp_path: Path, reason: str):
    raw = tiny()
    before = prepare(raw.write(tmp_path / "before"), tmp_path / "before-data")
    raw.rows.append(pulse(1) | ODD[reason])
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    expected = dict(before.ledger["data"]["set_aside"])
    expected[reason] = expected.get(reason, 0) + 1
    assert data.ledger["data"] == {"rows_in": 39, "rows_out": 20, "set_aside": dict(sorted(expected.items()))}
    assert data.events.equals(before.events)


def test_a_nan_is_a_value_that_is_missing(tmp_path: Path):
    raw = tiny().add(1, "2150-01-02 03:00", "HR", float("nan"))
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["data"]["values_set_aside"] == {"not a number: numeric_value": 1}
    assert data.events.filter(pl.col("time") == datetime(2150, 1, 2, 3))["numeric_value"].to_list() == [None]


def test_a_row_without_a_time_is_of_every_stay_of_its_patient(tmp_path: Path):
    events = prepare(tiny().write(tmp_path / "raw"), tmp_path / "data").events
    assert events.filter(pl.col("code") == "GENDER//F")["stay_id"].to_list() == [11, 31, 32, 33]


def test_the_id_column_decides_before_the_time_does(tmp_path: Path):
    raw = tiny().add(3, "2152-01-02 12:00", "HR", 50.0, unit_stay=32)
    events = prepare(raw.write(tmp_path / "raw"), tmp_path / "data").events
    assert events.filter(pl.col("numeric_value") == 50)["stay_id"].to_list() == [32]


def test_an_outcome_is_never_an_event_whatever_the_entries_say():
    text = {
        "stays": {"opens": ["IN"], "ends": ["OUT//*"]},
        "labels": {"died": ["OUT//DIED", "NOTE//DEAD"], "death": ["DEATH"]},
        "events": [{"codes": ["re:.*"], "modality": "vitals"}],
    }
    book = CodeBook(parse_mapping(text))
    assert [book.entry(code)[0] for code in ("IN", "HR", "OUT//HOME", "OUT//DIED", "NOTE//DEAD", "DEATH")] == [
        0, 0, None, None, None, None,
    ]  # fmt: skip


def test_the_first_entry_that_has_a_code_decides(tmp_path: Path):
    (tmp_path / "mapping.toml").write_text(MAPPING)
    mapping = read_mapping(tmp_path / "mapping.toml")
    book = CodeBook(mapping)
    found = {code: book.entry(code) for code in ("LAB//ph", "LAB//na", "BED//3", "ICU_OUT", "HOSP_IN", "?")}
    assert {code: None if at is None else mapping.events[at].modality for code, (at, _) in found.items()} == {
        "LAB//ph": "blood_gas", "LAB//na": "lab", "BED//3": None, "ICU_OUT": None, "HOSP_IN": None, "?": None,
    }  # fmt: skip
    tells = "tells of the stay or the patient"
    assert [why for _, why in found.values()] == [None, None, "moves between beds", tells, tells, "code of no modality"]


def test_time_to_the_microsecond(tmp_path: Path):
    moment = datetime(2150, 1, 1, 10, 0, 29, 999_999)
    raw = tiny()
    raw.rows += [pulse(1) | {"time": moment}, pulse(1) | {"time": moment, "code": "LAB//k"}]
    events = prepare(raw.write(tmp_path / "raw"), tmp_path / "data").events
    times = events.filter(pl.col("time") == moment).select("code", "available_time").sort("code").rows()
    assert times == [("HR", moment), ("LAB//k", moment + timedelta(hours=2))]


def test_hours_between_two_unit_stays_are_of_the_second_though_the_visit_was_written_after_the_first_began(
    tmp_path: Path,
):
    raw = tiny()
    for row in raw.rows:
        if row["code"] == "HOSP_IN" and row["visit"] == "v3":
            row["time"] = datetime(2152, 1, 2, 0, 30)
    events = prepare(raw.write(tmp_path / "raw"), tmp_path / "data").events
    assert events.filter(pl.col("time") == datetime(2152, 1, 3, 12))["stay_id"].to_list() == [32]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 4),
            st.one_of(st.none(), st.integers(-3000, 9000)),
            st.sampled_from(["HR", "LAB//k", "WEIGHT", "DX//Z", "BED//1", "?"]),
        ),
        max_size=25,
    )
)
def test_every_row_is_an_event_or_has_a_reason_and_none_is_known_before_it_happened(
    tmp_path_factory: pytest.TempPathFactory, found: list[tuple[int, int | None, str]]
):
    raw, folder = tiny(), tmp_path_factory.mktemp("any")
    for place, (subject, minute, code) in enumerate(found):
        time = None if minute is None else str(datetime(2150, 1, 1) + timedelta(minutes=minute))
        raw.add(subject, time, code, float(place))
    data = prepare(raw.write(folder / "raw"), folder / "data")
    account = data.ledger["data"]
    assert account["rows_in"] == 38 + len(found) == account["rows_out"] + sum(account["set_aside"].values())
    assert (data.events["available_time"] >= data.events["time"]).all()
    late = data.events.filter(pl.col("modality") == "diagnosis").join(data.stays, on="stay_id")
    assert (late["available_time"] >= late["hospital_end"]).all()


def test_an_empty_data_set_has_no_stay(tmp_path: Path):
    with pytest.raises(SourceError, match="holds no usable stay"):
        prepare(RawMeds().write(tmp_path / "raw"), tmp_path / "data")
