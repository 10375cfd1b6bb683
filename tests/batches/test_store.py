"""The events of a cohort, ready for a model: order, state at the prediction time, what is fitted."""

import tracemalloc
from dataclasses import FrozenInstanceError, replace
from math import e, nan
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from timelines import hand, random_timelines, write_data
from wardround import files
from wardround.batches import store as store_module
from wardround.batches.content import ContentSettings
from wardround.batches.features import FeatureSettings
from wardround.batches.lines import Lines, open_lines
from wardround.batches.store import (
    EventStore,
    Featuriser,
    InputSettings,
    event_store,
    fit_featuriser,
    stays_and_cuts,
)
from wardround.concepts.apache_iv import LOGIT_CODE
from wardround.errors import DataError, RunError, UsageError
from wardround.events import INPUT_MODALITIES
from wardround.settings import as_json, from_json, override
from wardround.tasks.cohort import Cohort, Window, cohort

ALL_CODES = FeatureSettings(min_stay_share=0.0)
SIMPLE = InputSettings(features=ALL_CODES, content=ContentSettings(summaries=("last",)))


def opened(folder: Path, timelines) -> tuple[Lines, Cohort]:
    write_data(folder, timelines)
    return open_lines(folder, Window()), cohort(files.read_table(folder / "stays.parquet"), Window())


EVENTS = [
    (1, 0, 0, "demographics", "GENDER//Female", None),
    (2, 0, 0, "demographics", "GENDER//Female", None),
    (1, 30, 90, "lab", "LAB//sodium", 0.0),
    (1, 95, 95, "lab", "LAB//sodium", e**2 - 1),
    (1, 10, 10, "vitals", "VITALS//hr", 80.0),
    (1, 90, 90, "medication", "MEDICATION//heparin", None),
    (1, 100, 1500, "lab", "LAB//sodium", 5.0),
    (2, 90, 90, "lab", "LAB//sodium", e**2 - 1),
    (3, 2000, 2000, "lab", "LAB//sodium", 1.0),
    (1, 0, 0, "score", "APACHE//IVa//predictedhospitalmortality", 0.2),
]


def as_text(made: EventStore) -> str:
    """A line for each event: stay, minute, modality, inputs; then the last row of each modality."""
    stay = np.repeat(made.stay_ids, np.diff(made.offsets))
    rows = []
    for place, (minute, modality, row) in enumerate(zip(made.minute, made.modality, made.row, strict=True)):
        name = made.modalities[modality]
        rows.append(f"{stay[place]} {minute} {name} {' '.join(f'{v:g}' for v in made.content[name][row].round(3))}")
    last = [f"{stay} has {' '.join(map(str, row))}" for stay, row in zip(made.stay_ids, made.last, strict=True)]
    return "\n".join([*rows, *last])


@pytest.fixture
def by_hand(tmp_path: Path) -> tuple[Lines, Cohort, Featuriser]:
    lines, chosen = opened(tmp_path, hand(EVENTS))
    return lines, chosen, fit_featuriser(lines, chosen, SIMPLE)


def test_a_store_by_hand(by_hand: tuple[Lines, Cohort, Featuriser]):
    """Sodium's last values are 2 and 2 after the sign-log, so mean 2 and spread 1. Vitals wait for the full hour. At
    one minute the item that comes first in its line goes first: the draw of minute 30 before the drug of minute 90.
    Stay 3 has nothing by 24 h."""
    lines, chosen, featuriser = by_hand
    made = event_store(lines, chosen, featuriser)
    assert made.modalities == ("demographics", "medication", "lab", "vitals")
    assert as_text(made) == (
        "1 0 demographics 1\n"
        "1 60 vitals 0 1\n"
        "1 90 lab -2 1\n"
        "1 90 medication 1\n"
        "1 95 lab 0 1\n"
        "2 0 demographics 1\n"
        "2 90 lab 0 1\n"
        "1 has 0 0 1 0\n"
        "2 has 1 -1 2 -1\n"
        "3 has -1 -1 -1 -1"
    )
    assert made.observed.tolist() == [[True] * 4, [True, False, True, False], [False] * 4]
    assert made.unknown_items == 0


def test_a_store_of_states_has_no_events(by_hand: tuple[Lines, Cohort, Featuriser]):
    lines, chosen, featuriser = by_hand
    made = event_store(lines, chosen, featuriser, sequences=False)
    assert as_text(made) == "1 has 0 0 0 0\n2 has 1 -1 1 -1\n3 has -1 -1 -1 -1"
    assert made.content["lab"].tolist() == [[0, 1], [0, 1]]


def test_static_models_get_the_whole_state_even_where_events_carry_their_own_items(tmp_path: Path):
    lines, chosen = opened(tmp_path, hand([(1, 0, 0, "lab", "LAB//a", 1.0), (1, 5, 5, "lab", "LAB//b", 1.0)]))
    own = replace(SIMPLE, content=ContentSettings(summaries=("last",), running=False))
    featuriser = fit_featuriser(lines, chosen, own)
    state, events = (event_store(lines, chosen, featuriser, sequences) for sequences in (False, True))
    assert state.content["lab"].tolist() == [[0, 0, 1, 1]]
    assert events.content["lab"].tolist() == [[0, 0, 1, 0], [0, 0, 0, 1]]


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (1, "1 0 demographics 1\n1 60 vitals 0 1\n1 90 medication 1\n1 95 lab 0 1\n2 0 demographics 1\n2 90 lab 0 1"),
        (
            4,
            "1 0 demographics 1\n1 60 vitals 0 1\n1 90 lab -2 1\n1 90 medication 1\n1 95 lab 0 1\n"
            "2 0 demographics 1\n2 90 lab 0 1",
        ),
    ],
)
def test_only_the_latest_events_and_the_last_of_each_modality_are_kept(by_hand, most: int, expected: str):
    lines, chosen, featuriser = by_hand
    cut = replace(featuriser, settings=replace(SIMPLE, content=ContentSettings(summaries=("last",), max_events=most)))
    made = event_store(lines, chosen, cut)
    assert as_text(made).split("\n1 has")[0] == expected
    state = event_store(lines, chosen, featuriser, sequences=False)
    for index, name in enumerate(made.modalities):
        have = state.last[:, index] >= 0
        assert np.array_equal(have, made.last[:, index] >= 0)
        assert np.array_equal(made.content[name][made.last[have, index]], state.content[name][state.last[have, index]])


def test_a_modality_that_is_left_out_frees_its_places(by_hand):
    lines, chosen, featuriser = by_hand
    four = replace(featuriser, settings=replace(SIMPLE, content=ContentSettings(summaries=("last",), max_events=2)))
    left = event_store(lines, chosen, four, without=["demographics", "medication"])
    assert as_text(left).split("\n1 has")[0] == "1 60 vitals 0 1\n1 90 lab -2 1\n1 95 lab 0 1\n2 90 lab 0 1"
    gone = [left.modalities.index(name) for name in ("demographics", "medication")]
    assert (left.last[:, gone] == -1).all()
    assert left.unknown_items == 0


def test_a_modality_that_is_none_of_the_run_is_refused(by_hand):
    lines, chosen, featuriser = by_hand
    with pytest.raises(UsageError, match=r"--without cxr, score: the run's modalities are demographics, .*lab"):
        event_store(lines, chosen, featuriser, without=["cxr", "lab", "score"])


# Published odds beside the events

SCORED = [
    *((stay, 0, 0, "demographics", "AGE", 60.0) for stay in (1, 2, 3)),
    (1, 90, 90, "aps", "APS//heartrate", 130.0),
    (1, 95, 95, "lab", "LAB//sodium", 140.0),
    (1, 300, 300, "aps", "APS//meanbp", 55.0),
    (1, 300, 300, "lab", "LAB//sodium", 141.0),
    (1, 310, 2000, "aps", "APS//temperature", 30.0),
    (3, -5, -5, "aps", "APS//heartrate", 130.0),
]
ASKED = replace(SIMPLE, modalities=INPUT_MODALITIES)


@pytest.fixture
def scored(tmp_path: Path) -> tuple[Lines, Cohort, list[float]]:
    """Lines and cohort, and the log odds at each time: of stay 1 at 90, 300 and 2000, of stay 3 at -5 and 0."""
    lines, chosen = opened(tmp_path, hand(SCORED))
    return lines, chosen, lines.value[lines.code == lines.codes.index(LOGIT_CODE)].tolist()


def published(made: EventStore) -> str:
    """A line for each event: stay, minute, modality, log odds."""
    stay = np.repeat(made.stay_ids, np.diff(made.offsets))
    names = [made.modalities[modality] for modality in made.modality]
    rows = zip(stay, made.minute, names, made.published, strict=True)
    return "\n".join(f"{s} {minute} {name} {logit:.3f}" for s, minute, name, logit in rows)


def test_published_odds_as_they_stood_at_the_minute_of_each_event(scored: tuple[Lines, Cohort, list[float]]):
    """Of a minute all is known: the lab of 300 knows the blood pressure of 300. What comes after 24 h is never seen."""
    lines, chosen, (first, second, _, without_age, third) = scored
    made = event_store(lines, chosen, fit_featuriser(lines, chosen, ASKED))
    assert published(made) == (
        "1 0 demographics nan\n"
        f"1 90 aps {first:.3f}\n"
        f"1 90 severity {first:.3f}\n"
        f"1 95 lab {first:.3f}\n"
        f"1 300 lab {second:.3f}\n"
        f"1 300 aps {second:.3f}\n"
        f"1 300 severity {second:.3f}\n"
        "2 0 demographics nan\n"
        f"3 -5 aps {without_age:.3f}\n"
        f"3 -5 severity {without_age:.3f}\n"
        f"3 0 demographics {third:.3f}\n"
        f"3 0 severity {third:.3f}"
    )
    state = event_store(lines, chosen, fit_featuriser(lines, chosen, ASKED), sequences=False)
    for one in (made, state):
        assert one.published_last.tolist() == pytest.approx([second, nan, third], nan_ok=True)
    assert len(state.published) == 0


@pytest.mark.parametrize("left_out", [["severity"], ["aps"], ["lab", "demographics"]])
def test_published_odds_go_with_their_modality_and_with_what_they_are_made_of(scored, left_out: list[str]):
    lines, chosen, _ = scored
    featuriser = fit_featuriser(lines, chosen, ASKED)
    made = event_store(lines, chosen, featuriser, without=left_out)
    assert np.isnan(made.published).all()
    assert np.isnan(made.published_last).all()
    gone = [made.modalities.index(name) for name in {*left_out, "severity"}]
    assert (made.last[:, gone] == -1).all()
    assert np.isfinite(event_store(lines, chosen, featuriser, without=["lab"]).published_last[0])


def test_published_odds_are_read_unless_other_modalities_are_named(scored: tuple[Lines, Cohort, list[float]]):
    lines, chosen, _ = scored
    assert "severity" in fit_featuriser(lines, chosen, SIMPLE).vocabulary.modalities
    named = replace(SIMPLE, modalities=("demographics", "lab", "aps"))
    made = event_store(lines, chosen, fit_featuriser(lines, chosen, named))
    assert made.modalities == ("demographics", "lab", "aps")
    assert np.isnan(made.published).all()
    assert np.isnan(made.published_last).all()


@pytest.mark.parametrize("sequences", [True, False])
def test_how_many_stays_are_done_at_a_time_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sequences: bool
):
    lines, chosen = opened(tmp_path, random_timelines(5, 40))
    made = []
    for chunk in (512, 1, 7):
        monkeypatch.setattr(store_module, "CHUNK_STAYS", chunk)
        featuriser = fit_featuriser(lines, chosen, InputSettings(content=ContentSettings(max_events=6)))
        made.append(event_store(lines, chosen, featuriser, sequences))
    for other in made[1:]:
        assert as_text(other) == as_text(made[0])
        for name, rows in made[0].content.items():
            assert rows.tobytes() == other.content[name].tobytes()


def test_a_stay_is_the_same_alone_and_among_others(tmp_path: Path):
    lines, chosen = opened(tmp_path, random_timelines(5, 40))
    featuriser = fit_featuriser(lines, chosen, InputSettings())
    whole = event_store(lines, chosen, featuriser)
    for place in range(0, chosen.frame.height, 5):
        alone = event_store(lines, replace(chosen, frame=chosen.frame[[place]]), featuriser)
        part = slice(whole.offsets[place], whole.offsets[place + 1])
        assert alone.minute.tolist() == whole.minute[part].tolist()
        for index, name in enumerate(whole.modalities):
            rows = whole.row[part][whole.modality[part] == index]
            assert (
                alone.content[name][alone.row[alone.modality == index]].tobytes() == whole.content[name][rows].tobytes()
            )


def test_items_that_are_not_known_are_counted(by_hand: tuple[Lines, Cohort, Featuriser]):
    """Two of the three demographics and lab items of stay 2's vocabulary-less twin: here all labs of stays 1 and 2."""
    lines, chosen, featuriser = by_hand
    words = featuriser.vocabulary
    without = replace(
        words, numbers={**words.numbers, "lab": ()}, presences={**words.presences, "lab": ("LAB//other",)}
    )
    shape = np.zeros((1, 0))
    scale = replace(
        featuriser.normaliser,
        mean={**featuriser.normaliser.mean, "lab": shape},
        spread={**featuriser.normaliser.spread, "lab": shape},
    )
    made = event_store(lines, chosen, replace(featuriser, vocabulary=without, normaliser=scale))
    assert made.unknown_items == 3
    assert not made.observed[:, made.modalities.index("lab")].any()


def test_prediction_times_in_minutes(by_hand: tuple[Lines, Cohort, Featuriser]):
    lines, chosen, _ = by_hand
    stays, cut = stays_and_cuts(lines, chosen)
    assert (stays.tolist(), cut.tolist()) == ([0, 1, 2], [1440.0] * 3)
    half = chosen.frame.with_columns(prediction_time=pl.col("start") + pl.duration(seconds=90))
    assert stays_and_cuts(lines, replace(chosen, frame=half))[1].tolist() == [1.0] * 3, "a begun minute is not over"
    whole = replace(chosen, window=Window("paper", None))
    assert stays_and_cuts(lines, whole)[1].tolist() == [np.inf] * 3


def test_a_stay_of_other_data_is_refused(by_hand: tuple[Lines, Cohort, Featuriser]):
    lines, chosen, featuriser = by_hand
    foreign = replace(chosen, frame=chosen.frame.with_columns(pl.col("stay_id") + 70))
    with pytest.raises(DataError, match="3 of 3 stays are not in this data"):
        event_store(lines, foreign, featuriser)


def test_a_vocabulary_holds_what_was_visible(by_hand: tuple[Lines, Cohort, Featuriser]):
    """No published score, though it is there; nothing of stay 3, whose lab comes after 24 h."""
    _, _, featuriser = by_hand
    assert featuriser.vocabulary.modalities == ("demographics", "medication", "lab", "vitals")
    assert featuriser.widths == {"demographics": 1, "medication": 1, "lab": 2, "vitals": 2}
    assert featuriser.normaliser.mean["lab"].tolist() == [[pytest.approx(2)]]


def test_modalities_can_be_chosen(tmp_path: Path):
    lines, chosen = opened(tmp_path, hand(EVENTS))
    assert fit_featuriser(lines, chosen, replace(SIMPLE, modalities=("vitals", "lab"))).vocabulary.modalities == (
        "lab",
        "vitals",
    )


@pytest.mark.parametrize("name", ["score", "charting", "xray"])
def test_a_score_or_an_unknown_modality_is_no_input(tmp_path: Path, name: str):
    lines, chosen = opened(tmp_path, hand(EVENTS))
    with pytest.raises(
        UsageError, match=rf"no input modality {name}\. There are: demographics, .*microbiology, .*cxr\."
    ):
        fit_featuriser(lines, chosen, replace(SIMPLE, modalities=("lab", name)))


def test_a_modality_of_somebody_elses_data_is_no_input(tmp_path: Path):
    lines, chosen = opened(tmp_path, hand([*EVENTS, (1, 0, 0, "xray", "XRAY//chest", None)]))
    assert fit_featuriser(lines, chosen, SIMPLE).vocabulary.modalities == (
        "demographics",
        "medication",
        "lab",
        "vitals",
    )


def test_no_frequent_code_at_all_is_an_error(tmp_path: Path):
    lines, chosen = opened(tmp_path, hand(EVENTS))
    with pytest.raises(DataError, match="training stays show none of treatment by the prediction time"):
        fit_featuriser(lines, chosen, replace(SIMPLE, modalities=("treatment",)))
    rare = replace(SIMPLE, modalities=("vitals",), features=replace(SIMPLE.features, min_stay_share=1.0))
    with pytest.raises(DataError, match=r"no code is in enough training stays .*: none of vitals is in 100 % of"):
        fit_featuriser(lines, chosen, rare)


def test_a_featuriser_is_what_was_saved(by_hand: tuple[Lines, Cohort, Featuriser], tmp_path: Path):
    lines, chosen, featuriser = by_hand
    featuriser.save(tmp_path / "run")
    read = Featuriser.load(tmp_path / "run", SIMPLE)
    assert read.vocabulary == featuriser.vocabulary
    assert as_text(event_store(lines, chosen, read)) == as_text(event_store(lines, chosen, featuriser))
    with pytest.raises(RunError, match="does not fit the vocabulary"):
        Featuriser.load(tmp_path / "run", InputSettings())


def test_a_cohort_without_any_visible_event_has_an_empty_store(by_hand: tuple[Lines, Cohort, Featuriser]):
    lines, chosen, featuriser = by_hand
    third = replace(chosen, frame=chosen.frame.filter(stay_id=3))
    for sequences in (True, False):
        made = event_store(lines, third, featuriser, sequences)
        assert (made.offsets.tolist(), made.observed.any()) == ([0, 0], False)


class InMemory(store_module.GrowingArray):
    """The fault: rows kept in memory until the cohort is through."""

    def __enter__(self) -> "InMemory":
        self.rows: list[np.ndarray] = []
        return self

    def add(self, rows: np.ndarray) -> None:
        self.rows.append(rows.astype(self.kind))
        self.length += len(rows)

    def finish(self) -> np.ndarray:
        return np.concatenate(self.rows)


@pytest.mark.parametrize("kept", ["on disk", "in memory"])
def test_memory_holds_what_is_of_a_stay_not_what_is_of_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str
):
    """Peak memory for 50 stays and for 400: what 350 more take is far less than their events."""
    lines, chosen = opened(tmp_path, random_timelines(5, 400, per_stay=250))
    monkeypatch.setattr(store_module, "CHUNK_STAYS", 10)
    if kept == "in memory":
        monkeypatch.setattr(store_module, "GrowingArray", InMemory)
    featuriser = fit_featuriser(lines, chosen, InputSettings(), quiet=True)
    peak, size = [], []
    for stays in (50, 50, chosen.frame.height):  # the first is for what is made once a process
        tracemalloc.start()
        made = event_store(lines, replace(chosen, frame=chosen.frame.head(stays)), featuriser, quiet=True)
        peak.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        size.append(sum(rows.nbytes for rows in made.content.values()))
    share = (peak[2] - peak[1]) / (size[2] - size[1])
    assert share > 1 if kept == "in memory" else share < 0.15


def test_nothing_is_left_beside_the_lines(by_hand: tuple[Lines, Cohort, Featuriser]):
    lines, chosen, featuriser = by_hand
    before = sorted(lines.cache.rglob("*"))
    event_store(lines, chosen, featuriser)
    assert sorted(lines.cache.rglob("*")) == before


def test_long_work_says_how_far_it_is_unless_quiet(tmp_path: Path, capsys: pytest.CaptureFixture):
    write_data(tmp_path, hand(EVENTS))
    chosen = cohort(files.read_table(tmp_path / "stays.parquet"), Window())
    steps = {
        "putting events in order, shards: 1 of 1 in ": lambda quiet: open_lines(tmp_path, Window(), quiet),
        "fitting the vocabulary, stays: 3 of 3 in ": lambda quiet: fit_featuriser(lines, chosen, SIMPLE, quiet),
        "fitting the normaliser, stays: 3 of 3 in ": lambda quiet: fit_featuriser(lines, chosen, SIMPLE, quiet),
        "making events, stays: 3 of 3 in ": lambda quiet: event_store(lines, chosen, featuriser, quiet=quiet),
    }
    for said, step in steps.items():
        step(False)
        assert said in capsys.readouterr().err
        files.remove(tmp_path / "cache")
        lines = open_lines(tmp_path, Window(), quiet=True)
        featuriser = fit_featuriser(lines, chosen, SIMPLE, quiet=True)
        step(True)
        assert capsys.readouterr().err == ""


MIXED = [
    (1, 0, 0, "demographics", "AGE", 60.0),
    (2, 0, 0, "demographics", "AGE", 70.0),
    *((stay, minute, minute, "intake_output", "IO//urine//mL", 100.0 * stay) for stay in (1, 2) for minute in (5, 65)),
    *((stay, 5, 5, "lab", "LAB//sodium", 140.0) for stay in (1, 2)),
]


def test_each_modality_has_the_width_of_its_own_summaries(tmp_path: Path):
    """Sodium: last, mean and its mask. Urine: last, sum, sum_24h and the mask. Age: its value and the mask."""
    lines, chosen = opened(tmp_path, hand(MIXED))
    settings = InputSettings(features=ALL_CODES, content=ContentSettings(summaries=("last", "mean")))
    featuriser = fit_featuriser(lines, chosen, settings)
    made = event_store(lines, chosen, featuriser)
    assert featuriser.widths == {"demographics": 2, "lab": 3, "intake_output": 4}
    assert {name: rows.shape[1] for name, rows in made.content.items()} == featuriser.widths
    assert [made.minute[made.modality == 2].tolist(), made.content["intake_output"][:, 3].tolist()] == [
        [60, 120, 60, 120],
        [1] * 4,
    ]
    featuriser.save(tmp_path / "run")
    read = Featuriser.load(tmp_path / "run", settings)
    assert as_text(event_store(lines, chosen, read)) == as_text(made)
    other = replace(settings, content=replace(settings.content, volumes=()))
    with pytest.raises(RunError, match="does not fit the vocabulary"):
        Featuriser.load(tmp_path / "run", other)


def test_the_printed_summary_for_everything_can_be_asked_for():
    asked = override(InputSettings(), ["summaries=mean", "volumes=", "singles="])
    assert asked.content == ContentSettings(summaries=("mean",), volumes=(), singles=())


def test_inputs_of_a_run_made_before_volumes_and_singles_are_refused():
    old = as_json(InputSettings())
    for name in ("volumes", "singles"):
        del old["content"][name]
    with pytest.raises(RunError, match=r"do not fit ContentSettings of this version: singles, volumes\. Train"):
        from_json(InputSettings, old)


def test_what_is_made_once_cannot_be_changed(by_hand: tuple[Lines, Cohort, Featuriser]):
    lines, chosen, featuriser = by_hand
    made = event_store(lines, chosen, featuriser)
    for value in (lines, chosen, chosen.window, featuriser, featuriser.vocabulary, featuriser.normaliser, SIMPLE, made):
        with pytest.raises(FrozenInstanceError):
            value.changed = True  # type: ignore[union-attr]
