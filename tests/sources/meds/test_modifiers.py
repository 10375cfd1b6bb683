"""Units, and what else changes a code, in columns of their own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from raw_eicu import demo_folder
from raw_meds import RawMeds, prepare, tiny
from wardround import files
from wardround.errors import RunError, SourceError, UsageError
from wardround.sources import pipeline
from wardround.sources.meds import meds_source
from wardround.sources.meds.events import event_table
from wardround.sources.meds.mapping import read_mapping
from wardround.sources.meds.modifiers import modified
from wardround.sources.meds.preview import preview

GLUCOSE = [(90.0, "mg/dL"), (5.0, "mmol/L"), (91.0, " mg/dL "), (92.0, None), (93.0, " ")]


def with_units(column: str = "unit", **dataset: Any) -> RawMeds:
    """Five glucose values of patient 1, in two units and none."""
    raw = tiny()
    raw.kinds |= {column: pl.String}
    raw.dataset |= dataset
    for minute, (value, unit) in enumerate(GLUCOSE):
        raw.add(1, f"2150-01-01 13:0{minute}", "LAB//glucose", value, **{column: unit})
    return raw


def saying(raw: RawMeds, modifiers: str) -> RawMeds:
    raw.mapping = f"modifiers = {modifiers}\n" + raw.mapping
    return raw


def glucose(raw: RawMeds, folder: Path) -> dict[str, list[float]]:
    """Code -> its values, as prepared."""
    events = prepare(raw.write(folder / "raw"), folder / "data").events
    events = events.filter(pl.col("code").str.starts_with("LAB//glucose")).sort("time")
    codes = events["code"].unique().sort().to_list()
    return {code: events.filter(pl.col("code") == code)["numeric_value"].to_list() for code in codes}


APART = {"LAB//glucose": [92.0, 93.0], "LAB//glucose//mg/dL": [90.0, 91.0], "LAB//glucose//mmol/L": [5.0]}


@pytest.mark.parametrize(
    "raw",
    [saying(with_units(), '["unit"]'), with_units(code_modifier_columns=["unit"]), saying(with_units("u"), '["u"]')],
    ids=["mapping", "metadata", "any name"],
)
def test_a_unit_in_a_column_of_its_own_is_part_of_the_code(raw: RawMeds, tmp_path: Path):
    assert glucose(raw, tmp_path) == APART
    data = files.read_table(tmp_path / "data" / "metadata" / "codes.parquet")
    assert set(APART) <= set(data["code"])


@pytest.mark.parametrize(
    "raw",
    [saying(with_units(), '["unit"]'), with_units(code_modifier_columns=["unit"])],
    ids=["mapping", "metadata"],
)
def test_modifiers_are_among_the_settings(raw: RawMeds, tmp_path: Path):
    """A folder of a version that read none is another one."""
    folder = raw.write(tmp_path / "raw")
    source = meds_source([folder], folder / "mapping.toml")
    before = replace(source, settings={"mapping": source.settings["mapping"]})
    pipeline.prepare(before, folder, tmp_path / "data", quiet=True)
    assert "modifiers" not in files.read_json(tmp_path / "data" / "manifest.json")["settings"]
    with pytest.raises(RunError, match="made with other settings"):
        prepare(folder, tmp_path / "data")
    prepare(folder, tmp_path / "new")
    assert files.read_json(tmp_path / "new" / "manifest.json")["settings"]["modifiers"] == ["unit"]
    assert prepare(folder, tmp_path / "new").folder == tmp_path / "new"


def test_what_a_version_without_modifiers_left_unfinished_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    raw = with_units(code_modifier_columns=["unit"])
    folder = raw.write(tmp_path / "raw")
    source = meds_source([folder], folder / "mapping.toml")
    tables = (event_table(read_mapping(folder / "mapping.toml")),)
    before = replace(source, settings={"mapping": source.settings["mapping"]}, all_tables=tables)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_manifest", killed)
        with pytest.raises(KeyboardInterrupt):
            pipeline.prepare(before, folder, tmp_path / "data", quiet=True)
    assert glucose(raw, tmp_path) == APART


def test_a_data_set_without_modifiers_keeps_its_settings(tmp_path: Path):
    folder = tiny().write(tmp_path / "raw")
    assert set(meds_source([folder], folder / "mapping.toml").settings) == {"mapping"}


def test_the_mapping_goes_before_the_metadata_and_may_say_none(tmp_path: Path):
    assert list(glucose(saying(with_units(code_modifier_columns=["unit"]), "[]"), tmp_path)) == ["LAB//glucose"]


def test_entries_name_the_code_as_the_data_have_it(tmp_path: Path):
    """ "re:LAB//(lactate|ph)" is a gas, known after 15 min, in whatever unit."""
    raw = saying(with_units(), '["unit"]').add(1, "2150-01-01 14:00", "LAB//ph", 7.4, unit="none")
    events = prepare(raw.write(tmp_path / "raw"), tmp_path / "data").events
    assert events.filter(pl.col("code") == "LAB//ph//none")["modality"].to_list() == ["blood_gas"]


@pytest.mark.parametrize("name", ["unit", "Units", "valueuom", "value_unit", "unit_source_value", "unit_of_measure"])
def test_a_column_of_units_that_nobody_speaks_of_is_refused(name: str, tmp_path: Path):
    raw = with_units(name).write(tmp_path / "raw")
    match = rf"column {name} may hold units.*modifiers = \[\"{name}\"\].*modifiers = \[\]"
    with pytest.raises(SourceError, match=match):
        meds_source([raw], raw / "mapping.toml")
    with pytest.raises(SourceError, match=match):
        preview([raw], raw / "mapping.toml")
    assert preview([raw], None), "without a mapping there is nothing to mix yet"


def beside(raw: RawMeds, folder: Path) -> Path:
    """The data set with a column `priority` beside that of units."""
    raw.kinds |= {"priority": pl.String}
    raw.add(1, "2150-01-01 14:00", "LAB//k", 4.0, priority="stat")
    return raw.write(folder)


@pytest.mark.parametrize("column", ["unit", "dose_unit_rx", "lab_unit"])
def test_another_column_that_is_declared_does_not_speak_for_that_of_units(column: str, tmp_path: Path):
    match = rf"column {column} may hold units.*modifiers = \[\"priority\", \"{column}\"\].*modifiers = \[\]"
    of_metadata = beside(with_units(column, code_modifier_columns=["priority"]), tmp_path / "metadata")
    of_mapping = beside(saying(with_units(column), '["priority"]'), tmp_path / "mapping")
    for raw in (of_metadata, of_mapping):
        with pytest.raises(SourceError, match=match):
            meds_source([raw], raw / "mapping.toml")
        with pytest.raises(SourceError, match=match):
            preview([raw], raw / "mapping.toml")


def test_both_may_be_declared(tmp_path: Path):
    raw = beside(saying(with_units(), '["unit", "priority"]'), tmp_path / "raw")
    codes = prepare(raw, tmp_path / "data").events["code"]
    assert {*APART, "LAB//k////stat"} <= set(codes)


@pytest.mark.parametrize("where", ["mapping", "metadata"])
def test_an_empty_list_says_that_units_may_be_ignored(where: str, tmp_path: Path):
    raw = saying(with_units(), "[]") if where == "mapping" else with_units(code_modifier_columns=[])
    assert list(glucose(raw, tmp_path)) == ["LAB//glucose"]


@pytest.mark.parametrize("name", ["unit_stay", "care_unit", "first_careunit", "unitnumber", "community"])
def test_other_columns_are_none_of_units(name: str, tmp_path: Path):
    raw = with_units(name).write(tmp_path / "raw") if name != "unit_stay" else tiny().write(tmp_path / "raw")
    assert meds_source([raw], raw / "mapping.toml").name == "meds"


def test_nor_are_the_ids_of_stays(tmp_path: Path):
    raw = tiny()
    raw.kinds = {"unit_id" if name == "unit_stay" else name: kind for name, kind in raw.kinds.items()}
    raw.rows = [{"unit_id" if name == "unit_stay" else name: row[name] for name in row} for row in raw.rows]
    raw.mapping = raw.mapping.replace("unit_stay", "unit_id")
    assert prepare(raw.write(tmp_path / "raw"), tmp_path / "data").stays.height == 5


def test_a_column_that_is_declared_and_not_there_is_refused(tmp_path: Path):
    raw = tiny()
    raw.dataset |= {"code_modifier_columns": ["unit"]}
    folder = raw.write(tmp_path / "raw")
    with pytest.raises(SourceError, match=r"no shard has column unit, which metadata/dataset\.json names"):
        meds_source([folder], folder / "mapping.toml")
    with pytest.raises(SourceError, match="no shard has column unit, which the mapping names"):
        prepare(saying(tiny(), '["unit"]').write(tmp_path / "other"), tmp_path / "data")


@pytest.mark.parametrize("said", ["unit", [1], {"unit": 1}])
def test_metadata_that_name_no_columns_are_refused(said: Any, tmp_path: Path):
    folder = with_units(code_modifier_columns=said).write(tmp_path / "raw")
    with pytest.raises(SourceError, match=r"code_modifier_columns is no list of column names"):
        meds_source([folder], folder / "mapping.toml")


@pytest.mark.parametrize("said", ['"unit"', "[1]", '["unit", "unit"]', '[""]'])
def test_a_mapping_that_names_no_columns_is_refused(said: str, tmp_path: Path):
    folder = saying(with_units(), said).write(tmp_path / "raw")
    with pytest.raises(UsageError, match="modifiers is a list of columns"):
        meds_source([folder], folder / "mapping.toml")


@pytest.mark.parametrize(
    "name",
    ["subject_id", "patient_id", "time", "code", "numeric_value", "text_value", "unit_stay", "visit"],
)
def test_ids_and_columns_of_meds_are_no_part_of_a_code(name: str, tmp_path: Path):
    """They would stand in metadata/codes.parquet."""
    raw = saying(tiny(), f'["{name}"]').write(tmp_path / "raw")
    with pytest.raises(UsageError, match=f"modifiers names {name}: ids and columns of MEDS itself are no part of a"):
        meds_source([raw], raw / "mapping.toml")
    declared = tiny()
    declared.dataset |= {"code_modifier_columns": [name]}
    raw = declared.write(tmp_path / "declared")
    with pytest.raises(SourceError, match=rf"dataset\.json names {name} under .*In the mapping, say which"):
        meds_source([raw], raw / "mapping.toml")


def test_several_modifiers_keep_their_places():
    rows = pl.DataFrame(
        [("A", "u", "p"), ("A", "u", None), ("A", None, "p"), ("A", "p", None), ("A", None, None), (None, "u", "p")],
        schema=["code", "unit", "priority"],
        orient="row",
    )
    codes = rows.select(modified("code", ["unit", "priority"])).to_series().to_list()
    assert codes == ["A//u//p", "A//u", "A////p", "A//p", "A", None]
    assert rows.select(modified("code", []))["code"].to_list() == rows["code"].to_list()


@pytest.mark.data
def test_no_code_of_the_mimic_demo_holds_two_units(tmp_path: Path):
    """Fourteen infusions of the demo are given in "dose" and in mg, grams or mcg, under one code."""
    raw = demo_folder("mimic-iv-demo-meds")
    events = prepare(raw, tmp_path / "data").events
    infusions = events.filter(pl.col("code").str.starts_with("INFUSION_"), pl.col("numeric_value").is_not_null())
    given = pl.concat(pl.read_parquet(path, columns=["code", "unit"]) for path in (raw / "data").rglob("*.parquet"))
    given = given.filter(pl.col("code").str.starts_with("INFUSION_")).unique()
    assert given.height - given["code"].n_unique() >= 14
    expected = given.select(pl.concat_str("code", "unit", separator="//", ignore_nulls=True)).to_series()
    assert set(infusions["code"]) <= set(expected)
    assert not set(infusions["code"]) & set(given.drop_nulls()["code"]) - set(
        given.filter(pl.col("unit").is_null())["code"]
    )
