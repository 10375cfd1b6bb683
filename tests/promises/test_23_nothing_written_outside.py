"""Promise 23: nothing is written outside the folder, whatever the names in an archive, a list or a URL say.

More than 80 hostile archives and thousands of generated names are extracted inside a watched sandbox. The watch itself
is tested: a naive extractor, and our own with a rule taken out, are seen to escape.
"""

import contextlib
import gzip
import hashlib
import io
import json
import os
import random
import re
import shutil
import stat
import struct
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest

from raw_meds import RawMeds
from raw_meds import prepare as prepare_meds
from raw_meds import tiny as tiny_meds
from wardround.errors import BrokenFileError, FetchError
from wardround.export import export_meds
from wardround.sources import archive_formats, names, pipeline
from wardround.sources.archive import extract
from wardround.sources.names import check_name
from wardround.sources.open_demos import read_sums

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
N_NAMES = round(10_000 * SCALE)


# --- the watch ------------------------------------------------------------------------------------------------------


@dataclass
class Watch:
    """A sandbox with bystanders on every level; says what changed in it outside of the destination."""

    sandbox: Path
    before: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.arena.mkdir(parents=True)
        for folder in (self.sandbox, self.sandbox / "a", self.arena):
            (folder / "bystander").write_text("untouched")
        self.before = self.state()

    @property
    def arena(self) -> Path:
        return self.sandbox / "a/b"

    @property
    def to(self) -> Path:
        return self.arena / "to"

    def state(self) -> dict[str, tuple[int, bytes]]:
        found = {}
        for path in self.sandbox.rglob("*"):
            if path == self.to or self.to in path.parents:
                continue
            kind, content = stat.S_IFMT(path.lstat().st_mode), b""
            if stat.S_ISREG(kind):
                content = path.read_bytes()
            elif stat.S_ISLNK(kind):
                content = os.fsencode(os.readlink(path))
            found[str(path)] = (kind, content)
        return found

    def escapes(self) -> set[str]:
        """What was added, removed or changed outside of the destination."""
        now = self.state()
        return {path for path in {*self.before, *now} if self.before.get(path) != now.get(path)}

    def clear(self) -> None:
        shutil.rmtree(self.to, ignore_errors=True)


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path / "sandbox")


# --- hostile archives, byte by byte ---------------------------------------------------------------------------------


def tar_entry(
    name: bytes, content: bytes = b"", kind: bytes = b"0", link: bytes = b"", size: int | None = None
) -> bytes:
    """One entry with a header of GNU format; a long name, or one with a NUL, comes as a GNU long name."""
    if len(name) > 100 or b"\0" in name:
        return tar_entry(b"././@LongLink", name + b"\0", b"L") + tar_entry(b"x", content, kind, link, size)
    length = len(content) if size is None else size
    number = b"%011o\0" % length if length < 8**11 else b"\x80" + length.to_bytes(11, "big")
    start = name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + number + b"%011o\0" % 0
    end = kind + link.ljust(100, b"\0") + b"ustar  \0" + bytes(80) + bytes(16) + bytes(151)
    checksum = sum(start) + sum(end) + 8 * 32
    return (start + b"%06o\0 " % checksum + end).ljust(512, b"\0") + content + bytes(-len(content) % 512)


def tar_gz(*entries: bytes) -> bytes:
    return gzip.compress(b"".join(entries) + bytes(1024), 1, mtime=0)


def pax(kind: bytes = b"x", **records: str) -> bytes:
    text = b""
    for key, value in records.items():
        record = f" {key.replace('__', '.')}={value}\n".encode()
        length = next(n for n in range(len(record), len(record) + 9) if len(str(n)) + len(record) == n)
        text += str(length).encode() + record
    return tar_entry(b"pax", text, kind)


@dataclass
class ZipEntry:
    """An entry of a zip, with whatever it lies about."""

    name: bytes
    content: bytes = b"x"
    mode: int = 0
    flags: int = 0
    method: int = 0
    size: int | None = None
    local_name: bytes | None = None


def zipped(*entries: ZipEntry, overlap: bool = False) -> bytes:
    body, directory = b"", b""
    for entry in entries:
        data = entry.content if entry.method == 0 else zlib.compress(entry.content, 9)[2:-4]
        size = len(entry.content) if entry.size is None else entry.size
        local = entry.name if entry.local_name is None else entry.local_name
        common = struct.pack(
            "<HHHHHIII", 20, entry.flags, entry.method, 0, 33, zlib.crc32(entry.content), len(data), size
        )
        at = 0 if overlap else len(body)
        if not (overlap and body):
            body += b"PK\3\4" + common + struct.pack("<HH", len(local), 0) + local + data
        attributes = struct.pack("<HHHHHII", len(entry.name), 0, 0, 0, 0, entry.mode << 16, at)
        directory += b"PK\1\2" + struct.pack("<H", 0x0314) + common + attributes + entry.name
    counts = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(directory), len(body), 0)
    return body + directory + b"PK\5\6" + counts


def hostile_names(sandbox: Path) -> list[bytes]:
    """Names that lead out, hide, or mean something else on another system."""
    absolute = os.fsencode(sandbox / "escaped")
    return [
        b"../escaped", b"../../escaped", b"x/../../escaped", b"./../escaped", b"..", b"x/..", b"/", b"", absolute,
        b"/" + absolute, b"x//escaped", b"x/./escaped", b".", b"..\\escaped", b"x\\..\\..\\escaped", b"\\escaped",
        b"\\\\host\\share\\escaped", b"C:/escaped", b"C:escaped", b"c:\\escaped", b"x:stream", b"%2e%2e/escaped",
        b"..%2fescaped", b"x#escaped", b"x?escaped", b"x\0/../escaped", b"x\nescaped", b"x\x1b[2Jescaped", b"x\x7f",
        b".hidden", b".ssh/authorized_keys", b"x.", b"x ", b" x", b"con", b"NUL.csv", b"com1", b"~/escaped", b"-rf",
        b"x*", b"x" * 201, b"x/" * 40 + b"x", b"x" * 5000, "é".encode(), "x\u202etxt".encode(), b"\xff\xfe", b"...",
        b"x...y",
    ]  # fmt: skip


def hostile_archives(sandbox: Path) -> dict[str, bytes]:
    """File name -> content, every one of which must be refused whole."""
    found: dict[str, bytes] = {}
    fine, outside = tar_entry(b"fine.csv", b"fine"), os.fsencode(sandbox)
    for number, name in enumerate(hostile_names(sandbox)):
        found[f"name-{number}.tar.gz"] = tar_gz(fine, tar_entry(name, b"x"))
        found[f"name-{number}.zip"] = zipped(ZipEntry(b"fine.csv"), ZipEntry(name))
    for kind in b"12346789SMNVDKXA":
        found[f"kind-{chr(kind)}.tar.gz"] = tar_gz(fine, tar_entry(b"x", b"", bytes([kind]), b"../../escaped"))
    tars = {
        "link-then-file": [tar_entry(b"x", b"", b"2", outside), tar_entry(b"x/escaped", b"x")],
        "hard-link-then-file": [tar_entry(b"x", b"", b"1", outside + b"/bystander"), tar_entry(b"x", b"x")],
        "pax-name": [pax(path="../escaped"), tar_entry(b"x", b"x")],
        "pax-absolute": [pax(path=str(sandbox / "escaped")), tar_entry(b"x", b"x")],
        "pax-link": [pax(linkpath="../escaped"), tar_entry(b"x", b"x")],
        "pax-size": [pax(size="1"), tar_entry(b"x", b"x" * 2000)],
        "pax-sparse": [pax(GNU__sparse__major="1"), tar_entry(b"x", b"x")],
        "pax-global-name": [pax(b"g", path="../escaped"), tar_entry(b"x", b"x")],
        "pax-malformed": [tar_entry(b"pax", b"999 path=../escaped\n", b"x"), tar_entry(b"x", b"x")],
        "pax-endless": [tar_entry(b"pax", b"0 path=../escaped\n", b"x"), tar_entry(b"x", b"x")],
        "folder-with-content": [tar_entry(b"x/", b"content", b"5")],
        "folder-outside": [tar_entry(b"../escaped/", b"", b"5")],
        "twice": [fine, fine],
        "case": [fine, tar_entry(b"FINE.csv", b"x")],
        "case-of-folder": [tar_entry(b"d/x", b"x"), tar_entry(b"D/y", b"y")],
        "file-as-folder": [tar_entry(b"x", b"x"), tar_entry(b"x/y", b"y")],
        "folder-as-file": [tar_entry(b"x/y", b"y"), tar_entry(b"x", b"x")],
        "bomb": [tar_entry(b"zeros", bytes(5_000_000))],
        "lying-size": [fine, tar_entry(b"x", b"x", size=10**6)],
        "huge-size": [fine, tar_entry(b"x", b"x", size=8**11 + 1)],
        "checksum": [fine, tar_entry(b"x", b"x").replace(b"0000644", b"0000645")],
        "long-name-only": [fine, tar_entry(b"././@LongLink", b"../escaped\0", b"L")],
    }
    found |= {f"{label}.tar.gz": tar_gz(*entries) for label, entries in tars.items()}
    zips = {
        "link": zipped(ZipEntry(b"x", b"../../escaped", mode=stat.S_IFLNK | 0o777)),
        "link-then-file": zipped(ZipEntry(b"x", outside, mode=stat.S_IFLNK), ZipEntry(b"x/escaped")),
        "device": zipped(ZipEntry(b"x", mode=stat.S_IFBLK)),
        "pipe": zipped(ZipEntry(b"x", mode=stat.S_IFIFO)),
        "socket": zipped(ZipEntry(b"x", mode=stat.S_IFSOCK)),
        "folder-without-slash": zipped(ZipEntry(b"x", mode=stat.S_IFDIR)),
        "folder-with-content": zipped(ZipEntry(b"x/", b"content")),
        "encrypted": zipped(ZipEntry(b"x", flags=1)),
        "strongly-encrypted": zipped(ZipEntry(b"x", flags=0x41)),
        "masked-header": zipped(ZipEntry(b"x", flags=0x2000)),
        "lzma": zipped(ZipEntry(b"x", method=14)),
        "twice": zipped(ZipEntry(b"x"), ZipEntry(b"x")),
        "case": zipped(ZipEntry(b"x"), ZipEntry(b"X")),
        "file-as-folder": zipped(ZipEntry(b"x"), ZipEntry(b"x/y")),
        "two-names": zipped(ZipEntry(b"x", local_name=b"../escaped")),
        "bomb": zipped(ZipEntry(b"x", bytes(5_000_000), method=8)),
        "overlapping-bomb": zipped(*(ZipEntry(b"%d" % n, bytes(90_000), method=8) for n in range(100)), overlap=True),
        "size-too-small": zipped(ZipEntry(b"x", bytes(2000), method=8, size=1)),
        "size-too-large": zipped(ZipEntry(b"x", b"x", method=8, size=2000)),
        "size-huge": zipped(ZipEntry(b"x", b"x", size=2**31)),
    }
    return found | {f"{label}.zip": content for label, content in zips.items()}


def test_the_builders_build_what_is_let_through(watch: Watch) -> None:
    """Otherwise a refusal below would prove nothing."""
    tree = {"fine.csv": b"fine", "d/y": b"y"}
    tar = tar_gz(tar_entry(b"d/", b"", b"5"), *(tar_entry(n.encode(), c) for n, c in tree.items()))
    long = tar_gz(tar_entry(b"d/" + b"x" * 120, b"long"), pax(path="p.csv"), tar_entry(b"x", b"pax"))
    zip_ = zipped(
        ZipEntry(b"d/", b"", mode=stat.S_IFDIR), *(ZipEntry(n.encode(), c, method=8) for n, c in tree.items())
    )
    for name, content, expected in (
        ("a.tar.gz", tar, sorted(tree)),
        ("a.zip", zip_, sorted(tree)),
        ("long.tgz", long, ["d/" + "x" * 120, "p.csv"]),
    ):
        (watch.arena / name).write_bytes(content)
        assert extract(watch.arena / name, watch.to) == expected
        (watch.arena / name).unlink()
        watch.clear()
    assert watch.escapes() == set()


def test_hostile_archives_write_nothing_at_all(watch: Watch) -> None:
    archives = hostile_archives(watch.sandbox)
    assert len(archives) >= 80
    accepted = []
    for name, content in archives.items():
        (watch.arena / name).write_bytes(content)
        try:
            extract(watch.arena / name, watch.to)
        except BrokenFileError:
            pass
        else:
            accepted.append(name)
        (watch.arena / name).unlink()
        assert watch.escapes() == set(), name
        assert not watch.to.exists() or name in accepted, f"{name}: refused, yet something was written"
        watch.clear()
    assert accepted == []
    print(f"hostile archives: 0 of {len(archives)} wrote anything (upper 95 % bound {3 / len(archives):.3f})")


# --- generated names ------------------------------------------------------------------------------------------------

FRAGMENTS = [
    "..", ".", "...", "", "a", "b.csv", "set-a", "x y", "x" * 90, "x" * 220, "C:", "c:x", "~", "-", "con", "NUL.txt",
    "é", "\u202e", " ", "%2e%2e", "%2f", "%00", "#", "?", "\0", "\n", "\x7f", "\\", "..\\", ".ssh", "_", "a.", "a ",
    "\udcff",
]  # fmt: skip
JOINTS = ["/", "/", "/", "/", "//", "\\", "", "/../", "/./"]


def generated_names(count: int, sandbox: Path) -> Iterator[str]:
    """Names from hostile and harmless fragments; the seed is fixed."""
    draw = random.Random(23)
    for _ in range(count):
        name = draw.choice(["", "", "", "", "/", "../", "./", "//", f"{sandbox}/"])
        for _ in range(draw.randint(1, 4)):
            harmless = draw.random() < 0.6
            name += draw.choice(["a", "b.csv", "set-a", "c_d"] if harmless else FRAGMENTS)
            name += "/" if harmless else draw.choice(JOINTS)
        yield name if draw.random() < 0.1 else name.rstrip("/")


WINDOWS_DEVICES = {"con", "nul", "aux", "prn", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


def stays_inside(name: str, sandbox: Path) -> bool:
    """An independent judgement: on POSIX, on Windows, and in a URL, the name stays below where it is put."""
    if not name.isprintable():
        return False
    base = "https://physionet.org/files/x/1.0/"
    url = urljoin(base, quote(name))
    on_windows = PureWindowsPath("D:/raw") / name
    parts = on_windows.parts[2:]
    return (
        Path(os.path.normpath(sandbox / name)) == sandbox / PurePosixPath(name)
        and (sandbox / name).is_relative_to(sandbox)
        and on_windows.is_relative_to(PureWindowsPath("D:/raw"))
        and not any(part == ".." or ":" in part or part != part.rstrip(". ") for part in parts)
        and not any(part.split(".")[0].rstrip().lower() in WINDOWS_DEVICES for part in parts)
        and url == base + quote(name)
        and unquote(urlsplit(url).path) == urlsplit(base + name).path == urlsplit(base).path + name
        and name == unquote(name)
    )


def test_generated_names_never_escape(watch: Watch) -> None:
    n_kept, n_refused = 0, 0
    for number, name in enumerate(generated_names(N_NAMES, watch.sandbox)):
        raw = name.encode("utf-8", errors="surrogateescape")
        archive = watch.arena / ("a.zip" if number % 2 else "a.tar.gz")
        archive.write_bytes(zipped(ZipEntry(raw)) if number % 2 else tar_gz(tar_entry(raw, b"x")))
        try:
            written = extract(archive, watch.to)
        except BrokenFileError:
            n_refused += 1
            assert not watch.to.exists(), ascii(name)
        else:
            n_kept += 1
            assert stays_inside(name.removeprefix("./"), watch.sandbox), ascii(name)
            assert written == [name.removeprefix("./")]
            assert (watch.to / written[0]).read_bytes() == b"x"
        archive.unlink()
        assert watch.escapes() == set(), ascii(name)
        watch.clear()
    assert min(n_kept, n_refused) >= N_NAMES // 10  # neither side of the rule is empty
    print(f"generated names: 0 of {n_kept + n_refused} escaped (upper 95 % bound {3 / N_NAMES:.4f})")


def test_generated_names_in_a_list_of_files_never_leave_the_folder_or_the_url(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    n_kept = 0
    for name in generated_names(N_NAMES, tmp_path):
        try:
            listed = read_sums(f"{digest} {name}\n".encode("utf-8", errors="surrogateescape"), "here")
        except FetchError:
            continue
        n_kept += 1
        assert all(stays_inside(kept, tmp_path) for kept in listed), ascii(name)
    assert n_kept >= N_NAMES // 10


# --- negative controls: the watch sees an escape --------------------------------------------------------------------


NAIVE = ["name-0", "name-1", "name-8", "link-then-file", "hard-link-then-file", "pax-name", "pax-absolute"]
UNCHECKED = ["name-0.tar.gz", "name-1.zip", "name-2.zip", "name-8.tar.gz", "pax-name.tar.gz", "folder-outside.tar.gz"]


@pytest.mark.parametrize("label", NAIVE)
def test_control_a_naive_extractor_is_caught(watch: Watch, label: str) -> None:
    content = hostile_archives(watch.sandbox)[f"{label}.tar.gz"]
    watch.to.mkdir()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        tar.extractall(watch.to, filter="fully_trusted")
    assert watch.escapes()


@pytest.mark.parametrize("label", UNCHECKED)
def test_control_our_extractor_without_the_rule_for_names_is_caught(
    watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, label: str
) -> None:
    for module in (names, archive_formats):
        monkeypatch.setattr(module, "check_name", lambda *_: None)
    archive = tmp_path / label
    archive.write_bytes(hostile_archives(watch.sandbox)[label])
    extract(archive, watch.to)
    assert watch.escapes()


@pytest.mark.parametrize("taken_out", ["parts", "characters", "devices"])
def test_control_names_that_a_weaker_rule_lets_through_are_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken_out: str
) -> None:
    if taken_out == "parts":
        monkeypatch.setattr(names, "_is_plain", lambda part: True)
    elif taken_out == "characters":
        monkeypatch.setattr(names, "_PART", re.compile(r"(?!\.{1,2}$).+"))
    else:
        monkeypatch.setattr(names, "_DEVICE", re.compile("(?!)"))
    caught = 0
    for name in generated_names(2000, tmp_path):
        with contextlib.suppress(BrokenFileError):
            check_name(name, "here")
            caught += not stays_inside(name, tmp_path)
    assert caught


# --- a MEDS data set whose words are hostile ------------------------------------------------------------------------

WORDS = ["../../escaped", "/{sandbox}/escaped", "a/../../../escaped", "..", "C:\\escaped", "x\0y", "con", "é/../../z"]
SHARDS = [
    "x..parquet",
    "con.parquet",
    "a b.parquet",
    "-rf.parquet",
    "~.parquet",
    "%2e%2e%2fescaped.parquet",
    "#.parquet",
]


def hostile_meds(folder: Path, sandbox: Path, word: str, draw: random.Random) -> RawMeds:
    """The tiny data set with that word for every name that a data set gives: codes, ids, texts, its own, its pool's."""
    word = word.replace("{sandbox}", str(sandbox))
    raw = tiny_meds()
    raw.add(1, "2150-01-01 12:30", f"LAB//{word}", 4.0, word).add(1, "2150-01-01 12:40", "HR", 77.0, visit=word)
    raw.dataset = {"dataset_name": word, "meds_version": "0.4.1", "etl_name": word, "patient_pool": word}
    quoted = json.dumps(word)
    raw.mapping = f"patient_pool = {quoted}\n" + raw.mapping.replace('"a small hospital"', quoted)
    raw.mapping += f'\n[[left_out]]\ncodes = ["XYZ//*"]\nwhy = {quoted}\n'
    raw.add(1, "2150-01-01 12:50", "XYZ//1").write(folder)
    (shard,) = (folder / "data").rglob("*.parquet")
    nested = folder / "data" / draw.choice(["a b", "c..d", "~", "x" * 90]) / draw.choice(SHARDS)
    nested.parent.mkdir(parents=True)
    shard.rename(nested)
    return raw


def all_of_meds(raw: Path, to: Path) -> None:
    """Everything that is written of a MEDS data set: DATA, an export with labels, and that read back."""
    prepare_meds(raw, to / "data")
    export_meds(to / "data", to / "meds", ["mortality"], quiet=True)
    prepare_meds(to / "meds", to / "back")


@pytest.mark.parametrize("number", range(len(WORDS)))
def test_hostile_words_of_a_meds_data_set_name_no_file(watch: Watch, number: int) -> None:
    raw = watch.arena / "raw"
    hostile_meds(raw, watch.sandbox, WORDS[number], random.Random(number))
    watch.before = watch.state()
    all_of_meds(raw, watch.to)
    assert watch.escapes() == set()
    written = {path.relative_to(watch.to).as_posix() for path in watch.to.rglob("*") if path.is_file()}
    assert all(stays_inside(name, watch.sandbox) for name in written)
    ours = re.compile(r"(data|meds|back)/((data/\d+|stays|labels/mortality_24h|metadata/\w+)\.parquet|[\w/]+\.json)")
    assert [name for name in written if not ours.fullmatch(name)] == [], "no word of the data is in a name"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_control_a_file_named_by_the_data_set_is_caught(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Planted fault: the metadata also go to a file that is named as the data set is."""
    original = pipeline.files.write_json

    def careless(path: Path, value: Any) -> None:
        original(path, value)
        if path.name == "dataset.json":
            original(path.parent / value["dataset_name"], value)

    raw = watch.arena / "raw"
    hostile_meds(raw, watch.sandbox, WORDS[number], random.Random(number))
    watch.before = watch.state()
    monkeypatch.setattr(pipeline.files, "write_json", careless)
    all_of_meds(raw, watch.to / "deep" / "er" / "folder")
    outside = {path for path in watch.to.rglob("escaped") if "metadata" not in path.parts}
    assert watch.escapes() or outside
