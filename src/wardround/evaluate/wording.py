"""The words of a report: what a task, a metric and a number are called for a reader who is no statistician."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

TASK_TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mortality": "Death in hospital",
        "mortality_icu": "Death in the unit",
        "mortality_30d": "Death in hospital within 30 days",
        "los_remaining": "Remaining hospital stay",
        "los": "Length of hospital stay",
        "los_icu": "Length of unit stay",
        "phenotyping": "Acute care conditions",
        "next_visit_phenotyping": "Acute care conditions of the next hospital stay",
    }
)


SCORE_TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "apache_iva": "APACHE IVa",
        "apache_iv": "APACHE IV, computed",
        "sapsii": "SAPS II",
        "oasis": "OASIS",
        "sofa": "SOFA",
    }
)
"""A score of the method `score` -> as the field writes it."""


def method_words(method: str, settings: Mapping[str, Any]) -> str:
    """A method as a title names it: of the method `score`, which score it is.

    Args:
        method: its name.
        settings: `settings.json` of its run; a score that says none is the one that the database stores.
    """
    if method != "score":
        return method
    own: Any = settings.get("settings")
    return SCORE_TITLES["apache_iva" if own is None else own["of"]]


class OutcomeWords(NamedTuple):
    """How the two outcomes of a yes/no task are called: one stay with the event, one without, several with."""

    event: str
    no_event: str
    events: str


OUTCOMES: Final[Mapping[str, OutcomeWords]] = MappingProxyType(
    {
        "mortality": OutcomeWords("died in hospital", "left hospital alive", "deaths"),
        "mortality_icu": OutcomeWords("died in the unit", "left the unit alive", "deaths"),
        "mortality_30d": OutcomeWords("died in hospital within 30 days", "did not", "deaths"),
    }
)
ANY_OUTCOME: Final = OutcomeWords("had the event", "did not have the event", "events")


class MetricWords(NamedTuple):
    """A metric's name, what it says, and what would be ideal."""

    name: str
    says: str
    ideal: str


METRICS: Final[Mapping[str, MetricWords]] = MappingProxyType(
    {
        "auroc": MetricWords(
            "AUROC", "a stay with the event gets the higher risk of a random pair; 0.5 is a coin", "1"
        ),
        "auprc": MetricWords("AUPRC", "average precision over all thresholds; prevalence is a coin", "1"),
        "brier": MetricWords("Brier score", "mean squared distance of risk and outcome", "0"),
        "bss": MetricWords(
            "Brier skill", "gain over always saying the prevalence of these stays; below 0 is worse than that", "1"
        ),
        "bss_train": MetricWords("Brier skill, training", "the same against the prevalence of the training stays", "1"),
        "ace": MetricWords(
            "Calibration error",
            "mean gap of predicted and observed risk over 15 groups of equal size (ACE); chance alone widens it where "
            "stays are few, its interval most: take the upper end as a bound",
            "0",
        ),
        "calibration_slope": MetricWords(
            "Calibration slope", "below 1 the risks are too extreme, above 1 too timid", "1"
        ),
        "calibration_intercept": MetricWords(
            "Calibration intercept", "below 0 the risks are too high, above 0 too low", "0"
        ),
        "sensitivity": MetricWords("Sensitivity", "share of those with the event who were flagged", "1"),
        "specificity": MetricWords("Specificity", "share of those without the event who were not flagged", "1"),
        "ppv": MetricWords("PPV", "share of flagged stays that had the event", "1"),
        "f1": MetricWords("F1", "harmonic mean of sensitivity and PPV", "1"),
        "accuracy": MetricWords("Accuracy", "share of stays flagged rightly or left alone rightly", "1"),
        "event1": MetricWords("Event 1", "the lower of sensitivity and PPV (PhysioNet Challenge 2012)", "1"),
        "mae_h": MetricWords("Mean absolute error, h", "hours by which a prediction is off, on average", "0"),
        "mse_h2": MetricWords("Mean squared error, h²", "the same, with large errors counting far more", "0"),
        "r2": MetricWords(
            "R²", "share of the spread that is explained; below 0 is worse than always saying the mean", "1"
        ),
        "pearson": MetricWords("Pearson's r", "linear agreement of predicted and actual hours", "1"),
        "spearman": MetricWords("Spearman's ρ", "agreement in order: does a longer prediction mean a longer stay", "1"),
    }
)


def outcome_words(task: str) -> OutcomeWords:
    """The words of a yes/no task; general ones for a task of another package. Raises nothing."""
    return OUTCOMES.get(task, ANY_OUTCOME)


def metric_words(name: str) -> MetricWords:
    """The words of a metric; its bare name where it is not one of ours. Raises nothing."""
    return METRICS.get(name, MetricWords(name, "", ""))


def in_order(metrics: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Metrics in the order of `METRICS`, others last: a JSON file has them by the alphabet."""
    order = list(METRICS)
    return sorted(metrics.items(), key=lambda item: order.index(item[0]) if item[0] in METRICS else len(order))


def number(value: float | None, decimals: int = 3) -> str:
    """A number for reading: `decimals` below 10, one below 1,000, then none; a dash where undefined."""
    if value is None:
        return "–"
    text = f"{value:.{decimals}f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 1000 else f"{value:,.0f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text.replace("-", "−")


def sentence(text: str) -> str:
    """The text with a capital first letter and the others as they are."""
    return text[:1].upper() + text[1:]


def interval(entry: Mapping[str, Any], decimals: int = 3) -> str:
    """`0.79 to 0.83`; a dash where the interval is undefined."""
    if entry.get("low") is None or entry.get("high") is None:
        return "–"
    return f"{number(entry['low'], decimals)} to {number(entry['high'], decimals)}"


def hour_words(at_h: float | None, next_visit: bool = False) -> str:
    """When the prediction is made."""
    if next_visit:
        return "at discharge from hospital"
    return "at the end of the stay" if at_h is None else f"{at_h:g} h after unit admission"


SHORT_LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "acute_and_unspecified_renal_failure": "acute renal failure",
        "acute_cerebrovascular_disease": "cerebrovascular disease",
        "acute_myocardial_infarction": "myocardial infarction",
        "chronic_obstructive_pulmonary_disease_and_bronchiectasis": "COPD, bronchiectasis",
        "complications_of_surgical_procedures_or_medical_care": "complications of care",
        "congestive_heart_failure_nonhypertensive": "congestive heart failure",
        "coronary_atherosclerosis_and_other_heart_disease": "coronary disease",
        "diabetes_mellitus_with_complications": "diabetes, complicated",
        "diabetes_mellitus_without_complication": "diabetes, uncomplicated",
        "disorders_of_lipid_metabolism": "lipid disorders",
        "fluid_and_electrolyte_disorders": "fluid, electrolytes",
        "gastrointestinal_hemorrhage": "GI hemorrhage",
        "hypertension_with_complications_and_secondary_hypertension": "hypertension, other",
        "other_lower_respiratory_disease": "other lower respiratory",
        "other_upper_respiratory_disease": "other upper respiratory",
        "pleurisy_pneumothorax_pulmonary_collapse": "pleura, collapsed lung",
        "pneumonia_except_that_caused_by_tuberculosis_or_sexually_transmitted_disease": "pneumonia",
        "respiratory_failure_insufficiency_arrest_adult": "respiratory failure",
        "septicemia_except_in_labor": "septicemia",
    }
)
"""Names that a chart has room for, of those of the 25 conditions that are longer."""


def label_words(label: str) -> str:
    """What a label is called for a reader. Raises nothing."""
    return sentence(SHORT_LABELS.get(label, label.replace("_", " ")))
