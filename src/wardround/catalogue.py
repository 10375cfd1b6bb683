"""What there is: methods, tasks, sources, modalities, settings. For `wardround list`."""

from wardround.events import MODALITIES, NOT_INPUTS, PAPER_EICU
from wardround.methods.registry import FITTED, METHODS
from wardround.settings import flatten
from wardround.sources.registry import SUMMARIES
from wardround.sources.synthetic import SyntheticSettings
from wardround.tasks.task import TASKS
from wardround.train.plan import FitSettings, PretrainSettings, TrainSettings

Row = dict[str, str]


def catalogue(what: str) -> list[Row]:
    """Rows of `name, summary`.

    Args:
        what: "methods", "tasks", "sources", "modalities" or "settings".
    """
    return {
        "methods": _methods,
        "tasks": _tasks,
        "sources": _sources,
        "modalities": _modalities,
        "settings": _settings,
    }[what]()


def _methods() -> list[Row]:
    rows = [
        {
            "name": "alignment",
            "summary": "masked global alignment of modality encoders, for `pretrain` (arXiv 2604.18753)",
        }
    ]
    rows += [{"name": method.name, "summary": method.summary} for method in (*METHODS.values(), *FITTED.values())]
    return [
        *rows,
        {"name": "score", "summary": "APACHE IVa's own prediction where the stay has one; learns nothing"},
        {"name": "elapsed", "summary": "what the hours already spent in hospital tell; learns ten bins"},
    ]


def _tasks() -> list[Row]:
    return [{"name": task.name, "summary": task.summary} for task in TASKS.values()]


def _sources() -> list[Row]:
    return [{"name": name, "summary": summary} for name, summary in SUMMARIES.items()]


def _modalities() -> list[Row]:
    def summary(name: str) -> str:
        return (
            "of the paper"
            if name in PAPER_EICU
            else "a comparator, never an input"
            if name in NOT_INPUTS
            else "beyond the paper"
        )

    return [{"name": name, "summary": summary(name)} for name in MODALITIES]


def _settings() -> list[Row]:
    commands = {"synth eicu": SyntheticSettings(), "pretrain alignment": PretrainSettings()}
    commands |= {f"train {method.name}": TrainSettings.default(method) for method in METHODS.values()}
    commands |= {f"train {method.name}": FitSettings.default(method) for method in FITTED.values()}
    return [
        {"name": f"{command}: {path}", "summary": f"{value}"}
        for command, settings in commands.items()
        for path, value in flatten(settings).items()
    ]
