"""eICU demo: every method of the spine on the same stays, out-of-fold, with intervals over patients.

    .venv/bin/python recipes/eicu_demo.py eicu-demo/ --to out/eicu_demo

Two set-ups. `ours`: the defaults, all modalities, in each window: causal at 24 h and 12 h, the paper protocol over the
whole stay and anchored at 12 h. `printed`: the inputs and models of arXiv 2604.18753 as far as they are printed, in the
paper protocol alone: its six modalities, values summed to pretrain and averaged to predict, events that carry their own
items, frozen encoders under a decoder without state head or clock, a positive weight, no score computed from the
values, no linear term, no teacher. Small decoders stand in for its 7-8 B ones, and the patients are split by fold, not
disjoint: 15 % of the 30 % that the paper leaves for testing would hold five deaths here.

Random rows start from the same inputs and the untrained encoders (`--loss none`). 5 patient-grouped folds, repeated
with another split seed. Encoders are pretrained on the training patients of the same fold; every row is judged on the
same out-of-fold stays. A value is the mean over repeats of the pooled out-of-fold metric; its interval comes from 1,000
draws over patients, the same draws for every row. Writes `results.json` and `results.md`; every run is kept, and a
second call goes on where the first stopped. Cost: some two hours on 2 cores.

The tables of docs/results.md are of earlier versions, and of another copy of the demo than `fetch` brings: 1,765 unit
stays of 1,287 patients, `lab` and `vitalPeriodic` rebuilt from hourly tables, no `nurseCharting`.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from wardround.compare.pooled import judge
from wardround.evaluate.answer import answer
from wardround.evaluate.question import Question
from wardround.events import PAPER_EICU
from wardround.files import read_json, write_json, write_text
from wardround.metrics.bootstrap import Interval, Metric
from wardround.metrics.calibration import brier, calibration_slope
from wardround.metrics.discrimination import auprc, auroc
from wardround.metrics.regression import mae, pearson, spearman
from wardround.progress import progress
from wardround.settings import override
from wardround.sources.eicu import EICU
from wardround.sources.pipeline import prepare
from wardround.tables import interval
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.train.plan import PretrainSettings
from wardround.train.pretrain import pretrain
from wardround.train.run_folder import open_run
from wardround.train.supervised import train

FOLDS = 5
DRAWS = 1000
WINDOWS = {
    "causal, 24 h": Window("causal", 24.0),
    "causal, 12 h": Window("causal", 12.0),
    "paper, whole stay": Window("paper", None),
    "paper, 12 h": Window("paper", 12.0),
}
METHODS = ("mlp", "lstm", "trajectory")


@dataclass(frozen=True)
class SetUp:
    """What is not a default.

    Attributes:
        modalities: of `prepare`.
        pretrain, static, trajectory: `--set` of each.
    """

    modalities: str
    pretrain: tuple[str, ...]
    static: tuple[str, ...]
    trajectory: tuple[str, ...]


OWN_ITEMS = ("content.volumes=", "content.singles=", "content.running=false", "features.paths=false")
SURVIVORS_A_DEATH = "positive_weight=13"
PLAIN_ENCODERS = (
    "encoder.kind=tabular",
    "encoder.dropout=0.2",
    "input_dropout=0",
    f"modalities={','.join(PAPER_EICU)}",
)
LABELS_ALONE = ("evidence=false", "teacher.share=0")
SET_UPS = {
    "ours": SetUp("all", (), (), ()),
    "printed": SetUp(
        "paper",
        ("content.summaries=sum", *OWN_ITEMS, *PLAIN_ENCODERS),
        ("content.summaries=mean", SURVIVORS_A_DEATH, *LABELS_ALONE, "model.dropout=0.3"),
        (
            "content.summaries=mean",
            SURVIVORS_A_DEATH,
            *LABELS_ALONE,
            "train_encoders=false",
            "state=false",
            "time_encoding=false",
            "weighting=uniform",
        ),
    ),
}
BINARY: dict[str, Metric] = {
    "auroc": auroc,
    "auprc": auprc,
    "brier": brier,
    "calibration_slope": calibration_slope,
}
HOURS: dict[str, Metric] = {"mae_h": mae, "pearson": pearson, "spearman": spearman}


@dataclass(frozen=True)
class Cell:
    """One row of one table."""

    set_up: str
    window: str
    task: str
    method: str
    encoders: str = ""  # "random" or "aligned", nothing for a row that reads none
    frozen: bool = False

    @property
    def name(self) -> str:
        """As in the tables."""
        known = {"score": "APACHE IVa", "elapsed": "elapsed hours"}
        return known.get(self.method, f"{self.method}, {self.encoders} encoders{', frozen' if self.frozen else ''}")


def out_of_fold(cell: Cell, to: Path, repeat: int) -> pl.DataFrame:
    """Train and predict every fold of one repeat; `stay_id, subject_id, label, predicted`."""
    parts: list[pl.DataFrame] = []
    set_up, data = SET_UPS[cell.set_up], data_folder(to, cell.set_up)
    for fold in range(1, FOLDS + 1):
        window, split = WINDOWS[cell.window], SplitPlan(seed=repeat, fold=(fold, FOLDS))
        base = to / "runs" / cell.set_up / cell.window.replace(", ", "-").replace(" ", "-") / f"{repeat}-{fold}"
        encoders = base / cell.encoders if cell.encoders else None
        if encoders is not None:
            loss = "masked-global" if cell.encoders == "aligned" else "none"
            settings = override(PretrainSettings(), [f"alignment.loss={loss}", *set_up.pretrain])
            pretrain(data, encoders, window, split, settings, repeat, quiet=True)
        chosen = (*chosen_settings(cell), *(("train_encoders=false",) if cell.frozen else ()))
        run = base / f"{cell.method}-{cell.encoders}{'-frozen' if cell.frozen else ''}-{cell.task}"
        train(cell.method, data, cell.task, run, window, split, encoders, chosen, repeat, quiet=True)
        asked = answer(open_run(run), data, Question("test"), quiet=True)
        parts.append(
            asked.cohort.frame.select(
                "stay_id", "subject_id", "label", predicted=pl.Series(asked.predictions.prediction)
            )
        )
    return pl.concat(parts).sort("stay_id")


def data_folder(to: Path, set_up: str) -> Path:
    """The DATA folder of a set-up."""
    return to / "data" / SET_UPS[set_up].modalities


def chosen_settings(cell: Cell) -> tuple[str, ...]:
    """The `--set` of a row: none where it learns no weights; hours have no positive class."""
    if not cell.encoders:
        return ()
    set_up = SET_UPS[cell.set_up]
    chosen = set_up.trajectory if cell.method == "trajectory" else set_up.static
    return chosen if cell.task == "mortality" else tuple(one for one in chosen if one != SURVIVORS_A_DEATH)


def judged(rows: dict[str, list[pl.DataFrame]], metrics: dict[str, Metric]) -> dict[str, dict[str, Interval]]:
    """Mean over repeats of each metric of each row, with its interval over patients."""
    asked = {name: by_repeat(frames) for name, frames in rows.items()}
    return {name: one.values for name, one in judge(asked, measures(metrics), draws=DRAWS).items()}


def gained(aligned: list[pl.DataFrame], random: list[pl.DataFrame], metrics: dict[str, Metric]) -> dict[str, Interval]:
    """Aligned less random, paired on the same stays and the same draws of patients."""
    asked = {"aligned": by_repeat(aligned), "random": by_repeat(random)}
    differences = judge(asked, measures(metrics), "random", DRAWS)["aligned"].differences
    return {name: difference.interval for name, difference in differences.items()}


def by_repeat(frames: list[pl.DataFrame]) -> dict[str, list[pl.DataFrame]]:
    """Repeat -> its one table."""
    return {str(repeat): [frame] for repeat, frame in enumerate(frames)}


def measures(metrics: dict[str, Metric]) -> dict[str, tuple[str, Metric]]:
    """Each metric, of the predictions."""
    return {name: ("predicted", metric) for name, metric in metrics.items()}


def on_stays(frames: list[pl.DataFrame], stays: pl.Series) -> list[pl.DataFrame]:
    """The part of each repeat that is about some stays."""
    return [frame.filter(pl.col("stay_id").is_in(stays.implode())) for frame in frames]


def table(title: str, note: str, rows: dict[str, dict[str, Any]]) -> str:
    """A Markdown table."""
    names = [name for name in {**BINARY, **HOURS} if name in next(iter(rows.values()))]
    lines = [f"**{title}** ({note})", "", "| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    lines += [f"| {row} | " + " | ".join(interval(found[name]) for name in names) + " |" for row, found in rows.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", type=Path, help="a raw eICU folder")
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--windows", nargs="+", choices=list(WINDOWS), default=list(WINDOWS))
    parser.add_argument("--set-ups", nargs="+", choices=list(SET_UPS), default=list(SET_UPS))
    parser.add_argument("--tasks", nargs="+", default=["mortality", "los_remaining", "los"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    options = parser.parse_args()
    plan = [
        (s, w, t)
        for s in options.set_ups
        for w in options.windows
        for t in options.tasks
        if ((t == "los") == w.startswith("paper") or t == "mortality") and (s == "ours" or w.startswith("paper"))
    ]
    for set_up in options.set_ups:
        modalities = SET_UPS[set_up].modalities
        prepare(EICU, options.raw, data_folder(options.to, set_up), modalities, workers=2, quiet=True)
    kept = options.to / "results.json"
    results: dict[str, Any] = read_json(kept) if kept.is_file() else {}
    for set_up, window, task in progress(plan, "tables", quiet=False):
        results |= tables(set_up, window, task, options.to, options.repeats, tuple(options.methods))
        write_json(kept, results)
        write_text(options.to / "results.md", "\n".join(table(title, **found) for title, found in results.items()))


def tables(
    set_up: str, window: str, task: str, to: Path, repeats: int, methods: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """The tables of one set-up, window and task: all stays, what alignment adds, and the stays with an APACHE IVa
    prediction."""
    binary = task == "mortality"
    metrics = BINARY if binary else HOURS
    cells = [Cell(set_up, window, task, method, encoders) for method in methods for encoders in ("random", "aligned")]
    if window == "causal, 24 h" and "trajectory" in methods:
        cells += [Cell(set_up, window, task, "trajectory", encoders, frozen=True) for encoders in ("random", "aligned")]
    cells.append(Cell(set_up, window, task, "elapsed"))
    frames = {cell.name: [out_of_fold(cell, to, r) for r in range(repeats)] for cell in cells}

    def found(rows: dict[str, list[pl.DataFrame]]) -> dict[str, Any]:
        one = next(iter(rows.values()))[0]
        deaths = f", {int(one['label'].sum())} deaths" if binary else ""
        note = f"{one.height:,} stays of {one['subject_id'].n_unique():,} patients{deaths}; {repeats} x {FOLDS} folds"
        return {"note": note, "rows": judged(rows, metrics)}

    title = f"{set_up}: {task}, {window}"
    made = {title: found(frames)}
    pairs = {c.name: replace(c, encoders="random").name for c in cells if c.encoders == "aligned"}
    gain = {f"{name} - random": gained(frames[name], frames[other], metrics) for name, other in pairs.items()}
    made[f"{title}: what alignment adds, paired"] = {"note": made[title]["note"], "rows": gain}
    if window != "causal, 12 h":
        score = [out_of_fold(Cell(set_up, window, task, "score"), to, r) for r in range(repeats)]
        have = score[0]["stay_id"]
        same = {"APACHE IVa": score} | {name: on_stays(each, have) for name, each in frames.items()}
        made[f"{title}, stays with an APACHE IVa prediction"] = found(same)
    return made


if __name__ == "__main__":
    main()
