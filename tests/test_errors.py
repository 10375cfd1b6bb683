"""The tree of errors: what is drawn at the top of the file is what there is."""

import re

import pytest

from wardround import errors
from wardround.stopping import Stopped
from wardround.train.stopping import TrainingStopped

CLASSES = [each for each in vars(errors).values() if isinstance(each, type)]


def drawn() -> dict[str, str]:
    """Class -> the class above it, as the drawing has it."""
    above, parents = {}, {}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^( {4}[│ ]*)(?:[├└]── )?([A-Z]\w+) ", line)
        if found:
            depth = 0 if "──" not in line else 1 + line.index("──") // 4 - 1
            above[depth] = found[2]
            parents[found[2]] = above.get(depth - 1, "")
    return parents


def test_the_drawing_is_the_tree():
    tree = drawn()
    named = [*CLASSES, Stopped, TrainingStopped]
    assert {each.__name__ for each in named} == set(tree)
    for each in named:
        assert tree[each.__name__] == (each.__bases__[0].__name__ if each is not errors.WardroundError else "")


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_is_ours_and_says_what_it_is(error: type[errors.WardroundError]):
    assert issubclass(error, errors.WardroundError)
    assert error.__doc__
    assert error.exit_code == (2 if error is errors.UsageError else 1)
    assert str(error("one clear line")) == "one clear line"
