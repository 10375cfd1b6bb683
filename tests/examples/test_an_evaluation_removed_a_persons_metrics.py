"""`evaluate` and `predict --to` removed files of a person's that had a name of theirs, before anything was asked."""

from pathlib import Path

import pytest

from small_runs import small_data, trained
from wardround.errors import RunError
from wardround.evaluate.evaluation import evaluate, predict
from wardround.evaluate.question import Question


@pytest.mark.parametrize("name", ["metrics.json", "predictions.parquet", "metrics_6h.json", "report.html"])
def test_it_is_named_and_kept(tmp_path: Path, name: str):
    data = small_data(tmp_path / "data", stays=60)
    run = trained("elapsed", data, tmp_path / "run", task="los_remaining").folder
    mine = tmp_path / "mine" / name
    mine.parent.mkdir()
    mine.write_text("a person's")
    for call in (
        lambda: evaluate(run, data, mine.parent, Question(split="all", draws=20), quiet=True),
        lambda: predict(run, data, mine.parent, quiet=True),
    ):
        with pytest.raises(RunError, match=rf"{name}: this command did not make it"):
            call()
    assert [path.name for path in mine.parent.iterdir()] == [name]
    assert mine.read_text() == "a person's"
    with pytest.raises(RunError, match=r"is a file\. Choose another --to"):
        predict(run, data, mine, quiet=True)
