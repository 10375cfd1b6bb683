"""The concepts that there are: for `wardround concepts` and `wardround list concepts`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from wardround.concepts import (
    apache,
    charlson,
    cw24,
    gcs,
    hourly17,
    kdigo,
    lods,
    oasis,
    phenotypes,
    sapsii,
    sepsis3,
    sofa,
    suspicion_of_infection,
    urine_output,
    ventilation_episodes,
    vis,
)
from wardround.concepts.needs import Need
from wardround.concepts.rows import ROW_COLUMNS
from wardround.errors import UsageError

Compute = Callable[..., pl.DataFrame]


@dataclass(frozen=True)
class Concept:
    """A table that is made of events.

    Attributes:
        name: as on the command line, and of its file.
        summary: what it is, in which unit.
        codes: of the events that it reads.
        needs: what data must have, so that what was not measured is not taken for normal.
        compute: events with the `INPUT_COLUMNS` and their stays -> a table with the `columns`; its switches by name
            (`concept_settings.py`).
        families: beginnings of further codes that it reads: of all diagnoses, say.
        columns: of its table: the `ROW_COLUMNS`, but for one whose table is of a shape of its own. One without
            `available_time` does not say when its values were known: it is no input.
    """

    name: str
    summary: str
    codes: tuple[str, ...]
    needs: tuple[Need, ...]
    compute: Compute
    families: tuple[str, ...] = ()
    columns: Mapping[str, pl.DataType] = field(default_factory=lambda: ROW_COLUMNS)

    def reads(self) -> pl.Expr:
        """Which events it reads."""
        return pl.any_horizontal(
            pl.col("code").is_in(self.codes), *(pl.col("code").str.starts_with(family) for family in self.families)
        )


CONCEPTS: Final[dict[str, Concept]] = {
    concept.name: concept
    for concept in (
        Concept(
            "urine_output",
            "urine of each hour, in mL and in mL/kg",
            urine_output.CODES,
            urine_output.NEEDS,
            urine_output.urine_output,
        ),
        Concept(
            "gcs",
            "Glasgow coma scale at each charting: total, parts, and where a tube is charted",
            gcs.CODES,
            gcs.NEEDS,
            gcs.gcs,
        ),
        Concept(
            "vis",
            "vasoactive-inotropic score of each hour, mean and highest, and six doses",
            vis.CODES,
            vis.NEEDS,
            vis.vis,
        ),
        Concept(
            "ventilation",
            "how the patient breathes: at each charting, and where episodes of each kind begin and end",
            ventilation_episodes.CODES,
            ventilation_episodes.NEEDS,
            ventilation_episodes.ventilation,
        ),
        Concept(
            "sofa",
            "SOFA of each hour, the worst of the last 24 h; its six parts; at 24 h",
            sofa.CODES,
            sofa.NEEDS,
            sofa.sofa,
        ),
        Concept(
            "sapsii",
            "SAPS II of the first day, with and without chronic diseases, its mortality and its parts",
            sapsii.CODES,
            sapsii.NEEDS,
            sapsii.sapsii,
            sapsii.FAMILIES,
        ),
        Concept(
            "oasis",
            "OASIS of the first day, its mortality and its ten parts",
            oasis.CODES,
            oasis.NEEDS,
            oasis.oasis,
            oasis.FAMILIES,
        ),
        Concept(
            "apache",
            "acute physiology of APACHE III on the first day: the worst values, their points and mortality (APS III)",
            apache.CODES,
            apache.NEEDS,
            apache.apache,
        ),
        Concept("lods", "LODS of the first day and its six parts", lods.CODES, lods.NEEDS, lods.lods),
        Concept(
            "kdigo",
            "stage of acute kidney injury at each charting, by creatinine, urine and continuous dialysis",
            kdigo.CODES,
            kdigo.NEEDS,
            kdigo.kdigo,
        ),
        Concept(
            "suspicion_of_infection",
            "when an antibiotic and a culture met, and whether something grew in it",
            (),
            suspicion_of_infection.NEEDS,
            suspicion_of_infection.suspicion_of_infection,
            suspicion_of_infection.FAMILIES,
        ),
        Concept(
            "sepsis3",
            "sepsis: the first suspicion of infection with a SOFA of 2 or more about it",
            sepsis3.CODES,
            sepsis3.NEEDS,
            sepsis3.sepsis3,
            sepsis3.FAMILIES,
        ),
        Concept(
            "charlson",
            "Charlson comorbidity index with points of age, and its 17 comorbidities, known at discharge",
            charlson.CODES,
            charlson.NEEDS,
            charlson.charlson,
            charlson.FAMILIES,
        ),
        Concept(
            "phenotypes",
            "25 acute care conditions of mimic3-benchmarks, a row a stay, known at discharge",
            phenotypes.CODES,
            phenotypes.NEEDS,
            phenotypes.phenotypes,
            phenotypes.FAMILIES,
            phenotypes.COLUMNS,
        ),
        Concept(
            "cw24",
            "the first 24 h as one English paragraph, of what was known when they ended",
            cw24.CODES,
            cw24.NEEDS,
            cw24.cw24,
            cw24.FAMILIES,
            cw24.COLUMNS,
        ),
        Concept(
            "hourly17",
            "17 variables of mimic3-benchmarks, a row an hour, by when they were measured",
            hourly17.CODES,
            hourly17.NEEDS,
            hourly17.hourly17,
            columns=hourly17.COLUMNS,
        ),
    )
}


def find_concept(name: str) -> Concept:
    """A concept by its name. Raises `UsageError`."""
    if name not in CONCEPTS:
        raise UsageError(f"there is no concept {name!r}. There are: {', '.join(CONCEPTS)}.")
    return CONCEPTS[name]
