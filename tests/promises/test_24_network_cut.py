"""Promise 24: wardround works with the network cut; only `sources/fetch.py` can open a connection, when asked to, and
`prepare --engine ray` those of its cluster (on one machine loopback alone: `tests/engines/test_ray.py`).

Two views of it. At run time, a fresh interpreter imports every module and does fetch-free work under an audit hook
(PEP 578) that counts and refuses each connection and name look-up. In the source, no module but `fetch` and
those for Ray imports what speaks to a network. Both are shown to catch a planted connection.
"""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import wardround.files

PACKAGE = Path(wardround.files.__file__).parent
SPEAKS = {
    "aiohttp", "fsspec", "ftplib", "http.client", "httpx", "huggingface_hub", "imaplib", "poplib", "requests",
    "ray", "smtplib", "socket", "telnetlib", "urllib.request", "urllib3", "websocket", "websockets", "xmlrpc.client",
}  # fmt: skip
RAY = {"engines/ray_cluster.py", "engines/ray_engine.py", "engines/ray_errors.py", "engines/ray_worker.py"}
"""Imported when a cluster is asked for, and not before."""
ALLOWED = {"sources/fetch.py", *RAY}

# An audit hook cannot be taken out again, so it lives in an interpreter of its own. Loopback counts as well.
PRELUDE = """
import importlib, json, sys, tempfile
from pathlib import Path

attempts = []
EVENTS = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"}

def refuse(event, args):
    if event in EVENTS and getattr(args[0], "family", None) != 1:  # AF_UNIX = 1 stays on this machine
        attempts.append(f"{event} {args[1:]!r}")
        raise OSError(101, "the network is cut")

sys.addaudithook(refuse)
temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
"""
IMPORT_ALL = """
modules = sys.argv[1:]
for name in modules:
    importlib.import_module(name)
assert modules
"""
WORK = """
import zipfile
import polars as pl
from wardround import files
from wardround.errors import UsageError
from wardround.sources import archive, fetch, open_demos

files.write_table(folder / "table.parquet", pl.DataFrame({"stay_id": [1, 2]}))
files.write_manifest(folder, "raw", {"SHA256SUMS.txt": "0"}, {"dataset": "eicu-demo", "version": "2.0.1"}, "0")
assert files.read_table(folder / "table.parquet").height == 2
assert fetch.fetch("eicu-demo", folder).received_bytes == 0  # finished: nothing to ask for
with zipfile.ZipFile(folder / "a.zip", "w") as out:
    out.writestr("a.csv", "a")
assert archive.extract(folder / "a.zip", folder / "a") == ["a.csv"]
assert open_demos.read_sums(b"0" * 64 + b" a.csv", "here")
for url in ("file:///etc/hosts", "ftp://physionet.org/"):
    try:
        fetch.fetch("eicu-demo", folder / "new", url=url)
    except UsageError:
        continue
    raise SystemExit(f"{url} was not refused")
"""
REPORT = """
print(json.dumps(attempts))
"""


def attempts(work: str, *arguments: str) -> list[str]:
    """Run `work` in a fresh interpreter with the network cut; the connections it tried."""
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", PRELUDE + work + REPORT, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def all_modules() -> list[str]:
    """Every module of the package by its path (a folder without `__init__.py` counts too)."""
    names = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ("wardround", *path.relative_to(PACKAGE).with_suffix("").parts)
        names.append(".".join(parts[:-1] if parts[-1] in ("__init__", "__main__") else parts))
    return sorted(set(names))


def test_importing_every_module_and_working_opens_no_connection() -> None:
    modules = all_modules()
    assert {"wardround.files", "wardround.sources.fetch"} <= set(modules)
    assert attempts(IMPORT_ALL + WORK, *modules) == []
    print(f"network: 0 connections, {len(modules)} modules imported")


@pytest.mark.parametrize(
    "planted",
    [
        "import socket\ntry:\n    socket.create_connection(('127.0.0.1', 9), timeout=1)\nexcept OSError: pass",
        "import socket\ntry:\n    socket.getaddrinfo('physionet.org', 443)\nexcept OSError: pass",
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "try:\n    s.sendto(b'x', ('127.0.0.1', 9))\nexcept OSError: pass\ns.close()",
        "import _socket\ns = _socket.socket()\ntry:\n    s.connect(('127.0.0.1', 9))\nexcept OSError: pass\ns.close()",
        "import urllib.request\ntry:\n    urllib.request.urlopen('https://physionet.org/')\nexcept OSError: pass",
    ],
)
def test_control_a_planted_connection_is_caught(planted: str) -> None:
    assert attempts(planted) != []


def test_control_fetch_itself_is_caught_and_says_so_in_one_line() -> None:
    work = """
from wardround.errors import FetchError
from wardround.sources.fetch import Patience, fetch
try:
    fetch("eicu-demo", folder / "raw", url="http://127.0.0.1:9/", patience=Patience(attempts=1))
except FetchError as error:
    assert "the network is cut" in str(error) and "\\n" not in str(error)
"""
    assert len(attempts(work)) == 1


# --- in the source --------------------------------------------------------------------------------------------------


def speaking_imports(source: str) -> set[str]:
    """The modules that speak to a network which `source` imports, in whatever way it spells that."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            names = [str(node.args[0].value)] if called in ("import_module", "__import__") else []
        found |= {speaker for name in names for speaker in SPEAKS if f"{name}.".startswith(f"{speaker}.")}
    return found


def test_only_fetch_imports_what_speaks_to_a_network() -> None:
    found = {str(path.relative_to(PACKAGE)): speaking_imports(path.read_text()) for path in PACKAGE.rglob("*.py")}
    assert {path for path, names in found.items() if names} == ALLOWED


@pytest.mark.parametrize(
    "planted",
    [
        "import socket",
        "import socket as s",
        "import urllib.request",
        "from urllib import request",
        "from urllib.request import urlopen as u",
        "from http import client",
        "import http.client as c, json",
        "import requests.sessions",
        "def late():\n    from httpx import get",
        "import importlib\nimportlib.import_module('socket')",
        "__import__('urllib3')",
        "if True:\n    from huggingface_hub import snapshot_download",
    ],
)
def test_control_a_planted_import_is_found(planted: str) -> None:
    assert speaking_imports(planted)


@pytest.mark.parametrize(
    "harmless", ["from urllib.parse import quote", "import socketserver", "import http", "x = 'socket'"]
)
def test_control_what_does_not_speak_is_left_alone(harmless: str) -> None:
    assert speaking_imports(harmless) == set()
