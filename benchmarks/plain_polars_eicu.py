"""The floor of `prepare eicu`: the script that one would write by hand with polars, on the same raw files.

It reads the same tables and columns, makes MEDS columns (subject, stay, minute, code, value), sorts and writes one
parquet file. It checks nothing, converts no unit, accounts for no row, knows no availability and holds all in memory.

    python benchmarks/plain_polars_eicu.py RAW TO.parquet
"""

import sys
from pathlib import Path

import polars as pl

from wardround.sources.eicu import columns as raw

LONG = {
    "diagnosis": ("diagnosisoffset", "diagnosisstring", None),
    "treatment": ("treatmentoffset", "treatmentstring", None),
    "medication": ("drugstartoffset", "drugname", None),
    "lab": ("labresultoffset", "labname", "labresult"),
    "nurseCharting": ("nursingchartoffset", "nursingchartcelltypevalname", "nursingchartvalue"),
    "infusionDrug": ("infusionoffset", "drugname", "drugrate"),
    "intakeOutput": ("intakeoutputoffset", "celllabel", "cellvaluenumeric"),
    "pastHistory": ("pasthistoryoffset", "pasthistorypath", None),
}
WIDE = {
    "vitalPeriodic": ("observationoffset", raw.PERIODIC_VALUES.split()),
    "vitalAperiodic": ("observationoffset", raw.APERIODIC_VALUES.split()),
    "apacheApsVar": (None, raw.APS_VALUES.split()),
    "apachePredVar": (None, raw.APACHE_FLAGS.split()),
}
STAY = "patientunitstayid"


def main(folder: Path, to: Path) -> None:
    """Every table as events, sorted, written."""
    events = [_long(folder, name, *parts) for name, parts in LONG.items()]
    events += [_wide(folder, name, *parts) for name, parts in WIDE.items()]
    patients = _read(folder, "patient", [STAY, "uniquepid"])
    made = pl.concat([part for part in events if part is not None])
    made.join(patients, on=STAY).sort("uniquepid", STAY, "minute").write_parquet(to)


def _read(folder: Path, name: str, columns: list[str]) -> pl.DataFrame | None:
    found = [path for path in folder.rglob("*.csv*") if path.name.split(".")[0].lower() == name.lower()]
    return pl.read_csv(found[0], columns=columns, infer_schema_length=None) if found else None


def _long(folder: Path, name: str, offset: str, code: str, value: str | None) -> pl.DataFrame | None:
    frame = _read(folder, name, [STAY, offset, code, *([value] if value else [])])
    if frame is None:
        return None
    number = pl.col(value).cast(pl.Float64, strict=False) if value else pl.lit(None, pl.Float64)
    return frame.select(STAY, minute=pl.col(offset).cast(pl.Int64), code=pl.col(code).cast(pl.String), value=number)


def _wide(folder: Path, name: str, offset: str | None, values: list[str]) -> pl.DataFrame | None:
    frame = _read(folder, name, [STAY, *([offset] if offset else []), *values])
    if frame is None:
        return None
    minute = pl.col(offset).cast(pl.Int64) if offset else pl.lit(24 * 60, pl.Int64)
    frame = frame.with_columns(pl.col(values).cast(pl.Float64, strict=False), minute=minute)
    long = frame.unpivot(values, index=[STAY, "minute"], variable_name="code", value_name="value")
    return long.drop_nulls("value").select(STAY, "minute", "code", "value")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
