"""Clinical scores of a cohort: by hand, and that nothing of after the prediction time moves one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import raw_mimic4
from small_runs import small_data
from timelines import hand, write_data
from wardround.concepts.known import find_concept
from wardround.concepts.rows import INPUT_COLUMNS
from wardround.errors import DataError
from wardround.methods.scores import CLINICAL, EQUATION
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.train import clinical_scores as module
from wardround.train.clinical_scores import clinical_scores, have_points, points_of
from wardround.train.data import OpenData, open_data
from wardround.train.run_folder import open_run
from wardround.train.supervised import train

AT_24_H = Window("causal", 24.0)
Add = Callable[[raw_mimic4.RawMimic4], object]


def opened(folder: Path, window: Window, *more: Add, scores: bool = True) -> OpenData:
    """Stays 1 to 3 of `raw_mimic4.tiny`, of which stay 1 has every score, and further rows."""
    raw = raw_mimic4.tiny()
    if scores:
        raw_mimic4.add_scores(raw)
    for add in more:
        add(raw)
    return open_data(raw_mimic4.prepare(raw.write(folder / "raw"), folder / "data").folder, window, quiet=True)


def points(data: OpenData, of: str) -> dict[int, float]:
    cohort = data.cohort(None)
    return dict(zip(cohort.frame["stay_id"].to_list(), clinical_scores(data, cohort, of).tolist(), strict=True))


def charted(when: str, item: int, value: float, stored: str | None = None) -> Add:
    times = {"charttime": f"2151-01-0{when}", "storetime": f"2151-01-0{stored or when}"}
    return lambda raw: raw.add("icu/chartevents", 1, **times, itemid=item, value=value, valuenum=value)


def lab(when: str, item: int, value: float, stored: str) -> Add:
    times = {"charttime": f"2151-01-0{when}", "storetime": f"2151-01-0{stored}"}
    return lambda raw: raw.add("hosp/labevents", 1, **times, itemid=item, value=value, valuenum=value, valueuom="mg/dL")


LATER = (
    charted("2 13:00:00", 220045, 190),  # a pulse of the 26th hour
    charted("1 14:00:00", 220050, 40, "2 12:01:00"),  # a pressure of the first day, written after it
    charted("1 15:00:00", 220045, 190, "2 12:01:00"),  # a pulse, likewise
    lab("1 20:00:00", 50912, 9, "2 12:01:00"),  # creatinine, likewise
    lab("1 20:00:00", 51006, 120, "2 15:00:00"),  # urea
    lambda raw: raw.add("hosp/diagnoses_icd", 1, icd_code="C787", icd_version=10, seq_num=2),
    lambda raw: raw.add("icu/outputevents", 1, itemid=226559, charttime="2151-01-02 12:30:00", value=3000),
)
"""What nobody knew at hour 24 of stay 1, at noon of 2 January."""


def test_points_are_the_rows_of_the_concept(tmp_path: Path):
    """All that was charted was known by then."""
    data = opened(tmp_path, AT_24_H)
    events = pl.read_parquet(data.folder / "data" / "*.parquet")
    for of, name in (("sofa", "sofa"), ("oasis", "oasis"), ("sapsii", "sapsii_without_chronic")):
        rows = find_concept(of).compute(events.select(INPUT_COLUMNS), data.stays)
        last = rows.filter(pl.col("name") == name, pl.col("stay_id") == 1, pl.col("time_h") <= 24).sort("time_h")
        assert points(data, of)[1] == last["value"][-1] > 0


@pytest.mark.parametrize("of", CLINICAL)
def test_what_became_known_later_moves_no_score(tmp_path: Path, of: str):
    before, after = opened(tmp_path / "a", AT_24_H), opened(tmp_path / "b", AT_24_H, *LATER)
    assert points(before, of) == pytest.approx(points(after, of), nan_ok=True)


@pytest.mark.parametrize("of", CLINICAL)
def test_the_check_would_find_a_score_that_reads_on(tmp_path: Path, of: str, monkeypatch: pytest.MonkeyPatch):
    """The cut taken away: as if every stay were asked ten days later."""

    def late(data: OpenData) -> dict[int, float]:
        cohort = data.cohort(None)
        frame = cohort.frame.with_columns(pl.col("prediction_time") + pl.duration(days=10))
        found = clinical_scores(data, replace(cohort, frame=frame), of)
        return dict(zip(frame["stay_id"].to_list(), found.tolist(), strict=True))

    before, after = opened(tmp_path / "a", AT_24_H), opened(tmp_path / "b", AT_24_H, *LATER)
    assert late(before)[1] != late(after)[1]


def test_no_protocol_knows_chronic_diseases(tmp_path: Path):
    """At the end of a unit stay the dead have been discharged, the others have not."""
    paper = Window("paper", None)
    cancer = LATER[-2]
    assert points(opened(tmp_path / "a", paper), "sapsii") == points(opened(tmp_path / "b", paper, cancer), "sapsii")


def shards(data: OpenData, *subjects: list[int]) -> None:
    """The events of a folder again, in other shards."""
    events = pl.read_parquet(data.folder / "data" / "*.parquet")
    for place, of in enumerate(subjects):
        events.filter(pl.col("subject_id").is_in(of)).write_parquet(data.folder / "data" / f"{place}.parquet")


@pytest.mark.parametrize("of", CLINICAL)
def test_shards_change_nothing(tmp_path: Path, of: str):
    data = opened(tmp_path, AT_24_H)
    whole, whose = points(data, of), sorted(set(data.stays["subject_id"].to_list()))
    assert len(whose) == 2
    for order in (whose, whose[::-1]):
        shards(data, *([subject] for subject in order))
        assert points(data, of) == pytest.approx(whole, nan_ok=True)
    assert not np.isnan(whole[1])


def test_the_services_of_the_hospital_stay_are_those_of_a_second_unit_stay(tmp_path: Path):
    """As in `wardround concepts`: an elective operation before the first unit stay has no points in the second."""
    data = opened(tmp_path, AT_24_H)
    first = data.stays.filter(pl.col("stay_id") == 1)
    second = first.with_columns(stay_id=pl.lit(9, pl.Int64), start=pl.col("start") + pl.duration(hours=30))
    both = replace(data, stays=pl.concat([data.stays, second]))
    events = pl.read_parquet(data.folder / "data" / "*.parquet")
    came = events.filter(pl.col("stay_id") == 1).head(2).with_columns(
        code=pl.Series(["ADMISSION_TYPE//ELECTIVE", "SERVICE//CSURG"]),
        stay_id=pl.Series([9, 1], dtype=pl.Int64),
        time=first["start"].item() - timedelta(hours=1),
        available_time=first["start"].item() - timedelta(hours=1),
    )  # fmt: skip
    later = events.filter(pl.col("stay_id") == 1, pl.col("code").str.starts_with("VITAL//heartrate")).with_columns(
        pl.col("time", "available_time") + pl.duration(hours=30), stay_id=pl.lit(9, pl.Int64)
    )
    others = events.filter(~pl.col("code").str.contains("^(ADMISSION_TYPE|SERVICE)"))
    pl.concat([others, came, later]).write_parquet(data.folder / "data" / "0.parquet")
    age, pulse = 7 if first["age"].item() < 60 else 12, 0
    assert points(both, "sapsii")[9] == age + pulse


def test_a_stay_without_any_value_has_no_score(tmp_path: Path):
    """Half an hour into the stay nothing was charted yet; an hour into it all was."""
    assert np.isnan(points(opened(tmp_path / "a", Window("causal", 0.5)), "oasis")[1])
    assert not np.isnan(points(opened(tmp_path / "b", Window("causal", 1.0)), "oasis")[1])


def test_data_that_cannot_tell_are_refused(tmp_path: Path):
    data = opened(tmp_path, AT_24_H, scores=False)
    with pytest.raises(DataError, match=r"no code of what sofa needs: .*leave this row out"):
        clinical_scores(data, data.cohort(None), "sofa")


APS = [(1, 100, 100, "aps", "APS//heartrate", 130.0), (2, 50, 50, "lab", "LAB//sodium", 140.0)]
TOO_LATE = [(1, 1_000, 1_500, "aps", "APS//meanbp", 30.0), (1, 1_441, 1_441, "aps", "APS//temperature", 30.0)]


def test_the_equation_is_what_was_known_by_then(tmp_path: Path):
    """Control: at hour 30 what is late at hour 24 has come."""
    found: dict[tuple[str, float], list[float]] = {}
    for name, events in (("before", APS), ("after", [*APS, *TOO_LATE])):
        folder = write_data(tmp_path / name, hand(events))
        for at_h in (24.0, 30.0):
            data = open_data(folder, Window("causal", at_h), quiet=True)
            found[name, at_h] = points_of(data, data.cohort(None), EQUATION).tolist()
    assert found["before", 24.0] == pytest.approx(found["after", 24.0], nan_ok=True)
    assert not np.isnan(found["before", 24.0][0])
    assert np.isnan(found["before", 24.0][1])
    assert found["before", 30.0][0] != found["after", 30.0][0]


def test_the_equation_is_a_row_of_its_own(tmp_path: Path):
    data, to = small_data(tmp_path / "data"), tmp_path / "run"
    train("score", data, "mortality", to, Window(), SplitPlan(), assignments=["of=apache_iv"], quiet=True)
    assert open_run(to).fitted.keys() >= {"slope", "intercept"}


def test_one_stay_with_points_in_each_group_is_all_that_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = opened(tmp_path, AT_24_H)
    cohort = data.cohort(None)
    have = ~np.isnan(clinical_scores(data, cohort, "sofa"))
    whole, read = module.points_by_shard, list[int]()

    def one_by_one(*given):
        for stay in pl.concat(whole(*given)).partition_by("stay_id", maintain_order=True):
            read.append(stay["stay_id"][0])
            yield stay

    monkeypatch.setattr(module, "points_by_shard", one_by_one)
    everybody = np.arange(len(have))
    assert have.sum() > 1
    assert have_points(data, cohort, "sofa", [everybody]).sum() == len(read) == 1
    assert have_points(data, cohort, "sofa", [everybody[[place]] for place in everybody]).tolist() == have.tolist()
