"""CareVue's drips: points of time with rates and amounts, which concepts read as infusions."""

from pathlib import Path

import polars as pl

from raw_mimic3 import RawMimic3, events, prepare
from wardround.concepts.infusions import infusions


def charted(*rows: tuple[int, dict[str, object]]) -> RawMimic3:
    """Rows of stay 1, charted at a minute of 13:00 and stored 5 minutes later."""
    raw = RawMimic3().named().stay(1)
    for minutes, row in rows:
        times = {"charttime": f"2151-01-01 13:{minutes:02}:00", "storetime": f"2151-01-01 13:{minutes + 5:02}:00"}
        raw.add("inputevents_cv", 1, **times | {"itemid": 30120} | row)
    return raw


def rate(value: float, **others: object) -> dict[str, object]:
    return {"rate": value, "rateuom": "mcgkgmin"} | others


def test_a_row_becomes_its_rate_amount_and_the_end_of_what_was_before(tmp_path: Path):
    raw = charted(
        (0, rate(0.1)),
        (10, {"amount": 0.2, "amountuom": "mg"}),
        (20, rate(0.3, stopped="Stopped")),
        (30, {"amount": 0, "amountuom": "mg", "stopped": "D/C'd"}),
        (40, {"itemid": 30018, "amount": 50, "amountuom": "ml"}),
        (50, {"itemid": 30051, "rate": 0.04, "rateuom": "Umin"}),
    )
    lines = events(tmp_path, raw, "infusion", "charting").splitlines()
    assert "\n".join(line.removeprefix("1 ") for line in lines) == "\n".join(
        [
            "60 65 INFUSION//norepinephrine//mcg/kg/min 0.1 -",
            "60 65 INFUSION_END//norepinephrine 1 -",
            "70 75 BOLUS_AMOUNT//norepinephrine//mg 0.2 -",
            "80 85 INFUSION//norepinephrine//mcg/kg/min 0 -",
            "80 85 INFUSION_END//norepinephrine 1 -",
            "90 95 BOLUS_AMOUNT//norepinephrine//mg 0 -",
            "90 95 INFUSION_END//norepinephrine 1 -",
            "100 105 BOLUS_AMOUNT//.9% normal saline//ml 50 -",
            "110 115 INFUSION//vasopressin//units/hr 2.4 -",
            "110 115 INFUSION_END//vasopressin 1 -",
        ]
    )


def test_a_rate_holds_until_the_next_charting_of_its_drug(tmp_path: Path):
    raw = charted((0, rate(0.1)), (5, {"itemid": 30043} | rate(5)), (20, rate(0.2)), (30, rate(0.2, stopped="Stopped")))
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    start = data.stays["start"][0]
    found = infusions(data.events).with_columns(
        ((pl.col(name) - start).dt.total_minutes() - 60).alias(name) for name in ("starts", "ends")
    )
    assert found.select("drug", "rate", "starts", "ends").sort("drug", "starts").rows() == [
        ("dopamine", 5.0, 5, None),
        ("norepinephrine", 0.1, 0, 20),
        ("norepinephrine", 0.2, 20, 30),
        ("norepinephrine", 0.0, 30, None),
    ]


def test_odd_rows_have_a_reason_and_one_whose_rate_is_odd_still_ends_the_one_before(tmp_path: Path):
    raw = charted((0, {"rateuom": "mcgkgmin"}), (10, rate(-1)), (20, {"amount": -1, "amountuom": "mg"}))
    raw.add("inputevents_cv", 1, charttime="", itemid=30120, rate=1, rateuom="mcgkgmin")
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["inputevents_cv"] == {
        "rows_in": 4,
        "rows_out": 1,
        "set_aside": {"implausible value": 1, "no time": 1, "no value": 1},
        "values_set_aside": {"implausible value": 1},
    }
