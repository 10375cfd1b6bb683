"""Promise 11: a broken raw file is a typed error or gives the same answer, never fewer rows, and never hangs."""

import csv
import gzip
import hashlib
import io
import random
import time
import zipfile
import zlib
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

import raw_challenge
import raw_meds
from raw_eicu import SCALE, none_of, prepare, small, tiny
from wardround.errors import BrokenFileError, SourceError, WardroundError
from wardround.sources import csv_stream
from wardround.sources.csv_reader import read_blocks, verify_published_sums
from wardround.sources.raw_table import ID, INTEGER, NUMBER, TEXT, RawTable, at

pytestmark = pytest.mark.usefixtures("fast_fsync")

TABLE = RawTable(
    "lab",
    {
        "labid": (INTEGER, ID),
        "minute": (INTEGER, at("minute")),
        "name": (TEXT, at("minute")),
        "value": (NUMBER, at("minute")),
    },
)
HEADER = "labid,minute,name,value\n"
NAMES = ("glucose", '"a, b"', '"two\nlines"', '"say ""so"""', "", "µg °C", "-bands")
TEXT_BYTES = (HEADER + "".join(f"{i},{i * 7 - 30},{NAMES[i % 7]},{i / 4}\n" for i in range(40))).encode()

Answer = tuple[list[tuple[str | None, ...]], int]
"""Rows as text, and how many lines have the wrong number of fields."""


def ours(path: Path, block_bytes: int = 400) -> Answer:
    """What the reader makes of a file, in small blocks."""
    rows, ragged = [], 0
    for block in read_blocks(path, TABLE, block_bytes):
        rows += block.frame.rows()
        ragged += block.ragged
    return rows, ragged


def by_the_csv_module(text: bytes) -> Answer | None:
    """The same, by Python's csv module alone; None where it sees that the text is no csv."""
    try:
        lines = list(csv.reader(io.StringIO(text.decode("utf-8-sig"), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError):
        return None
    header, rows = lines[0], [line for line in lines[1:] if line]
    good = [tuple(cell or None for cell in row) for row in rows if len(row) == len(header)]
    return good, len(rows) - len(good)


def is_silent(read: Callable[[Path], Answer], path: Path, right: Answer | None) -> bool:
    """Whether a reader gave another answer than the right one, without a typed error that names the file."""
    began = time.monotonic()
    try:
        answer = read(path)
    except WardroundError as error:
        return path.name not in str(error)
    finally:
        assert time.monotonic() - began < 10, "a hang"
    return answer != right


def write(folder: Path, data: bytes, name: str = "lab.csv.gz") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


WHOLE = by_the_csv_module(TEXT_BYTES)
PACKED = gzip.compress(TEXT_BYTES, mtime=0)
TWO_MEMBERS = gzip.compress(TEXT_BYTES[:300], mtime=0) + gzip.compress(TEXT_BYTES[300:], mtime=0)
BORDER = len(gzip.compress(TEXT_BYTES[:300], mtime=0))


@pytest.mark.parametrize("name", ["lab.csv", "lab.csv.gz"])
@pytest.mark.parametrize("block_bytes", [200, 1_000, 1 << 20])
def test_a_sound_file_reads_whole(tmp_path: Path, name: str, block_bytes: int):
    assert WHOLE is not None
    assert len(WHOLE[0]) == 40
    data = PACKED if name.endswith("gz") else TEXT_BYTES
    assert ours(write(tmp_path, data, name), block_bytes) == WHOLE
    assert ours(write(tmp_path, TWO_MEMBERS), block_bytes) == WHOLE


@pytest.mark.parametrize("packed", [PACKED, TWO_MEMBERS], ids=["one member", "two members"])
def test_cut_at_every_byte(tmp_path: Path, packed: bytes):
    for length in range(len(packed)):
        with pytest.raises(BrokenFileError):
            ours(write(tmp_path, packed[:length]))
    print(f"silent cuts: {none_of(len(packed))}")


def test_the_one_cut_that_only_published_sums_show(tmp_path: Path):
    """Exactly between two members and two lines: a shorter, whole gzip file."""
    border = gzip.compress(TEXT_BYTES[: TEXT_BYTES.index(b"\n2,") + 1], mtime=0)
    whole = border + gzip.compress(TEXT_BYTES[TEXT_BYTES.index(b"\n2,") + 1 :], mtime=0)
    assert ours(write(tmp_path, whole)) == WHOLE
    assert len(ours(write(tmp_path, border))[0]) == 2
    (tmp_path / "SHA256SUMS.txt").write_text(f"{hashlib.sha256(whole).hexdigest()} lab.csv.gz\n")
    path = tmp_path / "lab.csv.gz"
    with pytest.raises(BrokenFileError, match=r"lab\.csv\.gz differs from SHA256SUMS"):
        verify_published_sums(tmp_path, {path: hashlib.sha256(border).hexdigest()})


@pytest.mark.slow
def test_every_bit_flipped(tmp_path: Path):
    """A flip in the header's unused fields (time, system) changes nothing; any other is seen."""
    silent = 0
    for place in range(len(PACKED)):
        for bit in range(8):
            data = bytearray(PACKED)
            data[place] ^= 1 << bit
            silent += is_silent(ours, write(tmp_path, bytes(data)), WHOLE)
    assert silent == 0
    print(f"silent flips: {none_of(8 * len(PACKED))}")


@pytest.mark.parametrize("trailing", [b"\0" * 512, b"garbage", b"\x1f\x8b", b"\x1f", PACKED[:20], b"\0\0x"])
def test_trailing_bytes(tmp_path: Path, trailing: bytes):
    assert not is_silent(ours, write(tmp_path, PACKED + trailing), WHOLE)


def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    row = b"1,2,glucose,3.5\n" * (1 << 16)
    bomb = packer.compress(HEADER.encode()) + b"".join(packer.compress(row) for _ in range(80)) + packer.flush()
    assert len(bomb) < 200_000
    rows: list[int] = []
    counted = (rows.append(block.frame.height) for block in read_blocks(write(tmp_path, bomb), TABLE, 1 << 20))
    with pytest.raises(BrokenFileError, match="unpacks to more than 400 times its size"):
        deque(counted, maxlen=0)
    assert sum(rows) * len(LINE) <= csv_stream.RATIO_FLOOR_BYTES


def test_a_nested_bomb_is_no_csv(tmp_path: Path):
    inner = gzip.compress(b"\0" * (1 << 22), mtime=0)
    with pytest.raises(BrokenFileError):
        ours(write(tmp_path, gzip.compress(inner, mtime=0)))


def zipped(text: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("lab.csv", text)
    return packed.getvalue()


LINE = b"1,2,glucose,3.5\n"
SAME = {
    "byte order mark": b"\xef\xbb\xbf" + HEADER.encode() + LINE,
    "windows line ends": (HEADER.encode() + LINE).replace(b"\n", b"\r\n"),
    "quoted header": b'"labid","minute","name","value"\n' + LINE,
    "quoted header after a byte order mark": b'\xef\xbb\xbf"labid","minute","name","value"\n' + LINE,
    "empty lines": HEADER.encode() + b"\n" + LINE + b"\n\n",
    "upper case header": HEADER.upper().encode() + LINE,
    "all quoted": HEADER.encode() + b'"1","2","glucose","3.5"\n',
}
BROKEN = {
    "empty": (b"", "no header line"),
    "only a line end": (b"\n", "no header line"),
    "no line end": (HEADER.encode() + LINE[:-1], "does not end with a line end"),
    "cut in a line": (HEADER.encode() + LINE + LINE[:5], "does not end with a line end"),
    "cut in a quoted field": (HEADER.encode() + LINE + b'2,3,"cut\n', "ends inside a quoted field"),
    "a quote that is never closed": (HEADER.encode() + b'2,3,"open,1\n' + LINE * 3, "ends inside a quoted field"),
    "a quote that closes in another row": (HEADER.encode() + b'2,3,"open,1\n1,2,"b",3\n', "text after a closing quote"),
    "a quote in a bare field": (HEADER.encode() + b'2,3,5" tube,1\n', "a quote inside a bare field"),
    "text after a closing quote": (HEADER.encode() + b'2,3,"a"b,1\n', "text after a closing quote"),
    "NUL": (HEADER.encode() + b"1,2,glu\0cose,3\n", "holds a NUL byte"),
    "NUL in the header": (b"labid\0,minute,name,value\n" + LINE, "holds a NUL byte"),
    "a hole of NULs": (HEADER.encode() + b"\0" * 4096 + b"\n" + LINE, "holds a NUL byte"),
    "UTF-16": ((HEADER.encode() + LINE).decode().encode("utf-16"), "holds a NUL byte"),
    "latin-1 in a column that is not read": (HEADER.encode()[:-1] + b",note\n1,2,glucose,3.5,caf\xe9\n", "not UTF-8"),
    "latin-1 in a line with the wrong number of fields": (HEADER.encode() + b"1,caf\xe9\n", "not UTF-8"),
    "cut in a character": (HEADER.encode() + LINE + b"\n\xc2", "not UTF-8"),
    "latin-1": (HEADER.encode() + b"1,2,caf\xe9,3\n", "not UTF-8"),
    "a gzip file": (PACKED, None),
    "a header without end": (b"labid," * 300_000, "no line end in its first MiB"),
    "old line ends": ((HEADER.encode() + LINE).replace(b"\n", b"\r"), "line end inside a column's name"),
    "a line end in a quoted column's name": (
        b'labid,minute,name,value,"two\nlines"\n' + LINE,
        "inside a column's name",
    ),
    "a row without end": (HEADER.encode() + b'1,2,"' + b"x" * (5 << 20) + b'",3\n', "a row larger than 4 MiB"),
}


@pytest.mark.parametrize("case", SAME)
@pytest.mark.parametrize("packed", [False, True], ids=["csv", "gz"])
def test_other_spellings_of_the_same_table(tmp_path: Path, case: str, packed: bool):
    data = gzip.compress(SAME[case]) if packed else SAME[case]
    assert ours(write(tmp_path, data, "lab.csv.gz" if packed else "lab.csv")) == ([("1", "2", "glucose", "3.5")], 0)


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("packed", [False, True], ids=["csv", "gz"])
def test_a_broken_text_is_named(tmp_path: Path, case: str, packed: bool):
    data, message = BROKEN[case]
    data = gzip.compress(data) if packed else data
    with pytest.raises(SourceError, match=message):
        ours(write(tmp_path, data, "lab.csv.gz" if packed else "lab.csv"))


@pytest.mark.parametrize("data", [TEXT_BYTES, zipped(TEXT_BYTES), b"\x28\xb5\x2f\xfd" + PACKED, b"<html>404</html>\n"])
def test_a_gz_that_is_something_else(tmp_path: Path, data: bytes):
    with pytest.raises(BrokenFileError, match="cannot be read to its end"):
        ours(write(tmp_path, data))


def test_ragged_lines_are_counted_never_dropped(tmp_path: Path):
    data = HEADER.encode() + b"1,2,3\n" + LINE + b"1,2,3,4,5\n" + b"   \n" + LINE
    assert ours(write(tmp_path, data, "lab.csv")) == ([("1", "2", "glucose", "3.5")] * 2, 3)


def test_a_table_without_rows_is_a_table(tmp_path: Path):
    assert ours(write(tmp_path, HEADER.encode(), "lab.csv")) == ([], 0)
    assert ours(write(tmp_path, gzip.compress(HEADER.encode()))) == ([], 0)


def mutated(text: bytes, rng: random.Random) -> bytes:
    """The text with one to three bytes changed, taken out, put in, or a piece of it cut, doubled or moved."""
    data = bytearray(text)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(data))
        kind = rng.randrange(7)
        if kind == 0:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[place] = rng.choice(b'",\n\r\0 x9\xff')
        elif kind == 2:
            data.insert(place, rng.choice(b'",\n\r\0 x9\xff'))
        elif kind == 3:
            del data[place]
        elif kind == 4:
            del data[place : place + rng.randrange(60)]
        elif kind == 5:
            data[place:place] = data[place : place + rng.randrange(60)]
        else:
            del data[place:]
        if not data:
            return b"x"
    return bytes(data)


@pytest.mark.slow
def test_mutations_of_a_csv_read_as_the_csv_module_reads_them_or_are_refused(tmp_path: Path):
    """No checksum guards a plain csv: a digit may change. But no row that a strict reader sees is ever missed."""
    rng, count, silent, refused = random.Random(11), max(100, round(4000 * SCALE)), 0, 0
    for _ in range(count):
        text = mutated(TEXT_BYTES, rng)
        right = by_the_csv_module(text)
        wrong = is_silent(ours, write(tmp_path, text, "lab.csv"), right)
        silent += wrong
        refused += right is None
    assert silent == 0
    assert refused > count / 50
    print(f"silent mutations of a csv: {none_of(count)}")


@pytest.mark.slow
def test_mutations_of_a_gzip_file_give_the_same_rows_or_are_refused(tmp_path: Path):
    rng, count, silent = random.Random(12), max(100, round(1000 * SCALE)), 0
    for _ in range(count):
        silent += is_silent(ours, write(tmp_path, mutated(PACKED, rng)), WHOLE)
    assert silent == 0
    print(f"silent mutations of a gzip file: {none_of(count)}")


def without_the_end(path: Path) -> Answer:
    """A reader that takes what it can unpack and does not ask whether the file ended."""
    text = zlib.decompressobj(31).decompress(path.read_bytes())
    return by_the_csv_module(text[: text.rindex(b"\n") + 1]) or ([], 0)


def the_parser_alone(path: Path) -> Answer:
    """pyarrow without the checks: one stray quote swallows lines."""
    ragged = []

    def skip(row: pacsv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    parsing = pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip)
    as_text = pacsv.ConvertOptions(column_types=dict.fromkeys(TABLE.columns, "string"), strings_can_be_null=True)
    table = pacsv.read_csv(path, parse_options=parsing, convert_options=as_text)
    return [tuple(row.values()) for row in table.to_pylist()], len(ragged)


def test_a_reader_that_ignores_the_end_is_caught(tmp_path: Path):
    """Negative controls: both readers take the sound file, and both are seen to lose rows of a broken one."""
    assert not is_silent(without_the_end, write(tmp_path, PACKED), WHOLE)
    assert is_silent(without_the_end, write(tmp_path, PACKED[:-40]), WHOLE)
    sound = HEADER.encode() + LINE
    assert the_parser_alone(write(tmp_path, sound, "lab.csv")) == by_the_csv_module(sound)
    swallowed = HEADER.encode() + b'2,3,"open,1\n' + LINE * 3
    assert is_silent(the_parser_alone, write(tmp_path, swallowed, "lab.csv"), by_the_csv_module(swallowed))


def test_published_sums_are_checked_on_entry(tmp_path: Path):
    raw = small().write(tmp_path / "raw")
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in raw.iterdir()}
    lines = [f"{digest} {'*' if name.startswith('l') else ' '}{name}" for name, digest in sums.items()]
    (raw / "SHA256SUMS.txt").write_text("\n".join([*lines, "0" * 64 + "  absent.csv.gz", "not a line"]) + "\n")
    prepare(raw, tmp_path / "sound")
    lab = raw / "lab.csv.gz"
    lab.write_bytes(gzip.compress(gzip.decompress(lab.read_bytes()).replace(b"glucose", b"lactate"), mtime=0))
    with pytest.raises(BrokenFileError, match=r"lab\.csv\.gz differs from SHA256SUMS\.txt"):
        prepare(raw, tmp_path / "changed")
    assert not (tmp_path / "changed").exists()


@pytest.mark.parametrize("table", ["patient", "lab", "vitalPeriodic"])
@pytest.mark.parametrize("fault", ["cut", "flip", "quote"])
def test_prepare_leaves_nothing_of_a_broken_folder(tmp_path: Path, table: str, fault: str):
    raw = tiny().write(tmp_path / "raw", packed=fault != "quote")
    path = raw / f"{table}.csv{'' if fault == 'quote' else '.gz'}"
    data = bytearray(path.read_bytes())
    if fault == "cut":
        del data[-9:]
    elif fault == "flip":
        data[-6] ^= 4
    else:
        data[data.rindex(b",") + 1 :] = b'"swallowed\n'
    path.write_bytes(data)
    with pytest.raises(BrokenFileError, match=path.name):
        prepare(raw, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def challenge_answer(archive: bytes, folder: Path) -> tuple[int, dict] | None:
    """Events and ledger of a set's archive; None where it is refused with a typed error, and nothing is left."""
    folder.mkdir()
    (folder / "set-a.tar.gz").write_bytes(archive)
    try:
        data = raw_challenge.prepare(folder, folder / "data")
    except BrokenFileError:
        assert not (folder / "data").exists()
        return None
    return data.events.height, data.ledger


def test_an_archive_of_records_that_is_cut_or_flipped_is_refused_or_the_same(tmp_path: Path):
    whole = raw_challenge.tar_of("set-a", raw_challenge.tiny_set().texts())
    right = challenge_answer(whole, tmp_path / "whole")
    assert right is not None
    assert right[1]["records"]["rows_out"] == 3
    rng, refused = random.Random(11), 0
    for case in range(60):
        broken = bytearray(whole)
        if case % 2:
            broken = broken[: rng.randrange(len(whole))]
        else:
            broken[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        answer = challenge_answer(bytes(broken), tmp_path / str(case))
        assert answer in (None, right)
        refused += answer is None
    assert refused >= 50


def test_records_of_a_folder_that_are_cut_in_a_line_are_refused(tmp_path: Path):
    """A cut right between two lines of a plain file shows in nothing: the archive, which has sums, is read first."""
    folder = raw_challenge.tiny_set().write(tmp_path / "raw")
    path = folder / "set-a" / "132539.txt"
    text = path.read_bytes()
    for length in range(0, len(text), 7):
        path.write_bytes(text[:length])
        if text[:length].endswith(b"\n"):
            continue
        with pytest.raises(BrokenFileError, match="set-a: record file 1"):
            raw_challenge.prepare(folder, tmp_path / "data")
        assert not (tmp_path / "data").exists()


MEDS_SHARD = Path("data/train/0.parquet")


def meds_answer(shard: bytes, folder: Path, sums: str = "") -> tuple[int, dict] | None:
    """Events and ledger of a MEDS data set with this shard; None where it is refused with a typed error."""
    raw_meds.tiny().write(folder)
    (folder / MEDS_SHARD).write_bytes(shard)
    if sums:
        (folder / "SHA256SUMS.txt").write_text(f"{sums} {MEDS_SHARD.as_posix()}\n")
    began = time.monotonic()
    try:
        data = raw_meds.prepare(folder, folder / "made")
    except SourceError as error:
        words = ("0.parquet", "no shard has column", "may hold units")  # the latter of a column of another name
        named = any(each in str(error) for each in words)
        return None if named and not (folder / "made").exists() else (-1, {})
    finally:
        assert time.monotonic() - began < 10, "a hang"
    return data.events.height, data.ledger


@pytest.fixture(scope="module")
def meds_shard(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return (raw_meds.tiny().write(tmp_path_factory.mktemp("meds"), row_group=16) / MEDS_SHARD).read_bytes()


def test_a_shard_of_meds_that_is_cut_is_refused(tmp_path: Path, meds_shard: bytes):
    lengths = range(0, len(meds_shard), max(1, len(meds_shard) // 100))
    for length in lengths:
        assert meds_answer(meds_shard[:length], tmp_path / str(length)) is None
    print(f"silent cuts: {none_of(len(lengths))}")


def flipped_at_random(data: bytes, rng: random.Random) -> bytes:
    broken = bytearray(data)
    broken[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(broken)


def test_a_shard_of_meds_that_is_flipped_is_refused_where_its_sum_is_known(tmp_path: Path, meds_shard: bytes):
    rng, digest = random.Random(11), hashlib.sha256(meds_shard).hexdigest()
    assert meds_answer(meds_shard, tmp_path / "whole", digest) is not None
    for case in range(20):
        assert meds_answer(flipped_at_random(meds_shard, rng), tmp_path / str(case), digest) is None


def test_a_shard_of_meds_that_is_flipped_never_loses_a_row(tmp_path: Path, meds_shard: bytes):
    """Parquet need not have checksums, so a changed value can pass as another; a row cannot go."""
    rng, refused, cases = random.Random(12), 0, max(60, round(600 * SCALE))
    for case in range(cases):
        answer = meds_answer(flipped_at_random(meds_shard, rng), tmp_path / str(case))
        refused += answer is None
        assert answer is None or answer[1]["data"]["rows_in"] == len(raw_meds.tiny().rows)
    assert refused > cases / 20
    print(f"{refused} of {cases} flips refused; rows lost: {none_of(cases - refused)}")


def test_a_shard_of_meds_with_page_checksums_is_refused_or_the_same(tmp_path: Path, meds_shard: bytes):
    """Where the writer gave checksums they are held against the pages: no value passes as another."""
    path = tmp_path / "sums.parquet"
    path.write_bytes(meds_shard)
    pq.write_table(pq.read_table(path), path, write_page_checksum=True, compression="none", write_statistics=False)
    summed, rng = path.read_bytes(), random.Random(13)
    right = meds_answer(summed, tmp_path / "whole")
    body = len(summed) - 8 - int.from_bytes(summed[-8:-4], "little")
    differing = 0
    for case in range(60):
        broken = bytearray(summed)
        broken[rng.randrange(4, body)] ^= 1 << rng.randrange(8)
        differing += meds_answer(bytes(broken), tmp_path / str(case)) not in (None, right)
    assert differing == 0
