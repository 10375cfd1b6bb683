"""`check_source`: the built-in sources fit, and each planted fault is named by its own requirement."""

import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest

import raw_mimic3
import raw_mimic4
from raw_challenge import tiny_set
from wardround.sources import gather, pipeline
from wardround.sources.challenge2012 import CHALLENGE2012
from wardround.sources.challenge2012.observations import OBSERVATION_TABLE
from wardround.sources.conversion import CANDIDATE, EventTable
from wardround.sources.eicu import EICU
from wardround.sources.mimic3 import MIMIC3
from wardround.sources.mimic4 import MIMIC4
from wardround.sources.raw_table import NUMBER, Known, RawTable
from wardround.sources.registry import SOURCES
from wardround.sources.source import Source
from wardround.sources.synthetic import synthesise_eicu
from wardround.testing import CheckFailed, check_source
from wardround.testing.source_check import REQUIREMENTS


def raw(folder: Path) -> Path:
    """Three records."""
    return tiny_set().write(folder)


def test_challenge_2012_fits():
    check_source(CHALLENGE2012, raw)


def test_eicu_fits(tmp_path: Path):
    synthesise_eicu(tmp_path / "raw", 25, 3, quiet=True)
    check_source(EICU, tmp_path / "raw")
    assert set(SOURCES) == {"eicu", "mimic4", "mimic3", "challenge2012"}


def test_mimic_iv_fits(tmp_path: Path):
    check_source(MIMIC4, raw_mimic4.tiny().write(tmp_path / "raw"))


def test_mimic_iii_fits(tmp_path: Path):
    check_source(MIMIC3, raw_mimic3.tiny().write(tmp_path / "raw"))


def changed(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Source:
    """The source, its candidates changed."""
    table = replace(OBSERVATION_TABLE, convert=lambda frame: change(OBSERVATION_TABLE.convert(frame)))
    return replace(CHALLENGE2012, name="faulty", all_tables=(table,))


def without_a_rule() -> Source:
    """A column that was added to the declared ones without a word of when it is known."""
    columns: dict[str, Any] = {"RecordID": (NUMBER, Known("id"))}
    table = RawTable("notes", columns)
    columns["Note"] = (NUMBER, None)
    return replace(CHALLENGE2012, name="faulty", unread_tables=(table,))


def of_no_modality() -> Source:
    table = EventTable(OBSERVATION_TABLE.raw, OBSERVATION_TABLE.convert, ("telepathy",))
    return replace(CHALLENGE2012, name="faulty", all_tables=(table,))


def dropping_records() -> Source:
    return replace(CHALLENGE2012, name="faulty", stay_rows=lambda frame: CHALLENGE2012.stay_rows(frame).head(2))


def growing() -> Source:
    turns = itertools.count()
    return changed(lambda made: made.with_columns(pl.col("numeric_value") + next(turns)))


def two_by_two() -> Source:
    """Its third preparation, the one of two workers, comes out otherwise."""
    turns = itertools.count()
    return changed(lambda made: made.with_columns(pl.col("numeric_value") + (next(turns) > 1)))


def foreseen(rows: pl.DataFrame, _: bool) -> pl.DataFrame:
    """Of each stay an event at its second hour, known at its first. (Of an event table the pipeline takes the later of
    the two times.)"""
    made = rows.with_columns(minute=pl.lit(120), available_minute=pl.lit(60), text_value=None, numeric_value=None)
    made = made.with_columns(code=pl.lit("HISTORY//foreseen"), modality=pl.lit("history"))
    return made.select(pl.col(name).cast(kind) for name, kind in CANDIDATE.items())


FAULTS: Final[dict[str, tuple[Source, str]]] = {
    "a column without a rule": (without_a_rule(), "availability"),
    "a modality that there is not": (of_no_modality(), "availability"),
    "drops stays without a reason": (dropping_records(), "ledger"),
    "no event at all": (changed(lambda made: made.clear()), "something"),
    "a modality in passing": (changed(lambda made: made.with_columns(modality=pl.lit("telepathy"))), "prepares"),
    "known before it happens": (replace(CHALLENGE2012, name="faulty", admission_events=foreseen), "known when"),
    "two years later": (
        changed(lambda made: made.with_columns(pl.col("minute", "available_minute") + 2 * 366 * 1440)),
        "of stays",
    ),
    "draws": (
        changed(lambda made: made.with_columns(pl.col("numeric_value") + random.random())),
        "same bytes",
    ),
    "remembers": (growing(), "same bytes"),
    "hangs on the workers": (two_by_two(), "workers"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(fault: str):
    source, requirement = FAULTS[fault]
    with pytest.raises(CheckFailed, match=f"does not fulfil '{requirement}'") as found:
        check_source(source, raw)
    assert found.value.requirement == requirement


def test_an_order_that_was_lost_is_named(monkeypatch: pytest.MonkeyPatch):
    """No source can lose it: planted where shards are written."""
    sound = gather.write_shard
    monkeypatch.setattr(gather, "write_shard", lambda pieces, *rest: sound((e.reverse() for e in pieces), *rest))
    with pytest.raises(CheckFailed) as found:
        check_source(CHALLENGE2012, raw)
    assert found.value.requirement == "sorted"


def test_a_code_that_is_not_described_is_named(monkeypatch: pytest.MonkeyPatch):
    sound = gather.read_summaries

    def lossy(paths: list[Path]) -> tuple[pl.DataFrame, pl.DataFrame]:
        counts, codes = sound(paths)
        return counts, codes[1:]

    monkeypatch.setattr(pipeline, "read_summaries", lossy)
    with pytest.raises(CheckFailed, match=r"events have a code that metadata/codes\.parquet lacks"):
        check_source(CHALLENGE2012, raw)


def test_every_requirement_has_a_fault():
    assert {requirement for _, requirement in FAULTS.values()} | {"sorted", "schema"} == {
        one.name for one in REQUIREMENTS
    }
