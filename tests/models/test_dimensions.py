"""The legend holds every dimension name of the package, and a tensor of another shape is refused."""

import re
from pathlib import Path

import pytest
import torch
from jaxtyping import TypeCheckError

import wardround.models.dimensions
from wardround.methods.contrastive import complementary_centroids, one_vs_others_loss
from wardround.models.dimensions import DIMENSIONS
from wardround.models.fusion import ConcatenationFusion
from wardround.models.modality_dropout import modality_dropout
from wardround.models.quantile import QuantileEncoding

torch.set_num_threads(1)

MODELS = Path(wardround.models.dimensions.__file__).parent
SOURCES = [*MODELS.glob("*.py"), MODELS.parent / "methods/alignment.py", MODELS.parent / "methods/contrastive.py"]
ANNOTATION = re.compile(r'(?:Float|Int|Bool)\[Tensor, "([^"]*)"\]')


def names_used(source: str) -> set[str]:
    return {name for shape in ANNOTATION.findall(source) for name in shape.split()}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_every_dimension_is_in_the_legend(path):
    assert names_used(path.read_text()) <= DIMENSIONS


def test_every_name_of_the_legend_is_in_its_table():
    table = wardround.models.dimensions.__doc__
    assert {name for name in DIMENSIONS if f"``{name}``" not in table} == set()


def test_the_legend_check_sees_a_foreign_name():
    assert names_used('def f(x: Float[Tensor, "stay wizard"]):') - DIMENSIONS == {"wizard"}


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (ConcatenationFusion(2, 3, 4, 1).forward, (torch.zeros(5, 6),)),
        (QuantileEncoding(torch.tensor([[0.0, 1.0]])).forward, (torch.zeros(5, 1), torch.ones(4, 1, dtype=torch.bool))),
        (complementary_centroids, (torch.zeros(5, 2),)),
        (modality_dropout, (torch.ones(5, 2), 0.5)),
        (
            one_vs_others_loss,
            (torch.zeros(5, 2, 3), torch.ones(5, 2, dtype=torch.bool), torch.arange(4), torch.tensor(0.0)),
        ),
    ],
    ids=["dimension missing", "mask of other stays", "matrix for a cube", "float for a mask", "too few subjects"],
)
def test_a_tensor_of_another_shape_or_type_is_refused(function, arguments):
    with pytest.raises(TypeCheckError):
        function(*arguments)
