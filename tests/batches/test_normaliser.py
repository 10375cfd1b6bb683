"""Numbers to the model's scale, worked by hand."""

from math import e
from pathlib import Path

import numpy as np
import pytest

from wardround.batches.content import ModalityContent
from wardround.batches.normaliser import CLIP, Normaliser, sign_log
from wardround.errors import RunError

NAN = np.nan


def content(summaries: list[list[list[float]]], presence: list[list[bool]]) -> ModalityContent:
    """Summaries as "summary event number"."""
    n = len(presence)
    return ModalityContent(
        np.zeros(n, np.int64), np.arange(n), np.arange(n), np.asarray(summaries), np.asarray(presence, bool)
    )


def test_the_sign_log_keeps_the_sign_and_the_unknown():
    assert sign_log(np.asarray([0.0, e - 1, 1 - e, NAN])).tolist() == pytest.approx([0, 1, -1, NAN], nan_ok=True)


def test_a_fit_by_hand():
    """One summary, three training stays, three numbers: sign-logs 0 and 2; 1, 1, 1; never observed."""
    high = e**2 - 1
    last = {"lab": np.asarray([[[0.0, e - 1, NAN], [high, e - 1, NAN], [NAN, e - 1, NAN]]])}
    fitted = Normaliser.fit(last)
    assert fitted.mean["lab"][0].tolist() == pytest.approx([1, 1, 0])
    assert fitted.spread["lab"][0].tolist() == pytest.approx([1, 1, 1]), "a number that never varies keeps spread 1"


def test_a_modality_that_nobody_has_fits():
    fitted = Normaliser.fit({"aps": np.empty((2, 0, 3)), "history": np.empty((2, 4, 0))})
    assert fitted.spread["aps"].tolist() == [[1, 1, 1], [1, 1, 1]]
    assert fitted.mean["history"].shape == (2, 0)


HALVES = Normaliser({"lab": np.asarray([[1.0, 0.0], [0.5, 0.0]])}, {"lab": np.asarray([[2.0, 1.0], [1.0, 1e-3]])})


def test_rows_by_hand():
    """Two summaries of two numbers, their observed mask, then the codes; 0 where unobserved, nothing beyond 10
    deviations."""
    made = HALVES.rows(
        "lab", content([[[e**3 - 1, NAN], [0.0, e - 1]], [[e - 1, NAN], [0.0, 1 - e]]], [[True], [False]])
    )
    assert made.dtype == np.float32
    assert made.tolist() == [
        pytest.approx([1.0, 0.0, 0.5, 0.0, 1.0, 0.0, 1.0], abs=1e-6),
        pytest.approx([-0.5, 1.0, -0.5, -CLIP, 1.0, 1.0, 0.0], abs=1e-6),
    ]


def test_rows_of_codes_alone():
    made = Normaliser({"diagnosis": np.empty((6, 0))}, {"diagnosis": np.empty((6, 0))})
    rows = made.rows("diagnosis", content(np.empty((6, 2, 0)).tolist(), [[True, False], [True, True]]))
    assert rows.tolist() == [[1, 0], [1, 1]]


def test_a_normaliser_is_what_was_saved(tmp_path: Path):
    HALVES.save(tmp_path)
    read = Normaliser.load(tmp_path, {"lab": (2, 2)})
    assert read.mean["lab"].tolist() == HALVES.mean["lab"].tolist()
    assert read.spread["lab"].tolist() == HALVES.spread["lab"].tolist()


@pytest.mark.parametrize("shapes", [{"lab": (2, 3)}, {"lab": (1, 2)}, {"lab": (2, 2), "vitals": (2, 1)}])
def test_a_normaliser_of_another_vocabulary_is_refused(tmp_path: Path, shapes: dict):
    HALVES.save(tmp_path)
    with pytest.raises(RunError, match="does not fit the vocabulary beside it"):
        Normaliser.load(tmp_path, shapes)


def test_a_missing_normaliser_is_an_error_of_the_run(tmp_path: Path):
    with pytest.raises(RunError, match=r"normaliser\.parquet is missing"):
        Normaliser.load(tmp_path, {})
