"""`check_encoder`: the built-in kinds fit, and each planted fault is named by its own requirement."""

from collections.abc import Callable
from typing import Final

import pytest
import torch
from torch import nn

from wardround.models.modality_encoder import ENCODERS, EncoderKind
from wardround.testing import CheckFailed, check_encoder
from wardround.testing.encoder_check import REQUIREMENTS


@pytest.mark.parametrize("kind", ENCODERS.values(), ids=lambda kind: kind.name)
def test_a_built_in_kind_fits(kind: EncoderKind):
    check_encoder(kind)


def test_only_the_plain_kind_counts_on_zeros():
    assert [name for name, kind in ENCODERS.items() if kind.zeroed] == ["tabular"]


class Masked(nn.Module):
    """Sound: a linear map of the observed values, the mask and the codes."""

    def __init__(self, shape, settings, edges=None):
        super().__init__()
        self.shape = shape
        self.linear = nn.Linear(shape.width, settings.embed)
        self.norm = nn.LayerNorm(settings.embed)

    def row(self, rows):
        begin = self.shape.numbers * self.shape.summaries
        seen = (rows[:, begin : begin + self.shape.numbers] > 0.5).repeat(1, self.shape.summaries)
        return torch.cat([rows[:, :begin].where(seen, 0.0), rows[:, begin:]], dim=1)

    def forward(self, rows):
        return self.norm(self.linear(self.row(rows)))


class TooWide(Masked):
    def forward(self, rows):
        made = super().forward(rows)
        return torch.cat([made, made], dim=1)


class Divides(Masked):
    def forward(self, rows):
        return super().forward(rows) / (rows != 0).any(dim=1, keepdim=True)


class ReadsUnobserved(Masked):
    def row(self, rows):
        return rows


class Multiplies(Masked):
    """Masks by a product: NaN times zero is NaN."""

    def row(self, rows):
        begin = self.shape.numbers * self.shape.summaries
        seen = rows[:, begin : begin + self.shape.numbers].repeat(1, self.shape.summaries)
        return torch.cat([rows[:, :begin] * seen, rows[:, begin:]], dim=1)


class Constant(Masked):
    def row(self, rows):
        return torch.ones_like(rows)


class Detached(Masked):
    def forward(self, rows):
        return super().forward(rows).detach() + 0 * rows.nan_to_num().sum()


class OverTheBatch(Masked):
    def __init__(self, shape, settings, edges=None):
        super().__init__(shape, settings, edges)
        self.norm = nn.BatchNorm1d(settings.embed)

    def forward(self, rows):
        return super().forward(rows) if len(rows) > 1 or not self.training else self.linear(self.row(rows))


class Restless(Masked):
    def forward(self, rows):
        return super().forward(rows) + 0.1 * torch.rand(())


class Forgetful(Masked):
    """Keeps what is fitted beside the state_dict."""

    def __init__(self, shape, settings, edges=None):
        super().__init__(shape, settings, edges)
        self.scale = 1.0 if edges is None else 2.0

    def forward(self, rows):
        return super().forward(rows) * self.scale


FAULTS: Final[dict[str, tuple[Callable[..., nn.Module], str]]] = {
    "too wide": (TooWide, "shapes"),
    "divides by nothing": (Divides, "finite"),
    "reads unobserved values": (ReadsUnobserved, "unobserved values"),
    "masks by a product": (Multiplies, "unobserved values"),
    "constant": (Constant, "input"),
    "detached": (Detached, "gradient"),
    "batch norm": (OverTheBatch, "alone"),
    "draws": (Restless, "same"),
    "not in the state_dict": (Forgetful, "saved"),
}


def kind(build: Callable[..., nn.Module]) -> EncoderKind:
    return EncoderKind("faulty", build, "an encoder with a fault", edges=True)


def test_what_the_faults_are_planted_in_fits():
    check_encoder(kind(Masked))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(fault: str):
    build, requirement = FAULTS[fault]
    with pytest.raises(CheckFailed, match=rf"encoder 'faulty' does not fulfil '{requirement}'") as found:
        check_encoder(kind(build))
    assert found.value.requirement == requirement


def test_every_requirement_has_a_fault():
    assert {requirement for _, requirement in FAULTS.values()} == {one.name for one in REQUIREMENTS}
