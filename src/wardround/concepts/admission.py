"""How a patient came to the unit: the type of admission, and the services of the hospital stay by the first day's end.

Source: `sapsii` and `oasis` of the MIMIC Code Repository (mimic-iv/concepts/score). "ELECTIVE" alone is an elective
admission there; the newer "SURGICAL SAME DAY ADMISSION" is not (`elective=`).
"""

from collections.abc import Collection
from typing import Final

import polars as pl

from wardround.concepts.first_day import DAY
from wardround.concepts.needs import Need
from wardround.concepts.rows import of_the_patient
from wardround.errors import UsageError

TYPE: Final = "ADMISSION_TYPE//"
SERVICE: Final = "SERVICE//"
FAMILIES: Final = (TYPE, SERVICE)
NEEDS: Final = (Need("type of admission", (TYPE,)), Need("service", (SERVICE,)))
ELECTIVE: Final = ("ELECTIVE",)
PUBLISHED: Final = (
    *("AMBULATORY OBSERVATION", "DIRECT EMER.", "DIRECT OBSERVATION", "ELECTIVE", "EMERGENCY", "EU OBSERVATION"),
    *("EW EMER.", "NEWBORN", "OBSERVATION ADMIT", "SURGICAL SAME DAY ADMISSION", "URGENT"),
)
"""The types of MIMIC-III and MIMIC-IV; other data have others."""
BEFORE: Final = pl.duration(hours=24)
"""A service can be written before the hospital admission, in the emergency department."""


def admissions(events: pl.DataFrame, stays: pl.DataFrame, elective: Collection[str] = ELECTIVE) -> pl.DataFrame:
    """Of each stay with a type of admission or a service.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `subject_id, stay_id, start, hospital_start`.
        elective: types of admission that are.

    Returns:
        `stay_id, elective` (null where no type is told), `first_service`, `surgical_day` (whether a service up to the
        end of the first day was surgical or orthopaedic), and `admission_known`, when all of that was.
    """
    kind = _of_family(events, TYPE).group_by("stay_id").agg(
        elective=pl.col("member").is_in(list(elective)).any(), type_known=pl.col("available_time").max()
    )  # fmt: skip
    given = _services(events, stays).group_by("stay_id", maintain_order=True)
    operated = surgical(pl.col("member")) | (pl.col("member") == "ORTHO")
    services = given.agg(
        first_service=pl.col("member").first(),
        surgical_day=operated.any(),
        service_known=pl.col("available_time").max(),
    )
    both = kind.join(services, on="stay_id", how="full", coalesce=True)
    known = pl.max_horizontal("type_known", "service_known")
    return both.select("stay_id", "elective", "first_service", "surgical_day", admission_known=known)


def codes_of(elective: Collection[str]) -> set[str]:
    """The codes of some types of admission."""
    return {f"{TYPE}{kind}" for kind in elective}


def check_types(option: str, elective: Collection[str], codes: Collection[str]) -> None:
    """Refuse a type that is misspelt: nobody would be elective by it, and nothing would say so.

    Args:
        option: through which the types came, for the message.
        elective: the types.
        codes: those of the data.

    Raises:
        UsageError: for types that neither the data nor any MIMIC has, naming those that there are.
    """
    there = {code.removeprefix(TYPE) for code in codes if code.startswith(TYPE)}
    unknown = [kind for kind in elective if kind not in there and kind not in PUBLISHED]
    if unknown:
        others = ", ".join(kind for kind in PUBLISHED if kind not in there)
        raise UsageError(
            f"--set {option}: no type of admission is {', '.join(map(repr, unknown))}. The data have: "
            f"{', '.join(sorted(there)) or 'none'}; others of MIMIC: {others or 'none'}. Between two stands a comma."
        )


def surgical(service: pl.Expr) -> pl.Expr:
    """Whether a service is one of surgery, by its name."""
    return service.str.to_lowercase().str.contains("surg")


def _of_family(events: pl.DataFrame, family: str) -> pl.DataFrame:
    found = events.filter(pl.col("code").str.starts_with(family)).drop_nulls(["stay_id", "time", "available_time"])
    return found.with_columns(member=pl.col("code").str.strip_prefix(family))


def _services(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """The services of the hospital stay before the end of the first day of each unit stay in it, by time."""
    whole = stays.drop_nulls("start").select("stay_id", "start", since=pl.coalesce("hospital_start", "start") - BEFORE)
    found = of_the_patient(_of_family(events, SERVICE), stays).join(whole, on="stay_id")
    found = found.filter(pl.col("time") < pl.col("start") + DAY, pl.col("time") >= pl.col("since"))
    return found.sort("stay_id", "time", "member")
