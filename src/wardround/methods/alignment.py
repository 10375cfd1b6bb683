"""Masked global alignment: contrastive pretraining of modality encoders on stays with missing modalities.

Paper: "Handling and Interpreting Missing Modalities in Patient Clinical Trajectories via Autoregressive Sequence
Modeling", arXiv 2604.18753, section 3.2, equations 1-5; encoders in its appendix B.1, optimisation in B.2.

- equation 1 is in `models/embedder.py`, the modality dropout in `models/modality_dropout.py`, equations 2-5 and the two
  comparator losses in `contrastive.py`
- the encoders come from outside: any module that maps a modality's rows to `stay embed`
- the fourth comparator, "scratch", is this class without the pretraining

What differs from the paper, all ours:

- **the tokens are trained.** Read literally, the centroids of equations 2 and 3 hold observed modalities only, so the
  missing tokens, which the paper calls learned, would get no gradient. A term `1 - cos(t_m, stopgrad(centroid))` is
  added with weight `token_weight` (0.1); 0 gives the five equations exactly.
- dropout of a modality never takes the last one; the rate (swept in the paper, its range lost) is 0.15.
- other stays of the same patient are no negatives (`mask_same_subject`).
- the temperature stays within `TEMPERATURE_RANGE`, as CLIP's does.

Its retrieval table on eICU, DATA made with `prepare eicu RAW --to DATA --modalities paper`:

    wardround pretrain alignment --data DATA --to RUN --protocol paper --pretrain-on disjoint --set running=false
        --set summaries=sum --set volumes= --set singles= --set encoder.kind=tabular --set input_dropout=0
        --set encoder.dropout=0.2
        --set modalities=demographics,diagnosis,treatment,medication,lab,aps
    wardround evaluate RUN --data DATA --to DIR

Results as the paper prints them, not ours: Recall@1 on MIMIC-IV 5.18 % (random 0.14 %), on eICU 1.80 % (random
0.003 %); silhouette by modality, overall, 0.009.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import normalize

from wardround.errors import UsageError
from wardround.methods.contrastive import SHORTEST, Loss, all_pairs_loss, masked_global_loss, one_vs_others_loss
from wardround.models.checks import check_probs
from wardround.models.embedder import Inputs, ModalityEmbedder
from wardround.models.modality_dropout import DropoutMode, modality_dropout

LossName = Literal["masked-global", "one-vs-others", "all-pairs", "none"]

TEMPERATURE_RANGE: Final = (0.01, 1.0)
"""CLIP (arXiv 2103.00020, section 2.5) keeps its logit scale at most 100; the upper end is ours."""


@dataclass(frozen=True)
class AlignmentSettings:
    """Settings of the pretraining.

    Attributes:
        loss: the paper's, or one of the comparators of `contrastive.py`.
        token_weight: weight of the token term; `masked-global` only.
        dropout_prob: probability p of the modality dropout, in training only.
        dropout_mode: `one` randomly chosen observed modality of the stay with probability p (printed), or each
            `independent`ly.
        temperature: initial tau (CLIP's 0.07; the paper does not say).
        mask_same_subject: whether other stays of the same patient are left out of the negatives.

    Raises:
        UsageError: if a name is unknown or a number out of range.
    """

    loss: LossName = "masked-global"
    token_weight: float = 0.1
    dropout_prob: float = 0.15
    dropout_mode: DropoutMode = "one"
    temperature: float = 0.07
    mask_same_subject: bool = True

    def __post_init__(self) -> None:
        if self.loss not in get_args(LossName):
            raise UsageError(f"unknown loss {self.loss!r}; one of {', '.join(get_args(LossName))}")
        if self.dropout_mode not in get_args(DropoutMode):
            raise UsageError(f"unknown dropout_mode {self.dropout_mode!r}; one of {', '.join(get_args(DropoutMode))}")
        check_probs(dropout_prob=self.dropout_prob)
        if self.token_weight < 0:
            raise UsageError(f"token_weight must not be negative, got {self.token_weight}")
        low, high = TEMPERATURE_RANGE
        if not low <= self.temperature <= high:
            raise UsageError(f"temperature must be within {low} and {high}, got {self.temperature}")


@runtime_checkable
class AlignmentBatch(Protocol):
    """What `Alignment.loss` reads of a batch; any object with these three fits."""

    @property
    def inputs(self) -> Inputs:
        """By modality; rows of missing modalities are never read."""
        ...

    @property
    def observed(self) -> Bool[Tensor, "stay modality"]:
        """Columns in the order of the model's `modalities`."""
        ...

    @property
    def subject(self) -> Int[Tensor, " stay"]:
        """The patient of each stay, int64."""
        ...


class Alignment(nn.Module):
    """The embedder of a stay's modalities, with a loss and its temperature.

    Args:
        embedder: encoders and missing tokens.
        settings: the loss and its numbers.

    Raises:
        UsageError: if there are fewer than two modalities: nothing to align.
    """

    _was_missing: Bool[Tensor, " modality"]

    def __init__(self, embedder: ModalityEmbedder, settings: AlignmentSettings = AlignmentSettings()) -> None:
        super().__init__()
        modalities = len(embedder.modalities)
        if modalities < 2:
            raise UsageError(f"alignment needs 2 modalities or more, got {modalities}")
        self.settings = settings
        self.embedder = embedder
        self.log_temperature = nn.Parameter(torch.tensor(math.log(settings.temperature)))
        if settings.loss == "all-pairs":
            self.pair_logits = nn.Parameter(torch.zeros(math.comb(modalities, 2)))
        self.register_buffer("_was_missing", torch.zeros(modalities, dtype=torch.bool))

    def loss(self, batch: AlignmentBatch, generator: torch.Generator | None = None) -> Loss:
        """The loss of `settings` on a batch, and its parts; modality dropout in training mode only.

        Args:
            batch: inputs, observed mask, patients.
            generator: for the modality dropout, on the batch's device; the global one by default.

        Returns:
            The loss to minimise, and `alignment` (the contrastive term alone), `token` and `temperature`, detached.
        """
        return self.loss_of(*self.per_stay(batch, generator))

    def per_stay(
        self, batch: AlignmentBatch, generator: torch.Generator | None = None
    ) -> tuple[Float[Tensor, "stay modality embed"], Bool[Tensor, "stay modality"], Int[Tensor, " stay"]]:
        """What the loss needs to know of each stay, alone: embeddings, what was observed and not dropped, patient."""
        observed = batch.observed
        if self.training:
            observed = modality_dropout(observed, self.settings.dropout_prob, self.settings.dropout_mode, generator)
        return self.embedder.embed(batch.inputs, observed), observed, batch.subject

    def loss_of(
        self,
        embeddings: Float[Tensor, "stay modality embed"],
        observed: Bool[Tensor, "stay modality"],
        subject: Int[Tensor, " stay"],
    ) -> Loss:
        """The loss over all stays of a batch together: each is a negative of the others."""
        if self.training:
            self._was_missing |= (~observed & observed.any(dim=1, keepdim=True)).any(dim=0)
        with torch.no_grad():  # on the parameter, as CLIP does: a clamp in the graph has no gradient to come back with
            self.log_temperature.clamp_(*(math.log(bound) for bound in TEMPERATURE_RANGE))
        with torch.autocast(embeddings.device.type, enabled=False):  # a logit in bfloat16 is off by 0.4 % of 1 / tau
            u = normalize(embeddings.to(self.embedder.tokens.dtype), dim=-1, eps=SHORTEST)
            return self._loss_of(u, observed, subject)

    def diagnostics(self) -> dict[str, str]:
        """Named warnings for the run: tokens that no training batch so far has trained."""
        trains_tokens = self.settings.loss == "masked-global" and self.settings.token_weight > 0
        untrained = [
            name
            for name, missing in zip(self.embedder.modalities, self._was_missing.cpu(), strict=True)
            if not (missing and trains_tokens)
        ]
        if not untrained:
            return {}
        why = "nothing was missing and none was dropped out" if trains_tokens else "this loss has no token term"
        return {"untrained_missing_tokens": f"{', '.join(untrained)}: {why}; such a token is still its random start"}

    def _loss_of(
        self,
        u: Float[Tensor, "stay modality embed"],
        observed: Bool[Tensor, "stay modality"],
        subject: Int[Tensor, " stay"],
    ) -> Loss:
        settings = self.settings
        masked = settings.mask_same_subject
        if settings.loss == "none":
            raise UsageError("loss none is the random start of the encoders: there is nothing to minimise")
        if settings.loss == "masked-global":
            return masked_global_loss(
                u, self.embedder.tokens, observed, subject, self.log_temperature, settings.token_weight, masked
            )
        if settings.loss == "one-vs-others":
            return one_vs_others_loss(u, observed, subject, self.log_temperature, masked)
        return all_pairs_loss(u, observed, subject, self.log_temperature, self.pair_logits, masked)
