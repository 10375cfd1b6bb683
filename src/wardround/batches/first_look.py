"""Whether training stays show anything that becomes a feature, from no more of them than it takes to tell: what a
comparison holds its rows against before the first one is trained."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from wardround.batches.content import visible_items
from wardround.batches.features import FeatureSettings, Vocabulary, codes_seen, fit_vocabulary
from wardround.batches.lines import Lines
from wardround.batches.store import stay_chunks, stays_and_cuts
from wardround.tasks.cohort import Cohort


@dataclass(frozen=True)
class FirstLook:
    """What was found before the look ended.

    Attributes:
        shown: modalities of which there was an event.
        read: those of them with a feature.
        numbers: whether one of these features is a number.
    """

    shown: tuple[str, ...]
    read: tuple[str, ...]
    numbers: bool


def first_look(
    lines: Lines,
    train: Cohort,
    asked: Sequence[str],
    settings: FeatureSettings,
    enough: int,
    numbers: bool = False,
    views: Sequence[str] = (),
) -> FirstLook:
    """Look at training stays, up to their prediction times, until enough of them show enough.

    A feature is counted against all training stays, so that what is found early is there in the end; that too little is
    there is said of all of them alone.

    Args:
        lines: the data on the protocol's clock.
        train: training stays.
        asked: names of modalities.
        settings: which codes become features.
        enough: modalities with a feature to look for.
        numbers: whether one of the features has to be a number.
        views: of which pictures are read; empty for all.
    """
    stays, cut = stays_and_cuts(lines, train)
    chunks = list(stay_chunks(len(stays), "looking for features, stays", quiet=True))
    seen: list[pl.DataFrame] = []
    look = FirstLook((), (), False)
    for place, part in enumerate(chunks, start=1):
        chunk = visible_items(lines, stays[part], cut[part])
        seen.append(codes_seen(lines, chunk.item, chunk.stay + part.start))
        if place & (place - 1) and place < len(chunks):
            continue  # only when there are twice as many stays, or all: each look goes through what was seen before
        so_far = pl.concat(seen)
        look = _look(so_far, fit_vocabulary(so_far, lines.codes, len(stays), asked, settings, views), asked)
        if len(look.read) >= enough and (look.numbers or not numbers):
            break
    return look


def _look(seen: pl.DataFrame, vocabulary: Vocabulary, asked: Sequence[str]) -> FirstLook:
    there = set(seen["modality"].unique().drop_nulls())
    numbers = any(vocabulary.numbers.values())
    return FirstLook(tuple(name for name in asked if name in there), vocabulary.modalities, numbers)
