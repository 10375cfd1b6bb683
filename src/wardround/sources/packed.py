"""Events-to-be as they wait on disk: codes and modalities, which come again and again, as numbers of a list that a
whole table shares, and whole numbers no wider than they need to be. Half the bytes, and half the time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

LISTED: Final = ("code", "modality")
"""Columns of words that are held as their places in a list."""
NARROW: Final = ("minute", "available_minute", "minute_us", "available_minute_us")
"""Columns that 32 bits hold: 4,000 years of minutes, a minute of microseconds."""
FARTHEST_MIN: Final = 2**31 - 1
"""From unit admission, as they hold them."""

Words = Mapping[str, pl.Series]
"""Column -> its words, at their places."""


@dataclass
class WordLists:
    """The words of a table so far."""

    words: dict[str, pl.Series] = field(default_factory=dict[str, pl.Series])

    def packed(self, events: pl.DataFrame) -> pl.DataFrame:
        """Events-to-be, packed; words that are new are added."""
        listed = {name: self._places(events[name]) for name in LISTED if name in events.columns}
        return events.with_columns(*listed.values(), *_narrow(events, pl.Int32()))

    def _places(self, column: pl.Series) -> pl.Series:
        words = self.words.get(column.name, pl.Series(column.name, [], pl.String))
        new = column.unique(maintain_order=True).drop_nulls()
        new = new.filter(~new.is_in(words.implode()))
        if new.len():
            words = pl.concat([words, new], rechunk=True)
        self.words[column.name] = words
        places = pl.DataFrame([words, pl.int_range(words.len(), dtype=pl.UInt32, eager=True).alias("place")])
        return (
            column.to_frame()
            .join(places, on=column.name, how="left", maintain_order="left")["place"]
            .alias(column.name)
        )


def unpacked(events: pl.DataFrame, words: Words) -> pl.DataFrame:
    """Events-to-be as they were before they were packed."""
    listed = [words[name].gather(events[name]) for name in LISTED if name in events.columns]
    return events.with_columns(*listed, *_narrow(events, pl.Int64()))


def _narrow(events: pl.DataFrame, kind: pl.DataType) -> list[pl.Expr]:
    return [pl.col(name).cast(kind) for name in NARROW if name in events.columns]
