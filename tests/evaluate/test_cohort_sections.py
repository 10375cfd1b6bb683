"""The sections about the stays beside each other: what one shows does not tell what another hides."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from made_up_evaluation import make_evaluation
from wardround.evaluate.cohort_sections import cohort_section, missingness_section
from wardround.evaluate.evidence import Evidence, read_evidence
from wardround.evaluate.page import Figures, Table

ALL, WITHOUT = ["demographics", "lab", "vitals"], ["demographics", "lab"]
LISTED = [ALL] * 100 + [WITHOUT] * 33


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """150 of 300 stays are asked; all have one outcome, so that table one has one column of them."""
    root: Path = tmp_path_factory.mktemp("cohort")
    return read_evidence(*make_evaluation(root, beliefs=False, outcome=False))


def shown(evidence: Evidence, ever: list[list[str]], by_then: list[list[str]] | None = None) -> tuple[str, list[str]]:
    """The cell of vital signs in table one, and the counts of the combinations."""
    asked = evidence.predictions
    assert asked is not None
    kinds = asked.select("stay_id", modalities=pl.Series(ever, dtype=pl.List(pl.String)))
    observed = None if by_then is None else kinds.with_columns(modalities=pl.Series(by_then))
    others = evidence.stays.filter(~pl.col("stay_id").is_in(kinds["stay_id"].implode()))
    stays = evidence.stays.drop("modalities").join(kinds, on="stay_id").select(evidence.stays.columns)
    given = replace(evidence, stays=pl.concat([stays, others]), observed=observed)
    table, missing = cohort_section(given).blocks[1], missingness_section(given)
    assert isinstance(table, Table)
    assert missing is not None
    figures = missing.blocks[0]
    assert isinstance(figures, Figures)
    beside = figures.figures[0].table
    assert beside is not None
    cell = next(line for line in table.rows if line.get("") == "vitals")
    return cell["Evaluated"], [line["stays"] for line in beside.rows]


@pytest.mark.parametrize(("few", "cell"), [(3, "–"), (14, "–"), (0, "100 (67%)"), (17, "117 (78%)")])
def test_over_the_whole_stay_the_two_do_not_tell_how_few_of_the_others_have_a_modality(
    evidence: Evidence, few: int, cell: str
):
    """100 of 150 have all, 33 lack vital signs: "103 have them" would say that 3 of the other 17 do."""
    kinds = [*LISTED, *[["vitals"]] * few, *[[]] * (17 - few)]
    found, counts = shown(evidence, kinds, kinds)
    assert counts == ["100", "33", "17"]
    assert found == cell
    assert shown(evidence, kinds)[0] == cell, "where nothing says what the model was given"


def test_before_its_end_the_two_do_not_tell_how_few_have_a_modality_later(evidence: Evidence):
    """By then 117 have vital signs; 4 more later."""
    by_then = [*LISTED, *[["vitals"]] * 17]
    later = [*[ALL] * 104, *[WITHOUT] * 29, *[["vitals"]] * 17]
    assert shown(evidence, later, by_then) == ("–", ["100", "33", "17"])
    much_later = [*[ALL] * 120, *[WITHOUT] * 13, *[["vitals"]] * 17]
    assert shown(evidence, much_later, by_then)[0] == "137 (91%)"
