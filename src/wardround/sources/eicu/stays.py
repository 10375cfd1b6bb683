"""eICU-CRD 2.0: the patient table as stays and demographics events.

eICU holds no dates, only minutes from each unit admission. Stays are laid on a synthetic calendar: a year for each
hospital stay of a subject, its first unit admission on 1 July 00:00, later unit stays as many minutes after it as their
offsets say.

Each odd row has one rule. A row is set aside where the stay cannot be placed (no id, an id that it shares, an
impossible hospital admission) or where a cell is not what its column holds (words for a number, no known status): the
row may be shifted. A value of the right kind that cannot be right becomes null and is counted; the stay stays, with its
events. So `end` is null where the unit's discharge is blank or impossible, `hospital_end` and `los_h` where the
hospital's is.
"""

from typing import Final

import polars as pl

from wardround.errors import SourceError
from wardround.events import MINUTE_US, TIME, calendar_start
from wardround.sources.conversion import (
    NOT_A_STATUS,
    YEAR_MIN,
    candidates,
    in_canonical_units,
    melted,
    with_reason,
)
from wardround.sources.eicu.columns import PATIENT
from wardround.sources.raw_table import ADMIT, HOUR_24
from wardround.sources.subjects import subject_number
from wardround.sources.units import Quantity

OLDEST: Final = 90.0
"""What "> 89" reads (`PAPERS.md`)."""

DAY_MIN: Final = 24 * 60
MAX_HOSPITAL_STAYS: Final = 1_000
"""Of one patient, each with its own year on the calendar; more than that is a placeholder in place of ids."""

_STATUS: Final = ("expired", "alive")
_YEAR_AWAY: Final = "more than a year from unit admission"


def _age_years() -> pl.Expr:
    plain = pl.col("age").str.replace_all(" ", "")
    return pl.when(plain == ">89").then(pl.lit(OLDEST)).otherwise(plain.cast(pl.Float64, strict=False))


def stay_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """Patient rows with ages, subject ids, the reason why a row is no stay, and without values that cannot be right.

    A subject is a `uniquepid`; without one (an orphan) the unit stays of one hospital stay are still one person.

    Args:
        frame: the typed patient table with `row` and `reason`.

    Returns:
        The rows with `age_years`, `subject_id`, `orphan`, `stay_id` and `reason` added, and `doubtful`: why values of a
            stay were made null.
    """
    frame = frame.with_columns(
        stay_id="patientunitstayid",
        age_years=_age_years(),
        orphan=pl.col("uniquepid").is_null(),
    )
    for unusable, reason in _rules():
        frame = with_reason(frame, unusable, reason)
    frame = _without_doubtful(frame)
    keys = frame.select(
        pl.coalesce(
            pl.lit("patient:") + pl.col("uniquepid"),
            pl.lit("hospital stay:") + pl.col("patienthealthsystemstayid").cast(pl.String),
            pl.lit("stay:") + pl.col("stay_id").cast(pl.String),
        )
    ).to_series()
    numbers = {key: subject_number(key) for key in keys.drop_nulls().unique()}
    return frame.with_columns(subject_id=keys.replace_strict(numbers, default=None, return_dtype=pl.Int64))


def _rules() -> list[tuple[pl.Expr, str]]:
    """(which rows are no stay, why), in the order in which a row is counted."""
    free = pl.col("reason").is_null()
    statuses = ("unitdischargestatus", "hospitaldischargestatus")
    return [
        (pl.col("stay_id").is_null(), "blank stay id"),
        (pl.struct(pl.all().exclude("row")).is_first_distinct().not_(), "duplicate row"),
        (free & (free.sum().over("stay_id") > 1), "stay id used for different rows"),
        (pl.col("age").is_not_null() & ~pl.col("age_years").is_finite().fill_null(False), "unreadable age"),
        *((~pl.col(name).str.to_lowercase().is_in(_STATUS), f"{NOT_A_STATUS}: {name}") for name in statuses),
        (pl.col("hospitaladmitoffset").abs() > YEAR_MIN, f"hospital admission {_YEAR_AWAY}"),
    ]


def _doubts() -> list[tuple[str, pl.Expr, str]]:
    """(column, which of its values cannot be right, why), in the order in which a value is counted."""
    unit, hospital = pl.col("unitdischargeoffset"), pl.col("hospitaldischargeoffset")
    return [
        ("age_years", ~pl.col("age_years").is_between(0, 120), "impossible age"),
        ("unitdischargeoffset", unit < 0, "unit discharge before admission"),
        ("unitdischargeoffset", unit > YEAR_MIN, f"unit discharge {_YEAR_AWAY}"),
        ("hospitaldischargeoffset", hospital < 0, "hospital discharge before unit admission"),
        (
            "hospitaldischargeoffset",
            hospital < pl.col("hospitaladmitoffset"),
            "hospital discharge before hospital admission",
        ),
        ("hospitaldischargeoffset", hospital > YEAR_MIN, f"hospital discharge {_YEAR_AWAY}"),
        (
            "hospitaldischargeyear",
            ~pl.col("hospitaldischargeyear").is_between(1900, 2300),
            "impossible discharge year",
        ),
    ]


def _without_doubtful(frame: pl.DataFrame) -> pl.DataFrame:
    """Values of stays that cannot be right made null, each with its reason in the list `doubtful`."""
    frame = frame.with_columns(doubtful=pl.lit([], pl.List(pl.String)))
    for column, impossible, why in _doubts():
        wrong = pl.col("reason").is_null() & impossible.fill_null(False)
        also = pl.concat_list("doubtful", pl.lit(why))
        frame = frame.with_columns(
            pl.when(~wrong).then(column).alias(column), doubtful=pl.when(wrong).then(also).otherwise("doubtful")
        )
    return frame


def stays(rows: pl.DataFrame) -> pl.DataFrame:
    """Stays on the synthetic calendar, from the rows of `stay_rows` that have no reason against them.

    Returns:
        A row a stay with the `STAY_COLUMNS` that come from the patient table, sorted by subject and start; times that
            are not known are null.

    Raises:
        SourceError: where more hospital stays than a patient can have share one `uniquepid`.
    """
    hospital_stay = pl.coalesce("patienthealthsystemstayid", -pl.col("stay_id"))
    in_hospital_min = -pl.col("hospitaladmitoffset").fill_null(0).cast(pl.Int64)
    rows = rows.filter(pl.col("reason").is_null())
    rows = rows.with_columns(hospital_stay=hospital_stay, in_hospital_min=in_hospital_min)
    year = pl.col("hospitaldischargeyear").fill_null(0)
    first_year = year.min().over("subject_id", "hospital_stay")
    index = pl.struct(first_year, "hospital_stay").rank("dense").over("subject_id") - 1
    rows = rows.with_columns(
        index=index.cast(pl.Int64),
        after_first_min=pl.col("in_hospital_min") - pl.col("in_hospital_min").min().over("subject_id", "hospital_stay"),
    )
    if (rows["index"] >= MAX_HOSPITAL_STAYS).any():
        raise SourceError(
            f"table patient: more than {MAX_HOSPITAL_STAYS} hospital stays share one uniquepid. "
            "Leave the column blank where the patient is not known."
        )
    day_zero = pl.Series([calendar_start(index) for index in rows["index"]], dtype=TIME)
    rows = rows.with_columns(start=day_zero + _minutes("after_first_min"))
    admit, discharge = pl.col("hospitaladmitoffset"), pl.col("hospitaldischargeoffset")
    return rows.select(
        "subject_id",
        "stay_id",
        "start",
        end=pl.col("start") + _minutes("unitdischargeoffset"),
        hospital_start=pl.col("start") + _minutes("hospitaladmitoffset"),
        hospital_end=pl.col("start") + _minutes("hospitaldischargeoffset"),
        age=pl.col("age_years").cast(pl.Float32),
        sex=pl.col("gender"),
        hospital_id=pl.col("hospitalid"),
        year=pl.col("hospitaldischargeyear").cast(pl.Int32),
        orphan="orphan",
        died_in_hospital=_expired("hospitaldischargestatus"),
        died_in_unit=_expired("unitdischargestatus"),
        los_h=((discharge - admit) / 60).cast(pl.Float32),
    ).sort("subject_id", "start", "stay_id")


def _minutes(column: str) -> pl.Expr:
    return (pl.col(column).cast(pl.Int64) * MINUTE_US).cast(pl.Duration("us"))


def _expired(column: str) -> pl.Expr:
    """True, False, or null where the table does not say."""
    expired, alive = _STATUS
    status = pl.col(column).str.to_lowercase()
    return pl.when(status == expired).then(True).when(status == alive).then(False)


_NUMBERS: Final = {
    "age": ("AGE", Quantity("years", 0, 120)),
    "height": ("HEIGHT//cm", Quantity("cm", 30, 260)),
    "weight": ("WEIGHT//kg", Quantity("kg", 2, 600)),
    "before_unit": ("BEFORE_UNIT//h", Quantity("h", 0, 24 * 366)),
    "visit": ("UNIT_VISIT", Quantity("", 1, 100)),
}
"""Name -> (code, range). A hospital admission after the unit's is not known yet at unit admission: set aside."""
_PAPER_NUMBERS: Final = ("age",)
_PAPER_CODES: Final = ("gender", "ethnicity")
_CODES: Final = (*_PAPER_CODES, "unittype", "unitadmitsource", "hospitaladmitsource", "unitstaytype")


def demographics(rows: pl.DataFrame, paper: bool) -> pl.DataFrame:
    """Demographics candidates, known at unit admission: age, gender, ethnicity (the paper's), and with `paper=False`
    height, weight, hours in hospital before the unit, unit type and where the patient came from; the APACHE admission
    diagnosis at 24 h. Each value that `stay_rows` made null is a candidate that becomes no event, so that the ledger
    counts it.

    Args:
        rows: `stay_rows`, those with a reason left out.
        paper: only what arXiv 2604.18753, appendix A.1.2, extracts.
    """
    frame = rows.filter(pl.col("reason").is_null()).with_columns(
        minute=pl.lit(0, pl.Int64),
        available_minute=pl.lit(0, pl.Int64),
        age=pl.col("age_years"),
        height=pl.col("admissionheight"),
        weight=pl.col("admissionweight"),
        before_unit=-pl.col("hospitaladmitoffset") / 60,
        visit=pl.col("unitvisitnumber"),
    )
    doubtful = frame.explode("doubtful").drop_nulls("doubtful").with_columns(reason="doubtful")
    uncoded = candidates(doubtful, "demographics", pl.lit(None, pl.String))
    return pl.concat([_number_candidates(frame, paper), *_code_candidates(frame, paper), uncoded])


def _number_candidates(frame: pl.DataFrame, paper: bool) -> pl.DataFrame:
    long = melted(frame, list(_PAPER_NUMBERS if paper else _NUMBERS))
    unit = pl.col("name").replace_strict({name: quantity.unit for name, (_, quantity) in _NUMBERS.items()})
    quantities = {name: quantity for name, (_, quantity) in _NUMBERS.items()}
    long = in_canonical_units(long.with_columns(unit=unit), quantities, "name", "number", "unit")
    code = pl.col("name").replace_strict({name: code for name, (code, _) in _NUMBERS.items()})
    return candidates(long, "demographics", code, pl.col("number"))


def _code_candidates(frame: pl.DataFrame, paper: bool) -> list[pl.DataFrame]:
    made: list[pl.DataFrame] = []
    for column in _PAPER_CODES if paper else _CODES:
        if PATIENT.columns[column][1] is not ADMIT:
            raise ValueError(f"patient.{column} is not declared as known at admission")
        code = pl.lit(f"{column.upper()}//") + pl.col(column)
        made.append(candidates(frame.drop_nulls(column), "demographics", code))
    if not paper:
        if PATIENT.columns["apacheadmissiondx"][1] is not HOUR_24:
            raise ValueError("patient.apacheadmissiondx is not declared as known at 24 h")
        late = frame.drop_nulls("apacheadmissiondx").with_columns(available_minute=pl.lit(DAY_MIN, pl.Int64))
        made.append(candidates(late, "diagnosis", pl.lit("APACHE//ADMISSION_DX//") + pl.col("apacheadmissiondx")))
    return made
