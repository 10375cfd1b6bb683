"""The verbs of the command line that make a RUN folder or ask one, with their options."""

import argparse
from pathlib import Path
from typing import Any, Final

from wardround import verbs
from wardround.cli_names import METHODS, TASKS
from wardround.cli_verb import add_settings, add_verb
from wardround.option_values import count, fold, hour, known_name, or_installed, seed_number

OF_TRAINING: Final = "of the weights, the order of stays and whatever training draws; the split has a seed of its own"


def add_run_verbs(into: Any) -> None:
    """Add them to the subparsers of the command line, in the order of its help."""
    for add in (_pretrain, _train, _evaluate, _predict, _compare):
        add(into)


def _pretrain(into: Any) -> None:
    verb = add_verb(
        into,
        "pretrain",
        verbs.run_pretrain,
        "align the encoders of all modalities, without labels",
        "wardround pretrain alignment --data data --to runs/aligned",
        "wardround pretrain alignment --data data --to runs/ovo --loss one-vs-others --set epochs=50",
        seed=OF_TRAINING,
    )
    verb.add_argument("method", choices=("alignment",))
    _data(verb)
    verb.add_argument("--to", type=Path, required=True, metavar="RUN", help="folder to write")
    verb.add_argument("--loss", choices=("masked-global", "one-vs-others", "all-pairs", "none"))
    _window(verb)
    _split(verb)
    add_settings(verb)


def _train(into: Any) -> None:
    verb = add_verb(
        into,
        "train",
        verbs.run_train,
        "train a method for a task",
        "wardround train mlp --data data --task mortality --to runs/mlp",
        "wardround train trajectory --data data --task mortality --to runs/trajectory --encoders runs/aligned",
        "wardround train boosting --data data --task mortality --to runs/boosting",
        "wardround train score --data data --task mortality --to runs/apache",
        "wardround train mlp --data other --task mortality --at-h 12 --to runs/tuned --init runs/mlp",
        "torchrun --nproc_per_node 2 -m wardround train mlp --data data --task mortality --to runs/mlp",
        seed=OF_TRAINING,
    )
    verb.add_argument("method", type=known_name("methods", METHODS), metavar="METHOD", help=or_installed(METHODS))
    _data(verb)
    task = known_name("tasks", TASKS)
    verb.add_argument("--task", type=task, required=True, metavar="TASK", help=or_installed(TASKS))
    verb.add_argument("--to", type=Path, required=True, metavar="RUN", help="folder to write")
    verb.add_argument("--encoders", type=Path, metavar="RUN", help="a pretraining whose encoders are taken")
    verb.add_argument(
        "--init", type=Path, metavar="RUN", help="a run of the same method to start from: inputs, model and weights"
    )
    _window(verb)
    _split(verb)
    add_settings(verb)


def _evaluate(into: Any) -> None:
    verb = add_verb(
        into,
        "evaluate",
        verbs.run_evaluate,
        "metrics with intervals, predictions, beliefs, report",
        "wardround evaluate runs/mlp --data data --to out/mlp",
        "wardround evaluate runs/mlp --data other-hospital --split all --beside out/mlp --to out/external",
        "wardround evaluate runs/mlp --data data --at-h 12 24 48 --without lab --to out/no-lab",
        seed="of the draws of every interval",
    )
    verb.add_argument("run_folder", type=Path, metavar="RUN", help="a finished pretraining or training")
    _data(verb)
    verb.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder to write")
    verb.add_argument(
        "--split",
        choices=("test", "val", "train", "all"),
        default="test",
        help="a side of the run's split (default: test), or all stays: for another cohort",
    )
    verb.add_argument("--at-h", type=hour, nargs="+", default=[], metavar="H", help="other hours than the run's own")
    verb.add_argument(
        "--without", nargs="+", action="extend", default=[], metavar="MODALITY", help="as if never recorded"
    )
    verb.add_argument(
        "--beside",
        type=Path,
        metavar="DIR",
        help="with another cohort: the run's evaluation on its own data, to stand beside it in the report",
    )
    verb.add_argument("--json", action="store_true", help="print the metrics as JSON")


def _predict(into: Any) -> None:
    verb = add_verb(
        into,
        "predict",
        verbs.run_predict,
        "as evaluate, for stays without labels too",
        "wardround predict runs/mlp --data new-stays --to predictions",
    )
    verb.add_argument("run_folder", type=Path, metavar="RUN", help="a finished training")
    _data(verb)
    verb.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder to write")
    verb.add_argument("--at-h", type=hour, metavar="H", help="another hour than the run's own")


def _compare(into: Any) -> None:
    verb = add_verb(
        into,
        "compare",
        verbs.run_compare,
        "a recipe, or several runs, to one table: intervals, paired differences to one row, HTML and CSV",
        "wardround compare recipes/eicu_mortality_24h.toml --dry-run",
        "wardround compare recipes/eicu_mortality_24h.toml --to out/compare",
        "wardround compare runs/boosting runs/mlp runs/trajectory --data data --to out/compare",
        "wardround compare out/boosting out/mlp --against boosting --to out/compare",
        seed="of the draws of every interval, and of what a search proposes; trainings have theirs in the recipe",
    )
    verb.add_argument(
        "sources",
        type=Path,
        nargs="+",
        metavar="RECIPE_OR_RUNS",
        help="a recipe (a TOML file; see recipes/), or two folders or more that train or evaluate wrote",
    )
    verb.add_argument("--to", type=Path, metavar="DIR", help="folder to write: table, report, every run of a recipe")
    verb.add_argument(
        "--data", type=Path, metavar="DATA", help="with runs: the prepared folder on which they are asked"
    )
    verb.add_argument(
        "--against", metavar="ROW", help="with folders: the row to pair with, by its name (default: first)"
    )
    verb.add_argument(
        "--workers", type=count, default=1, metavar="N", help="cells of a recipe to make side by side (default: 1)"
    )
    verb.add_argument("--dry-run", action="store_true", help="print the cells of a recipe and their number, do nothing")
    verb.add_argument("--json", action="store_true", help="print the comparison as JSON")


def _data(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--data", type=Path, required=True, metavar="DATA", help="a prepared folder")


def _window(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--protocol", choices=("causal", "paper"), help="causal (default): only what was known by the prediction time"
    )
    verb.add_argument(
        "--at-h", type=hour, metavar="H", help="hours from unit admission (causal default: 24; paper default: end)"
    )


def _split(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--split-seed", type=seed_number, metavar="S", help="another seed, another split (default: 0)")
    verb.add_argument("--fold", type=fold, metavar="K/N", help="test on fold K of N instead of 15 %% of the patients")
    verb.add_argument(
        "--test",
        action=argparse.BooleanOptionalAction,
        help="--no-test: test on nobody, all patients train or validate, for a model that is judged on another cohort",
    )
    verb.add_argument(
        "--split-by",
        choices=("patient", "hospital", "time"),
        help="patient (default); hospital: test on hospitals never trained on; time: test on the latest patients",
    )
    verb.add_argument(
        "--pretrain-on",
        choices=("train-side", "disjoint"),
        help="train-side (default): the training patients of the split; disjoint: other patients (the paper's)",
    )
    verb.add_argument(
        "--strata",
        choices=("expected", "exact"),
        help="shares within each combination of modalities: expected (default), of a hash that nobody else moves; "
        "exact to one patient (the paper's), where adding patients can move a few near the borders",
    )
