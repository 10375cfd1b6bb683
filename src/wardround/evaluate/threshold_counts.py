"""Who is flagged at the threshold, by age and sex, and which of these counts a report may show."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool

from wardround.evaluate.evidence import Answers
from wardround.evaluate.small_cells import count_text, hidden_cells

AGE_BANDS: Final = (("under 65", 0.0, 65.0), ("65 to 79", 65.0, 80.0), ("80 and over", 80.0, 200.0))
ALL: Final = "all stays"
PARTS: Final = ((*(name for name, _, _ in AGE_BANDS), "age unknown"), ("women", "men", "sex unknown"))
SUMS: Final = (
    ("stays", ("events", "others")),
    ("stays", ("alerts", "quiet")),
    ("events", ("tp", "fn")),
    ("others", ("fp", "tn")),
    ("alerts", ("tp", "fp")),
    ("quiet", ("fn", "tn")),
)
NEEDS: Final = {
    "sensitivity": ("events", "tp", "fn"),
    "specificity": ("others", "fp", "tn"),
    "ppv": ("alerts", "tp", "fp"),
    "f1": ("tp", "fp", "fn"),
    "accuracy": ("tp", "fp", "fn", "tn"),
    "event1": ("tp", "fp", "fn"),
}
"""Measure -> the counts that it is a share of. With one of them small, the share would give it away."""


@dataclass(frozen=True)
class ThresholdCounts:
    """Counts at a threshold.

    Attributes:
        groups: name -> which stays; the ages together are all stays, and so are the sexes.
        counts: (group, what) -> stays, where what is stays, events, others, alerts, quiet, tp, fp, fn or tn.
        hidden: those that may not be shown, nor anything they follow from.
    """

    groups: dict[str, Bool[np.ndarray, "stay"]]
    counts: dict[tuple[str, str], int]
    hidden: set[tuple[str, str]]

    def text(self, group: str, what: str) -> str:
        """A count for a reader."""
        return count_text(self.counts[group, what], (group, what) in self.hidden)

    def shows(self, group: str, *what: str) -> bool:
        """Whether all of these counts may be shown."""
        return not any((group, name) in self.hidden for name in what)

    def hidden_measures(self) -> tuple[str, ...]:
        """The measures of all stays that may not be shown."""
        return tuple(name for name, needs in NEEDS.items() if not self.shows(ALL, *needs))


def threshold_counts(answers: Answers, threshold: float) -> ThresholdCounts:
    """Count events and alerts of all stays, of age bands and of sexes.

    Args:
        answers: outcomes, predicted probabilities, and `age, sex` in the frame.
        threshold: probability from which a stay is flagged.
    """
    label, flagged = answers.label, answers.prob >= threshold
    masks = {
        "stays": np.ones_like(label),
        "events": label,
        "others": ~label,
        "alerts": flagged,
        "quiet": ~flagged,
        "tp": label & flagged,
        "fp": ~label & flagged,
        "fn": label & ~flagged,
        "tn": ~label & ~flagged,
    }
    groups = _groups(answers)
    counts = {
        (group, what): int((inside & mask).sum()) for group, inside in groups.items() for what, mask in masks.items()
    }
    sums = [((ALL, what), [(name, what) for name in names]) for names in PARTS for what in masks]
    sums += [((group, total), [(group, part) for part in parts]) for group in groups for total, parts in SUMS]
    return ThresholdCounts(
        groups, counts, hidden_cells(counts, sums, keep={(ALL, what) for what in ("stays", "events", "others")})
    )


def _groups(answers: Answers) -> dict[str, Bool[np.ndarray, "stay"]]:
    age, sex = answers.frame["age"], answers.frame["sex"].str.to_lowercase()
    groups = {ALL: np.ones(len(answers.label), bool)}
    groups |= {name: ((age >= low) & (age < high)).fill_null(False).to_numpy() for name, low, high in AGE_BANDS}
    groups |= {
        name: (sex == value).fill_null(False).to_numpy() for name, value in (("women", "female"), ("men", "male"))
    }
    for names in PARTS:
        groups[names[-1]] = ~np.any([groups[name] for name in names[:-1]], axis=0)
    return groups
