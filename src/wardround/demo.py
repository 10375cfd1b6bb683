"""The main job end to end, on a synthetic eICU or a real one: prepare, pretrain, train, evaluate, report.

Every step is a verb of the command line, printed as it runs, so that a reader can repeat any of them alone. A demo that
was interrupted goes on where it was.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import wardround
from wardround import files
from wardround.errors import DataError, NoScoreError, RunError, UsageError
from wardround.evaluate.evaluation import evaluate
from wardround.evaluate.question import Question
from wardround.evaluate.summary import write_summary
from wardround.settings import override
from wardround.sources.eicu import EICU
from wardround.sources.pipeline import prepare
from wardround.sources.synthetic import SyntheticSettings, synthesise_eicu
from wardround.tables import ledger_lines
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.train.plan import PretrainSettings
from wardround.train.pretrain import pretrain
from wardround.train.supervised import train


@dataclass(frozen=True)
class Row:
    """One training of the demo."""

    name: str
    method: str
    task: str
    aligned: bool = False
    settings: tuple[str, ...] = ()


PRETRAIN: Final = "epochs=40"
BRIEF: Final = ("teacher.folds=3",)
SHORT: Final = ("epochs=12", "patience=4", "budget=4096", "loop.learning_rate=6e-4", *BRIEF)
"""An epoch of the sequence model sees every event: fewer of them, in larger batches."""
ROWS: Final = (
    Row("mortality-apache", "score", "mortality"),
    Row("mortality-mlp", "mlp", "mortality", settings=BRIEF),
    Row("mortality-mlp-aligned", "mlp", "mortality", aligned=True, settings=BRIEF),
    Row("mortality-trajectory-aligned", "trajectory", "mortality", aligned=True, settings=SHORT),
    Row("los-elapsed", "elapsed", "los_remaining"),
    Row("los-mlp-aligned", "mlp", "los_remaining", aligned=True),
    Row("los-trajectory-aligned", "trajectory", "los_remaining", aligned=True, settings=SHORT),
)


def demo(to: Path, raw: Path | None, stays: int, seed: int, quiet: bool) -> Path:
    """Run the main job.

    Args:
        to: folder to write; `data`, `runs`, `evaluations` and `report.html` in it.
        raw: a raw eICU folder; None makes a synthetic one of `stays` stays in `to/raw`.
        stays: synthetic stays.
        seed: of the synthetic database, the split, the weights and the draws of every interval.
        quiet: no progress on stderr.

    Returns:
        The report to open.

    Raises:
        UsageError: where `to` holds a demo of another size or seed.
        WardroundError: whatever a step raises; the same call goes on after it.
    """
    truth = None
    if raw is None:
        raw = to / "raw"
        truth = raw / "truth" / "stays.parquet"
        if (raw / files.MANIFEST).is_file():
            made = files.read_manifest(raw, "raw", RunError)["settings"]
            if (made["stays"], made["seed"]) != (stays, seed):
                raise UsageError(
                    f"{to} holds a demo of {made['stays']} stays, seed {made['seed']}, not of {stays}, seed {seed}. "
                    "Choose another --to, or delete it."
                )
        _step(f"wardround synth eicu --stays {stays} --to {raw}{_seeded(seed)}", quiet)
        synthesise_eicu(raw, stays, seed, SyntheticSettings(), quiet)
    data = to / "data"
    _step(f"wardround prepare eicu {raw} --to {data}", quiet)
    done = prepare(EICU, raw, data, "all", workers=2, quiet=quiet)
    if not quiet:
        sys.stderr.write("\n".join([*ledger_lines(done.ledger), ""]))
    window, split = Window(), SplitPlan(seed=seed)
    aligned = to / "runs" / "aligned"
    pretrain_options = f" --set {PRETRAIN}{_seeded(seed, '--split-seed')}"
    _step(f"wardround pretrain alignment --data {data} --to {aligned}{pretrain_options}", quiet)
    pretrain(data, aligned, window, split, override(PretrainSettings(), [PRETRAIN]), seed, quiet)
    finished = [("alignment", _evaluated(aligned, data, to / "evaluations" / "alignment", seed, quiet))]
    for row in ROWS:
        try:
            finished.append((row.name, _trained(row, data, to, aligned, window, split, seed, quiet)))
        except NoScoreError as error:
            sys.stderr.write(f"{row.name} left out: {error}\n")
    page = write_summary(to / "report.html", finished, truth, seed)
    _close(to, page, data, finished, {"stays": stays if truth is not None else None, "seed": seed})
    return page


def _close(to: Path, page: Path, data: Path, finished: Sequence[tuple[str, Path]], settings: Mapping[str, Any]) -> None:
    """Write the manifest of the demo: what the page was made from, and the page's hash; each folder has its own."""
    inputs = {"data": files.read_manifest(data, "data", DataError)["hash"]}
    inputs |= {name: files.read_manifest(folder, "evaluation", RunError)["hash"] for name, folder in finished}
    files.write_manifest(to, "demo", inputs, settings, wardround.__version__, made=[page])


def _step(command: str, quiet: bool) -> None:
    if not quiet:
        sys.stderr.write(f"\n$ {command}\n")


def _trained(
    row: Row, data: Path, to: Path, aligned: Path, window: Window, split: SplitPlan, seed: int, quiet: bool
) -> Path:
    run = to / "runs" / row.name
    encoders = aligned if row.aligned else None
    options = (f" --encoders {aligned}" if row.aligned else "") + "".join(f" --set {s}" for s in row.settings)
    options += _seeded(seed, "--split-seed")
    _step(f"wardround train {row.method} --data {data} --task {row.task} --to {run}{options}", quiet)
    train(row.method, data, row.task, run, window, split, encoders, row.settings, seed, quiet)
    return _evaluated(run, data, to / "evaluations" / row.name, seed, quiet)


def _evaluated(run: Path, data: Path, to: Path, seed: int, quiet: bool) -> Path:
    _step(f"wardround evaluate {run} --data {data} --to {to}{_seeded(seed)}", quiet)
    return evaluate(run, data, to, Question(seed=seed), quiet=quiet)[0]


def _seeded(seed: int, *options: str) -> str:
    return "".join(f" {option} {seed}" for option in (*options, "--seed")) if seed else ""
