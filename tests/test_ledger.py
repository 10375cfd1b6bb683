"""The ledger: rows in = rows out + rows set aside."""

from collections import Counter

import pytest

from wardround.errors import DataError
from wardround.ledger import TableLedger, check_balanced


def account() -> TableLedger:
    return TableLedger(
        10, 7, Counter({"no time": 2, "blank stay id": 1, "never": 0}), Counter({"implausible value": 4})
    )


def test_as_json_leaves_out_what_did_not_happen():
    assert account().as_json() == {
        "rows_in": 10,
        "rows_out": 7,
        "set_aside": {"blank stay id": 1, "no time": 2},
        "values_set_aside": {"implausible value": 4},
    }
    assert TableLedger(3, 3).as_json() == {"rows_in": 3, "rows_out": 3, "set_aside": {}}


def test_reasons_come_in_their_order():
    assert list(account().as_json()["set_aside"]) == ["blank stay id", "no time"]


@pytest.mark.parametrize("each", [account(), TableLedger(), TableLedger(3, 3)])
def test_there_and_back(each: TableLedger):
    assert TableLedger.from_json(each.as_json()).as_json() == each.as_json()


def test_parts_of_a_table_add_up():
    total = TableLedger(1, 0, Counter({"no time": 1}))
    total.add(account())
    assert total.as_json() == {
        "rows_in": 11,
        "rows_out": 7,
        "set_aside": {"blank stay id": 1, "no time": 3},
        "values_set_aside": {"implausible value": 4},
    }


def test_a_balance_is_silent_and_any_other_sum_is_refused():
    check_balanced({"lab": account(), "patient": TableLedger()})
    for rows_in, rows_out in ((11, 7), (9, 7), (10, 6), (10, 8)):
        wrong = TableLedger(rows_in, rows_out, Counter({"no time": 2, "blank stay id": 1}))
        with pytest.raises(DataError, match=f"ledger of lab: {rows_in} rows in, {rows_out + 3} accounted for"):
            check_balanced({"patient": TableLedger(), "lab": wrong})
