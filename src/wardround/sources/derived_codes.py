"""Codes of events that only wardround makes: a source that brings one is refused before a folder is written.

Training would refuse the finished folder (`batches/lines.py`), hours later.
"""

from pathlib import Path

import polars as pl

from wardround.errors import SourceError
from wardround.events import DERIVED


def refuse_derived(where: Path, events: pl.DataFrame) -> None:
    """Refuse events under a modality and code of `events.DERIVED`.

    Args:
        where: the table that they were read from.
        events: `modality, code`.

    Raises:
        SourceError: counting them, with what to do.
    """
    for modality, codes in DERIVED.items():
        taken = events.filter(pl.col("modality") == modality, pl.col("code").is_in(codes))
        if not taken.is_empty():
            named = " and ".join(taken["code"].unique().sort())
            raise SourceError(
                f"{where} gives {taken.height} events of the modality {modality} under {named}, which wardround "
                "computes itself. Scores that a database stores are of the modality score: in the mapping, or wherever "
                "their modality is said, give them that one, or leave these codes out."
            )
