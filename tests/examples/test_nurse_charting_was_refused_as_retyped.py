"""Most of nurseCharting is "not a vital sign", which begins like "not a number": the table was refused as retyped."""

from pathlib import Path

from raw_eicu import prepare, tiny


def test_a_table_of_pain_scores_is_read(tmp_path: Path):
    raw = tiny()
    for number in range(40):
        raw.rows["nurseCharting"].append(raw.rows["nurseCharting"][1] | {"nursingchartid": str(900 + number)})
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["nurseCharting"]["set_aside"] == {"not a vital sign": 43}
