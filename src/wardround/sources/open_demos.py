"""The open demos on PhysioNet that `fetch` knows, and the list of files that each of them publishes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wardround.errors import FetchError
from wardround.sources.names import Entry, check_names

SUMS: Final = "SHA256SUMS.txt"
MAX_FILES: Final = 100_000
"""The largest of the four, the 2012 challenge, has some 12,000."""
RULE: Final = (
    "PhysioNet asks of every user: keep to the licence of the data set, cite it and PhysioNet, and identify no one. "
    "These demos are open; wardround fetches no credentialed data, which must not be shared or sent to online services."
)
_OURS: Final = ("manifest.json", SUMS)
_LINE: Final = re.compile(r"([0-9a-fA-F]{64}) [ *]?([^ *].*)")


@dataclass(frozen=True)
class Demo:
    """An open data set on PhysioNet; the `archives` in its root are extracted beside themselves."""

    slug: str
    version: str
    licence: str
    archives: tuple[str, ...] = ()


DEMOS: Final[Mapping[str, Demo]] = {
    "eicu-demo": Demo("eicu-crd-demo", "2.0.1", "ODbL 1.0"),
    "mimic-iv-demo": Demo("mimic-iv-demo", "2.2", "ODbL 1.0"),
    "mimic-iii-demo": Demo("mimiciii-demo", "1.4", "ODbL 1.0"),
    "challenge-2012": Demo("challenge-2012", "1.0.0", "ODC-BY 1.0", ("set-a.tar.gz", "set-b.tar.gz", "set-c.tar.gz")),
}


def read_sums(text: bytes, where: str) -> dict[str, str]:
    """The files that a `SHA256SUMS.txt` lists, each with its SHA-256, in the format of `sha256sum`.

    Args:
        text: the file, as it came.
        where: where it came from, for the messages.

    Returns:
        relative path -> SHA-256 in lower-case hexadecimal.

    Raises:
        FetchError: where a line is not of that format, or a name could lead out of the folder or clash with another.
    """
    sums: list[tuple[str, str]] = []
    for number, line in enumerate(text.decode("utf-8", errors="surrogateescape").split("\n"), start=1):
        if not line.strip("\r"):
            continue
        match = _LINE.fullmatch(line.removesuffix("\r"))
        if match is None or number > MAX_FILES:
            raise FetchError(
                f"{where}, line {number}: not a list of at most {MAX_FILES:,} SHA-256 sums. "
                "Check --url, or that no login page or proxy answers in place of the server."
            )
        sums.append((match[2].removeprefix("./"), match[1].lower()))
    if not sums:
        raise FetchError(f"{where} lists no file. Check --url.")
    names = [*_OURS, *(name for name, _ in sums)]
    check_names((Entry(name, is_folder=False) for name in names), where, FetchError)
    return dict(sums)
