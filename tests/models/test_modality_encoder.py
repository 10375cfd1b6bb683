"""One encoder a modality: the layout of a row, and that a number which is missing says nothing."""

import pytest
import torch

from wardround.errors import UsageError
from wardround.models.modality_encoder import KNOWN_ENCODERS, EncoderKind, EncoderSettings, ModalityEncoder, RowShape

torch.set_num_threads(1)

KINDS = ("tabular", "quantile", "both", "set")
SHAPE = RowShape(summaries=2, numbers=2, codes=3)
EDGES = torch.tensor([[0.0, 1, 2, 3, 4]]).repeat(4, 1) + torch.arange(4.0)[:, None] / 10
BOTH_SEEN = torch.tensor([[0.5, 1.5, 2.5, 3.5, 1, 1, 0, 1, 0]])
"""last a, last b, mean a, mean b, a seen, b seen, three codes."""
B_MISSING = torch.tensor([[0.5, 0.0, 2.5, 0.0, 1, 0, 0, 1, 0]])
LAST_B, MEAN_B, MEAN_A, CODE = 1, 3, 2, 7


def encoder(kind: str, shape: RowShape = SHAPE, edges: torch.Tensor | None = EDGES) -> ModalityEncoder:
    torch.manual_seed(0)
    settings = EncoderSettings(kind=kind, hidden=12, embed=6, input_dropout=0.0, bins=4)  # type: ignore[arg-type]
    return ModalityEncoder(shape, settings, edges).eval()


def moved(made: ModalityEncoder, row: torch.Tensor, place: int) -> bool:
    """Whether the embedding moves with one place of the row."""
    other = row.clone()
    other[:, place] += 0.25
    return not torch.equal(made(row), made(other))


@pytest.mark.parametrize(("shape", "width"), [((2, 2, 3), 9), ((6, 3, 0), 21), ((6, 0, 4), 4)])
def test_a_row_is_summaries_of_the_numbers_then_their_mask_then_the_codes(shape: tuple[int, int, int], width: int):
    assert RowShape(*shape).width == width


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [SHAPE, RowShape(2, 2, 0), RowShape(2, 0, 3)], ids=["both", "numbers", "codes"])
def test_each_row_becomes_an_embedding_whatever_it_holds(kind: str, shape: RowShape):
    made = encoder(kind, shape, EDGES if shape.numbers else None)
    assert made(torch.rand(5, shape.width)).shape == (5, 6)
    assert made(torch.rand(0, shape.width)).shape == (0, 6)


def test_codes_alone_are_tabular_whatever_is_asked_for():
    assert [encoder(kind, RowShape(2, 0, 3), None).kind for kind in KINDS] == ["tabular"] * len(KINDS)


@pytest.mark.parametrize("kind", ["quantile", "both", "set"])
def test_the_value_of_a_missing_number_is_never_read(kind: str):
    """In no summary; that of the number beside it is, and so are the mask and the codes."""
    made = encoder(kind)
    assert not moved(made, B_MISSING, LAST_B)
    assert not moved(made, B_MISSING, MEAN_B)
    assert moved(made, B_MISSING, MEAN_A)
    assert moved(made, B_MISSING, CODE)
    assert moved(made, BOTH_SEEN, LAST_B)
    assert moved(made, BOTH_SEEN, MEAN_B)
    assert not torch.equal(made(B_MISSING), made(BOTH_SEEN))


def test_tabular_reads_the_row_as_it_is():
    """What a missing number must not say is therefore zero in the row (normaliser)."""
    made = encoder("tabular")
    assert torch.equal(made(BOTH_SEEN), made.block(BOTH_SEEN))
    assert moved(made, B_MISSING, LAST_B)


def test_quantile_puts_codes_of_the_numbers_where_the_numbers_were():
    """0.5 in bins of width 1 from 0 is half of the first bin; a missing number has none."""
    made = encoder("quantile", edges=torch.tensor([[0.0, 1, 2, 3, 4]]).repeat(4, 1))
    last_a, last_b, mean_a, mean_b = [0.5, 0, 0, 0], [0.0] * 4, [1, 1, 0.5, 0], [0.0] * 4
    row = torch.tensor([[*last_a, *last_b, *mean_a, *mean_b, 1, 0, 0, 1, 0]])
    torch.testing.assert_close(made(B_MISSING), made.block(row), rtol=0, atol=1e-6)


def test_both_puts_the_codes_before_the_row():
    made, codes = encoder("both"), encoder("quantile")
    row = torch.cat([codes.coded(B_MISSING)[:, : 4 * 4], B_MISSING], dim=1)
    assert torch.equal(made.coded(B_MISSING), row)
    assert made.coded_width == row.shape[1]
    assert codes.coded_width == codes.coded(B_MISSING).shape[1]


@pytest.mark.parametrize("kind", ["tabular", "quantile", "both"])
def test_inputs_are_dropped_in_training_alone(kind: str):
    made = ModalityEncoder(SHAPE, EncoderSettings(kind, 12, 6, dropout=0.0, input_dropout=0.9, bins=4), EDGES)
    assert torch.equal(made.eval()(BOTH_SEEN), made(BOTH_SEEN))
    made.train()
    assert not torch.equal(made(BOTH_SEEN.repeat(20, 1)), made(BOTH_SEEN.repeat(20, 1)))


@pytest.mark.parametrize("kind", ["quantile", "both", "set"])
def test_the_edges_come_with_the_weights(kind: str):
    """A model that is read back is made without edges."""
    fitted, read = encoder(kind), encoder(kind, edges=None)
    assert not torch.equal(read(BOTH_SEEN), fitted(BOTH_SEEN))
    read.load_state_dict(fitted.state_dict())
    assert torch.equal(read(BOTH_SEEN), fitted(BOTH_SEEN))


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_never_sees_the_others(kind: str):
    rows = BOTH_SEEN.repeat(4, 1).requires_grad_()
    encoder(kind).train()(rows)[2, 0].backward()
    assert (rows.grad.abs().sum(dim=1) > 0).tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden": 0}, "hidden must be 1 or more, got 0"),
        ({"embed": 0}, "embed must be 1 or more"),
        ({"bins": 0}, "bins must be 1 or more"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"input_dropout": 1.0}, r"input_dropout must be in \[0, 1\), got 1.0"),
        ({"dropout": -0.1}, "dropout must be in"),
    ],
)
def test_settings_that_make_no_encoder_are_refused(change: dict, message: str):
    with pytest.raises(UsageError, match=message):
        EncoderSettings(**change)


def test_an_unknown_kind_is_refused():
    with pytest.raises(UsageError, match=r"no encoder kind 'image'\. There are: tabular, quantile, both, set\."):
        EncoderSettings(kind="image")


def test_a_kind_of_a_package_is_not_built_here():
    theirs = EncoderKind("theirs", lambda *_: torch.nn.Identity(), "an encoder of a package")
    with KNOWN_ENCODERS.lend(theirs), pytest.raises(UsageError, match="'theirs' is not built by ModalityEncoder"):
        ModalityEncoder(SHAPE, EncoderSettings(kind="theirs"))
