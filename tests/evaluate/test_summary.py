"""The page of the demo, from evaluations written by hand: every row with its link, and the truth where there is one."""

import re
from collections.abc import Sequence
from html import unescape
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wardround import files
from wardround.errors import DataError
from wardround.evaluate.summary import BEST, write_summary
from wardround.metrics.discrimination import auroc

INTERVAL = {"value": 0.8125, "low": 0.7, "high": 0.9}
RISKS = [0.05, 0.1, 0.2, 0.4, 0.6, 0.9, 0.3, 0.15, 0.25]
DIED = [False, False, False, True, False, True, True, False, True]
NOTE = "3 events of the rarer outcome; interval too wide to conclude"


def mortality(
    folder: Path, name: str, method: str, stays: Sequence[int] = range(8), note: str = ""
) -> tuple[str, Path]:
    """An evaluation that predicts half of each true risk."""
    to = folder / "evaluations" / name
    names = ("auroc", "auprc", "calibration_slope")
    metrics = {"task": "mortality", "method": method, "n_stays": len(stays), "note": note}
    files.write_json(to / "metrics.json", metrics | {"metrics": dict.fromkeys(names, INTERVAL)})
    predictions = pl.DataFrame(
        {
            "subject_id": [100 + stay for stay in stays],
            "stay_id": list(stays),
            "boolean_value": [DIED[stay] for stay in stays],
            "predicted_boolean_probability": [RISKS[stay] / 2 for stay in stays],
        }
    )
    files.write_table(to / "predictions.parquet", predictions)
    return name, to


def hours(folder: Path, name: str) -> tuple[str, Path]:
    to = folder / "evaluations" / name
    metrics = {"mae_h": {"value": 61.44, "low": 50.0, "high": 72.0}, "spearman": INTERVAL}
    files.write_json(
        to / "metrics.json", {"task": "los_remaining", "method": "mlp", "n_stays": 1234, "metrics": metrics}
    )
    return name, to


def alignment(folder: Path, intervals: bool) -> tuple[str, Path]:
    to = folder / "evaluations" / "alignment"
    mean = {f"{name}@{k}": value for k in (1, 5, 10) for name, value in
            (("recall", 0.05), ("baseline", 0.01), ("improvement", 5.0))}  # fmt: skip
    found = {f"{name}@{k}": INTERVAL for k in (1, 5, 10) for name in ("recall", "improvement")}
    retrieval = {"mean": mean} | ({"intervals": found} if intervals else {})
    metrics = {"task": None, "method": "alignment", "retrieval": retrieval, "silhouette": {"overall": 0.009}}
    files.write_json(to / "metrics.json", metrics)
    return "alignment", to


def truth(folder: Path) -> Path:
    """Stay 8 has no risk at 24 h; stay 99 was not asked."""
    risks = pl.DataFrame({"stay_id": [*range(9), 99], "true_risk_at_24h": [*RISKS[:8], None, 0.5]})
    files.write_table(folder / "truth.parquet", risks)
    return folder / "truth.parquet"


def area_of(stays: int) -> float:
    """AUROC of the true risks of the first stays."""
    return float(auroc(np.array(DIED[:stays]), np.array(RISKS[:stays])))


def rows(page: Path) -> list[list[str]]:
    """The cells of every table row of a page."""
    text = page.read_text()
    found = re.findall(r"<tr[^>]*>(.*?)</tr>", text, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in found]
    return [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in cells]


def test_every_row_stands_with_its_interval_and_a_link_to_its_report(tmp_path: Path):
    finished = [
        alignment(tmp_path, intervals=True),
        mortality(tmp_path, "apache", "score"),
        mortality(tmp_path, "static", "mlp"),
        hours(tmp_path, "los-static"),
    ]
    page = write_summary(tmp_path / "report.html", finished, None)
    found: dict[str, list[str]] = {}
    for row in rows(page):
        found.setdefault(row[0], row[1:])
    assert found["apache"] == found["static"] == ["<11", *["0.812 [0.700, 0.900]"] * 3]
    assert found["los-static"] == ["1,234", "61.4 [50.0, 72.0]", "0.812 [0.700, 0.900]"]
    assert found["1"] == ["0.812 [0.700, 0.900]", "0.010", "0.812 [0.700, 0.900]"]
    for name in ("apache", "static", "los-static"):
        assert f'<a href="evaluations/{name}/report.html">{name}</a>' in page.read_text()
    assert 'href="evaluations/alignment/report.html"' in page.read_text()
    assert "0.009 (0 is well mixed)" in page.read_text()


def test_retrieval_without_intervals_stands_with_its_value(tmp_path: Path):
    page = write_summary(tmp_path / "report.html", [alignment(tmp_path, intervals=False)], None)
    assert ["5", "0.050", "0.010", "5.000"] in rows(page)


def test_on_synthetic_data_the_truth_is_a_row_of_its_own(tmp_path: Path):
    """Judged on the same stays, and against each prediction: half of each risk is perfectly correlated with it."""
    finished = [mortality(tmp_path, "static", "mlp", range(9))]
    page = write_summary(tmp_path / "report.html", finished, truth(tmp_path))
    found = {row[0]: row[1:] for row in rows(page) if row[0] == BEST}
    stays, area = found[BEST][:2]
    assert stays == "<11"
    value = area_of(8)
    assert area.startswith(f"{value:.3f} [")
    agreement = next(row for row in rows(page) if row[0] == "static" and len(row) == 3)
    assert agreement[1].startswith("1.000 [1.000")
    assert agreement[2].startswith(f"{sum(RISKS[:8]) / 8 / 2:.3f} [")
    assert "synthetic data" in page.read_text()
    assert "Over the same held-out stays" not in page.read_text(), "APACHE has fewer"
    assert "APACHE&#39;s on those alone that have its score" in page.read_text()


def test_the_truth_is_judged_on_the_row_with_the_most_stays(tmp_path: Path):
    """APACHE's row covers fewer, wherever it stands; alone it has to do."""
    score = mortality(tmp_path, "apache", "score", range(5))
    static = mortality(tmp_path, "static", "mlp")
    areas = {stays: area_of(stays) for stays in (5, 8)}
    assert areas[5] != areas[8]
    for finished, expected in (([score, static], 8), ([static, score], 8), ([score], 5)):
        page = write_summary(tmp_path / "report.html", finished, truth(tmp_path))
        assert next(row[2] for row in rows(page) if row[0] == BEST).startswith(f"{areas[expected]:.3f} [")


def test_models_stand_beside_apache_on_the_stays_that_both_predict(tmp_path: Path):
    """APACHE predicts half of each risk for five of the eight stays; the model ranks them the other way round."""
    score, model = mortality(tmp_path, "m-apache", "score", range(5)), mortality(tmp_path, "m-mlp", "mlp")
    table = files.read_table(model[1] / "predictions.parquet")
    files.write_table(
        model[1] / "predictions.parquet",
        table.with_columns(predicted_boolean_probability=1 - pl.col("predicted_boolean_probability")),
    )
    page = write_summary(tmp_path / "report.html", [model, score], None)
    area = area_of(5)
    beside = next(row for row in rows(page) if row[0] == "m-mlp" and len(row) == 8)
    assert beside[1:4] == ["<11", f"{1 - area:.3f}", f"{area:.3f}"]
    assert beside[4].startswith(f"{1 - 2 * area:.3f} [")
    text = page.read_text()
    assert "Beside APACHE, on the stays that have its score" in text
    assert text.count('class="chart"') == 2
    assert ">apache</text>" in text
    alone = write_summary(tmp_path / "report.html", [model], None).read_text()
    assert "Beside APACHE" not in alone
    assert alone.count('class="chart"') == 1


def test_on_real_data_no_truth_is_claimed(tmp_path: Path):
    page = write_summary(tmp_path / "report.html", [mortality(tmp_path, "static", "mlp")], None)
    assert BEST not in page.read_text()
    assert "true risk" not in page.read_text()
    assert "synthetic" not in page.read_text()


def test_few_deaths_are_said_once(tmp_path: Path):
    finished = [mortality(tmp_path, name, "mlp", note=NOTE) for name in ("a", "b")]
    finished.append(mortality(tmp_path, "c", "mlp"))
    assert write_summary(tmp_path / "report.html", finished, None).read_text().count(NOTE) == 1
    plain = write_summary(tmp_path / "plain.html", finished[2:], None).read_text()
    assert "Few deaths" not in plain


def test_a_row_that_was_left_out_leaves_the_others(tmp_path: Path):
    page = write_summary(tmp_path / "report.html", [hours(tmp_path, "los-static")], truth(tmp_path)).read_text()
    assert "Remaining stay" in page
    assert "Death in hospital" not in page
    assert "Alignment" not in page


def test_names_are_escaped_and_nothing_comes_from_elsewhere(tmp_path: Path):
    name, folder = hours(tmp_path, "los")
    page = write_summary(tmp_path / "report.html", [("<b>los & co</b>", folder)], None).read_text()
    assert "&lt;b&gt;los &amp; co&lt;/b&gt;" in page
    assert "<b>los" not in page
    assert not re.search(r"(src|href)=[\"']?https?:", page)
    assert name == "los"


def test_an_unfinished_evaluation_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"metrics\.json is missing"):
        write_summary(tmp_path / "report.html", [("los", tmp_path / "evaluations" / "los")], None)
