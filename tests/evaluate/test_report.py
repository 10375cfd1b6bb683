"""The report: one file that fetches nothing and names nobody, for whole and for degenerate evaluations."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from made_up_evaluation import FIRST_STAY, FIRST_SUBJECT, make_alignment, make_evaluation
from wardround import files
from wardround.errors import DataError, RunError
from wardround.evaluate import page as page_module
from wardround.evaluate.evidence import read_evidence
from wardround.evaluate.kinship import Kinship
from wardround.evaluate.page import Callout, Page, Section, Table, Tile, Tiles, write_page
from wardround.evaluate.report import write_report
from wardround.evaluate.threshold_counts import ALL, threshold_counts
from wardround.evaluate.wording import number

Folders = tuple[Path, Path, Path]
VOID = {"meta", "br", "rect", "path", "line", "circle", "img", "hr", "link"}


class Balance(HTMLParser):
    """Whether every element that is opened is closed, in order."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def report(folders: Folders) -> str:
    write_report(*folders)
    return (folders[0] / "report.html").read_text()


def edit(folders: Folders, **changes: Any) -> None:
    path = folders[0] / "metrics.json"
    files.write_json(path, files.read_json(path) | changes)


def ids_in(html: str) -> list[str]:
    """Numbers that are, or hold, an id of the made-up folders; also with thousands separators."""
    digits = re.sub(r"(?<=\d)[,  ](?=\d{3})", "", html)
    return re.findall(rf"{str(FIRST_SUBJECT)[:6]}\d{{4}}|{str(FIRST_STAY)[:6]}\d{{4}}", digits)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Folders, str]:
    folders = make_evaluation(tmp_path_factory.mktemp("whole"))
    return folders, report(folders)


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> str:
    return report(make_alignment(tmp_path_factory.mktemp("aligned")))


def test_it_needs_nothing_else(whole: tuple[Folders, str], aligned: str):
    for html in (whole[1], aligned):
        assert not re.search(r"https?://|<script|<link|<iframe|@import|url\((?!#)|\ssrc=|javascript:", html)
        parsed = Balance()
        parsed.feed(html)
        assert parsed.open == []
        assert {"svg", "table", "nav", "section"} <= parsed.tags
        anchors = re.findall(r'<a href="#([^"]+)"', html)
        assert anchors
        assert all(f'<section id="{anchor}"' in html for anchor in anchors)


def test_it_names_nobody_and_no_place(whole: tuple[Folders, str], aligned: str):
    folders, html = whole
    assert ids_in(html) == ids_in(aligned) == []
    assert str(folders[0].parent) not in html
    assert not re.search(r"200[1-3]-0[67]", html)


def test_control_an_id_would_be_found():
    assert ids_in(f"<td>{FIRST_STAY + 17}</td>")
    assert ids_in(f"<td>{FIRST_SUBJECT + 3:,}</td>")


def test_its_sections(whole: tuple[Folders, str], aligned: str):
    anchors = re.findall(r'<section id="([^"]+)"', whole[1])
    assert anchors == [
        *("headline", "cohort", "missing", "ranking", "calibration", "known"),
        *("beliefs", "use", "numbers", "making"),
    ]
    assert re.findall(r'<section id="([^"]+)"', aligned) == [
        "headline",
        "cohort",
        "missing",
        "retrieval",
        "space",
        "making",
    ]
    assert whole[1].count('class="chart"') == 1 + 3 + 1 + 1 + 4 + 2


def test_the_same_folders_give_the_same_bytes(whole: tuple[Folders, str]):
    assert report(whole[0]) == whole[1]


def test_both_schemes_paper_and_phones(whole: tuple[Folders, str]):
    assert "prefers-color-scheme: dark" in whole[1]
    assert "@media print" in whole[1]
    assert 'name="viewport"' in whole[1]


def test_few_events_are_said_first(whole: tuple[Folders, str]):
    assert "Interval too wide to conclude" in whole[1]
    assert whole[1].index("Interval too wide") < whole[1].index("AUROC</dt>")


def test_enough_events_carry_no_such_warning(tmp_path: Path):
    html = report(make_evaluation(tmp_path, n=1500, beliefs=False))
    assert "too wide" not in html
    assert 'class="callout warn"' not in html


def test_what_sees_past_the_prediction_is_stamped(whole: tuple[Folders, str], tmp_path: Path):
    assert "Sees past" not in whole[1]
    folders = make_evaluation(tmp_path, beliefs=False)
    edit(
        folders, protocol="paper", sees_past_prediction=["lab", "vitals"], n_seen_in_training=40, without=["medication"]
    )
    html = report(folders)
    assert "Sees past the prediction time: lab, vitals" in html
    assert '<li class="warn">paper protocol</li>' in html
    assert '<li class="warn">without medication</li>' in html
    assert "40 stays are of patients whom the model was trained on" in html


@pytest.mark.parametrize(
    ("trained_at_h", "said"), [(12, "Trained for hour 12, asked"), (None, "Trained for the end of the stay, asked")]
)
def test_an_hour_that_the_run_did_not_learn_for_is_said(tmp_path: Path, trained_at_h: int | None, said: str):
    folders = make_evaluation(tmp_path, beliefs=False)
    assert "Trained for" not in report(folders)
    edit(folders, trained_at_h=trained_at_h)
    assert f'<aside class="callout warn"><strong>{said} at hour 24</strong>' in report(folders)


def test_all_hours_that_the_run_did_not_learn_for_are_said_at_once(tmp_path: Path):
    folders = make_evaluation(tmp_path, beliefs=False)
    metrics = files.read_json(folders[0] / "metrics.json")
    for hour in (6, 12, 24):
        told = {} if hour == 24 else {"trained_at_h": 24}
        files.write_json(folders[0] / f"metrics_{hour}h.json", {**metrics, "at_h": hour, **told})
    assert "Trained for hour 24, asked at hours 6, 12</strong>" in report(folders)


def test_the_paper_protocol_is_stamped_even_when_nothing_is_late(tmp_path: Path):
    folders = make_evaluation(tmp_path, beliefs=False)
    edit(folders, protocol="paper", at_h=None, sees_past_prediction=[])
    assert "<strong>Paper protocol</strong>" in report(folders)


def test_another_data_set_is_called_external(tmp_path: Path):
    evaluation, run, _ = make_evaluation(tmp_path / "a", beliefs=False)
    _, _, data = make_evaluation(tmp_path / "b", beliefs=False, seed=1)
    html = report((evaluation, run, data))
    assert f'<li class="warn">{Kinship.UNKNOWN}</li>' in html, "another folder alone makes nothing external"
    edit((evaluation, run, data), patients=Kinship.EXTERNAL)
    html = report((evaluation, run, data))
    assert f"<li>{Kinship.EXTERNAL}</li>" in html
    assert "Training</th>" not in html


def external(root: Path, n: int = 300, task: str = "mortality", **changes: Any) -> tuple[Folders, str]:
    """The report of an evaluation on other data than the run's."""
    evaluation, run, _ = make_evaluation(root / "a", n=n, task=task, beliefs=False)
    folders = (evaluation, run, make_evaluation(root / "b", n=n, task=task, beliefs=False, seed=1)[2])
    edit(folders, **{"patients": Kinship.EXTERNAL, **changes})
    return folders, report(folders)


def side_by_side(html: str) -> dict[str, list[str]]:
    """Measure -> internal and external text."""
    section = re.search(r'<section id="elsewhere">(.*?)</section>', html, re.S)
    assert section is not None
    cells = [re.findall(r"<t[hd][^>]*>([^<]*)<", row) for row in re.findall(r"<tr>(.*?)</tr>", section[1], re.S)]
    return {row[0]: row[1:] for row in cells}


def test_internal_figures_stand_beside_external_ones(whole: tuple[Folders, str], tmp_path: Path):
    folders, html = external(tmp_path, n_items=4000, unknown_items=1000)
    found, metrics = side_by_side(html), files.read_json(folders[0] / "metrics.json")
    assert found["measure"] == ["internal: validation side, 24 h", "external: test side, 24 h"]
    assert found["stays"] == ["75", "150"]
    assert found["deaths"][0] == "25 (33.3%)"
    assert found["AUROC"][0] == "1.00 (1.00 to 1.00)"
    assert found["AUROC"][1].startswith(f"{metrics['metrics']['auroc']['value']:.2f} (")
    assert "Of 4,000 events known here by the prediction, 1,000 (25.0%) have a code that the run does not know" in html
    assert "they flatter the model" in html
    assert '<section id="elsewhere">' not in whole[1]


def test_an_evaluation_at_home_takes_the_place_of_validation(tmp_path: Path):
    folders, _ = external(tmp_path)
    home = files.read_json(folders[1] / "metrics.json") | {"split": "test", "n_stays": 90}
    files.write_json(folders[0] / "internal.json", home)
    html = report(folders)
    assert side_by_side(html)["measure"][0] == "internal: test side, 24 h"
    assert side_by_side(html)["stays"][0] == "90"
    assert "they flatter the model" not in html
    assert "Internal figures are too good" not in html
    files.write_json(folders[0] / "internal.json", home | {"split": "all", "n_seen_in_training": 60})
    too_good = "Internal figures are too good: 60 of the stays are of patients whom the model was trained on."
    assert too_good in report(folders)


def test_internal_shares_give_no_small_count_away(tmp_path: Path):
    """Of 24 validation stays 8 have the event: neither that nor any share at the threshold is shown."""
    found = side_by_side(external(tmp_path, n=96)[1])
    assert found["stays"][0] == "24"
    assert found["deaths"][0] == "&lt;11"
    assert {found[name][0] for name in ("Sensitivity", "Specificity", "PPV", "F1", "Accuracy", "Event 1")} == {"–"}
    assert found["Brier score"][0] != "–"
    wide = side_by_side(external(tmp_path / "wide", n=300)[1])
    assert wide["Sensitivity"][0].startswith("1.00"), "25 found of 25, 50 left alone of 50"


def test_hours_at_home_and_elsewhere(tmp_path: Path):
    found = side_by_side(external(tmp_path, task="los")[1])
    assert found["Mean absolute error, h"][0].startswith("0.00 (")
    assert "deaths" not in found


@pytest.mark.parametrize("outcome", [True, False])
def test_one_outcome(tmp_path: Path, outcome: bool):
    html = report(make_evaluation(tmp_path, n=120, outcome=outcome))
    assert "only one outcome" in html
    assert "Too few stays for a picture" in html
    assert "ROC curve</h3>" not in html
    assert not re.search(r"\bnan\b", html, re.I)


@pytest.mark.parametrize("n", [12, 40])
def test_few_stays(tmp_path: Path, n: int):
    html = report(make_evaluation(tmp_path, n=n))
    assert "&lt;11" in html
    assert ids_in(html) == []


def test_hours(tmp_path: Path):
    html = report(make_evaluation(tmp_path, task="los"))
    anchors = re.findall(r'<section id="([^"]+)"', html)
    assert anchors == ["headline", "cohort", "missing", "hours", "known", "beliefs", "use", "numbers", "making"]
    assert "elapsed hours alone" in html
    assert "Deaths and survivors apart" in html
    assert "AUROC</dt>" not in html


def test_few_hours(tmp_path: Path):
    html = report(make_evaluation(tmp_path, n=16, task="los", beliefs=False, epochs=0))
    assert "Too few stays for a picture" in html
    assert "Loss</h3>" not in html


def test_no_beliefs_and_no_history(tmp_path: Path):
    html = report(make_evaluation(tmp_path, beliefs=False, epochs=0))
    assert '<section id="beliefs"' not in html
    assert "Loss</h3>" not in html
    assert "What training says" not in html


def test_what_training_says_names_modalities_and_no_share_of_few_stays(tmp_path: Path):
    folders = make_evaluation(tmp_path, beliefs=False)
    said = [
        {"check": "unread_modalities", "verdict": "warn", "value": ["cxr", "diagnosis"], "advice": "ask later"},
        {"check": "low_sensitivity", "verdict": "pass", "value": 0.6667, "advice": ""},
        {"check": "calibration", "verdict": "pass", "value": 0.6071, "advice": ""},
        {"check": "late_validation_spike", "verdict": "pass", "value": 1.25, "advice": ""},
    ]
    files.write_json(folders[1] / "diagnostics.json", said)
    html = report(folders)
    table = html[html.index("What training says") :]
    assert "cxr, diagnosis" in table
    assert "1.250" in table
    assert not re.search(r"0\.667|0\.607|66\.7|60\.7", table)


def test_an_alignment_without_embedding(tmp_path: Path):
    html = report(make_alignment(tmp_path, embedding=False))
    assert "latent space" not in html
    assert "5.0 (4.0 to 6.0) times better than chance" in html


def test_several_hours_are_drawn(tmp_path: Path):
    folders = make_evaluation(tmp_path, beliefs=False)
    for hour in ("6", "24"):
        files.write_json(folders[0] / f"metrics_{hour}h.json", files.read_json(folders[0] / "metrics.json"))
    assert "By prediction hour" in report(folders)


def test_a_threshold_share_that_would_give_a_count_away_is_not_shown(tmp_path: Path):
    folders = make_evaluation(tmp_path, n=200, beliefs=False)
    answers = read_evidence(*folders).answers
    assert answers is not None
    high = float(pl.Series(answers.prob[answers.label]).sort(descending=True)[4])
    counted = threshold_counts(answers, high)
    assert counted.counts[ALL, "tp"] == 5
    assert "sensitivity" in counted.hidden_measures()
    edit(folders, threshold=high)
    html = report(folders)
    shown = re.search(r'<th scope="row">Sensitivity</th>\s*<td class="number">([^<]+)', html)
    assert shown is not None
    assert shown[1] == "–"
    assert "The diamond is the threshold" not in html


def test_counts_at_a_threshold_add_up(whole: tuple[Folders, str]):
    answers = read_evidence(*whole[0]).answers
    assert answers is not None
    counted = threshold_counts(answers, 0.3)
    for group in counted.groups:
        count = {what: counted.counts[group, what] for what in ("stays", "events", "alerts", "tp", "fp", "fn", "tn")}
        assert count["tp"] + count["fp"] + count["fn"] + count["tn"] == count["stays"]
        assert count["tp"] + count["fn"] == count["events"]
        assert count["tp"] + count["fp"] == count["alerts"]


def test_small_shares_of_a_split_are_not_shown(whole: tuple[Folders, str]):
    row = re.search(r"demographics, lab</th>(.*?)</tr>", whole[1], re.S)
    assert row is not None
    assert re.findall(r">([^<\s]+)</td>", row[1]) == ["90", "–", "–", "–"]  # 6 % of 90 would be 5 patients


def test_the_use_section_cannot_be_left_out(whole: tuple[Folders, str]):
    for words in ("alerts per 100", "sensitivity", "PPV", "Another site", "Time to act", "by you"):
        assert words in whole[1]


@pytest.mark.parametrize("name", ["metrics.json", "settings.json", "stays.parquet"])
def test_a_missing_file_is_named(tmp_path: Path, name: str):
    folders = make_evaluation(tmp_path, n=40, beliefs=False)
    place = next(folder for folder in folders if (folder / name).is_file())
    (place / name).unlink()
    with pytest.raises(DataError if name == "stays.parquet" else RunError, match=name):
        write_report(*folders)
    assert not (folders[0] / "report.html").exists()


def test_every_word_is_escaped(tmp_path: Path):
    bad = '<script>alert("x")</script>&'
    blocks = [
        Callout("warn", bad, bad),
        Tiles([Tile(bad, bad, (bad,), (0.7, 0.6, 0.8, 0.5, 1.0))]),
        Table([bad], [{"group": bad}, {bad: bad}], title=bad, caption=bad, folded=True),
    ]
    write_page(tmp_path / "p.html", Page(bad, bad, bad, [(bad, True)], [Section("s", bad, blocks, bad)], bad))
    html = (tmp_path / "p.html").read_text()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 12
    assert 'left:20.0%;right:40.0%"' in html


def test_the_template_is_found_beside_the_code():
    folder = Path(page_module.__file__).parent
    assert (folder / "report.html").is_file()
    assert "/* charts in the dark */" in (folder / "report.css").read_text()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.5, "0.500"),
        (-0.25, "−0.250"),
        (-0.0001, "0.000"),
        (12.34, "12.3"),
        (26975.2, "26,975"),
        (-1234.5, "−1,234"),
    ],
)
def test_numbers_for_reading(value: float | None, text: str):
    assert number(value) == text
