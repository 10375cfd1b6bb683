"""What each event tells, worked by hand: running state and own items, hourly bins, the cut at the prediction time."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timelines import hand, write_data
from wardround.batches.content import (
    SUMMARIES,
    ContentSettings,
    ModalityContent,
    modality_contents,
    visible_counts,
    visible_items,
)
from wardround.batches.features import Vocabulary, map_codes
from wardround.batches.lines import Lines, open_lines
from wardround.errors import UsageError
from wardround.tasks.cohort import Window

VOCABULARY = Vocabulary(
    ("diagnosis", "lab", "vitals"),
    {"diagnosis": (), "lab": ("LAB//lactate", "LAB//sodium"), "vitals": ("VITALS//hr",)},
    {"diagnosis": ("DIAGNOSIS//a", "DIAGNOSIS//a|b", "DIAGNOSIS//c"), "lab": (), "vitals": ()},
)
ALL = ContentSettings(summaries=SUMMARIES)
WHOLE = np.inf
HEADER = f"stay minute {' '.join(SUMMARIES)}\n"


def lines_of(folder: Path, *events: tuple) -> Lines:
    """Events of `(stay, minute, modality, code, value)`, known at once."""
    return open_lines(write_data(folder, hand((s, m, m, o, c, v) for s, m, o, c, v in events)), Window())


def contents(lines: Lines, made: ContentSettings = ALL, cut_min: float = WHOLE) -> dict[str, ModalityContent]:
    stays = np.arange(len(lines.stay_ids))
    cut = np.full(len(stays), float(cut_min))
    codes = map_codes(lines.codes, VOCABULARY, paths=True)
    return modality_contents(lines, visible_items(lines, stays, cut), cut, VOCABULARY, codes, made)[0]


def as_text(content: ModalityContent, number: int, names: tuple[str, ...]) -> str:
    """A line for each event: stay, minute, then one number's summaries."""
    rows = zip(content.stay, content.minute, content.summaries[:, :, number].T, strict=True)
    return "\n".join(
        [f"stay minute {' '.join(names)}", *(f"{s} {m} {' '.join(f'{v:g}' for v in vs)}" for s, m, vs in rows)]
    )


LABS = [
    (1, 0, "lab", "LAB//sodium", 140.0),
    (1, 60, "lab", "LAB//sodium", 138.0),
    (1, 60, "lab", "LAB//lactate", 2.0),
    (1, 120, "lab", "LAB//sodium", 144.0),
    (1, 120, "lab", "LAB//sodium", 142.0),
    (1, 300, "lab", "LAB//lactate", 4.0),
    (2, 60, "lab", "LAB//sodium", 130.0),
]


def test_the_state_so_far_by_hand(tmp_path: Path):
    lab = contents(lines_of(tmp_path, *LABS))["lab"]
    assert as_text(lab, 1, SUMMARIES) == (
        HEADER + "0 0 140 140 140 140 0 140 140 1 140 140 140 140\n"
        "0 60 139 278 138 140 -2 138 140 2 278 139 138 140\n"
        "0 120 141 564 144 140 4 138 144 4 564 141 138 144\n"
        "0 300 141 564 144 140 4 138 144 4 564 141 138 144\n"
        "1 60 130 130 130 130 0 130 130 1 130 130 130 130"
    )
    assert as_text(lab, 0, SUMMARIES) == (
        HEADER + "0 0 nan nan nan nan nan nan nan nan nan nan nan nan\n"
        "0 60 2 2 2 2 0 2 2 1 2 2 2 2\n"
        "0 120 2 2 2 2 0 2 2 1 2 2 2 2\n"
        "0 300 3 6 4 2 2 2 4 2 6 3 2 4\n"
        "1 60 nan nan nan nan nan nan nan nan nan nan nan nan"
    )


def test_the_own_items_of_each_event_by_hand(tmp_path: Path):
    """Of two values at one minute the higher is the last: ties go by value."""
    lab = contents(lines_of(tmp_path, *LABS), ContentSettings(summaries=SUMMARIES, running=False))["lab"]
    assert as_text(lab, 1, SUMMARIES) == (
        HEADER + "0 0 140 140 140 140 0 140 140 1 140 140 140 140\n"
        "0 60 138 138 138 138 0 138 138 1 138 138 138 138\n"
        "0 120 143 286 144 142 2 142 144 2 286 143 142 144\n"
        "0 300 nan nan nan nan nan nan nan nan nan nan nan nan\n"
        "1 60 130 130 130 130 0 130 130 1 130 130 130 130"
    )


DIAGNOSES = [
    (1, 0, "diagnosis", "DIAGNOSIS//a|b", None),
    (1, 50, "diagnosis", "DIAGNOSIS//c", None),
    (2, 10, "diagnosis", "DIAGNOSIS//a|z", None),
    (2, 10, "diagnosis", "DIAGNOSIS//c", None),
    (3, 0, "diagnosis", "DIAGNOSIS//unheard", None),
]


@pytest.mark.parametrize(("running", "second"), [(True, [1, 1, 1]), (False, [0, 0, 1])], ids=["running", "own items"])
def test_codes_seen_by_hand(tmp_path: Path, running: bool, second: list[int]):
    """Columns a, a|b, c. A stay whose only code is unheard of has no event."""
    made = contents(lines_of(tmp_path, *DIAGNOSES), ContentSettings(running=running))["diagnosis"]
    assert made.stay.tolist() == [0, 0, 1]
    assert made.presence.astype(int).tolist() == [[1, 1, 0], second, [1, 0, 1]]
    assert made.summaries.shape == (10, 3, 0)


VITALS = [
    (1, minute, "vitals", "VITALS//hr", value)
    for minute, value in ((-30, 50), (0, 60), (1, 70), (59, 80), (60, 90), (61, 100))
]


@pytest.mark.parametrize(
    ("cut_min", "expected"),
    [
        (WHOLE, "stay minute mean count\n0 0 55 2\n0 60 80 3\n0 120 100 1"),
        (120, "stay minute mean count\n0 0 55 2\n0 60 80 3\n0 120 100 1"),
        (119, "stay minute mean count\n0 0 55 2\n0 60 80 3"),
        (60, "stay minute mean count\n0 0 55 2\n0 60 80 3"),
        (59, "stay minute mean count\n0 0 55 2"),
        (-1, "stay minute mean count"),
    ],
)
def test_hourly_bins_are_known_when_their_hour_is_over(tmp_path: Path, cut_min: float, expected: str):
    """An hour runs from just after one full hour up to the next, that minute included; what is charted at 60 is known
    at 60."""
    own = ContentSettings(summaries=("mean", "count"), running=False)
    assert as_text(contents(lines_of(tmp_path, *VITALS), own, cut_min)["vitals"], 0, own.summaries) == expected


def test_without_bins_each_minute_is_an_event(tmp_path: Path):
    own = ContentSettings(hourly=())
    assert contents(lines_of(tmp_path, *VITALS), own)["vitals"].minute.tolist() == [-30, 0, 1, 59, 60, 61]


def test_a_number_without_a_value_is_an_event_that_observes_nothing(tmp_path: Path):
    made = contents(lines_of(tmp_path, (1, 0, "lab", "LAB//sodium", None), (1, 9, "lab", "LAB//sodium", 1.0)))["lab"]
    assert as_text(made, 1, SUMMARIES) == (
        HEADER + "0 0 nan nan nan nan nan nan nan nan nan nan nan nan\n0 9 1 1 1 1 0 1 1 1 1 1 1 1"
    )


def test_visible_items_are_a_prefix_with_the_cut_inside(tmp_path: Path):
    lines = lines_of(tmp_path, *LABS)
    seen = visible_items(lines, np.asarray([1, 0, 0]), np.asarray([59.0, 60.0, -1.0]))
    assert (seen.item.tolist(), seen.stay.tolist()) == ([0, 1, 2], [1, 1, 1])
    assert visible_counts(lines, np.asarray([1, 0, 0]), np.asarray([59.0, 60.0, -1.0])).tolist() == [0, 3, 0]
    none = visible_items(lines, np.empty(0, np.int64), np.empty(0))
    assert (none.item.tolist(), none.stay.tolist()) == ([], [])


def test_items_that_the_vocabulary_does_not_know_are_counted(tmp_path: Path):
    lines = lines_of(tmp_path, *DIAGNOSES, (1, 0, "medication", "MEDICATION//not asked for", None))
    stays, cut = np.arange(3), np.full(3, WHOLE)
    codes = map_codes(lines.codes, VOCABULARY, paths=True)
    assert modality_contents(lines, visible_items(lines, stays, cut), cut, VOCABULARY, codes, ALL)[1] == 1


def test_a_code_of_two_modalities_is_of_the_items_own(tmp_path: Path):
    """And an item whose code is known in another modality alone is unknown."""
    shared = Vocabulary(("lab", "vitals"), {"lab": ("A", "X"), "vitals": ("X",)}, {"lab": (), "vitals": ()})
    lines = lines_of(tmp_path, (1, 0, "lab", "X", 1.0), (1, 0, "vitals", "X", 2.0), (1, 0, "vitals", "A", 3.0))
    stays, cut = np.arange(1), np.full(1, WHOLE)
    codes, last = map_codes(lines.codes, shared, paths=True), ContentSettings(summaries=("last",))
    made, unknown = modality_contents(lines, visible_items(lines, stays, cut), cut, shared, codes, last)
    assert as_text(made["lab"], 0, ("last",)) == "stay minute last\n0 0 nan"
    assert as_text(made["lab"], 1, ("last",)) == "stay minute last\n0 0 1"
    assert as_text(made["vitals"], 0, ("last",)) == "stay minute last\n0 0 2"
    assert unknown == 1


def test_events_remember_their_first_item(tmp_path: Path):
    assert contents(lines_of(tmp_path, *LABS))["lab"].first_item.tolist() == [0, 1, 3, 5, 6]


@given(
    rows=st.lists(
        st.tuples(
            st.integers(1, 3), st.integers(-900, 4000), st.sampled_from(VOCABULARY.numbers["lab"]), st.integers(-5, 5)
        ),
        min_size=1,
        max_size=25,
    )
)
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
def test_running_summaries_against_a_plain_loop(tmp_path_factory, rows: list[tuple]):
    lines = lines_of(
        tmp_path_factory.mktemp("loop"), *((s, m, "lab", code, float(value)) for s, m, code, value in rows)
    )
    made = contents(lines)["lab"]
    for event, (place, minute) in enumerate(zip(made.stay, made.minute, strict=True)):
        for number, code in enumerate(VOCABULARY.numbers["lab"]):
            past = [(m, v) for s, m, c, v in rows if s == lines.stay_ids[place] and m <= minute and c == code]
            values = [value for _, value in sorted(past)]
            expected = [np.nan] * len(SUMMARIES)
            if values:
                day = sum(value for m, value in past if m > minute - 1440)
                recent = [value for m, value in past if m > minute - 360] or values[-1:]
                expected = [np.mean(values), sum(values), values[-1], values[0], values[-1] - values[0]]
                expected += [min(values), max(values), len(values), day, np.mean(recent), min(recent), max(recent)]
            np.testing.assert_allclose(made.summaries[:, event, number], expected)


SO_FAR, LATE = "last mean lowest highest first count", "mean_6h lowest_6h highest_6h change"


def test_what_an_event_carries_unless_asked_otherwise():
    made = ContentSettings()
    assert made.summaries == (*SO_FAR.split(), *LATE.split())
    assert made.hourly == ("vitals", "infusion", "intake_output")
    assert (made.volumes, made.singles) == (("intake_output",), ("demographics", "aps", "severity"))
    assert (made.running, made.max_events) == (True, 512)


@pytest.mark.parametrize(
    "wrong", [{"summaries": ("median",)}, {"summaries": ()}, {"max_events": 0}], ids=["name", "none", "no events"]
)
def test_content_that_cannot_be(wrong: dict):
    with pytest.raises(
        UsageError,
        match=r"summaries are among mean, sum, last, first, change, lowest, .*, highest_6h; max_events is 1 or more",
    ):
        ContentSettings(**wrong)


@pytest.mark.parametrize("kind", ["hourly", "volumes", "singles"])
def test_a_modality_that_does_not_exist_is_refused(kind: str):
    with pytest.raises(UsageError, match=r"hourly, volumes or singles are among demographics, .*score"):
        ContentSettings(**{kind: ("vitals", "vitalss")})


def test_a_modality_of_two_kinds_is_refused():
    with pytest.raises(UsageError, match="among volumes or among singles, not both"):
        ContentSettings(volumes=("aps",))


@pytest.mark.parametrize(
    ("settings", "series", "volumes", "singles"),
    [
        ({}, f"{SO_FAR} {LATE}", f"{SO_FAR} {LATE}".replace(" mean ", " sum sum_24h "), "last"),
        ({"summaries": ("mean",)}, "mean", "sum sum_24h", "last"),
        ({"summaries": ("sum", "mean")}, "sum mean", "sum sum_24h", "last"),
        ({"summaries": ("sum",)}, "sum", "sum", "last"),
        ({"summaries": ("mean",), "volumes": (), "singles": ()}, "mean", "mean", "mean"),
    ],
    ids=["ours", "mean", "sum and mean", "sum", "printed"],
)
def test_what_each_kind_of_modality_carries(settings: dict, series: str, volumes: str, singles: str):
    made = ContentSettings(**settings)
    asked = {"lab": series, "vitals": series, "intake_output": volumes, "demographics": singles, "aps": singles}
    assert {name: " ".join(made.summaries_of(name)) for name in asked} == asked


URINE = [
    (1, minute, "vitals", "VITALS//hr", value)
    for minute, value in ((10, 100), (70, 50), (1440, 30), (1500, 20), (1501, 7), (4000, 1))
]


@pytest.mark.parametrize(
    ("hourly", "expected"),
    [
        ((), "10 100 100 1\n70 150 150 2\n1440 180 180 3\n1500 200 100 4\n1501 207 107 5\n4000 208 1 6"),
        (("vitals",), "60 100 100 1\n120 150 150 2\n1440 180 180 3\n1500 200 100 4\n1560 207 57 5\n4020 208 1 6"),
    ],
    ids=["by the minute", "by the hour"],
)
def test_volumes_add_up_and_those_of_a_day_ago_are_over(tmp_path: Path, hourly: tuple[str, ...], expected: str):
    """The 24 h up to 1,500 begin just after 60, so the 100 of minute 10 is over and the 50 of minute 70 is in."""
    settings = ContentSettings(summaries=("mean", "count"), volumes=("vitals",), hourly=hourly)
    made = contents(lines_of(tmp_path, *URINE), settings)["vitals"]
    rows = zip(made.minute, made.summaries[:, :, 0].T, strict=True)
    assert "\n".join(f"{minute} {' '.join(f'{v:g}' for v in values)}" for minute, values in rows) == expected


def test_what_is_a_day_ago_leaves_no_rounding_behind(tmp_path: Path):
    lines = lines_of(tmp_path, *((1, minute, "lab", "LAB//sodium", value) for minute, value in ((0, 1e30), (1500, 1))))
    made = contents(lines, ContentSettings(summaries=("mean",), volumes=("lab",)))["lab"]
    assert made.summaries[1, 1, 1] == 1


def test_a_single_value_is_carried_once(tmp_path: Path):
    made = contents(lines_of(tmp_path, *LABS), ContentSettings(singles=("lab",)))["lab"]
    assert as_text(made, 1, ("last",)) == "stay minute last\n0 0 140\n0 60 138\n0 120 144\n0 300 144\n1 60 130"
