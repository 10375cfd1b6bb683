"""What a radiologist writes of a chest X-ray: the study's findings, section by section."""

from dataclasses import dataclass
from typing import Final

from wardround.sources.synthetic.mimic.prose import Words, listed, paragraph

ZONES: Final = ("upper", "mid", "lower")
GRADES: Final = ("no", "mild", "moderate", "severe")


@dataclass(frozen=True)
class Report:
    """What a report tells.

    Attributes:
        sex: of the patient, in a word that need not tell it; reason: why the patient came.
        portable, first: whether by a portable machine, and whether nothing is there to compare with.
        grade: of the opacity, a place in `GRADES`; left: which lung; zone: a place in `ZONES`.
        effusion, oedema, large_heart, tube: what else is seen.
    """

    sex: str
    reason: str
    portable: bool
    first: bool
    grade: int
    left: bool
    zone: int
    effusion: bool
    oedema: bool
    large_heart: bool
    tube: bool


def question(report: Report, words: Words) -> str:
    """Why the picture was taken, in short: of a first one nothing can have changed."""
    change = "evaluate the lungs" if report.first else "eval for interval change"
    return words.one(change, "please assess for infiltrate", "acute process?", "r/o pneumonia")


def _where(report: Report) -> str:
    return f"{'left' if report.left else 'right'} {ZONES[report.zone]} lung"


def _opacity(report: Report, words: Words) -> str:
    grade, where = GRADES[report.grade], _where(report)
    if report.grade == 0:
        return words.one(
            "The lungs are clear without focal consolidation.",
            "No focal opacity is seen.",
            "There is no focal consolidation.",
        )
    if report.grade == 1:
        return words.one(
            f"There is {grade} opacity in the {where}, which may reflect atelectasis.",
            f"A {grade} patchy opacity projects over the {where}.",
            f"Faint opacity is noted in the {where}, {grade} in extent.",
        )
    return words.one(
        f"There is a {grade} consolidation in the {where}.",
        f"{grade.capitalize()} opacification of the {where} is seen, concerning for pneumonia.",
        f"The {where} shows a {grade} airspace opacity.",
    )


def findings(report: Report, words: Words) -> str:
    """What is seen."""
    side = "left" if report.left else "right"
    return paragraph(
        (
            words.one("The endotracheal tube terminates ___ cm above the carina.", "ET tube is in standard position.")
            if report.tube
            else "",
            _opacity(report, words),
            words.one(f"There is a small {side} pleural effusion.", f"A {side} pleural effusion is present.")
            if report.effusion
            else words.one("There is no pleural effusion.", "No effusion is seen."),
            words.one("Mild pulmonary edema is present.", "There is pulmonary vascular congestion with edema.")
            if report.oedema
            else words.maybe("There is no pulmonary edema."),
            words.one("The heart is enlarged.", "Moderate cardiomegaly is noted.")
            if report.large_heart
            else words.one("Heart size is normal.", "The cardiomediastinal silhouette is within normal limits."),
            words.one("There is no pneumothorax.", "No pneumothorax."),
        )
    )


def impression(report: Report, words: Words) -> str:
    """What it comes to."""
    seen = [f"{GRADES[report.grade]} {_where(report)} opacity"] if report.grade else []
    seen += [name for name, told in (("pleural effusion", report.effusion), ("edema", report.oedema)) if told]
    if not seen:
        return words.one("No acute cardiopulmonary process.", "No acute intrathoracic abnormality.")
    told = listed(seen)
    ending = words.one("Clinical correlation is recommended.", "Follow up to resolution.", "Attention on follow-up.")
    return paragraph((f"{told[0].upper()}{told[1:]}.", ending if report.grade >= 2 else ""))
