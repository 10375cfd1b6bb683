"""Other pictures of the same chest: random resized crop, horizontal flip, affine map and jitter of brightness and
contrast, drawn for each picture of a batch.

Source: arXiv 2604.18753 (MIMIC-CXR); ranges are ours but for the jitter of 0.2. The three maps are one affine map, so
that a picture is interpolated once; a library of transforms would do it four times, and be one dependency more. What
lies outside of the picture is black.
"""

import math
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

AREA: Final = (0.6, 1.0)
"""Of the picture that a crop shows."""
RATIO: Final = (3 / 4, 4 / 3)
"""Of its width to its height."""
TURN: Final = math.radians(10)
SHIFT: Final = 0.05
"""Of the whole."""
JITTER: Final = 0.2


def augmented(pictures: Float[Tensor, "row colour side side"], size: int) -> Float[Tensor, "row colour pixel pixel"]:
    """Each picture, 0 to 1, as another one of `size` pixels a side."""
    n, device = len(pictures), pictures.device

    def drawn(low: float, high: float) -> Float[Tensor, " row"]:
        return low + (high - low) * torch.rand(n, device=device)

    side = drawn(*AREA).sqrt()
    stretch = drawn(math.log(RATIO[0]), math.log(RATIO[1])).mul(0.5).exp()
    width, height = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
    flip = torch.where(torch.rand(n, device=device) < 0.5, -1.0, 1.0)
    turn = drawn(-TURN, TURN)
    right = drawn(-1, 1) * (1 - width) + drawn(-SHIFT, SHIFT) * 2
    down = drawn(-1, 1) * (1 - height) + drawn(-SHIFT, SHIFT) * 2
    across = torch.stack([turn.cos() * width * flip, -turn.sin() * height, right], dim=1)
    along = torch.stack([turn.sin() * width * flip, turn.cos() * height, down], dim=1)
    grid = affine_grid(torch.stack([across, along], dim=1), [n, pictures.shape[1], size, size], align_corners=False)
    seen = grid_sample(pictures, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    brightness, contrast = (drawn(1 - JITTER, 1 + JITTER).view(-1, 1, 1, 1) for _ in range(2))
    seen = (seen * brightness).clamp(0, 1)
    mean = seen.mean(dim=(1, 2, 3), keepdim=True)
    return ((seen - mean) * contrast + mean).clamp(0, 1)
