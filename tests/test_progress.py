"""Progress: lines where there is no terminal, a bar where there is one, nothing when quiet."""

import io
import sys

import pytest

from wardround import progress as module
from wardround.progress import Within, progress


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module.time, "monotonic", clock)
    return clock


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    seen = capsys.readouterr()
    assert seen.out == ""
    return seen.err.splitlines()


def test_lines_first_periodic_and_last(capsys: pytest.CaptureFixture[str], clock: Clock):
    with progress(1_000, "training") as bar:
        for done in range(1_000):
            clock.now_s = done * 0.012
            bar.advance(note=f"loss {done}")
    assert lines(capsys) == [
        "training: 0 of 1,000",
        "training: 418 of 1,000, about 7 s left, loss 417",
        "training: 835 of 1,000, about 2 s left, loss 834",
        "training: 1,000 of 1,000 in 12 s",
    ]


def test_iterating_gives_the_items_and_counts_them(capsys: pytest.CaptureFixture[str], clock: Clock):
    assert list(progress(["a", "b"], "reading")) == ["a", "b"]
    assert lines(capsys) == ["reading: 0 of 2", "reading: 2 of 2 in 0 s"]


def test_a_number_of_things_can_be_iterated(capsys: pytest.CaptureFixture[str]):
    assert list(progress(3, "reading", quiet=True)) == [0, 1, 2]
    assert list(progress(5, "reading", quiet=True, done=3)) == [3, 4]
    assert lines(capsys) == []


def test_without_a_length_it_counts(capsys: pytest.CaptureFixture[str], clock: Clock):
    for _ in progress(iter("abc"), "reading"):
        clock.now_s += 6
    assert lines(capsys) == ["reading: 0", "reading: 1", "reading: 2", "reading: 3", "reading: 3 in 18 s"]


def test_an_error_leaves_a_last_line(capsys: pytest.CaptureFixture[str], clock: Clock):
    def fail() -> None:
        for item in progress([1, 2, 3], "reading"):
            clock.now_s += 90
            if item == 2:
                raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert lines(capsys)[-1] == "reading: stopped at 1 of 3 in 3 min 0 s"


def test_time_left_is_judged_by_this_run_alone(capsys: pytest.CaptureFixture[str], clock: Clock):
    with progress(1_000, "training", done=900) as bar:
        clock.now_s = 7_500
        bar.advance(50)
    assert lines(capsys) == [
        "training: 900 of 1,000",
        "training: 950 of 1,000, about 2 h 5 min left",
        "training: stopped at 950 of 1,000 in 2 h 5 min",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, clock: Clock):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress(1_000, "training", done=400) as bar:
        clock.now_s = 0.05
        bar.advance(1, note="too soon to be drawn")
        clock.now_s = 60
        bar.advance(299, note="loss 0.5 " + 80 * "x")
        bar.advance(300)
        bar.close()
    drawn = sys.stderr.getvalue().split("\r")
    assert drawn == [
        "",
        "training:  40% [########............] 400 of 1,000\x1b[K",
        "training:  70% [##############......] 700 of 1,000, about 1 min 0 s left, loss \x1b[K",
        "training: 100% [####################] 1,000 of 1,000 in 1 min 0 s\x1b[K\n",
    ]


def test_a_bar_without_a_length_counts_and_one_of_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch, clock: Clock):
    monkeypatch.setattr(sys, "stderr", Terminal())
    list(progress(iter("ab"), "reading"))
    list(progress([], "writing"))
    assert sys.stderr.getvalue() == (
        "\rreading: 0\x1b[K\rreading: 2 in 0 s\x1b[K\n\rwriting: 0 of 0\x1b[K\rwriting: 0 of 0 in 0 s\x1b[K\n"
    )


def test_work_inside_work_has_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch, clock: Clock):
    """What is on the screen afterwards: the lines, each as it was last drawn."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    for _ in progress(2, "folds"):
        clock.now_s += 1
        list(progress(1, "trees"))
    shown = [line.split("\r")[-1].removesuffix("\x1b[K") for line in sys.stderr.getvalue().split("\n")[:-1]]
    half, whole = "[##########..........] 1 of", "[####################]"
    assert shown == [
        "folds:   0% [....................] 0 of 2",
        f"trees: 100% {whole} 1 of 1 in 0 s",
        f"folds:  50% {half} 2, about 1 s left",
        f"trees: 100% {whole} 1 of 1 in 0 s",
        f"folds: 100% {whole} 2 of 2 in 2 s",
    ]


def test_a_part_of_the_work_tells_its_share(monkeypatch: pytest.MonkeyPatch, clock: Clock):
    """A share that comes twice, falls or is beyond the end moves nothing back or out; so does a part of no size."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress(12, "reading", quiet=False) as bar:
        first, second = Within(bar, 10, "first"), Within(bar, 2, "second")
        for share in (0.25, 0.25, 0.2, 0.99, 1.5):
            clock.now_s += 1
            first.reached(share)
        second.reached(1.0)
    counts = [
        line.split("] ")[1].split(",")[0].removesuffix("\x1b[K") for line in sys.stderr.getvalue().split("\r")[1:-1]
    ]
    assert counts == ["0 of 12", "2 of 12", "2 of 12", "2 of 12", "9 of 12", "10 of 12"]
    assert "12 of 12 in 5 s" in sys.stderr.getvalue()
