"""The extractor: what is let through comes out as it went in, what breaks a rule leaves nothing behind."""

import errno
import gzip
import io
import random
import tarfile
import traceback
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.errors import BrokenFileError, StorageError, UsageError
from wardround.sources import archive as archive_module
from wardround.sources.archive import extract, read_files
from wardround.sources.archive_formats import Limits
from wardround.sources.names import Entry, check_name, check_names

TREE = {
    "set-a/132539.txt": b"Time,Parameter,Value\n" * 50,
    "set-a/empty.txt": b"",
    "README (2).txt": random.Random(0).randbytes(3000),
}
FORMATS = {"USTAR": tarfile.USTAR_FORMAT, "GNU": tarfile.GNU_FORMAT, "PAX": tarfile.PAX_FORMAT}


def tar_gz(tree: dict[str, bytes], tar_format: int = tarfile.PAX_FORMAT, mtime: float = 0) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tar_format) as tar:
        for name, content in tree.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), mtime
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zipped(tree: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as out:
        for name, content in tree.items():
            out.writestr(name, content)
    return buffer.getvalue()


def written(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refuse(tmp_path: Path, name: str, content: bytes, match: str, limits: Limits | None = None) -> None:
    """Extraction is refused, and neither the destination nor a hidden folder is there afterwards."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BrokenFileError, match=match):
        extract(tmp_path / name, tmp_path / "out", limits)
    assert {path.name for path in tmp_path.iterdir()} == {name}
    (tmp_path / name).unlink()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_tar_comes_out_as_it_went_in(tmp_path: Path, kind: str) -> None:
    tree = {**TREE, "deep/" * 25 + "x" * 90 + ".csv": b"long name"}
    (tmp_path / "a.TGZ").write_bytes(tar_gz(tree, FORMATS[kind], mtime=1.5 if kind == "PAX" else 1))
    assert extract(tmp_path / "a.TGZ", tmp_path / "out/x") == sorted(tree)
    assert written(tmp_path / "out/x") == tree
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"x"}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_comes_out_as_it_went_in(tmp_path: Path, method: int) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({**TREE, "folder/": b""}, method))
    (tmp_path / "out").mkdir()
    assert extract(tmp_path / "a.zip", tmp_path / "out") == sorted(TREE)
    assert written(tmp_path / "out") == TREE
    assert (tmp_path / "out/folder").is_dir()


def test_a_tree_packed_from_dot_is_read(tmp_path: Path) -> None:
    (tmp_path / "tree/sub").mkdir(parents=True)
    (tmp_path / "tree/sub/a.csv").write_bytes(b"a")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "tree", arcname=".")
    assert extract(tmp_path / "a.tar.gz", tmp_path / "out") == ["sub/a.csv"]


def test_no_mode_of_the_archive_is_taken_over(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("tool")
        info.mode = 0o6777
        tar.addfile(info)
    extract(tmp_path / "a.tar.gz", tmp_path / "out")
    assert (tmp_path / "out/tool").stat().st_mode & 0o7111 == 0


# --- size -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bomb.tar.gz", "bomb.zip"])
def test_a_bomb_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    tree = {"zeros.csv": bytes(20_000_000)}
    refuse(tmp_path, name, zipped(tree) if name.endswith("zip") else tar_gz(tree), "too much for its size")


def test_a_bomb_after_the_end_mark_is_a_bomb(tmp_path: Path) -> None:
    whole = gzip.decompress(tar_gz({"a": b"a"})) + bytes(20_000_000)
    refuse(tmp_path, "a.tar.gz", gzip.compress(whole), "too much for its size")


def test_small_files_may_expand_further(tmp_path: Path) -> None:
    tree = {"zeros.csv": bytes(500_000)}
    (tmp_path / "a.tar.gz").write_bytes(tar_gz(tree))
    assert len(tar_gz(tree)) * 100 < 500_000
    assert extract(tmp_path / "a.tar.gz", tmp_path / "out") == ["zeros.csv"]


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
def test_the_caps_hold(tmp_path: Path, name: str) -> None:
    tree = {f"{number}.csv": b"x" for number in range(20)}
    content = zipped(tree) if name.endswith("zip") else tar_gz(tree)
    refuse(tmp_path, name, content, "more than 19 entries", Limits(entries=19))
    refuse(tmp_path, name, content, "more than 19 bytes", Limits(total_bytes=19))


def test_a_zip_whose_declared_size_lies_is_refused(tmp_path: Path) -> None:
    honest = zipped({"a.csv": bytes(range(200)) * 10}, zipfile.ZIP_STORED)
    size = (2000).to_bytes(4, "little")
    for lie in (1999, 2001, 1):
        refuse(tmp_path, "a.zip", honest.replace(size, lie.to_bytes(4, "little")), "cannot be read|shorter or longer")
    refuse(tmp_path, "a.zip", honest.replace(size, (2**31).to_bytes(4, "little")), "too much for its size")


def test_an_oversized_header_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("a")
        info.pax_headers = {"comment": random.Random(0).randbytes(50_000).hex()}
        tar.addfile(info)
    refuse(tmp_path, "a.tar.gz", (tmp_path / "a.tar.gz").read_bytes(), "oversized tar header")


# --- broken ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
def test_cut_anywhere_it_is_refused(tmp_path: Path, name: str) -> None:
    content = zipped(TREE) if name.endswith("zip") else tar_gz(TREE)
    for end in [*range(0, len(content), 97), len(content) - 1]:
        refuse(tmp_path, name, content[:end], "get it again")


@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["tar.gz", "tar", "zip"]))
def test_a_flipped_byte_never_gives_fewer_files_or_other_errors(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, kind: str
) -> None:
    """In the compressed bytes, and (for tar) in the plain ones under a gzip sum that fits again."""
    folder = tmp_path_factory.mktemp("flip")
    content = zipped(TREE) if kind == "zip" else tar_gz(TREE)
    content = gzip.decompress(content) if kind == "tar" else content
    at = data.draw(st.integers(0, len(content) - 1))
    flipped = content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :]
    path = folder / f"a.{'zip' if kind == 'zip' else 'tar.gz'}"
    path.write_bytes(gzip.compress(flipped) if kind == "tar" else flipped)
    try:
        names = extract(path, folder / "out")
    except BrokenFileError:
        assert {entry.name for entry in folder.iterdir()} == {path.name}
    else:
        assert len(names) == len(TREE)
        assert kind == "tar" or set(written(folder / "out").values()) == set(TREE.values())


@pytest.mark.parametrize(
    "content", [b"", b"PK\5\6" + bytes(18), b"plain text", gzip.compress(b"", mtime=0), gzip.compress(b"text", mtime=0)]
)
def test_what_its_name_does_not_say(tmp_path: Path, content: bytes) -> None:
    if not content.startswith(b"PK\5\6"):
        refuse(tmp_path, "a.zip", content, "not a plain zip")
    refuse(tmp_path, "a.tar.gz", content, "cannot be read to its end|end mark|not a tar archive")


def test_a_zip_with_a_comment_or_zip64_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO(zipped(TREE))
    with zipfile.ZipFile(buffer, "a") as out:
        out.comment = b"PK"
    refuse(tmp_path, "a.zip", buffer.getvalue(), "has a comment")
    plain = zipped(TREE)
    refuse(tmp_path, "a.zip", plain[:-22] + b"PK\6\7" + bytes(16) + plain[-22:], "zip64")
    refuse(tmp_path, "a.zip", plain[:-10] + b"\xff" * 3 + b"\x7f" + plain[-6:], "oversized directory")


def test_a_zip_directory_that_swallows_entries_is_refused(tmp_path: Path) -> None:
    """One flipped bit makes the next entry a comment of the one before; its end record still counts it."""
    plain = zipped({"a": b"a", "b": b"b"})
    comment_length = plain.index(b"PK\1\2") + 32
    swallowing = plain[:comment_length] + bytes([47]) + plain[comment_length + 1 :]
    with zipfile.ZipFile(io.BytesIO(swallowing)) as naive:
        assert naive.namelist() == ["a"]
    refuse(tmp_path, "a.zip", swallowing, "another number of entries")


def test_a_zip_directory_before_the_start_of_the_file_is_refused(tmp_path: Path) -> None:
    plain = zipped({"a": b"a"})
    local_offset = plain.index(b"PK\1\2") + 42
    refuse(tmp_path, "a.zip", plain[:local_offset] + b"\xff" * 4 + plain[local_offset + 4 :], "cannot be read|not a")
    at = plain.index(b"PK\5\6") + 16
    later = (int.from_bytes(plain[at : at + 4], "little") + 5).to_bytes(4, "little")
    refuse(tmp_path, "a.zip", plain[:at] + later + plain[at + 4 :], "an offset outside the file|cannot be read")


def test_a_tar_cut_under_a_gzip_sum_that_fits_is_refused(tmp_path: Path) -> None:
    plain = gzip.decompress(tar_gz({"a.csv": b"x" * 700, "b.csv": b"y" * 10}))
    for end in (0, 100, 512, 600, 1300, 1536, 1600, 2100, 2560, 2600):
        refuse(tmp_path, "a.tar.gz", gzip.compress(plain[:end]), "cut|end mark")


def test_a_disk_error_stays_a_disk_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(TREE))

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "I/O error")

    monkeypatch.setattr("zipfile.ZipFile.open", fail)
    with pytest.raises(StorageError, match=r"extracting .*a\.zip"):
        extract(tmp_path / "a.zip", tmp_path / "out")


def test_a_name_with_a_hidden_second_half_is_refused(tmp_path: Path) -> None:
    plain = bytearray(gzip.decompress(tar_gz({"a": b""})))
    plain[50] = ord("x")
    plain[148:156] = b"%06o\0 " % (sum(plain[:148]) + sum(plain[156:512]) + 8 * 32)
    refuse(tmp_path, "a.tar.gz", gzip.compress(bytes(plain)), "name with a NUL inside")


def test_data_after_the_end_is_refused(tmp_path: Path) -> None:
    plain = gzip.decompress(tar_gz(TREE))
    refuse(tmp_path, "a.tar.gz", gzip.compress(plain + b"x"), "data after its end mark")
    refuse(tmp_path, "a.tar.gz", gzip.compress(plain) + b"garbage", "cannot be read")


def test_an_archive_that_changes_between_the_readings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tar.gz"
    for other in ({"b": b""}, {}, {"a": b"", "b": b""}):
        path.write_bytes(tar_gz({"a": b""}))

        def swap(*args: object, tree: dict[str, bytes] = other) -> None:
            path.write_bytes(tar_gz(tree))

        monkeypatch.setattr(archive_module, "check_names", swap)
        with pytest.raises(BrokenFileError, match="changed while it was read"):
            extract(path, tmp_path / "out")
        assert {entry.name for entry in tmp_path.iterdir()} == {"a.tar.gz"}


# --- the call -------------------------------------------------------------------------------------------------------


def test_the_destination_must_be_free(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(TREE))
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for taken in ("full", "full/mine", "link"):
        with pytest.raises(UsageError, match="is taken"):
            extract(tmp_path / "a.zip", tmp_path / taken)
    assert not (tmp_path / "elsewhere").exists()


def test_a_planted_hidden_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(TREE))
    (tmp_path / "outside").mkdir()
    (tmp_path / ".out.extracting").symlink_to(tmp_path / "outside")
    extract(tmp_path / "a.zip", tmp_path / "out")
    assert list((tmp_path / "outside").iterdir()) == [], "the link is removed, what it points to is left alone"
    assert not (tmp_path / ".out.extracting").is_symlink()


def test_other_kinds_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.7z").write_bytes(b"")
    with pytest.raises(UsageError, match=r"Expected \.tar\.gz, \.tgz or \.zip"):
        extract(tmp_path / "a.7z", tmp_path / "out")
    with pytest.raises(BrokenFileError, match="is not a file"):
        extract(tmp_path / "none.zip", tmp_path / "out")


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "a.b", "a-b_c/d e.csv.gz", "x" * 200, "v1.0+rc~1,a=b@(c)", "_", "0/1"])
def test_plain_names_pass(name: str) -> None:
    check_name(name, "here")


@pytest.mark.parametrize(
    ("names", "match"),
    [
        ([("a", False), ("a", False)], "twice"),
        ([("a", True), ("a", True)], "twice"),
        ([("a", False), ("A", False)], "clashes"),
        ([("a/x", False), ("A/y", False)], "clashes"),
        ([("a", False), ("a/x", False)], "clashes"),
        ([("a/x", False), ("a", False)], "clashes"),
        ([("a", False), ("a", True)], "clashes"),
    ],
)
def test_names_that_clash_are_refused(names: list[tuple[str, bool]], match: str) -> None:
    with pytest.raises(BrokenFileError, match=match):
        check_names([Entry(*name) for name in names], "here")


def test_a_folder_may_be_listed_beside_its_files() -> None:
    check_names(
        [Entry("a", True), Entry("a/x", False), Entry("a/y", False), Entry("b/x", False), Entry("b", True)], "here"
    )


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
def test_files_are_read_where_they_lie(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(tar_gz(TREE) if name == "a.tar.gz" else zipped(TREE))
    assert dict(read_files(tmp_path / name)) == TREE
    assert {path.name for path in tmp_path.iterdir()} == {name}, "nothing is written"


@pytest.mark.parametrize(
    "content",
    [
        tar_gz(TREE)[:-40],
        tar_gz({**TREE, "../zebulon.txt": b"x"}),
        tar_gz({**TREE, "zebulon.txt": b"x", "Zebulon.txt": b"y"}),
        tar_gz({**TREE, "zebulon.txt": b"x" * 5_000}),
        b"no archive",
    ],
    ids=["cut", "leads out", "clash", "too large", "none"],
)
def test_read_in_place_the_rules_are_the_same_and_no_name_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(BrokenFileError, match=r"a\.tar\.gz cannot be read to its end or breaks a rule") as raised:
        list(read_files(tmp_path / "a.tar.gz", Limits(file_bytes=4_000)))
    assert "zebulon" not in "".join(traceback.format_exception(raised.value)).lower()
