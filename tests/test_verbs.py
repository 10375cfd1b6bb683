"""What a call inherits from the run that it takes up, and what it says itself."""

import pytest

from wardround.cli import build_parser
from wardround.errors import UsageError
from wardround.tasks.splits import SplitPlan
from wardround.verbs import chosen_split

SPARED, FOLD, HOSPITAL = SplitPlan(3, test=False), SplitPlan(3, (2, 5)), SplitPlan(3, by="hospital")


def chosen(inherited: SplitPlan | None, *said: str) -> SplitPlan:
    call = ["train", "mlp", "--data", "data", "--task", "mortality", "--to", "run", *said]
    return chosen_split(build_parser().parse_args(call), inherited)


@pytest.mark.parametrize(
    ("inherited", "said", "expected"),
    [
        (None, (), SplitPlan()),
        (None, ("--no-test",), SplitPlan(test=False)),
        (SPARED, (), SPARED),
        (SPARED, ("--test",), SplitPlan(3)),
        (SPARED, ("--fold", "1/5"), SplitPlan(3, (1, 5))),
        (SPARED, ("--split-by", "hospital"), HOSPITAL),
        (SPARED, ("--split-seed", "4"), SplitPlan(4, test=False)),
        (FOLD, (), FOLD),
        (FOLD, ("--no-test",), SPARED),
        (HOSPITAL, ("--no-test",), SPARED),
    ],
)
def test_the_split_of_a_call(inherited: SplitPlan | None, said: tuple[str, ...], expected: SplitPlan):
    assert chosen(inherited, *said) == expected


@pytest.mark.parametrize("said", [("--fold", "1/5"), ("--split-by", "time"), ("--pretrain-on", "disjoint")])
def test_nobody_tests_and_somebody_tests_is_refused(said: tuple[str, ...]):
    with pytest.raises(UsageError, match="--no-test tests on nobody"):
        chosen(None, "--no-test", *said)
