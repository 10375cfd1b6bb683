"""Fills the guide from the code while it is built, so that no table in it can go stale: mkdocs calls `on_page_markdown`
with each page.

{{ settings mlp model }}     the settings of a method that begin so, with defaults and meanings; several begins, or none
{{ source methods.static }}  the docstring of a module of wardround, folded
{{ text errors }}            the same, open
{{ list tasks }}             the rows of `wardround list tasks`
{{ help train }}             what `wardround train --help` prints
{{ file recipes/x.toml }}    a file of the tree
{{ columns eicu }}           every raw column of a source, and when it is known
{{ metrics }}                every metric and what it says
"""

import argparse
import dataclasses
import importlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from wardround.catalogue import catalogue
from wardround.cli import build_parser
from wardround.concepts.concept_settings import ConceptSettings
from wardround.evaluate.wording import METRICS
from wardround.methods.registry import KNOWN_METHODS, FittedMethod
from wardround.methods.scores import ScoreSettings
from wardround.settings import flatten
from wardround.sources.raw_table import RawTable
from wardround.sources.registry import KNOWN_SOURCES
from wardround.sources.synthetic import SyntheticMimic3Settings, SyntheticMimic4Settings, SyntheticSettings
from wardround.train.plan import FitSettings, PretrainSettings, TrainSettings

ROOT: Final = Path(__file__).resolve().parent.parent
ASKED: Final = re.compile(r"^\{\{ (\w+)((?: [\w./-]+)*) \}\}$", re.MULTILINE)
ELSEWHERE: Final = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//[^"' >]*""")
MEANING: Final = re.compile(r"^( *)([a-z]\w*(?:, [a-z]\w*)*): (.+)$")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put in what the page asks for. Raises `KeyError` for what there is not, which ends the build."""
    return ASKED.sub(lambda asked: FILLED[asked[1]](*asked[2].split()), markdown)


def on_post_page(output: str, **_: Any) -> str:
    """The page as it is. Raises `ValueError` where it would load something from elsewhere when it is read."""
    found = ELSEWHERE.search(output)
    if found:
        raise ValueError(f"a page of the guide must load nothing from elsewhere: {found[0]}")
    return output


def settings_of(name: str) -> Any:
    """The default settings of `alignment`, `synth` of a database, `concepts`, `score` or a method of `train`."""
    others: dict[str, Any] = {"alignment": PretrainSettings, "score": ScoreSettings, "concepts": ConceptSettings}
    others |= {"synth-eicu": SyntheticSettings, "synth-mimic4": SyntheticMimic4Settings}
    others |= {"synth-mimic3": SyntheticMimic3Settings}
    if name in others:
        return others[name]()
    method = KNOWN_METHODS.find(name)
    return FitSettings.default(method) if isinstance(method, FittedMethod) else TrainSettings.default(method)


def meanings(kind: type) -> dict[str, str]:
    """Field -> what the docstring of its settings class, or of one that this is made of, says of it."""
    names = {field.name for field in dataclasses.fields(kind)}
    found: dict[str, str] = {}
    current: tuple[str, ...] = ()
    depth = 0
    told = [base.__doc__ or "" for base in reversed(kind.__mro__) if dataclasses.is_dataclass(base)]
    for line in "\n\n".join(told).splitlines():
        match = MEANING.match(line)
        if match and set(match[2].split(", ")) <= names:
            current, depth = tuple(match[2].split(", ")), len(match[1])
            found |= dict.fromkeys(current, match[3])
        elif current and line.strip() and len(line) - len(line.lstrip()) > depth:
            found |= {name: f"{found[name]} {line.strip()}" for name in current}
        else:
            current = ()
    return found


def explained(settings: Any, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Path, default and meaning of every setting, nested ones too."""
    told = meanings(type(settings))
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            yield from explained(value, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, value, told.get(field.name, "")


def _settings(name: str, *begins: str) -> str:
    settings = settings_of(name)
    rows = [row for row in explained(settings) if not begins or row[0].startswith(begins)]
    if not rows or {row[0] for row in rows} - set(flatten(settings)):
        raise KeyError(f"{name} has no settings that begin with {begins}")
    return _table(("setting", "default", "meaning"), [(f"`{path}`", _shown(value), told) for path, value, told in rows])


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"`{part}`" for part in value) or "*empty*"
    return f"`{str(value).lower() if isinstance(value, bool) or value is None else value}`"


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _text(module: str) -> str:
    return f"```text\n{(importlib.import_module(f'wardround.{module}').__doc__ or '').strip()}\n```"


def _source(module: str) -> str:
    block = "\n".join(f"    {line}".rstrip() for line in _text(module).splitlines())
    return f'??? quote "What the source says: `wardround.{module}`"\n\n{block}'


def _list(what: str) -> str:
    return _table(("name", "what it is"), [(f"`{row['name']}`", row["summary"]) for row in catalogue(what)])


def _help(verb: str) -> str:
    os.environ["COLUMNS"] = "96"
    into = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    return f"```text\n{into.choices[verb].format_help().strip()}\n```"


def _file(path: str) -> str:
    return f"```{Path(path).suffix[1:].replace('py', 'python')}\n{(ROOT / path).read_text().strip()}\n```"


def _columns(name: str) -> str:
    source = KNOWN_SOURCES.find(name)
    read = [source.stay_table, *(table.raw for table in source.all_tables), *(side.raw for side in source.side_tables)]
    beside = [raw for each in source.beside for raw in (*(table.raw for table in each.tables), *each.unread_tables)]
    return "\n\n".join(_columns_of(table) for table in (*read, *source.lookup_tables, *source.unread_tables, *beside))


def _columns_of(table: RawTable) -> str:
    known: dict[str, list[str]] = {}
    for column, (_, when) in table.columns.items():
        begin = "at" if when.rule == "offset" else f"at the {when.rule} in"
        rule = f"{begin} {', '.join(f'`{offset}`' for offset in when.columns)}" if when.columns else when.rule
        known.setdefault(rule, []).append(f"`{column}`")
    return f"### {table.name}\n\n" + _table(("known", "columns"), [(rule, ", ".join(of)) for rule, of in known.items()])


def _metrics() -> str:
    return _table(("in `metrics.json`", "name", "what it says", "ideal"), [(f"`{n}`", *w) for n, w in METRICS.items()])


FILLED: Final[dict[str, Callable[..., str]]] = {
    "settings": _settings,
    "text": _text,
    "source": _source,
    "list": _list,
    "help": _help,
    "file": _file,
    "columns": _columns,
    "metrics": _metrics,
}
