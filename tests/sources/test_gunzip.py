"""gzip files unpacked with isal and without it: the same bytes, and the same files refused."""

import gzip
import random
import subprocess
import sys
from pathlib import Path

import pytest

from wardround.sources import gunzip
from wardround.sources.gunzip import STANDARD, UNPACKER, Unpacker, open_gzip

TEXT = "".join(f"{number},{number * 37 % 101},lactate\n" for number in range(300)).encode()
WHOLE = gzip.compress(TEXT[:4000], mtime=0) + gzip.compress(TEXT[4000:], mtime=0)


def unpacked(path: Path, unpacker: Unpacker) -> bytes | None:
    """What it gives, piece by piece; None where it refuses."""
    try:
        with unpacker.file(path, "rb") as stream:
            return b"".join(iter(lambda: stream.read(1000), b""))
    except (OSError, *unpacker.errors):
        return None


def test_isal_is_here():
    """Else the tests below would hold the standard library against itself."""
    pytest.importorskip("isal")
    assert UNPACKER != STANDARD


def test_both_give_the_same_bytes_and_refuse_the_same_cuts(tmp_path: Path):
    path = tmp_path / "t.csv.gz"
    for end in range(len(WHOLE) + 1):
        path.write_bytes(WHOLE[:end])
        assert unpacked(path, UNPACKER) == unpacked(path, STANDARD), end
    assert unpacked(path, STANDARD) == TEXT


def test_both_refuse_what_was_damaged(tmp_path: Path):
    """Where one reads through a flip in a field of the header that nobody needs, so may the other: never to less."""
    path, rng, refused = tmp_path / "t.csv.gz", random.Random(3), 0
    for _ in range(400):
        data = bytearray(WHOLE)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(bytes(data) + rng.choice([b"", b"\0\0", b"trailing"]))
        found = [unpacked(path, one) for one in (UNPACKER, STANDARD)]
        assert set(found) <= {TEXT, None}
        refused += found == [None, None]
    assert refused > 300


def test_without_isal_the_standard_library_reads():
    code = (
        "import sys; sys.modules['isal'] = None\n"
        "from wardround.sources import gunzip\n"
        "sys.exit(gunzip.UNPACKER is not gunzip.STANDARD)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_file_is_opened_by_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "t.gz").write_bytes(WHOLE)
    for unpacker in (UNPACKER, STANDARD):
        monkeypatch.setattr(gunzip, "UNPACKER", unpacker)
        with (tmp_path / "t.gz").open("rb") as file, open_gzip(file) as stream:
            assert type(stream) is unpacker.file
            assert stream.read() == TEXT
