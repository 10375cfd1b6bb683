"""The contrastive losses that align the embeddings of a stay's modalities; pure functions of tensors.

Notation: stay `i, j`, modality `m, k`, unit embedding `u[i,m]`, observed mask `d[i,m]`, `M[i] = sum_m d[i,m]`,
temperature `tau`, missing token `t_m`, and `unit(x) = x / |x|`.

====================  ============  ===============================  ==========================================
loss                  anchor        positive                         negatives
====================  ============  ===============================  ==========================================
`masked_global_loss`  `u[i,m]`      mean of the stay's others        all other stays, also those without m
`one_vs_others_loss`  `u[i,m]`      mean of the stay's others        other stays with m and something else
`all_pairs_loss`      `u[i,m]`      `u[i,k]`, for each pair (m, k)   other stays with both m and k
====================  ============  ===============================  ==========================================

Where every modality of every stay is observed the first two are the same number. In all three, other stays of the same
patient are masked out as false negatives (ours, switchable), a batch with nothing to contrast has loss 0, and every
gradient is finite. `u` at missing modalities is never read.

Each gives `(loss, parts)`, parts detached: `alignment` (the contrastive term: watch this one for early stopping),
`token` (the token term), `temperature`.
"""

import math
from itertools import combinations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import normalize

SHORTEST = 1e-6
"""A sum of embeddings shorter than this (opposite ones cancel) is divided by this: gradients stay finite."""

Loss = tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]


def masked_global_loss(
    u: Float[Tensor, "stay modality embed"],
    tokens: Float[Tensor, "modality embed"],
    observed: Bool[Tensor, "stay modality"],
    subject: Int[Tensor, " stay"],
    log_temperature: Float[Tensor, ""],
    token_weight: float = 0.1,
    mask_same_subject: bool = True,
) -> Loss:
    """Masked global alignment: `L + token_weight * L_tok` (arXiv 2604.18753, equations 2-5).

    ::

        (2)  c[i,-m] = unit( mean of u[i,k] over k != m with d[i,k] = 1 )
        (3)  g[i]    = unit( mean of u[i,k] over k with d[i,k] = 1 )
        (4)  n[j,m]  = c[j,-m] if stay j has a modality other than m, else g[j]
        (5)  L_m     = -1/|V_m| sum_{i in V_m} log( e(i,i) / (e(i,i) + sum_{j != i} e(i,j)) )
             V_m     = { i : d[i,m] = 1 and M[i] >= 2 },  e(i,j) = exp(u[i,m] . n[j,m] / tau)
             L       = mean of L_m over the modalities with a non-empty V_m
             L_tok   = mean of L_tok,m over the modalities with a non-empty W_m
             L_tok,m = mean over W_m = { i : d[i,m] = 0 and M[i] >= 1 } of 1 - cos(t_m, stopgrad(c[i,-m]))

    `j` runs over all other stays with `M[j] >= 1`. `L_tok` is ours: equations 2-5 hold observed embeddings only, so
    without it the tokens, which the paper calls learned, get no gradient; `token_weight=0` gives the five equations
    exactly.

    Args:
        u: unit embeddings of the observed modalities.
        tokens: `t_m`, of any length above zero.
        observed: `d`, after modality dropout.
        subject: the patient of each stay; a stay with no known patient needs a number of its own.
        log_temperature: `log(tau)`.
        token_weight: weight of `L_tok`.
        mask_same_subject: whether other stays of the same patient are left out of the negatives.
    """
    u = _observed_only(u, observed)
    some = observed.any(dim=1)
    anchors = observed & (observed.sum(dim=1) >= 2).unsqueeze(1)
    targets = negative_targets(u, observed)
    negatives = global_negatives(observed)
    candidates = candidate_stays(subject, mask_same_subject)
    temperature = log_temperature.exp()
    terms = [
        info_nce(u[:, m], targets[:, m], anchors[:, m], candidates & negatives[:, m], temperature)
        for m in range(observed.shape[1])
        if anchors[:, m].any()
    ]
    zero = _connected_zero(u, tokens, log_temperature)
    alignment = torch.stack(terms).mean() if terms else zero
    token = token_loss(tokens, targets, ~observed & some.unsqueeze(1)) + zero
    return alignment + token_weight * token + zero, _parts(alignment, token, temperature)


def one_vs_others_loss(
    u: Float[Tensor, "stay modality embed"],
    observed: Bool[Tensor, "stay modality"],
    subject: Int[Tensor, " stay"],
    log_temperature: Float[Tensor, ""],
    mask_same_subject: bool = True,
) -> Loss:
    """One-versus-others InfoNCE, the comparator of PiCME (Golovanevsky et al. 2025, arXiv 2507.03165).

    Equation 5 of `masked_global_loss` with the positive and the negatives `c[j,-m]` over the same stays
    `V_m = { j : d[j,m] = 1 and M[j] >= 2 }`: no token, no fallback. That paper's sets are complete, so what
    happens where something is missing is ours.
    """
    u = _observed_only(u, observed)
    usable = observed & (observed.sum(dim=1) >= 2).unsqueeze(1)
    targets = complementary_centroids(u)
    candidates = candidate_stays(subject, mask_same_subject)
    temperature = log_temperature.exp()
    terms = [
        info_nce(u[:, m], targets[:, m], usable[:, m], candidates & usable[:, m], temperature)
        for m in range(observed.shape[1])
        if usable[:, m].any()
    ]
    zero = _connected_zero(u, log_temperature)
    alignment = torch.stack(terms).mean() if terms else zero
    return alignment + zero, _parts(alignment, zero, temperature)


def all_pairs_loss(
    u: Float[Tensor, "stay modality embed"],
    observed: Bool[Tensor, "stay modality"],
    subject: Int[Tensor, " stay"],
    log_temperature: Float[Tensor, ""],
    pair_logits: Float[Tensor, " pair"],
    mask_same_subject: bool = True,
) -> Loss:
    """All-pairs symmetric InfoNCE with learned pair weights, CLIP-like (Radford et al. 2021, arXiv 2103.00020).

    ::

        L_p = ( InfoNCE(m -> k) + InfoNCE(k -> m) ) / 2   over the stays that have both, for each pair p = (m, k)
        w   = softmax(pair_logits) over the P pairs that some stay has
        L   = sum_p w_p L_p  +  log(N) * mean_p( -log(P w_p) )

    The first term alone would be minimised by weight 1 on the easiest pair and 0 on all that is hard. The second is the
    divergence of the weights from equal ones, in units of the chance loss log(N) of N stays: zero at equal weights,
    infinite where a weight goes to 0, so that every pair keeps being trained (ours). It is not part of `alignment`.

    Args:
        u: unit embeddings of the observed modalities.
        observed: `d`, after modality dropout.
        subject: the patient of each stay.
        log_temperature: `log(tau)`.
        pair_logits: one for each pair (0, 1), (0, 2), ..., (1, 2), ...
        mask_same_subject: whether other stays of the same patient are left out of the negatives.
    """
    u = _observed_only(u, observed)
    candidates = candidate_stays(subject, mask_same_subject)
    temperature = log_temperature.exp()
    terms: list[Tensor] = []
    present: list[int] = []
    for p, (m, k) in enumerate(combinations(range(observed.shape[1]), 2)):
        both = observed[:, m] & observed[:, k]
        if both.any():
            there = info_nce(u[:, m], u[:, k], both, candidates & both, temperature)
            back = info_nce(u[:, k], u[:, m], both, candidates & both, temperature)
            terms.append((there + back) / 2)
            present.append(p)
    zero = _connected_zero(u, log_temperature, pair_logits)
    if not terms:
        return zero, _parts(zero, zero, temperature)
    log_weights = pair_logits[present].log_softmax(dim=0)
    alignment = (log_weights.exp() * torch.stack(terms)).sum()
    divergence = -(log_weights + math.log(len(terms))).mean()
    return alignment + math.log(len(observed)) * divergence + zero, _parts(alignment, zero, temperature)


def complementary_centroids(u: Float[Tensor, "stay modality embed"]) -> Float[Tensor, "stay modality embed"]:
    """Equation 2, `c[i,-m]`; `u` is zero where missing. Zero where the stay has nothing else.

    A sum over the others rather than "all minus own": no rounding of the own embedding stays behind.
    """
    others = 1 - torch.eye(u.shape[1], dtype=u.dtype, device=u.device)
    return normalize(torch.einsum("ike,mk->ime", u, others), dim=-1, eps=SHORTEST)


def global_representation(u: Float[Tensor, "stay modality embed"]) -> Float[Tensor, "stay embed"]:
    """Equation 3, `g[i]`; `u` is zero where missing. Zero where the stay has nothing."""
    return normalize(u.sum(dim=1), dim=-1, eps=SHORTEST)


def negative_targets(
    u: Float[Tensor, "stay modality embed"], observed: Bool[Tensor, "stay modality"]
) -> Float[Tensor, "stay modality embed"]:
    """Equation 4, `n[j,m]`: the complementary centroid, or `g[j]` where stay j has only m."""
    has_other = (observed.sum(dim=1, keepdim=True) - observed.long()) >= 1
    fallback = global_representation(u).unsqueeze(1)
    return torch.where(has_other.unsqueeze(-1), complementary_centroids(u), fallback)


def global_negatives(observed: Bool[Tensor, "stay modality"]) -> Bool[Tensor, "stay modality"]:
    """Which stays are negatives for modality m: all that have any modality, m or not."""
    return observed.any(dim=1, keepdim=True).expand_as(observed)


def candidate_stays(subject: Int[Tensor, " stay"], mask_same_subject: bool) -> Bool[Tensor, "stay stay"]:
    """Which stays j (columns) anchor i (rows) is compared with: itself, and those of other patients."""
    same = subject.unsqueeze(0) == subject.unsqueeze(1)
    itself = torch.eye(len(subject), dtype=torch.bool, device=subject.device)
    return itself | ~same if mask_same_subject else torch.ones_like(itself)


def info_nce(
    anchor: Float[Tensor, "stay embed"],
    target: Float[Tensor, "stay embed"],
    rows: Bool[Tensor, " stay"],
    candidates: Bool[Tensor, "stay stay"],
    temperature: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """Equation 5: mean over the anchors in `rows` of `logsumexp_j(a_i . t_j / tau) - a_i . t_i / tau`.

    `j` runs over `candidates`. `rows` must not be empty, and an anchor must be among its own candidates. With no other
    candidate it is exactly 0.
    """
    logits = anchor[rows] @ target.T / temperature
    positive = logits.gather(1, rows.nonzero()).squeeze(1)
    return (logits.masked_fill(~candidates[rows], -torch.inf).logsumexp(dim=1) - positive).mean()


def token_loss(
    tokens: Float[Tensor, "modality embed"],
    centroids: Float[Tensor, "stay modality embed"],
    missing: Bool[Tensor, "stay modality"],
) -> Float[Tensor, ""]:
    """Mean over modalities missing somewhere of the mean over those stays of `1 - cos(t_m, stopgrad(centroid))`."""
    cosine = (normalize(tokens, dim=-1, eps=SHORTEST) * centroids.detach()).sum(dim=-1)
    count = missing.sum(dim=0)
    by_modality = (missing * (1 - cosine)).sum(dim=0) / count.clamp(min=1)
    return by_modality.sum() / (count > 0).sum().clamp(min=1)


def _observed_only(
    u: Float[Tensor, "stay modality embed"], observed: Bool[Tensor, "stay modality"]
) -> Float[Tensor, "stay modality embed"]:
    return u.masked_fill(~observed.unsqueeze(-1), 0.0)


def _connected_zero(*tensors: Tensor) -> Float[Tensor, ""]:
    """A zero with a zero gradient for all of them: `backward` works whatever was left out of the loss."""
    return torch.stack([tensor.sum() * 0.0 for tensor in tensors]).sum()


def _parts(
    alignment: Float[Tensor, ""], token: Float[Tensor, ""], temperature: Float[Tensor, ""]
) -> dict[str, Float[Tensor, ""]]:
    return {"alignment": alignment.detach(), "token": token.detach(), "temperature": temperature.detach()}
