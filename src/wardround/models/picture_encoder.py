"""The encoder of chest X-rays: grey pixels to an embedding by a ResNet (arXiv 1512.03385) of 10, 18 or 34 layers.

Source of what it is given: arXiv 2604.18753, section 4: crops of 224 pixels, normalised as ImageNet's, augmented in
training. What differs (ours): random weights have GroupNorm (arXiv 1803.08494) in place of BatchNorm, and named ones
keep the statistics that they came with, in training too: no picture sees the others of its batch. What notes and
pictures have in common is in `document_encoder.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from wardround.errors import UsageError
from wardround.models.augmentation import augmented
from wardround.models.checks import check_widths
from wardround.models.document_encoder import DocumentEncoder
from wardround.models.row_shape import RowShape

DEPTHS: Final = {"10": (1, 1, 1, 1), "18": (2, 2, 2, 2), "34": (3, 4, 6, 3)}
"""Blocks of two layers in each stage."""
GROUPS: Final = (1, 2, 4, 8)
"""Of channels, each normalised by itself: the most that divide them."""
MEAN: Final = (0.485, 0.456, 0.406)
SPREAD: Final = (0.229, 0.224, 0.225)
"""Of ImageNet's colours."""


@dataclass(frozen=True)
class PictureEncoderSettings:
    """The encoder of pictures.

    Attributes:
        depth: layers of a random ResNet.
        channels: of its first stage; each other stage has twice as many as the one before.
        train: whether it learns; none: where it starts at random, and not where its weights are named.
        augment: whether it is shown other pictures of the same chest, in training.

    Raises:
        UsageError: at construction, for no channel.
    """

    depth: Literal["10", "18", "34"] = "18"
    channels: int = 64
    train: bool | None = None
    augment: bool = True

    def __post_init__(self) -> None:
        check_widths(channels=self.channels)
        if self.depth not in DEPTHS:
            raise UsageError(f"image.depth is one of {', '.join(DEPTHS)}, got {self.depth}")


@dataclass(frozen=True)
class PictureShape(RowShape):
    """A square of grey pixels.

    Attributes:
        side: of the square.
        size: of the crop that the network sees.
        sizes: of the ResNet whose weights are named, as its config.json says; empty for none.
    """

    side: int
    size: int
    sizes: Mapping[str, Any] = field(default_factory=dict[str, Any])


class PictureReader(nn.Module):
    """A ResNet, one vector a picture.

    Args:
        shape: of the rows.
        settings: depth and width of a random one.
    """

    mean: Float[Tensor, " colour"]
    spread: Float[Tensor, " colour"]

    def __init__(self, shape: PictureShape, settings: PictureEncoderSettings) -> None:
        import transformers

        super().__init__()
        self.shape, self.augment = shape, settings.augment
        sizes = dict(shape.sizes) or {
            "embedding_size": settings.channels,
            "hidden_sizes": [settings.channels * 2**stage for stage in range(4)],
            "depths": list(DEPTHS[settings.depth]),
            "layer_type": "basic",
        }
        self.width = int(sizes["hidden_sizes"][-1])
        self.said: Any = ["resnet", sizes, shape.side, shape.size, MEAN, SPREAD]
        """What decides its answers beside its weights."""
        library: Any = transformers  # whose settings take every size by name
        self.resnet = library.ResNetModel(library.ResNetConfig(num_channels=3, **sizes))
        if not shape.sizes:
            _without_batch_statistics(self.resnet)
        self.register_buffer("mean", torch.tensor(MEAN), persistent=False)
        self.register_buffer("spread", torch.tensor(SPREAD), persistent=False)

    def train(self, mode: bool = True) -> "PictureReader":
        """Training mode; the statistics of named weights stay what they are."""
        super().train(mode)
        for module in self.resnet.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def seen(self, rows: Shaped[Tensor, "row side side"]) -> Float[Tensor, "row colour pixel pixel"]:
        """What the network sees: the middle of each picture, in training another one of the same chest."""
        grey = rows.unsqueeze(1).to(self.mean.dtype) / 255
        if self.training and self.augment:
            grey = augmented(grey, self.shape.size)
        else:
            begin = (self.shape.side - self.shape.size) // 2
            grey = grey[:, :, begin : begin + self.shape.size, begin : begin + self.shape.size]
        return (grey - self.mean.view(1, 3, 1, 1)) / self.spread.view(1, 3, 1, 1)

    def forward(self, rows: Shaped[Tensor, "row side side"]) -> Float[Tensor, "row hidden"]:
        """The mean of the last layer over each picture."""
        return self.resnet(self.seen(rows)).pooler_output.flatten(1)


class PictureEncoder(DocumentEncoder):
    """Pictures of one modality to embeddings.

    Args:
        shape: of the rows.
        settings: depth and width.
        hidden, embed, dropout: of the block after it.
    """

    def __init__(
        self, shape: PictureShape, settings: PictureEncoderSettings, hidden: int, embed: int, dropout: float
    ) -> None:
        reader = PictureReader(shape, settings)
        super().__init__(shape, reader, reader.width, bool(shape.sizes), settings.train, hidden, embed, dropout)


def _without_batch_statistics(network: nn.Module) -> None:
    """Every BatchNorm becomes a GroupNorm."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                channels = child.num_features
                groups = max(count for count in GROUPS if channels % count == 0)
                setattr(module, name, nn.GroupNorm(groups, channels))
