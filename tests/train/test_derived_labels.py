"""The columns of a concept beside the stays: as the concept makes them, made once, and refused where nothing tells."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from timelines import hand, random_timelines, with_billed_diagnoses, write_data
from wardround.errors import DataError
from wardround.tasks.cohort import Window
from wardround.tasks.task import TASKS
from wardround.train import derived_labels
from wardround.train.data import open_data
from wardround.train.derived_labels import with_derived

PHENOTYPING = TASKS["phenotyping"]
NEXT_VISIT = TASKS["next_visit_phenotyping"]
SEPTICEMIA, HYPERTENSION = "septicemia_except_in_labor", "essential_hypertension"
CODED = hand(
    [
        (1, 3000, 3000, "diagnosis", "DIAGNOSIS//ICD//10//A419", None),
        (2, 4000, 4000, "diagnosis", "DIAGNOSIS//ICD//9//4019", None),
        (3, 10, 10, "lab", "LAB//sodium", 140),
    ]
)


def derived(folder: Path) -> pl.DataFrame:
    data = open_data(folder, Window(), quiet=True)
    return with_derived(folder, data.hash, data.stays, PHENOTYPING)


def test_by_hand(tmp_path: Path):
    """One has sepsis, one hypertension, and the third was not coded."""
    made = derived(write_data(tmp_path / "data", CODED)).sort("stay_id")
    assert made[SEPTICEMIA].to_list() == [True, False, None]
    assert made[HYPERTENSION].to_list() == [False, True, None]
    cohort = open_data(tmp_path / "data", Window(), quiet=True).cohort(PHENOTYPING)
    assert cohort.frame["stay_id"].to_list() == [1, 2]
    assert cohort.excluded == {"no label": 1}
    places = [PHENOTYPING.labels.index(name) for name in (SEPTICEMIA, HYPERTENSION)]
    assert cohort.frame["label"].to_numpy()[:, places].tolist() == [[1, 0], [0, 1]]


def test_the_columns_of_the_stays_and_their_order_stay(tmp_path: Path):
    folder = write_data(tmp_path / "data", with_billed_diagnoses(random_timelines(1, 60), 1), shards=3)
    data = open_data(folder, Window(), quiet=True)
    made = derived(folder)
    assert_frame_equal(made.select(data.stays.columns), data.stays)
    assert set(made.columns) - set(data.stays.columns) == set(PHENOTYPING.labels)
    assert with_derived(folder, data.hash, data.stays, None) is data.stays
    assert with_derived(folder, data.hash, data.stays, TASKS["mortality"]) is data.stays


def test_of_the_next_hospital_stay_by_hand(tmp_path: Path):
    """Patient 7: two unit stays with sepsis, a year on one with hypertension, then one that nobody coded, then sepsis.
    Patient 8: one hospital stay."""
    sepsis, pressure = "DIAGNOSIS//ICD//10//A419", "DIAGNOSIS//ICD//9//4019"
    told = {1: sepsis, 2: sepsis, 3: pressure, 5: sepsis, 6: sepsis}
    coded = [(stay, 9000, 9000, "diagnosis", code, None) for stay, code in told.items()]
    places = ((1, 7, 0), (2, 7, 0), (3, 7, 1), (4, 7, 2), (5, 7, 3), (6, 8, 0))
    stays = [{"stay_id": stay, "subject_id": subject, "nth": nth} for stay, subject, nth in places]
    folder = write_data(tmp_path / "data", hand([*coded, (4, 1, 1, "lab", "LAB//sodium", 140)], stays))
    data = open_data(folder, Window(), quiet=True)
    made = with_derived(folder, data.hash, data.stays, NEXT_VISIT).sort("stay_id")
    assert made["stay_id"].to_list() == [1, 2, 3, 4, 5, 6]
    assert made[SEPTICEMIA].to_list() == [False, False, None, True, None, None]
    assert made[HYPERTENSION].to_list() == [True, True, None, False, None, None]
    asked = data.cohort(NEXT_VISIT)
    assert asked.frame["stay_id"].to_list() == [2, 4]
    assert_frame_equal(made.select(data.stays.columns), data.stays.sort("stay_id"))


def test_a_hospital_stay_that_began_before_the_discharge_is_not_the_next():
    """Of stays that overlap the first that began at the discharge or later; one of no length is not its own next."""
    day = datetime(2001, 1, 1)
    hours = ((0, 48), (24, 30), (48, 60), (60, 60), (90, 95))
    began, over = ([day + timedelta(hours=each[end]) for each in hours] for end in (0, 1))
    stays = pl.DataFrame({"stay_id": [1, 2, 3, 4, 5], "subject_id": [1] * 5, "start": began})
    stays = stays.with_columns(hospital_start=pl.Series(began), hospital_end=pl.Series(over), nth=pl.col("stay_id"))
    found = derived_labels._of_next_visit(stays, ["nth"])
    assert found["nth"].to_list() == [3, 3, 4, 5, None]


def test_they_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = write_data(tmp_path / "data", CODED)
    first = derived(folder)
    with monkeypatch.context() as patch:
        patch.setattr(derived_labels, "_answers", None)
        assert_frame_equal(derived(folder), first)
    for kept in (folder / "cache" / "labels").glob("*.npy"):
        kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    assert_frame_equal(derived(folder), first)


def test_where_nothing_can_be_kept_they_are_made_anew(tmp_path: Path):
    folder = write_data(tmp_path / "data", CODED)
    first = derived(folder)
    shutil.rmtree(folder / "cache" / "labels")
    (folder / "cache" / "labels").write_text("in the way")
    assert_frame_equal(derived(folder), first)


def test_data_without_billed_diagnoses_are_refused_where_labels_are_needed(tmp_path: Path):
    """To predict none is needed."""
    data = open_data(write_data(tmp_path / "data", random_timelines(1, 30)), Window(), quiet=True)
    with pytest.raises(DataError, match=r"what the labels of phenotyping are made of: ICD diagnoses.*needs no labels"):
        data.cohort(PHENOTYPING)
    asked = data.cohort(PHENOTYPING, labelled=False).frame
    assert asked["label"].null_count() == asked.height > 0
