"""eICU-CRD 2.0: each table as events. Column -> code, unit, time, available time; the times are declared in
`columns.py`.

Modalities of the paper (arXiv 2604.18753, section 3.1.1): demographics, diagnosis, treatment, medication, lab, aps.
Beyond it: vitals, infusion, intake_output, history, and score (APACHE's published predictions: a comparator, not an
input).
"""

from collections.abc import Mapping
from typing import Final

import polars as pl

from wardround.sources.conversion import (
    NOT_A_NUMBER,
    EventTable,
    candidates,
    in_canonical_units,
    melted,
    timed,
    with_reason,
)
from wardround.sources.eicu import columns as raw
from wardround.sources.raw_table import HOUR_24, RawTable
from wardround.sources.units import (
    EICU_APS,
    EICU_LABS,
    EICU_SCORES,
    INFUSION_RATES,
    VITALS,
    Quantity,
    is_fahrenheit,
    is_fraction,
    unit_key,
)

DAY_MIN: Final = 24 * 60
FLOORED_MIN: Final = 60
"""A time rounded down to the hour may be as late as the hour's end."""

_WARM: Final = (pl.col("name") == "temperature") & is_fahrenheit(pl.col("number"))


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
    name = pl.col("drugname").str.to_uppercase()
    code = pl.coalesce(pl.lit("MEDICATION//HICL//") + number, pl.lit("MEDICATION//NAME//") + name)
    return candidates(frame, "medication", code, text=pl.col("drugname"))


def _lab_unit() -> pl.Expr:
    """The unit that a result is in. Some of the published labels are wrong: ionized calcium of 1.2 "mg/dL" is in mmol/L
    (nobody lives under 2 mg/dL, which is 0.5 mmol/L), and temperatures of 98.6 "C" are in Fahrenheit."""
    given = pl.col("labmeasurenamesystem")
    molar = (pl.col("labname") == "ionized calcium") & (given == "mg/dL") & (pl.col("labresult") < 2.0)
    unit = pl.when((pl.col("labname") == "FiO2") & is_fraction(pl.col("labresult"))).then(pl.lit("fraction"))
    unit = unit.when((pl.col("labname") == "Temperature") & is_fahrenheit(pl.col("labresult"))).then(pl.lit("F"))
    return unit.when(molar).then(pl.lit("mmol/L")).otherwise(given)


def _lab(frame: pl.DataFrame) -> pl.DataFrame:
    """Known at the revised offset; where a row has none, `FLOORED_MIN` after the draw at the earliest."""
    frame = timed(frame, raw.LAB, "labresult")
    frame = with_reason(frame, pl.col("labname").is_null(), "no code")
    frame = with_reason(frame, pl.col("labresult").is_null() & pl.col("labresulttext").is_null(), "no value")
    stated = pl.when(pl.col("labresultrevisedoffset").is_null()).then(FLOORED_MIN).otherwise(0)
    frame = frame.with_columns(labmeasurenamesystem=_lab_unit(), available_minute=pl.col("available_minute") + stated)
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


def _own_units(quantities: Mapping[str, Quantity]) -> pl.Expr:
    """The canonical unit of the quantity in column `name`: what a table without a unit column is written in."""
    return pl.col("name").replace_strict({name: quantity.unit for name, quantity in quantities.items()}, default=None)


def _aps(frame: pl.DataFrame) -> pl.DataFrame:
    """-1 means missing."""
    names = raw.APS_VALUES.split()
    frame = _at_24_h(frame, raw.APS, *names).with_columns(pl.col(names).replace(-1.0, None))
    long = melted(frame, names)
    unit = pl.when((pl.col("name") == "fio2") & is_fraction(pl.col("number"))).then(pl.lit("fraction"))
    unit = unit.when(_WARM).then(pl.lit("F")).otherwise(_own_units(EICU_APS))
    long = in_canonical_units(long.with_columns(unit=unit), EICU_APS, "name", "number", "unit")
    return candidates(long, "aps", _text_code("APS", "name"), pl.col("number"))


def _apache_predictors(frame: pl.DataFrame) -> pl.DataFrame:
    names = raw.APACHE_FLAGS.split()
    frame = _at_24_h(frame, raw.APACHE_PREDICTORS, *names, "admitdiagnosis")
    flags = melted(frame.with_columns(pl.when(pl.col(name) == 1).then(1.0).alias(name) for name in names), names)
    flags = candidates(flags, "aps", _text_code("APACHE", "name"))
    diagnosis = frame.filter(pl.col("reason").is_null(), pl.col("admitdiagnosis").is_not_null())
    return pl.concat([flags, candidates(diagnosis, "aps", _text_code("APACHE//ADMIT_DIAGNOSIS", "admitdiagnosis"))])


def _apache_result(frame: pl.DataFrame) -> pl.DataFrame:
    names = list(EICU_SCORES)
    frame = _at_24_h(frame, raw.APACHE_RESULT, *names, "apacheversion")
    frame = with_reason(frame, pl.col("apacheversion").is_null(), "no code")
    long = melted(frame.with_columns(pl.col(names).replace(-1.0, None)), names)
    versions = frame.select("row", "apacheversion")
    long = long.join(versions, on="row", how="left", maintain_order="left").with_columns(unit=_own_units(EICU_SCORES))
    long = in_canonical_units(long, EICU_SCORES, "name", "number", "unit")
    return candidates(long, "score", pl.format("APACHE//{}//{}", "apacheversion", "name"), pl.col("number"))


def _vitals(long: pl.DataFrame) -> pl.DataFrame:
    unit = pl.when(_WARM).then(pl.lit("F")).otherwise(_own_units(VITALS))
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
    vital = {cell: name for cell, (name, _) in NURSE_VITALS.items()}
    unit = {cell: unit for cell, (_, unit) in NURSE_VITALS.items()}
    cell = pl.col("nursingchartcelltypevalname").str.to_lowercase()
    frame = frame.with_columns(
        name=cell.replace_strict(vital, default=None, return_dtype=pl.String),
        unit=cell.replace_strict(unit, default=None, return_dtype=pl.String),
        number=pl.col("nursingchartvalue").cast(pl.Float64, strict=False),
    )
    frame = with_reason(frame, pl.col("name").is_null(), "not a vital sign")
    frame = with_reason(frame, ~pl.col("number").is_finite().fill_null(False), f"{NOT_A_NUMBER}: nursingchartvalue")
    frame = in_canonical_units(frame, VITALS, "name", "number", "unit")
    return candidates(frame, "vitals", pl.format("VITAL//{}//{}", "name", "unit"), pl.col("number"))


_RATE_OF: Final = {key: rate for rate, quantity in INFUSION_RATES.items() for key in map(unit_key, quantity.spellings)}


def _infusion(frame: pl.DataFrame) -> pl.DataFrame:
    """The unit stands in brackets at the end of the drug's name; a drug without one keeps a code of its own."""
    frame = timed(frame, raw.INFUSION, "drugrate")
    drug = pl.col("drugname").str.to_lowercase()
    bracketed = drug.str.extract(r"\(([^()]*)\)$", 1).fill_null("")
    frame = frame.with_columns(unit=bracketed, drug=drug.str.replace(r"\s*\([^()]*\)$", ""))
    keys = {unit: _RATE_OF.get(unit_key(unit), "no unit") for unit in frame["unit"].unique()}
    frame = frame.with_columns(rate=pl.col("unit").replace_strict(keys, default=None, return_dtype=pl.String))
    frame = in_canonical_units(frame, INFUSION_RATES, "rate", "drugrate", "unit")
    return candidates(frame, "infusion", pl.format("INFUSION//{}//{}", "drug", "unit"), pl.col("drugrate"))


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
        code=pl.when(weight)
        .then(pl.lit("IO//weight//kg"))
        .when(urine)
        .then(pl.lit("IO//urine//mL"))
        .otherwise(pl.format("IO//{}//{}//mL", group.str.to_lowercase(), label)),
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
    EventTable(raw.LAB, _lab, ("lab",), floored_min=FLOORED_MIN, floored=_REVISED_IS_DRAW),
    EventTable(raw.APS, _aps, ("aps",)),
)
"""The paper's tables. A lab file in which every result is revised at its draw holds no result times: known an hour
later."""

ALL_TABLES: Final = (
    *PAPER_TABLES,
    EventTable(raw.APACHE_PREDICTORS, _apache_predictors, ("aps",)),
    EventTable(raw.VITAL_PERIODIC, _vital_periodic, ("vitals",), floored_min=FLOORED_MIN, floored=_ON_THE_HOUR),
    EventTable(raw.VITAL_APERIODIC, _vital_aperiodic, ("vitals",)),
    EventTable(raw.NURSE_CHARTING, _nurse_charting, ("vitals",)),
    EventTable(raw.INFUSION, _infusion, ("infusion",)),
    EventTable(raw.INTAKE_OUTPUT, _intake_output, ("intake_output",)),
    EventTable(raw.PAST_HISTORY, _past_history, ("history",)),
)
"""All that is read. Periodic vitals that all lie on whole hours are hourly summaries, known when the hour is over."""

SCORE_TABLE: Final = EventTable(raw.APACHE_RESULT, _apache_result, ("score",))
"""Published predictions, read with either choice of modalities: the `score` row needs them."""
