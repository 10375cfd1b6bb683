"""Features: which codes a model sees, as what, and the vocabulary that holds them. Fitted on training stays alone.

    number     a measured quantity; its summaries (mean so far, last, ...) and an observed mask are inputs
    presence   a code that is there or not: a diagnosis, a drug, a category

A code with a path ("DIAGNOSIS//a|b|c") also counts for the path's beginnings ("DIAGNOSIS//a|b"), so that rare leaves
still say where in the tree they are. Unknown codes are ignored and counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Int

from wardround import files
from wardround.batches.lines import Lines
from wardround.errors import RunError, UsageError
from wardround.events import MODALITIES

ALL_CATEGORIES: Final = frozenset({"demographics"})
"""Modalities whose every category seen in two training stays is a feature (one-hot ignoring unknowns, appendix
A.1.2)."""


DRUGS_BY_RATE: Final = frozenset({"infusion"})
"""Modalities whose codes end in the unit of a rate: split by unit, a drug that many stays were given would be rare."""


@dataclass(frozen=True)
class FeatureSettings:
    """Which codes become features.

    Attributes:
        min_stay_share: a code must be in this share of training stays (appendix A.1.4: 5 %; its 10,000 occurrences for
            labs are a share here, so that small data works).
        paths: count a code for the beginnings of its path too (ours).

    Raises:
        UsageError: at construction, where the share is none.
    """

    min_stay_share: float = 0.05
    paths: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.min_stay_share <= 1:
            raise UsageError(f"min_stay_share must be in [0, 1], got {self.min_stay_share}")


@dataclass(frozen=True)
class Vocabulary:
    """The features of each modality.

    Attributes:
        modalities: the modalities with at least one feature, in the order of `MODALITIES`.
        numbers, presences: modality -> codes (or path beginnings), sorted.
    """

    modalities: tuple[str, ...]
    numbers: dict[str, tuple[str, ...]]
    presences: dict[str, tuple[str, ...]]

    def save(self, folder: Path) -> None:
        """Write `features.parquet`. Raises `StorageError`."""
        rows = [(m, c, "number") for m in self.modalities for c in self.numbers[m]]
        rows += [(m, c, "presence") for m in self.modalities for c in self.presences[m]]
        files.write_table(
            folder / "features.parquet", pl.DataFrame(rows, schema=["modality", "code", "kind"], orient="row")
        )

    @classmethod
    def load(cls, folder: Path) -> "Vocabulary":
        """Read what `save` wrote. Raises `RunError`."""
        table = files.read_table(folder / "features.parquet", RunError)
        return cls.of(table)

    @classmethod
    def of(cls, table: pl.DataFrame) -> "Vocabulary":
        """From rows of `modality, code, kind`."""
        present = set(table["modality"])
        modalities = tuple(name for name in MODALITIES if name in present)
        pick = lambda m, kind: tuple(sorted(table.filter(modality=m, kind=kind)["code"]))  # noqa: E731
        return cls(modalities, {m: pick(m, "number") for m in modalities}, {m: pick(m, "presence") for m in modalities})


def code_and_paths(code: str, paths: bool) -> list[str]:
    """A code and the beginnings of its path: "X//a|b" -> ["X//a|b", "X//a"]."""
    if not paths:
        return [code]
    parts = code.split("|")
    return ["|".join(parts[:depth]) for depth in range(len(parts), 0, -1)]


def drug_of(code: str) -> str:
    """A code without its unit: "INFUSION//propofol//mg/hr" -> "INFUSION//propofol"."""
    return code.rpartition("//")[0]


@dataclass(frozen=True)
class CodeMap:
    """Which features each code of a DATA folder stands for, as a ragged array.

    Attributes:
        offsets: features of code c are `feature[offsets[c]:offsets[c + 1]]`.
        feature: place within the modality: numbers first, presences after them.
        is_number: whether that feature takes the value.
    """

    offsets: Int[np.ndarray, "code_plus_one"]
    feature: Int[np.ndarray, "mapped"]
    is_number: Bool[np.ndarray, "mapped"]


def map_codes(codes: Sequence[str], vocabulary: Vocabulary, paths: bool) -> CodeMap:
    """Codes of a DATA folder -> features of a vocabulary; a code unknown to it has none."""
    number: dict[str, int] = {}
    presence: dict[str, int] = {}
    for modality in vocabulary.modalities:
        numbers = vocabulary.numbers[modality]
        number |= {code: place for place, code in enumerate(numbers)}
        presence |= {code: place + len(numbers) for place, code in enumerate(vocabulary.presences[modality])}
    offsets, feature, is_number = [0], [], []
    for code in codes:
        if code in number:
            feature.append(number[code])
            is_number.append(True)
        found = [presence[name] for name in (*code_and_paths(code, paths), drug_of(code)) if name in presence]
        feature += found
        is_number += [False] * len(found)
        offsets.append(len(feature))
    return CodeMap(np.asarray(offsets, np.int64), np.asarray(feature, np.int64), np.asarray(is_number, bool))


def fit_vocabulary(
    lines: Lines,
    items: np.ndarray,
    stay_of_item: np.ndarray,
    n_stays: int,
    modalities: Sequence[str],
    settings: FeatureSettings,
) -> Vocabulary:
    """Choose features from what training stays show up to their prediction times.

    Args:
        lines: the data.
        items: indices of the visible items of training stays.
        stay_of_item: which stay each is of.
        n_stays: training stays.
        modalities: modalities to take.
        settings: the thresholds.

    Returns:
        The vocabulary; modalities without a frequent code are left out.
    """
    wanted = {place: name for place, name in enumerate(MODALITIES) if name in modalities}
    seen = pl.DataFrame(
        {"stay": stay_of_item, "code_id": lines.code[items], "number": ~np.isnan(lines.value[items])},
    ).with_columns(
        modality=pl.Series(lines.modality[items]).replace_strict(wanted, default=None, return_dtype=pl.String)
    )
    seen = seen.drop_nulls("modality")
    per_code = seen.group_by("modality", "code_id").agg(pl.col("number").mean(), pl.col("stay").unique())
    is_number = pl.col("number") > 0.5
    kinds = per_code.with_columns(kind=pl.when(is_number).then(pl.lit("number")).otherwise(pl.lit("presence")))
    named = kinds.drop("kind").join(_names_of(lines.codes, kinds, settings.paths), on=["modality", "code_id"])
    counted = named.explode("stay").group_by("modality", "kind", "code").agg(pl.col("stay").n_unique().alias("stays"))
    least = (
        pl.when(pl.col("modality").is_in(list(ALL_CATEGORIES))).then(2.0).otherwise(settings.min_stay_share * n_stays)
    )
    return Vocabulary.of(counted.filter(pl.col("stays") >= least))


def _names_of(codes: list[str], kinds: pl.DataFrame, paths: bool) -> pl.DataFrame:
    """`modality, code_id, kind, code`: a number under its own code, a presence under its code and the beginnings of its
    path; a drug given at a rate also as a presence, whatever unit its rate is charted in."""
    rows = []
    for modality, code_id, kind in kinds.select("modality", "code_id", "kind").iter_rows():
        code = codes[int(code_id)]
        names = [(kind, code)] if kind == "number" else [(kind, name) for name in code_and_paths(code, paths)]
        if modality in DRUGS_BY_RATE:
            names.append(("presence", drug_of(code)))
        rows += [(modality, code_id, *name) for name in names]
    schema = {"modality": pl.String, "code_id": pl.Int32, "kind": pl.String, "code": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")
