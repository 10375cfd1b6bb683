"""Trajectory: a stay as an autoregressive sequence, a belief after every event. arXiv 2604.18753, sections 3.3.2 and
3.4.2.

    event_1 [PREDICT] event_2 [PREDICT] ... -> causal decoder -> head at every [PREDICT]

Each event's encoder embedding goes through a projection block to the decoder's width. A missing modality contributes no
event. In training, modalities are dropped with a rate (0.15, ours; the printed one was lost). What differs (ours): the
embedded default is a small Llama trained whole; an event carries the state so far of its modality unless
`content.running=false`; hours are encoded beside the order; encoders may be trained (`train_encoders=true`, the default
here) where the paper's are frozen, with a linear term on their inputs beside them (`evidence`); training labels are
mixed with what cross-fitted trees say (`teacher.share`); the loss is taken at every [PREDICT], with a weight that rises
with their number unless `weighting` says otherwise.

    wardround train trajectory --data DATA --task mortality --to RUN [--encoders RUN]

The row of its tables on aligned and frozen encoders, ALIGNED made as `alignment.py` says, with the small decoder in
place of its 7 to 8 billion parameters:

    wardround train trajectory --data DATA --task mortality --to RUN --encoders ALIGNED --set train_encoders=false
        --set state=false --set time_encoding=false --set weighting=uniform --set teacher.share=0
    wardround evaluate RUN --data DATA --to DIR

Results as the paper prints them, not ours: eICU mortality, AUROC 0.9223 (its MLP 0.9000); length of stay
(`--task los`), Pearson correlation 0.7406 (its MLP 0.5802).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from wardround.batches.sequences import SequenceBatch
from wardround.methods.target import Target
from wardround.models.belief_sequence import BeliefSequence
from wardround.models.checks import check_probs, check_widths
from wardround.models.decoder import Decoder, DecoderSettings
from wardround.models.embedder import ModalityEmbedder
from wardround.models.evidence import LinearEvidence
from wardround.models.latest_state import latest_ages, latest_state
from wardround.models.modality_dropout import modality_dropout
from wardround.models.modality_encoder import EncoderSettings, coded_rows, embedded_rows
from wardround.models.published_risk import MODALITY, shrinkage
from wardround.models.tabular import mlp_head
from wardround.models.time_encoding import FourierTime


@dataclass(frozen=True)
class TrajectorySettings:
    """Settings of `trajectory`.

    Attributes:
        encoder: of the modalities; those of `--encoders` are taken where given.
        decoder: its size.
        evidence: add to every belief a linear term on the latest row of each modality so far (ours). Frozen encoders
            are run once, and their rows are then gone: beside them it is silent.
        train_encoders: whether the encoders learn with the decoder; frozen ones are run once.
        state: add to every belief what a static head reads from the latest embedding of each modality so far, missing
            tokens where there is none (ours); False is the printed model.
        ages: tell that head the hour, and how many hours old each of those embeddings is (ours).
        time_encoding: add an encoding of the hours since admission to each event.
        dropout: of the head that reads the state.
        modality_dropout_prob: chance that one modality of a stay contributes no event in training.
        weighting: of the [PREDICT] positions of a stay: "uniform", "rising" with their number, or the "last" alone.
        positive_weight: of deaths in the loss.
        shrinkage: penalty on the mean square of what is added to the log odds of a published equation that was made for
            the outcome.
        budget: padded events a batch.

    Raises:
        UsageError: at construction, for a budget below 1 or a chance outside [0, 1).
    """

    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    decoder: DecoderSettings = field(
        default_factory=lambda: DecoderSettings(hidden=64, layers=1, heads=4, mlp_hidden=176, dropout=0.4)
    )
    evidence: bool = True
    train_encoders: bool = True
    state: bool = True
    ages: bool = True
    time_encoding: bool = True
    dropout: float = 0.5
    modality_dropout_prob: float = 0.15
    weighting: Literal["uniform", "rising", "last"] = "rising"
    positive_weight: float = 1.0
    shrinkage: float = 0.1
    budget: int = 1024

    def __post_init__(self) -> None:
        check_widths(budget=self.budget)
        check_probs(dropout=self.dropout, modality_dropout_prob=self.modality_dropout_prob)


class Read(NamedTuple):
    """What the model reads from a batch, after every event.

    Attributes:
        known: the part of the output that was known before: a published equation's, or a constant.
        added: what the model adds to it.
        published: log odds of the equation; NaN where unknown.
        real: which events are no padding.
        hours: when each became known, from unit admission.
    """

    known: Float[Tensor, "stay event *label"]
    added: Float[Tensor, "stay event *label"]
    published: Float[Tensor, "stay event"]
    real: Bool[Tensor, "stay event"]
    hours: Float[Tensor, "stay event"]


class StateHead(nn.Module):
    """What an MLP reads, after every event, from the latest embedding of each modality.

    Args:
        modalities, embed: how many, and the width of their embeddings.
        n_labels: outputs of the head.
        settings: of the model.
    """

    def __init__(self, modalities: int, embed: int, n_labels: int, settings: TrajectorySettings) -> None:
        super().__init__()
        self.ages = settings.ages
        width = modalities * embed + (modalities + 1) * settings.ages
        self.head = mlp_head(width, settings.decoder.hidden, n_labels, settings.dropout)

    def forward(
        self,
        embedded: Float[Tensor, "stay event embed"],
        modality: Int[Tensor, "stay event"],
        hours: Float[Tensor, "stay event"],
        tokens: Float[Tensor, "modality embed"],
    ) -> Float[Tensor, "stay event label"]:
        """The term of every event's belief; nothing after the event enters it."""
        state = latest_state(embedded, modality, tokens).flatten(2)
        if self.ages:
            state = torch.cat([state, latest_ages(hours, modality, len(tokens)).to(state.dtype)], dim=2)
        return self.head(state)


class Trajectory(nn.Module):
    """The sequence model.

    Args:
        embedder: encoders by modality; its missing tokens stand in the state, a missing modality has no event.
        target: what the head learns.
        settings: sizes.
        start: first constant of the head, or of each of its outputs, where a published equation has not been computed.
        published_scale: first weight of the log odds of a published equation.
        falls: whether the label shrinks by an hour with each hour that passes.
        evidence: the linear term, where there is one.
    """

    shape: ClassVar[Literal["sequence"]] = "sequence"

    def __init__(
        self,
        embedder: ModalityEmbedder,
        target: Target,
        settings: TrajectorySettings,
        start: float | Tensor = 0.0,
        falls: bool = False,
        published_scale: float = 0.0,
        evidence: LinearEvidence | None = None,
    ) -> None:
        super().__init__()
        self.embedder, self.target, self.settings, self.falls = embedder, target, settings, falls
        self.evidence = evidence
        self.embedder.requires_grad_(settings.train_encoders)
        modalities, self.embed_width = embedder.tokens.shape
        hidden = settings.decoder.hidden
        self.project = nn.Sequential(
            nn.Linear(self.embed_width, hidden), nn.LayerNorm(hidden), nn.GELU(), nn.Linear(hidden, hidden)
        )
        self.modality = nn.Embedding(modalities, hidden)
        self.time = FourierTime(hidden) if settings.time_encoding else None
        self.sequence = BeliefSequence(hidden)
        self.decoder = Decoder(settings.decoder)
        self.state = StateHead(modalities, self.embed_width, target.n_labels, settings) if settings.state else None
        self.head = nn.Linear(hidden, target.n_labels, bias=False)
        nn.init.zeros_(self.head.weight)
        self.start = target.published_risk(published_scale, start)
        self.shrinkage = settings.shrinkage if published_scale else 0.0
        if evidence is not None:
            evidence.requires_grad_(settings.train_encoders)

    @property
    def frozen_encoders(self) -> Mapping[str, nn.Module]:
        """The encoders that do not learn, which need to meet each event only once: by modality, or none."""
        return {} if self.settings.train_encoders else dict(self.embedder.encoders.items())

    def coded(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """By modality its rows as the first layer of its encoder reads them, made once for all who do; those that
        already went through a frozen encoder stay what they are."""
        if self.frozen_encoders:
            return dict(batch.rows)
        return {name: coded_rows(self.embedder.encoders[name], batch.rows[name]) for name in self.embedder.modalities}

    def encode(self, batch: SequenceBatch, coded: Mapping[str, Tensor]) -> Float[Tensor, "stay event embed"]:
        """Each event through its modality's encoder."""
        embedded = coded
        if not self.frozen_encoders:
            embedded = {name: embedded_rows(self.embedder.encoders[name], rows) for name, rows in coded.items()}
        return self._of_events(batch, embedded, self.embed_width)

    def weigh(
        self, batch: SequenceBatch, coded: Mapping[str, Tensor], evidence: LinearEvidence
    ) -> Float[Tensor, "stay event label"]:
        """Each event's own evidence."""
        weighed = {name: evidence.of_coded(name, rows) for name, rows in coded.items()}
        return self._of_events(batch, weighed, evidence.n_labels)

    def _of_events(
        self, batch: SequenceBatch, rows: Mapping[str, Tensor], width: int
    ) -> Float[Tensor, "stay event feature"]:
        """The rows of each modality where its events stand; zeros in the padding."""
        stays, events = batch.modality.shape
        made = batch.hours.new_zeros(stays * events, width)
        for name in self.embedder.modalities:
            made = made.index_copy(0, batch.slots[name], rows[name].to(made.dtype))
        return made.view(stays, events, width)

    def beliefs(
        self, batch: SequenceBatch
    ) -> tuple[Float[Tensor, "stay event *label"], Bool[Tensor, "stay event"], Float[Tensor, "stay event"]]:
        """The head's output after every event, of several answers one each, which events are real, and their hours."""
        read = self.read(batch)
        return read.known + read.added, read.real, read.hours

    def read(self, batch: SequenceBatch) -> Read:
        """The two terms of the output after every event; in training without the modalities that are dropped."""
        coded = self.coded(batch)
        embedded = self.encode(batch, coded)
        weighed = None if self.evidence is None or self.frozen_encoders else self.weigh(batch, coded, self.evidence)
        modality, hours, lengths = batch.modality, batch.hours, batch.lengths
        published = batch.published
        if self.training and self.settings.modality_dropout_prob > 0:
            kept = self._kept(modality, hours, lengths)
            order = (~kept).to(torch.int8).argsort(dim=1, stable=True)  # close the gaps
            wide = order.unsqueeze(-1).expand(-1, -1, embedded.shape[-1])
            published = self._published(published, modality, kept).gather(1, order)
            embedded, modality, hours = embedded.gather(1, wide), modality.gather(1, order), hours.gather(1, order)
            weighed = None if weighed is None else weighed.gather(1, order.unsqueeze(-1).expand_as(weighed))
            lengths = kept.sum(dim=1)
        events = self.project(embedded) + self.modality(modality)
        if self.time is not None:
            events = events + self.time(hours)
        sequence = self.sequence(events, lengths)
        states = sequence.read(self.decoder(sequence.embeddings, sequence.lengths))
        real = torch.arange(hours.shape[1], device=hours.device) < lengths[:, None]
        added = self.head(states)
        if self.state is not None:
            added = added + self.state(embedded, modality, hours, self.embedder.tokens)
        if weighed is not None:
            nothing = weighed.new_zeros(len(self.embedder.modalities), weighed.shape[-1])
            added = added + latest_state(weighed, modality, nothing).sum(dim=2)
        return Read(self.start(published), self.target.of_head(added), published, real, hours)

    def _published(
        self, logit: Float[Tensor, "stay event"], modality: Int[Tensor, "stay event"], kept: Bool[Tensor, "stay event"]
    ) -> Float[Tensor, "stay event"]:
        """The log odds of the stays that keep the modality that tells them; NaN for those from whom it was taken."""
        if MODALITY not in self.embedder.modalities:
            return logit
        told = kept & (modality == self.embedder.modalities.index(MODALITY))
        return torch.where(told.any(dim=1, keepdim=True), logit, torch.nan)

    def _kept(
        self, modality: Int[Tensor, "stay event"], hours: Float[Tensor, "stay event"], lengths: Int[Tensor, " stay"]
    ) -> Bool[Tensor, "stay event"]:
        """The real events that are left once a modality of some stays is dropped."""
        real = torch.arange(hours.shape[1], device=hours.device) < lengths[:, None]
        present = torch.zeros(len(lengths), len(self.embedder.modalities), dtype=torch.bool, device=hours.device)
        present = present.scatter(1, modality.masked_fill(~real, 0), True) & (lengths > 0)[:, None]
        first_is_padding = ~((modality == 0) & real).any(dim=1)
        present[:, 0] &= ~first_is_padding
        return modality_dropout(present, self.settings.modality_dropout_prob).gather(1, modality) & real

    def loss(self, batch: SequenceBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean over stays of the (weighted) mean over their beliefs, and the penalty on what is added to a published
        equation."""
        read = self.read(batch)
        outputs, real = read.known + read.added, read.real
        labels = batch.label[:, None].expand_as(outputs)
        if self.falls:
            labels = labels + (batch.at_h[:, None] - read.hours)
        losses = self.target.loss(outputs, labels)
        weight = self._weight(real)
        task = (losses * weight).sum(dim=1).mean()
        if not self.shrinkage:
            return task, {"task": task.detach()}
        penalty = (shrinkage(read.added, read.published) * weight).sum(dim=1).mean()
        return task + self.shrinkage * penalty, {"task": task.detach()}

    def _weight(self, real: Bool[Tensor, "stay event"]) -> Float[Tensor, "stay event"]:
        """Of each belief in the loss of its stay: they sum to 1, or to 0 where there is no event."""
        place, count = torch.arange(real.shape[1], device=real.device), real.sum(dim=1, keepdim=True)
        if self.settings.weighting == "last":
            return (place == count - 1).float()
        weight = real * (place + 1.0 if self.settings.weighting == "rising" else 1.0)
        return weight / weight.sum(dim=1, keepdim=True).clamp(min=1)

    def predict(self, batch: SequenceBatch) -> tuple[Float[Tensor, "stay event *label"], Float[Tensor, "stay *label"]]:
        """The belief after every event, and the prediction at the prediction time: the last belief, less the hours that
        have passed since where the label falls. A stay without events gets the constant of `start`."""
        outputs, _, hours = self.beliefs(batch)
        beliefs = self.target.prediction(outputs)
        stay, place = torch.arange(len(batch), device=hours.device), (batch.lengths - 1).clamp(min=0)
        last, last_h = beliefs[stay, place], hours[stay, place]
        if self.falls:
            last = (last - (batch.at_h - last_h)).clamp(min=0)
        nothing, some = self.target.prediction(self.start.constant).expand_as(last), batch.lengths > 0
        return beliefs, torch.where(some.view(-1, *[1] * (last.dim() - 1)), last, nothing)
