"""Hypothesis strategies: small timelines that can be read when they fail, events, stays, masks, batches.

Needs Hypothesis: pip install 'wardround[testing]'.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wardround.testing.timelines import CATALOGUE, Timelines, hand

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError("wardround.testing.strategies needs Hypothesis: pip install 'wardround[testing]'.") from error


@dataclass(frozen=True)
class Drawn:
    """A few events by Hypothesis: `(minute, delay, place in the catalogue, value)` by stay."""

    events: list[list[tuple[int, int, int, float]]] = field(default_factory=list[list[tuple[int, int, int, float]]])

    def timelines(self, stays: Iterable[Mapping[str, Any]] = ()) -> Timelines:
        """As timelines of stays 1, 2, ..."""
        rows: list[tuple[Any, ...]] = []
        for number, events in enumerate(self.events, start=1):
            for minute, delay, place, value in events:
                modality, code, is_number = CATALOGUE.row(place)
                rows.append((number, minute, minute + delay, modality, code, value if is_number else None))
        return hand(rows, [*({"stay_id": number + 1} for number in range(len(self.events))), *stays])


def drawn_events(earliest: int = -30, latest: int = 200) -> st.SearchStrategy[list[tuple[int, int, int, float]]]:
    """Events of one stay, small enough to be read when they fail."""
    event = st.tuples(
        st.integers(earliest, latest),
        st.sampled_from((0, 0, 1, 30, 90)),
        st.integers(0, CATALOGUE.height - 1),
        st.sampled_from((0.0, 1.0, -2.5, 140.0)),
    )
    return st.lists(event, max_size=8)


def small_timelines(max_stays: int = 3) -> st.SearchStrategy[Drawn]:
    """One to three stays of a few events."""
    return st.builds(Drawn, st.lists(drawn_events(), min_size=1, max_size=max_stays))
