"""A look at as many training stays as it takes to tell agrees with the vocabulary of all of them."""

import pytest

from timelines import random_timelines, write_data
from wardround import files
from wardround.batches import first_look as module
from wardround.batches import store
from wardround.batches.features import FeatureSettings
from wardround.batches.first_look import FirstLook, first_look
from wardround.batches.lines import Lines, open_lines
from wardround.batches.store import vocabulary_of
from wardround.errors import DataError
from wardround.tasks.cohort import Cohort, Window, cohort

ASKED = ("demographics", "diagnosis", "medication", "lab", "vitals", "blood_gas")
ALL = len(ASKED) + 1
"""More modalities than there are: the look ends with the last stay."""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lines, Cohort]:
    folder = write_data(tmp_path_factory.mktemp("look") / "data", random_timelines(4, 150))
    stays = files.read_table(folder / "stays.parquet")
    return open_lines(folder, Window(), quiet=True), cohort(stays, Window())


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many stays each look went through, in chunks of ten."""
    monkeypatch.setattr(store, "CHUNK_STAYS", 10)
    seen: list[int] = []
    whole = module.visible_items

    def counted(lines, stays, *given):
        seen.append(len(stays))
        return whole(lines, stays, *given)

    monkeypatch.setattr(module, "visible_items", counted)
    return seen


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.35])
def test_in_the_end_it_is_the_vocabulary(opened: tuple[Lines, Cohort], looked_at: list[int], share: float):
    lines, train = opened
    settings = FeatureSettings(min_stay_share=share)
    whole = vocabulary_of(lines, train, ASKED, settings, quiet=True)
    look = first_look(lines, train, ASKED, settings, ALL)
    assert sum(looked_at) == train.frame.height
    assert look.read == whole.modalities
    assert look.numbers == any(whole.numbers.values())
    assert set(look.read) <= set(look.shown) <= set(ASKED)
    assert "blood_gas" not in look.shown, "nobody has it"


def test_it_ends_when_there_is_enough(opened: tuple[Lines, Cohort], looked_at: list[int]):
    """What is found early is there in the end; of a rarer code it takes more stays."""
    lines, train = opened
    settings = FeatureSettings(min_stay_share=0.05)
    whole = vocabulary_of(lines, train, ASKED, settings, quiet=True).modalities
    early = first_look(lines, train, ASKED, settings, 1)
    one = sum(looked_at)
    looked_at.clear()
    more = first_look(lines, train, ASKED, settings, 4)
    assert 0 < one < sum(looked_at) < train.frame.height
    assert 1 <= len(early.read) <= len(more.read)
    assert set(early.read) <= set(whole)
    assert set(more.read) <= set(whole)


def test_a_number_is_looked_for_where_one_is_needed(opened: tuple[Lines, Cohort], looked_at: list[int]):
    lines, train = opened
    settings = FeatureSettings(min_stay_share=0.05)
    codes = first_look(lines, train, ("medication",), settings, 1, numbers=True)
    assert codes == FirstLook(("medication",), ("medication",), False)
    assert sum(looked_at) == train.frame.height, "there is none before all were looked at"
    assert first_look(lines, train, ("lab",), settings, 1, numbers=True).numbers


def test_nothing_is_frequent_enough(opened: tuple[Lines, Cohort]):
    lines, train = opened
    settings = FeatureSettings(min_stay_share=1.0)
    assert first_look(lines, train, ("lab",), settings, 1) == FirstLook(("lab",), (), False)
    assert first_look(lines, train, ("blood_gas",), settings, 1) == FirstLook((), (), False)
    with pytest.raises(DataError, match="no code is in enough"):
        vocabulary_of(lines, train, ("lab",), settings, quiet=True)
