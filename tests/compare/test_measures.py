"""What a search may be after, by hand."""

import numpy as np
import pytest

from wardround.compare.measures import undefined_objectives
from wardround.tasks.task import find_task

RANKS = ["auroc", "auprc", "event1"]


@pytest.mark.parametrize(
    ("task", "label", "undefined"),
    [
        ("mortality", [0.0, 0, 0], RANKS),
        ("mortality", [1.0, 1, 1], ["auroc"]),
        ("mortality", [0.0, 1, 0], []),
        ("los", [30.0, 30, 30], ["r2", "pearson", "spearman"]),
        ("los", [30.0, 40, 50], []),
    ],
    ids=["nobody", "everybody", "both", "alike", "unlike"],
)
def test_what_is_undefined_whatever_is_predicted(task: str, label: list[float], undefined: list[str]):
    assert undefined_objectives(find_task(task), np.asarray(label)) == undefined


def test_of_several_labels_one_with_both_outcomes_is_enough():
    task = find_task("phenotyping")
    label = np.zeros((4, len(task.labels)))
    assert undefined_objectives(task, label) == ["auroc", "auprc", "brier", "event1"]
    label[0, 3] = 1
    assert undefined_objectives(task, label) == []
