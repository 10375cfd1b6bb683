"""cw-24: the first 24 hours of a unit stay as one English paragraph, of what was known when they ended.

    stay_id, available_time, text     a row a stay of which anything was known; available at unit admission + 24 h

Source: ALFIA (arXiv 2506.04924), which describes a patient by demographics, severity scores, measurements, vital signs,
laboratory values and lifestyle, without free notes; the wording is ours (`cw24_template.py`, whose `VERSION` names it).
Only what was known by the end of the 24 h is in it: a result that came later is not, nor anything of billing codes, so
that the text is an input at hour 24. The scores are made anew of that alone. One that rests on the coma scale is left
out where its parts were not charted, and so all are where the data have only a total: eICU has APS III, which APACHE's
own values make (`APS//`), and nothing of lifestyle. A blood gas
tells lactate, pH and pressures alone: sodium, say, is of serum.
"""

from typing import Any, Final

import polars as pl

from wardround.concepts import apache, apache_iv, gcs, lods, oasis, sapsii, sofa
from wardround.concepts.cw24_template import Missing, paragraph
from wardround.concepts.first_day import DAY, by_minute, in_first_day
from wardround.concepts.needs import Need
from wardround.concepts.rows import measured, of_the_patient, worded
from wardround.concepts.urine_output import URINE
from wardround.events import TIME

COLUMNS: Final[dict[str, pl.DataType]] = {"stay_id": pl.Int64(), "available_time": TIME, "text": pl.String()}

_VITALS: Final = {
    "VITAL//heartrate//bpm": "heart_rate",
    "VITAL//systemicsystolic//mmHg": "systolic_pressure",
    "VITAL//noninvasivesystolic//mmHg": "systolic_pressure",
    "VITAL//systemicmean//mmHg": "mean_pressure",
    "VITAL//noninvasivemean//mmHg": "mean_pressure",
    "VITAL//respiration///min": "respiration",
    "VITAL//temperature//C": "temperature",
    "VITAL//sao2//%": "saturation",
}
_LABS: Final = {
    "LAB//sodium//mmol/L": "sodium",
    "LAB//potassium//mmol/L": "potassium",
    "LAB//bicarbonate//mmol/L": "bicarbonate",
    "LAB//BUN//mg/dL": "bun",
    "LAB//creatinine//mg/dL": "creatinine",
    "LAB//glucose//mg/dL": "glucose",
    "LAB//total bilirubin//mg/dL": "bilirubin",
    "LAB//albumin//g/dL": "albumin",
    "LAB//WBC x 1000//K/mcL": "wbc",
    "LAB//Hgb//g/dL": "haemoglobin",
    "LAB//platelets x 1000//K/mcL": "platelets",
    "LAB//PT - INR//ratio": "inr",
}
_GASES: Final = {
    "LAB//lactate//mmol/L": "lactate",
    "LAB//pH//": "ph",
    "LAB//paO2//mm Hg": "pao2",
    "LAB//paCO2//mm Hg": "paco2",
}
_SIZES: Final = {"WEIGHT//kg": "weight", "HEIGHT//cm": "height", "AGE": "age", "BEFORE_UNIT//h": "before_h"}
_TOBACCO: Final = "CHART//Tobacco Use History"
_HABITS: Final = {"CHART//ETOH//": "alcohol", "CHART//Recreational drug use//": "drugs"}
_WORDS: Final = {
    "GENDER//": "sex",
    "ETHNICITY//": "ethnicity",
    "MARITAL_STATUS//": "marital_status",
    "INSURANCE//": "insurance",
    "UNITTYPE//": "unit",
    "UNITADMITSOURCE//": "location",
    "ADMISSION_LOCATION//": "location",
    "ADMISSION_TYPE//": "kind",
}
_NOTHING_SAID: Final = ("other/unknown", "unknown (default)", "information not available", "?", "")
_LOWER: Final = ("marital_status",)

_SHARED: Final = ("LAB//", "SERVICE//")
"""Beginnings of codes that are the patient's, of whatever stay."""
FAMILIES: Final = (*_WORDS, "SERVICE//", "APS//")
_READS: Final = (
    _VITALS,
    _LABS,
    _GASES,
    _SIZES,
    (_TOBACCO,),
    _HABITS,
    *(of.CODES for of in (sofa, sapsii, oasis, lods, apache)),
)
CODES: Final = tuple(dict.fromkeys(code for codes in _READS for code in codes))
NEEDS: Final = (
    Need("age", ("AGE",)),
    Need("heart rate", ("VITAL//heartrate//bpm",)),
    Need("creatinine", ("LAB//creatinine//mg/dL",)),
)
_SCORES: Final = {
    "sofa_24h": "sofa",
    "sapsii_without_chronic": "sapsii",
    "oasis": "oasis",
    "lods": "lods",
    "apache_aps": "aps",
}


def cw24(events: pl.DataFrame, stays: pl.DataFrame, missing: Missing = "left out") -> pl.DataFrame:
    """The paragraphs of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `subject_id, stay_id, start, end, in_unit_until, hospital_start, hospital_end, age`.
        missing: whether what is missing is left out, or said to be.

    Returns:
        A row a stay with the `COLUMNS`, by stay; stays of which nothing was known by then have none.
    """
    days = stays.drop_nulls("start").with_columns(closes=(pl.col("start") + DAY).cast(TIME))
    known = _known(events, days)
    alone = days.with_columns(
        subject_id=pl.col("stay_id"),
        end=pl.min_horizontal(pl.coalesce("end", "closes"), "closes"),
        in_unit_until=pl.lit(None, TIME),
        hospital_end=pl.lit(None, TIME),
    )
    facts = pl.concat([_numbers(known, alone), _scores(known, alone), _words(known)])
    told = facts.sort("stay_id", "fact").group_by("stay_id", maintain_order=True).agg("fact", "number", "word")
    rows = days.join(told, on="stay_id").sort("stay_id")
    texts = [paragraph(_as_facts(row), missing) for row in rows.iter_rows(named=True)]
    made = rows.select("stay_id", available_time="closes").with_columns(text=pl.Series(texts, dtype=pl.String))
    return made.select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())


def _as_facts(row: dict[str, Any]) -> dict[str, float | str]:
    cells = zip(row["fact"], row["number"], row["word"], strict=True)
    return {fact: word if number is None else number for fact, number, word in cells}


def _known(events: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """What of each stay, and of its patient's laboratory, was known by the end of the stay's day."""
    shared = pl.any_horizontal(pl.col("code").str.starts_with(begin) for begin in _SHARED)
    whole = pl.concat([events.filter(~shared), of_the_patient(events.filter(shared), days)])
    found = whole.join(days.select("stay_id", "closes"), on="stay_id")
    return found.filter(pl.col("available_time") <= pl.col("closes")).drop("closes")


def _facts(
    frame: pl.DataFrame, fact: pl.Expr, number: pl.Expr | None = None, word: pl.Expr | None = None
) -> pl.DataFrame:
    """`stay_id, fact, number, word`; rows without either left out."""
    number = pl.lit(None) if number is None else number
    word = pl.lit(None) if word is None else word
    made = frame.select("stay_id", fact=fact, number=number.cast(pl.Float64), word=word.cast(pl.String))
    return made.filter(pl.col("number").is_not_null() | pl.col("word").is_not_null())


def _numbers(known: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Vitals, laboratory values and the urine of the day; the latest size and age, whenever they were told."""
    coma = gcs.gcs_chartings(known).select("stay_id", "time", name=pl.lit("coma"), value="gcs")
    vitals = by_minute(measured(known, _VITALS)).select(coma.columns)
    labs = (measured(known, _LABS, "lab").select(coma.columns), measured(known, _GASES).select(coma.columns))
    values = in_first_day(pl.concat([vitals, coma, *labs]), days).group_by("stay_id", "name")
    spans = values.agg(
        low=pl.col("value").min(), mean=pl.col("value").mean().round_sig_figs(12), high=pl.col("value").max()
    )
    long = spans.unpivot(["low", "mean", "high"], index=["stay_id", "name"], variable_name="end", value_name="value")
    urine = in_first_day(measured(known, URINE), days).group_by("stay_id").agg(pl.col("value").sum())
    latest = measured(known, _SIZES).sort("stay_id", "name", "time", "available_time", "value")
    latest = latest.group_by("stay_id", "name", maintain_order=True).last()
    return pl.concat(
        [
            _facts(long, pl.col("name") + "_" + pl.col("end"), pl.col("value")),
            _facts(urine, pl.lit("urine"), pl.col("value")),
            _facts(latest, pl.col("name"), pl.col("value")),
        ]
    )


def _scores(known: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """The scores of stays whose coma scale was charted in parts; APS III of APACHE's own values where there are any."""
    charted = in_first_day(gcs.gcs_chartings(known), days).select("stay_id").unique()
    some = days.join(charted, on="stay_id", how="semi")
    made = [
        concept(known, some).select("stay_id", "name", "value")
        for concept in (sofa.sofa, sapsii.sapsii, oasis.oasis, lods.lods, apache.apache)
    ]
    scores = pl.concat(made).filter(pl.col("name").is_in(list(_SCORES)))
    own = apache_iv.apache_iv(known).filter(pl.col("code") == apache_iv.POINTS_CODE)
    own = own.sort("stay_id", "available_time").group_by("stay_id", maintain_order=True).last()
    own = own.join(charted, on="stay_id", how="anti")
    return pl.concat(
        [
            _facts(scores, pl.col("name").replace_strict(_SCORES, return_dtype=pl.String), pl.col("value")),
            _facts(own, pl.lit("aps"), pl.col("numeric_value")),
        ]
    )


def _words(known: pl.DataFrame) -> pl.DataFrame:
    """What is told in words: the latest of each."""
    told: list[pl.DataFrame] = []
    for family, name in _WORDS.items():
        member = pl.col("code").str.strip_prefix(family).str.split("|").list.first()
        of = known.filter(pl.col("code").str.starts_with(family)).with_columns(fact=pl.lit(name), word=member)
        told.append(of.filter(~pl.col("word").str.to_lowercase().is_in(_NOTHING_SAID)))
    yes_no = pl.when(pl.col("value") > 0).then(pl.lit("yes")).otherwise(pl.lit("no"))
    tobacco = worded(known, [_TOBACCO]).with_columns(fact=pl.lit("tobacco"), word="text")
    habits = measured(known, _HABITS).with_columns(fact="name", word=yes_no)
    columns = ["stay_id", "time", "available_time", "fact", "word"]
    rows = pl.concat([each.select(columns) for each in (*told, tobacco, habits)]).drop_nulls(["stay_id", "time"])
    rows = rows.with_columns(pl.col("word").str.strip_chars_end(" ."))
    lower = pl.when(pl.col("fact").is_in(_LOWER)).then(pl.col("word").str.to_lowercase()).otherwise("word")
    latest = rows.sort("stay_id", "fact", "time", "available_time", "word")
    latest = latest.group_by("stay_id", "fact", maintain_order=True).last()
    return _facts(latest, pl.col("fact"), word=lower)
