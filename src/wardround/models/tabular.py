"""The block of tabular modalities and the head of the static models.

Source: arXiv 2604.18753, appendix B.1 (encoders) and section 3.4.1 (the MLP that reads concatenated embeddings).
"""

from jaxtyping import Float
from torch import Tensor, nn

from wardround.models.checks import check_widths
from wardround.models.dropout import Dropout


class TabularBlock(nn.Module):
    """`Linear LayerNorm ReLU Dropout Linear LayerNorm` (appendix B.1).

    Layer instead of batch normalisation: a row never sees the rest of its batch, and sparse inputs do not collapse the
    variance. The paper feeds it `sign(x) log(1 + |x|)`; that is done where batches are made.

    Args:
        in_features: width of the input.
        hidden: width between the two linear layers.
        embed: width of the output.
        dropout: probability of dropping a hidden unit in training.

    Raises:
        UsageError: if a width is below 1.
    """

    def __init__(self, in_features: int, hidden: int, embed: int, dropout: float = 0.0) -> None:
        super().__init__()
        check_widths(in_features=in_features, hidden=hidden, embed=embed)
        self.layers = nn.Sequential(
            nn.Linear(in_features, hidden),
            nn.LayerNorm(hidden),
            nn.ReLU(),
            Dropout(dropout),
            nn.Linear(hidden, embed),
            nn.LayerNorm(embed),
        )

    def forward(self, features: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch embed"]:
        """Each row of features to its embedding; any leading dimensions."""
        return self.layers(features)


def mlp_head(in_features: int, hidden: int, n_labels: int, dropout: float = 0.0) -> nn.Sequential:
    """`Linear ReLU Dropout Linear`: features to label logits, no activation at the end.

    Raises:
        UsageError: if a width is below 1.
    """
    check_widths(in_features=in_features, hidden=hidden, n_labels=n_labels)
    return nn.Sequential(
        nn.Linear(in_features, hidden),
        nn.ReLU(),
        Dropout(dropout),
        nn.Linear(hidden, n_labels),
    )
