"""Whose patients a data set holds: two that were drawn from the same records may share some, under other ids too.

The Challenge 2012 (drawn from MIMIC-II), MIMIC-III and MIMIC-IV are of one hospital, and number its patients anew each:
nobody can tell from the ids who is in two of them. They are one pool, with ids of three kinds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

MIMIC: Final = "MIMIC"
EICU: Final = "eICU"
POOL, IDS = "patient_pool", "subject_ids"
"""Keys in a DATA manifest's settings and in `metadata/dataset.json`; columns of a run's `learned_from.parquet`."""


@dataclass(frozen=True)
class PatientPool:
    """The patients that a data set was drawn from.

    Attributes:
        name: of the records; all data sets that may hold the same people give the same one; empty where not known.
        ids: whose numbers `subject_id` holds; equal numbers mean the same patient only where these are equal.
    """

    name: str = ""
    ids: str = ""

    def is_of(self, other: "PatientPool") -> bool:
        """Whether both are drawn from the same records, whoever numbered the patients; False where not known."""
        return bool(self.name) and self.name.casefold() == other.name.casefold()

    def numbers_as(self, other: "PatientPool") -> bool:
        """Whether an equal `subject_id` means the same patient; held for possible where one does not say."""
        if not self.name or not other.name:
            return True
        return self.is_of(other) and self.ids == other.ids

    def may_share(self, other: "PatientPool") -> bool:
        """Whether both may hold the same people, and the ids cannot tell whom."""
        return self.is_of(other) and self.ids != other.ids

    def as_json(self) -> dict[str, str]:
        """For a manifest; nothing where it is not known."""
        return {POOL: self.name, IDS: self.ids} if self.name else {}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "PatientPool":
        """What a manifest or `dataset.json` says; not known where it says nothing. Raises nothing."""
        name, ids = values.get(POOL), values.get(IDS)
        return cls(name, ids) if isinstance(name, str) and isinstance(ids, str) else cls()


NOT_KNOWN: Final = PatientPool()
