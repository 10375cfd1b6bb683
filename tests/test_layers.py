"""The shape of the package: errors as drawn, names that exist, files that say what they hold.

Which package may import which: `lint-imports` (pyproject.toml). What may speak to a network: promise 24.
"""

import ast
import importlib
import re
from pathlib import Path

import pytest

import wardround
from wardround import errors
from wardround.errors import WardroundError

PACKAGE = Path(wardround.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
SAYS_NOTHING = re.compile(r"(^|_)(utils?|common|base|misc|helpers?|manager|stuff|core)(_|$)")
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 70


def module_of(path: Path) -> str:
    parts = ("wardround", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def drawn(text: str) -> dict[str, str]:
    """Error -> parent of a tree drawn with box characters."""
    tree, at = {}, {-1: ""}
    for line in text.splitlines():
        found = re.match(r"^(?P<indent>[ │]*)(?P<branch>[├└]── )?(?P<name>[A-Z]\w*)  ", line)
        if found:
            depth = len(found["indent"]) + len(found["branch"] or "")
            tree[found["name"]] = at[max(above for above in at if above < depth)]
            at = {above: name for above, name in at.items() if above < depth} | {depth: found["name"]}
    return tree


def raised_on_purpose() -> dict[str, str]:
    """Error -> parent, over all modules; those of a single module's own use apart."""
    for path in FILES:
        importlib.import_module(module_of(path))
    found, queue = {"WardroundError": ""}, [WardroundError]
    while queue:
        parent = queue.pop()
        ours = [child for child in parent.__subclasses__() if child.__module__.startswith("wardround.")]
        found |= {child.__name__: parent.__name__ for child in ours if not child.__name__.startswith("_")}
        queue += ours
    return found


def test_the_errors_are_the_tree_that_is_drawn():
    assert drawn(errors.__doc__ or "") == raised_on_purpose()


def test_control_a_tree_of_lines_that_ran_together_is_seen():
    broken = (errors.__doc__ or "").replace("\n    ├── SourceError", " ├── SourceError")
    assert "SourceError" not in drawn(broken)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_says_what_it_holds_and_holds_what_it_says(path: Path):
    tree = ast.parse(path.read_text())
    assert (ast.get_docstring(tree) or "").strip(), "a module opens with what it is"
    assert not SAYS_NOTHING.search(path.stem), "a name that says what is in it"
    made = importlib.import_module(module_of(path))
    public = getattr(made, "__all__", [])
    assert [name for name in public if not hasattr(made, name)] == []
    assert len(set(public)) == len(public)
    lines = len(path.read_text().splitlines())
    assert lines <= MOST_LINES, "it is asking to be split by meaning"
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [f.name for f in functions if (f.end_lineno or 0) - f.lineno >= MOST_LINES_OF_A_FUNCTION]
    assert long == []


def test_no_assert_and_no_bare_print_in_the_package():
    """An assert is gone under `python -O`; only the command line prints."""
    found = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assert):
                found.add((path.name, "assert"))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
                found.add((path.name, "print"))
    assert found <= {("cli.py", "print"), ("verbs.py", "print")}


def test_control_a_name_that_says_nothing_is_found():
    assert all(SAYS_NOTHING.search(name) for name in ("utils", "text_utils", "base", "misc", "run_helper", "common"))
    assert not any(SAYS_NOTHING.search(path.stem) for path in FILES)
    assert not SAYS_NOTHING.search("database")
