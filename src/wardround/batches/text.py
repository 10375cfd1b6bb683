"""Notes made ready to be cut into tokens, as arXiv 2604.18753 (appendix A.1.2) cleans them.

Lower-cased; the lines of the header that name a person or date a stay are gone (name, unit no, admission and discharge
date, date of birth); broken unicode is stripped; punctuation and stop-words are kept. The blanks that de-identified
notes have in place of what was removed are stripped too (ours; of them the paper takes the header alone): `___` of
MIMIC-IV, which says nothing, and `[**...**]` of MIMIC-III, in which stand made-up names, and dates that are shifted by
patient.
"""

import re
import unicodedata
from typing import Final

HEADERS: Final = ("name", "unit no", "admission date", "discharge date", "date of birth")
"""What a line of the header begins with; the line goes with all that stands in it."""

_HEADER: Final = re.compile(rf"^[ \t]*(?:{'|'.join(HEADERS)})[ \t]*:.*$", re.MULTILINE)
_BLANK: Final = re.compile(r"_{2,}|\[\*\*[^\[\]]*\*\*\]")
_SPACE: Final = re.compile(r"\s+")
_STRIPPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Kinds of characters that no one types: controls, marks of direction, halves of pairs, unassigned ones."""


def cleaned(text: str) -> str:
    """The words of a note, one space between them."""
    lower = unicodedata.normalize("NFKC", text).lower()
    body = _BLANK.sub(" ", _HEADER.sub(" ", lower))
    if not body.isascii():
        body = "".join(c for c in body if c != "\ufffd" and (c.isspace() or unicodedata.category(c) not in _STRIPPED))
    return _SPACE.sub(" ", body).strip()
