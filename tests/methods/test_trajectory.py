"""The trajectory model on stays written by hand: what an event adds, what is dropped, what falls, what learns.

That nothing after an event moves its belief: tests/promises/test_01 and test_07.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from wardround.batches.sequences import SequenceBatch, sequence_batch
from wardround.batches.static import static_batch
from wardround.batches.store import EventStore
from wardround.errors import UsageError
from wardround.methods.registry import build_embedder
from wardround.methods.target import Target
from wardround.methods.trajectory import Trajectory, TrajectorySettings
from wardround.models.decoder import DecoderSettings
from wardround.models.dropout import Dropout
from wardround.models.evidence import LinearEvidence
from wardround.models.latest_state import latest_ages, latest_state
from wardround.models.modality_encoder import EncoderSettings, RowShape

torch.set_num_threads(1)

NAN = float("nan")
SHAPES = {"lab": RowShape(1, 2, 0), "medication": RowShape(1, 0, 3)}
EMBED = 4


def store(modality: list[list[int]], hours: list[list[float]]) -> EventStore:
    """Stays by the modality (0 lab, 1 medication) and hour of their events; the content is random."""
    rng = np.random.default_rng(0)
    of_event = np.asarray([m for stay in modality for m in stay], np.uint8)
    lengths = [len(stay) for stay in modality]
    offsets = np.r_[0, np.cumsum(lengths)].astype(np.int64)
    row = np.zeros(len(of_event), np.int64)
    last = np.full((len(lengths), 2), -1, np.int64)
    content = {}
    for index, (name, shape) in enumerate(SHAPES.items()):
        mine = np.flatnonzero(of_event == index)
        row[mine] = np.arange(len(mine))
        content[name] = rng.normal(size=(len(mine), shape.width)).astype(np.float32)
        stay = np.searchsorted(offsets, mine, side="right") - 1
        last[stay, index] = row[mine]
    minute = np.asarray([60 * h for stay in hours for h in stay], np.int32)
    return EventStore(
        modalities=tuple(SHAPES),
        stay_ids=np.arange(len(lengths)),
        offsets=offsets,
        minute=minute,
        modality=of_event,
        row=row,
        content=content,
        last=last,
        published=np.full(len(of_event), NAN, np.float32),
        published_last=np.full(len(lengths), NAN, np.float32),
        unknown_items=0,
    )


STORE = store([[0, 1, 0], [1], [], [1, 0, 1, 1, 0]], [[1, 2, 20], [23], [], [-1, 0, 4, 4, 10]])
AT_H = np.full(4, 24.0)
LABEL = np.asarray([1.0, 0.0, 1.0, 0.0])


def batch(
    of: EventStore = STORE, label: np.ndarray = LABEL, at_h: np.ndarray = AT_H, stays: list[int] | None = None
) -> SequenceBatch:
    return sequence_batch(of, label, at_h, np.arange(len(of.stay_ids)) if stays is None else np.asarray(stays))


def model(
    kind: str = "binary",
    falls: bool = False,
    start: float = 0.4,
    told: bool = True,
    published_scale: float = 0.0,
    **settings,
) -> Trajectory:
    """In eval mode, without any dropout; `told`: with a head that reads the decoder."""
    torch.manual_seed(0)
    encoder = EncoderSettings("tabular", hidden=8, embed=EMBED, dropout=0.0, input_dropout=0.0)
    decoder = DecoderSettings(hidden=8, layers=1, heads=2, mlp_hidden=8)
    given = {"encoder": encoder, "decoder": decoder, "modality_dropout_prob": 0.0, "weighting": "uniform"}
    given |= {"evidence": False} | settings
    embedder = build_embedder(SHAPES, given["encoder"])
    target = Target(kind, given.get("positive_weight", 1.0))  # type: ignore[arg-type]
    evidence = LinearEvidence({name: shape.width for name, shape in SHAPES.items()}) if given["evidence"] else None
    made = Trajectory(embedder, target, TrajectorySettings(**given), start, falls, published_scale, evidence)
    if told:
        nn.init.normal_(made.head.weight)
    for part in made.modules():
        if isinstance(part, Dropout):
            part.dropped = 0
    return made.eval()


@torch.no_grad()
def outputs(made: Trajectory, of: SequenceBatch) -> list[list[float]]:
    """The output after every event of each stay."""
    made_, real, _ = made.beliefs(of)
    return [row[keep].tolist() for row, keep in zip(made_, real, strict=True)]


def by_parts(made: Trajectory, of: SequenceBatch) -> torch.Tensor:
    """The printed model, part by part."""
    events = made.project(made.encode(of, made.coded(of))) + made.modality(of.modality)
    if made.time is not None:
        events = events + made.time(of.hours)
    predict = made.sequence.predict.expand_as(events)
    woven = torch.stack([events, predict], dim=2).flatten(1, 2)
    return made.head(made.decoder(woven, 2 * of.lengths)[:, 1::2]).squeeze(-1) + made.start(of.published)


# What a belief is


def test_each_event_goes_through_the_encoder_of_its_modality():
    made, of = model(), batch()
    encoded = made.encode(of, made.coded(of))
    events = [(stay, k) for stay in (0, 1, 3) for k in range(int(of.lengths[stay]))]
    for place, (stay, k) in enumerate(events):
        name = STORE.modalities[STORE.modality[place]]
        row = torch.from_numpy(STORE.content[name][[STORE.row[place]]])
        torch.testing.assert_close(encoded[stay, k], made.embedder.encoders[name](row)[0], rtol=0, atol=5e-6)
    assert not encoded[1, 1:].any(), "nothing in the padding"


@pytest.mark.parametrize("time_encoding", [True, False])
def test_without_a_state_it_is_the_printed_model(time_encoding: bool):
    made = model(state=False, time_encoding=time_encoding)
    made_, real, _ = made.beliefs(batch())
    torch.testing.assert_close(made_[real], by_parts(made, batch())[real], rtol=0, atol=1e-6)
    assert made.state is None
    made.loss(batch())[0].backward()
    assert made.embedder.tokens.grad is None, "a missing modality contributes no event, so its token says nothing"


def test_the_state_adds_what_a_static_head_reads_from_the_latest_embeddings():
    made = model()
    made_, real, _ = made.beliefs(batch())
    encoded = made.encode(batch(), made.coded(batch()))
    latest = latest_state(encoded, batch().modality, made.embedder.tokens).flatten(2)
    ages = latest_ages(batch().hours, batch().modality, 2)
    state = made.state.head(torch.cat([latest, ages], dim=2)).squeeze(-1)
    torch.testing.assert_close(made_[real], (by_parts(made, batch()) + state)[real], rtol=0, atol=1e-6)
    made.loss(batch())[0].backward()
    assert made.embedder.tokens.grad.abs().sum(dim=1).min() > 0, "stays without lab, or not yet with medication"


def test_at_the_last_event_the_state_is_that_of_a_static_model():
    """The same embeddings, tokens and order as `StaticModel` on the rows at the prediction time."""
    torch.manual_seed(0)
    made = model(told=False, start=0.0, ages=False)
    still = static_batch(STORE, np.zeros(4, np.int64), LABEL, np.arange(4))
    expected = made.state.head(made.embedder.embed(still.inputs, still.observed).flatten(1)).squeeze(-1)
    last = [rows[-1] for rows in outputs(made, batch()) if rows]
    torch.testing.assert_close(torch.tensor(last), expected[[0, 1, 3]].detach(), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("time_encoding", "ages"), [(True, False), (False, True), (False, False)])
def test_hours_matter_where_they_are_encoded(time_encoding: bool, ages: bool):
    made = model(time_encoding=time_encoding, ages=ages)
    later = replace(batch(), hours=batch().hours + 3)
    assert (outputs(made, later) == outputs(made, batch())) is not (time_encoding or ages)


def test_the_evidence_adds_the_linear_term_of_the_latest_row_of_each_modality():
    plain, made = model(told=False, state=False), model(told=False, state=False, evidence=True)
    of = batch()
    nn.init.normal_(made.evidence.weights["lab"].weight)
    weight = made.evidence.weights["lab"].weight[0]
    for stay, (rows, without) in enumerate(zip(outputs(made, of), outputs(plain, of), strict=True)):
        latest = torch.tensor(0.0)
        for k, (belief, start) in enumerate(zip(rows, without, strict=True)):
            event = STORE.offsets[stay] + k
            if STORE.modalities[STORE.modality[event]] == "lab":
                latest = torch.from_numpy(STORE.content["lab"][STORE.row[event]]) @ weight
            assert belief == pytest.approx(start + latest.item(), abs=1e-5)


@pytest.mark.parametrize("state", [True, False])
def test_padding_and_batch_mates_do_not_matter(state: bool):
    made = model(state=state)
    together = outputs(made, batch())
    for stay in range(4):
        assert outputs(made, batch(stays=[stay]))[0] == pytest.approx(together[stay], abs=3e-6)
    padding = torch.arange(5) >= batch().lengths[:, None]
    noisy = replace(
        batch(), modality=batch().modality.masked_fill(padding, 1), hours=batch().hours.masked_fill(padding, NAN)
    )
    assert outputs(made, noisy) == together


# Modality dropout


TOLD = replace(STORE, published=np.asarray([NAN, -2, -1.5, 0.5, NAN, -3, -1, NAN, 2], np.float32))
"""The same stays with a published equation, as it stood after each event."""


def never(name: str, of: EventStore) -> EventStore:
    """The stays as if a modality had never been recorded."""
    keep = of.modality != of.modalities.index(name)
    lengths = np.diff(of.offsets)
    left = np.bincount(np.repeat(np.arange(len(lengths)), lengths)[keep], minlength=len(lengths))
    offsets = np.r_[0, np.cumsum(left)].astype(np.int64)
    kept = {name: getattr(of, name)[keep] for name in ("minute", "modality", "row", "published")}
    return replace(of, offsets=offsets, **kept)


def test_what_is_added_is_held_to_the_equation_only_where_the_stay_keeps_it(monkeypatch: pytest.MonkeyPatch):
    """Not before the equation is known, and not where dropout took the modality that tells it; the control takes
    another."""
    made, of = model(shrinkage=2.0, published_scale=1.0, modality_dropout_prob=0.5), batch(TOLD)
    loss, parts = made.loss(of)
    held = made.read(of).added.square().masked_fill(of.published.isnan(), 0.0).sum(dim=1) / of.lengths.clamp(min=1)
    assert held[0] > 0
    torch.testing.assert_close(loss - parts["task"], 2.0 * held.mean())
    module = "wardround.methods.trajectory"
    monkeypatch.setattr(f"{module}.modality_dropout", lambda observed, prob: observed & torch.tensor([True, False]))
    made.train()
    for tells, is_held in (("medication", False), ("lab", True)):
        monkeypatch.setattr(f"{module}.MODALITY", tells)
        loss, parts = made.loss(of)
        assert bool((loss - parts["task"]).abs() > 1e-6) == is_held


@pytest.mark.parametrize("of", [STORE, TOLD], ids=["plain", "published"])
def test_dropout_takes_the_events_of_one_modality_and_closes_the_gaps(of: EventStore):
    """A stay then reads as if the modality had never been recorded; the only one of a stay is never taken."""
    made = model(modality_dropout_prob=0.999, published_scale=1.0)
    stays = [0, 3] * 20 + [1, 2] * 5
    full = batch(of, stays=stays)
    gone = {name: outputs(made, batch(never(name, of), stays=stays)) for name in SHAPES}
    plain = outputs(made, full)
    made.train()
    torch.manual_seed(2)
    made_, real, hours = made.beliefs(full)
    lost = dict.fromkeys(SHAPES, 0)
    for place in range(40):
        dropped = made_[place, real[place]].tolist()
        fits = [name for name in SHAPES if dropped == pytest.approx(gone[name][place], abs=1e-5)]
        assert len(fits) == 1
        lost[fits[0]] += 1
    assert min(lost.values()) > 10
    for place in range(40, 50):
        assert made_[place, real[place]].tolist() == pytest.approx(plain[place], abs=1e-5)
    assert {tuple(hours[place, real[place]].tolist()) for place in range(0, 40, 2)} == {(1, 20), (2,)}


def test_nothing_is_dropped_outside_training_or_at_rate_zero():
    assert outputs(model(modality_dropout_prob=0.999), batch()) == outputs(model(), batch())
    assert outputs(model().train(), batch()) == outputs(model(), batch())


def test_the_targets_go_with_the_events_that_are_kept():
    """Falling labels after dropout: the hours of the events that are left, not of the places they moved from."""
    made = model("hours", falls=True, start=0.0, told=False, state=False, modality_dropout_prob=0.999).train()
    label = np.asarray([10.0, NAN, NAN, NAN])
    expected = [np.mean([math.log1p(10 + 24 - h) ** 2 for h in hours]) for hours in ((1, 20), (2,))]
    found = set()
    for seed in range(8):
        torch.manual_seed(seed)
        found.add(round(made.loss(batch(label=label, stays=[0]))[0].item(), 4))
    assert sorted(found) == pytest.approx(sorted(expected), abs=1e-3)


# What learns


def test_frozen_encoders_learn_nothing_and_are_not_called():
    made = model(train_encoders=False)
    rows = {name: torch.randn(len(rows), EMBED) for name, rows in batch().rows.items()}
    made.train()
    embedded = replace(batch(), rows=rows)
    encoded = made.encode(embedded, made.coded(embedded)).flatten(0, 1)
    for name in SHAPES:
        assert torch.equal(encoded[embedded.slots[name]], rows[name]), "rows that are embeddings pass as they are"
    made.loss(embedded)[0].backward()
    learns = {name.split(".")[0] for name, value in made.named_parameters() if value.grad is not None}
    assert learns == {"project", "modality", "time", "sequence", "decoder", "state", "head", "start"}
    assert not any(value.requires_grad for value in made.embedder.encoders.parameters())
    assert not made.embedder.tokens.requires_grad


def test_trained_encoders_learn():
    made = model().train()
    made.loss(batch())[0].backward()
    without = {name for name, value in made.named_parameters() if value.requires_grad and value.grad is None}
    assert without == set()
    assert all(value.grad.abs().sum() > 0 for value in made.embedder.encoders.parameters())


# The loss


def plain(kind: str = "hours", falls: bool = False, weighting: str = "uniform", start: float = 0.0) -> Trajectory:
    """A model whose every output is `start`."""
    return model(kind, falls, start, told=False, state=False, weighting=weighting)


def test_the_loss_is_a_mean_over_stays_of_the_mean_over_their_beliefs():
    """A stay of one event weighs as much as one of five; one without events adds nothing."""
    label = np.asarray([3.0, 7.0, 100.0, 0.0])
    each = [math.log1p(3) ** 2, math.log1p(7) ** 2, 0.0, 0.0]
    loss, parts = plain().loss(batch(label=label))
    assert loss.item() == pytest.approx(sum(each) / 4, abs=1e-6)
    assert parts["task"].item() == loss.item()


def test_where_the_label_falls_an_earlier_event_has_more_hours_before_it():
    """10 h are left at hour 24: after the events at hours 1, 2 and 20 it was 33, 32 and 14."""
    label = np.asarray([10.0, 5.0, 1.0, NAN])
    targets = [np.mean([math.log1p(left) ** 2 for left in (33, 32, 14)]), math.log1p(6) ** 2, 0, 0]
    assert plain(falls=True).loss(batch(label=label))[0].item() == pytest.approx(sum(targets) / 4, abs=1e-5)
    still = [math.log1p(10) ** 2, math.log1p(5) ** 2, 0, 0]
    assert plain().loss(batch(label=label))[0].item() == pytest.approx(sum(still) / 4, abs=1e-5)


def test_a_rising_weight_is_that_of_the_number_of_the_event():
    label = np.asarray([10.0, 5.0, 1.0, NAN])
    falling = [(math.log1p(10 + 24 - hour)) ** 2 for hour in (1, 2, 20)]
    first = sum(k * loss for k, loss in enumerate(falling, start=1)) / 6
    loss = plain(falls=True, weighting="rising").loss(batch(label=label))[0]
    assert loss.item() == pytest.approx((first + math.log1p(5 + 1) ** 2) / 4, abs=1e-5)


def test_weighting_last_is_the_loss_at_the_last_event():
    label = np.asarray([10.0, 5.0, 1.0, 2.0])
    at_last = [math.log1p(10 + 4) ** 2, math.log1p(5 + 1) ** 2, 0, math.log1p(2 + 14) ** 2]
    loss = plain(falls=True, weighting="last").loss(batch(label=label))[0]
    assert loss.item() == pytest.approx(sum(at_last) / 4, abs=1e-5)
    made = model(weighting="last")
    made_, _, _ = made.beliefs(batch())
    losses = made.target.loss(made_, batch().label[:, None].expand_as(made_))
    last = [losses[stay, length - 1].item() for stay, length in enumerate(batch().lengths.tolist()) if length]
    assert made.loss(batch())[0].item() == pytest.approx(sum(last) / 4, abs=1e-6)


# A published equation


@torch.no_grad()
def test_an_untrained_head_starts_at_the_published_odds_after_each_event():
    """At the constant before the equation is known; with deaths that weigh three times, at three times the odds."""
    made = model(told=False, state=False, published_scale=1.0, positive_weight=3.0)
    expected = [NAN, -2, -1.5], [0.5], [], [NAN, -3, -1, NAN, 2]
    for found, logits in zip(outputs(made, batch(TOLD)), expected, strict=True):
        assert found == pytest.approx([0.4 if math.isnan(x) else x + math.log(3) for x in logits], abs=1e-6)
    beliefs, prediction = made.predict(batch(TOLD))
    nobody_knows = torch.tensor(0.4).sigmoid()
    assert prediction.tolist() == torch.stack([beliefs[0, 2], beliefs[1, 0], nobody_knows, beliefs[3, 4]]).tolist()


def test_for_another_outcome_it_starts_at_the_constant_and_may_learn_the_odds():
    made = model("hours", falls=True, start=2.0, told=False, state=False)
    assert outputs(made, batch(TOLD)) == outputs(made, batch())
    made.loss(batch(TOLD))[0].backward()
    assert made.start.scale.grad.abs() > 0


def test_what_the_decoder_says_is_added_to_the_odds():
    made = model(published_scale=1.0)
    made_, real, _ = made.beliefs(batch(TOLD))
    plain_, _, _ = made.beliefs(batch())
    odds = made.start(batch(TOLD).published) - made.start.constant
    torch.testing.assert_close(made_[real], (plain_ + odds)[real], rtol=0, atol=1e-6)


# The prediction


def test_the_prediction_is_the_last_belief():
    made = model()
    with torch.no_grad():
        beliefs, prediction = made.predict(batch())
        made_, real, _ = made.beliefs(batch())
    torch.testing.assert_close(beliefs[real], made_[real].sigmoid())
    assert [prediction[stay].item() for stay in (0, 1, 3)] == [beliefs[0, 2], beliefs[1, 0], beliefs[3, 4]]


@torch.no_grad()
def test_where_the_label_falls_the_hours_since_the_last_event_have_passed():
    """5 h believed at hours 20, 23 and 10 are 1 h, 4 h and nothing at hour 24."""
    beliefs, prediction = plain(falls=True, start=math.log(6)).predict(batch())
    torch.testing.assert_close(prediction[[0, 1, 3]], torch.tensor([1.0, 4.0, 0.0]), rtol=0, atol=1e-4)
    torch.testing.assert_close(beliefs[3], torch.full((5,), 5.0), rtol=0, atol=1e-4)
    still = plain(start=math.log(6)).predict(batch())[1]
    torch.testing.assert_close(still, torch.full((4,), 5.0), rtol=0, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize(("kind", "start", "expected"), [("binary", 0.0, 0.5), ("hours", math.log(6), 5.0)])
def test_a_stay_without_events_gets_the_bias(kind: str, start: float, expected: float):
    for state in (True, False):
        made = model(kind, falls=kind == "hours", start=start, state=state)
        assert made.predict(batch())[1][2].item() == pytest.approx(expected, abs=1e-5)
        beliefs, alone = made.predict(batch(stays=[2]))
        assert alone.item() == pytest.approx(expected, abs=1e-5)
        assert beliefs.shape == (1, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": 0}, "budget must be 1 or more, got 0"),
        ({"modality_dropout_prob": 1.0}, r"modality_dropout_prob must be in \[0, 1\)"),
    ],
)
def test_settings_that_no_training_can_have(change: dict, message: str):
    with pytest.raises(UsageError, match=message):
        TrajectorySettings(**change)
