"""What there is (methods, tasks, sources, encoders, modalities, concepts, settings), and who made it: for `list`."""

from typing import Any, Final

import wardround
from wardround.concepts.apache_iv import MODALITY as DERIVED_MODALITY
from wardround.concepts.concept_settings import ConceptSettings
from wardround.concepts.known import CONCEPTS
from wardround.events import MODALITIES, NOT_INPUTS, PAPER_EICU
from wardround.extensions import Registry
from wardround.methods.registry import KNOWN_METHODS, FittedMethod
from wardround.methods.scores import ScoreSettings
from wardround.models.modality_encoder import KNOWN_ENCODERS
from wardround.settings import flatten
from wardround.sources.registry import KNOWN_SOURCES, SUMMARIES
from wardround.sources.synthetic import LAYOUTS
from wardround.tasks.task import KNOWN_TASKS
from wardround.train.plan import FitSettings, PretrainSettings, TrainSettings

OURS: Final = f"wardround {wardround.__version__}"
Row = dict[str, str]
ROW_SUMMARIES: Final = {
    "alignment": "masked global alignment of modality encoders, for `pretrain` (arXiv 2604.18753)",
    "score": "a published score: APACHE IVa's own prediction, or SAPS II, OASIS, SOFA of the events (--set of=sapsii)",
    "elapsed": "what the hours already spent in hospital tell; learns ten bins",
}


def catalogue(what: str) -> list[Row]:
    """Rows of `name, summary, from`: what is built in, and what installed packages add; of one that cannot be used,
    its summary says why.

    Args:
        what: "methods", "tasks", "sources", "encoders", "modalities", "concepts" or "settings".
    """
    return {
        "methods": _methods,
        "tasks": lambda: _known(KNOWN_TASKS),
        "sources": _sources,
        "encoders": lambda: _known(KNOWN_ENCODERS),
        "modalities": _modalities,
        "concepts": lambda: [_row(concept.name, concept.summary) for concept in CONCEPTS.values()],
        "settings": _settings,
    }[what]()


def _row(name: str, summary: str, origin: str = OURS) -> Row:
    return {"name": name, "summary": summary, "from": origin}


def _known(registry: Registry[Any]) -> list[Row]:
    return [_row(each.name, each.summary, each.origin) for each in registry.listed(OURS)]


def _methods() -> list[Row]:
    known = _known(KNOWN_METHODS)
    alignment, *rows = (_row(name, summary) for name, summary in ROW_SUMMARIES.items())
    built_in = len(KNOWN_METHODS.built_in)
    return [alignment, *known[:built_in], *rows, *known[built_in:]]


def _sources() -> list[Row]:
    outside = _known(KNOWN_SOURCES)[len(KNOWN_SOURCES.built_in) :]
    return [*(_row(name, summary) for name, summary in SUMMARIES.items()), *outside]


def _modalities() -> list[Row]:
    said = dict.fromkeys(PAPER_EICU, "of the paper") | dict.fromkeys(NOT_INPUTS, "a comparator, never an input")
    said["charting"] = "words and settings as charted, kept for concepts; never an input"
    said[DERIVED_MODALITY] = "computed from the others (concepts)"
    return [_row(name, said.get(name, "beyond the paper")) for name in MODALITIES]


def _settings() -> list[Row]:
    commands = {
        **{f"synth {name}": settings() for name, (settings, _) in LAYOUTS.items()},
        "concepts": ConceptSettings(),
        "pretrain alignment": PretrainSettings(),
        "train score": ScoreSettings(),
    }
    rows = [_row(f"{name}: {path}", f"{value}") for name, of in commands.items() for path, value in flatten(of).items()]
    for method in KNOWN_METHODS.usable():
        of = FitSettings.default(method) if isinstance(method, FittedMethod) else TrainSettings.default(method)
        package = KNOWN_METHODS.origin(method.name)
        origin = OURS if package is None else package.label
        rows += [_row(f"train {method.name}: {path}", f"{value}", origin) for path, value in flatten(of).items()]
    return rows
