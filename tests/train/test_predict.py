"""A model on stays: published scores, left-out modalities, what sees past the prediction time, frozen encoders."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from small_runs import DAYS, RISK, published
from timelines import Timelines, hand, random_timelines, write_data
from untrained import aligned_embedder, random_embedder, untrained
from wardround.batches.store import InputSettings, event_store, fit_featuriser
from wardround.concepts.derived import derived_from
from wardround.methods.registry import METHODS
from wardround.methods.scores import SCORE_CODES
from wardround.tasks.cohort import Window
from wardround.tasks.task import TASKS
from wardround.train import predict
from wardround.train.cases import Cases, prediction_hours
from wardround.train.data import open_data
from wardround.train.embedded import embedded
from wardround.train.predict import SHAPES, Predictions, predict_cases
from wardround.train.protocol_stamp import modalities_past_prediction
from wardround.train.published_scores import published_scores

torch.set_num_threads(1)

MORTALITY, REMAINING = TASKS["mortality"], TASKS["los_remaining"]
ICU_DAYS = SCORE_CODES["los_icu"][0]
H24 = 1440.0


def score(stay: int, value: float, available: float = H24, code: str = RISK, modality: str = "score") -> tuple:
    """A published score: it describes admission, and is known later."""
    return stay, 0.0, available, modality, code, value


def opened(folder: Path, timelines: Timelines, window: Window, task=MORTALITY):
    data = open_data(write_data(folder, timelines), window)
    return data, data.cohort(task, labelled=False)


# Published scores


def test_a_score_counts_from_when_it_is_known(tmp_path: Path):
    """At 24 h sharp, a minute later, twice (the later one), not at all, and as an event of another modality."""
    events = [
        score(1, 0.1),
        score(2, 0.2, H24 + 1),
        score(3, 0.3, 600),
        score(3, 0.4, 1200),
        (4, 0.0, 0.0, "lab", "LAB//sodium", 1.0),
        score(5, 0.5, modality="aps"),
    ]
    folder = write_data(tmp_path / "data", hand(events))
    for window, expected in (
        (Window(), [0.1, np.nan, 0.4, np.nan, np.nan]),
        (Window(at_h=12.0), [np.nan, np.nan, 0.3, np.nan, np.nan]),
        (Window(at_h=25.0), [0.1, 0.2, 0.4, np.nan, np.nan]),
    ):
        data = open_data(folder, window)
        found = published_scores(data, data.cohort(MORTALITY), MORTALITY)
        assert found == pytest.approx(expected, nan_ok=True)


def test_data_without_the_code_has_no_scores(tmp_path: Path):
    data, cohort = opened(tmp_path / "d", hand([score(1, 3.0, code=DAYS)]), Window())
    assert np.isnan(published_scores(data, cohort, MORTALITY)).all()


def test_days_become_hours_and_what_has_passed_is_taken_off(tmp_path: Path):
    """5 days from hospital admission, an hour before the unit: 95 h are left after 25; 1 day is over."""
    events = [score(1, 5.0, code=DAYS), score(2, 1.0, code=DAYS), score(1, 2.0, code=ICU_DAYS)]
    data, cohort = opened(tmp_path / "d", hand(events), Window(), REMAINING)
    assert published_scores(data, cohort, REMAINING) == pytest.approx([95, 0])
    assert published_scores(data, cohort, TASKS["los"]) == pytest.approx([120, 24])
    assert published_scores(data, cohort, TASKS["los_icu"]) == pytest.approx([48, np.nan], nan_ok=True)


# Modalities left out


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory):
    """Timelines, a featuriser fitted on others, and where to write."""
    folder = tmp_path_factory.mktemp("predict")
    train = open_data(write_data(folder / "train", random_timelines(1, 120)), Window())
    featuriser = fit_featuriser(train.lines, train.cohort(None), InputSettings())
    return folder, featuriser, published(random_timelines(2, 60))


def asked(folder: Path, timelines: Timelines, featuriser, sequences: bool, without: Collection[str] = ()):
    data = open_data(write_data(folder, timelines), Window())
    cohort = data.cohort(MORTALITY, labelled=False)
    return data, cohort, event_store(data.lines, cohort, featuriser, sequences, without=without)


def of_at_most(events: int, featuriser):
    """The featuriser with another `max_events`."""
    content = replace(featuriser.settings.content, max_events=events)
    return replace(featuriser, settings=replace(featuriser.settings, content=content))


@pytest.mark.parametrize("method", ["mlp", "lstm", "trajectory", "grud"])
@pytest.mark.parametrize("gone", [["lab"], ["lab", "vitals", "demographics"]])
@pytest.mark.parametrize("most", [512, 4])
def test_without_a_modality_is_as_if_it_had_never_been_recorded(
    world, tmp_path: Path, method: str, gone: list[str], most: int
):
    """Also where only the latest events are kept: those of the others take the places that become free. What is derived
    from it was never made: what less would have made is not told."""
    _, featuriser, timelines = world
    featuriser = of_at_most(most, featuriser)
    sequences = SHAPES[METHODS[method].shape].sequences
    never = replace(timelines, events=timelines.events.filter(~pl.col("modality").is_in(gone)))
    data, cohort, store = asked(tmp_path / "all", timelines, featuriser, sequences)
    bare, bare_cohort, bare_store = asked(tmp_path / "never", never, featuriser, sequences, derived_from(gone))
    model = untrained(method, MORTALITY, random_embedder(featuriser, store, "tabular"), "tabular")
    everyone = np.arange(cohort.frame.height)
    whole = predict_cases(model, Cases.of(data, cohort, store, model), everyone)
    taken_away = event_store(data.lines, cohort, featuriser, sequences, without=gone)
    left = predict_cases(model, Cases.of(data, cohort, taken_away, model), everyone)
    expected = predict_cases(model, Cases.of(bare, bare_cohort, bare_store, model), everyone)
    for name in ("prediction", "belief_stay", "belief_minute", "belief_modality", "belief"):
        assert getattr(left, name) == pytest.approx(getattr(expected, name), abs=1e-6)
    moved = np.abs(whole.prediction - left.prediction) > 1e-6
    had = store.observed[:, [store.modalities.index(name) for name in {*gone, *derived_from(gone)}]].any(axis=1)
    assert (moved == had).mean() > 0.95, "a stay that had it is asked otherwise, the others are not"
    assert not moved[~had].any()


# What sees past the prediction time


LATE = [
    (1, 600, 600, "vitals", "VITALS//sao2", 1.0),
    (1, 600, 800, "lab", "LAB//sodium", 1.0),
    (1, 900, 900, "medication", "MEDICATION//heparin", None),
    (1, 0, H24, "aps", "APS//ph", 1.0),
    score(1, 0.5),
    (2, 700, 720, "lab", "LAB//sodium", 1.0),
]
"""Asked at 12 h = 720 min: the lab of stay 1 describes 10 h and is known at 800 min; APS and the score describe
admission."""
ALL = ("vitals", "lab", "medication", "aps", "score")


def test_the_paper_protocol_sees_what_is_described_before_and_known_after(tmp_path: Path):
    folder = write_data(tmp_path / "d", hand(LATE))
    data = open_data(folder, Window("paper", 12.0))
    cohort = data.cohort(MORTALITY)
    assert modalities_past_prediction(data, cohort, ALL) == ["lab", "aps", "score"]
    assert modalities_past_prediction(data, cohort, ("vitals", "aps")) == ["aps"], "of those that are read"
    only_two = replace(cohort, frame=cohort.frame.filter(stay_id=2))
    assert modalities_past_prediction(data, only_two, ALL) == [], "known at 720 sharp"


def test_the_causal_protocol_never_does(tmp_path: Path):
    data, cohort = opened(tmp_path / "d", hand(LATE), Window(at_h=12.0))
    assert modalities_past_prediction(data, cohort, ALL) == []


def test_a_whole_stay_sees_past_its_end_what_was_charted_after_it(tmp_path: Path):
    """The stay ends after 3 days."""
    events = [(1, 100, 4320, "lab", "LAB//sodium", 1.0), (1, 100, 4321, "vitals", "VITALS//sao2", 1.0)]
    data, cohort = opened(tmp_path / "d", hand(events), Window("paper", None))
    assert modalities_past_prediction(data, cohort, ALL) == ["vitals"]


# Predictions


def frozen(world, tmp_path: Path):
    _, featuriser, timelines = world
    data, cohort, store = asked(tmp_path / "frozen", timelines, featuriser, True)
    state = event_store(data.lines, cohort, featuriser, sequences=False)
    model = untrained("trajectory", MORTALITY, aligned_embedder(featuriser, state, "tabular"), "tabular", frozen=True)
    return data, cohort, store, model


def test_frozen_encoders_are_run_once_without_dropout_and_kept(world, tmp_path: Path, monkeypatch):
    data, cohort, store, model = frozen(world, tmp_path)
    cache = data.folder / "cache" / "embeddings"
    model.train()
    made = Cases.of(data, cohort, store, model).store
    model.eval()
    for name, encoder in model.embedder.encoders.items():
        with torch.no_grad():
            expected = encoder(torch.from_numpy(store.content[name])).numpy()
        assert made.content[name] == pytest.approx(expected, abs=1e-6)
        assert made.content[name].shape[1] == model.embed_width
    assert len(list(cache.glob("*.npy"))) == len(store.modalities)
    for encoder in model.embedder.encoders.values():
        monkeypatch.setattr(encoder, "forward", None)
    again = Cases.of(data, cohort, store, model).store
    assert all(np.array_equal(again.content[name], made.content[name]) for name in store.modalities)


def test_embedding_in_blocks_is_embedding_at_once(world, tmp_path: Path):
    _, _, store, model = frozen(world, tmp_path)
    one, other = (embedded(store, model.frozen_encoders, tmp_path / str(block), block) for block in (7, 65_536))
    for name in store.modalities:
        assert one.content[name] == pytest.approx(other.content[name], abs=1e-6)


def test_other_weights_are_other_embeddings(world, tmp_path: Path):
    data, cohort, store, model = frozen(world, tmp_path)
    before = Cases.of(data, cohort, store, model).store.content["lab"]
    with torch.no_grad():
        next(model.embedder.encoders["lab"].parameters()).add_(0.5)
    assert not np.allclose(Cases.of(data, cohort, store, model).store.content["lab"], before)


@pytest.mark.parametrize("method", ["mlp", "trajectory", "grud"])
def test_what_a_stay_gets_does_not_hang_on_who_else_is_asked(world, tmp_path: Path, monkeypatch, method: str):
    _, featuriser, timelines = world
    sequences = SHAPES[METHODS[method].shape].sequences
    data, cohort, store = asked(tmp_path / "d", timelines, featuriser, sequences)
    model = untrained(method, MORTALITY, random_embedder(featuriser, store, "tabular"), "tabular")
    cases = Cases.of(data, cohort, store, model)
    n = cohort.frame.height
    whole = predict_cases(model, cases, np.arange(n))
    members = np.random.default_rng(0).permutation(n)[:11]
    monkeypatch.setattr(predict, "PREDICT_STAYS", 3)
    monkeypatch.setattr(predict, "PREDICT_BUDGET", 40)
    some = predict_cases(model.train(), cases, members)
    assert some.prediction == pytest.approx(whole.prediction[members], abs=1e-6), "in the order asked, in eval mode"
    for place, member in enumerate(members):
        for name in ("belief_minute", "belief_modality", "belief"):
            one, other = (
                getattr(some, name)[some.belief_stay == place],
                getattr(whole, name)[whole.belief_stay == member],
            )
            assert one == pytest.approx(other, abs=1e-6)
    assert len(whole.belief) == (store.offsets[-1] if sequences else 0)
    assert not np.isnan(whole.belief).any()


def test_a_row_gives_the_members_what_it_has(tmp_path: Path):
    data, cohort = opened(tmp_path / "d", hand([score(1, 0.25), score(3, 0.75)], [{"stay_id": 2}]), Window())
    cases = Cases.of_row(data, cohort, "score", MORTALITY, {})
    made = predict_cases(None, cases, np.asarray([2, 1, 0]))
    assert made.prediction == pytest.approx([0.75, np.nan, 0.25], nan_ok=True)
    assert len(made.belief) == len(made.belief_stay) == 0
    bins = Cases.of_row(data, cohort, "elapsed", MORTALITY, {"edges": [25.0], "values": [0.1, 0.9]})
    assert bins.row.tolist() == [0.9] * 3, "25 h in hospital"


def test_a_model_that_does_not_say_how_it_predicts_is_an_error_of_ours(world, tmp_path: Path):
    _, featuriser, timelines = world
    _, cohort, store = asked(tmp_path / "d", timelines, featuriser, True)
    cases = Cases(cohort, store, np.full(len(store.stay_ids), 24.0))
    with pytest.raises(TypeError, match="Linear does not say how it predicts"):
        predict_cases(torch.nn.Linear(2, 1), cases, np.arange(2))


def test_after_each_event_a_duration_is_what_had_passed_then_and_what_is_left():
    left = Predictions(
        np.asarray([10.0, 20.0]),
        belief_stay=np.asarray([0, 0, 1]),
        belief_minute=np.asarray([-120, 1440, 0]),
        belief_modality=np.zeros(3, np.int64),
        belief=np.asarray([9.0, 8.0, 7.0]),
    )
    whole = left.with_passed(np.asarray([25.0, 30.0]), np.asarray([24.0, 24.0]))
    assert whole.prediction.tolist() == [35, 50]
    assert whole.belief.tolist() == [8, 33, 13], "an hour before it began an hour more is left than it lasts"
    assert left.with_passed(np.zeros(2), np.full(2, 24.0)) is left
    nothing = replace(left, belief=np.zeros(3)).with_passed(np.asarray([25.0, 30.0]), np.asarray([24.0, 24.0]))
    assert nothing.belief.tolist() == [0, 25, 6]


class _KnowsWhatIsLearned(torch.nn.Module):
    """Says after each event what a model is asked to say there: what is left, and an hour more for each hour before."""

    shape = "sequence"

    def __init__(self, learned: np.ndarray) -> None:
        super().__init__()
        self.learned = torch.nn.Parameter(torch.from_numpy(learned))

    def predict(self, batch):
        left = self.learned[batch.stays]
        return left[:, None] + (batch.at_h[:, None] - batch.hours), left


@pytest.mark.parametrize("task", ["los", "los_icu"])
@pytest.mark.parametrize("window", [Window(), Window("paper", 12)])
def test_who_knows_what_is_learned_says_the_label_after_every_event(world, tmp_path: Path, task: str, window: Window):
    """Events before the unit stay among them."""
    _, featuriser, timelines = world
    data, cohort = opened(tmp_path / "d", timelines, window, TASKS[task])
    store = event_store(data.lines, cohort, featuriser, True)
    cases = Cases(cohort, store, prediction_hours(cohort))
    made = predict_cases(_KnowsWhatIsLearned(cohort.learned), cases, np.arange(len(cohort.learned)))
    label = cohort.frame["label"].to_numpy()
    known = ~np.isnan(label)
    assert made.prediction[known] == pytest.approx(label[known], abs=1e-4)
    known = known[made.belief_stay]
    assert (made.belief_minute[known] < 0).any()
    assert made.belief[known] == pytest.approx(label[made.belief_stay][known], abs=1e-4)
