"""Promise 3: same past, same input, whatever the outcome.

Twins lie side by side in one DATA folder: equal up to t, then one dies and the other lives, one leaves at the next
minute and the other stays for days. The cohort takes both or neither, and both get the same window and the same bytes.
10,000 twins at scale 1.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import raw_meds
from leak_detector import View, fitted_featuriser, predictions, unlike_twins, view
from timelines import (
    APART,
    Timelines,
    hand,
    joined,
    random_timelines,
    twin_of,
    with_billed_diagnoses,
    with_physiology,
    write_data,
)
from untrained import fitted_whole, random_embedder, untrained
from wardround.batches.content import ContentSettings
from wardround.batches.store import Featuriser, InputSettings
from wardround.errors import DataError
from wardround.events import INPUT_MODALITIES
from wardround.methods.registry import FITTED, METHODS
from wardround.tasks.cohort import Window
from wardround.tasks.task import TASKS
from wardround.train.predict import predict_table

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
TWINS = max(100, round(10_000 * SCALE))
AT_H = 24.0
AT_MIN = round(AT_H * 60)
AT_AN_HOUR = [name for name, task in TASKS.items() if not task.next_visit]
"""What twins can be asked: at discharge they are no longer alike (`test_01_nothing_after_discharge.py`)."""
GIVEN = {
    "running": InputSettings(),
    "own items": InputSettings(content=ContentSettings(running=False)),
    "with severity": InputSettings(modalities=INPUT_MODALITIES),
}


@dataclass(frozen=True)
class Twins:
    folder: Path
    pairs: list[tuple[int, int]]
    featurisers: dict[str, Featuriser]

    def seen(self, task: str, window: Window, given: str = "running") -> View:
        return view(self.folder, window, TASKS[task], self.featurisers[given])


@pytest.fixture(scope="module")
def twins(tmp_path_factory) -> Twins:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("promise-3")
    train = write_data(folder / "train", with_physiology(random_timelines(1, 150, AT_MIN), 1, AT_MIN))
    featurisers = {name: fitted_featuriser(train, Window(at_h=AT_H), given) for name, given in GIVEN.items()}
    one = with_physiology(random_timelines(3, round(1.5 * TWINS), AT_MIN), 3, AT_MIN)
    pairs = [(stay, stay + APART) for stay in one.stays["stay_id"]]
    both = with_billed_diagnoses(joined([one, twin_of(one, AT_MIN, 4)]), 5)
    return Twins(write_data(folder / "twins", both, shards=3), pairs, featurisers)


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("task", AT_AN_HOUR)
def test_twins_are_both_asked_and_get_the_same_bytes(twins: Twins, task: str, given: str):
    seen = twins.seen(task, Window(at_h=AT_H), given)
    assert unlike_twins(seen, twins.pairs) == []
    asked = seen.cohort.frame.height // 2
    assert asked >= TWINS
    print(f"{task}: 0 of {asked} twins differ (95 % bound {3 / asked:.1e})")


def test_the_outcomes_of_the_twins_do_differ(twins: Twins):
    frame = twins.seen("mortality", Window(at_h=AT_H)).cohort.frame
    label = dict(zip(frame["stay_id"], frame["label"], strict=True))
    assert all(label[one] != label[other] for one, other in twins.pairs if one in label)
    frame = twins.seen("los_icu", Window(at_h=AT_H)).cohort.frame
    hours = dict(zip(frame["stay_id"], frame["label"], strict=True))
    assert np.mean([hours[one] != hours[other] for one, other in twins.pairs if one in hours]) > 0.95


@pytest.mark.parametrize("task", AT_AN_HOUR)
def test_with_labels_too_the_cohort_takes_both_or_neither(twins: Twins, task: str):
    opened = twins.seen(task, Window(at_h=AT_H)).data
    asked = set(opened.cohort(TASKS[task], labelled=True).frame["stay_id"])
    assert all((one in asked) == (other in asked) for one, other in twins.pairs)


@pytest.mark.parametrize("method", METHODS)
def test_twins_get_the_same_prediction(twins: Twins, method: str):
    seen = twins.seen("mortality", Window(at_h=AT_H), "with severity")
    assert np.isfinite(seen.state.published_last).mean() > 0.5
    embedder = random_embedder(twins.featurisers["with severity"], seen.state, "quantile")
    made = predictions(seen, untrained(method, TASKS["mortality"], embedder, "quantile")).prediction
    both = np.asarray([pair for pair in twins.pairs if pair[0] in set(seen.cohort.frame["stay_id"])])
    apart = np.abs(made[seen.places(both[:, 0])] - made[seen.places(both[:, 1])])
    assert apart.max() <= 1e-6
    assert len(np.unique(made)) > len(both) / 2


@pytest.mark.parametrize("method", FITTED)
def test_twins_get_the_same_prediction_of_what_is_fitted_whole(twins: Twins, method: str):
    """To the bit."""
    seen = twins.seen("mortality", Window(at_h=AT_H))
    made = predict_table(fitted_whole(method, seen), seen.table).prediction
    both = np.asarray([pair for pair in twins.pairs if pair[0] in set(seen.cohort.frame["stay_id"])])
    assert (made[seen.places(both[:, 0])] == made[seen.places(both[:, 1])]).all()
    assert len(np.unique(made)) > 20


def test_two_stays_by_hand(tmp_path: Path, twins: Twins):
    """A lactate at 10 h each; one dies at 25 h, the other goes home after nine days."""
    timelines = hand(
        [(stay, 600, 600, "lab", "LAB//lactate", 2.5) for stay in (1, 2)]
        + [(1, 1490, 1490, "lab", "LAB//lactate", 14.0)],
        [
            {"stay_id": 1, "end": 1500, "hospital_end": 1500, "died_in_hospital": True, "died_in_unit": True},
            {"stay_id": 2, "end": 7 * 1440, "hospital_end": 9 * 1440},
        ],
    )
    seen = view(write_data(tmp_path / "data", timelines), Window(), TASKS["mortality"], twins.featurisers["running"])
    assert unlike_twins(seen, [(1, 2)]) == []
    asked = seen.cohort.frame.select("stay_id", "prediction_time", "label")
    assert asked.write_csv() == (
        "stay_id,prediction_time,label\n1,2001-07-02T00:00:00.000000,1.0\n2,2001-07-02T00:00:00.000000,0.0\n"
    )
    assert [len(seen.events.minute), seen.events.minute.tolist()] == [2, [600, 600]]


def test_control_the_paper_protocol_tells_twins_apart(twins: Twins):
    for at_h in (None, AT_H):
        assert unlike_twins(twins.seen("mortality", Window("paper", at_h)), twins.pairs)


def test_control_a_later_hour_tells_twins_apart(twins: Twins):
    assert (
        "in the cohort without the other"
        in unlike_twins(twins.seen("mortality", Window(at_h=AT_H + 1)), twins.pairs)[0]
    )


def test_control_one_moved_value_of_the_past_is_seen(tmp_path: Path, twins: Twins):
    one = random_timelines(5, 40, AT_MIN)
    one = joined([one, twin_of(one, AT_MIN, 6)])
    known = (pl.col("available") <= AT_MIN) & (pl.col("stay_id") > APART) & (pl.col("modality") == "lab")
    moved = Timelines(
        one.events.with_columns(value=pl.when(known).then(pl.col("value") + 1).otherwise("value")), one.stays
    )
    seen = view(
        write_data(tmp_path / "data", moved), Window(at_h=AT_H), TASKS["mortality"], twins.featurisers["running"]
    )
    pairs = [(stay, stay + APART) for stay in one.stays["stay_id"] if stay < APART]
    assert any(finding.startswith("static lab") for finding in unlike_twins(seen, pairs))


def test_nobody_left_is_an_error_and_not_an_empty_answer(tmp_path: Path):
    folder = write_data(tmp_path / "data", hand([(1, 5, 5, "lab", "LAB//lactate", 1.0)], [{"stay_id": 1, "end": 60}]))
    with pytest.raises(DataError, match="left the unit by the prediction time: 1"):
        view(folder, Window(at_h=2), TASKS["mortality"], None)  # type: ignore[arg-type]


def meds_twins(known: str = "discharge") -> raw_meds.RawMeds:
    """Patients 1 and 2: equal for a day in the unit; then one dies the next morning, the other stays and goes home. The
    codes of billing carry the time of admission, and tell which."""
    made = raw_meds.RawMeds()
    made.mapping = made.mapping.replace('known = "discharge"', f'known = "{known}"')
    for subject in (1, 2):
        ids = {"unit_stay": subject, "visit": f"v{subject}"}
        made.add(subject, None, "GENDER//F").add(subject, "2100-01-01", "MEDS_BIRTH")
        made.add(subject, "2150-01-01 00:00", "HOSP_IN", visit=ids["visit"])
        made.add(subject, "2150-01-01 02:00", "ICU_IN//MICU", **ids)
        for hour in range(3, 24):
            made.add(subject, f"2150-01-01 {hour:02}:00", "HR", 80.0 + hour).add(
                subject, f"2150-01-01 {hour:02}:30", "LAB//k", 4.0
            )
    made.add(1, "2150-01-02 01:00", "LAB//k", 9.0)  # known at 03:00, an hour after the prediction
    made.add(1, "2150-01-02 02:01", "MEDS_DEATH").add(1, "2150-01-02 02:02", "ICU_OUT", unit_stay=1)
    made.add(1, "2150-01-02 03:00", "HOSP_OUT//DIED", visit="v1").add(1, "2150-01-01 00:00", "DX//R99", visit="v1")
    made.add(2, "2150-01-09 00:00", "ICU_OUT", unit_stay=2).add(2, "2150-01-12 00:00", "HOSP_OUT//HOME", visit="v2")
    return made.add(2, "2150-01-01 00:00", "DX//Z00", visit="v2")


@pytest.mark.parametrize("known", ["discharge", "at once"])
def test_twins_of_meds_are_equal_unless_the_mapping_lets_billing_in_early(tmp_path: Path, known: str):
    """The second is the negative control."""
    data = raw_meds.prepare(meds_twins(known).write(tmp_path / "raw"), tmp_path / "data")
    window = Window(at_h=AT_H)
    featuriser = fitted_featuriser(data.folder, window, InputSettings())
    seen = view(data.folder, window, TASKS["mortality"], featuriser)
    assert seen.cohort.frame.select("stay_id", "label").rows() == [(1, 1.0), (2, 0.0)]
    assert (unlike_twins(seen, [(1, 2)]) == []) == (known == "discharge")
