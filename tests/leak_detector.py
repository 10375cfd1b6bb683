"""The leak detectors of promises 1, 3, 5, 6 and 7. Each looks at the product from outside and returns its findings, a
line each.

    moved            another future: what a model is given at t           (promise 1)
    moved_beliefs    another future: what a model says at t               (promise 1)
    unlike_prefix    an hour earlier sees the beginning of the same line  (promises 1, 7)
    left_already     who is asked though the stay is over                 (promise 1)
    unlike_twins     same past, another future, side by side              (promise 3)
    on_two_sides     patients                                             (promise 5)
    moved_fits       everything that is fitted                            (promise 6)

Those that look at a model alone are part of the product, `wardround.testing.leaks`: later_events, later_hours,
label_dependence. They reach the product through its modules, so that a planted fault is met as a user would meet it.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from torch import nn

from wardround import files
from wardround.batches import grid, sequences, static, stay_table, store
from wardround.batches.store import EventStore, Featuriser, InputSettings
from wardround.errors import LeakageError
from wardround.methods.registry import TAUGHT
from wardround.methods.scores import SCORE_CODES
from wardround.models.modality_encoder import EncoderSettings
from wardround.sources.patient_pool import PatientPool
from wardround.tasks import splits
from wardround.tasks.cohort import Cohort, Window
from wardround.tasks.splits import TRAIN, SplitPlan
from wardround.tasks.task import Task
from wardround.testing.leaks import Findings, differing
from wardround.train import cases, predict, published_scores, supervised
from wardround.train import data as train_data
from wardround.train.lineage import Lineage
from wardround.train.plan import Plan
from wardround.train.run_folder import Run
from wardround.train.taught import taught_labels


@dataclass(frozen=True)
class View:
    """What the product makes of a DATA folder for one window and task.

    Attributes:
        data: the opened folder.
        cohort: who is asked, labelled or not.
        subject: the patient of each.
        state: the state of each at the prediction time (static models, pretraining).
        events: every event of each (trajectory models).
        table: a row of each (boosting, logistic).
    """

    data: train_data.OpenData
    cohort: Cohort
    task: Task
    subject: np.ndarray
    state: EventStore
    events: EventStore
    table: stay_table.StayTable

    def places(self, stay_ids: np.ndarray) -> np.ndarray:
        """Places of some stays in the cohort."""
        where = {stay: place for place, stay in enumerate(self.cohort.frame["stay_id"].to_list())}
        return np.asarray([where[stay] for stay in stay_ids], np.int64)


def view(folder: Path, window: Window, task: Task, featuriser: Featuriser) -> View:
    """Open a folder as training and prediction do."""
    opened = train_data.open_data(folder, window)
    chosen = opened.cohort(task, labelled=False)
    state = store.event_store(opened.lines, chosen, featuriser, sequences=False)
    events = store.event_store(opened.lines, chosen, featuriser, sequences=True)
    columns = stay_table.TableFeaturiser(table_settings(featuriser.settings), featuriser.vocabulary)
    table = stay_table.stay_table(opened.lines, chosen, columns)
    return View(opened, chosen, task, chosen.frame["subject_id"].to_numpy(), state, events, table)


def table_settings(settings: InputSettings) -> stay_table.TableSettings:
    """A table of the same codes."""
    return stay_table.TableSettings(settings.modalities, settings.features)


def fitted_featuriser(folder: Path, window: Window, settings: InputSettings) -> Featuriser:
    """A featuriser fitted on every stay of a folder of training timelines."""
    opened = train_data.open_data(folder, window)
    return store.fit_featuriser(opened.lines, opened.cohort(None), settings)


def forget(*folders: Path) -> None:
    """Throw the cached lines away, so that a planted fault in building them shows."""
    for folder in folders:
        shutil.rmtree(folder / "cache", ignore_errors=True)


def model_inputs(seen: View, places: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Every array that a method is given for some stays of a cohort, outcomes left out."""
    places = np.arange(seen.cohort.frame.height) if places is None else places
    nothing = np.full(seen.cohort.frame.height, np.nan)
    at_h = cases.prediction_hours(seen.cohort)
    fixed = static.static_batch(seen.state, seen.subject, nothing, places)
    line = sequences.sequence_batch(seen.events, nothing, at_h, places)
    arrays = {f"static {name}": rows.numpy() for name, rows in fixed.inputs.items()}
    arrays |= {"static observed": fixed.observed.numpy()}
    arrays |= {f"events {name}": rows.numpy() for name, rows in line.rows.items()}
    arrays |= {f"slots {name}": slots.numpy() for name, slots in line.slots.items()}
    arrays |= {name: getattr(line, name).numpy() for name in ("modality", "hours", "lengths", "at_h")}
    hourly = grid.grid_batch(seen.events, nothing, at_h, places, most=240)
    read = ("values", "observed", "delta_h", "codes", "hours", "lengths")
    arrays |= {f"grid {name}": getattr(hourly, name).numpy() for name in read}
    arrays |= {"table": seen.table.values[places], "table observed": seen.table.observed[places]}
    arrays |= {"static odds": fixed.published.numpy(), "odds after each event": line.published.numpy()}
    arrays |= {"elapsed hours": np.asarray(seen.data.elapsed_h(seen.cohort))[places]}
    if seen.task.name in SCORE_CODES:
        arrays |= {"published score": published_scores.published_scores(seen.data, seen.cohort, seen.task)[places]}
    return arrays


def moved(before: View, after: View) -> Findings:
    """What the future moved: membership, order and times of the cohort, then every input of a model."""
    columns = ["subject_id", "stay_id", "start", "prediction_time"]
    one, other = before.cohort.frame.select(columns), after.cohort.frame.select(columns)
    if not one.equals(other):
        lost, won = (set(a["stay_id"]) - set(b["stay_id"]) for a, b in ((one, other), (other, one)))
        return [f"the cohort moved: {len(lost)} stays lost, {len(won)} won, or another order or time"]
    return differing(model_inputs(before), model_inputs(after))


def predictions(seen: View, model: nn.Module, members: np.ndarray | None = None) -> predict.Predictions:
    """What a model says for some stays of a cohort, through the product's own door."""
    members = np.arange(seen.cohort.frame.height) if members is None else members
    stored = seen.state if model.shape == "static" else seen.events
    ready = cases.Cases.of(seen.data, seen.cohort, stored, model)
    return predict.predict_cases(model, ready, members)


def moved_beliefs(before: View, after: View, model: nn.Module) -> Findings:
    """What the future moved of a model's predictions and beliefs, to the bit."""
    one, other = (vars(predictions(seen, model)) for seen in (before, after))
    return differing(one, other)


def unlike_prefix(earlier: View, later: View) -> Findings:
    """Stays in both cohorts whose events up to the earlier time are not, to the byte, those that the earlier view
    holds."""
    common = np.intersect1d(earlier.cohort.frame["stay_id"].to_numpy(), later.cohort.frame["stay_id"].to_numpy())
    cut = earlier.data.window.at_h * 60  # type: ignore[operator]
    findings = []
    for i, j in zip(earlier.places(common), later.places(common), strict=True):
        one, other = event_list(earlier.events, i), event_list(later.events, j)
        prefix = [event for event in other if event[0] <= cut]
        if one != prefix:
            unlike = sum(a != b for a, b in zip(one, prefix, strict=False))
            findings.append(
                f"a stay has {len(one)} events at the earlier hour, {len(prefix)} seen later, {unlike} unlike"
            )
    return findings


def event_list(events: EventStore, place: int) -> list[tuple[int, str, bytes]]:
    """The events of a stay of a store: minute, modality, content with the published odds at that time."""
    part = range(events.offsets[place], events.offsets[place + 1])
    names = [events.modalities[events.modality[e]] for e in part]
    odds = events.published
    rows = [events.content[n][events.row[e]].tobytes() + odds[e].tobytes() for n, e in zip(names, part, strict=True)]
    return list(zip(events.minute[part.start : part.stop].tolist(), names, rows, strict=True))


def sequence_of(seen: View, places: np.ndarray, model: nn.Module) -> sequences.SequenceBatch:
    """The batch that a sequence model reads for some stays; frozen encoders already run."""
    ready = cases.Cases.of(seen.data, seen.cohort, seen.events, model)
    label = np.zeros(seen.cohort.frame.height)
    return sequences.sequence_batch(ready.store, label, ready.at_h, places)  # type: ignore[arg-type]


def grid_of(seen: View, places: np.ndarray) -> grid.GridBatch:
    """The batch that a grid model reads for some stays."""
    label = np.zeros(seen.cohort.frame.height)
    return grid.grid_batch(seen.events, label, cases.prediction_hours(seen.cohort), places, most=240)


def left_already(seen: View) -> Findings:
    """Stays that are asked though they have left the unit, by death or alive, by their prediction time."""
    ends = seen.cohort.frame.join(seen.data.stays.select("stay_id", "end"), on="stay_id")
    over = ends.filter(pl.col("end") <= pl.col("prediction_time")).height
    return [f"{over} stays are asked when they are over"] if over else []


def unlike_twins(seen: View, twins: list[tuple[int, int]], chunk: int = 512) -> Findings:
    """Twins of which one alone is in the cohort, or whose inputs are not the same bytes."""
    asked = set(seen.cohort.frame["stay_id"].to_list())
    alone = [pair for pair in twins if (pair[0] in asked) != (pair[1] in asked)]
    if alone:
        return [f"{len(alone)} of {len(twins)} twins are in the cohort without the other"]
    both = np.asarray([pair for pair in twins if pair[0] in asked]).reshape(-1, 2)
    one, other = seen.places(both[:, 0]), seen.places(both[:, 1])
    findings = []
    for part in (slice(begin, begin + chunk) for begin in range(0, len(both), chunk)):
        findings += differing(model_inputs(seen, one[part]), model_inputs(seen, other[part]))
    return findings


def on_two_sides(stays: pl.DataFrame, plan: SplitPlan) -> Findings:
    """Patients with stays on several sides, or tested on and pretrained on (validation of a disjoint pretraining
    apart)."""
    table = splits.split_stays(stays, plan)
    findings = []
    for column in ("split", "pretrain_split"):
        sides = table.drop_nulls(column).group_by("subject_id").agg(pl.col(column).n_unique())
        shared = sides.filter(pl.col(column) > 1).height
        findings += [f"{shared} patients on several sides of {column}"] if shared else []
    used = [TRAIN] if plan.pretrain_on == "disjoint" else [TRAIN, splits.VAL]
    pretrained = set(table.filter(pl.col("pretrain_split").is_in(used))["subject_id"])
    tested = set(table.filter(pl.col("split") == splits.TEST)["subject_id"])
    if pretrained & tested:
        findings.append(f"{len(pretrained & tested)} test patients were pretrained on")
    return findings


def accepts_leaky_encoders(stays: pl.DataFrame) -> Findings:
    """Whether encoders of a pretraining under another split are taken though they saw test patients."""
    mine, theirs = (splits.split_stays(stays, SplitPlan(seed=seed)) for seed in (0, 1))
    plan = Plan("pretrain", "alignment", None, Window(), SplitPlan(seed=1), None, None, 0)
    learned_from = theirs.filter(pl.col("pretrain_split").is_in([TRAIN, splits.VAL])).select(
        "subject_id", patient_pool=pl.lit(""), subject_ids=pl.lit("")
    )
    run = Run(Path("pretrained"), "", "", plan, theirs, learned_from, {}, None, Lineage("", ()))
    try:
        run.refuse_test_patients(mine, PatientPool())
    except LeakageError:
        return []
    return ["encoders that saw test patients were accepted"]


def fits(folder: Path, window: Window, task: Task, settings: InputSettings) -> dict[str, str]:
    """The hash of everything that training fits on a folder before it learns weights, and of the rows that learn
    none."""
    opened = train_data.open_data(folder, window)
    sides, _ = train_data.sides_of(opened, opened.cohort(task), SplitPlan(), "split")
    featuriser = store.fit_featuriser(opened.lines, sides.part(TRAIN), settings)
    stored = store.event_store(opened.lines, sides.cohort, featuriser, sequences=False)
    shapes = train_data.row_shapes(featuriser)
    edges = train_data.bin_edges(stored, sides.members(TRAIN), shapes, EncoderSettings(kind="quantile", bins=4))
    label = sides.cohort.frame["label"].to_numpy()[sides.members(TRAIN)]
    taught = taught_labels(opened, sides, task, settings, TAUGHT, quiet=True)
    words, normaliser = featuriser.vocabulary, featuriser.normaliser
    return {
        "vocabulary": files.hash_of([words.modalities, words.numbers, words.presences]),
        "normaliser": files.hash_of(
            [{n: v.tolist() for n, v in part.items()} for part in (normaliser.mean, normaliser.spread)]
        ),
        "quantile edges": files.hash_of({name: values.tolist() for name, values in edges.items()}),
        "training labels": files.hash_of(label.tolist()),
        "taught labels": files.hash_of(taught[sides.members(TRAIN)].tolist()),
    }


def row_fits(folder: Path, to: Path, window: Window, task: Task) -> dict[str, str]:
    """The hash of what `train elapsed` fits: bins and training share on training stays, the threshold on validation
    stays."""
    supervised.train("elapsed", folder, task.name, to, window, SplitPlan(), quiet=True)
    fitted = files.read_json(to / "fitted.json")
    return {f"elapsed {name}": files.hash_of(value) for name, value in fitted.items()}


def moved_fits(before: dict[str, str], after: dict[str, str]) -> Findings:
    """Fitted things whose hash moved."""
    return [f"{name} moved" for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
