"""`fetch` against a local server that cuts, lies, redirects and crawls."""

import gzip
import hashlib
import io
import json
import ssl
import tarfile
import threading
import time
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import raw_challenge
from wardround import files
from wardround.errors import FetchError, UsageError
from wardround.sources.fetch import DEMOS, Fetched, Patience, Progress, fetch
from wardround.sources.fetch_address import bases, redirected
from wardround.sources.open_demos import SUMS, read_sums

QUICK = Patience(attempts=3, first_wait_s=0.0, timeout_s=5.0)
ONCE = Patience(attempts=1, timeout_s=5.0)
TABLE = gzip.compress(bytes(range(256)) * 40, mtime=0) + b"\0" * 200_000
SMALL = {"LICENSE.txt": b"open\n", "hosp/patients.csv.gz": TABLE, "icu/empty.csv": b""}


@dataclass
class Site:
    """What the server publishes and how it misbehaves."""

    files: dict[str, bytes]
    knows_range: bool = True
    checks_if_range: bool = True
    shifts_range: int = 0
    etag: str | None = '"1"'
    cut_after: dict[str, list[int]] = field(default_factory=dict)
    answers: dict[str, list[int]] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    dribble: set[str] = field(default_factory=set)
    stalls: set[str] = field(default_factory=set)
    says_length: bool = True
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def publish(self, contents: dict[str, bytes]) -> None:
        """Put files and their sums on the server."""
        self.files.update(contents)
        listed = {name: content for name, content in self.files.items() if name != SUMS}
        self.files[SUMS] = "".join(f"{digest(content)} {name}\n" for name, content in listed.items()).encode()

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """One answer; the server's `site` says which."""

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        path = self.path.removeprefix("/")
        site.asked.append((path, dict(self.headers)))
        if site.answers.get(path):
            self.send_response(site.answers[path].pop(0))
            self.send_header("Retry-After", "0")
            self.end_headers()
        elif path in site.redirects:
            self.send_response(302)
            self.send_header("Location", site.redirects[path])
            self.end_headers()
        elif path in site.files:
            self.send_file(site, path)
        else:
            self.send_error(404)

    def send_file(self, site: Site, path: str) -> None:
        body, start = site.files[path], 0
        asked = self.headers.get("Range")
        fresh = not site.checks_if_range or self.headers.get("If-Range") in (None, site.etag)
        if asked and site.knows_range and fresh:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start + site.shifts_range}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        if site.etag:
            self.send_header("ETag", site.etag)
        if site.says_length:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        rest = body[start:]
        if path in site.dribble:
            for byte in rest:
                self.wfile.write(bytes([byte]))
                time.sleep(0.02)
        elif path in site.stalls:
            site.stalls.remove(path)
            self.wfile.write(rest[:1])
            time.sleep(0.4)
        elif site.cut_after.get(path):
            self.wfile.write(rest[: site.cut_after[path].pop(0)])
        else:
            self.wfile.write(rest)


class Server(ThreadingHTTPServer):
    daemon_threads = False
    site: Site

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of these tests."""


@pytest.fixture
def site() -> Iterator[Site]:
    server = Server(("127.0.0.1", 0), Handler)
    server.site = Site({})
    server.site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    yield server.site
    server.shutdown()
    thread.join()
    server.server_close()


def run(site: Site, to: Path, patience: Patience = QUICK, name: str = "mimic-iv-demo") -> Fetched:
    return fetch(name, to, url=site.url, patience=patience)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def visible(folder: Path) -> dict[str, bytes]:
    return {
        n: c for n, c in contents(folder).items() if not n.rpartition("/")[2].startswith(".") and n != files.MANIFEST
    }


# --- the straight way -----------------------------------------------------------------------------------------------


def test_fetch_brings_every_listed_file_and_closes_the_folder(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    steps: list[Progress] = []
    done = fetch("mimic-iv-demo", tmp_path / "raw", url=site.url, progress=steps.append, patience=QUICK)
    assert done == Fetched(tmp_path / "raw", 4, 0, done.received_bytes)
    assert visible(tmp_path / "raw") == site.files
    assert site.paths() == [SUMS, *SMALL]
    manifest = files.verify_folder(tmp_path / "raw", "raw")
    assert manifest["settings"] == {"dataset": "mimic-iv-demo", "version": "2.2", "url": f"{site.url}/"}
    assert manifest["inputs"] == {SUMS: digest(site.files[SUMS])}
    assert {step.name for step in steps} == {"LICENSE.txt", "hosp/patients.csv.gz"}  # an empty file has no block
    assert (steps[-1].number, steps[-1].of, steps[-1].done_bytes) == (2, 3, len(TABLE))


def test_a_finished_folder_needs_no_network(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    run(site, tmp_path)
    before, n_asked = contents(tmp_path), len(site.asked)
    done = run(site, tmp_path)
    assert (done.n_kept, done.received_bytes) == (4, 0)
    assert len(site.asked) == n_asked
    assert contents(tmp_path) == before


def test_a_mirror_of_physionet_is_found_below_the_base(site: Site, tmp_path: Path) -> None:
    site.files["eicu-crd-demo/2.0.1/patient.csv"] = b"x\n"
    site.files[f"eicu-crd-demo/2.0.1/{SUMS}"] = f"{digest(b'x' + bytes([10]))}  ./patient.csv\r\n".encode()
    run(site, tmp_path, name="eicu-demo")
    assert (tmp_path / "patient.csv").read_bytes() == b"x\n"


def test_the_default_addresses_are_physionets() -> None:
    assert {name: bases(demo, None) for name, demo in DEMOS.items()} == {
        "eicu-demo": ["https://physionet.org/files/eicu-crd-demo/2.0.1/"],
        "mimic-iv-demo": ["https://physionet.org/files/mimic-iv-demo/2.2/"],
        "mimic-iii-demo": ["https://physionet.org/files/mimiciii-demo/1.4/"],
        "challenge-2012": ["https://physionet.org/files/challenge-2012/1.0.0/"],
    }


# --- cut, resumed, changed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("etag", ['"1"', None, 'W/"weak"'])
def test_a_cut_connection_is_resumed_where_it_stopped(site: Site, tmp_path: Path, etag: str | None) -> None:
    site.publish(SMALL)
    site.etag = etag
    site.cut_after["hosp/patients.csv.gz"] = [100_000]
    with pytest.raises(FetchError, match=r"cut after 100,000 of .* run the same command again"):
        run(site, tmp_path, ONCE)
    assert not (tmp_path / "hosp/patients.csv.gz").exists()
    assert not (tmp_path / files.MANIFEST).exists()
    done = run(site, tmp_path)
    assert visible(tmp_path) == site.files
    asked = site.asked[-2][1]
    assert asked["Range"] == "bytes=100000-"
    assert asked.get("If-Range") == ('"1"' if etag == '"1"' else None)
    assert done.received_bytes == len(site.files[SUMS]) + len(TABLE) - 100_000
    assert not list(tmp_path.rglob(".*.partial*"))


def test_a_second_fetch_into_the_folder_waits_its_turn_and_goes_on(site: Site, tmp_path: Path) -> None:
    """Both would write one hidden file, and the sum would say that the publisher's file is another."""
    site.publish(SMALL)
    site.cut_after["hosp/patients.csv.gz"] = [100_000]
    seen: list[str] = []

    def meanwhile(_: Progress) -> None:
        if not seen:
            with pytest.raises(FetchError, match="another process is fetching into it") as refused:
                run(site, tmp_path, ONCE)
            seen.append(str(refused.value))

    with pytest.raises(FetchError, match="cut after 100,000"):
        fetch("mimic-iv-demo", tmp_path, url=site.url, patience=ONCE, progress=meanwhile)
    assert seen
    run(site, tmp_path)
    assert visible(tmp_path) == site.files
    assert site.asked[-2][1]["Range"] == "bytes=100000-"


def test_a_cut_connection_is_resumed_within_the_same_run(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    site.cut_after["hosp/patients.csv.gz"] = [1000, 50_000]
    run(site, tmp_path)
    assert [headers.get("Range") for path, headers in site.asked if "patients" in path] == [
        None,
        "bytes=1000-",
        "bytes=51000-",
    ]
    assert visible(tmp_path) == site.files


def test_a_server_without_range_starts_over(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    site.knows_range = False
    site.cut_after["hosp/patients.csv.gz"] = [100_000]
    run(site, tmp_path)
    assert visible(tmp_path) == site.files


@pytest.mark.parametrize("same_size", [True, False])
@pytest.mark.parametrize("checks_if_range", [True, False])
def test_a_file_that_changed_in_between_is_fetched_from_the_start(
    site: Site, tmp_path: Path, same_size: bool, checks_if_range: bool
) -> None:
    site.publish(SMALL)
    site.cut_after["hosp/patients.csv.gz"] = [100_000]
    with pytest.raises(FetchError):
        run(site, tmp_path, ONCE)
    site.etag, site.checks_if_range = '"2"', checks_if_range
    changed = TABLE[::-1] if same_size else TABLE[::-1] + b"more"
    site.files["hosp/patients.csv.gz"] = changed
    site.publish({})
    run(site, tmp_path)
    assert (tmp_path / "hosp/patients.csv.gz").read_bytes() == changed


@pytest.mark.parametrize("same_size", [True, False])
def test_a_server_that_mixes_two_versions_is_noticed(site: Site, tmp_path: Path, same_size: bool) -> None:
    """The sums are those of the new version; the first bytes that came are the old one's, and If-Range is ignored."""
    new = TABLE[::-1] if same_size else TABLE[::-1] + b"more"
    site.publish({**SMALL, "hosp/patients.csv.gz": new})
    site.files["hosp/patients.csv.gz"] = TABLE
    site.cut_after["hosp/patients.csv.gz"] = [100_000]
    site.checks_if_range = False
    with pytest.raises(FetchError):
        run(site, tmp_path, ONCE)
    site.files["hosp/patients.csv.gz"] = new
    run(site, tmp_path)
    assert (tmp_path / "hosp/patients.csv.gz").read_bytes() == new


def test_a_range_other_than_the_one_asked_for_is_not_used(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    site.shifts_range = 1
    site.cut_after["hosp/patients.csv.gz"] = [100_000]
    run(site, tmp_path)
    assert visible(tmp_path) == site.files


@pytest.mark.parametrize(
    "damage", ["note cut", "note gone", "note of another kind", "all bytes there", "too many bytes"]
)
def test_leftovers_that_do_not_fit_are_dropped(site: Site, tmp_path: Path, damage: str) -> None:
    site.publish(SMALL)
    site.cut_after["hosp/patients.csv.gz"] = [100_000]
    with pytest.raises(FetchError):
        run(site, tmp_path, ONCE)
    partial = tmp_path / "hosp/.patients.csv.gz.partial"
    note = tmp_path / "hosp/.patients.csv.gz.partial.json"
    if damage == "note cut":
        note.write_bytes(note.read_bytes()[:10])
    elif damage == "note gone":
        note.unlink()
    elif damage == "note of another kind":
        note.write_text('["sha256"]')
    else:
        partial.write_bytes(TABLE if damage == "all bytes there" else TABLE * 2)
    run(site, tmp_path)
    assert visible(tmp_path) == site.files


# --- what the server must not do ------------------------------------------------------------------------------------


@pytest.mark.parametrize("harm", ["truncated", "tampered", "longer"])
def test_what_differs_from_the_published_sum_is_not_kept(site: Site, tmp_path: Path, harm: str) -> None:
    site.publish(SMALL)
    bad = {"truncated": TABLE[:-1], "tampered": b"\1" + TABLE[1:], "longer": TABLE + b"\0"}[harm]
    site.files["hosp/patients.csv.gz"] = bad
    with pytest.raises(FetchError, match=r"patients.csv.gz is not what SHA256SUMS.txt says"):
        run(site, tmp_path)
    assert list(contents(tmp_path / "hosp")) == []
    assert not (tmp_path / files.MANIFEST).exists()


def test_a_missing_file_is_named(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    del site.files["hosp/patients.csv.gz"]
    with pytest.raises(FetchError, match=r"hosp/patients.csv.gz is not there \(404\)"):
        run(site, tmp_path)


def test_no_sums_no_fetch(site: Site, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=rf"no {SUMS} at .* Give the folder that holds it by --url"):
        run(site, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


def test_refused_is_final_and_overloaded_is_not(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    site.answers["LICENSE.txt"] = [503, 429]
    run(site, tmp_path / "a")
    assert site.paths().count("LICENSE.txt") == 3
    site.answers["LICENSE.txt"] = [403]
    with pytest.raises(FetchError, match="answered 403"):
        run(site, tmp_path / "b")
    site.answers["LICENSE.txt"] = [500] * 9
    with pytest.raises(FetchError, match=r"answered 500\. Gave up after 3 attempts"):
        run(site, tmp_path / "c")


def test_a_list_that_is_cut_is_asked_for_again(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    site.cut_after[SUMS] = [70]
    run(site, tmp_path)
    assert site.paths()[:2] == [SUMS, SUMS]


def test_a_server_that_falls_silent_is_asked_again(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    site.stalls = {"LICENSE.txt"}
    done = run(site, tmp_path, Patience(attempts=2, first_wait_s=0.0, timeout_s=0.2))
    assert done.n_files == 4
    assert site.paths().count("LICENSE.txt") == 2


def test_an_answer_without_content_is_named(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    site.answers["LICENSE.txt"] = [204]
    with pytest.raises(FetchError, match="unexpected answer 204"):
        run(site, tmp_path)


def test_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="no answer, or it broke off"):
        fetch("eicu-demo", tmp_path, url="http://127.0.0.1:1/", patience=QUICK)


def test_redirects_stay_on_the_server(site: Site, tmp_path: Path) -> None:
    site.publish({**SMALL, "moved/license": b"open\n"})
    site.redirects["LICENSE.txt"] = "/moved/license"
    run(site, tmp_path / "a")
    assert (tmp_path / "a/LICENSE.txt").read_bytes() == b"open\n"
    site.redirects["LICENSE.txt"] = site.url.replace("127.0.0.1", "localhost") + "/moved/license"
    with pytest.raises(FetchError, match="another server; not followed"):
        run(site, tmp_path / "b")
    site.redirects["LICENSE.txt"] = "/LICENSE.txt"
    with pytest.raises(FetchError, match="more than 3 redirects"):
        run(site, tmp_path / "c")


@pytest.mark.parametrize(
    ("url", "location", "allowed"),
    [
        ("http://a.org/x", "https://a.org/x", True),
        ("https://a.org/x", "http://a.org/x", False),
        ("https://a.org/x", "//b.org/x", False),
        ("https://a.org/x", "https://a.org:444/x", False),
        ("https://a.org/x", "https://a.org@b.org/x", False),
        ("https://a.org/x", "https://user@a.org/x", False),
        ("https://a.org/x", "file:///etc/passwd", False),
        ("https://a.org/x", "https://[bad/x", False),
        ("https://a.org/x", "https://a.org:99999/x", False),
        ("https://a.org/x", "/y", True),
        ("https://a.org/x", "", True),
    ],
)
def test_where_a_redirect_may_lead(url: str, location: str, allowed: bool) -> None:
    if allowed:
        assert redirected(url, location).startswith("https://a.org")
    else:
        with pytest.raises(FetchError):
            redirected(url, location)


def test_a_server_that_crawls_is_given_up(site: Site, tmp_path: Path) -> None:
    site.publish({"LICENSE.txt": b"x" * 40})
    site.dribble.add("LICENSE.txt")
    with pytest.raises(FetchError, match="slower than 1,024 bytes a second"):
        run(site, tmp_path, Patience(attempts=1, slow_after_s=0.1))


@pytest.mark.parametrize("says_length", [True, False])
def test_more_than_the_cap_is_refused(site: Site, tmp_path: Path, says_length: bool) -> None:
    site.publish(SMALL)
    site.says_length = says_length
    with pytest.raises(FetchError, match="more than 100,000 bytes in all"):
        run(site, tmp_path, Patience(attempts=2, first_wait_s=0.0, total_bytes=100_000))


def test_a_certificate_that_does_not_hold_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n_asked = 0

    def refuse(self: Any, request: Any, timeout: float) -> None:
        nonlocal n_asked
        n_asked += 1
        contexts = [h._context for h in self.handlers if isinstance(h, urllib.request.HTTPSHandler)]
        assert [(c.verify_mode, c.check_hostname) for c in contexts] == [(ssl.CERT_REQUIRED, True)]
        raise urllib.error.URLError(ssl.SSLCertVerificationError(1, "self-signed"))

    monkeypatch.setattr("urllib.request.OpenerDirector.open", refuse)
    with pytest.raises(FetchError, match="certificate is not valid"):
        fetch("eicu-demo", tmp_path, patience=QUICK)
    assert n_asked == 1


# --- hostile lists --------------------------------------------------------------------------------------------------

GOOD_LINE = f"{'0' * 64} fine.csv\n"
HOSTILE_NAMES = [
    "/etc/passwd", "../x", "a/../x", "..", ".", "a//x", "a/./x", "a/", "a\\x", "C:/x", "c:x", "x#y", "x?y", "%2e%2e/x",
    "x%00", "a\x00b", "a\x1bb", "a\tb", "a\x7fb", "é.csv", ".bashrc", "a/.ssh", "x.", "nul", "COM1.txt", "x" * 201,
    "a/" * 40 + "x", "Fine.csv", "fine.csv", "fine.csv/x", "manifest.json", "MANIFEST.json", SUMS, "http://b.org/x",
    "~root/x", "-rf",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_in_the_list_refuses_it_whole(site: Site, tmp_path: Path, name: str) -> None:
    site.files[SUMS] = GOOD_LINE.encode() + f"{'1' * 64} {name}\n".encode()
    with pytest.raises(FetchError, match="again from its publisher"):
        run(site, tmp_path / "deep/raw")
    assert contents(tmp_path) == {}
    assert set(site.paths()) == {SUMS}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n\n",
        b"<html>Please log in</html>",
        b"0123 x\n",
        b"g" * 64 + b" x\n",
        b"0" * 64 + b"\n",
        b"0" * 64 + b"   x\n",
    ],
)
def test_what_is_no_list_of_sums_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(FetchError, match="Check --url"):
        read_sums(text, "here")


def test_the_three_spellings_of_sha256sum_are_read() -> None:
    text = f"{'A' * 64} a.csv\n{'b' * 64}  ./d/b.csv\r\n{'c' * 64} *c d.csv".encode()
    assert read_sums(text, "here") == {"a.csv": "a" * 64, "d/b.csv": "b" * 64, "c d.csv": "c" * 64}


def test_an_endless_list_is_cut_short(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wardround.sources.fetch.MAX_SUMS_BYTES", 1000)
    site.files[SUMS] = GOOD_LINE.encode() * 100
    with pytest.raises(FetchError, match="no list of sums"):
        run(site, tmp_path)


# --- the folder -----------------------------------------------------------------------------------------------------


def test_a_damaged_file_of_our_own_is_put_right(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    run(site, tmp_path)
    (tmp_path / "hosp/patients.csv.gz").write_bytes(TABLE[:-5])
    (tmp_path / "LICENSE.txt").unlink()
    assert run(site, tmp_path).n_kept == 1
    assert visible(tmp_path) == site.files
    files.verify_folder(tmp_path, "raw")


def test_somebody_elses_file_is_left_alone(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    (tmp_path / "LICENSE.txt").write_text("mine\n")
    for _ in range(2):
        with pytest.raises(FetchError, match=r"LICENSE.txt differs from what was published .* left alone"):
            run(site, tmp_path)
    assert (tmp_path / "LICENSE.txt").read_text() == "mine\n"


def test_files_downloaded_by_other_means_are_kept(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    (tmp_path / "LICENSE.txt").write_bytes(SMALL["LICENSE.txt"])
    assert run(site, tmp_path).n_kept == 1
    assert "LICENSE.txt" not in site.paths()


def test_a_folder_of_another_data_set_is_refused(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    site.cut_after["LICENSE.txt"] = [1]
    with pytest.raises(FetchError):
        run(site, tmp_path, ONCE)
    with pytest.raises(FetchError, match="another data set"):
        run(site, tmp_path, name="eicu-demo")
    run(site, tmp_path)
    with pytest.raises(FetchError, match="another data set"):
        run(site, tmp_path, name="eicu-demo")


@pytest.mark.parametrize("link", ["hosp", "hosp/patients.csv.gz", "hosp/.patients.csv.gz.partial"])
def test_no_symbolic_link_is_followed(site: Site, tmp_path: Path, link: str) -> None:
    site.publish(SMALL)
    outside, raw = tmp_path / "outside", tmp_path / "raw"
    outside.mkdir()
    (raw / link).parent.mkdir(parents=True)
    (raw / link).symlink_to(outside if link == "hosp" else outside / "target")
    if link.endswith("partial"):
        run(site, raw)  # the link is removed, not followed
        assert visible(raw) == site.files
    else:
        with pytest.raises(FetchError, match="symbolic link"):
            run(site, raw)
    assert list(outside.iterdir()) == []


def test_a_file_in_place_of_the_folder(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    (tmp_path / "raw").write_text("x")
    with pytest.raises(FetchError, match="is a file"):
        run(site, tmp_path / "raw")


# --- the 2012 challenge ---------------------------------------------------------------------------------------------


def tar_gz(contents: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


RECORDS = {"set-a/1.txt": b"Time,Parameter,Value\n", "set-a/2.txt": b"two\n"}


@pytest.mark.parametrize("lists_records", [True, False])
def test_the_challenge_archives_are_extracted_and_spare_the_server(
    site: Site, tmp_path: Path, lists_records: bool
) -> None:
    listed = {"Outcomes-a.txt": b"RecordID\n", "set-a.tar.gz": tar_gz(RECORDS)}
    site.publish({**listed, **RECORDS} if lists_records else listed)
    assert run(site, tmp_path, name="challenge-2012").n_files == 5
    assert {n: c for n, c in visible(tmp_path).items() if n.startswith("set-a/")} == RECORDS
    assert site.paths() == [SUMS, "set-a.tar.gz", "Outcomes-a.txt"]
    assert set(files.verify_folder(tmp_path, "raw")["files"]) == {SUMS, *listed, *RECORDS}
    (tmp_path / "set-a/2.txt").write_text("tampered\n")
    run(site, tmp_path, name="challenge-2012")
    assert (tmp_path / "set-a/2.txt").read_bytes() == b"two\n"
    assert site.paths() == [SUMS, "set-a.tar.gz", "Outcomes-a.txt", SUMS]


def test_what_is_fetched_is_what_prepare_reads(site: Site, tmp_path: Path) -> None:
    raws = [raw_challenge.tiny_set("a", 10), raw_challenge.tiny_set("b", 20)]
    for raw in raws:
        folder = raw.write(tmp_path / raw.name, "tar.gz")
        records = {f"{raw.name}/{name}": text for name, text in raw.texts().items()}
        site.publish({path.name: path.read_bytes() for path in folder.iterdir()} | records)
    run(site, tmp_path / "raw", name="challenge-2012")
    data = raw_challenge.prepare(tmp_path / "raw", tmp_path / "data")
    assert data.stays["stay_id"].sort().to_list() == [10, 11, 12, 20, 21, 22]
    assert data.stays["died_in_hospital"].null_count() == 0
    assert set(files.verify_folder(data.folder, "data")["inputs"]) == {
        "set-a",
        "set-b",
        "outcomes of set-a",
        "outcomes of set-b",
    }


def test_a_record_that_differs_from_its_own_sum_is_downloaded_by_itself(site: Site, tmp_path: Path) -> None:
    site.publish({"set-a.tar.gz": tar_gz({**RECORDS, "set-a/2.txt": b"2\n"}), **RECORDS})
    run(site, tmp_path, name="challenge-2012")
    assert (tmp_path / "set-a/2.txt").read_bytes() == b"two\n"
    assert site.paths() == [SUMS, "set-a.tar.gz", "set-a/2.txt"]


@pytest.mark.parametrize(
    "stray", ["manifest.json", "set-b/1.txt", "Outcomes-a.txt", "../x", "set-a/../../x", "set-a/A.txt"]
)
def test_an_archive_keeps_to_its_own_folder(site: Site, tmp_path: Path, stray: str) -> None:
    site.publish(
        {"Outcomes-a.txt": b"RecordID\n", "set-a.tar.gz": tar_gz({**RECORDS, stray: b"x"}), "set-a/a.txt": b"y"}
    )
    with pytest.raises(FetchError):
        run(site, tmp_path / "raw", name="challenge-2012")
    assert not list((tmp_path / "raw").glob("set-*/*"))
    assert {path.name for path in tmp_path.iterdir()} == {"raw"}


# --- the call -------------------------------------------------------------------------------------------------------


def test_an_unknown_name_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Choose from: eicu-demo, mimic-iv-demo"):
        fetch("mimic-iv", tmp_path)


@pytest.mark.parametrize(
    "url",
    ["", "x", "file:///etc/", "ftp://a.org/", "http://", "http://user:key@a.org/", "http://a.org/?q", "http://a.org/#f",
     "http://a.org/ x", "http://a.org:0/", "http://a.org:port/", "http://[bad/", "http://a.org\\b", "http://a.org/\x00"],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_a_usage_error(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="--url"):
        fetch("eicu-demo", tmp_path, url=url)


def test_the_note_of_a_download_holds_what_resuming_needs(site: Site, tmp_path: Path) -> None:
    site.publish(SMALL)
    site.cut_after["LICENSE.txt"] = [2]
    with pytest.raises(FetchError):
        run(site, tmp_path, ONCE)
    note = json.loads((tmp_path / ".LICENSE.txt.partial.json").read_text())
    assert note == {"sha256": digest(b"open\n"), "validator": '"1"', "size_bytes": 5}
