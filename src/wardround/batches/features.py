"""Features: which codes a model sees, as what, and the vocabulary that holds them. Fitted on training stays alone.

    number     a measured quantity; its summaries (mean so far, last, ...) and an observed mask are inputs
    presence   a code that is there or not: a diagnosis, a drug, a category

A code with a path ("DIAGNOSIS//a|b|c") also counts for the path's beginnings ("DIAGNOSIS//a|b"), so that rare leaves
still say where in the tree they are. Unknown codes are ignored and counted. Of notes the one feature is that there is
one, whatever its code; of pictures that there is one of each view that is read.
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
from wardround.batches.order import within
from wardround.errors import RunError, UsageError
from wardround.events import IMAGES, MODALITIES, TEXTS

ALL_CATEGORIES: Final = frozenset({"demographics"})
"""Modalities whose every category seen in two training stays is a feature (one-hot ignoring unknowns, appendix
A.1.2)."""


_MODALITY: Final = pl.Enum(MODALITIES)

DRUGS_BY_RATE: Final = frozenset({"infusion"})
"""Modalities whose codes end in the unit of a rate: split by unit, a drug that many stays were given would be rare."""


ANY_NOTE: Final = "NOTE"
"""What every note of a modality of texts counts as."""


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

        def pick(modality: str, kind: str) -> tuple[str, ...]:
            return tuple(sorted(table.filter(modality=modality, kind=kind)["code"]))

        return cls(modalities, {m: pick(m, "number") for m in modalities}, {m: pick(m, "presence") for m in modalities})


def code_and_paths(code: str, paths: bool) -> list[str]:
    """A code and the beginnings of its path: "X//a|b" -> ["X//a|b", "X//a"]."""
    if not paths:
        return [code]
    parts = code.split("|")
    return ["|".join(parts[:depth]) for depth in range(len(parts), 0, -1)]


def view_of(code: str) -> str:
    """The view of a picture: "CXR//AP" -> "AP"."""
    return code.rpartition("//")[2]


def drug_of(code: str) -> str:
    """A code without its unit: "INFUSION//propofol//mg/hr" -> "INFUSION//propofol"."""
    return code.rpartition("//")[0]


@dataclass(frozen=True)
class CodeMap:
    """Which features of one modality each code of a DATA folder stands for, as a ragged array.

    Attributes:
        offsets: features of code c are `feature[offsets[c]:offsets[c + 1]]`.
        feature: place among them: numbers first, presences after them.
        is_number: whether that feature takes the value.
    """

    offsets: Int[np.ndarray, "code_plus_one"]
    feature: Int[np.ndarray, "mapped"]
    is_number: Bool[np.ndarray, "mapped"]

    def is_known(self, code: Int[np.ndarray, "item"]) -> Bool[np.ndarray, "item"]:
        """Which items have a code that stands for a feature."""
        return np.diff(self.offsets)[code] > 0

    def features_of(self, code: Int[np.ndarray, "item"]) -> tuple[Int[np.ndarray, "mapped"], Int[np.ndarray, "mapped"]]:
        """The features of some items, item after item.

        Returns:
            The item's place among those asked, and the place in `feature` and `is_number`.
        """
        repeat = np.diff(self.offsets)[code]
        item = np.repeat(np.arange(len(code)), repeat)
        return item, np.repeat(self.offsets[code], repeat) + within(repeat)


def map_codes(codes: Sequence[str], vocabulary: Vocabulary, paths: bool) -> dict[str, CodeMap]:
    """Codes of a DATA folder -> features, by modality: a code or a path's beginning that two modalities share is a
    feature of each of them. A code unknown to a modality has none there."""
    return {modality: _codes_of(codes, modality, vocabulary, paths) for modality in vocabulary.modalities}


def _codes_of(codes: Sequence[str], modality: str, vocabulary: Vocabulary, paths: bool) -> CodeMap:
    numbers = vocabulary.numbers[modality]
    number = {code: place for place, code in enumerate(numbers)}
    presence = {code: place + len(numbers) for place, code in enumerate(vocabulary.presences[modality])}
    offsets: list[int] = [0]
    feature: list[int] = []
    is_number: list[bool] = []
    for code in codes:
        if modality in TEXTS:
            feature += presence.values()
            is_number += [False] * len(presence)
            offsets.append(len(feature))
            continue
        if code in number:
            feature.append(number[code])
            is_number.append(True)
        names = [*code_and_paths(code, paths), *([drug_of(code)] if modality in DRUGS_BY_RATE else [])]
        found = [presence[name] for name in names if name in presence]
        feature += found
        is_number += [False] * len(found)
        offsets.append(len(feature))
    return CodeMap(np.asarray(offsets, np.int64), np.asarray(feature, np.int64), np.asarray(is_number, bool))


def codes_seen(lines: Lines, items: np.ndarray, stay_of_item: np.ndarray) -> pl.DataFrame:
    """Which codes some stays show, a row a stay and code: what `fit_vocabulary` counts, far fewer rows than items.

    Args:
        lines: the data.
        items: indices of the visible items.
        stay_of_item: which stay each is of.

    Returns:
        `stay, modality, code_id, items, numbers`: how many items, and how many of them with a number.
    """
    rows = pl.DataFrame(
        {
            "stay": stay_of_item.astype(np.int32),
            "place": lines.modality[items],
            "code_id": lines.code[items],
            "number": ~np.isnan(lines.value[items]),
        }
    )
    made = rows.group_by("stay", "place", "code_id").agg(items=pl.len(), numbers=pl.col("number").sum())
    name = pl.col("place").replace_strict(dict(enumerate(MODALITIES)), default=None, return_dtype=_MODALITY)
    return made.select("stay", "code_id", "items", "numbers", modality=name)


def fit_vocabulary(
    seen: pl.DataFrame,
    codes: Sequence[str],
    n_stays: int,
    modalities: Sequence[str],
    settings: FeatureSettings,
    views: Sequence[str] = (),
) -> Vocabulary:
    """Choose features from what training stays show up to their prediction times.

    Args:
        seen: `codes_seen` of the training stays.
        codes: the code strings of the data.
        n_stays: training stays.
        modalities: modalities to take.
        settings: the thresholds.
        views: of which pictures are read, as their codes end; empty for all.

    Returns:
        The vocabulary; modalities without a frequent code are left out.
    """
    seen = seen.filter(pl.col("modality").is_in(list(modalities)))
    if views:
        read = [place for place, code in enumerate(codes) if view_of(code) in views]
        seen = seen.filter(~pl.col("modality").is_in(list(IMAGES)) | pl.col("code_id").is_in(read))
    is_number = pl.col("numbers").sum() > 0.5 * pl.col("items").sum()
    kind = pl.when(is_number).then(pl.lit("number")).otherwise(pl.lit("presence"))
    documents = pl.col("modality").is_in([*TEXTS, *IMAGES])
    kind = pl.when(documents).then(pl.lit("presence")).otherwise(kind)
    per_code = seen.group_by("modality", "code_id").agg(kind=kind.first())
    names = _names_of(codes, per_code, settings.paths)
    features = names.select("modality", "kind", "code").unique().with_row_index("feature")
    of_code = names.join(features, on=["modality", "kind", "code"]).select("modality", "code_id", "feature")
    counted = seen.select("stay", "modality", "code_id").join(of_code, on=["modality", "code_id"])
    stays = counted.group_by("feature").agg(stays=pl.col("stay").n_unique())
    least = (
        pl.when(pl.col("modality").is_in(list(ALL_CATEGORIES))).then(2.0).otherwise(settings.min_stay_share * n_stays)
    )
    return Vocabulary.of(features.join(stays, on="feature").filter(pl.col("stays") >= least))


def _names_of(codes: Sequence[str], kinds: pl.DataFrame, paths: bool) -> pl.DataFrame:
    """`modality, code_id, kind, code`: a number under its own code, a presence under its code and the beginnings of its
    path; a drug given at a rate also as a presence, whatever unit its rate is charted in."""
    rows: list[tuple[str, int, str, str]] = []
    for modality, code_id, kind in kinds.select("modality", "code_id", "kind").iter_rows():
        code = codes[int(code_id)]
        if modality in TEXTS:
            rows.append((modality, code_id, "presence", ANY_NOTE))
            continue
        names = [(kind, code)] if kind == "number" else [(kind, name) for name in code_and_paths(code, paths)]
        if modality in DRUGS_BY_RATE:
            names.append(("presence", drug_of(code)))
        rows += [(modality, code_id, sort, name) for sort, name in names]
    schema = {"modality": _MODALITY, "code_id": pl.Int32, "kind": pl.String, "code": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")
