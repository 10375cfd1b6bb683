"""A DATA folder as lines of items: order, clocks, the cache."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from timelines import Timelines, hand, random_timelines, write_data
from wardround import files
from wardround.batches import lines as lines_module
from wardround.batches.lines import Lines, open_lines
from wardround.concepts.apache_iv import LOGIT_CODE
from wardround.concepts.derived import DERIVED_CODES
from wardround.errors import DataError, StorageError
from wardround.events import MEDS_EVENT_SCHEMA, MODALITIES
from wardround.tasks.cohort import Window

CAUSAL, PAPER = Window(), Window("paper", None)

EVENTS = [
    (1, 0, 0, "demographics", "AGE", 60.0),
    (1, 0, 1440, "aps", "APS//gcs", 15.0),
    (1, 10, 90, "lab", "LAB//sodium", 140.0),
    (1, 20, 20, "medication", "MEDICATION//heparin", None),
    (1, -200, -150, "lab", "LAB//sodium", 138.0),
    (3, 5, 5, "vitals", "VITALS//sao2", 97.0),
]
STAYS = [{"stay_id": 2}]


def as_text(lines: Lines) -> str:
    """A line for each item: stay, clock minute, minute of availability, modality, code, value."""
    stay = np.repeat(lines.stay_ids, np.diff(lines.offsets))
    rows = zip(stay, lines.minute, lines.available, lines.modality, lines.code, lines.value, strict=True)
    return "\n".join(f"{s} {m} {a} {MODALITIES[o]} {lines.codes[c]} {v:g}" for s, m, a, o, c, v in rows)


def opened(folder: Path, timelines: Timelines, window: Window = CAUSAL, **written) -> Lines:
    return open_lines(write_data(folder, timelines, **written), window)


def test_in_the_causal_protocol_a_line_is_in_the_order_in_which_it_became_known(tmp_path: Path):
    lines = opened(tmp_path, hand(EVENTS, STAYS))
    assert as_text(lines) == (
        "1 -150 -150 lab LAB//sodium 138\n"
        "1 0 0 demographics AGE 60\n"
        "1 20 20 medication MEDICATION//heparin nan\n"
        "1 90 90 lab LAB//sodium 140\n"
        "1 1440 1440 aps APS//gcs 15\n"
        "3 5 5 vitals VITALS//sao2 97"
    )
    assert lines.stay_ids.tolist() == [1, 2, 3]
    assert lines.offsets.tolist() == [0, 5, 5, 6]


def test_in_the_paper_protocol_a_line_is_in_the_order_in_which_it_happened(tmp_path: Path):
    assert as_text(opened(tmp_path, hand(EVENTS, STAYS), PAPER)) == (
        "1 -200 -150 lab LAB//sodium 138\n"
        "1 0 0 demographics AGE 60\n"
        "1 0 1440 aps APS//gcs 15\n"
        "1 10 90 lab LAB//sodium 140\n"
        "1 20 20 medication MEDICATION//heparin nan\n"
        "3 5 5 vitals VITALS//sao2 97"
    )


SCORED = [
    (1, 0, 0, "demographics", "AGE", 60.0),
    (1, 5, 90, "aps", "APS//heartrate", 130.0),
    (1, 60, 80, "lab", "LAB//sodium", 140.0),
    (1, 0, 300, "aps", "APS//meanbp", 55.0),
]
POINTS = "APACHE//IV//acute_physiology_points"


def without_logits(lines: Lines) -> str:
    """The items but the log odds, of which one stands beside each of the points."""
    rows = as_text(lines).splitlines()
    assert sum(LOGIT_CODE in row for row in rows) == sum(POINTS in row for row in rows)
    return "\n".join(row for row in rows if LOGIT_CODE not in row)


def test_derived_events_stand_where_the_last_of_their_inputs_is_known(tmp_path: Path):
    """A heart rate of 130 is 7 points, a blood pressure of 55 another 15."""
    write_data(tmp_path, hand(SCORED))
    assert without_logits(open_lines(tmp_path, CAUSAL)) == (
        "1 0 0 demographics AGE 60\n"
        "1 80 80 lab LAB//sodium 140\n"
        "1 90 90 aps APS//heartrate 130\n"
        f"1 90 90 severity {POINTS} 7\n"
        "1 300 300 aps APS//meanbp 55\n"
        f"1 300 300 severity {POINTS} 22"
    )
    assert without_logits(open_lines(tmp_path, PAPER)) == (
        "1 0 0 demographics AGE 60\n"
        "1 0 300 aps APS//meanbp 55\n"
        f"1 0 300 severity {POINTS} 15\n"
        "1 5 90 aps APS//heartrate 130\n"
        f"1 5 300 severity {POINTS} 22\n"
        "1 60 80 lab LAB//sodium 140"
    )


def test_codes_are_numbered_once_though_the_data_has_derived_ones_too(tmp_path: Path):
    plain = open_lines(write_data(tmp_path / "plain", hand(SCORED)), CAUSAL)
    assert plain.codes == ["AGE", "APS//heartrate", "APS//meanbp", "LAB//sodium", *DERIVED_CODES]
    brought = [*SCORED, (1, 0, 0, "score", LOGIT_CODE, 0.5)]
    lines = open_lines(write_data(tmp_path / "brought", hand(brought)), CAUSAL)
    assert sorted(lines.codes) == sorted(plain.codes)
    assert len(lines.code) == len(plain.code) + 1


def test_ties_go_by_time_then_modality_then_code_then_value(tmp_path: Path):
    ties = [
        (1, 30, 60, "lab", "LAB//b", 1.0),
        (1, 30, 60, "lab", "LAB//a", 2.0),
        (1, 30, 60, "lab", "LAB//a", 1.0),
        (1, 30, 60, "diagnosis", "DIAGNOSIS//z", None),
        (1, 10, 60, "vitals", "VITALS//sao2", 97.0),
    ]
    expected = (
        "1 60 60 vitals VITALS//sao2 97\n"
        "1 60 60 diagnosis DIAGNOSIS//z nan\n"
        "1 60 60 lab LAB//a 1\n"
        "1 60 60 lab LAB//a 2\n"
        "1 60 60 lab LAB//b 1"
    )
    assert as_text(opened(tmp_path / "one", hand(ties))) == expected
    assert as_text(opened(tmp_path / "other", hand(ties[::-1]), shuffle=4)) == expected


def test_a_begun_minute_counts_as_whole_so_that_nothing_is_known_too_early(tmp_path: Path):
    half = [(1, minute, minute, "lab", "LAB//sodium", 1.0) for minute in (-1.5, -1, -0.5, 0, 1 / 60, 59.99, 60, 60.01)]
    assert opened(tmp_path, hand(half)).minute.tolist() == [-1, -1, 0, 0, 1, 60, 60, 61]


@pytest.mark.parametrize("window", [CAUSAL, PAPER], ids=lambda window: window.protocol)
def test_shards_and_the_order_of_the_rows_carry_nothing(tmp_path: Path, window: Window):
    timelines = random_timelines(3, 60)
    one = opened(tmp_path / "one", timelines, window)
    for number, written in enumerate(({"shards": 4}, {"shuffle": 8}, {"shards": 3, "shuffle": 9})):
        other = opened(tmp_path / str(number), timelines, window, **written)
        assert one.codes == other.codes
        for name in ("stay_ids", "offsets", "minute", "available", "modality", "code", "value"):
            assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


def test_shards_are_counted_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What is held of all shards at once is a row a stay, never a row an event."""
    held: dict[bool, list[int]] = {True: [], False: []}
    real = pl.concat
    timelines = random_timelines(3, 60)
    write_data(tmp_path, timelines, shards=4)

    def concat(parts: list[pl.DataFrame]) -> pl.DataFrame:
        held["code" in parts[0].columns and "time" in parts[0].columns].append(sum(map(len, parts)))
        return real(parts)

    monkeypatch.setattr(lines_module.pl, "concat", concat)
    lines = open_lines(tmp_path, CAUSAL)
    assert max(held[True]) < len(lines.code) / 2, "events: those of a shard at a time"
    assert max(held[False]) <= timelines.stays.height < len(lines.code)
    derived = np.isin(lines.code, [lines.codes.index(code) for code in DERIVED_CODES])
    assert (~derived).sum() == timelines.events.height
    assert derived.any()


def test_data_without_any_event_opens(tmp_path: Path):
    lines = opened(tmp_path, hand([], [{"stay_id": 4}, {"stay_id": 5}]))
    assert (lines.offsets.tolist(), len(lines.minute), lines.codes) == ([0, 0, 0], 0, list(DERIVED_CODES))


def test_events_of_no_stay_are_left_out(tmp_path: Path):
    """MEDS allows rows without a stay: births, deaths."""
    timelines = hand(EVENTS, STAYS)
    write_data(tmp_path, timelines)
    shard = files.read_table(tmp_path / "data" / "0.parquet")
    stray = shard.head(1).with_columns(stay_id=None, code=pl.lit("MEDS_DEATH"))
    files.write_table(tmp_path / "data" / "0.parquet", shard.vstack(stray.cast(shard.schema)), MEDS_EVENT_SCHEMA)
    files.write_manifest(tmp_path, "data", {}, {}, "0")
    assert len(open_lines(tmp_path, CAUSAL).minute) == len(EVENTS)


def test_a_modality_of_somebody_elses_data_stands_after_ours(tmp_path: Path):
    foreign = [(1, 0, 0, "xray", "XRAY//chest", None), (1, 0, 0, "history", "HISTORY//copd", None)]
    lines = opened(tmp_path, hand(foreign))
    assert [lines.codes[code] for code in lines.code] == ["HISTORY//copd", "XRAY//chest"]
    assert lines.modality.tolist() == [MODALITIES.index("history"), 255]


def test_places_of_stays(tmp_path: Path):
    lines = opened(tmp_path, hand(EVENTS, STAYS))
    assert lines.index_of(np.asarray([3, 1, 3])).tolist() == [2, 0, 2]
    with pytest.raises(DataError, match=r"2 of 3 stays are not in this data"):
        lines.index_of(np.asarray([1, 0, 99]))


def test_the_second_opening_builds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first = opened(tmp_path, hand(EVENTS, STAYS))
    monkeypatch.setattr(lines_module, "_build", None)
    again = open_lines(tmp_path, CAUSAL)
    assert as_text(again) == as_text(first)


def test_each_clock_and_each_version_of_the_data_has_its_own_lines(tmp_path: Path):
    opened(tmp_path, hand(EVENTS, STAYS))
    opened(tmp_path, hand(EVENTS, STAYS), PAPER)
    moved = [*EVENTS[:-1], (3, 5, 7, "vitals", "VITALS//sao2", 97.0)]
    assert as_text(opened(tmp_path, hand(moved, STAYS))).endswith("3 7 7 vitals VITALS//sao2 97")
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_two_builders_at_once_do_no_harm(tmp_path: Path):
    lines = opened(tmp_path, hand(EVENTS, STAYS))
    folder = next((tmp_path / "cache").iterdir())
    lines_module._build(tmp_path, CAUSAL.clock, folder, quiet=True)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder.name]
    assert as_text(open_lines(tmp_path, CAUSAL)) == as_text(lines)


def test_changed_data_is_refused(tmp_path: Path):
    write_data(tmp_path, hand(EVENTS, STAYS))
    (tmp_path / "stays.parquet").write_bytes((tmp_path / "stays.parquet").read_bytes() + b"x")
    with pytest.raises(DataError, match=r"stays\.parquet differs from what was written"):
        open_lines(tmp_path, CAUSAL)


def test_a_torn_cache_is_named(tmp_path: Path):
    opened(tmp_path, hand(EVENTS, STAYS))
    torn = next((tmp_path / "cache").iterdir()) / "value.npy"
    whole = torn.read_bytes()
    for damaged in (whole[:20], whole[:-1] + bytes([whole[-1] ^ 1])):
        torn.write_bytes(damaged)
        with pytest.raises(DataError, match=r"value\.npy differs from what was written\. Delete .*; it is made again"):
            open_lines(tmp_path, CAUSAL)
    torn.unlink()
    with pytest.raises(DataError, match=r"value\.npy differs"):
        open_lines(tmp_path, CAUSAL)


def test_a_cache_that_cannot_be_written_is_an_error_of_the_disk(tmp_path: Path):
    write_data(tmp_path, hand(EVENTS, STAYS))
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(StorageError, match="Free or fix the disk"):
        open_lines(tmp_path, CAUSAL)
