"""The two late fusions of the static models: modality embeddings, missing tokens included, to label logits.

Source: arXiv 2604.18753, section 3.4.1.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wardround.models.dropout import Dropout
from wardround.models.lstm import LastStateLSTM
from wardround.models.tabular import mlp_head


class ConcatenationFusion(nn.Module):
    """`MLP([z_1; ...; z_M])`: the paper's static MLP.

    Args:
        n_modalities: M.
        embed: width of a modality embedding.
        hidden: width of the MLP.
        n_labels: number of logits.
        dropout: in the MLP, in training.

    Raises:
        UsageError: if a width is below 1.
    """

    def __init__(self, n_modalities: int, embed: int, hidden: int, n_labels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.head = mlp_head(n_modalities * embed, hidden, n_labels, dropout)

    def forward(self, embeddings: Float[Tensor, "stay modality embed"]) -> Float[Tensor, "stay label"]:
        """Label logits of each stay."""
        return self.head(embeddings.flatten(1))


class LSTMFusion(nn.Module):
    """`Linear(last state of LSTM(z_1, ..., z_M))`: the paper's static LSTM.

    The paper calls the sequence unordered; the order is that of the model's encoders, the same for all stays (ours).

    Args:
        embed: width of a modality embedding.
        hidden: width of the state.
        n_labels: number of logits.
        dropout: on the last state, in training.

    Raises:
        UsageError: if a width is below 1.
    """

    def __init__(self, embed: int, hidden: int, n_labels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.lstm = LastStateLSTM(embed, hidden)
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(hidden, n_labels))

    def forward(self, embeddings: Float[Tensor, "stay modality embed"]) -> Float[Tensor, "stay label"]:
        """Label logits of each stay."""
        stays, modalities, _ = embeddings.shape
        lengths = torch.full((stays,), modalities, dtype=torch.int64)
        return self.head(self.lstm(embeddings, lengths.to(embeddings.device)))
