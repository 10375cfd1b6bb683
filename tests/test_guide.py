"""The user's guide: its pages and links are there, its commands and settings exist, and its examples run as they stand.

A block of commands or Python is run where `<!-- run -->` stands above it (`<!-- fails N -->`: and ends with N), page by
page, in a folder of its own; `<!-- after PAGE -->` under the title of a page starts from what the examples of that page
left. A block that names a file is written to it. `<!-- files -->` stands above a table of what must then be there.
"""

import importlib.util
import os
import re
import runpy
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import chdir, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

import pytest

from installed import install
from wardround.cli import build_parser, main
from wardround.settings import find_key, flatten
from wardround.sources.meds.mapping import parse_mapping
from wardround.sources.registry import find_source

ROOT: Final = Path(__file__).parent.parent
DOCS: Final = ROOT / "docs"
NAMES: Final = sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))
BLOCK: Final = re.compile(
    r"^(?:<!-- (?P<mark>run|fails \d) -->\n)?```(?P<kind>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
FILES: Final = re.compile(r"^<!-- files -->\n(?P<rows>(?:\|.*\n)+)", re.MULTILINE)
AFTER: Final = re.compile(r"^<!-- after (\S+) -->$", re.MULTILINE)
LINK: Final = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]+))?\)")
INLINE: Final = re.compile(r"`wardround ([a-z]+)")


class Block(NamedTuple):
    """A fenced block: "run", "fails N" or nothing, its language, the file it is, its text."""

    mark: str
    kind: str
    title: str
    text: str


def read(page: str) -> str:
    return (DOCS / page).read_text()


def blocks(page: str) -> list[Block]:
    return [Block(*(part or "" for part in found.groups())) for found in BLOCK.finditer(read(page))]


def commands(text: str) -> Iterator[list[str]]:
    """The words of each line of a block that calls wardround."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["wardround"]:
            yield words[1:]
        elif "wardround" in words[:6] and words[0] == "torchrun":
            yield words[words.index("wardround") + 1 :]


def every_command() -> list[tuple[str, list[str]]]:
    return [
        (page, each) for page in NAMES for block in blocks(page) if block.kind == "sh" for each in commands(block.text)
    ]


def anchors(text: str) -> set[str]:
    """The addresses of a page's headings, as mkdocs makes them."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", head).strip().lower()) for head in heads}


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    """`docs/hooks.py`."""
    spec = importlib.util.spec_from_file_location("guide_hooks", DOCS / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def with_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package that the page about extensions installs."""
    code = (ROOT / "examples" / "wardround-mean-risk" / "wardround_mean_risk.py").read_text()
    offer = "methods: mean_risk = wardround_mean_risk:METHOD"
    install(monkeypatch, tmp_path / "site", "wardround-mean-risk", "wardround_mean_risk", code, offer)


# What is written


def test_every_page_is_in_the_contents_and_every_page_of_the_contents_is_there() -> None:
    contents = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    assert sorted(re.findall(r"- (\S+\.md)$", contents, re.MULTILINE)) == NAMES


@pytest.mark.parametrize("page", NAMES)
def test_links_lead_somewhere(page: str) -> None:
    for target, anchor in LINK.findall(read(page)):
        other = (DOCS / page).parent / target if target else DOCS / page
        assert other.is_file(), target
        assert not anchor or anchor in anchors(other.read_text()), f"{target}#{anchor}"


def test_commands_are_commands_and_settings_exist(with_example: None, hooks: ModuleType) -> None:
    found = every_command()
    assert len(found) > 60
    for page, words in found:
        with suppress(SystemExit):
            options = build_parser().parse_args(words)
            for assignment in getattr(options, "assignments", []):
                name = options.source if options.verb == "synth" else options.method
                settings = hooks.settings_of(f"synth-{name}" if options.verb == "synth" else name)
                if words[-1:] != ["epoch=3"]:  # the one that a page shows to fail
                    assert find_key(settings, assignment.partition("=")[0]) in flatten(settings)
            continue
        assert words in (["--version"], ["--help"]), f"{page}: wardround {' '.join(words)}"


@pytest.mark.parametrize("page", NAMES)
def test_verbs_in_a_sentence_are_verbs(page: str) -> None:
    for verb in INLINE.findall(read(page)):
        with pytest.raises(SystemExit) as end:
            build_parser().parse_args([verb, "--help"])
        assert end.value.code == 0, verb


def test_a_command_that_is_none_is_found(hooks: ModuleType) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(next(commands("wardround train mlp --dta data --task mortality --to runs/mlp\n")))
    with pytest.raises(KeyError):
        hooks.on_page_markdown("{{ settings mlp nothing }}")


@pytest.mark.parametrize("page", NAMES)
def test_what_is_filled_in_is_filled(page: str, hooks: ModuleType) -> None:
    filled = hooks.on_page_markdown(read(page))
    assert "{{" not in filled
    for line in filled.splitlines():
        assert not re.match(r"\| `[\w.]+` \| [^|]+ \|\s*\|$", line), f"a setting without a meaning: {line}"


def test_every_setting_of_every_method_is_on_a_page(hooks: ModuleType) -> None:
    text = "".join(hooks.on_page_markdown(read(page)) for page in NAMES if page.startswith("methods/"))
    for method in ("alignment", "mlp", "lstm", "trajectory", "grud", "boosting", "logistic"):
        for path in flatten(hooks.settings_of(method)):
            assert f"`{path}`" in text, f"{method}: {path}"


def test_every_column_of_a_source_is_on_the_page(hooks: ModuleType) -> None:
    filled = hooks.on_page_markdown(read("columns.md"))
    for source in (find_source("eicu"), find_source("challenge2012")):
        for table in (source.stay_table, *(each.raw for each in source.all_tables), *source.unread_tables):
            part = filled.partition(f"### {table.name}\n")[2].partition("###")[0]
            assert all(f"`{column}`" in part for column in table.columns), table.name


@pytest.mark.parametrize("page", NAMES)
def test_toml_is_toml(page: str) -> None:
    for block in blocks(page):
        if block.kind == "toml":
            read_toml: dict[str, Any] = tomllib.loads(block.text)
            assert "stays" not in read_toml or parse_mapping(read_toml).events


def test_a_page_that_loads_from_elsewhere_is_refused(hooks: ModuleType) -> None:
    page = '<a href="https://arxiv.org">a link is none</a><script src="assets/a.js"></script>'
    assert hooks.on_post_page(page) == page
    for planted in ('<script src="https://unpkg.com/x">', '<link rel=stylesheet href="//fonts.example/css">'):
        with pytest.raises(ValueError, match="elsewhere"):
            hooks.on_post_page(page + planted)


@pytest.mark.parametrize("page", NAMES)
def test_python_is_python(page: str) -> None:
    for block in blocks(page):
        if block.kind == "python":
            compile(block.text, page, "exec")


# What is run


RUNNABLE: Final = [page for page in NAMES if any(block.mark for block in blocks(page))]


def left(text: str) -> list[str]:
    """What the tables of a page say that exists."""
    return [
        name for table in FILES.finditer(text) for name in re.findall(r"^\| `([^`{]+)`", table["rows"], re.MULTILINE)
    ]


def follow(page: str, folder: Path) -> None:
    """Do what a page says, in a folder."""
    with chdir(folder):
        for block in blocks(page):
            if block.title:
                Path(block.title).write_text(block.text)
            if block.mark and block.kind == "python":
                runpy.run_path(block.title)
            for words in commands(block.text) if block.mark and block.kind == "sh" else ():
                wanted = int(block.mark.removeprefix("fails ")) if block.mark != "run" else 0
                assert ended(words) == wanted, f"{page}: wardround {' '.join(words)}"


def ended(words: list[str]) -> int:
    try:
        return main(words)
    except SystemExit as end:
        return int(end.code or 0)


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as the tour leaves it."""
    folder = tmp_path_factory.mktemp("tour")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)  # nobody pulls a plug here
        follow("tour.md", folder)
    return folder


@pytest.mark.slow
@pytest.mark.usefixtures("fast_fsync")
@pytest.mark.parametrize("page", RUNNABLE)
def test_examples_run(page: str, toured: Path, tmp_path: Path) -> None:
    text, folder = read(page), toured
    if page != "tour.md":
        folder = tmp_path / "here"
        if AFTER.search(text):
            shutil.copytree(toured, folder)
        else:
            folder.mkdir()
        follow(page, folder)
    missing = [name for name in left(text) if not (folder / name).exists()]
    assert not missing, f"{page} names what is not there: {missing}"
