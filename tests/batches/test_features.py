"""Which codes become features, worked by hand."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from timelines import hand, write_data
from wardround.batches.features import (
    CodeMap,
    FeatureSettings,
    Vocabulary,
    code_and_paths,
    codes_seen,
    fit_vocabulary,
    map_codes,
)
from wardround.batches.lines import Lines, open_lines
from wardround.errors import RunError, UsageError
from wardround.tasks.cohort import Window

HALF = FeatureSettings(min_stay_share=0.5)


def lines_of(folder: Path, *events: tuple) -> Lines:
    """Events of `(stay, modality, code, value)`, all at minute 0."""
    return open_lines(write_data(folder, hand((stay, 0, 0, *rest) for stay, *rest in events)), Window())


def fitted(lines: Lines, modalities: list[str], settings: FeatureSettings = HALF) -> Vocabulary:
    stay = np.repeat(np.arange(len(lines.stay_ids)), np.diff(lines.offsets))
    seen = codes_seen(lines, np.arange(len(lines.code)), stay)
    return fit_vocabulary(seen, lines.codes, len(lines.stay_ids), modalities, settings)


def as_text(vocabulary: Vocabulary) -> str:
    """A line for each feature: modality, place, kind, code."""
    rows = []
    for name in vocabulary.modalities:
        numbers, presences = vocabulary.numbers[name], vocabulary.presences[name]
        rows += [f"{name} {place} number {code}" for place, code in enumerate(numbers)]
        rows += [f"{name} {place + len(numbers)} presence {code}" for place, code in enumerate(presences)]
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("DIAGNOSIS//a|b|c", ["DIAGNOSIS//a|b|c", "DIAGNOSIS//a|b", "DIAGNOSIS//a"]),
        ("LAB//sodium", ["LAB//sodium"]),
        ("X//a|", ["X//a|", "X//a"]),
    ],
)
def test_a_code_counts_for_the_beginnings_of_its_path(code: str, names: list[str]):
    assert code_and_paths(code, paths=True) == names
    assert code_and_paths(code, paths=False) == [code]


def test_features_by_hand(tmp_path: Path):
    """Four stays, a code must be in two: lactate is in one, both shocks share their beginnings, height is in one only.
    A drug counts whatever unit its rate is in: the norepinephrine of two stays, in two units."""
    lines = lines_of(
        tmp_path,
        (1, "lab", "LAB//sodium", 140.0),
        (2, "lab", "LAB//sodium", 141.0),
        (2, "lab", "LAB//sodium", 142.0),
        (3, "lab", "LAB//lactate", 2.0),
        (3, "lab", "LAB//lactate", 3.0),
        (1, "diagnosis", "DIAGNOSIS//cardio|shock|septic", None),
        (2, "diagnosis", "DIAGNOSIS//cardio|shock|other", None),
        (3, "diagnosis", "DIAGNOSIS//cardio|arrest", None),
        (1, "infusion", "INFUSION//norepinephrine//ml/hr", 0.1),
        (2, "infusion", "INFUSION//norepinephrine//mcg/min", 0.2),
        (4, "infusion", "INFUSION//saline//", None),
        (3, "infusion", "INFUSION//saline//", None),
        (4, "infusion", "INFUSION//propofol//mg/hr", 1.0),
        (3, "infusion", "INFUSION//propofol//mg/hr", 1.0),
        (1, "demographics", "AGE", 60.0),
        (2, "demographics", "AGE", 61.0),
        (3, "demographics", "HEIGHT//cm", 170.0),
        (1, "medication", "MEDICATION//heparin", None),
    )
    vocabulary = fitted(lines, ["demographics", "diagnosis", "medication", "lab", "infusion"])
    assert as_text(vocabulary) == (
        "demographics 0 number AGE\n"
        "diagnosis 0 presence DIAGNOSIS//cardio\n"
        "diagnosis 1 presence DIAGNOSIS//cardio|shock\n"
        "lab 0 number LAB//sodium\n"
        "infusion 0 number INFUSION//propofol//mg/hr\n"
        "infusion 1 presence INFUSION//norepinephrine\n"
        "infusion 2 presence INFUSION//propofol\n"
        "infusion 3 presence INFUSION//saline\n"
        "infusion 4 presence INFUSION//saline//"
    )


def test_the_share_of_stays_is_a_threshold_that_counts(tmp_path: Path):
    lines = lines_of(tmp_path, *((stay, "lab", "LAB//a", 1.0) for stay in range(1, 11)), (1, "lab", "LAB//b", 1.0))
    assert fitted(lines, ["lab"], FeatureSettings(min_stay_share=0.1)).numbers["lab"] == ("LAB//a", "LAB//b")
    assert fitted(lines, ["lab"], FeatureSettings(min_stay_share=0.11)).numbers["lab"] == ("LAB//a",)


def test_a_code_must_be_in_one_stay_of_twenty_unless_asked_otherwise():
    assert FeatureSettings() == FeatureSettings(min_stay_share=0.05, paths=True)


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
def test_a_share_that_cannot_be(share: float):
    with pytest.raises(UsageError, match=r"min_stay_share must be in \[0, 1\]"):
        FeatureSettings(min_stay_share=share)


def test_demographics_need_two_stays_however_many_there_are(tmp_path: Path):
    many = [(stay, "demographics", "GENDER//Female", None) for stay in range(1, 101)]
    rare = [(stay, "demographics", "UNITTYPE//rare", None) for stay in (1, 2)]
    lines = lines_of(tmp_path, *many, *rare, (1, "demographics", "UNITTYPE//once", None))
    assert fitted(lines, ["demographics"]).presences["demographics"] == ("GENDER//Female", "UNITTYPE//rare")


def test_a_code_with_numbers_in_more_than_half_of_its_items_is_a_number(tmp_path: Path):
    def valued(code: str, *values: float | None) -> list[tuple]:
        return [(stay, "lab", code, value) for stay, value in enumerate(values, start=1)]

    lines = lines_of(
        tmp_path,
        *valued("LAB//most", 1.0, 2.0, None),
        *valued("LAB//half", 1.0, None),
        *valued("LAB//none", None, None),
    )
    vocabulary = fitted(lines, ["lab"])
    assert vocabulary.numbers["lab"] == ("LAB//most",)
    assert vocabulary.presences["lab"] == ("LAB//half", "LAB//none")


def test_paths_can_be_left_whole(tmp_path: Path):
    lines = lines_of(tmp_path, *((stay, "diagnosis", "DIAGNOSIS//a|b", None) for stay in (1, 2)))
    settings = FeatureSettings(min_stay_share=0.5, paths=False)
    assert fitted(lines, ["diagnosis"], settings).presences["diagnosis"] == ("DIAGNOSIS//a|b",)


def test_the_codes_that_stays_show_by_hand(tmp_path: Path):
    """A row a stay and code, however often it is there; a modality of somebody else's data has no name."""
    lines = lines_of(
        tmp_path,
        (1, "lab", "LAB//a", 1.0),
        (1, "lab", "LAB//a", 2.0),
        (1, "lab", "LAB//a", None),
        (2, "lab", "LAB//a", 3.0),
        (2, "xray", "XRAY//chest", None),
    )
    stay = np.repeat([7, 8], np.diff(lines.offsets))
    rows = codes_seen(lines, np.arange(len(lines.code)), stay).sort("stay", "items", descending=[False, True])
    named = rows.with_columns(code=pl.Series([lines.codes[place] for place in rows["code_id"]])).drop("code_id")
    columns = ["stay", "modality", "code", "items", "numbers"]
    assert sorted(named.select(columns).rows(), key=str) == [
        (7, "lab", "LAB//a", 3, 2),
        (8, "lab", "LAB//a", 1, 1),
        (8, None, "XRAY//chest", 1, 0),
    ]


def test_only_the_asked_modalities_and_only_the_shown_items(tmp_path: Path):
    lines = lines_of(tmp_path, (1, "lab", "LAB//a", 1.0), (2, "vitals", "VITALS//hr", 80.0))
    assert fitted(lines, ["vitals"]).modalities == ("vitals",)
    assert fitted(lines, []).modalities == ()
    seen = codes_seen(lines, np.asarray([0]), np.asarray([0]))
    first = fit_vocabulary(seen, lines.codes, 1, ["lab", "vitals"], HALF)
    assert as_text(first) == "lab 0 number LAB//a"


VOCABULARY = Vocabulary(
    ("diagnosis", "lab"),
    {"diagnosis": (), "lab": ("LAB//lactate", "LAB//sodium")},
    {"diagnosis": ("DIAGNOSIS//a", "DIAGNOSIS//a|b"), "lab": ("LAB//culture",)},
)


def features_of(made: CodeMap) -> list[list[int]]:
    """Those of each code."""
    return [made.feature[begin:end].tolist() for begin, end in pairwise(made.offsets)]


def test_codes_to_features_by_hand():
    """Numbers first, presences after them; a leaf that is no feature of its own still counts for its beginnings."""
    codes = ["DIAGNOSIS//a|b", "DIAGNOSIS//a|c", "LAB//culture", "LAB//sodium", "LAB//unheard"]
    made = map_codes(codes, VOCABULARY, paths=True)
    assert features_of(made["diagnosis"]) == [[1, 0], [0], [], [], []]
    assert features_of(made["lab"]) == [[], [], [2], [1], []]
    assert made["diagnosis"].is_number.tolist() == [False, False, False]
    assert made["lab"].is_number.tolist() == [False, True]


def test_what_two_modalities_share_is_a_feature_of_each():
    """A whole code, and the beginning of a path."""
    shared = Vocabulary(("lab", "vitals"), {"lab": ("A", "X"), "vitals": ("X",)}, {"lab": ("P",), "vitals": ("P",)})
    made = map_codes(["X", "P|a"], shared, paths=True)
    assert features_of(made["lab"]) == [[1], [2]]
    assert features_of(made["vitals"]) == [[0], [1]]


def test_a_rate_counts_for_its_drug_whatever_its_unit():
    drugs = Vocabulary(("infusion",), {"infusion": ("INFUSION//a//mg/hr",)}, {"infusion": ("INFUSION//a",)})
    made = map_codes(["INFUSION//a//ml/hr", "INFUSION//a//mg/hr", "INFUSION//b//mg/hr"], drugs, paths=True)
    assert features_of(made["infusion"]) == [[1], [0, 1], []]


def test_only_a_rate_counts_for_its_drug():
    """As in fitting: what stands before the last // of another modality's code is another code."""
    drugs = Vocabulary(("medication",), {"medication": ()}, {"medication": ("MEDICATION//a",)})
    assert features_of(map_codes(["MEDICATION//a//iv"], drugs, paths=True)["medication"]) == [[]]


def test_no_codes_give_no_features():
    made = map_codes([], VOCABULARY, paths=True)
    assert {name: (one.offsets.tolist(), one.feature.tolist()) for name, one in made.items()} == {
        name: ([0], []) for name in VOCABULARY.modalities
    }


def test_a_vocabulary_is_what_was_saved(tmp_path: Path):
    VOCABULARY.save(tmp_path)
    assert Vocabulary.load(tmp_path) == VOCABULARY


def test_a_missing_vocabulary_is_an_error_of_the_run(tmp_path: Path):
    with pytest.raises(RunError, match=r"features\.parquet is missing"):
        Vocabulary.load(tmp_path)
