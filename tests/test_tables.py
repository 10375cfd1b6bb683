"""Tables for the terminal, written out."""

import pytest

from wardround.tables import (
    HIDDEN,
    aligned,
    concept_lines,
    description_lines,
    interval,
    ledger_lines,
    metrics_lines,
    number,
)

ENTRY = {"value": 0.8125, "low": 0.7, "high": 0.9}


def test_columns_have_one_width():
    assert aligned([["a", "1"], ["long", "22,222"], ["", "3"]]) == ["a          1", "long  22,222", "           3"]
    assert aligned([["a", "b", "c"], ["aa", "bb", "cc"]], left=2) == ["a   b    c", "aa  bb  cc"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0, "0.000"), (0.81249, "0.812"), (-2.5, "-2.500"), (10.0, "10.0"), (-1234.56, "-1,234.6")],
)
def test_a_number_has_the_digits_a_reader_can_use(value: float | None, text: str):
    assert number(value) == text


def test_an_interval_stands_behind_its_value():
    assert interval(ENTRY) == "0.812 [0.700, 0.900]"
    assert interval({"value": 0.0, "low": None, "high": None}) == "0.000 [-, -]"


def test_the_account_of_the_raw_tables():
    ledger = {
        "tables": {
            "lab": {"rows_in": 12345, "rows_out": 12000, "set_aside": {"no value": 300, "unknown unit": 45}},
            "patient": {"rows_in": 7, "rows_out": 7, "set_aside": {}, "values_set_aside": {"impossible age": 1}},
        },
        "absent": ["note", "microLab"],
    }
    assert ledger_lines(ledger) == [
        "table    rows in  rows out  set aside",
        "lab       12,345    12,000  300 no value, 45 unknown unit",
        "patient        7         7  0 (single values: 1 impossible age)",
        "absent: note, microLab",
    ]
    assert ledger_lines({"tables": {}, "absent": []}) == ["table  rows in  rows out  set aside"]


def found(**columns) -> dict:
    return {
        "method": "mlp",
        "task": "mortality",
        "protocol": "causal",
        "at_h": 24.0,
        "split": "test",
        "n_stays": 1234,
        "n_subjects": 1000,
        "prevalence": 0.0912,
    } | columns


def test_the_account_of_concepts():
    account = {"rows": 1200, "stays": 3, "codes_absent": ["A", "B"]}
    ledger = {"concepts": {"gcs": {"rows": 5, "stays": 1, "codes_absent": []}, "sofa": account}, "stays_without_end": 0}
    lines = [
        "concept   rows  stays",
        "gcs          5      1",
        "sofa     1,200      3",
        "note: of the codes that sofa reads 2 are not in the data: --json",
    ]
    assert concept_lines(ledger) == lines
    more = concept_lines({**ledger, "stays_without_end": 2})
    assert more == [*lines, "note: 2 stays without a known end have no hours"]


def test_an_evaluation_says_protocol_and_cohort_first():
    lines = metrics_lines(found(metrics={"auroc": ENTRY, "brier": ENTRY}, note="few events"))
    assert lines == [
        "mlp mortality: causal protocol, hour 24, test: 1,234 stays of 1,000 patients, prevalence 0.091",
        "       value [95 % interval]",
        "auroc  0.812 [0.700, 0.900]",
        "brier  0.812 [0.700, 0.900]",
        "few events",
    ]


def test_an_evaluation_that_sees_past_the_prediction_says_so_in_capitals():
    lines = metrics_lines(found(prevalence=None, at_h=None, sees_past_prediction=["lab", "aps"], protocol="paper"))
    assert lines == [
        "mlp mortality: paper protocol, whole stay, test: 1,234 stays of 1,000 patients",
        "SEES PAST THE PREDICTION TIME: lab, aps",
    ]


def test_an_evaluation_of_patients_who_were_trained_on_says_so_in_capitals():
    lines = metrics_lines(found(n_seen_in_training=1_200))
    assert lines[1] == "TOO GOOD: 1,200 stays are of patients whom the model was trained on"
    assert len(metrics_lines(found(n_seen_in_training=0))) == 1


def test_a_pretraining_stands_against_chance():
    mean = {"recall@1": 0.05, "baseline@1": 0.01, "improvement@1": 5.0}
    metrics = found(
        method="alignment",
        task=None,
        prevalence=None,
        retrieval={"mean": mean, "intervals": {"recall@1": ENTRY}},
        silhouette={"overall": 0.01, "interval": ENTRY},
    )
    assert metrics_lines(metrics)[0].startswith("alignment: causal protocol, ")
    assert metrics_lines(metrics)[1:] == [
        "          value [95 % interval]",
        "recall@1  0.812 [0.700, 0.900]",
        "random baseline: @1 0.010",
        "silhouette by modality (0: well mixed): 0.812 [0.700, 0.900]",
    ]
    assert "random baseline: @1 0.010" in metrics_lines(
        metrics | {"retrieval": {"mean": mean}, "silhouette": {"overall": None}}
    )


def test_a_description_is_its_tables_and_its_single_numbers():
    described = {
        "n_stays": 1234,
        "share": 0.25,
        "missing": None,
        "event_rates": [
            {"modality": "lab", "per_day": 3.14159, "known": True},
            {"modality": "aps", "per_day": None, "known": False},
        ],
        "combinations": [{"share": 0.17}, {"share": 0.1}],
        "patterns": [],
        "nested": {"a": 1},
        "ledger": {"tables": {}},
    }
    assert description_lines(described) == [
        "n stays: 1,234",
        "share: 0.250",
        "missing: -",
        "",
        "event rates",
        "modality  per_day  known",
        "lab         3.142   True",
        "aps             -  False",
        "",
        "combinations",
        "share",
        "0.17",
        "0.10",
        "",
        "ledger",
        "table  rows in  rows out  set aside",
        "",
        HIDDEN,
    ]
