"""What a discharge summary says: who came with what, how it went, how it ended.

It is written after the end and tells it. What names a patient, a place or a date is blanked.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from wardround.sources.synthetic.mimic.prose import Words, listed, paragraph

COURSES: Final = ("uncomplicated", "mildly complicated", "complicated", "critical")
"""How ill the patient was at worst, as told."""


class Story(NamedTuple):
    """A cause of admission in words: the service, the complaint, what happened, the diagnosis."""

    service: str
    complaint: str
    happened: str
    diagnosis: str


STORIES: Final = {
    "pulmonary sepsis": Story(
        "MEDICINE", "Fever, shortness of breath", "fever, cough and hypotension", "Sepsis due to pneumonia"
    ),
    "urinary sepsis": Story(
        "MEDICINE", "Fever, dysuria", "fever and hypotension with a positive urinalysis", "Urosepsis"
    ),
    "pneumonia": Story("MEDICINE", "Cough, dyspnea", "productive cough and hypoxia", "Pneumonia"),
    "heart failure": Story(
        "CARDIOLOGY", "Dyspnea", "orthopnea, weight gain and leg swelling", "Acute decompensated heart failure"
    ),
    "atrial arrhythmia": Story(
        "CARDIOLOGY",
        "Palpitations",
        "palpitations and a rapid irregular pulse",
        "Atrial fibrillation with rapid ventricular response",
    ),
    "myocardial infarction": Story(
        "CARDIOLOGY",
        "Chest pain",
        "substernal chest pain with elevated troponin",
        "Non-ST elevation myocardial infarction",
    ),
    "cardiac arrest": Story(
        "CARDIOLOGY", "Cardiac arrest", "a witnessed cardiac arrest with return of circulation", "Cardiac arrest"
    ),
    "ketoacidosis": Story(
        "MEDICINE", "Nausea, vomiting", "vomiting and hyperglycemia with an anion gap", "Diabetic ketoacidosis"
    ),
    "copd": Story("MEDICINE", "Dyspnea", "wheezing and increased work of breathing", "COPD exacerbation"),
    "stroke": Story("NEUROLOGY", "Right sided weakness", "sudden weakness and slurred speech", "Ischemic stroke"),
    "intracranial haemorrhage": Story(
        "NEUROSURGERY", "Headache, confusion", "sudden headache and declining mental status", "Intracranial hemorrhage"
    ),
    "upper gi bleed": Story("MEDICINE", "Hematemesis", "hematemesis and melena", "Upper gastrointestinal bleed"),
    "overdose": Story("MEDICINE", "Found unresponsive", "altered mental status after an ingestion", "Drug overdose"),
    "alcohol withdrawal": Story(
        "MEDICINE", "Tremor", "tremor and agitation after the last drink", "Alcohol withdrawal"
    ),
    "acute renal failure": Story(
        "MEDICINE", "Decreased urine output", "oliguria and a rising creatinine", "Acute kidney injury"
    ),
    "bypass surgery": Story(
        "CARDIAC SURGERY",
        "Chest pain on exertion",
        "three vessel coronary disease on catheterization",
        "Coronary artery disease, status post bypass grafting",
    ),
}
"""By the names of `population.CAUSES`."""
HISTORY: Final = {
    "renal insufficiency": "chronic kidney disease",
    "dialysis": "end stage renal disease on hemodialysis",
    "immunosuppression": "chronic immunosuppression",
    "copd": "COPD",
}
"""Comorbidities that are called otherwise in notes."""
CONDITIONS: Final = (
    "Mental Status: Clear and coherent.\n"
    "Level of Consciousness: Alert and interactive.\n"
    "Activity Status: Ambulatory - Independent.",
    "Mental Status: Confused - sometimes.\n"
    "Level of Consciousness: Alert and interactive.\n"
    "Activity Status: Out of Bed with assistance to chair or wheelchair.",
)
TO_HOME: Final = ("HOME", "HOME HEALTH CARE")


@dataclass(frozen=True)
class Summary:
    """What a discharge summary tells.

    Attributes:
        sex: M or F, empty where it is not told; cause: of admission.
        history: comorbidities.
        course: a place in `COURSES`; days: in the unit, by whole days.
        tube, pressors: whether the patient was ventilated, and given pressors.
        died: the outcome; goes_to: `discharge_location`.
    """

    sex: str
    cause: str
    history: tuple[str, ...]
    course: int
    days: int
    tube: bool
    pressors: bool
    died: bool
    goes_to: str


def summary_text(summary: Summary, head: str, words: Words) -> str:
    """The text of a discharge summary.

    Args:
        summary: what it tells.
        head: who and when, in lines above the service.
        words: chooses the sentences.
    """
    story = STORIES[summary.cause]
    person = {"M": "man", "F": "woman", "": "patient"}[summary.sex]
    told = [HISTORY.get(name, name) for name in summary.history]
    past = listed(told) if told else words.one("no significant history", "nothing of note")
    sections = {
        "Service": story.service,
        "Allergies": words.one(
            "No Known Allergies / Adverse Drug Reactions", "Penicillins", "Sulfa (Sulfonamide Antibiotics)"
        ),
        "Attending": "___.",
        "Chief Complaint": story.complaint,
        "Major Surgical or Invasive Procedure": _procedures(summary),
        "History of Present Illness": f"___ year old {person} with {past} who "
        + words.one(
            f"presents with {story.happened}.", f"was brought in with {story.happened}.", f"developed {story.happened}."
        ),
        "Past Medical History": "\n".join(f"- {name}" for name in told) or "None",
        "Social History": "___",
        "Family History": words.one("Non-contributory.", "Mother with hypertension.", "Unknown."),
        "Physical Exam": _exam(summary, words),
        "Brief Hospital Course": _course(summary, story, words),
        "Discharge Disposition": _disposition(summary),
        "Discharge Diagnosis": "\n".join([story.diagnosis, *(["Acute respiratory failure"] if summary.tube else [])]),
        "Discharge Condition": "Expired" if summary.died else CONDITIONS[summary.goes_to not in TO_HOME],
        "Discharge Instructions": _instructions(summary, words),
        "Followup Instructions": "___",
    }
    return head + "\n" + "\n\n".join(f"{name}:\n{text}" for name, text in sections.items()) + "\n"


def _procedures(summary: Summary) -> str:
    done = ["Coronary artery bypass grafting"] if summary.cause == "bypass surgery" else []
    done += ["Intubation and mechanical ventilation"] if summary.tube else []
    done += ["Central venous catheter placement"] if summary.pressors else []
    return "\n".join(done) or "None"


def _exam(summary: Summary, words: Words) -> str:
    if summary.course >= 2:
        return words.one(
            "Ill appearing, tachycardic, lungs with coarse breath sounds, extremities cool.",
            "Critically ill, sedated, breath sounds diminished at the bases.",
            "Toxic appearing, tachypneic, mottled extremities.",
        )
    return words.one(
        "Comfortable, regular rate and rhythm, lungs clear, abdomen soft.",
        "Well appearing, no acute distress, lungs clear bilaterally.",
        "Alert and oriented, warm and well perfused.",
    )


def _course(summary: Summary, story: Story, words: Words) -> str:
    some = f"{summary.days} day{'s' if summary.days != 1 else ''}"
    days = some if summary.days else "less than a day"
    grade = COURSES[summary.course]
    return paragraph(
        (
            words.one(
                f"The patient was admitted to the ICU for {story.diagnosis} and stayed there for {days}.",
                f"The patient was in the ICU for {days} with {story.diagnosis}.",
            ),
            words.one(f"The course was {grade}.", f"The hospital course was {grade}.", f"The stay was {grade}."),
            words.one("Respiratory failure required intubation.", "The patient was intubated for hypoxia.")
            if summary.tube
            else words.maybe("The patient remained on nasal cannula."),
            words.one("Shock was treated with pressors.", "Norepinephrine was needed for hypotension.")
            if summary.pressors
            else words.maybe("The patient was hemodynamically stable."),
            words.maybe("Home medications were held on admission.", "Nutrition was consulted.", "Diet was advanced."),
            _end(summary, words),
        )
    )


def _end(summary: Summary, words: Words) -> str:
    if summary.died:
        return words.one(
            "Despite maximal therapy the patient expired on ___.",
            "After a discussion with the family care was withdrawn and the patient passed away on ___.",
            "The patient was pronounced dead on ___ with family at the bedside.",
        )
    return words.one(
        "The patient improved and was discharged in stable condition.",
        "The patient recovered and was ready for discharge.",
        "At discharge the patient was feeling well and hemodynamically stable.",
    )


def _disposition(summary: Summary) -> str:
    if summary.died:
        return "Expired"
    ways = {"HOME": "Home", "HOME HEALTH CARE": "Home With Service\n\nFacility:\n___"}
    return ways.get(summary.goes_to, "Extended Care\n\nFacility:\n___")


def _instructions(summary: Summary, words: Words) -> str:
    if summary.died:
        return "N/A"
    return words.one(
        "Dear Mr./Ms. ___,\nIt was a pleasure to take care of you at ___. Please take all medications as prescribed.",
        "Dear ___,\nYou were admitted to ___. Please follow up with your doctor within a week.",
    )
