"""A cohort made, its methods trained and asked; each cell is kept as two small files, the second written last.

    TO/held-out/40-severity.parquet                  the stays that are judged, with the best possible
    TO/predictions/500-40-severity-seed0-mlp.parquet stay_id, predicted
    TO/cells/500-40-severity-seed0-mlp.json          what it came to; a cell that has this file is done
    TO/work/...                                      DATA and RUN folders under way; those of a cohort go with its end

A cell that was interrupted goes on where the product's own commands go on: at the last checkpoint.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import polars as pl

from truth.held_out import HOUR, TASK, HeldOut, held_out, made_data
from truth.plan import ALIGNED, Cell, Cohort, Condition, Method, cells_of
from wardround import files
from wardround.errors import RunError
from wardround.evaluate.answer import answer
from wardround.evaluate.question import Question
from wardround.events import INPUT_MODALITIES
from wardround.metrics.discrimination import auroc
from wardround.settings import override
from wardround.tasks.cohort import Window
from wardround.tasks.splits import TRAIN, VAL, SplitPlan
from wardround.tasks.task import find_task
from wardround.train.data import open_data
from wardround.train.plan import PretrainSettings
from wardround.train.pretrain import pretrain
from wardround.train.run_folder import Run, open_run
from wardround.train.supervised import train

WINDOW = Window("causal", float(HOUR))
SPARED = (1, 20)
"""The fold of each cohort's own test side: nobody asks it, so it is as small as it goes well; 15 in 85 of the others
validate."""

INPUTS = (f"modalities={','.join(name for name in INPUT_MODALITIES if name != 'severity')}",)
SUMMARIES = "summaries=last,mean,lowest,highest,first,count"
ALONE = ("evidence=false", "teacher.share=0", "shrinkage=0")


@dataclass(frozen=True)
class Settings:
    """What every cell shares; a study in a folder keeps to one of these.

    Attributes:
        held_out_stays: synthetic stays to judge on, before those who left by hour 24.
        train_encoders: whether the encoders of a pair go on learning (the product's default), or stay frozen (as the
            paper's under its trajectory model).
        pretrain: `--set` of the pretraining, of both kinds of encoders.
        train: model -> `--set`: the paper's encoders and models on running summaries, with nothing beside them that
            would do the work of alignment (a linear term, a teacher, a published score), and fewer epochs for the model
            that sees every event.
    """

    held_out_stays: int = 3000
    train_encoders: bool = True
    pretrain: tuple[str, ...] = (*INPUTS, SUMMARIES, "encoder.kind=tabular", "encoder.dropout=0.2", "input_dropout=0")
    train: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "mlp": (*ALONE, "model.dropout=0.3"),
            "trajectory": (*ALONE, "ages=false", "model.dropout=0.3", "weighting=uniform", "epochs=20", "patience=5"),
            "boosting": (*INPUTS, "threads=1"),
        }
    )

    def of(self, method: Method) -> tuple[str, ...]:
        """`--set` of a method; the same for both of a pair."""
        frozen = () if self.train_encoders or method.encoders is None else ("train_encoders=false",)
        return (*self.train[method.model], *frozen)


@dataclass
class Workshop:
    """Where cells are made.

    Attributes:
        to: the folder of the study.
        work: where DATA and RUN folders lie while they are needed; calls side by side have one each.
        settings: what every cell shares.
        judged: condition -> its held-out stays, made when first asked for.
    """

    to: Path
    work: Path
    settings: Settings
    judged: dict[Condition, HeldOut] = field(default_factory=dict[Condition, HeldOut])

    def cohort(self, cohort: Cohort, ended: Callable[[Cell, dict[str, Any]], None]) -> None:
        """Make the cells of a cohort that are not done; `ended` is told of each.

        A cell's seconds hold what came first to it: the cohort itself, the encoders. The held-out stays are nobody's.
        """
        held = self._held_out(cohort.condition)
        folder, began = self.work / cohort.name, _clocks()
        for cell in cells_of(cohort):
            if is_done(self.to, cell):
                continue
            facts, now = self._cell(cell, folder, held), _clocks()
            seconds = {name: round(now[name] - began[name], 2) for name in now}
            facts, began = facts | seconds, now
            files.write_json(cell_file(self.to, cell), facts)
            ended(cell, facts)
        if folder.is_dir():
            shutil.rmtree(folder)

    def _cell(self, cell: Cell, folder: Path, held: HeldOut) -> dict[str, Any]:
        cohort, method = cell.cohort, cell.method
        data = made_data(folder, cohort.condition, cohort.size, cohort.seed)
        run, encoders = folder / method.name, self._encoders(cohort, method, data, folder)
        split, chosen = SplitPlan(cohort.seed, SPARED), self.settings.of(method)
        train(method.model, data, TASK, run, WINDOW, split, encoders, chosen, cohort.seed, quiet=True)
        asked = answer(open_run(run), held.data, Question("all"), quiet=True)
        predicted = asked.cohort.frame.select("stay_id", predicted=pl.Series(asked.predictions.prediction))
        stays = held.stays.join(predicted, on="stay_id", how="left", maintain_order="left")
        if stays["predicted"].null_count() or predicted.height != stays.height:
            raise RunError(f"{cell.name}: its predictions are not for the held-out stays. Make the study anew.")
        files.write_table(prediction_file(self.to, cell), stays.select("stay_id", "predicted"))
        return {**_identity(cell), **_judged(stays), **_learned(asked.run, data)}

    def _held_out(self, condition: Condition) -> HeldOut:
        if condition not in self.judged:
            table, work = held_out_file(self.to, condition), self.work / "held-out" / condition.name
            self.judged[condition] = held_out(condition, self.settings.held_out_stays, table, work)
        return self.judged[condition]

    def _encoders(self, cohort: Cohort, method: Method, data: Path, folder: Path) -> Path | None:
        """The encoders that a method starts from: aligned on the training side, or as they come."""
        if method.encoders is None:
            return None
        loss = "masked-global" if method.encoders == ALIGNED else "none"
        settings = override(PretrainSettings(), [f"alignment.loss={loss}", *self.settings.pretrain])
        to = folder / f"encoders-{method.encoders}"
        pretrain(data, to, WINDOW, SplitPlan(cohort.seed, SPARED), settings, cohort.seed, quiet=True)
        return to


def _clocks() -> dict[str, float]:
    """Wall seconds, and those of this process's cores: the same but where others share the machine."""
    return {"seconds": perf_counter(), "core_seconds": process_time()}


def _identity(cell: Cell) -> dict[str, Any]:
    cohort = cell.cohort
    named = {"rate": cohort.condition.rate, "mechanism": cohort.condition.mechanism}
    return {"size": cohort.size, **named, "method": cell.method.name, "seed": cohort.seed}


def _judged(stays: pl.DataFrame) -> dict[str, float]:
    """AUROC, and the best possible on the same stays."""
    label = stays["label"].to_numpy()
    own, best = (float(auroc(label, stays[name].to_numpy())) for name in ("predicted", "best_risk"))
    return {"auroc": own, "best_auroc": best, "gap": best - own}


def _learned(run: Run, data: Path) -> dict[str, int]:
    """How much there was to learn from: stays and deaths that train and validate."""
    asked = open_data(data, WINDOW, quiet=True).cohort(find_task(TASK)).frame
    sides = asked.join(run.splits.select("stay_id", "split"), on="stay_id")
    found: dict[str, int] = {}
    for side in (TRAIN, VAL):
        own = sides.filter(pl.col("split") == side)
        found |= {f"{side}_stays": own.height, f"{side}_deaths": int(own["label"].sum())}
    return found


def cell_file(to: Path, cell: Cell) -> Path:
    """What a cell came to."""
    return to / "cells" / f"{cell.name}.json"


def prediction_file(to: Path, cell: Cell) -> Path:
    """What a cell says of every held-out stay."""
    return to / "predictions" / f"{cell.name}.parquet"


def held_out_file(to: Path, condition: Condition) -> Path:
    """The held-out stays of a condition."""
    return to / "held-out" / f"{condition.name}.parquet"


def is_done(to: Path, cell: Cell) -> bool:
    """Whether an earlier call finished a cell."""
    return cell_file(to, cell).is_file()


def read_cell(to: Path, cell: Cell) -> dict[str, Any]:
    """What a cell came to. Raises `RunError` where its file was cut or edited."""
    return files.read_json(cell_file(to, cell), RunError)
