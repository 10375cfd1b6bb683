"""Table one on made-up stays, as text, and what it hides."""

from collections import defaultdict

import numpy as np
import polars as pl
import pytest

from made_up_evaluation import make_stays
from wardround.evaluate.missingness import column_shares, pattern_words, patterns, share_text
from wardround.evaluate.table_one import Combinations, Group, by_outcome, table_one

STAYS = make_stays(300, np.random.default_rng(0))
DIED = pl.col("died_in_hospital")


def rows_of(groups: list[Group]) -> dict[tuple[str, str], dict[str, str]]:
    return {(row.pop("variable"), row.pop("category")): row for row in table_one(groups)}


def outcomes(stays: pl.DataFrame) -> list[Group]:
    return by_outcome(stays, "All", DIED, ("Survived", "Died"))


def test_counts_shares_and_quartiles():
    rows, died = rows_of(outcomes(STAYS)), int(STAYS["died_in_hospital"].sum())
    assert rows["stays", ""] == {"All": "300", "Survived": str(300 - died), "Died": str(died)}
    assert rows["patients", ""]["All"] == "200"
    assert rows["female", ""]["All"] == "150 (50%)"
    assert rows["died in hospital", ""] == {
        "All": f"{died} ({died / 300:.0%})",
        "Survived": "0",
        "Died": f"{died} (100%)",
    }
    assert rows["unit stay", "days, median [quartiles]"]["All"] == "2.5 [2.5–2.5]"
    age = STAYS["age"].cast(pl.Float64)
    text = "{:.0f} [{:.0f}–{:.0f}]".format(*(age.quantile(q, "linear") for q in (0.5, 0.25, 0.75)))
    assert rows["age", "years, median [quartiles]"]["All"] == text


def test_a_small_group_is_hidden_whole():
    few = STAYS.with_columns(died_in_hospital=pl.int_range(pl.len()) < 4)
    rows = rows_of(outcomes(few))
    assert rows["stays", ""] == {"All": "300", "Survived": "–", "Died": "<11"}
    assert rows["age", "years, median [quartiles]"]["Died"] == "–"
    assert {row["Died"] for row in rows.values()} <= {"<11", "–", "0"}


def test_nearly_everyone_is_not_counted_out():
    missing = pl.int_range(pl.len()) < 3
    others = pl.col("modalities").list.set_difference(["vitals"])
    with_vitals = pl.col("modalities").list.set_union(["vitals"])
    few = STAYS.with_columns(modalities=pl.when(missing).then(others).otherwise(with_vitals))
    assert rows_of([Group("All", few)])["modality present", "vitals"] == {"All": "all but <11"}


def test_unknown_outcomes_are_named_and_not_lost():
    unknown = STAYS.with_columns(died_in_hospital=pl.when(pl.int_range(pl.len()) < 5).then(None).otherwise(DIED))
    groups = outcomes(unknown)
    assert [group.name for group in groups] == ["All", "Survived or unknown", "Died"]
    assert sum(group.stays.height for group in groups[1:]) == 300


@pytest.mark.parametrize("value", [True, False])
def test_one_outcome_is_one_column(value: bool):
    assert [group.name for group in outcomes(STAYS.with_columns(died_in_hospital=pl.lit(value)))] == ["All"]


def test_patterns_are_whole_and_never_small():
    rows, names = patterns(STAYS)
    assert names[0] == "demographics"
    assert sum(row["n_stays"] for row in rows) == 300
    assert min(row["n_stays"] for row in rows) >= 11
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert pattern_words(rows[0], names) in ("nothing missing", "without medication")


def test_a_small_rest_takes_another_with_it():
    kinds = [["lab"]] * 40 + [["vitals"]] * 20 + [["aps"]] * 3
    rows, _ = patterns(pl.DataFrame({"modalities": kinds}))
    assert [(row["modalities"], row["n_stays"]) for row in rows] == [(["lab"], 40), (None, 23)]


def test_shares_of_single_modalities_are_rounded_and_tell_of_no_small_count():
    kinds = [["lab", "aps"]] * 40 + [["lab", "vitals"]] * 30 + [["lab"]] * 4 + [["aps", "vitals"]] * 8
    stays = pl.DataFrame({"modalities": kinds})
    rows, names = patterns(stays)
    assert [(row["modalities"], row["n_stays"]) for row in rows] == [
        (["lab", "aps"], 40),
        (["lab", "vitals"], 30),
        (None, 12),
    ]
    assert column_shares(stays, rows, names) == {"lab": None, "aps": None, "vitals": None}, "4 of the last 12 lack aps"
    whole = pl.DataFrame({"modalities": [["lab", "aps"]] * 42 + [["lab"]] * 20})
    rows, names = patterns(whole)
    assert column_shares(whole, rows, names) == {"lab": 1.0, "aps": 0.7}  # 42 of 62: 68 %


@pytest.mark.parametrize(
    ("n_stays", "n_aps", "n_vitals", "shares"),
    [
        (600, 9, 0, {"lab": 1.0, "aps": 0.02}),  # by the picture up to 14 have it: no more than "<11" says
        (150, 9, 0, {"lab": 1.0, "aps": None}),  # the nearest 5 % are 4 to 11 stays: more than "<11" says
        (4000, 9, 40, {"lab": 1.0, "aps": 0.02, "vitals": 0.02}),
        (600, 9, 12, {"lab": None, "aps": 0.02, "vitals": None}),  # of the last 21 stays 7 or more would lack vitals
    ],
)
def test_a_rare_kind_has_a_bar_that_can_be_seen_unless_it_narrows_a_small_count(
    n_stays: int, n_aps: int, n_vitals: int, shares: dict[str, float | None]
):
    kinds = [["lab", "aps"]] * n_aps + [["vitals"]] * n_vitals + [["lab"]] * (n_stays - n_aps - n_vitals)
    stays = pl.DataFrame({"modalities": kinds})
    rows, names = patterns(stays)
    assert column_shares(stays, rows, names) == shares


def test_whatever_shares_are_shown_every_small_count_may_still_be_any_of_1_to_10():
    """By going through all counts of a kind that give the same rows and the same share."""
    for n_listed, n_rest in ((200, 15), (400, 30), (60, 12), (1000, 11)):
        seen: dict[tuple[float, int], set[int]] = defaultdict(set)
        for have in range(n_rest + 1):
            kinds = [["lab"]] * n_listed + [["vitals", "aps"]] * have + [["vitals", "history"]] * (n_rest - have)
            stays = pl.DataFrame({"modalities": kinds})
            rows = [
                {"modalities": ["lab"], "n_stays": n_listed, "share": 0.5},
                {"modalities": None, "n_stays": n_rest, "share": 0.5},
            ]
            share = column_shares(stays, rows, ["aps"])["aps"]
            if share is not None:
                seen[share, n_rest].add(have)
        for counts in seen.values():
            for side in (counts, {n_rest - count for count in counts}):
                assert not side & set(range(1, 11)) or side >= set(range(1, 11))


def test_the_least_share_is_not_said_to_be_nothing():
    assert [share_text(share) for share in (0.0, 0.0049, 0.005, 0.5, 1.0)] == ["0%", "<1%", "<1%", "50%", "100%"]


def test_too_few_stays_have_no_pattern():
    assert patterns(STAYS.head(8))[0] == []
    assert patterns(STAYS.clear())[0] == []


def with_patients(of_both: int, of_survivors: int, of_died: int) -> pl.DataFrame:
    """Patients with a stay that they survived, a later one in which they died, or both."""
    both, died = range(of_both), range(1000, 1000 + of_died)
    subjects = [*both, *both, *range(500, 500 + of_survivors), *died]
    outcomes_ = [False] * of_both + [True] * of_both + [False] * of_survivors + [True] * of_died
    return STAYS.head(len(subjects)).with_columns(
        subject_id=pl.Series(subjects, dtype=pl.Int64), died_in_hospital=pl.Series(outcomes_)
    )


@pytest.mark.parametrize(
    ("of_both", "of_survivors", "of_died"),
    [
        (2, 106, 8),  # 116 patients less 108 would be the 8 who only died
        (0, 108, 10),
        (4, 85, 11),  # 89 and 15 of 100: 4 are in both
        (10, 100, 30),
    ],
)
def test_patients_of_two_outcomes_do_not_give_a_small_count_away(of_both: int, of_survivors: int, of_died: int):
    cells = rows_of(outcomes(with_patients(of_both, of_survivors, of_died)))["patients", ""]
    assert cells["All"] == f"{of_both + of_survivors + of_died}"  # it stands at the head of the page as well
    assert {"–", "<11"} & {cells["Survived"], cells["Died"]}
    assert cells["Survived"] in ("–", str(of_both + of_survivors))
    assert [cells["Survived"], cells["Died"]].count("–") + (cells["Died"] == "<11") == (2 if of_died < 11 else 1)


def test_patients_of_two_outcomes_are_told_where_no_count_is_small():
    cells = rows_of(outcomes(with_patients(12, 100, 20)))["patients", ""]
    assert cells == {"All": "132", "Survived": "112", "Died": "32"}
    cells = rows_of(outcomes(with_patients(0, 100, 20)))["patients", ""]
    assert cells == {"All": "120", "Survived": "100", "Died": "20"}


@pytest.mark.parametrize(("n_others", "cell"), [(3, "–"), (14, "–"), (0, "122 (87%)"), (17, "105 (75%)")])
def test_combinations_and_a_count_do_not_tell_how_few_of_the_others_have_it(n_others: int, cell: str):
    """105 of 140 have all, 18 lack gases alone: "119 have gases" would say that 3 of the other 17 lack them."""
    kinds = [["lab", "blood_gas", "vitals"]] * 105 + [["lab", "vitals"]] * 18
    kinds += [["lab"]] * n_others + [["lab", "blood_gas"]] * (17 - n_others)
    stays = STAYS.head(140).with_columns(modalities=pl.Series(kinds))
    listed = [
        {"modalities": ["lab", "blood_gas", "vitals"], "n_stays": 105, "share": 0.75},
        {"modalities": ["lab", "vitals"], "n_stays": 18, "share": 0.13},
        {"modalities": None, "n_stays": 17, "share": 0.12},
    ]

    def gases(listed: list[dict[str, object]]) -> str:
        combinations = Combinations(listed, ["lab", "vitals", "blood_gas"], stays)
        rows = {row["category"]: row for row in table_one([Group("All", stays)], combinations)}
        assert rows["lab"]["All"] == "140 (100%)"
        return rows["blood_gas"]["All"]

    assert gases(listed) == cell
    assert gases([]) == f"{122 - n_others} ({(122 - n_others) / 140:.0%})", "by itself it tells nothing"


@pytest.mark.parametrize(("later", "cell"), [(0, "105 (75%)"), (4, "–"), (10, "–"), (11, "116 (83%)")])
def test_combinations_of_a_prediction_time_do_not_tell_how_few_have_it_only_after(later: int, cell: str):
    """By then 105 of 140 have gases: "109 have gases" at any time would say that 4 have them later."""
    kinds = [["lab", "blood_gas"]] * 105 + [["lab"]] * 35
    by_then = STAYS.head(140).with_columns(modalities=pl.Series(kinds))
    ever = by_then.with_columns(modalities=pl.Series([["lab", "blood_gas"]] * (105 + later) + [["lab"]] * (35 - later)))
    listed = [{"modalities": kind, "n_stays": n} for kind, n in ((["lab", "blood_gas"], 105), (["lab"], 35))]
    rows = table_one([Group("All", ever)], Combinations(listed, ["lab", "blood_gas"], by_then))
    assert {row["category"]: row["All"] for row in rows}["blood_gas"] == cell
    apart = table_one([Group("All", ever)], Combinations(listed, ["lab"], by_then))
    assert {row["category"]: row["All"] for row in apart}["blood_gas"] != "–", "what was not looked at is not told of"
