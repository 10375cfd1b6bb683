"""eICU-CRD 2.0: each table as events. Column -> code, unit, time, available time; the times are declared in
`columns.py`.

Modalities of the paper (arXiv 2604.18753, section 3.1.1): demographics, diagnosis, treatment, medication, lab, aps.
Beyond it: vitals, infusion, intake_output, history, and score (APACHE's published predictions: a comparator, not an
input).
"""

from typing import Final

import polars as pl

from wardround.sources.conversion import (
    EventTable,
    candidates,
    in_canonical_units,
    melted,
    timed,
    with_reason,
)
from wardround.sources.eicu import columns as raw
from wardround.sources.raw_table import HOUR_24, RawTable
from wardround.sources.units import EICU_LABS, VITALS, Quantity

DAY_MIN: Final = 24 * 60


def _text_code(prefix: str, column: str) -> pl.Expr:
    return pl.lit(f"{prefix}//") + pl.col(column)


def _diagnosis(frame: pl.DataFrame) -> pl.DataFrame:
    frame = timed(frame, raw.DIAGNOSIS, "diagnosisstring")
    return candidates(frame, "diagnosis", _text_code("DIAGNOSIS", "diagnosisstring"))


def _treatment(frame: pl.DataFrame) -> pl.DataFrame:
    frame = timed(frame, raw.TREATMENT, "treatmentstring")
    return candidates(frame, "treatment", _text_code("TREATMENT", "treatmentstring"))


def _medication(frame: pl.DataFrame) -> pl.DataFrame:
    """Coded by HICL (ingredient) number: half of the names are blank, the rest spell dose and form. Cancelled orders
    stay: that an order would be cancelled is not known when it is given."""
    frame = timed(frame, raw.MEDICATION, "drugname")
    number = pl.when(pl.col("drughiclseqno") > 0).then(pl.col("drughiclseqno").cast(pl.String))
    code = pl.coalesce(pl.lit("MEDICATION//HICL//") + number, pl.lit("MEDICATION//NAME//") + pl.col("drugname").str.to_uppercase())
    return candidates(frame, "medication", code, text=pl.col("drugname"))


def _lab(frame: pl.DataFrame) -> pl.DataFrame:
    frame = timed(frame, raw.LAB, "labresult")
    frame = with_reason(frame, pl.col("labname").is_null(), "no code")
    frame = with_reason(frame, pl.col("labresult").is_null() & pl.col("labresulttext").is_null(), "no value")
    fraction = (pl.col("labname") == "FiO2") & pl.col("labresult").is_between(0.1, 1.0)
    frame = frame.with_columns(
        labmeasurenamesystem=pl.when(fraction).then(pl.lit("fraction")).otherwise("labmeasurenamesystem")
    )
    frame = in_canonical_units(frame, EICU_LABS, "labname", "labresult", "labmeasurenamesystem")
    code = pl.lit("LAB//") + pl.col("labname") + "//" + pl.col("labmeasurenamesystem")
    text = pl.when(pl.col("labresult").is_null()).then("labresulttext")
    return candidates(frame, "lab", code, pl.col("labresult"), text)


def _at_24_h(frame: pl.DataFrame, table: RawTable, *names: str) -> pl.DataFrame:
    """APACHE rows describe the first day as a whole: placed at admission, known at 24 h."""
    for name in names:
        if table.columns[name][1] is not HOUR_24:
            raise ValueError(f"{table.name}.{name} is not declared as known at 24 h")
    return frame.with_columns(minute=pl.lit(0, pl.Int64), available_minute=pl.lit(DAY_MIN, pl.Int64))


def _aps(frame: pl.DataFrame) -> pl.DataFrame:
    names = raw.APS_VALUES.split()
    frame = _at_24_h(frame, raw.APS, *names).with_columns(pl.col(names).replace(-1.0, None))
    percent = pl.when(pl.col("fio2").is_between(0.1, 1.0)).then(pl.col("fio2") * 100).otherwise("fio2")
    long = melted(frame.with_columns(fio2=percent), names)
    return candidates(long, "aps", _text_code("APS", "name"), pl.col("number"))


def _apache_predictors(frame: pl.DataFrame) -> pl.DataFrame:
    names = raw.APACHE_FLAGS.split()
    frame = _at_24_h(frame, raw.APACHE_PREDICTORS, *names, "admitdiagnosis")
    flags = melted(frame.with_columns(pl.when(pl.col(name) == 1).then(1.0).alias(name) for name in names), names)
    flags = candidates(flags, "aps", _text_code("APACHE", "name"))
    diagnosis = frame.filter(pl.col("reason").is_null(), pl.col("admitdiagnosis").is_not_null())
    return pl.concat([flags, candidates(diagnosis, "aps", _text_code("APACHE//ADMIT_DIAGNOSIS", "admitdiagnosis"))])


def _apache_result(frame: pl.DataFrame) -> pl.DataFrame:
    names = [name for name, (_, known) in raw.APACHE_RESULT.columns.items() if known is HOUR_24 and name != "apacheversion"]
    frame = _at_24_h(frame, raw.APACHE_RESULT, *names)
    frame = with_reason(frame, pl.col("apacheversion").is_null(), "no code")
    long = melted(frame.with_columns(pl.col(names).replace(-1.0, None)), names)
    versions = frame.select("row", "apacheversion")
    long = long.join(versions, on="row", how="left", maintain_order="left")
    return candidates(long, "score", pl.format("APACHE//{}//{}", "apacheversion", "name"), pl.col("number"))


def _vitals(long: pl.DataFrame) -> pl.DataFrame:
    """Vital signs; a temperature that only Fahrenheit makes plausible is converted (the table has no unit column)."""
    fahrenheit = (pl.col("name") == "temperature") & pl.col("number").is_between(77.0, 113.0)
    unit = pl.when(fahrenheit).then(pl.lit("F")).otherwise(pl.col("name").replace_strict({k: v.unit for k, v in VITALS.items()}))
    long = in_canonical_units(long.with_columns(unit=unit), VITALS, "name", "number", "unit")
    return candidates(long, "vitals", pl.format("VITAL//{}//{}", "name", "unit"), pl.col("number"))


def _vital_periodic(frame: pl.DataFrame) -> pl.DataFrame:
    return _vitals(melted(timed(frame, raw.VITAL_PERIODIC, "heartrate"), raw.PERIODIC_VALUES.split()))


def _vital_aperiodic(frame: pl.DataFrame) -> pl.DataFrame:
    return _vitals(melted(timed(frame, raw.VITAL_APERIODIC, "noninvasivemean"), raw.APERIODIC_VALUES.split()))


NURSE_VITALS: Final = {
    "heart rate": ("heartrate", "bpm"),
    "respiratory rate": ("respiration", "/min"),
    "o2 saturation": ("sao2", "%"),
    "temperature (c)": ("temperature", "C"),
    "temperature (f)": ("temperature", "F"),
    "non-invasive bp systolic": ("noninvasivesystolic", "mmHg"),
    "non-invasive bp diastolic": ("noninvasivediastolic", "mmHg"),
    "non-invasive bp mean": ("noninvasivemean", "mmHg"),
    "invasive bp systolic": ("systemicsystolic", "mmHg"),
    "invasive bp diastolic": ("systemicdiastolic", "mmHg"),
    "invasive bp mean": ("systemicmean", "mmHg"),
    "gcs total": ("gcs", ""),
}
"""Nurse charting cell (value name) -> (vital sign, unit); other cells are set aside as "not a vital sign"."""


def _nurse_charting(frame: pl.DataFrame) -> pl.DataFrame:
    frame = timed(frame, raw.NURSE_CHARTING, "nursingchartvalue")
    cell = pl.col("nursingchartcelltypevalname").str.to_lowercase()
    frame = frame.with_columns(
        name=cell.replace_strict({cell: vital for cell, (vital, _) in NURSE_VITALS.items()}, default=None, return_dtype=pl.String),
        unit=cell.replace_strict({cell: unit for cell, (_, unit) in NURSE_VITALS.items()}, default=None, return_dtype=pl.String),
        number=pl.col("nursingchartvalue").cast(pl.Float64, strict=False),
    )
    frame = with_reason(frame, pl.col("name").is_null(), "not a vital sign")
    frame = with_reason(frame, ~pl.col("number").is_finite().fill_null(False), "not a number: nursingchartvalue")
    frame = in_canonical_units(frame, VITALS, "name", "number", "unit")
    return candidates(frame, "vitals", pl.format("VITAL//{}//{}", "name", "unit"), pl.col("number"))


def _infusion(frame: pl.DataFrame) -> pl.DataFrame:
    frame = timed(frame, raw.INFUSION, "drugrate")
    frame = with_reason(frame, ~pl.col("drugrate").is_between(0, 1e6), "implausible value")
    drug = pl.col("drugname").str.to_lowercase()
    unit = drug.str.extract(r"\(([^()]*)\)$", 1).fill_null("")
    name = drug.str.replace(r"\s*\([^()]*\)$", "")
    return candidates(frame, "infusion", pl.lit("INFUSION//") + name + "//" + unit, pl.col("drugrate"))


_WEIGHT: Final = {"weight": Quantity("kg", 2, 600, VITALS["weight"].others)}


def _intake_output(frame: pl.DataFrame) -> pl.DataFrame:
    frame = timed(frame, raw.INTAKE_OUTPUT, "cellvaluenumeric")
    frame = with_reason(frame, pl.col("cellvaluenumeric").is_null(), "no value")
    group = pl.col("cellpath").str.extract(r"\|I&O\|([A-Za-z]+)", 1)
    label = pl.col("celllabel").str.to_lowercase()
    urine = (group == "Output") & label.str.contains(r"urin|foley|void")
    weight = group == "Weight"
    frame = frame.with_columns(
        name=pl.when(weight).then(pl.lit("weight")).otherwise(pl.lit("volume")),
        unit=pl.when(weight).then(label.str.extract(r"\((kg|lb)\)", 1).fill_null("?")).otherwise(pl.lit("mL")),
        code=pl.when(weight).then(pl.lit("IO//weight//kg")).when(urine).then(pl.lit("IO//urine//mL"))
        .otherwise(pl.lit("IO//") + group.str.to_lowercase() + "//" + label + "//mL"),
    )
    volume = {"volume": Quantity("mL", -20_000, 20_000)}
    frame = in_canonical_units(frame, {**_WEIGHT, **volume}, "name", "cellvaluenumeric", "unit")
    return candidates(frame, "intake_output", pl.col("code"), pl.col("cellvaluenumeric"))


def _past_history(frame: pl.DataFrame) -> pl.DataFrame:
    frame = timed(frame, raw.PAST_HISTORY, "pasthistorypath")
    path = pl.col("pasthistorypath").str.replace(r"^notes/Progress Notes/Past History/", "").str.replace_all("/", "|")
    return candidates(frame, "history", pl.lit("HISTORY//") + path)


_REVISED_IS_DRAW: Final = pl.col("labresultrevisedoffset") == pl.col("labresultoffset")
_ON_THE_HOUR: Final = pl.col("observationoffset") % 60 == 0

PAPER_TABLES: Final = (
    EventTable(raw.DIAGNOSIS, _diagnosis, ("diagnosis",)),
    EventTable(raw.TREATMENT, _treatment, ("treatment",)),
    EventTable(raw.MEDICATION, _medication, ("medication",)),
    EventTable(raw.LAB, _lab, ("lab",), floored_min=60, floored=_REVISED_IS_DRAW),
    EventTable(raw.APS, _aps, ("aps",)),
)
"""The paper's tables. A lab file in which every result is revised at its draw holds no result times: known an hour
later."""

ALL_TABLES: Final = (
    *PAPER_TABLES,
    EventTable(raw.APACHE_PREDICTORS, _apache_predictors, ("aps",)),
    EventTable(raw.VITAL_PERIODIC, _vital_periodic, ("vitals",), floored_min=60, floored=_ON_THE_HOUR),
    EventTable(raw.VITAL_APERIODIC, _vital_aperiodic, ("vitals",)),
    EventTable(raw.NURSE_CHARTING, _nurse_charting, ("vitals",)),
    EventTable(raw.INFUSION, _infusion, ("infusion",)),
    EventTable(raw.INTAKE_OUTPUT, _intake_output, ("intake_output",)),
    EventTable(raw.PAST_HISTORY, _past_history, ("history",)),
)
"""All that is read. Periodic vitals that all lie on whole hours are hourly summaries, known when the hour is over."""

SCORE_TABLE: Final = EventTable(raw.APACHE_RESULT, _apache_result, ("score",))
"""Published predictions, read with either choice of modalities: the `score` row needs them."""
