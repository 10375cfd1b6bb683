"""Downloads the open demos from PhysioNet: the one module of wardround that opens a network connection.

`SHA256SUMS.txt` in the root of a data set says which files there are and what the SHA-256 of each is. It comes
first; then every file in it, one at a time, into a hidden `.partial` file that is renamed once its sum fits. So a
file under its own name is always the published one, and an interrupted fetch goes on where it stopped: by HTTP
Range with If-Range (RFC 9110, 13.1.5 and 14), or from the start where the server cannot or the file has changed.
What a server sends is hostile input: names (`names`), sizes, redirects (only to the same host, never back from
https), and answers that crawl or never end.
"""

import contextlib
import http.client
import importlib.metadata
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

from wardround import files
from wardround.errors import FetchError, UsageError
from wardround.sources.fetch_address import bases, is_loopback, redirected
from wardround.sources.fetch_folder import FetchFolder, finished
from wardround.sources.fetch_partial import Partial, Report
from wardround.sources.open_demos import DEMOS, RULE, SUMS, read_sums
from wardround.whole_file import one_writer

__all__ = ["DEMOS", "RULE", "Fetched", "Patience", "Progress", "fetch"]

BLOCK_BYTES: Final = 1 << 18
MAX_SUMS_BYTES: Final = 16 * 2**20
MAX_REDIRECTS: Final = 3
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_PASSING: Final = (408, 425, 429, 500, 502, 503, 504)
"""Answers after which another attempt makes sense (RFC 9110, 15.5.9 and 15.6; RFC 6585, 4; RFC 8470, 5.2)."""

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server, how often to ask again, and how much to take from it."""

    attempts: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    timeout_s: float = 60.0
    slow_after_s: float = 60.0
    slow_bytes_s: int = 1024
    total_bytes: int = 2 * 2**30


@dataclass(frozen=True)
class Progress:
    """Where a fetch is: file `number` of `of`, `done_bytes` of `total_bytes` (None where the server does not say)."""

    name: str
    number: int
    of: int
    done_bytes: int
    total_bytes: int | None


@dataclass(frozen=True)
class Fetched:
    """What a fetch did: the files in the folder (extracted ones too), those found there already, bytes received."""

    folder: Path
    n_files: int
    n_kept: int
    received_bytes: int


class _Again(FetchError):
    """An attempt failed in a way that another may not; `restart` where what was received so far is of no use."""

    def __init__(self, message: str, wait_s: float = 0.0, restart: bool = False) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        self.restart = restart


class _NotThereError(FetchError):
    """The server has no such file."""


def silent(_: Progress) -> None:
    """Report nothing."""


def fetch(
    name: str,
    to: Path,
    url: str | None = None,
    progress: Callable[[Progress], None] = silent,
    patience: Patience | None = None,
) -> Fetched:
    """Download an open demo into `to`, whole and verified; go on where an earlier fetch stopped.

    Args:
        name: a key of `DEMOS`.
        to: the folder; files in it that already fit are kept, and a finished folder needs no network.
        url: instead of PhysioNet: the folder that holds SHA256SUMS.txt, or a mirror of physionet.org/files.
        progress: called after every block received and every file kept.
        patience: waits, attempts and caps.

    Returns:
        What was done.

    Raises:
        UsageError: where the name or the URL cannot be used.
        FetchError: where a download fails, differs from what was published, or would overwrite somebody's own file; or
            where another fetch into the folder is under way.
        StorageError: if the disk refuses.
    """
    if name not in DEMOS:
        raise UsageError(f"{name!r} is no open demo. Choose from: {', '.join(DEMOS)}.")
    demo = DEMOS[name]
    addresses = bases(demo, url)
    settings = {"dataset": name, "version": demo.version}
    if (n_files := finished(to, settings)) is not None:
        return Fetched(to, n_files, n_files, 0)
    server = _Server(patience or Patience(), uses_proxy=not is_loopback(addresses[0]))
    base, text = server.sums(addresses)
    sums = read_sums(text, base + SUMS)
    folder = FetchFolder(to, settings)
    with one_writer(to, FetchError, "fetching"):
        folder.place(SUMS, text)
        n_kept = 0
        for number, file in enumerate(sorted(sums, key=lambda file: file not in demo.archives), start=1):
            report = _reporter(progress, file, number, len(sums))
            n_kept += _bring(server, base, folder, file, sums[file], report)
            if file in demo.archives:
                folder.unpack(file, sums)
        inputs = {SUMS: files.sha256(folder.path(SUMS))}
        files.write_manifest(to, "raw", inputs, {**settings, "url": base}, _version())
    n_files = len(files.read_manifest(to, "raw", FetchError)["files"])
    return Fetched(to, n_files, n_kept, server.received_bytes)


def _bring(server: "_Server", base: str, folder: FetchFolder, file: str, digest: str, report: Report) -> bool:
    """Keep a file that is there as published, or download it; whether it was kept."""
    if folder.holds(file, digest):
        size_bytes = folder.path(file).stat().st_size
        report(size_bytes, size_bytes)
        return True
    server.download(base + quote(file), Partial(folder.path(file), digest), report)
    return False


def _reporter(progress: Callable[[Progress], None], name: str, number: int, of: int) -> Report:
    return lambda done_bytes, total_bytes: progress(Progress(name, number, of, done_bytes, total_bytes))


def _version() -> str:
    try:
        return importlib.metadata.version("wardround")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


class _Server:
    """A server, asked politely: one connection at a time, growing waits, and no more bytes than agreed."""

    def __init__(self, patience: Patience, uses_proxy: bool) -> None:
        self.patience = patience
        self.received_bytes = 0
        self._headers = {"User-Agent": f"wardround/{_version()}", "Accept-Encoding": "identity"}
        self._opener = urllib.request.OpenerDirector()  # no file:, ftp: or data:, and no redirects on its own
        for handler in (
            urllib.request.ProxyHandler(None if uses_proxy else {}),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=ssl.create_default_context()),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
        ):
            self._opener.add_handler(handler)

    def sums(self, addresses: list[str]) -> tuple[str, bytes]:
        """The first address that has a SHA256SUMS.txt, and its text. Raises `FetchError`."""
        for address in addresses:
            with contextlib.suppress(_NotThereError):
                return address, self._persist(lambda url=address + SUMS: self._text(url))
        raise FetchError(f"no {SUMS} at {' or '.join(addresses)}. Give the folder that holds it by --url.")

    def download(self, url: str, partial: Partial, report: Report) -> None:
        """Bring one file whole and verified to its place.

        Raises:
            FetchError: where it cannot be had, or is not what was published.
            StorageError: if the disk refuses.
        """
        with files.storage_errors(partial.final, "making the folder of"):
            partial.final.parent.mkdir(parents=True, exist_ok=True)

        def attempt() -> None:
            was_resumed = self._receive(url, partial, report)
            if partial.finish():
                return
            if was_resumed:
                raise _Again(f"{url} changed while it was fetched.")
            raise FetchError(
                f"{url} is not what {SUMS} says (SHA-256): cut, changed or tampered with. It was not kept. "
                "Try again later, or tell the publisher."
            )

        self._persist(attempt)

    def _persist(self, attempt: Callable[[], T]) -> T:
        """Attempt until it works, with growing waits. Raises `FetchError` after the last attempt."""
        for number in range(self.patience.attempts - 1):
            try:
                return attempt()
            except _Again as again:
                wait_s = max(again.wait_s, self.patience.first_wait_s * 2**number)
                time.sleep(min(wait_s, self.patience.longest_wait_s))
        try:
            return attempt()
        except _Again as again:
            count = self.patience.attempts
            raise FetchError(f"{again} Gave up after {count} attempts; run the same command again to go on.") from again

    def _text(self, url: str) -> bytes:
        """A small file, into memory. Raises `FetchError`."""
        with self._open(url, {}) as response:
            total_bytes = self._agreed_bytes(response, url)
            text = bytearray()
            for block in self._blocks(response, url):
                text += block
                if len(text) > MAX_SUMS_BYTES:
                    raise FetchError(f"{url} is larger than {MAX_SUMS_BYTES >> 20} MiB: no list of sums. Check --url.")
        if total_bytes is not None and len(text) < total_bytes:
            raise _Again(f"{url}: the connection was cut.")
        return bytes(text)

    def _receive(self, url: str, partial: Partial, report: Report) -> bool:
        """Receive a file, or the rest of it; whether it was the rest. Raises `FetchError`, `StorageError`."""
        try:
            with self._open(url, partial.asked()) as response:
                is_rest = response.status == 206
                if is_rest:
                    total_bytes = partial.goes_on(response.headers)
                    if total_bytes is None:
                        raise _Again(f"{url} changed while it was fetched.", restart=True)
                else:
                    total_bytes = self._agreed_bytes(response, url)
                    partial.begin(response.headers, total_bytes)
                done_bytes = partial.append(self._blocks(response, url), report, total_bytes)
        except _Again as again:
            if again.restart:
                partial.drop()
            raise
        if total_bytes is not None and done_bytes < total_bytes:
            raise _Again(f"{url}: the connection was cut after {done_bytes:,} of {total_bytes:,} bytes.")
        return is_rest

    def _open(self, url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        """The answer to a GET, redirects followed within the rules. Raises `FetchError`."""
        for _ in range(MAX_REDIRECTS + 1):
            try:
                request = urllib.request.Request(url, headers={**self._headers, **headers})
                return self._opener.open(request, timeout=self.patience.timeout_s)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code not in _REDIRECTS:
                        raise _refusal(url, error) from error
                    url = redirected(url, error.headers.get("Location", ""))
            except (OSError, http.client.HTTPException) as error:
                raise _no_answer(url, error) from error
        raise FetchError(f"{url}: more than {MAX_REDIRECTS} redirects. Give the final address by --url.")

    def _blocks(self, response: http.client.HTTPResponse, url: str) -> Iterator[bytes]:
        """The body as it comes. Raises `_Again` where it breaks off or crawls, `FetchError` above the cap."""
        began_s, came_bytes = time.monotonic(), 0
        while True:
            try:
                block = response.read1(BLOCK_BYTES)
            except (OSError, http.client.HTTPException) as error:
                raise _no_answer(url, error) from error
            if not block:
                return
            yield block
            came_bytes += len(block)
            self.received_bytes += len(block)
            if self.received_bytes > self.patience.total_bytes:
                raise _too_much(url, self.patience.total_bytes)
            elapsed_s = time.monotonic() - began_s
            if elapsed_s > self.patience.slow_after_s and came_bytes < elapsed_s * self.patience.slow_bytes_s:
                raise _Again(f"{url}: slower than {self.patience.slow_bytes_s:,} bytes a second.")

    def _agreed_bytes(self, response: http.client.HTTPResponse, url: str) -> int | None:
        """The declared size of a whole answer. Raises `FetchError` where it is not one, or above the cap."""
        if response.status != 200:
            raise FetchError(f"{url}: unexpected answer {response.status}. Check --url.")
        declared = response.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,15}", declared):
            return None
        if int(declared) > self.patience.total_bytes - self.received_bytes:
            raise _too_much(url, self.patience.total_bytes)
        return int(declared)


def _refusal(url: str, error: urllib.error.HTTPError) -> FetchError:
    """What an answer other than success means."""
    if error.code in _PASSING:
        wait = error.headers.get("Retry-After", "")
        return _Again(
            f"{url}: the server answered {error.code}.", float(wait) if re.fullmatch("[0-9]{1,6}", wait) else 0
        )
    if error.code == 416:
        return _Again(f"{url} changed while it was fetched.", restart=True)
    if error.code == 404:
        return _NotThereError(f"{url} is not there (404), though it was expected. Check --url, or try again later.")
    return FetchError(f"{url}: the server answered {error.code}. The demos are open and need no login; check --url.")


def _no_answer(url: str, error: Exception) -> FetchError:
    """What a broken connection means; a certificate that does not hold is final."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return FetchError(f"{url}: the server's certificate is not valid ({reason}). Nothing was fetched.")
    return _Again(f"{url}: no answer, or it broke off ({str(reason) or type(reason).__name__}).")


def _too_much(url: str, cap_bytes: int) -> FetchError:
    return FetchError(f"{url}: more than {cap_bytes:,} bytes in all; no open demo is that large. Check --url.")
