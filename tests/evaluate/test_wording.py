"""How a report names a method."""

import pytest

from wardround.evaluate.wording import SCORE_TITLES, method_words
from wardround.methods.scores import OF


@pytest.mark.parametrize(
    ("method", "settings", "said"),
    [
        ("mlp", {"settings": {"model": {"of": "sofa"}}}, "mlp"),
        ("score", {"settings": None}, "APACHE IVa"),
        ("score", {"settings": {"of": "sapsii"}}, "SAPS II"),
    ],
)
def test_a_title_names_the_score(method: str, settings: dict[str, object], said: str):
    assert method_words(method, settings) == said


def test_every_score_has_its_title():
    assert set(OF) == set(SCORE_TITLES)
