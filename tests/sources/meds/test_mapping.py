"""The mapping file: what it says, and what it is told where it says something else."""

from pathlib import Path

import pytest

from raw_meds import MAPPING
from wardround.errors import UsageError
from wardround.events import MODALITIES
from wardround.sources.meds.known import KnownWhen
from wardround.sources.meds.mapping import MAX_MAPPING_BYTES, read_mapping
from wardround.sources.meds.source import SHIPPED, shipped_mapping

SMALLEST = """
[stays]
opens = ["IN"]
ends = ["OUT"]

[[events]]
codes = ["LAB//*"]
modality = "lab"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mapping.toml"
    path.write_text(text)
    return path


def test_a_mapping_is_what_its_file_says(tmp_path: Path):
    mapping = read_mapping(written(tmp_path, MAPPING))
    assert (mapping.name, mapping.dates, mapping.before_h) == ("a small hospital", "shifted", 6)
    assert set(mapping.id_columns) == {"id:unit_stay", "id:visit"}
    assert mapping.stays.opens.has("ICU_IN//MICU")
    assert mapping.died.has("HOSP_OUT//DIED")
    assert not mapping.died.has("HOSP_OUT//HOME")
    assert {sex: codes.has("GENDER//F") for sex, codes in mapping.sexes.items()} == {"Female": True, "Male": False}
    rules = [(each.modality, each.known) for each in mapping.events]
    assert rules[1:3] == [("blood_gas", KnownWhen("delay", 15)), ("lab", KnownWhen("delay", 120))]
    assert [each.why for each in mapping.left_out] == ["moves between beds"]


def test_the_smallest_mapping_is_of_hospital_stays(tmp_path: Path):
    mapping = read_mapping(written(tmp_path, SMALLEST))
    assert mapping.hospital is None
    assert mapping.around is mapping.stays
    assert mapping.id_columns == {}
    assert mapping.events[0].known == KnownWhen()


def test_each_shipped_mapping_reads():
    for name in SHIPPED:
        mapping = shipped_mapping(name)
        assert mapping.name == name
        assert {each.modality for each in mapping.events} <= set(MODALITIES)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('modality = "lab"', 'modality = "genomics"', r"\[\[events\]\] number 1: no modality 'genomics'. There are"),
        ('modality = "lab"', 'modality = "lab"\nknown = "later"', r"number 1, known: 'later' is not \"at once\""),
        ('modality = "lab"', "", r"number 1: modality is missing"),
        ('modality = "lab"', "modality = 3", r"number 1: modality is not a text"),
        ('modality = "lab"', 'modality = "lab"\nunit = "mg"', r"number 1 has no key 'unit'. There are: codes"),
        ('["LAB//*"]', '"LAB//*"', r"codes is a list of codes"),
        ('["LAB//*"]', "[]", r"codes is a list of codes"),
        ('["LAB//*"]', '["re:("]', r"codes: 're:\(' is no regular expression"),
        ('["LAB//*"]', "[5]", r"codes is a list of codes"),
        ("[[events]]", "[events]", r"events is written \[\[events\]\]"),
        ("[stays]", "[stay]", r"the mapping has no key 'stay'. There are: name, dates, stays"),
        ('ends = ["OUT"]', "", r"\[stays\]: ends is a list of codes"),
        ('ends = ["OUT"]', 'ends = ["OUT"]\nbefore_h = "a day"', r"before_h is a number of hours"),
        ('ends = ["OUT"]', 'ends = ["OUT"]\nbefore_h = -1', r"before_h is a number of hours"),
        ('ends = ["OUT"]', 'ends = ["OUT"]\n[labels]\ndied = "X"', r"\[labels\]: died is a list"),
        ("[stays]", 'dates = "moved"\n[stays]', r'dates is "real" or "shifted"'),
        ("[stays]", "stays = 3\n[other]", r"has no key 'other'"),
        ("[stays]", "[[stays]]", r"\[stays\] is not a table"),
        ("[stays]", "[stays", r"mapping.toml: .*line"),
    ],
)  # fmt: skip
def test_what_a_mapping_cannot_say_is_named_with_its_key(tmp_path: Path, old: str, new: str, why: str):
    assert old in SMALLEST
    with pytest.raises(UsageError, match=why):
        read_mapping(written(tmp_path, SMALLEST.replace(old, new, 1)))


def test_without_stays_or_events_there_is_nothing_to_read(tmp_path: Path):
    with pytest.raises(UsageError, match=r"\[stays\] is missing"):
        read_mapping(written(tmp_path, 'name = "x"'))
    with pytest.raises(UsageError, match=r"\[\[events\]\] is missing"):
        read_mapping(written(tmp_path, SMALLEST.partition("[[")[0]))


def test_a_file_that_is_none(tmp_path: Path):
    with pytest.raises(UsageError, match="there is no such file"):
        read_mapping(tmp_path / "nothing.toml")
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"binary\.toml"):
        read_mapping(path)


def test_a_file_that_is_too_large_is_no_mapping(tmp_path: Path):
    (tmp_path / "mapping.toml").write_text(MAPPING + "#" * MAX_MAPPING_BYTES)
    with pytest.raises(UsageError, match=f"a mapping has {MAX_MAPPING_BYTES} at most"):
        read_mapping(tmp_path / "mapping.toml")
