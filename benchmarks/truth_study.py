"""The synthetic truth study: how far is each method from the best possible, and does alignment help where much is
missing?

    python benchmarks/truth_study.py --to STUDY [--budget-minutes 60] [--share 1/2]

Cohorts whose true risks are known (`synth eicu`), of 500, 1,000 and 2,000 stays, with 0, 40 and 80 % of their
modalities missing, at random, by severity or by outcome; three seeds. On each an MLP and a trajectory model are trained
on random and on aligned encoders (`masked-global`, pretrained on the training side), and boosting as a reference. All
are judged on one larger cohort a condition, of another seed, where the best possible AUROC is known
(`truth/held_out.py`). Where nothing is missing the mechanism does not matter and is run once.

Every cell is kept: the same call goes on where it was stopped, and with more seeds or sizes makes only what is new.
`--budget-minutes` stops before a cohort that would not fit. Calls side by side take a share each, and the last one to
end writes the tables of all; `--budget-minutes 0` writes them of what is there.

    STUDY/table.csv     a row a cell             STUDY/summary.csv   means over seeds, with intervals
    STUDY/gains.csv     what alignment adds      STUDY/report.html, gap.svg, gap.png, gain.svg, gain.png
"""

import argparse
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from truth.charts import gain_chart, gap_chart, write_picture
from truth.page import study_page
from truth.plan import METHODS, Cell, Cohort, Plan, cells_of, expected_s, left_s, share_of
from truth.summary import cell_rows, csv_of, gain_rows, method_rows, read_study
from truth.work import Settings, Workshop, is_done, read_cell

import wardround
from wardround import files
from wardround.errors import UsageError, WardroundError
from wardround.evaluate.page import write_page
from wardround.stopping import Stopped, StopRequest, stop_on_sigterm


def main() -> None:
    """Make what is missing, as far as the time goes, and write the tables."""
    options = parsed()
    torch.set_num_threads(1)
    plan = Plan(options.sizes, options.rates, options.mechanisms, options.seeds)
    settings = Settings(options.held_out, not options.frozen)
    try:
        failed = make(plan, settings, options.to, options.budget_minutes, options.share)
        write_tables(plan, options.to)
    except WardroundError as error:
        raise SystemExit(str(error)) from None
    if failed:
        raise SystemExit(f"{failed} cohorts failed: the same call tries them again.")


def parsed() -> argparse.Namespace:
    """The options."""
    plan = Plan()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(plan.sizes))
    parser.add_argument("--rates", type=float, nargs="+", default=list(plan.rates))
    parser.add_argument("--mechanisms", nargs="+", default=list(plan.mechanisms))
    parser.add_argument("--seeds", type=int, default=plan.seeds, help="how many")
    parser.add_argument("--held-out", type=int, default=Settings().held_out_stays, help="stays to judge on")
    parser.add_argument("--frozen", action="store_true", help="encoders do not learn on; a study of its own")
    parser.add_argument("--budget-minutes", type=float, help="wall minutes of this call")
    parser.add_argument("--share", type=share, default=(1, 1), help="I/N: this call's part of the cohorts")
    return parser.parse_args()


def share(text: str) -> tuple[int, int]:
    """`I/N`."""
    place, _, of = text.partition("/")
    if not (place.isdecimal() and of.isdecimal() and 1 <= int(place) <= int(of)):
        raise argparse.ArgumentTypeError("give I/N with 1 <= I <= N")
    return int(place), int(of)


def make(
    plan: Plan, settings: Settings, to: Path, budget_minutes: float | None = None, part: tuple[int, int] = (1, 1)
) -> int:
    """Make the cells that are not there, as far as the time goes.

    Args:
        plan: what is studied.
        settings: what every cell shares.
        to: the folder of the study.
        budget_minutes: wall minutes; None for no end.
        part: (i, n): every n-th cohort from the i-th on.

    Returns:
        How many cohorts failed.

    Raises:
        UsageError: where `to` holds a study of other settings.
        Stopped: after SIGTERM; the same call goes on.
        StorageError: if the disk refuses.
    """
    keep_to(settings, to)
    cohorts = share_of(plan.cohorts(), part)
    seconds = {cohort: cost for cohort in cohorts if (cost := seconds_of(to, cohort)) is not None}
    waiting = [cohort for cohort in cohorts if cohort not in seconds]
    workshop = Workshop(to, to / "work" / f"{part[0]}-of-{part[1]}", settings)
    with stop_on_sigterm() as stop:
        return _Round(workshop, seconds, waiting, stop, budget_minutes).run()


class _Round:
    """One call's work.

    Args:
        workshop: where cells are made.
        seconds: of the cohorts that are done.
        waiting: those that are not, in order.
        stop: whether to leave.
        budget_minutes: None for no end.
    """

    def __init__(
        self,
        workshop: Workshop,
        seconds: dict[Cohort, float],
        waiting: list[Cohort],
        stop: StopRequest,
        budget_minutes: float | None,
    ) -> None:
        self.workshop, self.seconds, self.waiting, self.stop = workshop, seconds, waiting, stop
        self.began, self.budget_s = monotonic(), None if budget_minutes is None else 60 * budget_minutes
        self.cells, self.failed = 0, 0

    def run(self) -> int:
        """Cohort after cohort; returns how many failed."""
        while self.waiting:
            cohort = self.waiting[0]
            if not self._fits(cohort):
                print(f"budget: {cohort.name} would not fit; {len(self.waiting)} cohorts left, {self._left()}")
                break
            try:
                self.workshop.cohort(cohort, self._ended)
            except Stopped:
                raise
            except WardroundError as error:
                self.failed += 1
                print(f"FAILED {cohort.name}: {error}", flush=True)
            else:
                self.seconds[cohort] = seconds_of(self.workshop.to, cohort) or 0.0
            self.waiting.pop(0)
        return self.failed

    def _fits(self, cohort: Cohort) -> bool:
        if self.budget_s is None:
            return True
        needed = expected_s(cohort, self.seconds) or 0.0
        return self.budget_s > 0 and monotonic() - self.began + needed <= self.budget_s

    def _ended(self, cell: Cell, facts: dict[str, Any]) -> None:
        self.cells += 1
        print(
            f"{cell.name}: AUROC {facts['auroc']:.3f}, best {facts['best_auroc']:.3f}, {facts['seconds']:.0f} s; "
            f"{len(self.waiting) - 1} cohorts after this one, {self._left()}",
            flush=True,
        )
        self.stop.check()

    def _left(self) -> str:
        left = left_s(self.waiting, self.seconds)
        return "time not known yet" if left is None else f"about {left / 60:.0f} min"


def seconds_of(to: Path, cohort: Cohort) -> float | None:
    """What a cohort took; None where it is not done."""
    cells = cells_of(cohort)
    if not all(is_done(to, cell) for cell in cells):
        return None
    return sum(read_cell(to, cell)["seconds"] for cell in cells)


def keep_to(settings: Settings, to: Path) -> None:
    """Write down what every cell shares, or hold it against what is there. Raises `UsageError` where it is other."""
    path = to / "study.json"
    asked: dict[str, Any] = {
        "wardround": wardround.__version__,
        "methods": [method.name for method in METHODS],
        "held_out_stays": settings.held_out_stays,
        "train_encoders": settings.train_encoders,
        "pretrain": list(settings.pretrain),
        "train": {model: list(chosen) for model, chosen in settings.train.items()},
    }
    if path.is_file() and files.read_json(path) != asked:
        raise UsageError(f"{to} holds a study of other settings ({path}). Give another folder.")
    files.write_json(path, asked)


def write_tables(plan: Plan, to: Path) -> None:
    """Tables, pictures and page of what is there. Raises `StorageError` if the disk refuses."""
    study = read_study(plan, to)
    if not study.cells:
        print("no cell is done yet: there is nothing to write")
        return
    methods, gains = method_rows(study), gain_rows(study)
    for name, rows in (("table", cell_rows(study)), ("summary", methods), ("gains", gains)):
        files.write_text(to / f"{name}.csv", csv_of(rows))
    write_picture(to, "gap", gap_chart(methods, plan))
    write_picture(to, "gain", gain_chart(gains, plan))
    write_page(to / "report.html", study_page(study))


if __name__ == "__main__":
    main()
