"""Words for a fact: one of several sentences that say the same."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from jaxtyping import Int

PICKS: Final = 48
"""Numbers drawn for each note; one that needs more begins again."""


class Words:
    """Chooses sentences, each by the next of a note's own numbers, so that notes vary and are repeatable."""

    def __init__(self, picks: Int[np.ndarray, " pick"]) -> None:
        self._picks: list[int] = picks.tolist()
        self._next = 0

    def one(self, *sentences: str) -> str:
        """One of the sentences."""
        return sentences[self._pick() % len(sentences)]

    def maybe(self, *sentences: str) -> str:
        """One of the sentences, or nothing as often as any of them."""
        return self.one("", *sentences)

    def number(self) -> int:
        """A number of four or five digits, of no meaning."""
        return 1_000 + self._pick() % 30_000

    def _pick(self) -> int:
        pick = self._picks[self._next % len(self._picks)]
        self._next += 1
        return pick


def draw_words(notes: int, rng: np.random.Generator) -> Iterator[Words]:
    """The words of so many notes."""
    for picks in rng.integers(0, 2**30, (notes, PICKS)):
        yield Words(picks)


def paragraph(sentences: Iterable[str]) -> str:
    """Sentences on one line, without those that say nothing."""
    return " ".join(filter(None, sentences))


def listed(things: Iterable[str]) -> str:
    """Things as words of one sentence: a, b and c."""
    *most, last = things
    return f"{', '.join(most)} and {last}" if most else last
