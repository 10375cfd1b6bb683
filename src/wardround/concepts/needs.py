"""What a concept cannot do without: a part that data have no code for would be written as normal, unmeasured."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Need:
    """Codes without which a part of a concept cannot be told.

    Attributes:
        part: what they tell.
        codes: beginnings of codes; data must have a code that begins with one of them.
        where: where the data have one of these codes; everywhere if none is named.
    """

    part: str
    codes: tuple[str, ...]
    where: tuple[str, ...] = ()


def unmet(needs: Iterable[Need], codes: Collection[str]) -> list[Need]:
    """The needs that data with some codes do not meet."""
    return [need for need in needs if _counts(need, codes) and not any(code.startswith(need.codes) for code in codes)]


def _counts(need: Need, codes: Collection[str]) -> bool:
    return not need.where or not set(need.where).isdisjoint(codes)
