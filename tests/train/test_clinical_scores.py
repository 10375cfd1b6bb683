"""Clinical scores of a cohort: by hand, and that nothing of after the prediction time moves one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import raw_mimic4
from wardround.errors import DataError
from wardround.methods.scores import CLINICAL
from wardround.tasks.cohort import Window
from wardround.train import clinical_scores as module
from wardround.train.clinical_scores import clinical_scores
from wardround.train.data import OpenData, open_data

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
        concept = module.find_concept(of)
        rows = concept.compute(events.select(module.INPUT_COLUMNS), data.stays)
        last = rows.filter(pl.col("name") == name, pl.col("stay_id") == 1, pl.col("time_h") <= 24).sort("time_h")
        assert points(data, of)[1] == last["value"][-1] > 0


@pytest.mark.parametrize("of", CLINICAL)
def test_what_became_known_later_moves_no_score(tmp_path: Path, of: str):
    before, after = opened(tmp_path / "a", AT_24_H), opened(tmp_path / "b", AT_24_H, *LATER)
    assert points(before, of) == pytest.approx(points(after, of), nan_ok=True)


@pytest.mark.parametrize("of", CLINICAL)
def test_the_check_would_find_a_score_that_reads_on(tmp_path: Path, of: str, monkeypatch: pytest.MonkeyPatch):
    def uncut(path: object, asked: pl.DataFrame, concept: module.Concept, clock: str) -> pl.DataFrame:
        return pl.read_parquet(str(path)).select(module.INPUT_COLUMNS)

    monkeypatch.setattr(module, "_known_then", uncut)
    monkeypatch.setattr(module, "_until_then", lambda stays: stays)
    before, after = opened(tmp_path / "a", AT_24_H), opened(tmp_path / "b", AT_24_H, *LATER)
    assert points(before, of)[1] != points(after, of)[1]


def test_the_paper_protocol_reads_on_to_the_end_and_knows_chronic_diseases(tmp_path: Path):
    paper = Window("paper", None)
    plain = points(opened(tmp_path / "a", paper), "sapsii")[1]
    assert points(opened(tmp_path / "b", paper, *LATER), "sapsii")[1] > plain


def test_a_stay_without_any_value_has_no_score(tmp_path: Path):
    """Half an hour into the stay nothing was charted yet; an hour into it all was."""
    assert np.isnan(points(opened(tmp_path / "a", Window("causal", 0.5)), "oasis")[1])
    assert not np.isnan(points(opened(tmp_path / "b", Window("causal", 1.0)), "oasis")[1])


def test_data_that_cannot_tell_are_refused(tmp_path: Path):
    data = opened(tmp_path, AT_24_H, scores=False)
    with pytest.raises(DataError, match=r"no code of what sofa needs: .*leave this row out"):
        clinical_scores(data, data.cohort(None), "sofa")
