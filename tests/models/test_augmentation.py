"""Other pictures of the same chest."""

import sys

import pytest
import torch

from wardround.errors import UsageError
from wardround.models.augmentation import augmentation, augmented


def test_each_picture_is_another_one_of_the_asked_size():
    torch.manual_seed(0)
    pictures = torch.rand(1, 1, 40, 40).expand(6, -1, -1, -1)
    made = augmented(pictures, 32)
    assert made.shape == (6, 1, 32, 32)
    assert 0 <= float(made.min()) < float(made.max()) <= 1
    assert all(not torch.equal(made[0], other) for other in made[1:])


def test_the_same_seed_gives_the_same_pictures():
    pictures = torch.rand(3, 1, 40, 40)
    made: list[torch.Tensor] = []
    for _ in range(2):
        torch.manual_seed(5)
        made.append(augmented(pictures, 32))
    assert torch.equal(*made)


def test_a_picture_does_not_hang_on_the_others_of_its_batch():
    """Only on its place: what is drawn for it."""
    one, other = torch.rand(2, 1, 40, 40), torch.rand(2, 1, 40, 40)
    other[0] = one[0]
    made: list[torch.Tensor] = []
    for pictures in (one, other):
        torch.manual_seed(5)
        made.append(augmented(pictures, 32))
    torch.testing.assert_close(made[0][0], made[1][0])
    assert not torch.allclose(made[0][1], made[1][1])


def test_without_kornia_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch):
    augmentation.cache_clear()
    monkeypatch.setitem(sys.modules, "kornia.augmentation", None)
    with pytest.raises(UsageError, match="pip install 'wardround\\[images\\]'"):
        augmented(torch.rand(1, 1, 40, 40), 32)
