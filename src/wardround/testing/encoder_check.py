"""Does an encoder fit? `check_encoder(KIND)` asks what the embedder and the methods around it count on."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from wardround.models.modality_encoder import KNOWN_ENCODERS, EncoderKind, EncoderSettings, RowShape
from wardround.testing.requirement import Findings, Requirement, hold_all

LAYOUTS: Final = {
    "numbers and codes": RowShape(summaries=2, numbers=3, codes=4),
    "numbers alone": RowShape(summaries=2, numbers=3, codes=0),
    "codes alone": RowShape(summaries=2, numbers=0, codes=4),
}
BINS: Final = 4
EMBED: Final = 6


@dataclass(frozen=True)
class EncoderTrial:
    """An encoder kind, and how it is built here."""

    kind: EncoderKind

    def build(self, layout: str, edges: bool = True) -> nn.Module:
        """An encoder of a layout, ready to predict, always with the same weights."""
        torch.manual_seed(0)
        shape = LAYOUTS[layout]
        values = shape.numbers * shape.summaries
        fitted = torch.arange(BINS + 1.0).repeat(values, 1) + torch.arange(float(values))[:, None] / 10
        known = fitted if edges and self.kind.edges and values else None
        settings = EncoderSettings(kind=self.kind.name, hidden=12, embed=EMBED, bins=BINS)
        return self.kind.build(shape, settings, known).eval()

    def rows(self, layout: str, n: int, seed: int = 1) -> Tensor:
        """Rows as batches make them: about half of the numbers observed, zeros in the others."""
        shape, generator = LAYOUTS[layout], torch.Generator().manual_seed(seed)
        observed = torch.rand(n, shape.numbers, generator=generator) < 0.5
        values = torch.rand(n, shape.numbers * shape.summaries, generator=generator) * BINS
        codes = torch.rand(n, shape.codes, generator=generator) < 0.5
        return torch.cat([values * observed.repeat(1, shape.summaries), observed.float(), codes.float()], dim=1)

    def unobserved(self, layout: str, rows: Tensor) -> Tensor:
        """Where a row's numbers were not observed."""
        shape = LAYOUTS[layout]
        begin = shape.numbers * shape.summaries
        there = torch.zeros_like(rows, dtype=torch.bool)
        there[:, :begin] = (rows[:, begin : begin + shape.numbers] < 0.5).repeat(1, shape.summaries)
        return there


def _shapes(trial: EncoderTrial) -> Findings:
    found: Findings = []
    for layout in LAYOUTS:
        encoder = trial.build(layout)
        for n in (0, 1, 5):
            made = encoder(trial.rows(layout, n))
            if tuple(made.shape) != (n, EMBED) or made.dtype != torch.float32:
                found.append(f"{layout}, {n} rows: {made.dtype} {tuple(made.shape)}, expected float32 {(n, EMBED)}")
    return found


def _finite(trial: EncoderTrial) -> Findings:
    found: Findings = []
    for layout, shape in LAYOUTS.items():
        encoder = trial.build(layout)
        nothing = torch.zeros(1, shape.width)
        for name, rows in {"rows": trial.rows(layout, 50), "a row of nothing": nothing}.items():
            if not encoder(rows).isfinite().all():
                found.append(f"{layout}: {name} gives numbers that are not finite")
    return found


def _unread(trial: EncoderTrial) -> Findings:
    if trial.kind.zeroed:
        return []
    found: Findings = []
    for layout in LAYOUTS:
        encoder, rows = trial.build(layout), trial.rows(layout, 20)
        before, missing = encoder(rows), trial.unobserved(layout, rows)
        for value in (7.0, float("nan")):
            moved = (encoder(rows.masked_fill(missing, value)) != before).any(dim=1)
            if moved.any():
                found.append(f"{layout}: {int(moved.sum())} of 20 embeddings move where a missing number is {value:g}")
    return found


def _reads(trial: EncoderTrial) -> Findings:
    found: Findings = []
    for layout in LAYOUTS:
        encoder, rows = trial.build(layout), trial.rows(layout, 20)
        moved = (encoder(trial.rows(layout, 20, seed=2)) != encoder(rows)).any(dim=1)
        if not moved.any():
            found.append(f"{layout}: other rows give the same embeddings")
    return found


def _learns(trial: EncoderTrial) -> Findings:
    found: Findings = []
    for layout in LAYOUTS:
        encoder = trial.build(layout)
        rows = trial.rows(layout, 20).requires_grad_()
        weights = torch.randn(EMBED, generator=torch.Generator().manual_seed(3))
        (encoder(rows) @ weights).sum().backward()
        pulls = [given.grad for given in (rows, *encoder.parameters()) if given.requires_grad]
        if len(pulls) < 2 or not any(pull is not None and pull.abs().sum() > 0 for pull in pulls[1:]):
            found.append(f"{layout}: no parameter gets a gradient")
        if any(pull is not None and not pull.isfinite().all() for pull in pulls):
            found.append(f"{layout}: a gradient is not finite")
    return found


def _alone(trial: EncoderTrial) -> Findings:
    found: Findings = []
    for layout in LAYOUTS:
        encoder, rows = trial.build(layout).train(), trial.rows(layout, 6).requires_grad_()
        encoder(rows)[2, 0].backward()
        pull = torch.zeros_like(rows) if rows.grad is None else rows.grad
        others = torch.arange(6) != 2
        if pull[others].abs().sum() > 0:
            found.append(f"{layout}: in training an embedding hangs on other rows of the batch")
        encoder.eval()
        if (encoder(rows)[2:3] - encoder(rows[2:3])).abs().max() > 1e-5:
            found.append(f"{layout}: a row alone gives another embedding than among others")
    return found


def _same(trial: EncoderTrial) -> Findings:
    found: Findings = []
    for layout in LAYOUTS:
        rows, encoder = trial.rows(layout, 8), trial.build(layout)
        if not torch.equal(encoder(rows), encoder(rows)):
            found.append(f"{layout}: the same rows give another embedding the second time")
        if not torch.equal(encoder(rows), trial.build(layout)(rows)):
            found.append(f"{layout}: built again with the same seed it gives other embeddings")
    return found


def _saved(trial: EncoderTrial) -> Findings:
    found: Findings = []
    for layout in LAYOUTS:
        rows, encoder, read = trial.rows(layout, 8), trial.build(layout), trial.build(layout, edges=False)
        read.load_state_dict(encoder.state_dict())
        if not torch.equal(encoder(rows), read(rows)):
            found.append(f"{layout}: built without edges and given the weights, it gives other embeddings")
    return found


REQUIREMENTS: Final[tuple[Requirement[EncoderTrial], ...]] = (
    Requirement(
        "shapes",
        "0, 1 or many rows of each layout become float32 embeddings of width settings.embed",
        "take the row's width from RowShape.width, and leave out what a layout does not have (numbers, codes)",
        _shapes,
    ),
    Requirement(
        "finite", "no embedding is NaN or infinite, of a row of nothing either", "guard divisions and logs", _finite
    ),
    Requirement("same", "the same rows and weights give the same embedding", "draw nothing outside of training", _same),
    Requirement(
        "unobserved values",
        "a number that was not observed does not move the embedding, whatever stands there",
        "mask the values with the row's observed columns (torch.where, not a product), or say zeroed=True where it "
        "counts on the zeros of a batch",
        _unread,
    ),
    Requirement("input", "other rows give other embeddings", "let the output depend on the input", _reads),
    Requirement(
        "gradient",
        "a gradient reaches the parameters, and is finite",
        "no detach or rounding on the way; torch.where also passes gradients of the branch not taken",
        _learns,
    ),
    Requirement(
        "alone",
        "a row never sees the others of its batch, in training neither",
        "use LayerNorm instead of BatchNorm, and no mean over rows",
        _alone,
    ),
    Requirement(
        "saved",
        "the state_dict holds all that it is: built without edges and given the weights, it says the same",
        "register what is fitted, edges included, as a buffer or parameter",
        _saved,
    ),
)


def check_encoder(kind: EncoderKind) -> None:
    """Whether an encoder kind can stand in every method.

    Args:
        kind: what the package offers as `wardround.encoders`; it need not be installed.

    Raises:
        CheckFailed: an `AssertionError` naming the first requirement that does not hold, and how to mend it.
        ExtensionError: where its name is a built-in one's.
    """
    with KNOWN_ENCODERS.lend(kind):
        hold_all(f"encoder {kind.name!r}", REQUIREMENTS, EncoderTrial(kind))
