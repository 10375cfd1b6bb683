"""What `stays.parquet` says, as codes that every MEDS tool reads."""

from datetime import datetime
from pathlib import Path

import polars as pl

from raw_eicu import as_text
from raw_meds import prepare, tiny
from wardround.export.landmarks import DESCRIPTIONS, landmarks


def test_landmarks_of_the_tiny_data_set(tmp_path: Path):
    made = landmarks(prepare(tiny().write(tmp_path / "raw"), tmp_path / "data").stays)
    assert made["stay_id"].null_count() == made["modality"].null_count() == made.height
    assert made["available_time"].equals(made["time"].alias("available_time"))
    assert set(made["code"]) == set(DESCRIPTIONS)
    days = (pl.col("time") - datetime(2150, 1, 1)).dt.total_days()
    told = made.filter(pl.col("subject_id") >= 2).select("subject_id", days, "code").sort(pl.all())
    assert as_text(told) == (
        "2 424 HOSPITAL_ADMISSION\n"
        "2 424 ICU_ADMISSION\n"
        "2 425 HOSPITAL_DISCHARGE//DIED\n"
        "2 425 ICU_DISCHARGE\n"
        "2 425 MEDS_DEATH\n"
        "3 730 HOSPITAL_ADMISSION\n"
        "3 731 ICU_ADMISSION\n"
        "3 732 ICU_DISCHARGE\n"
        "3 733 ICU_ADMISSION\n"
        "3 734 ICU_DISCHARGE\n"
        "3 736 HOSPITAL_DISCHARGE\n"
        "3 1096 HOSPITAL_ADMISSION\n"
        "3 1096 ICU_ADMISSION"
    )


def test_a_death_without_a_hospital_discharge_is_at_the_end_of_the_unit_stay_or_nowhere():
    kinds = {name: pl.Datetime("us") for name in ("start", "end", "hospital_start", "hospital_end")}
    start, end = datetime(2150, 1, 1), datetime(2150, 1, 2)
    stays = pl.DataFrame(
        [(1, start, end, None, None, True), (2, start, None, None, None, True), (3, start, end, None, None, None)],
        schema={"subject_id": pl.Int64, **kinds, "died_in_hospital": pl.Boolean},
        orient="row",
    )
    deaths = landmarks(stays).filter(pl.col("code") == "MEDS_DEATH")
    assert deaths.select("subject_id", "time").rows() == [(1, end)]
