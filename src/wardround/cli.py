"""The command line: verbs and their options. What a verb does is in `verbs.py`; nothing heavy is imported before it."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wardround import __version__, verbs
from wardround.cli_names import CONCEPTS, DEMOS, ENGINES, LISTS, METHODS, SOURCES, SYNTHETIC, TASKS
from wardround.errors import WardroundError
from wardround.option_values import count, fold, gib, hour, known_name, or_installed, seed_number

OF_TRAINING = "of the weights, the order of stays and whatever training draws; the split has a seed of its own"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb.

    Returns:
        0 done, 1 failed (one clear line on stderr), 2 the call is off.
    """
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except WardroundError as error:
        print(f"wardround {options.verb}: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        print(f"wardround {options.verb}: interrupted. The same command goes on from where it was.", file=sys.stderr)
        return 1
    return 0


def build_parser() -> argparse.ArgumentParser:
    """All verbs with their options and examples."""
    parser = argparse.ArgumentParser(
        prog="wardround",
        description="Clinical prediction from ICU stays with missing modalities. Every event updates a belief.",
        epilog="start with: wardround demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"wardround {__version__}")
    into = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    of_data = (_demo, _fetch, _synth, _prepare, _describe, _concepts, _export)
    for add in (*of_data, _pretrain, _train, _evaluate, _predict, _compare, _list):
        add(into)
    return parser


def _verb(
    into: Any,
    name: str,
    run: Callable[[Any], None],
    summary: str,
    *examples: str,
    seed: str = "taken for the sake of scripts; nothing is drawn at random here",
) -> argparse.ArgumentParser:
    epilog = "examples:\n" + "\n".join(f"  {example}" for example in examples)
    parser = into.add_parser(
        name, help=summary, description=summary, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=run)
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    parser.add_argument("--seed", type=seed_number, default=0, metavar="S", help=f"{seed} (default: 0)")
    return parser


def _demo(into: Any) -> None:
    verb = _verb(
        into,
        "demo",
        verbs.run_demo,
        "the main job end to end: prepare, pretrain, train static and trajectory models, evaluate, report",
        "wardround demo",
        "wardround demo --data eicu-demo/ --to out/",
        seed="of the synthetic database, the split, the weights and the draws of every interval",
    )
    verb.add_argument("--to", type=Path, default=Path("demo"), metavar="DIR", help="folder to write (default: demo)")
    verb.add_argument("--data", type=Path, metavar="RAW", help="a raw eICU folder; without it a synthetic one is made")
    verb.add_argument(
        "--stays", type=count, default=2000, help="synthetic stays where no --data is given (default: 2000)"
    )


def _fetch(into: Any) -> None:
    verb = _verb(
        into,
        "fetch",
        verbs.run_fetch,
        "download an open demo, with checksums and resume (the only verb that uses the network)",
        "wardround fetch eicu-demo --to eicu-demo",
    )
    verb.add_argument("name", choices=DEMOS, help="an open demo database")
    verb.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder to write")
    verb.add_argument("--url", metavar="BASE", help="another place that holds the same files")


def _synth(into: Any) -> None:
    verb = _verb(
        into,
        "synth",
        verbs.run_synth,
        "write a synthetic database in the raw layout, with a known true risk and a known mechanism of missingness",
        "wardround synth eicu --stays 2000 --to raw --set mechanism=outcome --set missing_rate=0.8",
        "wardround synth mimic4 --stays 2000 --to raw-mimic --set missing_cxr=0.5",
        "wardround synth mimic3 --stays 2000 --to raw-mimic3 --set visits=3",
        seed="of all that is drawn: another seed, another database",
    )
    verb.add_argument("source", choices=SYNTHETIC, help="whose raw layout")
    verb.add_argument("--stays", type=count, required=True, metavar="N", help="unit stays to write")
    verb.add_argument("--to", type=Path, required=True, metavar="RAW", help="folder to write")
    _settings(verb)


def _prepare(into: Any) -> None:
    verb = _verb(
        into,
        "prepare",
        verbs.run_prepare,
        "raw tables to a DATA folder: MEDS events with the time at which each was known, stays, ledger",
        "wardround prepare eicu eicu-demo --to data",
        "wardround prepare eicu eicu-demo --to data --modalities paper --workers 2",
        "wardround prepare mimic4 mimic-iv-3.1 --to data --memory-gib 8 --dry-run",
        "wardround prepare mimic4 mimic-iv-3.1 --to data --engine ray",
        "wardround prepare mimic4 mimic-iv-3.1 --cxr mimic-cxr-jpg-2.1.0 --notes mimic-iv-note-2.2 --to data",
        "wardround prepare mimic3 mimic-iii-1.4 --to data",
        "wardround prepare challenge2012 challenge/set-a.tar.gz challenge/set-b.tar.gz --to data",
        "wardround prepare meds our-meds --mapping our-hospital.toml --to data --dry-run",
    )
    verb.add_argument("source", type=known_name("sources", SOURCES), metavar="SOURCE", help=or_installed(SOURCES))
    verb.add_argument(
        "raw",
        type=Path,
        nargs="+",
        metavar="RAW",
        help="folder of the raw tables, .csv or .csv.gz; for mimic4 that with hosp/ and icu/ in it; for challenge2012 "
        "folders or archives of sets of records; for meds the folder with data/ and metadata/",
    )
    verb.add_argument("--to", type=Path, required=True, metavar="DATA", help="folder to write")
    verb.add_argument("--modalities", choices=("paper", "all"), default="all", help="the paper's, or all (default)")
    pictures = "the folder of MIMIC-CXR-JPG or MIMIC-CXR (mimic4), or of an export's pictures (meds)"
    verb.add_argument("--cxr", type=Path, metavar="DIR", help=pictures)
    verb.add_argument("--notes", type=Path, metavar="DIR", help="for mimic4: the folder of MIMIC-IV-Note")
    mapping = "for meds: what its codes mean, a TOML file (MIMIC-IV needs none)"
    verb.add_argument("--mapping", type=Path, metavar="FILE", help=mapping)
    dry = "tell tables, rows, disk, memory and time of a local run, for meds what codes become as well; write nothing"
    verb.add_argument("--dry-run", action="store_true", help=dry)
    verb.add_argument("--workers", type=count, metavar="N", help="default: one a core, four at most; of a cluster all")
    where = "who converts and writes: threads (default), or a Ray cluster: of RAY_ADDRESS, else one on this machine"
    verb.add_argument("--engine", choices=ENGINES, default="local", help=where)
    memory = "memory that it may take, with ray each process, in GiB (default: 4)"
    verb.add_argument("--memory-gib", type=gib, default=4.0, metavar="G", help=memory)
    verb.add_argument("--json", action="store_true", help="print the ledger, or the dry run, as JSON")


def _describe(into: Any) -> None:
    verb = _verb(
        into,
        "describe",
        verbs.run_describe,
        "table one, missingness patterns, event rates, the ledger",
        "wardround describe data",
        "wardround describe data --to description",
    )
    verb.add_argument("data", type=Path, metavar="DATA", help="a prepared folder")
    verb.add_argument("--to", type=Path, metavar="DIR", help="where to write it; without it nothing is written")
    verb.add_argument("--json", action="store_true", help="print the tables as JSON")


def _concepts(into: Any) -> None:
    verb = _verb(
        into,
        "concepts",
        verbs.run_concepts,
        "clinical concepts of each stay, each value with the time at which it was known: one parquet each",
        "wardround concepts data sofa urine_output --to concepts --set sofa.pressors=hour_end",
        "wardround list concepts",
    )
    verb.add_argument("data", type=Path, metavar="DATA", help="a prepared folder")
    verb.add_argument("names", choices=CONCEPTS, nargs="+", metavar="NAME", help=", ".join(CONCEPTS))
    verb.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder to write")
    _settings(verb)
    verb.add_argument("--json", action="store_true", help="print the counts of rows as JSON")


def _export(into: Any) -> None:
    verb = _verb(
        into,
        "export",
        verbs.run_export,
        "a DATA folder as a plain MEDS 0.4 data set for other tools; `prepare meds` reads it back equal",
        "wardround export meds data --to meds",
        "wardround export meds data --to meds --task mortality los_remaining --at-h 48",
        "wardround prepare meds meds --to data-again",
    )
    verb.add_argument("form", choices=("meds",))
    verb.add_argument("data", type=Path, metavar="DATA", help="a prepared folder")
    verb.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder to write")
    verb.add_argument(
        "--time",
        choices=("known", "happened"),
        default="known",
        help="what MEDS's time is: when a value was known (default), which MEDS tools take it for, or when it happened",
    )
    verb.add_argument(
        "--task", choices=TASKS, nargs="+", default=[], dest="tasks", help="export labels too, of the causal cohort"
    )
    verb.add_argument("--at-h", type=hour, metavar="H", help="hours from unit admission to labels (default: 24)")
    verb.add_argument("--json", action="store_true", help="print the counts of rows as JSON")


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


def _settings(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        dest="assignments",
        metavar="KEY=VALUE",
        help="change a setting; may be repeated (see: wardround list settings)",
    )


def _pretrain(into: Any) -> None:
    verb = _verb(
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
    _settings(verb)


def _train(into: Any) -> None:
    verb = _verb(
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
    _settings(verb)


def _evaluate(into: Any) -> None:
    verb = _verb(
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
    verb = _verb(
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
    verb = _verb(
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
    verb.add_argument("--dry-run", action="store_true", help="print the cells of a recipe and their number, do nothing")
    verb.add_argument("--json", action="store_true", help="print the comparison as JSON")


def _list(into: Any) -> None:
    verb = _verb(
        into, "list", verbs.run_list, "what there is", "wardround list methods", "wardround list settings --json"
    )
    verb.add_argument("what", choices=LISTS)
    verb.add_argument("--json", action="store_true", help="print the rows as JSON")


if __name__ == "__main__":
    sys.exit(main())
