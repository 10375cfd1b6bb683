"""The rows of notes and pictures of a cohort: made once a document of a DATA folder, whoever asks for it."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Shaped

from wardround.batches.featuriser import Featuriser
from wardround.batches.lines import Lines
from wardround.batches.pictures import picture_rows
from wardround.batches.tokens import note_rows
from wardround.events import TEXTS


def document_rows(
    lines: Lines, featuriser: Featuriser, used: Mapping[str, Sequence[np.ndarray]], quiet: bool
) -> dict[str, Shaped[np.ndarray, "row ..."]]:
    """The rows of notes and pictures, by modality.

    Args:
        lines: the data.
        featuriser: how they are made.
        used: modality -> rows that the cohort has.
        quiet: no progress on stderr.

    Raises:
        DataError: counting pictures of the cohort that cannot be read.
        StorageError: where the disk refuses.
        UsageError: where a package is missing that reads pictures.
    """
    settings, made = featuriser.settings, dict[str, np.ndarray]()
    for name, rows in used.items():
        if not sum(map(len, rows)):  # left out, or nobody has one: nothing is read
            shape = (settings.text.tokens,) if name in TEXTS else (settings.image.side,) * 2
            made[name] = np.empty((0, *shape), np.int32 if name in TEXTS else np.uint8)
            continue
        if name in TEXTS:
            made[name] = note_rows(lines.documents, name, settings.text, featuriser.bert, quiet)
            continue
        pictures = picture_rows(lines, name, settings.image, quiet)
        pictures.refuse(name, np.concatenate(rows))
        made[name] = pictures.pixels
    return made
