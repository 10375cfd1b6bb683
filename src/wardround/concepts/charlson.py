"""The Charlson comorbidity index of a stay, 0 to 33, and the 17 comorbidities that it is made of: a row each.

    charlson              the index, with points of age
    charlson_age          0 below 50 years, 1 from 50, 2 from 60, 3 from 70, 4 from 80 on
    charlson_dementia     1 of a stay that was billed with it, else 0; so the other `COMORBIDITIES`

A comorbidity has the points of `POINTS`; of a mild and a severe form of one disease the severe one alone counts. There
is no index of a stay whose age nobody knows.

All of it is known at discharge from hospital, when diagnoses are billed, and `time_h` is then: a severity of the next
stay or for adjustment, never an input of this one. A stay whose discharge is unknown has rows only if it was coded;
one with a discharge and no codes has zeros.

Source: Charlson et al., J Chronic Dis 40:373-383 (1987), with the points of age of Charlson et al., J Clin Epidemiol
47:1245-1251 (1994), by the codes of Quan et al., Med Care 43:1130-1139 (2005), as `charlson` of the MIMIC Code
Repository (mimic-iv/concepts/comorbidity) has it. Older versions of it begin each decade of age a year late, at 51, 61,
71 and 81 (`late_decades=True`), and in them a slip ("E10l") loses E10.1, type 1 diabetes with ketoacidosis, which
counts here as Quan has it.
"""

from typing import Final

import polars as pl

from wardround.concepts import diagnosis_codes
from wardround.concepts.diagnosis_codes import billed_diagnoses
from wardround.concepts.rows import hours_since, long_rows

CODES: Final = ()
FAMILIES: Final = diagnosis_codes.FAMILIES
NEEDS: Final = diagnosis_codes.NEEDS

COMORBIDITIES: Final[dict[str, dict[int, str]]] = {
    "myocardial_infarct": {9: "410 412", 10: "I21 I22 I252"},
    "congestive_heart_failure": {
        9: "39891 40201 40211 40291 40401 40403 40411 40413 40491 40493 4254-4259 428",
        10: "I099 I110 I130 I132 I255 I420 I425-I429 I43 I50 P290",
    },
    "peripheral_vascular_disease": {
        9: "0930 4373 440 441 4431-4439 4471 5571 5579 V434",
        10: "I70 I71 I731 I738 I739 I771 I790 I792 K551 K558 K559 Z958 Z959",
    },
    "cerebrovascular_disease": {9: "36234 430-438", 10: "G45 G46 H340 I60-I69"},
    "dementia": {9: "290 2941 3312", 10: "F00-F03 F051 G30 G311"},
    "chronic_pulmonary_disease": {
        9: "4168 4169 490-505 5064 5081 5088",
        10: "I278 I279 J40-J47 J60-J67 J684 J701 J703",
    },
    "rheumatic_disease": {
        9: "4465 7100-7104 7140-7142 7148 725",
        10: "M05 M06 M315 M32-M34 M351 M353 M360",
    },
    "peptic_ulcer_disease": {9: "531-534", 10: "K25-K28"},
    "mild_liver_disease": {
        9: "07022 07023 07032 07033 07044 07054 0706 0709 570 571 5733 5734 5738 5739 V427",
        10: "B18 K700-K703 K709 K713-K715 K717 K73 K74 K760 K762-K764 K768 K769 Z944",
    },
    "diabetes_without_cc": {
        9: "2500-2503 2508 2509",
        10: "E100 E101 E106 E108 E109 E110 E111 E116 E118 E119 E120 E121 E126 E128 E129 "
        "E130 E131 E136 E138 E139 E140 E141 E146 E148 E149",
    },
    "diabetes_with_cc": {
        9: "2504-2507",
        10: "E102-E105 E107 E112-E115 E117 E122-E125 E127 E132-E135 E137 E142-E145 E147",
    },
    "paraplegia": {
        9: "3341 342 343 3440-3446 3449",
        10: "G041 G114 G801 G802 G81 G82 G830-G834 G839",
    },
    "renal_disease": {
        9: "40301 40311 40391 40402 40403 40412 40413 40492 40493 582 5830-5837 585 586 5880 V420 V451 V56",
        10: "I120 I131 N032-N037 N052-N057 N18 N19 N250 Z490-Z492 Z940 Z992",
    },
    "malignant_cancer": {
        9: "140-172 174-194 1950-1958 200-208 2386",
        10: "C00-C26 C30-C34 C37-C41 C43 C45-C58 C4A C60-C76 C81-C85 C88 C90-C97",
    },
    "severe_liver_disease": {
        9: "4560-4562 5722-5728",
        10: "I850 I859 I864 I982 K704 K711 K721 K729 K765-K767",
    },
    "metastatic_solid_tumor": {9: "196-199", 10: "C77-C80"},
    "aids": {9: "042-044", 10: "B20-B22 B24"},
}
"""Comorbidity -> version of the ICD -> beginnings of codes, a dash between the first and the last of a row of them."""

POINTS: Final = {
    **dict.fromkeys(COMORBIDITIES, 1),
    **dict.fromkeys(("diabetes_with_cc", "paraplegia", "renal_disease", "malignant_cancer"), 2),
    **{"severe_liver_disease": 3, "metastatic_solid_tumor": 6, "aids": 6},
}
_MILD_OF: Final = {
    "severe_liver_disease": "mild_liver_disease",
    "diabetes_with_cc": "diabetes_without_cc",
    "metastatic_solid_tumor": "malignant_cancer",
}
_DECADES: Final = (50, 60, 70, 80)


def charlson(events: pl.DataFrame, stays: pl.DataFrame, late_decades: bool = False) -> pl.DataFrame:
    """The index of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `stay_id, start, hospital_end, age`.
        late_decades: whether a decade of age has its point from the year after its first, as older versions of the
            repository have it.

    Returns:
        Rows with the `ROW_COLUMNS`; `time_h` is discharge from hospital.
    """
    reached = pl.Expr.gt if late_decades else pl.Expr.ge
    coded = billed_diagnoses(events)
    had = coded.group_by("stay_id").agg(
        pl.col("available_time").max().alias("coded"), *(_any(codes).alias(name) for name, codes in _ALL.items())
    )
    whole = stays.drop_nulls("start").join(had, on="stay_id", how="left")
    whole = whole.with_columns(available_time=pl.max_horizontal("hospital_end", "coded")).drop_nulls("available_time")
    whole = whole.with_columns(
        pl.col(list(_ALL)).fill_null(False).cast(pl.Int64),
        time_h=hours_since("available_time"),
        charlson_age=pl.sum_horizontal(reached(pl.col("age"), edge) for edge in _DECADES),
    )
    whole = whole.with_columns(charlson_age=pl.when(pl.col("age").is_not_null()).then("charlson_age"))
    return long_rows(whole.with_columns(charlson=_index()), ["charlson", "charlson_age", *_ALL])


def _index() -> pl.Expr:
    """The points of a stay; null where those of age are."""
    points = {name: pl.col(f"charlson_{name}") * each for name, each in POINTS.items()}
    for severe, mild in _MILD_OF.items():
        points[severe] = pl.max_horizontal(points[severe], points.pop(mild))
    return pl.sum_horizontal("charlson_age", *points.values(), ignore_nulls=False)


def _any(codes: dict[int, str]) -> pl.Expr:
    """Whether any diagnosis begins as some codes do."""
    matches = [
        (pl.col("version") == version) & pl.col("icd").str.contains(_pattern(codes[version])) for version in codes
    ]
    return pl.any_horizontal(matches).any()


def _pattern(words: str) -> str:
    """A regular expression of beginnings: "I21 I425-I427" -> "^(?:I21|I425|I426|I427)"."""
    return f"^(?:{'|'.join(each for word in words.split() for each in _expanded(word))})"


def _expanded(word: str) -> list[str]:
    """The beginnings from one to another, of which only the digits differ: "I425-I427" -> I425, I426, I427."""
    if "-" not in word:
        return [word]
    letter = word[0] if word[0].isalpha() else ""
    first, last = (each.removeprefix(letter) for each in word.split("-"))
    return [f"{letter}{number:0{len(first)}}" for number in range(int(first), int(last) + 1)]


_ALL: Final = {f"charlson_{name}": codes for name, codes in COMORBIDITIES.items()}
