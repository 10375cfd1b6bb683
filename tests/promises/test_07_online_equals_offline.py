"""Promise 7: online = offline. Events fed one by one, as a ward would see them, give the belief that one pass over the
whole line gives at that event; padding, batch mates and order in the batch do not matter.

Online is the product asked again at the minute of each event, with nothing but what is known then: for many stays by a
cohort with a row for each prefix, for some with a DATA folder written anew that holds no more than the prefix. An
hourly bin is complete, and an event, when its hour is over. 10,000 timelines at scale 1.

A line longer than `max_events` is cut to its latest events (and the last of each modality) at the prediction time, so
its earlier beliefs are not those of that hour: the promise holds for the belief at t, and for every belief of a line
that was not cut.
"""

import os
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from leak_detector import View, event_list, fitted_featuriser, predictions, view
from timelines import Timelines, available_by, random_timelines, with_physiology, write_data
from untrained import KINDS, random_embedder, untrained
from wardround.batches import content, grid
from wardround.batches.content import ContentSettings
from wardround.batches.sequences import SequenceBatch, sequence_batch
from wardround.batches.static import static_batch
from wardround.batches.store import EventStore, Featuriser, InputSettings, event_store
from wardround.events import INPUT_MODALITIES
from wardround.methods.grud import GRUDModel
from wardround.methods.trajectory import Trajectory
from wardround.tasks.cohort import Cohort, Window
from wardround.tasks.task import TASKS

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
TIMELINES = max(60, round(10_000 * SCALE))
MORTALITY = TASKS["mortality"]
CONTENTS = {
    "running, hourly bins": InputSettings(),
    "own items, no bins": InputSettings(content=ContentSettings(running=False, hourly=())),
    "with severity": InputSettings(modalities=INPUT_MODALITIES),
}
APART = 1e-6
"""How far a belief, a probability, may be apart between two shapes in 999 of 1,000; at the same shapes it is 0
always."""

NEVER = 1e-5
"""How far it never is: fp32 rounding, where the norms of a random model are small. (At 10,000 beliefs the largest was
1.5e-6.)"""


@dataclass(frozen=True)
class World:
    folder: Path
    timelines: Timelines
    featurisers: dict[str, Featuriser]

    def seen(self, of: str, at_h: float = 24.0, folder: Path | None = None) -> View:
        return view(folder or self.folder / "many", Window(at_h=at_h), MORTALITY, self.featurisers[of])


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("promise-7")
    train = write_data(folder / "train", with_physiology(random_timelines(1, 150), 1))
    featurisers = {name: fitted_featuriser(train, Window(), given) for name, given in CONTENTS.items()}
    timelines = with_physiology(random_timelines(7, round(1.5 * TIMELINES), per_stay=20, until=3000), 7)
    write_data(folder / "many", timelines)
    return World(folder, timelines, featurisers)


def trajectory(world: World, of: str, kind: str = "tabular") -> Trajectory:
    seen = world.seen(of)
    model = untrained("trajectory", MORTALITY, random_embedder(world.featurisers[of], seen.state, kind), kind)
    assert isinstance(model, Trajectory)
    return model


def prefixes(seen: View) -> tuple[Cohort, np.ndarray, np.ndarray]:
    """Each stay asked again at the minute of each of its events: a cohort with a row for each, the stay and the events
    known then."""
    events = seen.events
    stay = np.repeat(np.arange(len(events.stay_ids)), np.diff(events.offsets))
    last_of_minute = np.r_[(np.diff(stay) != 0) | (np.diff(events.minute) != 0), True]
    stay, minute = stay[last_of_minute], events.minute[last_of_minute]
    known = np.flatnonzero(last_of_minute) + 1 - events.offsets[stay]
    at = [timedelta(minutes=int(m)) for m in minute]
    frame = seen.cohort.frame[stay.tolist()].with_columns(
        prediction_time=pl.col("start") + pl.Series(at, dtype=pl.Duration("us"))
    )
    return Cohort(frame, {}, seen.cohort.window), stay, known


@torch.no_grad()
def logits(model: Trajectory, batch: SequenceBatch) -> np.ndarray:
    """The belief state after every event. (As a probability it depends on the place in the vector by a bit: sigmoid is
    vectorised.)"""
    return model.beliefs(batch)[0].numpy()


def beliefs(model: Trajectory, batch: SequenceBatch) -> np.ndarray:
    return torch.from_numpy(logits(model, batch)).sigmoid().numpy()


def batch_of(store: EventStore, places: np.ndarray) -> SequenceBatch:
    n = len(store.stay_ids)
    return sequence_batch(store, np.zeros(n), np.full(n, 24.0), places)


@pytest.mark.parametrize("of", CONTENTS)
def test_each_event_fed_alone_gives_the_belief_of_the_whole_line(world: World, of: str):
    seen, model = world.seen(of), trajectory(world, of)
    asked, stay, known = prefixes(seen)
    online = event_store(seen.data.lines, asked, world.featurisers[of])
    assert np.array_equal(np.diff(online.offsets), known), "online knows as many events as the line has by then"
    whole = predictions(seen, model)
    offline = whole.belief[seen.events.offsets[stay] + known - 1]
    apart = np.zeros(len(known))
    for part in np.array_split(np.argsort(known, kind="stable"), max(1, len(known) // 512)):
        made = beliefs(model, batch_of(online, part))
        apart[part] = np.abs(made[np.arange(len(part)), known[part] - 1] - offline[part])
    n = len(np.unique(stay))
    assert n >= 0.9 * TIMELINES
    usual, largest = np.quantile(apart, 0.999), apart.max()
    print(f"{of}: {len(known)} beliefs of {n} timelines, 999 of 1,000 at most {usual:.1e} apart, all {largest:.1e}")
    assert usual <= APART
    assert largest <= NEVER
    assert np.std(offline) > 0.01, "beliefs must differ"


@pytest.mark.parametrize("of", CONTENTS)
def test_the_inputs_of_a_prefix_are_the_bytes_of_the_whole_line(world: World, of: str):
    seen = world.seen(of)
    asked, stay, known = prefixes(seen)
    online = event_store(seen.data.lines, asked, world.featurisers[of])
    for place in np.random.default_rng(1).choice(len(stay), min(len(stay), TIMELINES), replace=False):
        assert event_list(online, place) == event_list(seen.events, stay[place])[: known[place]]


@pytest.mark.parametrize(
    ("of", "kind"), [*(("running, hourly bins", kind) for kind in KINDS), ("with severity", "set")]
)
def test_a_folder_that_holds_no_more_than_the_prefix(world: World, tmp_path: Path, of: str, kind: str):
    """Truly online: the file ends where the ward is, and the stay is asked alone."""
    seen, model = world.seen(of), trajectory(world, of, kind)
    longest = int(np.argsort(np.diff(seen.events.offsets))[-5])
    stay_id = int(seen.events.stay_ids[longest])
    whole = predictions(seen, model, np.asarray([longest]))
    minutes = whole.belief_minute[np.r_[np.diff(whole.belief_minute) != 0, True]]
    assert len(minutes) >= 8
    for number, minute in enumerate(minutes[minutes >= 0].tolist()):
        at_h = minute / 60
        alone = available_by(world.timelines.only([stay_id]), minute)
        now = world.seen(of, at_h, write_data(tmp_path / str(number), alone))
        made = predictions(now, model).prediction
        assert abs(made[0] - whole.belief[whole.belief_minute <= minute][-1]) <= NEVER


def test_an_hourly_bin_is_an_event_when_its_hour_is_over(world: World):
    of = "running, hourly bins"
    seen = world.seen(of)
    vitals = seen.events.modalities.index("vitals")
    hourly = seen.events.minute[seen.events.modality == vitals]
    assert len(hourly) > 20
    assert not (hourly % 60).any()
    lines = seen.data.lines
    asked, _, _ = prefixes(seen)
    before = asked.frame.with_columns(prediction_time=pl.col("prediction_time") - pl.duration(minutes=1))
    early = event_store(lines, replace(asked, frame=before), world.featurisers[of])
    late = event_store(lines, asked, world.featurisers[of])
    new = np.diff(late.offsets) - np.diff(early.offsets)
    assert (new >= 1).all(), "each asked minute is that of an event: a minute earlier it is not there"


def moves_with_its_place(layer: torch.nn.Linear, rows: int) -> bool:
    """Whether this machine's matrix product gives a row other bits at another place (seen on an AMD EPYC, with MKL, at
    8 and at 1 outputs): then nothing that is built on it can keep them."""
    given, order = torch.randn(rows, layer.in_features), torch.randperm(rows)
    with torch.no_grad():
        return not torch.equal(layer(given)[order], layer(given[order]))


def expected_apart(model: torch.nn.Module, rows: int = 77) -> float:
    """How far permuted batches may be apart: not by a bit where the machine's own products are not."""
    layers = [layer for layer in model.modules() if isinstance(layer, torch.nn.Linear)]
    return NEVER if any(moves_with_its_place(layer, rows) for layer in layers) else 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_order_in_the_batch_does_not_matter(world: World, kind: str):
    """Permuted batches have the same shapes: the same bits, on a machine whose matrix products have them."""
    of, rng = "running, hourly bins", np.random.default_rng(3)
    seen, model = world.seen(of), trajectory(world, of, kind)
    n = min(48, len(seen.events.stay_ids))
    one = logits(model, batch_of(seen.events, np.arange(n)))
    still = untrained("mlp", MORTALITY, random_embedder(world.featurisers[of], seen.state, kind), kind)
    nothing = np.zeros(len(seen.subject))
    fixed = still.outputs(static_batch(seen.state, seen.subject, nothing, np.arange(n)))
    apart, apart_fixed = expected_apart(model), expected_apart(still)
    for _ in range(5):
        order = rng.permutation(n)
        assert np.abs(logits(model, batch_of(seen.events, order)) - one[order]).max() <= apart
        again = still.outputs(static_batch(seen.state, seen.subject, nothing, order))
        assert (again - fixed[order]).abs().max() <= apart_fixed


@pytest.mark.parametrize("kind", KINDS)
def test_batch_mates_of_the_same_shapes_do_not_matter(world: World, kind: str):
    """Every number of the other stays is another one: the same bits for this one."""
    of, rng = "running, hourly bins", np.random.default_rng(4)
    seen, model = world.seen(of), trajectory(world, of, kind)
    batch = batch_of(seen.events, np.arange(24))
    one, events = logits(model, batch), batch.modality.shape[1]
    for mine in (0, 7, 23):
        rows = {}
        for name, values in batch.rows.items():
            theirs = (batch.slots[name] // events != mine).unsqueeze(1)
            noise = torch.from_numpy(rng.normal(0, 3, values.shape).astype(np.float32))
            rows[name] = torch.where(theirs, noise, values)
        other = logits(model, replace(batch, rows=rows))
        assert np.array_equal(other[mine], one[mine])
        assert not np.array_equal(other, one)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_and_other_mates_do_not_matter(world: World, kind: str):
    """Alone, with longer ones, with shorter ones: other shapes, so rounding may differ, no more."""
    of = "running, hourly bins"
    seen, model = world.seen(of), trajectory(world, of, kind)
    lengths = np.diff(seen.events.offsets)
    order = np.argsort(lengths, kind="stable")
    middle = [stay for stay in order[len(order) // 2 :] if lengths[stay] > 2][:6]
    for stay in middle:
        alone = beliefs(model, batch_of(seen.events, np.asarray([stay])))[0]
        for mates in (order[-1:], order[-20:-10], order[:5]):
            batch = batch_of(seen.events, np.r_[mates, stay])
            together = beliefs(model, batch)[-1]
            assert np.abs(together[: lengths[stay]] - alone).max() <= NEVER


def test_what_stands_in_the_padding_is_never_read(world: World):
    of = "running, hourly bins"
    seen, model = world.seen(of), trajectory(world, of)
    batch = batch_of(seen.events, np.arange(16))
    padding = torch.arange(batch.hours.shape[1]) >= batch.lengths[:, None]
    assert padding.any()
    noisy = replace(
        batch, hours=torch.where(padding, torch.nan, batch.hours), modality=torch.where(padding, 3, batch.modality)
    )
    assert np.array_equal(beliefs(model, noisy)[~padding.numpy()], beliefs(model, batch)[~padding.numpy()])


def test_a_stay_without_events_gets_the_same_answer_everywhere(world: World):
    of = "running, hourly bins"
    seen, model = world.seen(of), trajectory(world, of)
    empty = np.flatnonzero(np.diff(seen.events.offsets) == 0)
    assert len(empty)
    expected = model.target.prediction(model.start.constant).item()
    for members in (empty[:1], np.r_[np.flatnonzero(np.diff(seen.events.offsets))[:3], empty[:1]]):
        assert predictions(seen, model, members).prediction[-1] == pytest.approx(expected, abs=1e-7)


def test_a_cut_line_still_gives_the_belief_at_t(world: World):
    """`max_events=4`: what is kept hangs on the events known at t alone, the latest four and the last of each modality,
    so the belief at t is that of a ward which knows no more."""
    few = fitted_featuriser(world.folder / "train", Window(), InputSettings(content=ContentSettings(max_events=4)))
    one, whole = view(world.folder / "many", Window(), MORTALITY, few), world.seen("running, hourly bins")
    long = np.flatnonzero(np.diff(whole.events.offsets) > 6)
    assert len(long) > 20
    for place in long[:50]:
        events = event_list(whole.events, place)
        last = {name: number for number, (_, name, _) in enumerate(events)}
        kept = [event for number, event in enumerate(events) if number >= len(events) - 4 or last[event[1]] == number]
        assert event_list(one.events, place) == kept


def grud(world: World) -> GRUDModel:
    of = "own items, no bins"
    seen = world.seen(of)
    model = untrained("grud", MORTALITY, random_embedder(world.featurisers[of], seen.state, "tabular"), "tabular")
    assert isinstance(model, GRUDModel)
    return model


def test_each_hour_asked_alone_gives_the_belief_of_the_whole_grid(world: World):
    """A model of hours says at the end of each what it says when asked then; a belief is of the hour that ended last,
    and never knows more than its minute."""
    of, model = "own items, no bins", grud(world)
    seen = world.seen(of)
    whole = predictions(seen, model)
    assert not (whole.belief_minute % 60).any()
    assert (whole.belief_minute >= np.maximum(seen.events.minute, 0)).all()
    apart = []
    for at_h in (1.0, 7.0, 18.0, 23.0):
        now = world.seen(of, at_h)
        online = predictions(now, model).prediction
        ended = whole.belief_minute == at_h * 60
        stays = seen.events.stay_ids[whole.belief_stay[ended]]
        apart.append(np.abs(online[now.places(stays)] - whole.belief[ended]))
        assert np.std(online) > 0.01, "answers must differ"
    assert sum(map(len, apart)) > TIMELINES / 10
    assert np.concatenate(apart).max() <= NEVER


def test_a_begun_hour_counts_as_far_as_it_went(world: World, tmp_path: Path):
    """Asked at 90 minutes: what a ward knows by then, in a column that ends then."""
    of, model = "own items, no bins", grud(world)
    now = world.seen(of, 1.5)
    alone = world.seen(of, 1.5, write_data(tmp_path / "d", available_by(world.timelines, 90)))
    assert np.array_equal(predictions(now, model).prediction, predictions(alone, model).prediction)
    assert predictions(now, model).belief_minute.max() == 90
    known = np.flatnonzero((now.events.minute > 60) & (now.events.minute <= 90))
    assert len(known) > 5


# Negative controls


def test_control_a_bin_known_at_its_start_is_caught(world: World, monkeypatch: pytest.MonkeyPatch):
    of, original = "running, hourly bins", content.modality_contents

    def too_early(*arguments):
        made, unknown = original(*arguments)
        return {name: replace(one, minute=one.minute - 30 * (name == "vitals")) for name, one in made.items()}, unknown

    monkeypatch.setattr("wardround.batches.store.modality_contents", too_early)
    with pytest.raises(AssertionError, match="online knows as many events"):
        test_each_event_fed_alone_gives_the_belief_of_the_whole_line(world, of)


def test_control_a_grid_that_is_an_hour_early_is_caught(world: World, monkeypatch: pytest.MonkeyPatch):
    original = grid.Columns.of_events
    monkeypatch.setattr(grid.Columns, "of_events", lambda self, minute, stay: original(self, minute - 60, stay))
    with pytest.raises(AssertionError):
        test_each_hour_asked_alone_gives_the_belief_of_the_whole_grid(world)


def test_control_attention_both_ways_is_caught(world: World, monkeypatch: pytest.MonkeyPatch):
    from wardround.models.decoder import Decoder

    original = Decoder.forward

    def both_ways(self, *arguments):
        for layer in self.llama.layers:
            layer.self_attn.is_causal = False
        return original(self, *arguments)

    monkeypatch.setattr(Decoder, "forward", both_ways)
    with pytest.raises(AssertionError):
        test_each_event_fed_alone_gives_the_belief_of_the_whole_line(world, "running, hourly bins")


def test_control_a_norm_over_the_batch_is_caught(world: World, monkeypatch: pytest.MonkeyPatch):
    original = Trajectory.encode

    def normed(self, batch, coded):
        made = original(self, batch, coded)
        return made - made.mean(dim=(0, 1))

    monkeypatch.setattr(Trajectory, "encode", normed)
    with pytest.raises(AssertionError):
        test_padding_and_other_mates_do_not_matter(world, "tabular")
