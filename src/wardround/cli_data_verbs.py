"""The verbs of the command line up to a DATA folder and what is made of one, with their options."""

from pathlib import Path
from typing import Any

from wardround import verbs
from wardround.cli_names import CONCEPTS, DEMOS, ENGINES, SOURCES, SYNTHETIC, TASKS
from wardround.cli_verb import add_settings, add_verb
from wardround.option_values import count, gib, hour, known_name, or_installed


def add_data_verbs(into: Any) -> None:
    """Add them to the subparsers of the command line, in the order of its help."""
    for add in (_demo, _fetch, _synth, _prepare, _describe, _concepts, _export):
        add(into)


def _demo(into: Any) -> None:
    verb = add_verb(
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
    verb = add_verb(
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
    verb = add_verb(
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
    add_settings(verb)


def _prepare(into: Any) -> None:
    verb = add_verb(
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
    verb = add_verb(
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
    verb = add_verb(
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
    add_settings(verb)
    verb.add_argument("--json", action="store_true", help="print the counts of rows as JSON")


def _export(into: Any) -> None:
    verb = add_verb(
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
