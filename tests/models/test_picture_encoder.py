"""Pictures to embeddings: what the network sees, and that no picture sees another."""

import pytest
import torch
from transformers import ResNetConfig, ResNetModel

from wardround.models.augmentation import augmented
from wardround.models.embedder import ModalityEmbedder
from wardround.models.modality_encoder import EncoderSettings, build_encoder
from wardround.models.picture_encoder import (
    MEAN,
    SPREAD,
    PictureEncoder,
    PictureEncoderSettings,
    PictureReader,
    PictureShape,
)

SIZES = {
    "embedding_size": 4,
    "hidden_sizes": [4, 8],
    "depths": [1, 1],
    "layer_type": "basic",
    "downsample_in_first_stage": False,
}
RANDOM, NAMED = PictureShape(0, 0, 0, 37, 32), PictureShape(0, 0, 0, 37, 32, SIZES)
ROWS = (torch.arange(6 * 37 * 37) * 7919 % 256).to(torch.uint8).view(6, 37, 37)


def encoder(shape: PictureShape, **settings) -> PictureEncoder:
    torch.manual_seed(0)
    own = PictureEncoderSettings(channels=4, **settings)
    made = build_encoder(shape, EncoderSettings(hidden=16, embed=4, image=own))
    assert isinstance(made, PictureEncoder)
    return made


@pytest.mark.parametrize(("depth", "layers"), [("10", 10), ("18", 18), ("34", 34)])
def test_a_resnet_has_as_many_layers_as_it_says(depth, layers: int):
    """The last of them is the head of the classifier, which is not there; shortcuts are not counted."""
    reader = PictureReader(RANDOM, PictureEncoderSettings(depth=depth, channels=4))
    names = [name for name, part in reader.named_modules() if isinstance(part, torch.nn.Conv2d)]
    assert len([name for name in names if "shortcut" not in name]) == layers - 1
    assert reader.width == 32


def test_in_prediction_the_middle_is_seen_as_imagenet_is_normalised():
    seen = PictureReader(RANDOM, PictureEncoderSettings(channels=4)).eval().seen(ROWS)
    assert seen.shape == (6, 3, 32, 32)
    for colour in range(3):
        expected = (ROWS[:, 2:34, 2:34] / 255 - MEAN[colour]) / SPREAD[colour]
        assert torch.allclose(seen[:, colour], expected, atol=1e-5)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("shape", [RANDOM, NAMED])
def test_no_picture_sees_the_others_of_its_batch(shape: PictureShape, training: bool):
    made = encoder(shape, augment=False, train=True)
    made.train(training)
    made.block.eval()
    rows = torch.cat([ROWS[:1], ROWS[3:5]])
    assert torch.allclose(made(ROWS[:3])[0], made(rows)[0], atol=1e-4)
    before = {name: value.clone() for name, value in made.backbone.named_buffers()}
    assert all(torch.equal(value, before[name]) for name, value in made.backbone.named_buffers())


def test_named_weights_read_as_the_library_reads_them():
    reader = PictureReader(NAMED, PictureEncoderSettings()).eval()
    plain = ResNetModel(ResNetConfig(num_channels=3, **SIZES)).eval()
    plain.load_state_dict(reader.resnet.state_dict())
    with torch.no_grad():
        assert torch.allclose(reader(ROWS), plain(reader.seen(ROWS)).pooler_output.flatten(1), atol=1e-6)


def test_named_weights_stay_as_they_are_and_random_ones_learn():
    frozen = ModalityEmbedder({"cxr": encoder(NAMED)}, 4).requires_grad_(True).train()
    assert list(frozen.frozen_backbones) == ["cxr"]
    assert not frozen.encoders["cxr"].backbone.training
    learns = encoder(RANDOM).train()
    learns(ROWS).square().sum().backward()
    assert all(part.grad is not None for part in learns.backbone.parameters())


def test_no_picture_at_all_has_the_same_graph():
    made = encoder(RANDOM).train()
    none = made(ROWS[:0])
    assert none.shape == (0, 4)
    none.sum().backward()
    assert all(part.grad is not None for part in made.parameters())


def test_other_pictures_of_the_same_chest():
    torch.manual_seed(0)
    dark_below = torch.linspace(1, 0, 40).view(1, 1, 40, 1).expand(200, 1, 40, 40)
    seen = augmented(dark_below, 32)
    assert seen.shape == (200, 1, 32, 32)
    assert seen.min() >= 0
    assert seen.max() <= 1
    middle = seen[:, 0, 4:28, 16]
    assert (middle[:, 0] > middle[:, -1]).all(), "never upside down"
    assert (seen[0] != seen[1]).any()
    bright_right = torch.linspace(0, 1, 40).view(1, 1, 1, 40).expand(200, 1, 40, 40)
    flipped = augmented(bright_right, 32)[:, 0, 16]
    share = (flipped[:, 8] > flipped[:, 24]).float().mean()
    assert 0.35 < share < 0.65, "half of them"
    torch.manual_seed(1)
    assert not torch.equal(augmented(dark_below, 32), seen)
    torch.manual_seed(0)
    assert torch.equal(augmented(dark_below, 32), seen)
