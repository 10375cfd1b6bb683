"""The tables of MIMIC-CXR-JPG 2.0.0, and the truth about its images."""

import hashlib
from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.latent import LATTICE
from wardround.sources.synthetic.mimic.roster import Roster, moments
from wardround.sources.synthetic.mimic.studies import Studies

METADATA, SPLIT, LABELS = (f"cxr/mimic-cxr-2.0.0-{name}" for name in ("metadata", "split", "chexpert"))
VIEWS: Final = ("AP", "PA", "LATERAL")
VIEW_MEANING: Final = ("antero-posterior", "postero-anterior", "lateral")
STEPS: Final = ("CHEST (PORTABLE AP)", "CHEST (PA AND LAT)")
FINDINGS: Final = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Enlarged Cardiomediastinum",
    "Fracture",
    "Lung Lesion",
    "Lung Opacity",
    "No Finding",
    "Pleural Effusion",
    "Pleural Other",
    "Pneumonia",
    "Pneumothorax",
    "Support Devices",
)
"""CheXpert's labels: 1 told, 0 denied, -1 uncertain, blank not mentioned."""
SPLITS: Final = ("train", "validate", "test")


def image_rows(roster: Roster, studies: Studies, seed: int) -> pl.DataFrame:
    """One row an image: `study` (its place), `view` (its place in `VIEWS`), `dicom_id`, `path` without an ending."""
    count = np.where(studies.portable, 1, 2)
    study = np.repeat(np.arange(count.size), count)
    second = np.append(False, study[1:] == study[:-1])
    view = np.where(studies.portable[study], 0, 1 + second)
    numbers = studies.study_id[study].tolist()
    names = [_dicom_id(seed, number, place) for number, place in zip(numbers, view.tolist(), strict=True)]
    frame = pl.DataFrame({"study": study, "view": view, "dicom_id": pl.Series(names, dtype=pl.String)})
    return frame.with_columns(
        study_id=pl.Series(studies.study_id[study]), subject_id=pl.Series(roster.subject_id[studies.stay[study]])
    ).with_columns(
        path=pl.format(
            "cxr/files/p{}/p{}/s{}/{}",
            pl.col("subject_id").cast(pl.String).str.slice(0, 2),
            "subject_id",
            "study_id",
            "dicom_id",
        )
    )


def _dicom_id(seed: int, study: int, view: int) -> str:
    """Five groups of eight hexadecimal digits, as MIMIC-CXR has."""
    digits = hashlib.sha1(f"{seed} {study} {view}".encode(), usedforsecurity=False).hexdigest()
    return "-".join(digits[start : start + 8] for start in range(0, 40, 8))


def cxr_tables(
    roster: Roster, studies: Studies, images: pl.DataFrame, image_px: int, rng: np.random.Generator
) -> dict[str, pl.DataFrame]:
    """The rows of the three tables, with `stay`."""
    study, view = images["study"].to_numpy(), images["view"].to_numpy()
    stay = studies.stay[study]
    second = 60 * (roster.begun[stay] + studies.minute[study]) + 7 * view + 3
    when = moments(second // 60) + pl.Series(second % 60 * 1_000_000).cast(pl.Duration("us"))
    step = pl.Series(STEPS).gather(np.where(view == 0, 0, 1))
    upright = pl.Series(["Recumbent", "Erect"]).gather(np.where(view == 0, 0, 1))
    metadata = images.with_columns(
        stay=pl.Series(stay),
        PerformedProcedureStepDescription=step,
        ViewPosition=pl.Series(VIEWS).gather(view),
        Rows=pl.lit(image_px),
        Columns=pl.lit(image_px),
        StudyDate=when.dt.to_string("%Y%m%d"),
        StudyTime=when.dt.to_string("%H%M%S.000"),
        ProcedureCodeSequence_CodeMeaning=step,
        ViewCodeSequence_CodeMeaning=pl.Series(VIEW_MEANING).gather(view),
        PatientOrientationCodeSequence_CodeMeaning=upright,
    )
    side = rng.choice(3, roster.stays.size, p=[0.9, 0.04, 0.06])[roster.first_of_patient]
    split = images.with_columns(stay=pl.Series(stay), split=pl.Series(SPLITS).gather(side[stay]))
    return {METADATA: metadata, SPLIT: split, LABELS: _labels(roster, studies, rng)}


def _labels(roster: Roster, studies: Studies, rng: np.random.Generator) -> pl.DataFrame:
    """One row a study, as a labeller of its report would have it."""
    size, grade = studies.stay.size, studies.grade
    unsure = rng.random(size) < 0.15
    blank = np.full(size, np.nan)
    empty = (grade == 0) & ~studies.effusion & ~studies.oedema & ~studies.large_heart
    values = dict.fromkeys(FINDINGS, blank) | {
        "Cardiomegaly": np.where(studies.large_heart, 1.0, np.where(rng.random(size) < 0.4, 0.0, np.nan)),
        "Consolidation": np.where(grade >= 2, 1.0, np.where(grade == 0, 0.0, np.nan)),
        "Edema": np.where(studies.oedema, np.where(unsure, -1.0, 1.0), np.where(rng.random(size) < 0.3, 0.0, np.nan)),
        "Lung Opacity": np.where(grade >= 1, 1.0, np.nan),
        "No Finding": np.where(empty, 1.0, np.nan),
        "Pleural Effusion": np.where(studies.effusion, 1.0, 0.0),
        "Pneumonia": np.where(grade >= 2, np.where(unsure, -1.0, 1.0), np.where(grade == 1, -1.0, np.nan)),
        "Pneumothorax": np.zeros(size),
        "Support Devices": np.where(studies.tube, 1.0, np.nan),
    }
    ids = {"stay": studies.stay, "subject_id": roster.subject_id[studies.stay], "study_id": studies.study_id}
    return pl.DataFrame({**ids, **values}).with_columns(pl.col(FINDINGS).fill_nan(None))


def image_truth(roster: Roster, studies: Studies, images: pl.DataFrame) -> pl.DataFrame:
    """The rows of `truth/images.parquet`: of each image its stay, hour, true severity, and what is planted where."""
    study = images["study"].to_numpy()
    stay, hour = studies.stay[study], studies.minute[study] // 60
    state = roster.stays.state_at(stay, hour)
    zones, sides = pl.Series(["upper", "mid", "lower"]), pl.Series(["right", "left"])
    return images.select("dicom_id", "study_id", view=pl.Series(VIEWS).gather(images["view"])).with_columns(
        stay_id=pl.Series(roster.stay_id[stay]),
        hour=pl.Series(hour).cast(pl.Int32),
        severity=pl.Series(LATTICE[state]),
        opacity=pl.Series(studies.opacity[study]),
        side=sides.gather(studies.left[study].astype(np.int64)),
        zone=zones.gather(studies.zone[study]),
    )
