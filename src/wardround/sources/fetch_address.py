"""Which addresses a fetch may ask: PhysioNet's or the user's, and never another server on a server's word."""

import re
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from wardround.errors import FetchError, UsageError
from wardround.sources.open_demos import Demo

PHYSIONET: Final = "https://physionet.org/files/"
_URL: Final = re.compile(r"[\x21-\x7e]{1,2000}")


def bases(demo: Demo, url: str | None) -> list[str]:
    """The URLs at which the data set may lie. Raises `UsageError` where `url` is not a plain http(s) URL."""
    if url is None:
        return [f"{PHYSIONET}{demo.slug}/{demo.version}/"]
    try:
        parts = urlsplit(url)
        is_plain = (
            parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and _port(parts) > 0
        )
    except ValueError:
        is_plain = False
    if not is_plain or not _URL.fullmatch(url) or "?" in url or "#" in url or "\\" in url:
        raise UsageError(
            f"--url {url[:80]!a} cannot be used. Expected http(s)://HOST[:PORT]/PATH without user, query or fragment."
        )
    folder = url.rstrip("/") + "/"
    return [folder, f"{folder}{demo.slug}/{demo.version}/"]


def _port(parts: SplitResult) -> int:
    return parts.port if parts.port is not None else {"http": 80, "https": 443}.get(parts.scheme, 0)


def redirected(url: str, location: str) -> str:
    """Where a redirect leads. Raises `FetchError` unless it is the same server, or the same host by https."""
    try:
        new = urljoin(url, location)
        there, here = urlsplit(new), urlsplit(url)
        same = (there.scheme, there.hostname, _port(there)) == (here.scheme, here.hostname, _port(here))
        upgrade = (here.scheme, there.scheme) == ("http", "https") and there.hostname == here.hostname
        allowed = (same or upgrade) and "@" not in there.netloc and bool(_URL.fullmatch(new))
    except ValueError:
        allowed, new = False, location
    if not allowed:
        raise FetchError(
            f"{url} redirects to {location[:80]!a}, another server; not followed. Give the final address by --url."
        )
    return new


def is_loopback(url: str) -> bool:
    """Whether the host is this machine, which no proxy leads to."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
