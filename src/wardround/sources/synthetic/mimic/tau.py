"""How far each modality is wrong about the severity of a stay, for as long as the stay lasts."""

from typing import Final

TAU: Final[dict[str, float]] = {
    "vitals": 0.7,
    "lab": 0.6,
    "infusion": 0.7,
    "intake_output": 0.9,
    "treatment": 0.9,
    "medication": 1.1,
    "microbiology": 1.0,
    "billing": 0.9,
    "cxr": 0.8,
    "discharge_note": 0.8,
}
"""Standard deviation of each lasting error, in units of severity (`stays.py`); `cxr` is of pictures and reports."""
