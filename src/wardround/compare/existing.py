"""Runs and evaluations that are there, side by side: on the same stays, or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import torch

from wardround import files
from wardround.compare.gather import hour_notes, past_prediction, patient_notes, read_evaluation
from wardround.compare.outcome import Line, Outcome, table_of
from wardround.compare.pooled import KEYS
from wardround.compare.seeds import rows_of
from wardround.compare.work import TOO_LARGE
from wardround.errors import DataError, RunError, StorageError, UsageError, WardroundError
from wardround.evaluate.evaluation import evaluate
from wardround.evaluate.question import Question
from wardround.evaluate.small_cells import count_text
from wardround.json_kinds import is_object
from wardround.progress import progress
from wardround.stopping import Stopped, StopRequest


@dataclass(frozen=True)
class Existing:
    """What is compared.

    Attributes:
        folders: name -> the RUN or evaluation that was given.
        rows: row of the table -> the names of its folders: several where only the seed differs.
        data: where RUN folders are asked; None where all are evaluations.
        against: the name of the row that the others are paired with.
        draws, seed: of the bootstrap.
    """

    folders: Mapping[str, Path]
    rows: Mapping[str, tuple[str, ...]]
    data: Path | None
    against: str
    draws: int
    seed: int

    @classmethod
    def of(cls, folders: Sequence[Path], data: Path | None, against: str | None, draws: int, seed: int) -> "Existing":
        """Name the folders and check what can be checked at once.

        Raises:
            UsageError: for fewer than two, one twice, an unknown `against`, or a RUN without `--data`.
            RunError: where a folder is neither.
        """
        if len(folders) < 2:
            raise UsageError("give two folders or more to compare, or a recipe (a .toml file).")
        if len({folder.resolve() for folder in folders}) < len(folders):
            raise UsageError("the same folder is given twice.")
        named = dict(zip(_names(folders), folders, strict=True))
        runs = [name for name, folder in named.items() if _kind(folder) == "run"]
        if runs and data is None:
            raise UsageError(f"{named[runs[0]]} is a run: give --data DATA on which the runs are asked.")
        rows = rows_of(named, runs)
        chosen = [row for row, names in rows.items() if against in (None, row, *names)]
        if not chosen:
            raise UsageError(f"--against {against}: no such row. There are: {', '.join(rows)}.")
        return cls(named, rows, data, chosen[0], draws, seed)

    def kind(self, name: str) -> str:
        """ "run" or "evaluation". Raises `RunError` for another or none."""
        return _kind(self.folders[name])

    def question(self, learned_from: str, data: str) -> Question:
        """What a run is asked: its test side of the data that it was trained on, all of other data.

        Args:
            learned_from, data: hashes of the data of the run, and of those that it is asked of.
        """
        return Question("test" if learned_from == data else "all", draws=self.draws, seed=self.seed)

    def hashes(self) -> dict[str, str]:
        """Of all that decides the outcome. Raises `RunError`, `DataError` where a folder is not whole."""
        found = {
            name: files.verify_folder(folder, _kind(folder), RunError)["hash"] for name, folder in self.folders.items()
        }
        return (
            found if self.data is None else found | {"data": files.read_manifest(self.data, "data", DataError)["hash"]}
        )


def compare_existing(existing: Existing, to: Path, stop: StopRequest, quiet: bool) -> Outcome:
    """Compare on the stays that all predict. A run that cannot answer, or knows another label of a stay than the first
    one, has failed; the others are kept.

    Raises:
        RunError, UsageError: where no stay is predicted by all, or no run answers.
        Stopped: after SIGTERM; the same call goes on.
        StorageError: if the disk refuses.
    """
    evaluations, failed = _evaluations(existing, to, stop, quiet)
    about = {name: files.read_json(folder / "metrics.json", RunError) for name, folder in evaluations.items()}
    first = next((name for name in existing.rows[existing.against] if name in about), next(iter(about)))
    task = about[first]["task"]
    tables = {name: read_evaluation(folder, task) for name, folder in evaluations.items()}
    other = _other_labels(tables, first)
    failed |= other
    about = {name: one for name, one in about.items() if name not in other}
    kept, notes = _on_the_same({name: table for name, table in tables.items() if name not in other})
    answered = {row: [name for name in names if name in about] for row, names in existing.rows.items()}
    asked = {row: [about[name] for name in names] for row, names in answered.items()}
    notes += [*patient_notes(asked), *hour_notes(asked)]
    lines: list[Line] = []
    for row, names in existing.rows.items():
        reports = [_report(name, evaluations[name], to) for name in answered[row]]
        why = {name: failed[name] for name in names if name in failed}
        lines.append(Line(row, _facts([about[name] for name in answered[row]], len(names)), None, why, reports))
    rows = {
        row: {"0": [kept[name] for name in names]}
        for row, names in existing.rows.items()
        if names == tuple(answered[row])
    }
    with progress(1, f"{existing.draws:,} draws of patients", quiet=quiet) as bar:
        table = table_of(task, existing.against, rows, lines, existing.draws, existing.seed)
        bar.advance()
    same = {key: about[first][key] for key in ("protocol", "at_h", "asked_at") if key in about[first]}
    common = {"kind": "runs", **same}
    common |= {"draws": existing.draws}
    return Outcome({**common, "asked": "the stays that all of them predict"}, [table], notes)


def _names(folders: Sequence[Path]) -> list[str]:
    """The last part of each path; as many parts as it takes to tell them apart."""
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(one[-depth:]) for one in parts]
        if len(set(names)) == len(names):
            return names
    return [str(folder) for folder in folders]


def _kind(folder: Path) -> str:
    """ "run" or "evaluation". Raises `RunError` for another or none."""
    if not folder.is_dir():
        raise RunError(f"{folder} is not a folder. Give runs, evaluations, or a recipe (a .toml file).")
    manifest: Any = files.read_json(folder / files.MANIFEST, RunError)
    kind = manifest.get("kind") if is_object(manifest) else None
    if kind not in ("run", "evaluation"):
        raise RunError(f"{folder} holds {kind!r}: give what `wardround train` or `wardround evaluate` wrote.")
    return kind


def _evaluations(
    existing: Existing, to: Path, stop: StopRequest, quiet: bool
) -> tuple[dict[str, Path], dict[str, str]]:
    """Name -> evaluation, and name -> why there is none. Raises `RunError` where there is none at all."""
    evaluations: dict[str, Path] = {}
    failed: dict[str, str] = {}
    for name, folder in progress(existing.folders.items(), "asking the runs", quiet=quiet):
        stop.check()
        try:
            evaluations[name] = _evaluated(name, folder, existing, to)
        except (Stopped, StorageError, UsageError):
            raise
        except WardroundError as error:
            failed[name] = str(error)
        except (MemoryError, torch.OutOfMemoryError):
            failed[name] = TOO_LARGE
    if not evaluations:
        raise RunError(f"no run answers: {'; '.join(sorted(set(failed.values()))[:3])}")
    return evaluations, failed


def _evaluated(name: str, folder: Path, existing: Existing, to: Path) -> Path:
    """The evaluation of a folder that was given: itself, or one that is made of a RUN and kept."""
    if _kind(folder) == "evaluation" or existing.data is None:
        return folder
    run = files.read_manifest(folder, "run", RunError)
    data = files.read_manifest(existing.data, "data", DataError)["hash"]
    question = existing.question(run["inputs"]["data"], data)
    key = files.hash_of([run["hash"], data, question.draws, question.seed])[:8]
    made = to / "evaluations" / f"{name.replace('/', '-')}-{key}"
    return evaluate(folder, existing.data, made, question, quiet=True)[0]


def _other_labels(tables: Mapping[str, pl.DataFrame], first: str) -> dict[str, str]:
    """Tables in which a stay has another label or prediction time than in the first, and in how many stays."""
    found: dict[str, str] = {}
    labels = tables[first].select(*KEYS, "prediction_time", "label")
    for name, table in tables.items():
        shared = labels.join(table, on=KEYS, how="semi")
        differing = shared.join(table, on=labels.columns, how="anti", nulls_equal=True).height
        if differing:
            found[name] = (
                f"{differing} stays have another label or prediction time than in {first}. "
                "Evaluate both on the same DATA, or leave one out."
            )
    return found


def _on_the_same(tables: Mapping[str, pl.DataFrame]) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """The part of each table that all have, and what to say of it. Raises `RunError` where that is nothing."""
    keys = list(KEYS)
    names = list(tables)
    common = tables[names[0]].select(keys)
    for name in names[1:]:
        common = common.join(tables[name], on=keys, how="semi")
    if common.is_empty():
        raise RunError("no stay is predicted by all of them: they were tested on other patients. Use one --split-seed.")
    kept = {name: table.join(common, on=keys, how="semi").sort(keys) for name, table in tables.items()}
    everybody = pl.concat([table.select(keys) for table in tables.values()]).unique().height
    if everybody == common.height:
        return kept, []
    counts = ", ".join(f"{name} {count_text(table.height)}" for name, table in tables.items())
    return kept, [
        f"Test stays differ ({counts}): compared on the {count_text(common.height)} that all of them predict."
    ]


def _facts(answered: Sequence[Mapping[str, Any]], cells: int) -> dict[str, Any]:
    """What a reader should know of a row: of its first run that answered, for they differ in their seed alone; what
    sees past the prediction time in any of them."""
    if not answered:
        return {"method": "–", "cells": cells, "split": "–"}
    first, past = answered[0], past_prediction(answered)
    facts: dict[str, Any] = {"method": first["method"], "cells": cells, "split": first["split"]}
    facts["sees_past_prediction"] = past
    return facts | ({"without": ", ".join(first["without"])} if first.get("without") else {})


def _report(name: str, evaluation: Path, to: Path) -> tuple[str, str]:
    """A link only where the report lies within the folder: it may be moved as a whole."""
    inside = evaluation.is_relative_to(to)
    return (name, (evaluation / "report.html").relative_to(to).as_posix() if inside else "")
