"""The study as a command: what is kept, when it stops, and a small one for real."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import truth_study
from truth.held_out import HeldOut
from truth.plan import METHODS, Cell, Cohort, Condition, Plan
from truth.work import Settings, Workshop, cell_file, is_done

from made_up_study import facts_of
from wardround import files
from wardround.errors import RunError, UsageError

PLAN = Plan(sizes=(100, 200), rates=(0.4, 0.8), mechanisms=("random",), seeds=2)
CELL_S = 12.0


class Clock:
    """Wall seconds that pass only while a cell is made."""

    def __init__(self) -> None:
        self.now, self.made = 0.0, []

    def __call__(self) -> float:
        return self.now

    def cell(self, cell: Cell, _: Path, __: HeldOut) -> dict[str, Any]:
        self.now += CELL_S
        self.made.append(cell.name)
        return facts_of(cell)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, fast_fsync: None) -> Clock:
    made = Clock()
    monkeypatch.setattr(truth_study, "monotonic", made)
    monkeypatch.setattr("truth.work._clocks", lambda: {"seconds": made.now, "core_seconds": made.now})
    monkeypatch.setattr(Workshop, "_cell", made.cell)
    monkeypatch.setattr(Workshop, "_held_out", lambda *_: HeldOut(Path(), pl.DataFrame()))
    return made


def test_what_is_done_is_not_done_again(tmp_path: Path, clock: Clock):
    assert truth_study.make(PLAN, Settings(), tmp_path) == 0
    whole = list(clock.made)
    assert len(set(whole)) == len(whole) == 8 * 5
    lost = [cell_file(tmp_path, cell) for cell in map(cell_of, whole) if cell.name in (whole[3], whole[17])]
    for path in lost:
        path.unlink()
    truth_study.make(PLAN, Settings(), tmp_path)
    assert clock.made[40:] == [whole[3], whole[17]]


def test_more_seeds_make_only_what_is_new(tmp_path: Path, clock: Clock):
    truth_study.make(PLAN, Settings(), tmp_path)
    truth_study.make(Plan(PLAN.sizes, PLAN.rates, PLAN.mechanisms, 3), Settings(), tmp_path)
    assert len(clock.made) == 12 * 5
    assert all("seed2" in name for name in clock.made[40:])


def test_no_cohort_is_begun_that_would_not_fit(tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]):
    """A cohort takes a minute here; one twice as large is expected to take two."""
    truth_study.make(PLAN, Settings(), tmp_path, budget_minutes=3.5)
    assert len(clock.made) == 2 * 5
    assert "budget: 200-40-random-seed0 would not fit; 6 cohorts left, about 10 min" in capsys.readouterr().out
    truth_study.make(PLAN, Settings(), tmp_path, budget_minutes=0)
    assert len(clock.made) == 2 * 5
    truth_study.make(PLAN, Settings(), tmp_path, budget_minutes=3.5)
    assert len(clock.made) == 5 * 5, "a minute each: 1, 2 and 3 of 3.5 are over, the next would end after 4"


def test_calls_side_by_side_share_the_work(tmp_path: Path, clock: Clock):
    for place in (1, 2):
        truth_study.make(PLAN, Settings(), tmp_path, part=(place, 2))
    assert len(set(clock.made)) == len(clock.made) == 8 * 5


def test_other_settings_in_the_same_folder_are_refused(tmp_path: Path, clock: Clock):
    truth_study.make(PLAN, Settings(), tmp_path, budget_minutes=0)
    with pytest.raises(UsageError, match="other settings"):
        truth_study.make(PLAN, Settings(train_encoders=False), tmp_path)


def test_a_cohort_that_fails_is_told_and_the_others_go_on(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def failing(workshop: Workshop, cell: Cell, folder: Path, held: HeldOut) -> dict[str, Any]:
        if cell.name == "200-40-random-seed0-mlp-aligned":
            raise RunError("no death validates.")
        return clock.cell(cell, folder, held)

    monkeypatch.setattr(Workshop, "_cell", failing)
    assert truth_study.make(PLAN, Settings(), tmp_path) == 1
    assert "FAILED 200-40-random-seed0: no death validates." in capsys.readouterr().out
    assert len(clock.made) == 8 * 5 - 4


@pytest.mark.slow
def test_a_small_study_for_real(tmp_path: Path, fast_fsync: None, capsys: pytest.CaptureFixture[str]):
    """One cohort end to end, twice: the second call finds everything."""
    plan = Plan(sizes=(300,), rates=(0.4,), mechanisms=("outcome",), seeds=1)
    narrow = ("loop.epochs=2", "encoder.hidden=8", "encoder.embed=4")
    decoder = ("loop.epochs=1", "decoder.hidden=8", "decoder.heads=2", "decoder.mlp_hidden=8")
    chosen = {"mlp": ("loop.epochs=2",), "trajectory": decoder, "boosting": ("rounds=20", "threads=1")}
    settings = Settings(400, True, narrow, chosen)
    assert truth_study.make(plan, settings, tmp_path) == 0
    truth_study.write_tables(plan, tmp_path)
    table = pl.read_csv(tmp_path / "table.csv")
    assert table.height == 5
    assert table["best_auroc"].n_unique() == 1
    assert ((table["gap"] - (table["best_auroc"] - table["auroc"])).abs() < 1e-5).all()
    assert (table["train_stays"] > 3 * table["val_stays"]).all()
    held = files.read_table(tmp_path / "held-out" / "40-outcome.parquet")
    assert 100 < held.height < 400
    assert {"gap.svg", "gap.png", "gain.svg", "gain.png", "report.html"} <= {path.name for path in tmp_path.iterdir()}
    assert list((tmp_path / "work" / "1-of-1").iterdir()) == [tmp_path / "work" / "1-of-1" / "held-out"]
    capsys.readouterr()
    assert truth_study.make(plan, settings, tmp_path) == 0
    assert capsys.readouterr().out == ""
    assert is_done(tmp_path, cell_of("300-40-outcome-seed0-mlp-aligned"))


def cell_of(name: str) -> Cell:
    """The cell of a name."""
    size, rate, why, seed, method = name.split("-", 4)
    cohort = Cohort(Condition(int(rate) / 100, why), int(size), int(seed.removeprefix("seed")))
    return Cell(cohort, next(one for one in METHODS if one.name == method))
