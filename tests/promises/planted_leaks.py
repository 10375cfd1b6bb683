"""Leaks to plant: each takes one piece of the product out and puts a faulty one in its place, as a careless change
would."""

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from wardround.batches import content, features, lines, normaliser, sequences, store
from wardround.concepts import apache_iv
from wardround.methods import static as static_method
from wardround.methods import trajectory
from wardround.models import belief_sequence, decoder
from wardround.tasks import cohort, splits
from wardround.train import data, published_scores, run_folder

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Leak:
    """A planted fault.

    Attributes:
        name: what leaks.
        detector: which detector must see it.
        plant: puts it in place.
    """

    name: str
    detector: str
    plant: Callable[[Patch], None]


LEAKS: list[Leak] = []


def leak(name: str, detector: str) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Register a planted fault."""

    def register(plant: Callable[[Patch], None]) -> Callable[[Patch], None]:
        LEAKS.append(Leak(name, detector, plant))
        return plant

    return register


def edit(patch: Patch, owner: Any, name: str, old: str, new: str) -> None:
    """Replace one expression in the source of a function, and the function by the result."""
    function = inspect.unwrap(getattr(owner, name))
    source = textwrap.dedent(inspect.getsource(function))
    if source.count(old) != 1:
        raise ValueError(
            f"{name} holds {old!r} {source.count(old)} times, 1 was expected: the planted leak needs another look"
        )
    module = owner if isinstance(owner, ModuleType) else inspect.getmodule(owner)
    made: dict[str, Any] = {}
    exec(compile(source.replace(old, new), f"<leak in {name}>", "exec"), vars(module), made)
    patch.setattr(owner, name, made[name])


def around(patch: Patch, owner: Any, name: str, wrap: Callable[..., Any]) -> None:
    """Replace a function by `wrap(original, *arguments)`."""
    original = getattr(owner, name)
    patch.setattr(owner, name, lambda *arguments, **named: wrap(original, *arguments, **named))


def around_method(patch: Patch, owner: type, name: str, wrap: Callable[..., Any]) -> None:
    """Replace a method by `wrap(original, self, *arguments)`."""
    original = getattr(owner, name)
    patch.setattr(owner, name, lambda self, *arguments, **named: wrap(original, self, *arguments, **named))


def on_events(patch: Patch, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Change the events of a shard before they become lines."""
    around(patch, lines, "_place", lambda place, events, *rest: place(change(events), *rest))


def totals(lines_: lines.Lines, chosen: cohort.Cohort) -> np.ndarray:
    """How many items the whole stay has, past and future."""
    return np.diff(lines_.offsets)[store.stays_and_cuts(lines_, chosen)[0]]


def with_first_column(made: store.EventStore, values: np.ndarray) -> store.EventStore:
    """The store with a number of each stay in the first input of each of its events."""
    altered = {name: rows.copy() for name, rows in made.content.items()}
    stay = np.repeat(np.arange(len(values)), np.diff(made.offsets))
    for index, name in enumerate(made.modalities):
        mine = made.modality == index
        altered[name][made.row[mine], 0] = values[stay[mine]]
        have = made.last[:, index] >= 0
        altered[name][made.last[have, index], 0] = values[have]
    return replace(made, content=altered)


# What is visible at t


@leak("the causal clock reads `time`, not `available_time`", "moved")
def _(patch: Patch) -> None:
    patch.setattr(cohort.Window, "clock", property(lambda self: "time"))


@leak("storetime guessed: an hour after the draw", "moved")
def _(patch: Patch) -> None:
    on_events(patch, lambda events: events.with_columns(available_time=pl.col("time") + pl.duration(hours=1)))


@leak("APS known at time 0", "moved")
def _(patch: Patch) -> None:
    known = pl.when(pl.col("modality") == "aps").then("time").otherwise("available_time")
    on_events(patch, lambda events: events.with_columns(available_time=known))


@leak("APACHE of the whole stay known at its first event", "moved")
def _(patch: Patch) -> None:
    def derived_events(original: Any, events: pl.DataFrame, clock: str) -> pl.DataFrame:
        made = original(events, clock)
        first = events.group_by("stay_id").agg(pl.col("time").min(), pl.col("available_time").min())
        whole = made.sort(clock).group_by("stay_id", "code", maintain_order=True).last()
        return whole.drop("time", "available_time").join(first, on="stay_id").select(made.columns)

    around(patch, lines, "derived_events", derived_events)


@leak("APACHE fills what is missing with the next value", "moved")
def _(patch: Patch) -> None:
    edit(patch, apache_iv, "_states", "forward_fill()", "forward_fill().backward_fill()")


@leak("APACHE known when its inputs happened", "moved")
def _(patch: Patch) -> None:
    around(
        patch,
        lines,
        "derived_events",
        lambda original, events, clock: original(events, "time").with_columns(available_time="time"),
    )


@leak("published odds of the hour to come", "unlike_prefix")
def _(patch: Patch) -> None:
    around(patch, store, "published_logit", lambda original, *a: original(*a[:-1], a[-1] + 60))


@leak("ICD codes of the stay known at admission", "moved")
def _(patch: Patch) -> None:
    known = (
        pl.when(pl.col("modality") == "diagnosis")
        .then(pl.col("time").min().over("stay_id"))
        .otherwise("available_time")
    )
    on_events(patch, lambda events: events.with_columns(available_time=known))


@leak("times rounded down to the minute", "moved")
def _(patch: Patch) -> None:
    on_events(patch, lambda events: events.with_columns(pl.col("available_time").dt.truncate("1m")))


@leak("window ends at discharge (#1205)", "unlike_twins")
def _(patch: Patch) -> None:
    around(patch, store, "stays_and_cuts", lambda original, *a: (original(*a)[0], np.full(a[1].frame.height, np.inf)))


@leak("window a minute too long", "moved")
def _(patch: Patch) -> None:
    edit(patch, content, "visible_counts", "float(cut), side", "float(cut) + 1, side")


@leak("observed mask from the whole stay", "moved")
def _(patch: Patch) -> None:
    def event_store(original: Any, lines_: Any, chosen: Any, *rest: Any, **named: Any) -> Any:
        made = original(lines_, chosen, *rest, **named)
        whole = replace(chosen, window=cohort.Window("paper", None))
        ever = original(lines_, whole, *rest, **named).observed
        some = np.asarray([len(made.content[name]) > 0 for name in made.modalities])
        last = np.where(ever & some & (made.last < 0), 0, made.last)
        return replace(made, last=last)

    around(patch, store, "event_store", event_store)


@leak("length of stay as padding length", "moved")
def _(patch: Patch) -> None:
    known: dict[int, int] = {}

    def event_store(original: Any, lines_: Any, chosen: Any, *rest: Any, **named: Any) -> Any:
        made = original(lines_, chosen, *rest, **named)
        known[id(made)] = int(totals(lines_, chosen).max())
        return made

    def sequence_batch(original: Any, made: Any, *rest: Any) -> Any:
        batch = original(made, *rest)
        wider = (0, max(known[id(made)] - batch.hours.shape[1], 0))
        pad = torch.nn.functional.pad
        odds = pad(batch.published, wider, value=float("nan"))
        return replace(batch, hours=pad(batch.hours, wider), modality=pad(batch.modality, wider), published=odds)

    around(patch, store, "event_store", event_store)
    around(patch, sequences, "sequence_batch", sequence_batch)


@leak("number of future events as a feature", "moved")
def _(patch: Patch) -> None:
    def event_store(original: Any, lines_: Any, chosen: Any, *rest: Any, **named: Any) -> Any:
        return with_first_column(original(lines_, chosen, *rest, **named), totals(lines_, chosen))

    around(patch, store, "event_store", event_store)


@leak("label of another stay of the same patient", "moved")
def _(patch: Patch) -> None:
    outcomes: list[pl.DataFrame] = []

    def open_data(original: Any, *arguments: Any) -> Any:
        made = original(*arguments)
        outcomes.append(made.stays.select("subject_id", "stay_id", "died_in_hospital"))
        return made

    def event_store(original: Any, lines_: Any, chosen: Any, *rest: Any, **named: Any) -> Any:
        made, stays = original(lines_, chosen, *rest, **named), outcomes[-1]
        pairs = chosen.frame.select("subject_id", "stay_id").join(stays, on="subject_id", maintain_order="left")
        others = (
            pairs.filter(pl.col("stay_id") != pl.col("stay_id_right"))
            .group_by("stay_id")
            .agg(pl.col("died_in_hospital").sum())
        )
        deaths = chosen.frame.join(others, on="stay_id", how="left", maintain_order="left")[
            "died_in_hospital"
        ].fill_null(0)
        return with_first_column(made, deaths.to_numpy())

    around(patch, data, "open_data", open_data)
    around(patch, store, "event_store", event_store)


@leak("events kept by how many will come", "moved")
def _(patch: Patch) -> None:
    def event_store(original: Any, lines_: Any, chosen: Any, *rest: Any, **named: Any) -> Any:
        made = original(lines_, chosen, *rest, **named)
        spare = totals(lines_, chosen) // 4
        lengths = np.diff(made.offsets)
        stay = np.repeat(np.arange(len(lengths)), lengths)
        within = np.arange(len(stay)) - made.offsets[:-1][stay]
        keep = within >= np.minimum(spare, lengths - 1)[stay]
        offsets = np.r_[0, np.cumsum(np.bincount(stay[keep], minlength=len(lengths)))].astype(np.int64)
        return replace(
            made,
            offsets=offsets,
            minute=made.minute[keep],
            modality=made.modality[keep],
            row=made.row[keep],
            published=made.published[keep],
        )

    around(patch, store, "event_store", event_store)


@leak("hours counted from the end of the stay", "moved")
def _(patch: Patch) -> None:
    ends: list[pl.DataFrame] = []

    def open_data(original: Any, *arguments: Any) -> Any:
        made = original(*arguments)
        ends.append(made.stays.select("stay_id", minutes=(pl.col("end") - pl.col("start")).dt.total_minutes()))
        return made

    def event_store(original: Any, lines_: Any, chosen: Any, *rest: Any, **named: Any) -> Any:
        made = original(lines_, chosen, *rest, **named)
        end = chosen.frame.join(ends[-1], on="stay_id", maintain_order="left")["minutes"].to_numpy()
        return replace(made, minute=(made.minute - np.repeat(end, np.diff(made.offsets))).astype(np.int32))

    around(patch, data, "open_data", open_data)
    around(patch, store, "event_store", event_store)


@leak("elapsed hours run to the discharge", "moved")
def _(patch: Patch) -> None:
    def elapsed_h(self: Any, chosen: Any) -> np.ndarray:
        return chosen.frame.join(self.stays.select("stay_id", "los_h"), on="stay_id", maintain_order="left")[
            "los_h"
        ].to_numpy()

    patch.setattr(data.OpenData, "elapsed_h", elapsed_h)


@leak("published score before it is published", "moved")
def _(patch: Patch) -> None:
    around(patch, published_scores, "stays_and_cuts", lambda original, *a: (original(*a)[0], original(*a)[1] + 5000))


@leak("ties broken by the order of the rows in the file", "moved_by_row_order")
def _(patch: Patch) -> None:
    edit(patch, lines, "_place", '"code", "numeric_value"', "pl.int_range(pl.len())")


# Who is asked


@leak("cohort requires survival to discharge", "moved")
def _(patch: Patch) -> None:
    edit(patch, cohort, "_rules", '~(pl.col("age") >= 18)', '~(pl.col("age") >= 18) | pl.col("died_in_hospital")')


@leak("cohort requires a long enough stay", "unlike_twins")
def _(patch: Patch) -> None:
    edit(
        patch,
        cohort,
        "_rules",
        '~(pl.col("age") >= 18)',
        '~(pl.col("age") >= 18) | (pl.col("end") <= pl.col("prediction_time") + pl.duration(hours=12))',
    )


@leak("cohort sorted by outcome", "moved")
def _(patch: Patch) -> None:
    def sorted_cohort(original: Any, stays: pl.DataFrame, *rest: Any, **named: Any) -> Any:
        made = original(stays, *rest, **named)
        outcome = stays.select("stay_id", "died_in_hospital")
        frame = made.frame.join(outcome, on="stay_id").sort("died_in_hospital", "stay_id").drop("died_in_hospital")
        return replace(made, frame=frame)

    around(patch, data, "cohort", sorted_cohort)


@leak("inclusive label edge: asked at the minute of death or discharge", "left_already")
def _(patch: Patch) -> None:
    def rules(original: Any, *arguments: Any) -> Any:
        return [
            (~(pl.col("end") >= pl.col("prediction_time")) if why == cohort.LEFT else rule, why)
            for rule, why in original(*arguments)
        ]

    around(patch, cohort, "_rules", rules)


# What a belief may hang on


@leak("two-way attention in the decoder", "later_events")
def _(patch: Patch) -> None:
    def forward(original: Any, self: Any, *arguments: Any) -> Any:
        for layer in self.llama.layers:
            layer.self_attn.is_causal = False
        return original(self, *arguments)

    around_method(patch, decoder.Decoder, "forward", forward)


@leak("BatchNorm over time", "later_events")
def _(patch: Patch) -> None:
    def forward(original: Any, self: Any, events: Any, lengths: Any) -> Any:
        return original(
            self,
            torch.nn.functional.batch_norm(events.transpose(1, 2), None, None, training=True).transpose(1, 2),
            lengths,
        )

    around_method(patch, belief_sequence.BeliefSequence, "forward", forward)


@leak("positions counted from the end", "later_events")
def _(patch: Patch) -> None:
    def beliefs(original: Any, self: Any, batch: Any) -> Any:
        return original(self, replace(batch, hours=batch.hours - batch.hours.max(dim=1, keepdim=True).values))

    around_method(patch, trajectory.Trajectory, "beliefs", beliefs)


@leak("the head reads one event too late", "later_events")
def _(patch: Patch) -> None:
    def read(original: Any, self: Any, states: Any) -> Any:
        return states.index_select(1, (self.predict_positions + 1).clamp(max=states.shape[1] - 1))

    around_method(patch, belief_sequence.Beliefs, "read", read)


@leak("missing token pooled from all events of the stay", "later_events")
def _(patch: Patch) -> None:
    def encode(original: Any, self: Any, batch: Any, coded: Any) -> Any:
        made = original(self, batch, coded)
        return made + 0.1 * made.sum(dim=1, keepdim=True)

    around_method(patch, trajectory.Trajectory, "encode", encode)


@leak("the linear term reads the next event", "later_events")
def _(patch: Patch) -> None:
    def weigh(original: Any, self: Any, batch: Any, coded: Any, evidence: Any) -> Any:
        made = original(self, batch, coded, evidence)
        return torch.cat([made[:, 1:], made[:, :1]], dim=1)

    around_method(patch, trajectory.Trajectory, "weigh", weigh)


@leak("ages of the state counted to the end of the stay", "later_events")
def _(patch: Patch) -> None:
    def latest_ages(original: Any, hours: Any, modality: Any, modalities: int) -> Any:
        ages = original(hours, modality, modalities)
        return ages + hours.max(dim=1).values[:, None, None]

    around(patch, trajectory, "latest_ages", latest_ages)


@leak("backfill: unobserved numbers take the next value", "unlike_prefix")
def _(patch: Patch) -> None:
    def summary(original: Any, self: Any, name: str, segments: Any) -> Any:
        made = original(self, name, segments)
        for part in segments:
            for event in range(part.stop - 2, part.start - 1, -1):
                made[event] = np.where(np.isnan(made[event]), made[event + 1], made[event])
        return made

    around_method(patch, content._OwnItems, "summary", summary)


@leak("running summary from the end of the stay", "unlike_prefix")
def _(patch: Patch) -> None:
    edit(
        patch,
        content,
        "_so_far",
        "ufunc.accumulate(values[part], axis=0, out=made[part])",
        "made[part] = ufunc.accumulate(values[part][::-1], axis=0)[::-1]",
    )


@leak("sum of 24 h that looks an event ahead", "unlike_prefix")
def _(patch: Patch) -> None:
    edit(
        patch,
        content,
        "_latest",
        "np.arange(1, len(begin) + 1)",
        "np.minimum(np.arange(2, len(begin) + 2), len(begin))",
    )


@leak("stay-mean normalising", "unlike_prefix")
def _(patch: Patch) -> None:
    def rows(original: Any, self: Any, modality: str, made: Any) -> Any:
        summaries = made.summaries.copy()
        for stay in np.unique(made.stay):
            part = summaries[:, made.stay == stay]
            seen = ~np.isnan(part)
            mean = np.where(seen, part, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
            summaries[:, made.stay == stay] = part - mean[:, None, :]
        return original(self, modality, replace(made, summaries=summaries))

    around_method(patch, normaliser.Normaliser, "rows", rows)


@leak("hourly bin known at its start", "unlike_prefix")
def _(patch: Patch) -> None:
    edit(patch, content, "_content", "-(-minute // 60) * 60", "minute // 60 * 60")


@leak("presence of a code from the whole window", "unlike_prefix")
def _(patch: Patch) -> None:
    def contents(original: Any, *arguments: Any) -> Any:
        made, unknown = original(*arguments)
        for name, one in made.items():
            presence = one.presence.copy()
            for stay in np.unique(one.stay):
                presence[one.stay == stay] = presence[one.stay == stay].any(axis=0)
            made[name] = replace(one, presence=presence)
        return made, unknown

    around(patch, store, "modality_contents", contents)


# What training may look at


@leak("modality dropout keyed on the label (static)", "label_dependence")
def _(patch: Patch) -> None:
    def outputs(original: Any, self: Any, batch: Any) -> Any:
        if not self.training:
            return original(self, batch)
        dropped = batch.observed & ~((batch.label > 0.5)[:, None] & (torch.arange(batch.observed.shape[1]) == 0))
        return original(self, replace(batch, observed=dropped))

    around_method(patch, static_method.StaticModel, "outputs", outputs)


@leak("modality dropout keyed on the label (trajectory)", "label_dependence")
def _(patch: Patch) -> None:
    def beliefs(original: Any, self: Any, batch: Any) -> Any:
        if not self.training:
            return original(self, batch)
        shorter = torch.where(batch.label > 0.5, (batch.lengths - 1).clamp(min=0), batch.lengths)
        return original(self, replace(batch, lengths=shorter))

    around_method(patch, trajectory.Trajectory, "beliefs", beliefs)


@leak("test rows in the vocabulary", "moved_fits")
def _(patch: Patch) -> None:
    def seen(original: Any, lines_: Any, *_: Any) -> Any:
        stay = np.repeat(np.arange(len(lines_.stay_ids)), np.diff(lines_.offsets))
        return original(lines_, np.arange(len(lines_.code)), stay)

    around(patch, store, "codes_seen", seen)


@leak("test rows in the normaliser", "moved_fits")
def _(patch: Patch) -> None:
    def fit(original: Any, lines_: Any, train: Any, settings: Any, *rest: Any) -> Any:
        made = original(lines_, train, settings, *rest)
        stays, cut = np.arange(len(lines_.stay_ids)), np.full(len(lines_.stay_ids), train.window.at_h * 60.0)
        codes = features.map_codes(lines_.codes, made.vocabulary, settings.features.paths)
        seen = content.visible_items(lines_, stays, cut)
        contents, _ = content.modality_contents(lines_, seen, cut, made.vocabulary, codes, settings.content)
        last = {name: one.summaries[:, store._last_of_each(one.stay)] for name, one in contents.items()}
        return replace(made, normaliser=normaliser.Normaliser.fit(last))

    around(patch, store, "fit_featuriser", fit)


@leak("test rows in the quantile edges", "moved_fits")
def _(patch: Patch) -> None:
    around(
        patch,
        data,
        "bin_edges",
        lambda original, made, members, *rest: original(made, np.arange(len(made.stay_ids)), *rest),
    )


@leak("features fitted on what came after t", "fits_moved_by_the_future")
def _(patch: Patch) -> None:
    def fit(original: Any, lines_: Any, train: Any, settings: Any, *rest: Any) -> Any:
        return original(lines_, replace(train, window=cohort.Window("paper", None)), settings, *rest)

    around(patch, store, "fit_featuriser", fit)


@leak("threshold chosen on test", "moved_rows")
def _(patch: Patch) -> None:
    def members(original: Any, self: Any, side: str) -> np.ndarray:
        return original(self, splits.TEST if side == splits.VAL else side)

    around_method(patch, data.Sides, "members", members)


@leak("training share of deaths from the whole cohort", "moved_rows")
def _(patch: Patch) -> None:
    def members(original: Any, self: Any, side: str) -> np.ndarray:
        return np.arange(len(self.split)) if side == splits.TRAIN else original(self, side)

    around_method(patch, data.Sides, "members", members)


# Who is on which side


@leak("split by stay, not by patient", "on_two_sides")
def _(patch: Patch) -> None:
    around(patch, splits, "_units", lambda original, frame, plan: frame["stay_id"].cast(pl.String))


@leak("encoders pretrained under another split seed", "on_two_sides")
def _(patch: Patch) -> None:
    def split_stays(original: Any, stays: pl.DataFrame, plan: Any) -> Any:
        other = original(stays, replace(plan, seed=plan.seed + 1))
        return original(stays, plan).with_columns(pretrain_split=other["pretrain_split"])

    around(patch, splits, "split_stays", split_stays)


@leak("encoders that saw test patients are taken", "accepts_leaky_encoders")
def _(patch: Patch) -> None:
    patch.setattr(run_folder.Run, "refuse_test_patients", lambda *_: None)
