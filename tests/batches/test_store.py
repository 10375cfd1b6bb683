"""The events of a cohort, ready for a model: order, state at the prediction time, what is fitted."""

from dataclasses import FrozenInstanceError, replace
from math import e
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from jaxtyping import install_import_hook

from timelines import hand, random_timelines, write_data
from wardround import files
from wardround.errors import DataError, RunError, UsageError
from wardround.tasks.cohort import Cohort, Window, cohort

with install_import_hook("wardround.batches", "beartype.beartype"):
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


@pytest.mark.parametrize("name", ["score", "xray"])
def test_a_score_or_an_unknown_modality_is_no_input(tmp_path: Path, name: str):
    lines, chosen = opened(tmp_path, hand(EVENTS))
    with pytest.raises(UsageError, match=rf"no input modality {name}\. There are: demographics, .*history\."):
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
    with pytest.raises(DataError, match="no code is in enough training stays"):
        fit_featuriser(lines, chosen, replace(SIMPLE, modalities=("treatment",)))


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


def test_what_is_made_once_cannot_be_changed(by_hand: tuple[Lines, Cohort, Featuriser]):
    lines, chosen, featuriser = by_hand
    made = event_store(lines, chosen, featuriser)
    for value in (lines, chosen, chosen.window, featuriser, featuriser.vocabulary, featuriser.normaliser, SIMPLE, made):
        with pytest.raises(FrozenInstanceError):
            value.changed = True  # type: ignore[union-attr]
