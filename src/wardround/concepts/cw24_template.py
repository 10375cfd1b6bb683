"""The template of the paragraph cw-24: which facts, in which order, with which words and units.

    The patient is a 79-year-old man, Caucasian, married, insurance Medicare. Admission: unit MICU, 3.2 hours after
    admission to hospital, from EMERGENCY ROOM, type URGENT. Severity scores: SOFA 4; SAPS II without chronic diseases
    31; ... Measurements: weight 91.0 kilograms; ... Vital signs, lowest, mean and highest: heart rate 60, 75 and 110
    beats per minute; ... Laboratory values, lowest and highest: creatinine 1.0 and 1.4 milligrams per decilitre; ...
    Lifestyle: tobacco: Never used; alcohol: no.

A change of the template that gives another text to the same facts asks for another `VERSION`: a model that reads one
version has not learned the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

VERSION: Final = "cw24-1"

Missing = Literal["left out", "said"]
Facts = Mapping[str, float | str]


@dataclass(frozen=True)
class Said:
    """How a number is said.

    Attributes:
        words: what it is.
        unit: in words, behind the number; empty for none.
        decimals: how many are said.
    """

    words: str
    unit: str
    decimals: int = 0


SCORES: Final = {
    "sofa": Said("SOFA", ""),
    "sapsii": Said("SAPS II without chronic diseases", ""),
    "oasis": Said("OASIS", ""),
    "lods": Said("LODS", ""),
    "aps": Said("APS III", ""),
}
MEASUREMENTS: Final = {
    "weight": Said("weight", "kilograms", 1),
    "height": Said("height", "centimetres"),
    "urine": Said("urine of the 24 hours", "millilitres"),
}
VITALS: Final = {
    "heart_rate": Said("heart rate", "beats per minute"),
    "systolic_pressure": Said("systolic blood pressure", "millimetres of mercury"),
    "mean_pressure": Said("mean blood pressure", "millimetres of mercury"),
    "respiration": Said("respiratory rate", "breaths per minute"),
    "temperature": Said("temperature", "degrees Celsius", 1),
    "saturation": Said("oxygen saturation", "percent"),
    "coma": Said("Glasgow coma scale", ""),
}
LABS: Final = {
    "sodium": Said("sodium", "millimoles per litre"),
    "potassium": Said("potassium", "millimoles per litre", 1),
    "bicarbonate": Said("bicarbonate", "millimoles per litre"),
    "bun": Said("urea nitrogen", "milligrams per decilitre"),
    "creatinine": Said("creatinine", "milligrams per decilitre", 1),
    "glucose": Said("glucose", "milligrams per decilitre"),
    "bilirubin": Said("bilirubin", "milligrams per decilitre", 1),
    "albumin": Said("albumin", "grams per decilitre", 1),
    "lactate": Said("lactate", "millimoles per litre", 1),
    "wbc": Said("white blood cells", "thousand per microlitre", 1),
    "haemoglobin": Said("haemoglobin", "grams per decilitre", 1),
    "platelets": Said("platelets", "thousand per microlitre"),
    "inr": Said("INR of the prothrombin time", "", 1),
    "ph": Said("pH", "", 2),
    "pao2": Said("arterial oxygen pressure", "millimetres of mercury"),
    "paco2": Said("arterial carbon dioxide pressure", "millimetres of mercury"),
}
LIFESTYLE: Final = {"tobacco": "tobacco", "alcohol": "alcohol", "drugs": "recreational drugs"}
_SEX: Final = {"Male": "man", "Female": "woman"}
_NOT_RECORDED: Final = "not recorded"


def paragraph(facts: Facts, missing: Missing) -> str:
    """The paragraph of a stay.

    Args:
        facts: name -> number or words: those of the tables above, `_low`, `_mean` and `_high` behind the name of a
            vital, `_low` and `_high` behind that of a laboratory value; and `age, sex, ethnicity, marital_status,
            insurance, unit, before_h, location, kind`.
        missing: whether a fact that is missing is left out, or said to be.
    """
    said = missing == "said"
    sentences = [
        _person(facts, said),
        _admission(facts, said),
        _list("Severity scores", [_number(facts, name, of, said) for name, of in SCORES.items()]),
        _list("Measurements", [_number(facts, name, of, said) for name, of in MEASUREMENTS.items()]),
        _list(
            "Vital signs, lowest, mean and highest",
            [_span(facts, name, of, ("low", "mean", "high"), said) for name, of in VITALS.items()],
        ),
        _list(
            "Laboratory values, lowest and highest",
            [_span(facts, name, of, ("low", "high"), said) for name, of in LABS.items()],
        ),
        _list("Lifestyle", [_words(facts, name, words, said) for name, words in LIFESTYLE.items()]),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _person(facts: Facts, said: bool) -> str:
    who = _SEX.get(str(facts.get("sex")), "person")
    if "age" in facts:
        who = f"{facts['age']:.0f}-year-old {who}"
    elif said:
        who = f"{who} of unknown age"
    told = [
        f"sex {_NOT_RECORDED}" if said and facts.get("sex") not in _SEX else "",
        _plain(facts, "ethnicity", "", "ethnicity", said),
        _plain(facts, "marital_status", "", "marital status", said),
        _plain(facts, "insurance", "insurance ", "insurance", said),
    ]
    known = [part for part in told if part]
    if not known and "age" not in facts and "sex" not in facts and not said:
        return ""
    return f"The patient is a {', '.join([who, *known])}."


def _admission(facts: Facts, said: bool) -> str:
    told = [
        _plain(facts, "unit", "unit ", "unit", said),
        _before(facts, said),
        _plain(facts, "location", "from ", "place before", said),
        _plain(facts, "kind", "type ", "type of admission", said),
    ]
    return _list("Admission", told, ", ")


def _before(facts: Facts, said: bool) -> str:
    if "before_h" in facts:
        return f"{facts['before_h']:.1f} hours after admission to hospital"
    return f"hours since admission to hospital {_NOT_RECORDED}" if said else ""


def _plain(facts: Facts, name: str, before: str, words: str, said: bool) -> str:
    if name in facts:
        return f"{before}{facts[name]}"
    return f"{words} {_NOT_RECORDED}" if said else ""


def _words(facts: Facts, name: str, words: str, said: bool) -> str:
    return _plain(facts, name, f"{words}: ", words, said)


def _number(facts: Facts, name: str, of: Said, said: bool) -> str:
    if name in facts:
        return f"{of.words} {facts[name]:.{of.decimals}f}{_behind(of)}"
    return f"{of.words} {_NOT_RECORDED}" if said else ""


def _span(facts: Facts, name: str, of: Said, ends: Sequence[str], said: bool) -> str:
    """Lowest, mean and highest; one number where they are said alike."""
    found = [f"{facts[f'{name}_{end}']:.{of.decimals}f}" for end in ends if f"{name}_{end}" in facts]
    if not found:
        return f"{of.words} {_NOT_RECORDED}" if said else ""
    numbers = found[0] if len(set(found)) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
    return f"{of.words} {numbers}{_behind(of)}"


def _behind(of: Said) -> str:
    return f" {of.unit}" if of.unit else ""


def _list(title: str, told: Sequence[str], between: str = "; ") -> str:
    known = [part for part in told if part]
    return f"{title}: {between.join(known)}." if known else ""
