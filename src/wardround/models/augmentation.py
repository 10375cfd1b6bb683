"""Other pictures of the same chest: random resized crop, horizontal flip, affine map and jitter, drawn for each picture
of a batch.

Source: arXiv 2604.18753, section 4 (MIMIC-CXR), by kornia (the extra `images`); ranges are ours but for the jitter of
0.2. A grey picture has no colour to jitter: brightness and contrast are left of it.
"""

from functools import cache
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wardround.errors import UsageError

AREA: Final = (0.6, 1.0)
"""Of the picture that a crop shows."""
RATIO: Final = (3 / 4, 4 / 3)
"""Of its width to its height."""
TURN_DEGREES: Final = 10.0
SHIFT: Final = 0.05
"""Of the whole."""
JITTER: Final = (0.8, 1.2)


@cache
def augmentation(size: int) -> nn.Module:
    """The four maps, to pictures of `size` pixels a side.

    Raises:
        UsageError: where kornia is not installed.
    """
    try:
        import kornia.augmentation
    except ImportError as error:
        raise UsageError(
            "pictures are augmented in training by kornia, which is not installed: pip install 'wardround[images]', or "
            "--set image.augment=false."
        ) from error
    maps: Any = kornia.augmentation  # whose signatures are not typed
    return maps.AugmentationSequential(
        maps.RandomResizedCrop((size, size), scale=AREA, ratio=RATIO),
        maps.RandomHorizontalFlip(p=0.5),
        maps.RandomAffine(TURN_DEGREES, translate=(SHIFT, SHIFT), p=1.0),
        maps.RandomBrightness(JITTER, p=1.0),
        maps.RandomContrast(JITTER, p=1.0),
        data_keys=["input"],
    )


def augmented(pictures: Float[Tensor, "row colour side side"], size: int) -> Float[Tensor, "row colour pixel pixel"]:
    """Each picture, 0 to 1, as another one of `size` pixels a side.

    Raises:
        UsageError: where kornia is not installed.
    """
    with torch.no_grad():
        return augmentation(size)(pictures).clamp(0, 1)
