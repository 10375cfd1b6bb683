"""Promise 37: each loss equals a float64 loop written straight from the paper's equations, and its gradients are right.

The loops below know one stay and one modality at a time, nothing of masks or tensors of stays, and share no line with
the library. A checker compares the loss and every gradient with them; the planted faults at the end show that it can
fail.
"""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from wardround.methods import contrastive

torch.set_num_threads(1)

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
CASES = max(20, round(1000 * SCALE))
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Case:
    """A batch: raw embeddings, missing tokens, masks, patients and the learned numbers of a loss, in float64."""

    z: Tensor
    tokens: Tensor
    observed: Tensor
    subject: Tensor
    log_temperature: Tensor
    pair_logits: Tensor
    token_weight: float
    mask_same_subject: bool

    @property
    def leaves(self) -> tuple[Tensor, ...]:
        return self.z, self.tokens, self.log_temperature, self.pair_logits


def random_case(seed: int, dtype: torch.dtype = torch.float64) -> Case:
    """Every eighth is a batch of one; others lack a modality altogether, or have stays with one, none or all."""
    g = torch.Generator().manual_seed(seed)
    stays = 1 if seed % 8 == 0 else int(torch.randint(2, 8, (), generator=g))
    modalities = int(torch.randint(2, 6, (), generator=g))
    observed = torch.rand(stays, modalities, generator=g) < torch.rand((), generator=g) * 1.2
    if seed % 4 == 1:
        observed[:, 0] = False
    if seed % 5 == 2:
        observed[0] = torch.arange(modalities) == 1
    if seed % 50 == 3:
        observed[:] = False
    return Case(
        z=torch.randn(stays, modalities, 4, generator=g, dtype=torch.float64).to(dtype).requires_grad_(),
        tokens=torch.randn(modalities, 4, generator=g, dtype=torch.float64).to(dtype).requires_grad_(),
        observed=observed,
        subject=torch.randint(0, 3 if seed % 2 else 100, (stays,), generator=g),
        log_temperature=(torch.rand((), generator=g, dtype=torch.float64) * 2 - 2.5).to(dtype).requires_grad_(),
        pair_logits=torch.randn(math.comb(modalities, 2), generator=g, dtype=torch.float64).to(dtype).requires_grad_(),
        token_weight=(0.0, 0.1, 1.0)[seed % 3],
        mask_same_subject=seed % 7 != 0,
    )


# The library ----------------------------------------------------------------------------------------------------------


def masked_global(case: Case) -> Tensor:
    return contrastive.masked_global_loss(
        normalize(case.z, dim=-1),
        case.tokens,
        case.observed,
        case.subject,
        case.log_temperature,
        case.token_weight,
        case.mask_same_subject,
    )[0]


def one_vs_others(case: Case) -> Tensor:
    return contrastive.one_vs_others_loss(
        normalize(case.z, dim=-1), case.observed, case.subject, case.log_temperature, case.mask_same_subject
    )[0]


def all_pairs(case: Case) -> Tensor:
    return contrastive.all_pairs_loss(
        normalize(case.z, dim=-1),
        case.observed,
        case.subject,
        case.log_temperature,
        case.pair_logits,
        case.mask_same_subject,
    )[0]


# The equations, one stay at a time ------------------------------------------------------------------------------------


class Stays:
    """Equations 1-4 for one batch."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.stays = range(case.z.shape[0])
        self.modalities = range(case.z.shape[1])
        self.d = case.observed.tolist()
        self.M = [sum(row) for row in self.d]
        self.who = case.subject.tolist()
        self.tau = torch.exp(case.log_temperature)

    def u(self, i: int, m: int) -> Tensor:
        z = self.case.z[i, m]
        return z / torch.sqrt((z * z).sum())

    def centre(self, i: int, which: list[int]) -> Tensor:
        mean = sum((self.u(i, k) for k in which), start=torch.zeros(4, dtype=torch.float64)) / len(which)
        return mean / torch.sqrt((mean * mean).sum())

    def others(self, i: int, m: int) -> list[int]:
        return [k for k in self.modalities if k != m and self.d[i][k]]

    def c(self, i: int, m: int) -> Tensor:
        return self.centre(i, self.others(i, m))

    def g(self, i: int) -> Tensor:
        return self.centre(i, [k for k in self.modalities if self.d[i][k]])

    def n(self, j: int, m: int) -> Tensor:
        return self.c(j, m) if self.others(j, m) else self.g(j)

    def rivals(self, i: int) -> list[int]:
        same_out = self.case.mask_same_subject
        return [j for j in self.stays if j != i and not (same_out and self.who[i] == self.who[j])]

    def log_share(self, anchor: Tensor, positive: Tensor, negatives: list[Tensor]) -> Tensor:
        top = torch.exp(anchor @ positive / self.tau)
        return torch.log(top / (top + sum(torch.exp(anchor @ n / self.tau) for n in negatives)))


def mean_of(terms: list[Tensor]) -> Tensor:
    return sum(terms, start=torch.zeros((), dtype=torch.float64)) / max(len(terms), 1)


def masked_global_by_hand(case: Case) -> Tensor:
    s = Stays(case)
    by_modality, by_token = [], []
    for m in s.modalities:
        valid = [i for i in s.stays if s.d[i][m] and s.M[i] >= 2]
        if valid:
            terms = [s.log_share(s.u(i, m), s.c(i, m), [s.n(j, m) for j in s.rivals(i) if s.M[j] >= 1]) for i in valid]
            by_modality.append(-mean_of(terms))
        lacking = [i for i in s.stays if not s.d[i][m] and s.M[i] >= 1]
        if lacking:
            token = case.tokens[m] / torch.sqrt((case.tokens[m] * case.tokens[m]).sum())
            by_token.append(mean_of([1 - token @ s.c(i, m).detach() for i in lacking]))
    return mean_of(by_modality) + case.token_weight * mean_of(by_token)


def one_vs_others_by_hand(case: Case) -> Tensor:
    s = Stays(case)
    by_modality = []
    for m in s.modalities:
        valid = [i for i in s.stays if s.d[i][m] and s.M[i] >= 2]
        if valid:
            terms = [s.log_share(s.u(i, m), s.c(i, m), [s.c(j, m) for j in s.rivals(i) if j in valid]) for i in valid]
            by_modality.append(-mean_of(terms))
    return mean_of(by_modality)


def all_pairs_by_hand(case: Case) -> Tensor:
    s = Stays(case)
    losses, raw_weights = [], []
    for p, (m, k) in enumerate(combinations(s.modalities, 2)):
        valid = [i for i in s.stays if s.d[i][m] and s.d[i][k]]
        if valid:
            there = [s.log_share(s.u(i, m), s.u(i, k), [s.u(j, k) for j in s.rivals(i) if j in valid]) for i in valid]
            back = [s.log_share(s.u(i, k), s.u(i, m), [s.u(j, m) for j in s.rivals(i) if j in valid]) for i in valid]
            losses.append(-(mean_of(there) + mean_of(back)) / 2)
            raw_weights.append(torch.exp(case.pair_logits[p]))
    weights = [raw / sum(raw_weights) for raw in raw_weights]
    weighted = sum(
        (w * loss for w, loss in zip(weights, losses, strict=True)), start=torch.zeros((), dtype=torch.float64)
    )
    return weighted + math.log(len(s.stays)) * mean_of([-torch.log(len(weights) * w) for w in weights])


LOSSES: dict[str, tuple[Callable[[Case], Tensor], Callable[[Case], Tensor]]] = {
    "masked-global": (masked_global, masked_global_by_hand),
    "one-vs-others": (one_vs_others, one_vs_others_by_hand),
    "all-pairs": (all_pairs, all_pairs_by_hand),
}


def gradients(loss: Tensor, case: Case) -> list[Tensor]:
    if not loss.requires_grad:  # by hand, nothing to sum
        return [torch.zeros_like(leaf) for leaf in case.leaves]
    return list(torch.autograd.grad(loss, case.leaves, allow_unused=True, materialize_grads=True))


def largest_difference(name: str, seeds: range) -> float:
    """The checker: the largest difference of a loss or of an entry of a gradient; infinite where one is not finite."""
    library, _ = LOSSES[name]
    largest = 0.0
    for seed in seeds:
        case = random_case(seed)
        ours = library(case)
        for got, wanted in zip([ours, *gradients(ours, case)], by_hand_with_gradients(name, seed), strict=True):
            difference = (got - wanted).detach().abs().max().item()
            largest = max(largest, difference if math.isfinite(difference) else math.inf)
    return largest


@cache
def by_hand_with_gradients(name: str, seed: int) -> list[Tensor]:
    case = random_case(seed)
    loss = LOSSES[name][1](case)
    return [loss.detach(), *gradients(loss, case)]


@pytest.mark.parametrize("name", LOSSES)
def test_loss_and_gradients_equal_the_loops(name):
    assert largest_difference(name, range(CASES)) <= TOLERANCE


def test_the_cases_hold_what_they_claim():
    cases = [random_case(seed) for seed in range(CASES)]
    counts = [case.observed.sum(dim=1) for case in cases]
    assert any(len(case.subject) == 1 for case in cases)
    assert any((count == 1).any() and (count >= 2).any() for count in counts)
    assert any((count == 0).any() and (count >= 2).any() for count in counts)
    assert any(not case.observed.any() for case in cases)
    assert any(case.observed.all() and len(case.subject) > 1 for case in cases)
    assert any(not case.observed[:, 0].any() and case.observed.any() for case in cases)
    assert any(len(case.subject.unique()) < len(case.subject) and case.mask_same_subject for case in cases)


@pytest.mark.parametrize("name", LOSSES)
def test_in_float32_the_loss_is_within_its_rounding(name):
    library, by_hand = LOSSES[name]
    for seed in range(CASES):
        exact = by_hand(random_case(seed)).item()
        assert library(random_case(seed, torch.float32)).item() == pytest.approx(exact, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("seed", [1, 2, 5, 8, 11, 53])
def test_gradcheck(name, seed):
    """Against numerical derivatives; the token term, whose gradient is stopped, with fixed embeddings."""
    library, _ = LOSSES[name]
    case = random_case(seed)

    def loss(z: Tensor, tokens: Tensor, log_temperature: Tensor, pair_logits: Tensor) -> Tensor:
        weight = case.token_weight if z is fixed_z else 0.0
        moved = Case(
            z, tokens, case.observed, case.subject, log_temperature, pair_logits, weight, case.mask_same_subject
        )
        return library(moved)

    fixed_z = case.z.detach()
    assert torch.autograd.gradcheck(loss, case.leaves)
    assert torch.autograd.gradcheck(
        lambda *learned: loss(fixed_z, *learned), (case.tokens, case.log_temperature, case.pair_logits)
    )


# Invariances ----------------------------------------------------------------------------------------------------------


def rotation(seed: int) -> Tensor:
    return torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))[0]


def other_order_of_stays(case: Case, seed: int) -> Case:
    order = torch.randperm(len(case.subject), generator=torch.Generator().manual_seed(seed))
    return changed(case, z=case.z[order], observed=case.observed[order], subject=case.subject[order])


def other_order_of_modalities(case: Case, seed: int) -> Case:
    modalities = case.z.shape[1]
    order = torch.randperm(modalities, generator=torch.Generator().manual_seed(seed)).tolist()
    pairs = {pair: p for p, pair in enumerate(combinations(range(modalities), 2))}
    logits = [case.pair_logits[pairs[min(a, b), max(a, b)]] for a, b in combinations(order, 2)]
    return changed(
        case,
        z=case.z[:, order],
        tokens=case.tokens[order],
        observed=case.observed[:, order],
        pair_logits=torch.stack(logits),
    )


def common_rotation(case: Case, seed: int) -> Case:
    return changed(case, z=case.z @ rotation(seed), tokens=case.tokens @ rotation(seed))


def other_lengths(case: Case, seed: int) -> Case:
    length = torch.rand(case.z.shape[:2], generator=torch.Generator().manual_seed(seed)).unsqueeze(-1) + 0.1
    return changed(case, z=case.z * length, tokens=case.tokens * length[0])


def other_subject_numbers(case: Case, seed: int) -> Case:
    return changed(case, subject=-3 * case.subject + seed)


def other_values_where_missing(case: Case, seed: int) -> Case:
    return changed(case, z=torch.where(case.observed.unsqueeze(-1), case.z, -2 * case.z + seed))


def changed(case: Case, **fields: Tensor) -> Case:
    return Case(**{**case.__dict__, **fields})


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    "change",
    [
        other_order_of_stays,
        other_order_of_modalities,
        common_rotation,
        other_lengths,
        other_subject_numbers,
        other_values_where_missing,
    ],
)
def test_what_must_not_matter_does_not(name, change):
    library, _ = LOSSES[name]
    for seed in range(0, CASES, 3):
        case = random_case(seed)
        torch.testing.assert_close(library(change(case, seed)), library(case), rtol=0, atol=1e-9)


# Negative controls ----------------------------------------------------------------------------------------------------


def forget_the_fallback(u, observed):
    return contrastive.complementary_centroids(u)


def centroid_with_the_anchor_in_it(u):
    return contrastive.global_representation(u).unsqueeze(1).expand_as(u)


def forget_the_same_subject_mask(subject, mask_same_subject):
    return torch.ones(len(subject), len(subject), dtype=torch.bool)


def drop_the_same_subject_with_itself(subject, mask_same_subject):
    return subject.unsqueeze(0) != subject.unsqueeze(1)


def drop_negatives_without_m(observed):
    return observed


def drop_negatives_with_one_modality(observed):
    return (observed.sum(dim=1, keepdim=True) >= 2).expand_as(observed)


def keep_negatives_with_nothing(observed):
    return torch.ones_like(observed)


def let_the_token_move_the_encoders(tokens, centroids, missing):
    """The same number: only the gradients tell."""
    return REAL_TOKEN_LOSS(tokens, centroids, missing) + (centroids - centroids.detach()).sum()


def token_over_observed_too(tokens, centroids, missing):
    return REAL_TOKEN_LOSS(tokens, centroids, torch.ones_like(missing))


def token_mean_over_all_modalities(tokens, centroids, missing):
    share = missing.any(dim=0).double().mean()
    return REAL_TOKEN_LOSS(tokens, centroids, missing) * share


def sum_instead_of_mean(anchor, target, rows, candidates, temperature):
    return REAL_INFO_NCE(anchor, target, rows, candidates, temperature) * rows.sum()


def multiply_by_the_temperature(anchor, target, rows, candidates, temperature):
    return REAL_INFO_NCE(anchor, target, rows, candidates, 1 / temperature)


REAL_TOKEN_LOSS = contrastive.token_loss
REAL_INFO_NCE = contrastive.info_nce


@pytest.mark.parametrize(
    ("part", "fault", "losses"),
    [
        ("negative_targets", forget_the_fallback, ["masked-global"]),
        ("complementary_centroids", centroid_with_the_anchor_in_it, ["masked-global", "one-vs-others"]),
        ("candidate_stays", forget_the_same_subject_mask, list(LOSSES)),
        ("candidate_stays", drop_the_same_subject_with_itself, list(LOSSES)),
        ("global_negatives", drop_negatives_without_m, ["masked-global"]),
        ("global_negatives", drop_negatives_with_one_modality, ["masked-global"]),
        ("global_negatives", keep_negatives_with_nothing, ["masked-global"]),
        ("token_loss", let_the_token_move_the_encoders, ["masked-global"]),
        ("token_loss", token_over_observed_too, ["masked-global"]),
        ("token_loss", token_mean_over_all_modalities, ["masked-global"]),
        ("info_nce", sum_instead_of_mean, list(LOSSES)),
        ("info_nce", multiply_by_the_temperature, list(LOSSES)),
    ],
)
def test_a_planted_fault_is_found(monkeypatch, part, fault, losses):
    monkeypatch.setattr(contrastive, part, fault)
    for name in losses:
        assert largest_difference(name, range(60)) > 1e-3
