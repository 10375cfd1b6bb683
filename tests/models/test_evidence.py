"""The linear term beside the network: worked by hand, and nothing of what is missing."""

import pytest
import torch

from wardround.errors import UsageError
from wardround.models.evidence import LinearEvidence, read_width
from wardround.models.modality_encoder import EncoderSettings, ModalityEncoder, RowShape, coded_rows

torch.set_num_threads(1)

SHAPES = {"lab": RowShape(1, 2, 0), "medication": RowShape(1, 0, 3)}
EDGES = torch.tensor([[0.0, 1, 2], [0, 2, 4]])


def encoders(kind: str) -> torch.nn.ModuleDict:
    settings = EncoderSettings(kind, hidden=4, embed=3, bins=2)
    made = {name: ModalityEncoder(shape, settings, EDGES if shape.numbers else None) for name, shape in SHAPES.items()}
    return torch.nn.ModuleDict(made)


def evidence(of: torch.nn.ModuleDict, dropout: float = 0.0) -> LinearEvidence:
    torch.manual_seed(0)
    made = LinearEvidence({name: read_width(of[name], shape) for name, shape in SHAPES.items()}, dropout)
    assert all(not layer.weight.any() for layer in made.weights.values()), "untrained, it says nothing"
    for layer in made.weights.values():
        torch.nn.init.normal_(layer.weight)
    return made


def test_by_hand_on_rows_as_they_are():
    of = encoders("tabular")
    made = evidence(of)
    row = torch.tensor([[0.5, -2.0, 1, 1]])
    expected = row @ made.weights["lab"].weight[0]
    torch.testing.assert_close(made.of_coded("lab", coded_rows(of["lab"], row)), expected[:, None])


def test_by_hand_on_codes_beside_the_numbers():
    """0.5 and 3 in bins of width 1 and 2: half of the first bin; all of the first and half of the second."""
    of = encoders("both")
    made = evidence(of)
    row = torch.tensor([[0.5, 3.0, 1, 1]])
    read = torch.tensor([0.5, 0, 1, 0.5, 0.5, 3, 1, 1])
    torch.testing.assert_close(
        made.of_coded("lab", coded_rows(of["lab"], row)), (read @ made.weights["lab"].weight[0])[None, None]
    )


def test_a_stay_has_the_sum_over_what_it_has_and_the_rest_is_not_read():
    of = encoders("tabular")
    made = evidence(of)
    inputs = {name: torch.rand(3, shape.width) for name, shape in SHAPES.items()}
    observed = torch.tensor([[True, True], [True, False], [False, False]])
    lab, medication = (made.of_coded(name, coded_rows(of[name], inputs[name])) for name in SHAPES)
    inputs["medication"][1:], inputs["lab"][2] = torch.nan, torch.nan
    total = made.of_stays(inputs, observed, of)
    torch.testing.assert_close(total, torch.stack([lab[0] + medication[0], lab[1], torch.zeros(1)]))
    total.sum().backward()
    assert all(layer.weight.grad.isfinite().all() for layer in made.weights.values())


def test_an_encoder_that_names_no_codes_is_read_past():
    shape = SHAPES["lab"]
    assert read_width(torch.nn.Linear(shape.width, 3), shape) == shape.width
    made = evidence(encoders("tabular"))
    row = torch.rand(2, shape.width)
    expected = row @ made.weights["lab"].weight[0]
    torch.testing.assert_close(
        made.of_coded("lab", coded_rows(torch.nn.Linear(shape.width, 3), row)), expected[:, None]
    )


def test_each_of_several_outputs_has_weights_of_its_own():
    of = encoders("tabular")
    made = LinearEvidence({name: read_width(of[name], shape) for name, shape in SHAPES.items()}, n_labels=2)
    for layer in made.weights.values():
        torch.nn.init.normal_(layer.weight)
    inputs = {name: torch.rand(3, shape.width) for name, shape in SHAPES.items()}
    observed = torch.tensor([[True, True], [True, False], [False, False]])
    total = made.of_stays(inputs, observed, of)
    for place in (0, 1):
        one = LinearEvidence({name: read_width(of[name], shape) for name, shape in SHAPES.items()})
        for name, layer in one.weights.items():
            layer.weight.data = made.weights[name].weight[place : place + 1].detach()
        torch.testing.assert_close(total[:, place : place + 1], one.of_stays(inputs, observed, of))


def test_inputs_are_dropped_in_training_alone():
    of = encoders("tabular")
    made, rows = evidence(of, dropout=0.5), torch.rand(200, 4)
    still = made.eval().of_coded("lab", coded_rows(of["lab"], rows))
    assert torch.equal(still, made.of_coded("lab", coded_rows(of["lab"], rows)))
    assert not torch.equal(still, made.train().of_coded("lab", coded_rows(of["lab"], rows)))
    with pytest.raises(UsageError, match="dropout"):
        evidence(of, dropout=1.0)
