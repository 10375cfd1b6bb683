"""The table of methods: every one is built for every task, and says what it is."""

import dataclasses
import math

import pytest
import torch

from wardround.errors import ExtensionError, UsageError
from wardround.methods.grud import GRUDModel
from wardround.methods.registry import FITTED, METHODS, build_embedder, find_method
from wardround.methods.trajectory import Trajectory
from wardround.models.decoder import DecoderSettings
from wardround.models.modality_encoder import EncoderSettings, RowShape
from wardround.tasks.task import TASKS
from wardround.train.predict import SHAPES as SHAPES_OF_TRAINING

torch.set_num_threads(1)

NAN = float("nan")

SHAPES = {"lab": RowShape(2, 2, 0), "medication": RowShape(2, 0, 3)}
ENCODER = EncoderSettings(hidden=8, embed=4, bins=4)
SIZES = {
    "static": {"hidden": 8},
    "sequence": {"decoder": DecoderSettings(hidden=8, layers=1, heads=2, mlp_hidden=8)},
    "grid": {"hidden": 8},
}


def built(name: str, task: str, **settings):
    method = METHODS[name]
    if method.encodes:
        settings["encoder"] = ENCODER
    settings = method.settings(**SIZES[method.shape], **settings)
    embedder = build_embedder(SHAPES, ENCODER) if method.encodes else None
    return method.build(SHAPES, embedder, TASKS[task], settings, 0.7)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_built_for_every_task(name: str, task: str):
    model = built(name, task, positive_weight=3.0)
    assert type(model) is METHODS[name].model
    assert model.target.kind == TASKS[task].kind
    assert model.target.positive_weight == 3
    if isinstance(model, Trajectory | GRUDModel):
        assert model.falls == TASKS[task].falls
    assert model.target.labels == len(TASKS[task].labels)
    if isinstance(model, GRUDModel):
        assert model.head.bias.tolist() == pytest.approx([0.7] * model.target.n_labels)
        return
    shape = (1, *([model.target.labels] if model.target.labels else []))
    nothing, told = (model.start(torch.tensor([odds])) for odds in (NAN, -2.0))
    torch.testing.assert_close(nothing, torch.full(shape, 0.7))
    torch.testing.assert_close(told, torch.full(shape, -2 + math.log(3) if task == "mortality" else 0.7))


def test_a_method_stands_under_its_name_and_cites_its_paper():
    assert [method.name for method in METHODS.values()] == list(METHODS)
    assert all("arXiv" in method.summary for method in METHODS.values())


def test_each_fusion_is_its_own():
    assert type(built("mlp", "mortality").fusion) is not type(built("lstm", "mortality").fusion)


def test_an_unknown_method_is_told_what_there_is():
    known = "mlp, lstm, trajectory, grud, boosting, logistic, score, elapsed, alignment"
    with pytest.raises(UsageError, match=rf"no method .gru.\. There are: {known}\."):
        find_method("gru")
    assert find_method("mlp") is METHODS["mlp"]
    assert find_method("logistic") is FITTED["logistic"]


def test_a_model_that_names_no_shape_is_named():
    method = dataclasses.replace(METHODS["mlp"], model=torch.nn.Linear)
    with pytest.raises(ExtensionError, match="mlp: Linear must name its `shape`, one of static, sequence, grid"):
        _ = method.shape


def test_a_method_with_encoders_says_so():
    assert [name for name, method in METHODS.items() if not method.encodes] == ["grud"]


def test_encoders_stand_in_the_order_of_the_vocabulary():
    embedder = build_embedder(SHAPES, ENCODER)
    assert embedder.modalities == ("lab", "medication")
    assert embedder.tokens.shape == (2, 4)


def test_fitted_edges_reach_their_encoder():
    settings = EncoderSettings(kind="quantile", hidden=8, embed=4, bins=2)
    edges = {"lab": torch.arange(12.0).view(4, 3)}
    embedder = build_embedder(SHAPES, settings, edges)
    kept = [value for name, value in embedder.encoders["lab"].state_dict().items() if "edge" in name]
    assert any(torch.equal(value, edges["lab"]) for value in kept)


def test_a_method_names_a_shape_that_training_knows():
    for method in METHODS.values():
        assert method.shape in SHAPES_OF_TRAINING
