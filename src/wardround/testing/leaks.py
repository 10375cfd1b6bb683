"""Leak detectors that look at a model from outside. Each returns its findings, a line each.

differing         arrays that another future moved
later_events      beliefs at an event against the events after it, and the gradient to them
later_hours       the same of an hourly grid
label_dependence  training outputs against the labels of the batch
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wardround.batches import grid, sequences

Findings = list[str]


def differing(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]) -> Findings:
    """The arrays that are not the same bytes."""
    findings = [f"{name} is there only once" for name in sorted(before.keys() ^ after.keys())]
    for name in sorted(before.keys() & after.keys()):
        one, other = before[name], after[name]
        if one.shape != other.shape:
            findings.append(f"{name}: shape {one.shape} became {other.shape}")
        elif one.dtype != other.dtype or one.tobytes() != other.tobytes():
            unequal = (one != other) & ((one == one) | (other == other))
            findings.append(f"{name}: {int(unequal.sum())} of {one.size} values moved")
    return findings


def beliefs(model: Any, batch: Any) -> Tensor:
    """What a model says after each event or hour: before the last function where it has such `beliefs`, whose gradient
    is nowhere flat."""
    return model.beliefs(batch)[0] if hasattr(model, "beliefs") else model.predict(batch)[0]


def later_hours(model: Any, batch: grid.GridBatch, seed: int = 0) -> Findings:
    """Beliefs at an hour k of each stay that hang on the hours after k: by gradient, and by others in their place, at
    the same padded shape."""
    rng = np.random.default_rng([seed, 4])
    lengths = batch.lengths.numpy()
    k = torch.from_numpy((rng.random(len(lengths)) * lengths).astype(np.int64))
    later = torch.arange(batch.hours.shape[1]) > k[:, None]
    floats = {name: getattr(batch, name).clone().requires_grad_() for name in ("values", "delta_h", "hours")}
    made = beliefs(model, replace(batch, **floats))
    _pull(made[np.arange(len(lengths)), k])
    pulls = {name: late_part(given.grad, later) for name, given in floats.items()}
    findings = [f"gradient to later {name}: {pull:.1e}" for name, pull in pulls.items() if pull != 0]
    late = later[..., None]
    other = replace(
        batch,
        values=torch.where(
            late, torch.from_numpy(rng.normal(0, 3, batch.values.shape).astype(np.float32)), batch.values
        ),
        observed=batch.observed ^ late,
        delta_h=torch.where(late, float(rng.uniform(1, 50)), batch.delta_h),
        codes=batch.codes ^ late,
        hours=torch.where(later, batch.hours + float(rng.uniform(1, 50)), batch.hours),
    )
    with torch.no_grad():
        unequal = _unequal(beliefs(model, other), made) & ~later
    return [*findings, *([f"{int(unequal.sum())} beliefs moved with other later hours"] if unequal.any() else [])]


def later_events(model: Any, batch: sequences.SequenceBatch, seed: int = 0) -> Findings:
    """Beliefs at an event k of each stay that hang on the events after k: by gradient, and by others or none in their
    place, at the same padded shape."""
    rng = np.random.default_rng([seed, 4])
    lengths = batch.lengths.numpy()
    stays = np.flatnonzero(lengths > 0)
    k = torch.from_numpy((rng.random(len(lengths)) * np.maximum(lengths, 1)).astype(np.int64))
    events = batch.modality.shape[1]
    later = torch.arange(events) > k[:, None]
    rows = {name: _leaf(rows) for name, rows in batch.rows.items()}
    hours = batch.hours.clone().requires_grad_()
    published = batch.published.clone().requires_grad_()
    from_here = replace(batch, rows=rows, hours=hours, published=published)
    made = beliefs(model, from_here)
    _pull(made[stays, k[stays]])
    pulls = {name: late_part(rows[name].grad, later.flatten()[batch.slots[name]]) for name in rows}
    pulls |= {"hours": late_part(hours.grad, later), "odds": late_part(published.grad, later)}
    findings = [f"gradient to later {name}: {pull:.1e}" for name, pull in pulls.items() if pull != 0]
    earlier = ~later & (torch.arange(events) < batch.lengths[:, None])
    futures = {
        "other": _other_later(batch, later, rng),
        "no": replace(batch, lengths=torch.minimum(batch.lengths, k + 1)),
    }
    for kind, other in futures.items():
        with torch.no_grad():
            unequal = _unequal(beliefs(model, other), made) & earlier
        if unequal.any():
            findings.append(f"{int(unequal.sum())} of {int(earlier.sum())} beliefs moved with {kind} later events")
    return findings


def _leaf(rows: Tensor) -> Tensor:
    """A copy that takes a gradient; of tokens and pixels, which take none, a copy."""
    return rows.clone().requires_grad_() if rows.is_floating_point() else rows.clone()


def _others(late: Tensor, rows: Tensor, rng: np.random.Generator) -> Tensor:
    """Other rows in the place of some; of tokens and pixels with numbers that rows have."""
    if late.is_floating_point():
        return torch.from_numpy(rng.normal(0, 3, tuple(late.shape)).astype(np.float32))
    most = int(rows.max()) if rows.numel() else 0
    return torch.from_numpy(rng.integers(0, most + 1, tuple(late.shape))).to(late.dtype)


def _unequal(one: Tensor, other: Tensor) -> Tensor:
    """Which events or hours are told otherwise, of several answers in any."""
    return (one != other.detach()).flatten(2).any(dim=2) if one.dim() > 2 else one != other.detach()


def _pull(said: Tensor) -> None:
    """Send a gradient back, where what was said hangs on anything."""
    if said.requires_grad:
        said.sum().backward()


def late_part(gradient: Tensor | None, later: Tensor) -> float:
    """The largest gradient to what is later; 0 without any."""
    if gradient is None or not later.any():
        return 0.0
    return float(gradient[later].abs().max()) if gradient[later].numel() else 0.0


def _other_later(batch: sequences.SequenceBatch, later: Tensor, rng: np.random.Generator) -> sequences.SequenceBatch:
    rows: dict[str, Tensor] = {}
    for name, values in batch.rows.items():
        other = values.clone()
        late = later.flatten()[batch.slots[name]]
        other[late] = _others(other[late], values, rng)
        rows[name] = other
    hours = torch.where(later, batch.hours + float(rng.uniform(1, 50)), batch.hours)
    modality = torch.where(later, (batch.modality + 1) % len(rows), batch.modality)
    published = torch.where(later, float(rng.normal()), batch.published)
    return replace(batch, rows=rows, hours=hours, modality=modality, published=published)


def label_dependence(model: Any, batch: Any) -> Findings:
    """Training outputs (dropout and all) that move when the labels of the batch do."""
    outputs: list[Tensor] = []
    nobody, every_second = torch.zeros_like(batch.label), torch.zeros_like(batch.label)
    every_second[1::2] = 1
    for label in (nobody, nobody + 1, every_second):
        torch.manual_seed(9)
        given = replace(batch, label=label)
        model.train()
        with torch.no_grad():
            outputs.append(model.outputs(given) if hasattr(model, "outputs") else beliefs(model, given))
        model.eval()
    same = all(torch.equal(outputs[0], other) for other in outputs[1:])
    return [] if same else ["training outputs depend on the labels of the batch"]
