"""How a mapping names codes: one code as it stands, all that begin alike, or a regular expression.

"MEDS_DEATH"               this code
"ICU_ADMISSION//*"         every code that begins with ICU_ADMISSION//
"re:LAB//5[0-9]{4}//.*"    every code that the expression matches from begin to end
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

REGEX: Final = "re:"
PREFIX: Final = "*"


@dataclass(frozen=True)
class Codes:
    """A set of codes by their names.

    Attributes:
        exact: codes as they stand.
        prefixes: begins of codes.
        regexes: expressions that match whole codes.
    """

    exact: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    regexes: tuple[re.Pattern[str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.exact or self.prefixes or self.regexes)

    def has(self, code: str) -> bool:
        """Whether the code is one of them."""
        return (
            code in self.exact
            or code.startswith(self.prefixes)
            or any(regex.fullmatch(code) is not None for regex in self.regexes)
        )


def read_codes(patterns: Sequence[str]) -> Codes:
    """The codes that patterns name.

    Raises:
        ValueError: for an empty pattern, a lone `*` or an expression that is none.
    """
    exact, prefixes, regexes = list[str](), list[str](), list[re.Pattern[str]]()
    for pattern in patterns:
        if not pattern.strip() or pattern in (PREFIX, REGEX):
            raise ValueError(f"{pattern!r} names no codes")
        if pattern.startswith(REGEX):
            regexes.append(_compiled(pattern))
        elif pattern.endswith(PREFIX):
            prefixes.append(pattern[: -len(PREFIX)])
        else:
            exact.append(pattern)
    return Codes(frozenset(exact), tuple(prefixes), tuple(regexes))


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern.removeprefix(REGEX), re.DOTALL)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
