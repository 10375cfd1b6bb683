"""Does a method fit? `check_method(METHOD)` trains it a little on toy data and asks what training, evaluation and the
promises of the project count on: nothing after the prediction time, nothing of other stays, whatever is missing."""

import json
import tempfile
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeGuard

import numpy as np
import torch

from wardround.batches.static import StaticBatch
from wardround.files import sha256
from wardround.methods.registry import KNOWN_METHODS, FittedMethod, Method
from wardround.settings import as_json, flatten, override
from wardround.testing.leaks import differing, label_dependence, later_events, later_hours
from wardround.testing.method_trial import MethodTrial
from wardround.testing.requirement import Findings, Requirement, hold_all
from wardround.train.plan import FitSettings, TrainSettings
from wardround.train.predict import SHAPES, Predictions, predict_cases
from wardround.train.run_folder import WEIGHTS, Run

NEVER: Final = 1e-5
"""How far a prediction may be from that of the same stay in another batch, on the scale of the model: sums are rounded
elsewhere where a batch has another shape."""
FEW: Final = 3
TASKS_TRIED: Final = ("mortality", "los_remaining")


def _settings(trial: MethodTrial) -> Findings:
    settings, method = trial.defaults, trial.method
    kind: Any = method.settings
    if not is_dataclass(kind) or not vars(kind)["__dataclass_params__"].frozen:
        return [f"{method.settings.__name__} is no frozen dataclass"]
    reader: Any = TrainSettings if isinstance(method, Method) else FitSettings
    found: Findings = []
    if reader.from_json(method, json.loads(json.dumps(as_json(settings)))) != settings:
        found.append("written as JSON and read back they are others")
    for path, value in flatten(settings).items():
        text = ",".join(map(str, value)) if _is_tuple(value) else str(value)
        if override(settings, [f"{path}={text}"]) != settings:
            found.append(f"--set {path}={text} does not give its own value")
    return found


def _needed(trial: MethodTrial) -> Findings:
    if isinstance(trial.method, FittedMethod):
        return []
    settings, found = trial.defaults.model, list[str]()
    if not isinstance(getattr(settings, "positive_weight", None), float):
        found.append("the settings have no positive_weight (a float): of deaths in the loss")
    try:
        SHAPES[trial.method.shape].size(settings)
    except AttributeError as error:
        found.append(f"the settings do not say how large a {trial.method.shape} batch is: {error}")
    found += [f"the model has no {name}" for name in ("loss", "predict") if not hasattr(trial.method.model, name)]
    return found


def _trains(trial: MethodTrial) -> Findings:
    found: Findings = []
    for task in TASKS_TRIED:
        run = trial.run(task=task)
        found += [f"after training: {odd}" for odd in _out_of_range(task, trial.predictions(run, trial.data))]
    return found


def _bytes(run: Run) -> str:
    return sha256(run.folder / WEIGHTS)


def _same_seed(trial: MethodTrial) -> Findings:
    return [] if _bytes(trial.run()) == _bytes(trial.run("second")) else ["the same seed gives other weights"]


def _resumes(trial: MethodTrial) -> Findings:
    return [] if _bytes(trial.run()) == _bytes(trial.resumed()) else ["killed and started again it has other weights"]


def _said(trial: MethodTrial) -> Predictions:
    return trial.predictions(trial.run(), trial.data)


def _probabilities(trial: MethodTrial) -> Findings:
    return _in_range(trial, "mortality")


def _hours(trial: MethodTrial) -> Findings:
    return _in_range(trial, "los_remaining")


def _in_range(trial: MethodTrial, task: str) -> Findings:
    """Before any training where there is a model then: training itself refuses what is no probability."""
    if isinstance(trial.method, FittedMethod):
        return []
    model, cases, _ = trial.untrained(task)
    return _out_of_range(task, predict_cases(model, cases, np.arange(cases.cohort.frame.height)))


def _out_of_range(task: str, said: Predictions) -> Findings:
    what, most = ("probabilities", 1.0) if task == "mortality" else ("hours", np.inf)
    found: Findings = []
    for name, numbers in (("predictions", said.prediction), ("beliefs", said.belief)):
        odd, outside = int((~np.isfinite(numbers)).sum()), int(((numbers < 0) | (numbers > most)).sum())
        found += [f"{odd} of {len(numbers)} {name} are NaN or infinite"] if odd else []
        found += [f"{outside} of {len(numbers)} {name} are no {what}"] if outside else []
    return found


def mean_log_loss(label: np.ndarray, prob: np.ndarray) -> float:
    """The mean log loss of probabilities inside (0, 1)."""
    right = np.where(label > 0.5, prob, 1 - prob)
    return float(-np.log(right).mean())


def _learns(trial: MethodTrial) -> Findings:
    label: np.ndarray = trial.labels(trial.data).to_numpy()
    said = np.clip(_said(trial).prediction, 1e-6, 1 - 1e-6)
    loss, guess = (mean_log_loss(label, prob) for prob in (said, np.full(len(label), label.mean())))
    if loss < guess:
        return []
    return [f"its log loss is {loss:.3f}; {guess:.3f} is that of saying the share of deaths to everybody"]


def _shapes(trial: MethodTrial) -> Findings:
    if isinstance(trial.method, FittedMethod):
        return []
    model, _, batch = trial.untrained("mortality")
    with torch.no_grad():
        said = _predicted(model, batch)
    n, found = len(batch), list[str]()
    made: dict[str, tuple[Any, tuple[int, ...]]]
    if trial.method.shape == "static":
        made = {"predictions": (said, (n,))}
    elif _is_tuple(said) and len(said) == 2:
        made = {"beliefs": (said[0], tuple(batch.hours.shape)), "predictions": (said[1], (n,))}
    else:
        return ["predict does not return beliefs and predictions"]
    for name, (given, shape) in made.items():
        if not isinstance(given, torch.Tensor) or tuple(given.shape) != shape or given.dtype != torch.float32:
            kind = f"{given.dtype} {tuple(given.shape)}" if isinstance(given, torch.Tensor) else type(given).__name__
            found.append(f"{name} are {kind}, expected float32 {shape}")
    return found


def _repeats(trial: MethodTrial) -> Findings:
    run = trial.run()
    return differing(vars(trial.predictions(run, trial.data)), vars(trial.predictions(run, trial.data)))


def _alone(trial: MethodTrial) -> Findings:
    run, whole = trial.run(), _said(trial)
    n, found = len(whole.prediction), list[str]()
    for members in (np.arange(n)[::-2], *(np.asarray([place]) for place in range(0, n, n // FEW))):
        part = trial.predictions(run, trial.data, members)
        pairs = [(part.prediction, whole.prediction[members])]
        if len(whole.belief):
            pairs.append((part.belief, np.concatenate([whole.belief[whole.belief_stay == one] for one in members])))
        apart = max(float(np.abs(one - other).max(initial=0)) for one, other in pairs)
        if not apart <= NEVER:
            found.append(f"{len(members)} stays alone are {apart:.1e} from what they get among {n}")
    return found


def _future(trial: MethodTrial) -> Findings:
    run = trial.run()
    one, other = (vars(trial.predictions(run, folder)) for folder in trial.futures)
    return differing(one, other)


def _causal(trial: MethodTrial) -> Findings:
    if isinstance(trial.method, FittedMethod) or trial.method.shape == "static":
        return []
    run = trial.run()
    model, batch = run.model(), trial.batch(run, trial.data)
    detector: Any = later_events if trial.method.shape == "sequence" else later_hours
    return detector(model, batch)


def _labels_and_ids(trial: MethodTrial) -> Findings:
    if isinstance(trial.method, FittedMethod):
        return []
    run = trial.run()
    model, batch = run.model(), trial.batch(run, trial.data)
    ids = "subject" if isinstance(batch, StaticBatch) else "stays"
    others = {
        "labels": [replace(batch, label=torch.full_like(batch.label, value)) for value in (0.0, 1.0)],
        "ids": [batch, replace(batch, **{ids: getattr(batch, ids) + 1})],
    }
    found: Findings = []
    for what, pair in others.items():
        with torch.no_grad():
            one, other = (_flat(_predicted(model, given)) for given in pair)
        if not torch.equal(one, other):
            found.append(f"{int((one != other).sum())} of {len(one)} numbers that it says move with the {what}")
    if hasattr(model, "outputs") or hasattr(model, "beliefs"):
        found += label_dependence(model, replace(batch, label=torch.zeros_like(batch.label)))
    return found


def _is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    return isinstance(value, tuple)


def _predicted(model: Any, batch: Any) -> Any:
    return model.predict(batch)


def _flat(said: Any) -> torch.Tensor:
    return torch.cat([part.flatten() for part in (said if _is_tuple(said) else (said,))])


def _missing(trial: MethodTrial) -> Findings:
    run, found = trial.run(), list[str]()
    modalities = trial.modalities(run)
    whole = _said(trial)
    moved = False
    for without in (*((name,) for name in modalities), modalities):
        what = "every modality" if without == modalities else without[0]
        try:
            said = trial.predictions(run, trial.data, without=without)
        except Exception as error:
            raise RuntimeError(f"without {what}: {type(error).__name__}: {error}") from error
        found += [f"without {what}: {odd}" for odd in _out_of_range("mortality", said)]
        moved = moved or not np.array_equal(said.prediction, whole.prediction)
    return found if moved else [*found, "no prediction moves, whatever is left out: it reads nothing"]


def _saved(trial: MethodTrial) -> Findings:
    if isinstance(trial.method, FittedMethod):
        return []
    run = trial.run()
    trained = trial.trained.get(run.folder.name)
    if trained is None:
        return ["the trained model was not seen"]
    batch = trial.batch(run, trial.data)
    with torch.no_grad():
        one, other = (_flat(_predicted(model.eval(), batch)) for model in (trained, run.model()))
    return [] if torch.equal(one, other) else [f"{int((one != other).sum())} of {len(one)} numbers differ"]


REQUIREMENTS: Final[tuple[Requirement[MethodTrial], ...]] = (
    Requirement(
        "settings",
        "the settings are a frozen dataclass that comes back from JSON and from --set",
        "fields of int, float, bool, str, Literal, tuples of one of them, or further such dataclasses",
        _settings,
    ),
    Requirement(
        "parts",
        "the settings say how large a batch is and how deaths weigh, the model has loss and predict",
        "see wardround.methods.registry.Method",
        _needed,
    ),
    Requirement(
        "shapes",
        "predict gives a float32 a stay, and beliefs before it where it reads events or hours",
        "squeeze the last axis of the head, and return (beliefs, predictions) for sequence and grid",
        _shapes,
    ),
    Requirement(
        "probabilities",
        "what it says of death lies between 0 and 1, and is never NaN",
        "return self.target.prediction(outputs), not the outputs",
        _probabilities,
    ),
    Requirement(
        "hours",
        "what it says of a duration is 0 or more, and never NaN or infinite",
        "return self.target.prediction(outputs); where the task falls, clamp what is left at 0",
        _hours,
    ),
    Requirement(
        "trains",
        "it trains on toy data, loss and gradients are finite, and so is what it says then",
        "guard divisions and logs, and means over nothing: some stays have no event",
        _trains,
    ),
    Requirement(
        "same seed",
        "the same data, settings and seed give the same weights to the bit",
        "draw from torch's generator alone, and keep nothing between two trainings",
        _same_seed,
    ),
    Requirement(
        "resumes",
        "a training that is killed and started again ends with the same weights to the bit",
        "keep whatever changes in training in parameters and buffers; count no steps on the side",
        _resumes,
    ),
    Requirement(
        "learns",
        "after a short training it knows toy stays better than their share of deaths does",
        "check the loss, that gradients reach all parts, and that the inputs are read",
        _learns,
    ),
    Requirement(
        "missing",
        "it gives a number whichever modality is missing, and where all are",
        "mask by observed before a sum or softmax, and give a stay of nothing a constant",
        _missing,
    ),
    Requirement(
        "repeats", "asked twice, it says the same", "draw nothing outside of training (self.training)", _repeats
    ),
    Requirement(
        "saved",
        "weights.safetensors holds all that it learned: read back, it says the same to the bit",
        "register what is learned or fitted as a parameter or buffer",
        _saved,
    ),
    Requirement(
        "alone",
        "what a stay gets does not depend on the other stays of its batch",
        "use LayerNorm instead of BatchNorm, no mean over stays, and mask the padding",
        _alone,
    ),
    Requirement(
        "future",
        "nothing that becomes known after the prediction time moves a prediction",
        "read the batch alone",
        _future,
    ),
    Requirement(
        "causal",
        "a belief hangs on nothing that became known after it",
        "attend to earlier events alone; no mean, maximum or norm over the whole stay",
        _causal,
    ),
    Requirement(
        "labels and ids",
        "labels move the loss alone, ids of patients and stays move nothing",
        "read batch.label in loss alone, and neither batch.subject nor batch.stays",
        _labels_and_ids,
    ),
)
"""In the order in which they are looked at; a method that is fitted whole passes those that are about batches."""


def check_method(method: Method | FittedMethod, assignments: tuple[str, ...] = ()) -> None:
    """Whether a method can be trained, evaluated and trusted as a built-in one. Takes some seconds to a minute.

    Args:
        method: what the package offers as `wardround.methods`; it need not be installed.
        assignments: `KEY=VALUE` of `--set`, to make it small.

    Raises:
        CheckFailed: an `AssertionError` naming the first requirement that does not hold, and how to mend it.
        ExtensionError: where its name is a built-in one's.
    """
    with tempfile.TemporaryDirectory() as folder, KNOWN_METHODS.lend(method):
        hold_all(f"method {method.name!r}", REQUIREMENTS, MethodTrial(method, Path(folder), assignments))
