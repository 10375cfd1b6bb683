"""What a published equation says of a stay so far: the log odds of death in hospital, beside the events of a model."""

from typing import Final

import numpy as np
from jaxtyping import Float32, Int

from wardround.batches.content import Visible
from wardround.batches.lines import Lines
from wardround.concepts.apache_iv import LOGIT_CODE, MODALITY
from wardround.events import MODALITIES

_FAR: Final = np.int64(1) << 40
"""Between the minutes of two stays: more than any minute."""


def published_logit(
    lines: Lines, seen: Visible, stay: Int[np.ndarray, "asked"], minute: Int[np.ndarray, "asked"]
) -> Float32[np.ndarray, "asked"]:
    """The log odds by APACHE IV that were known of some stays at some minutes; NaN where none was.

    An event of another modality may have their code and mean something else. One of the same cannot: `open_lines`.

    Args:
        lines: the data.
        seen: the items that may be seen.
        stay: places in the stays that `seen` is of.
        minute: of the data's clock, from unit admission.
    """
    found = np.full(len(stay), np.nan, np.float32)
    if LOGIT_CODE not in lines.codes:
        return found
    mine = lines.code[seen.item] == lines.codes.index(LOGIT_CODE)
    mine &= lines.modality[seen.item] == MODALITIES.index(MODALITY)
    item = seen.item[mine]
    known = seen.stay[mine] * _FAR + lines.minute[item]
    place = np.searchsorted(known, stay.astype(np.int64) * _FAR + minute, side="right") - 1
    have = (place >= 0) & (seen.stay[mine][place] == stay) if len(item) else np.zeros(len(stay), bool)
    found[have] = lines.value[item[place[have]]]
    return found
