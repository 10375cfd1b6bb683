"""mean_risk: every modality gives an answer of its own, a gate says how much it counts; missing ones are not asked.

    output = start + sum_m g_m a_m / sum_m g_m,   a_m = w_m z_m,   g_m = observed_m sigmoid(v_m z_m)

z_m is the embedding of modality m (arXiv 2604.18753, equation 1). A stay of which nothing is known gets `start`.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from wardround.batches.static import StaticBatch
from wardround.methods.registry import Method
from wardround.methods.target import Target
from wardround.models.modality_encoder import EncoderSettings


@dataclass(frozen=True)
class MeanRiskSettings:
    """Encoders of the modalities, weight of deaths in the loss, stays a batch."""

    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    positive_weight: float = 1.0
    batch_size: int = 64


class MeanRisk(nn.Module):
    """A gated mean of one answer a modality."""

    shape = "static"

    def __init__(self, _, embedder, task, settings: MeanRiskSettings, start: float) -> None:
        super().__init__()
        self.embedder, self.target = embedder, Target(task.kind, settings.positive_weight)
        self.answer = nn.Parameter(torch.zeros_like(embedder.tokens))
        self.gate = nn.Parameter(torch.zeros_like(embedder.tokens))
        self.start = nn.Parameter(torch.tensor(start))

    def outputs(self, batch: StaticBatch) -> Tensor:
        """A logit, or log(1 + hours)."""
        embedded = self.embedder.embed(batch.inputs, batch.observed)
        answers, gates = (embedded * self.answer).sum(-1), (embedded * self.gate).sum(-1).sigmoid() * batch.observed
        return self.start + (gates * answers).sum(1) / gates.sum(1).clamp(min=1e-6)

    def loss(self, batch: StaticBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean loss over the stays of a batch."""
        loss = self.target.loss(self.outputs(batch), batch.label).mean()
        return loss, {"task": loss.detach()}

    def predict(self, batch: StaticBatch) -> Tensor:
        """Probability, or hours."""
        return self.target.prediction(self.outputs(batch))


METHOD = Method("mean_risk", MeanRiskSettings, MeanRisk, MeanRisk, "a gated mean of one answer a modality")
