"""Charts: one inline SVG each, nothing fetched, no colour that a dark page would miss, the same bytes each time."""

import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from wardround.evaluate import charts, course_charts, data_charts
from wardround.evaluate.chart_style import COLOURS, dark_rules
from wardround.evaluate.markup import Markup
from wardround.events import MODALITIES

LINE = [{"fpr": x, "tpr": x**0.5, "low": x**0.7, "high": x**0.3} for x in (0.0, 0.3, 0.7, 1.0)]
PR = [{"recall": x, "precision": 1 - x / 2, "low": 0.2, "high": 1.0} for x in (0.2, 0.6, 1.0)]
RISK = [{"predicted": p, "observed": p, "low": p / 2, "high": p * 1.5, "n_stays": 20} for p in (0.1, 0.2, 0.4)]
BARS = [{"outcome": o, "begin": b / 10, "end": (b + 1) / 10, "share": 0.2} for o in (False, True) for b in range(5)]
HOURS = [{"predicted": h, "actual": h, "low": h / 2, "high": h * 2, "n_stays": 20} for h in (20.0, 60.0)]
GROUPS = [
    {"group": "≤ 9", "value": 0.7, "low": 0.6, "high": 0.8, "firm": True},
    {"group": "> 9", "value": 0.6, "low": None, "high": None, "firm": False},
]
EPOCHS = [{"epoch": e, "name": name, "value": 1 / (e + 1)} for e in range(4) for name in ("training", "validation")]
BELIEF = [{"time_h": float(h), "modality": MODALITIES[h % 3], "value": h / 30} for h in range(12)]
PATTERNS = [
    {"modalities": ["lab", "vitals"], "n_stays": 50, "share": 0.5},
    {"modalities": [], "n_stays": 30, "share": 0.3},
    {"modalities": None, "n_stays": 20, "share": 0.2},
]
SHARES = {"lab": 0.6, "vitals": 1.0, "aps": None}
FOREST = [
    {"name": "apache", "value": 0.7, "low": 0.6, "high": 0.8, "compared": True},
    {"name": "mlp", "value": 0.75, "low": None, "high": None, "compared": False},
]
RATES = [{"modality": name, "hour": h, "rate": 1.0 + h} for name in ("lab", "vitals") for h in range(24)]
POINTS = [{"x": float(i % 7), "y": float(i % 5), "modality": MODALITIES[i % 3]} for i in range(60)]
CELLS = [{"x": 0, "x2": 7, "y": 0, "y2": 5}]
PAIRS = [{"query": "lab", "target": "vitals", "factor": 1.2}, {"query": "vitals", "target": "lab", "factor": 14.0}]

DRAWINGS: dict[str, Callable[[], Markup]] = {
    "roc": lambda: charts.roc_curve(LINE, (0.2, 0.6)),
    "roc without threshold": lambda: charts.roc_curve(LINE),
    "pr": lambda: charts.pr_curve(PR, 0.3, (0.6, 0.7)),
    "pr without prevalence": lambda: charts.pr_curve(PR, None),
    "calibration": lambda: charts.calibration_curve(RISK),
    "calibration of one point": lambda: charts.calibration_curve(RISK[:1]),
    "histogram": lambda: charts.risk_histogram(BARS, ("alive", "dead"), 0.3),
    "histogram of one outcome": lambda: charts.risk_histogram(BARS[:5], ("alive", "dead")),
    "hours": lambda: charts.hours_curve(HOURS),
    "groups": lambda: charts.by_group(GROUPS, "AUROC", "events", 0.5),
    "one group": lambda: charts.by_group(GROUPS[:1], "error", "events"),
    "forest": lambda: charts.forest(FOREST, "AUROC"),
    "forest of differences": lambda: charts.forest(FOREST[1:], "difference in AUROC", 0.0),
    "history": lambda: course_charts.history(EPOCHS, ("training", "validation"), "loss", 2),
    "history of one epoch": lambda: course_charts.history(EPOCHS[:1], ("training",), "loss"),
    "belief": lambda: course_charts.belief(BELIEF, (-2, 24), 0.5, 0.2, "risk"),
    "belief in hours": lambda: course_charts.belief(BELIEF, (0, 24), 90.0, None, "hours", percent=False),
    "missingness": lambda: data_charts.missingness(PATTERNS, ["lab", "vitals", "aps"], SHARES),
    "missingness without shares": lambda: data_charts.missingness(PATTERNS[:2], ["lab"], {"lab": None}),
    "rates": lambda: course_charts.event_rates(RATES, 24),
    "embedding": lambda: data_charts.embedding(POINTS, CELLS),
    "retrieval": lambda: data_charts.retrieval(PAIRS),
}


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return {name: str(draw()) for name, draw in DRAWINGS.items()}


@pytest.mark.parametrize("name", DRAWINGS)
def test_one_svg_that_fetches_nothing(drawn: dict[str, str], name: str):
    svg = drawn[name]
    root = ElementTree.fromstring(svg)
    assert root.tag == "svg"
    assert root.get("class") == "chart"
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert not re.search(r"https?:|//|<script|<style|<image|@import|href|NaN|undefined|Infinity", svg)


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_colour_has_a_dark_one(drawn: dict[str, str], name: str):
    used = set(re.findall(r'(?:fill|stroke)="([^"]+)"', drawn[name])) - {"none", "transparent"}
    assert used <= {light for light, _ in COLOURS.values()}


def test_same_rows_same_bytes_whatever_was_drawn_before(drawn: dict[str, str]):
    again = {name: str(DRAWINGS[name]()) for name in ("roc", "calibration", "belief", "histogram")}
    assert again == {name: drawn[name] for name in again}


def test_no_id_is_used_by_two_charts(drawn: dict[str, str]):
    ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in drawn.values()]
    assert sum(map(len, ids)) == len(set().union(*ids))
    for own, svg in zip(ids, drawn.values(), strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= own


def test_roles_are_told_apart_by_their_light_colour():
    lights = [light for light, _ in COLOURS.values()]
    assert len(set(lights)) == len(lights)
    assert all(f'[fill="{light}"]{{fill:{dark}}}' in dark_rules() for light, dark in COLOURS.values())
    assert set(MODALITIES) <= set(COLOURS)


def test_words_are_escaped():
    row = [{"group": "<b>&", "value": 0.7, "low": 0.6, "high": 0.8, "firm": True}]
    svg = str(charts.by_group(row, '"><script>', "events"))
    ElementTree.fromstring(svg)
    assert "<b>" not in svg
    assert "<script" not in svg


def test_a_forest_has_a_line_for_each_interval_and_a_name_for_each_method(drawn: dict[str, str]):
    def lines(svg: str) -> int:
        return len(re.findall(r'<line[^>]* opacity="0.55"', svg))

    assert [name for name in ("apache", "mlp") if f">{name}</text>" in drawn["forest"]] == ["apache", "mlp"]
    assert lines(drawn["forest"]) == 1
    assert lines(drawn["forest of differences"]) == 0
    assert COLOURS["orange"][0] in drawn["forest"]
    assert COLOURS["orange"][0] not in drawn["forest of differences"]


def test_a_long_name_of_a_forest_stands_on_two_lines_about_its_place():
    names = ["belief taught at the last event alone", "mlp", "a name that goes on and on and on and on and on and on"]
    rows = [{"name": name, "value": 0.7, "low": 0.6, "high": 0.8, "compared": False} for name in names]
    drawn = str(charts.forest(rows, "AUROC"))
    assert re.findall(r"<tspan[^>]*>([^<]+)</tspan>", drawn) == [
        *("belief taught at the last", "event alone"),
        *("a name that goes on and on", "and on and on and on and …"),
    ]
    lines = re.findall(r'text-anchor="end"[^>]*translate\([^,]+,([0-9.]+)\)', drawn)
    middle = float(lines[1]) - charts.FOREST_STEP
    assert float(lines[0]) < middle < float(lines[0]) + 13, "one line above the mark, one below"


def test_the_labels_of_a_narrow_axis_keep_their_digits():
    """Places are cut to two decimals; 0.005 on an axis is no place."""
    row = {"name": "mlp", "value": 0.006, "low": -0.002, "high": 0.015, "compared": False}
    drawn = str(charts.forest([row], "difference in AUROC", 0.0))
    assert ">0.005</text>" in drawn
    assert len(set(re.findall(r">([0-9.]+)</text>", drawn))) == len(re.findall(r">([0-9.]+)</text>", drawn))
    assert not re.search(r"<[^>]+\d\.\d{3,}", drawn)


def labels_of(svg: Markup) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", str(svg))


@pytest.mark.parametrize(
    ("last", "ticks"),
    [(0, [0]), (1, [0, 1]), (3, [0, 1, 2, 3]), (6, [0, 2, 4, 6]), (19, [0, 5, 10, 15]), (99, [0, 20, 40, 60, 80])],
)
def test_epochs_are_whole_numbers_and_each_is_said_once(last: int, ticks: list[int]):
    rows = [{"epoch": epoch, "name": "validation", "value": 0.7 + epoch / 1000} for epoch in range(last + 1)]
    labels = labels_of(course_charts.history(rows, ("validation",), "AUROC"))
    assert labels[: len(ticks)] == [str(tick) for tick in ticks]
    assert labels[len(ticks)] == "epoch"


@pytest.mark.parametrize("value", [0.5952, 0.0, -3.25, 1e-4, 40.0])
def test_a_value_that_does_not_move_is_read_off_its_axis(value: float):
    """An AUROC that stayed at 0.595 had one label, "1"."""
    rows = [{"epoch": epoch, "name": "validation", "value": value} for epoch in range(3)]
    labels = labels_of(course_charts.history(rows, ("validation",), "AUROC"))
    ticks = [float(label.replace("−", "-")) for label in labels[labels.index("epoch") + 1 : labels.index("AUROC")]]
    assert len(set(ticks)) == len(ticks) >= 3
    assert min(ticks) <= value <= max(ticks)
