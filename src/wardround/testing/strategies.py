"""Hypothesis strategies: small timelines that can be read when they fail, events, stays, masks, batches.

Needs Hypothesis: pip install 'wardround[testing]'.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from wardround.batches.static import StaticBatch
from wardround.models.modality_encoder import RowShape
from wardround.testing.data_folder import stays_on_disk
from wardround.testing.timelines import CATALOGUE, EVENT, STAY, Timelines, default_stay, hand

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


def events(earliest_min: int = -30, latest_min: int = 200) -> st.SearchStrategy[pl.DataFrame]:
    """Events of one stay as a table (`timelines.EVENT`): times as minutes from unit admission, some known later than
    they happen."""

    def table(drawn: list[tuple[int, int, int, float]]) -> pl.DataFrame:
        return Drawn([drawn]).timelines().events

    return drawn_events(earliest_min, latest_min).map(table)


def stays(max_stays: int = 6) -> st.SearchStrategy[pl.DataFrame]:
    """A `stays.parquet` of one or more stays: children, early ends and deaths among them."""
    ages = st.sampled_from((None, 17.0, 18.0, 60.0, 89.0, 90.0))
    stay = st.tuples(st.integers(1, 6000), st.sampled_from((0, 1, 900)), ages, st.booleans())

    def table(drawn: Sequence[tuple[int, int, float | None, bool]]) -> pl.DataFrame:
        rows = [
            default_stay(number, end=end_min, hospital_end=end_min + longer, age=age, died_in_hospital=died)
            for number, (end_min, longer, age, died) in enumerate(drawn, start=1)
        ]
        return stays_on_disk(Timelines(pl.DataFrame(schema=EVENT), pl.DataFrame(rows, schema=STAY)))

    return st.lists(stay, min_size=1, max_size=max_stays).map(table)


def masks(stays_: int, modalities: int) -> st.SearchStrategy[Bool[Tensor, "stay modality"]]:
    """Which modalities each stay has; none at all is possible."""
    row = st.lists(st.booleans(), min_size=modalities, max_size=modalities)
    return st.lists(row, min_size=stays_, max_size=stays_).map(
        lambda rows: torch.tensor(rows, dtype=torch.bool).reshape(stays_, modalities)
    )


def rows(shape: RowShape, n: int) -> st.SearchStrategy[Float[Tensor, "row feature"]]:
    """Rows of a modality as batches make them: zeros where a number was not observed."""
    values = st.lists(st.floats(-5, 5, width=32), min_size=n * shape.width, max_size=n * shape.width)
    bits = st.lists(st.booleans(), min_size=n * shape.width, max_size=n * shape.width)

    def made(drawn: tuple[list[float], list[bool]]) -> Tensor:
        value, bit = (torch.tensor(part, dtype=torch.float32).reshape(n, shape.width) for part in drawn)
        begin = shape.numbers * shape.summaries
        observed = bit[:, begin : begin + shape.numbers]
        return torch.cat([value[:, :begin] * observed.repeat(1, shape.summaries), bit[:, begin:]], dim=1)

    return st.tuples(values, bits).map(made)


@st.composite
def batches(draw: Callable[..., Any], shapes: Mapping[str, RowShape], max_stays: int = 6) -> StaticBatch:
    """Batches of static models: stays that lack modalities, or all of them, with and without labels."""
    n = draw(st.integers(1, max_stays))
    observed = draw(masks(n, len(shapes)))
    inputs = {name: draw(rows(shape, n)) * observed[:, [place]] for place, (name, shape) in enumerate(shapes.items())}
    labels = draw(st.lists(st.sampled_from((0.0, 1.0, float("nan"))), min_size=n, max_size=n))
    odds = draw(st.lists(st.sampled_from((-2.0, 0.5, float("nan"))), min_size=n, max_size=n))
    return StaticBatch(inputs, observed, torch.arange(n), torch.tensor(labels), torch.tensor(odds))
