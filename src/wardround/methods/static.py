"""The static models of arXiv 2604.18753, section 3.4.1: modality embeddings, missing tokens where missing, one late
fusion.

    mlp    concatenated embeddings -> MLP
    lstm   embeddings as a sequence -> LSTM -> last state

Each from scratch or from aligned encoders and tokens (`--encoders RUN`). What differs (ours): a stay is described up to
its prediction time, by several summaries of each number beside the printed mean, in values and in quantile codes; a
linear term on the same inputs stands beside the network (`evidence`); of a length of stay the hours that are left are
learned (`target.py`); training labels are mixed with what cross-fitted
trees say (`teacher.share`); and the class weight is 1 unless asked for.

    wardround train mlp --data DATA --task mortality --to RUN [--encoders RUN]

The row of its tables on aligned encoders, ALIGNED made as `alignment.py` says (numbers are summed to pretrain, averaged
here):

    wardround train mlp --data DATA --task mortality --to RUN --encoders ALIGNED --set summaries=mean
        --set evidence=false --set teacher.share=0 --set model.dropout=0.3
    wardround evaluate RUN --data DATA --to DIR

Results as the paper prints them, not ours: eICU mortality, AUROC of the MLP 0.9000; length of stay (`--task los`),
Pearson correlation 0.5802.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor, nn

from wardround.batches.static import StaticBatch
from wardround.methods.target import Target
from wardround.models.checks import check_probs, check_widths
from wardround.models.embedder import ModalityEmbedder
from wardround.models.evidence import LinearEvidence
from wardround.models.fusion import ConcatenationFusion, LSTMFusion
from wardround.models.modality_dropout import modality_dropout
from wardround.models.modality_encoder import EncoderSettings
from wardround.models.published_risk import published_where, shrinkage


@dataclass(frozen=True)
class StaticSettings:
    """Settings of `mlp` and `lstm`.

    Attributes:
        encoder: of the modalities; those of `--encoders` are taken where given.
        hidden: width of the fusion.
        dropout: in the fusion.
        modality_dropout_prob: chance that one modality of a stay is taken away in training.
        positive_weight: of deaths in the loss.
        shrinkage: penalty on the mean square of what is added to the log odds of a published equation that was made for
            the outcome.
        evidence: add a linear term on the encoders' inputs (ours); False is the printed model.
        train_encoders: whether the encoders learn with the fusion.
        batch_size: stays a batch.

    Raises:
        UsageError: at construction, for a size below 1 or a chance outside [0, 1).
    """

    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    hidden: int = 64
    dropout: float = 0.5
    modality_dropout_prob: float = 0.15
    positive_weight: float = 1.0
    shrinkage: float = 0.1
    evidence: bool = True
    train_encoders: bool = True
    batch_size: int = 64

    def __post_init__(self) -> None:
        check_widths(hidden=self.hidden, batch_size=self.batch_size)
        check_probs(dropout=self.dropout, modality_dropout_prob=self.modality_dropout_prob)


class StaticModel(nn.Module):
    """Embeddings and tokens of the modalities, one late fusion, one head.

    Args:
        embedder: encoders and missing tokens.
        fusion: "mlp" or "lstm".
        target: what the head learns.
        settings: sizes.
        start: first constant of the head, or of each of its outputs, where a published equation has not been computed.
        published_scale: first weight of the log odds of a published equation.
        evidence: the linear term, where there is one.
    """

    shape: ClassVar[Literal["static"]] = "static"

    def __init__(
        self,
        embedder: ModalityEmbedder,
        fusion: Literal["mlp", "lstm"],
        target: Target,
        settings: StaticSettings,
        start: float | Tensor = 0.0,
        published_scale: float = 0.0,
        evidence: LinearEvidence | None = None,
    ) -> None:
        super().__init__()
        self.embedder, self.target, self.settings, self.evidence = embedder, target, settings, evidence
        modalities, embed = embedder.tokens.shape
        hidden, dropout = settings.hidden, settings.dropout
        if fusion == "mlp":
            self.fusion: nn.Module = ConcatenationFusion(modalities, embed, hidden, target.n_labels, dropout)
        else:
            self.fusion = LSTMFusion(embed, hidden, target.n_labels, dropout)
        self.start = target.published_risk(published_scale, start)
        self.shrinkage = settings.shrinkage if published_scale else 0.0
        self.embedder.requires_grad_(settings.train_encoders)

    def train(self, mode: bool = True) -> "StaticModel":
        """Training mode; encoders that do not learn stay as they are at prediction, without dropout."""
        super().train(mode)
        if not self.settings.train_encoders:
            self.embedder.eval()
        return self

    def outputs(self, batch: StaticBatch) -> Float[Tensor, "stay *label"]:
        """The head's output of each stay, of several answers one each."""
        known, added, _ = self._terms(batch)
        return known + added

    def _terms(
        self, batch: StaticBatch
    ) -> tuple[Float[Tensor, "stay *label"], Float[Tensor, "stay *label"], Float[Tensor, " stay"]]:
        """What was known before, what is added to it, and the published log odds; in training without the modalities
        that are dropped."""
        observed, published = batch.observed, batch.published
        if self.training:
            observed = modality_dropout(observed, self.settings.modality_dropout_prob)
            published = published_where(observed, self.embedder.modalities, published)
        added = self.fusion(self.embedder.embed(batch.inputs, observed))
        if self.evidence is not None:
            added = added + self.evidence.of_stays(batch.inputs, observed, self.embedder.encoders)
        return self.start(published), self.target.of_head(added), published

    def loss(self, batch: StaticBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean loss over the stays of a batch, and the penalty on what is added to a published equation."""
        known, added, published = self._terms(batch)
        task = self.target.loss(known + added, batch.label).mean()
        if not self.shrinkage:
            return task, {"task": task.detach()}
        penalty = self.shrinkage * shrinkage(added, published).mean()
        return task + penalty, {"task": task.detach()}

    def predict(self, batch: StaticBatch) -> Float[Tensor, "stay *label"]:
        """Probability of death or of each answer, or hours."""
        return self.target.prediction(self.outputs(batch))
