"""Events that only wardround makes are refused before a folder is written."""

from pathlib import Path

import polars as pl
import pytest

from raw_meds import RawMeds, prepare, tiny
from wardround.concepts.apache_iv import MODALITY
from wardround.concepts.derived import DERIVED_CODES
from wardround.errors import SourceError
from wardround.events import DERIVED, MODALITIES
from wardround.sources.derived_codes import refuse_derived
from wardround.sources.meds.preview import preview


def test_they_are_those_of_the_concepts():
    assert DERIVED == {MODALITY: DERIVED_CODES}


def test_only_both_together_are_refused():
    kept = [(name, code) for name in MODALITIES if name != MODALITY for code in DERIVED_CODES]
    kept += [(MODALITY, "SOFA"), (MODALITY, DERIVED_CODES[0] + "//mg")]
    refuse_derived(Path("x"), pl.DataFrame(kept, ["modality", "code"], orient="row"))
    for code in DERIVED_CODES:
        events = pl.DataFrame([*kept, (MODALITY, code), (MODALITY, code)], ["modality", "code"], orient="row")
        with pytest.raises(SourceError, match=rf"x gives 2 events of the modality severity under {code}, which"):
            refuse_derived(Path("x"), events)


def scored(modality: str) -> RawMeds:
    """A data set with two points of a hospital's own, of that modality, one of them with a suffix."""
    raw = tiny()
    raw.kinds |= {"version": pl.String}
    raw.mapping = f"""modifiers = ["version"]
{raw.mapping}
[[events]]
codes = ["APACHE//*"]
modality = "{modality}"
"""
    raw.add(1, "2150-01-02 03:00", "APACHE//IV", 50.0, version="acute_physiology_points")
    return raw.add(1, "2150-01-02 04:00", "APACHE//IV//acute_physiology_points", 55.0)


def test_a_mapping_that_makes_them_is_refused_and_leaves_nothing(tmp_path: Path):
    folder = scored(MODALITY).write(tmp_path / "raw")
    match = r"raw gives 2 events of the modality severity under APACHE//IV//acute_physiology_points.*modality score"
    with pytest.raises(SourceError, match=match):
        preview([folder], folder / "mapping.toml")
    with pytest.raises(SourceError, match=match):
        prepare(folder, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_the_remedy_works(tmp_path: Path):
    folder = scored("score").write(tmp_path / "raw")
    assert preview([folder], folder / "mapping.toml")
    events = prepare(folder, tmp_path / "data").events
    assert events.filter(modality="score")["numeric_value"].to_list() == [50.0, 55.0]
