"""`.ci/run` asks for every folder of open data that a test would skip without."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUN = ROOT / ".ci" / "run"
NAMED = re.compile(r"""(?:demo_folder\(|DATA / )["']([a-z0-9-]+)["']""")


def asked() -> set[str]:
    (folders,) = re.findall(r"for folder in ((?:[a-z0-9-]|\s|\\)+);", RUN.read_text())
    return set(folders.replace("\\", " ").split())


def test_it_asks_for_what_tests_use():
    tests = sorted(path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__))
    assert {name for path in tests for name in NAMED.findall(path.read_text(encoding="utf-8"))} == asked()


@pytest.mark.parametrize("absent", ["eicu-demo", "codemaps"])
def test_it_stops_where_one_is_absent(tmp_path: Path, absent: str):
    for name in asked() - {absent}:
        (tmp_path / name).mkdir()
    environment = {**os.environ, "WARDROUND_DATA": str(tmp_path)}
    done = subprocess.run(["bash", str(RUN)], env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert f"{absent} is absent" in done.stderr
