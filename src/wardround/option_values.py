"""What stands behind an option of the command line, read from its text; refused with what would have been right."""

import argparse
import math
from collections.abc import Callable

from wardround.extensions import Group, offers


def known_name(group: Group, built_in: tuple[str, ...]) -> Callable[[str], str]:
    """What reads a name that is built in or of an installed package, which is not imported here."""

    def name(text: str) -> str:
        if text in built_in:
            return text
        offered = [offer.origin.name for offer in offers(group)]
        if text not in offered:
            names = ", ".join(dict.fromkeys((*built_in, *offered)))
            raise argparse.ArgumentTypeError(f"invalid choice: {text!r} (choose from {names})")
        return text

    return name


def or_installed(built_in: tuple[str, ...]) -> str:
    """Names for a help text: the built-in ones, and where to see the others."""
    return f"{', '.join(built_in)}; or of an installed package (see: wardround list)"


def count(text: str) -> int:
    """A whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("a whole number of 1 or more")
    return int(text)


def seed_number(text: str) -> int:
    """A whole number of 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("a whole number of 0 or more")
    return int(text)


def gib(text: str) -> float:
    """GiB of memory, above 0, finite."""
    try:
        size = float(text)
    except ValueError:
        size = math.nan
    if not (math.isfinite(size) and size > 0):
        raise argparse.ArgumentTypeError("GiB, as a number above 0")
    return size


def hour(text: str) -> float:
    """Hours from unit admission, finite."""
    try:
        hours = float(text)
    except ValueError:
        hours = math.nan
    if not math.isfinite(hours):
        raise argparse.ArgumentTypeError("hours from unit admission, as a number")
    return hours


def fold(text: str) -> tuple[int, int]:
    """`K/N` as (K, N)."""
    k, _, n = text.partition("/")
    if not (k.isdigit() and n.isdigit()):
        raise argparse.ArgumentTypeError("K/N, as in 1/5")
    return int(k), int(n)
