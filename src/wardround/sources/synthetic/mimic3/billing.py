"""`DIAGNOSES_ICD` and `PROCEDURES_ICD`: what the hospital stay was billed for, in ICD-9 (`mimic/billing.py`); and what
of it lasts until the next one."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from wardround.sources.synthetic.code import Code, by_traits
from wardround.sources.synthetic.mimic.billing import diagnosed, drawn_codes, seen_at_worst
from wardround.sources.synthetic.mimic.roster import Roster
from wardround.sources.synthetic.mimic3.billing_list import (
    DIAGNOSES,
    PHENOTYPES,
    PRIMARY,
    PROCEDURES,
    SHORT_TITLES,
)
from wardround.sources.synthetic.mimic3.conditions import CONDITION_NAMES
from wardround.sources.synthetic.mimic3.next_visit import (
    HAD,
    NEXT,
    Patients,
    effects,
    lasting_effect,
    next_probs,
    phenotype_probs,
)
from wardround.sources.synthetic.population import CAUSE_NAMES, COMORBIDITY_NAMES, Visiting


def diagnosis_rows(roster: Roster, patients: Patients, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `DIAGNOSES_ICD`: of each hospital stay its cause, then what else was found, each code once.

    Args:
        roster: the stays with ids and dates.
        patients: of the chunk.
        rng: the source of chance.
    """
    one, stays = roster.one_an_admission, roster.stays
    more = lasting_effect(patients)[stays.of_stay("patient")] + effects(CAUSE_NAMES)[stays.of_stay("cause")]
    admission, place = diagnosed(roster, drawn_codes(DIAGNOSES, seen_at_worst(roster), more[one], rng))
    codes = pl.Series([*(PRIMARY[name][0] for name in CAUSE_NAMES), *(code.text for code in DIAGNOSES)])
    frame = pl.DataFrame({"stay": one[admission], **roster.ids(one[admission])})
    frame = frame.with_columns(icd9_code=codes.gather(place))
    frame = frame.unique(["hadm_id", "icd9_code"], keep="first", maintain_order=True)
    return frame.with_columns(seq_num=pl.int_range(1, pl.len() + 1).over("hadm_id"))


def procedure_rows(roster: Roster, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `PROCEDURES_ICD`."""
    one = roster.one_an_admission
    had = drawn_codes(PROCEDURES, seen_at_worst(roster), by_traits(roster.stays, PROCEDURES)[one], rng)
    admission, place = np.nonzero(had)
    codes = pl.Series([code.text for code in PROCEDURES])
    frame = pl.DataFrame({"stay": one[admission], **roster.ids(one[admission])})
    frame = frame.with_columns(icd9_code=codes.gather(place))
    return frame.with_columns(seq_num=pl.int_range(1, pl.len() + 1).over("hadm_id"))


def visit_truth(
    roster: Roster, patients: Patients, diagnoses: pl.DataFrame, visiting: Visiting, tau: float
) -> pl.DataFrame:
    """The rows of `truth/visits.parquet`, one a hospital stay that happened.

    Returns:
        `subject_key, hospital_stay_id, visit` (1 is the patient's first), `next_hospital_stay_id` (null where there is
        none), `cause, died`, `has_DISEASE` of what the patient has for good, and of each of the 25 conditions
        `had_CONDITION`, whether this stay was billed with it, and `p_next_CONDITION`, the probability that the next
        one is, were there one.
    """
    one, stays = roster.one_an_admission, roster.stays
    patient, cause = stays.of_stay("patient")[one], stays.of_stay("cause")[one]
    probs = next_probs(phenotype_probs(patients, tau), patients, patient, cause, visiting)
    frame = pl.DataFrame(
        {"subject_key": roster.subject_id[one], "hospital_stay_id": roster.hadm_id[one], "died": stays.died[one]}
    ).with_columns(
        visit=pl.int_range(1, pl.len() + 1).over("subject_key"),
        next_hospital_stay_id=pl.col("hospital_stay_id").shift(-1).over("subject_key"),
        cause=pl.Series(CAUSE_NAMES).gather(cause),
    )
    lasting = np.concatenate([patients.comorbidity, patients.condition], axis=1)[patient]
    names = [f"has_{name.replace(' ', '_')}" for name in (*COMORBIDITY_NAMES, *CONDITION_NAMES)]
    of_stay = diagnoses.group_by("hadm_id").agg(
        pl.col("icd9_code").is_in(codes).any().alias(f"{HAD}{name}") for name, codes in PHENOTYPES.items()
    )
    return frame.with_columns(
        *(pl.Series(name, lasting[:, number]) for number, name in enumerate(names)),
        *(pl.Series(f"{NEXT}{name}", probs[:, number]) for number, name in enumerate(PHENOTYPES)),
    ).join(of_stay, left_on="hospital_stay_id", right_on="hadm_id", how="left", maintain_order="left")


def titles(codes: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """The rows of `D_ICD_DIAGNOSES` or `D_ICD_PROCEDURES`, by code."""
    rows = [(code, SHORT_TITLES[code], title) for code, title in sorted(set(codes))]
    frame = pl.DataFrame(rows, schema=["icd9_code", "short_title", "long_title"], orient="row")
    return frame.with_row_index("row_id", offset=1)


def coded(codes: Sequence[Code]) -> list[tuple[str, str]]:
    """Codes of a list with their titles."""
    return [(code.text, code.detail[1] or "") for code in codes]
