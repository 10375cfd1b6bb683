"""Promise 25, as far as it is kept here: few direct dependencies, each named, none borrowed, every version fixed.

Not kept yet, and not tested: hashes of the packages, an audit of known weaknesses, a bill of materials of a release.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
MOST = 12
OWN = "wardround"
NAMED_OTHERWISE = {"sklearn": "scikit-learn", "vl_convert": "vl-convert-python", "PIL": "pillow"}
"""Module -> the package that holds it, where their names differ."""
ONLY_WITH_AN_EXTRA = {
    "accelerate": ("train/processes.py",),
    "isal": ("sources/gunzip.py",),
    "kornia": ("models/augmentation.py",),
    "optuna": ("compare/search.py",),
    "pillow": ("sources/synthetic/mimic4/image_files.py", "batches/pictures.py"),
    "pydicom": ("sources/synthetic/mimic4/image_files.py", "batches/pictures.py", "batches/dicom_decoders.py"),
    "ray": ("engines/ray_cluster.py", "engines/ray_engine.py", "engines/ray_errors.py", "engines/ray_worker.py"),
}
"""Optional package -> the files that may import it, which say what to do without it: where pictures are written, and
where they are read."""
OF_TESTERS = {"hypothesis": "testing/"}
"""Of the extra `testing`: the suites that an outside package runs."""


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def required(lines: Iterable[str]) -> dict[str, Requirement]:
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


def fixed() -> dict[str, Version]:
    """Package -> its version in constraints.txt; what is no "name==version" stands in no dictionary."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    pairs = [re.fullmatch(r"([A-Za-z0-9._-]+)==([^\s;]+)( ?;.*)?", line) for line in lines]
    assert all(pairs), [line for line, pair in zip(lines, pairs, strict=True) if not pair]
    return {canonicalize_name(pair[1]): Version(pair[2]) for pair in pairs if pair}


def imported(code: str) -> set[str]:
    """Packages from outside that some code imports, at its top or late, by the name of their module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found - set(sys.stdlib_module_names) - {OWN}


def borrowed(sources: Mapping[str, str], direct: Iterable[str]) -> list[str]:
    """Imports of what nobody installs for us on purpose: it comes with another package, and may go with it."""
    known = set(direct)
    faults: list[str] = []
    for name, code in sources.items():
        for module in imported(code):
            package = canonicalize_name(NAMED_OTHERWISE.get(module, module))
            allowed = name in ONLY_WITH_AN_EXTRA.get(package, ()) or name.startswith(OF_TESTERS.get(package, "no file"))
            if package not in known and not allowed:
                faults.append(f"{name}: {module}")
    return faults


def sources() -> dict[str, str]:
    src = ROOT / "src" / OWN
    return {path.relative_to(src).as_posix(): path.read_text() for path in src.rglob("*.py")}


def test_there_are_twelve_direct_dependencies_at_most():
    assert len(required(project()["dependencies"])) <= MOST


def test_none_is_borrowed_and_none_is_idle():
    direct = required(project()["dependencies"])
    assert borrowed(sources(), direct) == []
    used = {canonicalize_name(NAMED_OTHERWISE.get(m, m)) for code in sources().values() for m in imported(code)}
    assert sorted(set(direct) - used) == [], "nothing imports it"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("events.py", "import pandas"),
        ("train/loop.py", "def late():\n    from accelerate import Accelerator"),
        ("sources/csv_stream.py", "from isal.igzip import compress"),
        ("evaluate/page.py", "import markupsafe"),
        ("metrics/ranks.py", "import hypothesis"),
    ],
)
def test_control_a_borrowed_import_is_caught(name: str, code: str):
    assert len(borrowed({name: code}, required(project()["dependencies"]))) == 1


def test_what_may_be_missing_is_in_an_extra_of_its_own_and_in_that_of_the_tests():
    extras = {name: required(lines) for name, lines in project()["optional-dependencies"].items()}
    for package in ONLY_WITH_AN_EXTRA:
        homes = [name for name, packages in extras.items() if package in packages and name != "dev"]
        assert len(homes) == 1
        assert package in extras["dev"] or package == "optuna", "`make test` installs it (optuna by [search])"


def test_every_dependency_has_bounds_and_one_fixed_version_within_them():
    lines = [
        *project()["dependencies"],
        *(one for extra in project()["optional-dependencies"].values() for one in extra),
    ]
    versions = fixed()
    for name, requirement in required(lines).items():
        assert re.search(r"==|<", str(requirement.specifier)), f"{name} has no upper bound"
        assert versions[name] in requirement.specifier, f"{name} is fixed outside its bounds"
