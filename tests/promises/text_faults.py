"""Faults of the text of a csv table, by name: what a cut, a shift, a wrong encoding or another hand makes of it."""

from collections.abc import Callable


def middle(text: bytes) -> int:
    """A place inside a row, well after the header."""
    return text.index(b",", len(text) // 2)


TEXT_FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "no header": lambda text: text.partition(b"\n")[2],
    "a header of one name less": lambda text: text.partition(b",")[2],
    "a doubled column": lambda text: doubled(text),
    "cut in a row": lambda text: text[: middle(text) + 9],
    "an open quote": lambda text: text[: middle(text) + 1] + b'"' + text[middle(text) + 1 :],
    "a quote in a field": lambda text: text[: middle(text) - 1] + b'"' + text[middle(text) - 1 :],
    "a NUL": lambda text: text[: middle(text)] + b"\0" + text[middle(text) :],
    "not UTF-8": lambda text: text[: middle(text)] + b"\xff" + text[middle(text) :],
    "not UTF-8 in a short line": lambda text: text + text.splitlines()[-1][:30] + b"\xff\n",
    "a row for a header": lambda text: text.splitlines()[-1] + b"\n" + text,
    "a line end in the header": lambda text: text.replace(b",", b"\r,", 1),
    "words for all": lambda text: retyped(text),
    "empty": lambda _: b"",
}


def doubled(text: bytes) -> bytes:
    """The first column twice, in capitals too."""
    first = text.partition(b",")[0]
    return first + b"," + first.upper() + text[len(first) :]


def retyped(text: bytes) -> bytes:
    """Every cell but the header's is the words of its neighbour: nothing reads as declared."""
    header, *lines = text.splitlines()
    return b"\n".join([header, *(b",".join(line.split(b",")[::-1]) for line in lines * 3)]) + b"\n"
