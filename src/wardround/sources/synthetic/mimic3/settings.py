"""What a synthetic MIMIC-III is asked to be."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from wardround.sources.synthetic.mimic.lacking import missing_rates
from wardround.sources.synthetic.settings import RATE, Mechanism, check_settings

MODALITIES: Final = ("time_series", "discharge_note", "radiology_note", "demographics")
"""Those of arXiv 2604.18753 that MIMIC-III has: it has no pictures."""


@dataclass(frozen=True)
class SyntheticMimic3Settings:
    """What the synthetic MIMIC-III is like. By default most stays have one or two of the paper's modalities, nobody
    lacks demographics, and patients have two hospital stays on average, so that the next one can be asked for.

    Attributes:
        mechanism: why a modality of a stay is missing: completely at random, by the latent severity at unit
            admission, or by the outcome.
        missing_time_series: share of stays without charted values and laboratory results, 0 to below 1.
        missing_discharge_note: share of stays without a discharge summary; the stays of one hospital stay have one.
        missing_radiology_note: share of stays without reports of radiology.
        missing_demographics: share of stays whose patient has no sex, date of birth, ethnicity, insurance, language,
            religion, marital status and way of admission written down; without an age no cohort takes a stay.
            Their notes tell neither sex nor age.
        missing_others: share of stays without infusions; likewise without fluids out, procedures, prescriptions,
            cultures. The database has no procedures at the bedside from CareVue (until 2007), with more than half of
            the stays, as the real one has none: these stays lack them at any share.
        missing_strength: log odds of being missing per standard deviation of severity, or for death against survival.
        mortality: expected in-hospital deaths per hospital stay that happens; none follows a death.
        visits: hospital stays that a patient would have on average if none ended in death, 1 to 5; 8 at most.
        odd_rows: whether to plant faulty rows (`odd_kinds.py`).

    Raises:
        UsageError: where a value is outside its range.
    """

    mechanism: Mechanism = "severity"
    missing_time_series: float = 0.55
    missing_discharge_note: float = 0.75
    missing_radiology_note: float = 0.75
    missing_demographics: float = 0.0
    missing_others: float = 0.0
    missing_strength: float = 1.0
    mortality: float = 0.10
    visits: float = 2.0
    odd_rows: bool = False

    def __post_init__(self) -> None:
        rates = {f"missing_{name}": RATE for name in (*MODALITIES, "others")}
        check_settings(self, {**rates, "visits": (1.0, 5.0)})

    @property
    def missing_rates(self) -> dict[str, float]:
        """Modality -> share of stays that lack it."""
        return missing_rates(self, MODALITIES)

    def as_json(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return asdict(self)
