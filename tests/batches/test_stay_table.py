"""Stays as rows: columns and values by hand, what is left out, and that nothing later moves a row."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from timelines import (
    Drawn,
    Timelines,
    available_after,
    available_by,
    hand,
    other_future,
    random_timelines,
    small_timelines,
    write_data,
)
from wardround import files
from wardround.batches.features import FeatureSettings
from wardround.batches.lines import Lines, open_lines
from wardround.batches.normaliser import Normaliser
from wardround.batches.stay_table import (
    Column,
    StayTable,
    TableFeaturiser,
    TableSettings,
    fit_table_featuriser,
    stay_table,
)
from wardround.errors import DataError, UsageError
from wardround.settings import as_json, from_json, override
from wardround.tasks.cohort import Cohort, Window, cohort

ALL_CODES = TableSettings(features=FeatureSettings(min_stay_share=0.0))
EVENTS = [
    (1, 0, 0, "demographics", "GENDER//Female", None),
    (2, 0, 0, "demographics", "GENDER//Female", None),
    (1, 0, 0, "demographics", "AGE", 61.0),
    (2, 0, 0, "demographics", "AGE", 70.0),
    (1, 30, 90, "lab", "LAB//sodium", 130.0),
    (1, 1200, 1200, "lab", "LAB//sodium", 140.0),
    (1, 60, 60, "intake_output", "IO//urine", 200.0),
    (1, 1320, 1320, "intake_output", "IO//urine", 50.0),
    (1, 240, 240, "medication", "MEDICATION//heparin", None),
    (1, 1080, 1080, "medication", "MEDICATION//heparin", None),
    (1, 100, 1500, "lab", "LAB//sodium", 999.0),
    (3, 2000, 2000, "lab", "LAB//sodium", 999.0),
    (1, 0, 0, "score", "APACHE//IVa//predictedhospitalmortality", 0.2),
]


def opened(folder: Path, timelines: Timelines, window: Window | None = None) -> tuple[Lines, Cohort]:
    write_data(folder, timelines)
    window = window or Window()
    return open_lines(folder, window), cohort(files.read_table(folder / "stays.parquet"), window)


@pytest.fixture
def by_hand(tmp_path: Path) -> tuple[Lines, Cohort, TableFeaturiser]:
    lines, chosen = opened(tmp_path, hand(EVENTS))
    return lines, chosen, fit_table_featuriser(lines, chosen, ALL_CODES)


def cells(table: StayTable, featuriser: TableFeaturiser, stay: int, modality: str, code: str = "") -> dict[str, float]:
    """Summary -> value of one code of a stay, what is missing left out."""
    return {
        column.summary: float(value)
        for column, value in zip(featuriser.columns, table.values[stay], strict=True)
        if (column.modality, column.code) == (modality, code) and not np.isnan(value)
    }


def test_a_table_by_hand(by_hand: tuple[Lines, Cohort, TableFeaturiser]):
    """Sodium 130 known at 1.5 h and 140 at 20 h; what is charted at 25 h is not there. A score is no input."""
    lines, chosen, featuriser = by_hand
    table = stay_table(lines, chosen, featuriser)
    assert table.modalities == ("demographics", "medication", "lab", "intake_output")
    assert cells(table, featuriser, 0, "lab", "LAB//sodium") == pytest.approx(
        {
            "last": 140, "first": 130, "mean": 135, "lowest": 130, "highest": 140, "spread": 5, "range": 10,
            "change": 10, "slope_per_h": 10 / 18.5, "count": 2, "since_last_h": 4,
            "early_mean": 130, "early_lowest": 130, "early_highest": 130, "early_count": 1,
            "late6h_mean": 140, "late6h_lowest": 140, "late6h_highest": 140, "late6h_count": 1,
            "late24h_mean": 135, "late24h_lowest": 130, "late24h_highest": 140, "late24h_count": 2,
        }
    )  # fmt: skip
    assert cells(table, featuriser, 0, "lab") == pytest.approx(
        {"count": 2, "since_first_h": 22.5, "since_last_h": 4, "kinds": 1}
    )
    assert cells(table, featuriser, 0, "demographics", "AGE") == {"last": 61}
    assert cells(table, featuriser, 0, "demographics", "GENDER//Female") == {"count": 1}
    assert cells(table, featuriser, 0, "demographics")["kinds"] == 2
    assert cells(table, featuriser, 0, "medication", "MEDICATION//heparin") == {
        "count": 2, "since_first_h": 20, "since_last_h": 6,
    }  # fmt: skip
    urine = cells(table, featuriser, 0, "intake_output", "IO//urine")
    assert (urine["sum"], urine["early_sum"], urine["late6h_sum"]) == (250, 200, 50)


def test_what_a_stay_does_not_have_is_nan_and_its_counts_are_0(by_hand: tuple[Lines, Cohort, TableFeaturiser]):
    lines, chosen, featuriser = by_hand
    table = stay_table(lines, chosen, featuriser)
    assert table.observed.tolist() == [[True] * 4, [True, False, False, False], [False] * 4]
    assert cells(table, featuriser, 2, "lab") == {"count": 0, "kinds": 0}
    counts = [column.summary.endswith(("count", "kinds")) for column in featuriser.columns]
    assert np.isnan(table.values[2]).tolist() == [not count for count in counts]
    assert table.values.dtype == np.float32


def test_columns_stand_in_one_order_and_each_once(by_hand: tuple[Lines, Cohort, TableFeaturiser]):
    _, _, featuriser = by_hand
    assert len(set(featuriser.columns)) == len(featuriser.columns)
    assert featuriser.columns[0] == Column("demographics", "AGE", "last")
    assert featuriser.columns[-1] == Column("intake_output", "", "kinds")


def test_without_a_modality_is_as_if_it_had_never_been_recorded(tmp_path: Path):
    lines, chosen = opened(tmp_path / "all", hand(EVENTS))
    featuriser = fit_table_featuriser(lines, chosen, ALL_CODES)
    left = stay_table(lines, chosen, featuriser, ["lab", "medication"])
    never = hand([event for event in EVENTS if event[3] not in ("lab", "medication")], [{"stay_id": 3}])
    other_lines, other = opened(tmp_path / "never", never)
    assert left.values.tobytes() == stay_table(other_lines, other, featuriser).values.tobytes()
    assert left.observed[:, 1:3].tolist() == [[False, False]] * 3
    assert left.values.tobytes() != stay_table(lines, chosen, featuriser).values.tobytes()
    with pytest.raises(UsageError, match=r"--without vitals: the run's modalities are demographics, medication, lab"):
        stay_table(lines, chosen, featuriser, ["vitals"])


def test_unknown_codes_are_ignored_and_counted(tmp_path: Path, by_hand: tuple[Lines, Cohort, TableFeaturiser]):
    lines, chosen, featuriser = by_hand
    more = [*EVENTS, (1, 5, 5, "lab", "LAB//new", 1.0), (2, 6, 6, "medication", "MEDICATION//new", None)]
    other_lines, other = opened(tmp_path / "other", hand(more))
    table = stay_table(other_lines, other, featuriser)
    assert table.unknown_items == 2
    assert table.values.tobytes() == stay_table(lines, chosen, featuriser).values.tobytes()


def test_the_vocabulary_is_of_training_stays(tmp_path: Path):
    lines, chosen = opened(tmp_path, hand(EVENTS))
    first = Cohort(chosen.frame[:1], {}, chosen.window)
    assert fit_table_featuriser(lines, first, ALL_CODES).vocabulary.modalities == ("medication", "lab", "intake_output")
    third = Cohort(chosen.frame[2:], {}, chosen.window)
    with pytest.raises(DataError, match=r"the 1 training stays show none of demographics, .* by the prediction time"):
        fit_table_featuriser(lines, third, ALL_CODES)


def test_a_featuriser_comes_back_from_its_folder(tmp_path: Path, by_hand: tuple[Lines, Cohort, TableFeaturiser]):
    _, _, featuriser = by_hand
    featuriser.save(tmp_path / "run")
    read = from_json(TableSettings, as_json(featuriser.settings))
    assert TableFeaturiser.load(tmp_path / "run", read) == featuriser
    assert Normaliser.load(tmp_path / "run" / "normaliser", {}) == Normaliser({}, {})


def test_chunks_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lines, chosen = opened(tmp_path, random_timelines(2, 40))
    featuriser = fit_table_featuriser(lines, chosen, TableSettings())
    whole = stay_table(lines, chosen, featuriser)
    monkeypatch.setattr("wardround.batches.store.CHUNK_STAYS", 7)
    parts = stay_table(lines, chosen, featuriser)
    assert whole.values.tobytes() == parts.values.tobytes()
    assert (whole.observed == parts.observed).all()
    assert whole.unknown_items == parts.unknown_items


def test_a_whole_stay_is_seen_from_its_last_item(tmp_path: Path):
    """The paper protocol at the end of the stay: by the clock of when things were true."""
    lines, chosen = opened(tmp_path, hand(EVENTS), Window("paper", None))
    featuriser = fit_table_featuriser(lines, chosen, ALL_CODES)
    sodium = cells(stay_table(lines, chosen, featuriser), featuriser, 0, "lab", "LAB//sodium")
    assert (sodium["count"], sodium["last"], sodium["since_last_h"]) == (3, 140, 2)


def test_values_beyond_single_precision_stay_finite(tmp_path: Path):
    """Two values of 3e38 an hour apart differ by more than float32 holds."""
    far = [(1, 0, 0, "lab", "LAB//a", 3e38), (1, 1, 1, "lab", "LAB//a", -3e38)]
    lines, chosen = opened(tmp_path, hand(far))
    table = stay_table(lines, chosen, fit_table_featuriser(lines, chosen, ALL_CODES))
    assert not np.isinf(table.values).any()


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ("volumes=lab,aps", "none of both kinds"),
        ("singles=labs", "are among"),
        ("early_h=0", "above 0"),
        ("late_h=6,-1", "above 0"),
    ],
)
def test_settings_that_cannot_be(given_: str, message: str):
    with pytest.raises(UsageError, match=message):
        override(TableSettings(), [given_])


def test_windows_can_be_set(by_hand: tuple[Lines, Cohort, TableFeaturiser]):
    lines, chosen, featuriser = by_hand
    other = replace(featuriser, settings=override(ALL_CODES, ["late_h=2", "early_h=1"]))
    urine = cells(stay_table(lines, chosen, other), other, 0, "intake_output", "IO//urine")
    assert {name for name in urine if name.startswith("late")} == {"late2h_sum", "late2h_count"} - {"late2h_sum"}
    assert urine["early_sum"] == 200


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> TableFeaturiser:
    lines, chosen = opened(tmp_path_factory.mktemp("learned"), random_timelines(1, 120))
    return fit_table_featuriser(lines, chosen, TableSettings())


@given(known=small_timelines(), future=small_timelines())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_known_later_moves_no_row(
    learned: TableFeaturiser, tmp_path_factory: pytest.TempPathFactory, known: Drawn, future: Drawn
):
    """Two hours in: what is available later comes from elsewhere."""
    one = known.timelines()
    later = available_after(future.timelines(), 120).only(one.stays["stay_id"])
    other = Timelines(pl.concat([later.events, available_by(one, 120).events]), one.stays)
    folder = tmp_path_factory.mktemp("small")
    rows = []
    for name, timelines in (("one", one), ("other", other)):
        lines, chosen = opened(folder / name, timelines, Window(at_h=2))
        rows.append(stay_table(lines, chosen, learned).values.tobytes())
    assert rows[0] == rows[1]


def test_control_another_past_moves_the_rows(learned: TableFeaturiser, tmp_path: Path):
    one = random_timelines(5, 40)
    past = one.events.with_columns(value=pl.col("value") + 1)
    tables = []
    for name, timelines in (("one", one), ("past", Timelines(past, one.stays)), ("future", other_future(one, 1440, 6))):
        lines, chosen = opened(tmp_path / name, timelines)
        tables.append(stay_table(lines, chosen, learned).values.tobytes())
    assert tables[0] == tables[2] != tables[1]
