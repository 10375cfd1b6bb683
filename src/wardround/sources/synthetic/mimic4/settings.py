"""What a synthetic MIMIC-IV is asked to be."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from wardround.errors import UsageError
from wardround.sources.synthetic.mimic.lacking import missing_rates
from wardround.sources.synthetic.settings import RATE, Mechanism, check_settings

ImageFormat = Literal["none", "jpg", "dicom", "both"]

MODALITIES: Final = ("time_series", "cxr", "discharge_note", "radiology_note", "demographics")
"""The five modalities of arXiv 2604.18753."""


@dataclass(frozen=True)
class SyntheticMimic4Settings:
    """What the synthetic MIMIC-IV is like. By default most stays have one or two of the five modalities, and as in the
    published database nobody lacks demographics.

    Attributes:
        mechanism: why a modality of a stay is missing: completely at random, by the latent severity at unit
            admission, or by the outcome.
        missing_time_series: share of stays without charted values and laboratory results, 0 to below 1.
        missing_cxr: share of stays without chest X-rays.
        missing_discharge_note: share of stays without a discharge note; the stays of one hospital stay have one note.
        missing_radiology_note: share of stays without reports of their chest X-rays.
        missing_demographics: share of stays whose patient has no sex, age, race, insurance, language, marital status
            and way of admission written down; without an age no cohort takes a stay. Their notes do not tell the
            sex either.
        missing_others: share of stays without infusions; likewise without fluids out, procedures, prescriptions,
            cultures.
        missing_strength: log odds of being missing per standard deviation of severity, or for death against survival.
        mortality: expected in-hospital deaths per hospital stay.
        images: whether chest X-rays are written, and how: as JPEG, as DICOM, both, or `none`. They need the extra
            `images`.
        image_px: height and width of an image, in pixels.
        odd_rows: whether to plant faulty rows (`odd_kinds.py`).

    Raises:
        UsageError: where a value is outside its range.
    """

    mechanism: Mechanism = "severity"
    missing_time_series: float = 0.55
    missing_cxr: float = 0.85
    missing_discharge_note: float = 0.75
    missing_radiology_note: float = 0.75
    missing_demographics: float = 0.0
    missing_others: float = 0.0
    missing_strength: float = 1.0
    mortality: float = 0.10
    images: ImageFormat = "jpg"
    image_px: int = 64
    odd_rows: bool = False

    def __post_init__(self) -> None:
        rates = {f"missing_{name}": RATE for name in (*MODALITIES, "others")}
        check_settings(self, {**rates, "image_px": (32, 1024)})
        if self.images not in get_args(ImageFormat):
            raise UsageError(f"images is one of {', '.join(get_args(ImageFormat))}, got {self.images!r}")

    @property
    def missing_rates(self) -> dict[str, float]:
        """Modality -> share of stays that lack it."""
        return missing_rates(self, MODALITIES)

    def as_json(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return asdict(self)
