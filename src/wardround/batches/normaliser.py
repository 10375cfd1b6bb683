"""Numbers to the model's scale: sign(x) log(1 + |x|), then z-scores. Fitted on training stays alone.

Source: arXiv 2604.18753, appendix B.1 (sign-preserved log) and A.1.2 (z-score on the training split).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float, Float32

from wardround import files
from wardround.batches.content import ModalityContent
from wardround.errors import RunError

MIN_SPREAD: Final = 1e-3
CLIP: Final = 10.0
"""Standard deviations; a value further out says no more than "extreme"."""


@dataclass(frozen=True)
class RowLayout:
    """How a row begins: each summary of the numbers, then which numbers were observed; codes follow.

    Attributes:
        summaries: of each number.
        numbers: of the modality.
    """

    summaries: int
    numbers: int

    @property
    def values(self) -> int:
        """Columns of z-scores."""
        return self.summaries * self.numbers


def sign_log(values: np.ndarray) -> np.ndarray:
    """sign(x) log(1 + |x|); NaN stays NaN."""
    return np.sign(values) * np.log1p(np.abs(values))


@dataclass(frozen=True)
class Normaliser:
    """Mean and spread of each modality's summaries after the sign-log: modality -> "summary number"."""

    mean: dict[str, Float[np.ndarray, "summary number"]]
    spread: dict[str, Float[np.ndarray, "summary number"]]

    @classmethod
    def fit(cls, last: dict[str, Float[np.ndarray, "summary stay number"]]) -> "Normaliser":
        """Fit on the last state of each training stay; a number that never varies keeps spread 1."""
        mean: dict[str, np.ndarray] = {}
        spread: dict[str, np.ndarray] = {}
        for name, summaries in last.items():
            values = sign_log(summaries)
            seen = ~np.isnan(values)
            count = np.maximum(seen.sum(axis=1), 1)
            centre = np.where(seen, values, 0).sum(axis=1) / count
            deviation = np.where(seen, values - centre[:, None, :], 0)
            width = np.sqrt((deviation**2).sum(axis=1) / count)
            mean[name], spread[name] = centre, np.where(width < MIN_SPREAD, 1.0, width)
        return cls(mean, spread)

    def rows(self, modality: str, content: ModalityContent) -> Float32[np.ndarray, "event feature"]:
        """Model input: each summary's z-scores (0 where unobserved), the observed mask of the numbers, the codes
        seen."""
        scaled = (sign_log(content.summaries) - self.mean[modality][:, None, :]) / self.spread[modality][:, None, :]
        observed = ~np.isnan(content.summaries[0])
        scaled = np.where(observed, np.clip(scaled, -CLIP, CLIP), 0.0)
        parts = [*scaled, observed.astype(np.float64), content.presence.astype(np.float64)]
        return np.concatenate(parts, axis=1).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write `normaliser.parquet`. Raises `StorageError`."""
        rows = [
            (name, s, n, float(self.mean[name][s, n]), float(self.spread[name][s, n]))
            for name in self.mean
            for s in range(self.mean[name].shape[0])
            for n in range(self.mean[name].shape[1])
        ]
        schema = {
            "modality": pl.String,
            "summary": pl.Int32,
            "number": pl.Int32,
            "mean": pl.Float64,
            "spread": pl.Float64,
        }
        files.write_table(folder / "normaliser.parquet", pl.DataFrame(rows, schema=schema, orient="row"))

    @classmethod
    def load(cls, folder: Path, shapes: dict[str, tuple[int, int]]) -> "Normaliser":
        """Read what `save` wrote. Raises `RunError` where it does not fit the vocabulary."""
        table = files.read_table(folder / "normaliser.parquet", RunError)
        mean: dict[str, np.ndarray] = {}
        spread: dict[str, np.ndarray] = {}
        for name, (summaries, numbers) in shapes.items():
            rows = table.filter(modality=name).sort("summary", "number")
            if rows.height != summaries * numbers:
                raise RunError(f"{folder / 'normaliser.parquet'} does not fit the vocabulary beside it. Train again.")
            mean[name] = rows["mean"].to_numpy().reshape(summaries, numbers)
            spread[name] = rows["spread"].to_numpy().reshape(summaries, numbers)
        return cls(mean, spread)
