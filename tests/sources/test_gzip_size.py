"""How long the text of a gzip file is told to be, and how much of a table was read."""

import gzip
import random
from pathlib import Path

import pytest

from wardround.sources.csv_stream import CheckedStream
from wardround.sources.gzip_size import MODULUS, text_bytes


def told(path: Path, content: bytes, estimate: float) -> float:
    path.write_bytes(content)
    with path.open("rb") as file:
        file.seek(3)
        length = text_bytes(file, len(content), estimate)
        assert file.tell() == 3
    return length


def test_one_member_tells_its_length_however_its_beginning_was_packed(tmp_path: Path):
    packed = gzip.compress(b"a,b\n" * 1_000)
    assert [told(tmp_path / "t.gz", packed, estimate) for estimate in (1_100, 4_000, 7_900)] == [4_000] * 3


@pytest.mark.parametrize("multiples", [1, 2, 9])
def test_beyond_4_gib_the_estimate_says_which_multiple_is_meant(tmp_path: Path, multiples: int):
    length = MODULUS * multiples + 12_345
    trailer = b"\0" * 20 + (length % MODULUS).to_bytes(4, "little")
    for off in (-0.45, 0.45):
        assert told(tmp_path / "t.gz", trailer, length + off * MODULUS) == length


def test_where_it_is_not_the_length_of_the_whole_the_estimate_stands(tmp_path: Path):
    several = gzip.compress(b"a,b\n" * 1_000) + gzip.compress(b"c,d\n" * 10)
    zeros_after = gzip.compress(b"a,b\n" * 1_000) + b"\0" * 10
    for content in (several, zeros_after, b"\0"):
        assert told(tmp_path / "t.gz", content, 3_900) == 3_900


def test_the_share_is_of_the_text_and_not_of_what_it_was_packed_to(tmp_path: Path):
    """Two thirds of the text are noise and take nearly all of the file. Control: the share of the file."""
    noise = random.Random(0).randbytes(1 << 21).hex()
    text = "\n".join(noise[at : at + 64] for at in range(0, len(noise), 64)) + "\n" + f"{'0' * 64}\n" * (1 << 15)
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    stream = CheckedStream(path)
    read, shares = 0, list[tuple[float, float, float]]()
    while piece := stream.read(1 << 16):
        read += len(piece)
        shares.append((read / len(text), stream.share, stream._file.tell() / path.stat().st_size))
    stream.close()
    under_way = [each for each in shares if each[0] > 0.1 and each[2] < 1]  # before that, much is read ahead
    assert len(under_way) > 5
    assert all(share == pytest.approx(true, rel=0.01) for true, share, _ in under_way)
    assert max(abs(of_file / true - 1) for true, _, of_file in under_way) > 0.3
