"""How long the text in a gzip file is, before it is unpacked: its last four bytes say it, modulo 2^32 (RFC 1952).

That is the length of the last member alone, and most files have one. How the beginning was packed says how long the
whole is, about, and so which multiple of 2^32 is meant, and whether the four bytes can be of the whole at all.
"""

import os
from typing import BinaryIO, Final

MODULUS: Final = 1 << 32
LEAST, MOST = 0.5, 4.0
"""Of the estimate; else the file has several members, or bytes after them. The estimate is rather small than large: of
the beginning more was taken from the disk than was unpacked."""


def text_bytes(file: BinaryIO, size: int, estimate: float) -> float:
    """How long the text of a gzip file is.

    Args:
        file: the file, open; where it stands is left as it is.
        size: of the file, in bytes.
        estimate: of the length, in bytes, from how its beginning was packed.

    Returns:
        The length where it can be told, else the estimate.

    Raises:
        OSError: where the disk refuses.
    """
    told = int.from_bytes(os.pread(file.fileno(), 4, max(size - 4, 0)), "little")
    nearest = told + MODULUS * max(round((estimate - told) / MODULUS), 0)
    return nearest if LEAST * estimate <= nearest <= MOST * estimate else estimate
