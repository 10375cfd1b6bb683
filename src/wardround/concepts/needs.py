"""What a concept cannot do without: a part that data have no code for would be written as normal, unmeasured."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from wardround.errors import DataError


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


def needs_of(names: Mapping[str, str]) -> tuple[Need, ...]:
    """A need for each name, of the codes that tell it.

    Args:
        names: code -> what it tells.
    """
    parts = dict.fromkeys(names.values())
    return tuple(Need(part, tuple(code for code, name in names.items() if name == part)) for part in parts)


def check_needs(data: Path, concept: str, needs: Iterable[Need], codes: Collection[str], leave: str) -> None:
    """Refuse what data cannot tell: it would be made as if it were normal.

    Args:
        data: the DATA folder, for the message.
        concept: its name.
        needs: of the concept.
        codes: those of the data.
        leave: what the person can leave out.

    Raises:
        DataError: naming each part and the codes that were looked for.
    """
    lacking = [f"{need.part} ({', '.join(need.codes)})" for need in unmet(needs, codes)]
    if lacking:
        raise DataError(
            f"{data} has no code of what {concept} needs: {'; '.join(lacking)}. That would pass for normal, so nothing "
            "was written. Concepts are made for data of `prepare mimic4` and `prepare mimic3`, prepared without "
            f"`--modalities paper`: leave {leave} out for other data."
        )
