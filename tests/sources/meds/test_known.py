"""When the values of a code become known, as a mapping says it."""

import pytest

from wardround.sources.meds.known import KnownWhen, read_known


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("at once", KnownWhen()),
        ("60 min", KnownWhen("delay", 60)),
        ("2 h", KnownWhen("delay", 120)),
        ("2h", KnownWhen("delay", 120)),
        ("0 min", KnownWhen()),
        ("end of day", KnownWhen("end of day")),
        ("discharge", KnownWhen("discharge")),
    ],
)
def test_a_rule_as_it_is_written(text: str, rule: KnownWhen):
    assert read_known(text) == rule


@pytest.mark.parametrize("text", ["", "soon", "-5 min", "1.5 h", "5", "5 days", "Discharge", "at  once"])
def test_another_text_is_refused_and_the_rules_are_listed(text: str):
    with pytest.raises(ValueError, match='is not "at once", "N min", "N h", "end of day" or "discharge"'):
        read_known(text)
