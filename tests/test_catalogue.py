"""`wardround list`: what there is, and that the names it gives are taken where it says."""

import pytest

import wardround
from wardround import cli_names
from wardround.catalogue import catalogue
from wardround.concepts.concept_settings import ConceptSettings
from wardround.concepts.known import CONCEPTS
from wardround.events import MODALITIES, PAPER_EICU
from wardround.methods.registry import FITTED, METHODS
from wardround.methods.scores import ROWS, ScoreSettings
from wardround.models.modality_encoder import ENCODERS
from wardround.settings import flatten, override
from wardround.sources.open_demos import DEMOS
from wardround.sources.registry import SUMMARIES
from wardround.sources.synthetic import LAYOUTS, SyntheticMimic3Settings, SyntheticMimic4Settings, SyntheticSettings
from wardround.tasks.task import TASKS
from wardround.train.plan import FitSettings, PretrainSettings, TrainSettings


def names(what: str) -> list[str]:
    return [row["name"] for row in catalogue(what)]


@pytest.mark.parametrize("what", cli_names.LISTS)
def test_every_list_has_rows_of_a_name_and_a_summary(what: str):
    rows = catalogue(what)
    assert rows
    assert all(set(row) == {"name", "summary", "from"} and all(row.values()) for row in rows)
    assert {row["from"] for row in rows} == {f"wardround {wardround.__version__}"}
    assert len(set(names(what))) == len(rows)


def test_methods_are_what_can_be_pretrained_and_trained():
    assert names("methods") == ["alignment", *METHODS, *FITTED, *ROWS]


def test_tasks_say_what_they_are_and_what_they_are_not():
    assert names("tasks") == list(TASKS)
    assert all("not" in row["summary"] or "part of it" in row["summary"] for row in catalogue("tasks"))


def test_encoders_are_the_kinds_that_can_be_set():
    assert names("encoders") == list(ENCODERS) == ["tabular", "quantile", "both", "set"]


def test_modalities_say_where_they_come_from():
    of = {row["name"]: row["summary"] for row in catalogue("modalities")}
    assert tuple(of) == MODALITIES
    assert {name for name, summary in of.items() if summary == "of the paper"} == set(PAPER_EICU)
    assert of["score"] == "a comparator, never an input"
    assert of["vitals"] == "beyond the paper"


def test_every_setting_that_is_listed_can_be_set():
    settings = {
        "synth eicu": SyntheticSettings(),
        "synth mimic3": SyntheticMimic3Settings(),
        "synth mimic4": SyntheticMimic4Settings(),
        "concepts": ConceptSettings(),
        "pretrain alignment": PretrainSettings(),
        "train score": ScoreSettings(),
    }
    settings |= {f"train {name}": TrainSettings.default(method) for name, method in METHODS.items()}
    settings |= {f"train {name}": FitSettings.default(method) for name, method in FITTED.items()}
    listed: dict[str, set[str]] = {command: set() for command in settings}
    for row in catalogue("settings"):
        command, path = row["name"].split(": ")
        value = flatten(settings[command])[path]
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        assert flatten(override(settings[command], [f"{path}={text}"]))[path] == value
        listed[command].add(path)
    assert listed == {command: set(flatten(made)) for command, made in settings.items()}


def test_the_command_line_takes_what_there_is():
    """Its literals stand apart so that `--help` need not load torch."""
    assert (*METHODS, *FITTED, *ROWS) == cli_names.METHODS
    assert set(cli_names.TASKS) == set(TASKS)
    assert tuple(CONCEPTS) == cli_names.CONCEPTS
    assert set(cli_names.DEMOS) == set(DEMOS)
    assert tuple(SUMMARIES) == cli_names.SOURCES
    assert set(LAYOUTS) == set(cli_names.SYNTHETIC)
