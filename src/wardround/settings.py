"""Settings are frozen dataclasses; this turns `--set KEY=VALUE` into them and them into JSON.

A key is a dotted path ("loop.epochs") or any ending of one that is unique ("epochs"). Values are read by the type of
the field; no code is ever imported or run from a setting.
"""

import dataclasses
import math
import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeGuard, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from wardround.errors import RunError, UsageError
from wardround.json_kinds import is_list, is_object

Settings = TypeVar("Settings")


def override(settings: Settings, assignments: Sequence[str]) -> Settings:
    """Apply `KEY=VALUE` assignments.

    Raises:
        UsageError: for a key that does not exist or is not unique (the message lists what there is), or a value of
            another type.
    """
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise UsageError(f"--set {assignment}: give KEY=VALUE.")
        settings = _replaced(settings, find_key(settings, key.strip()).split("."), text.strip(), key)
    return settings


def find_key(settings: Any, key: str) -> str:
    """The full path of a setting from any unique ending of it.

    Raises:
        UsageError: listing the settings that there are, or those that match.
    """
    paths = list(flatten(settings))
    found = [path for path in paths if path == key] or [path for path in paths if path.endswith("." + key)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"setting {key!r} could be any of: {', '.join(found)}.")
    raise UsageError(f"no setting {key!r}. There are: {', '.join(paths)}.")


def flatten(settings: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted path -> value of every leaf."""
    leaves: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            leaves |= flatten(value, f"{prefix}{field.name}.")
        else:
            leaves[prefix + field.name] = value
    return leaves


def _replaced(settings: Any, path: list[str], text: str, key: str) -> Any:
    name = path[0]
    if len(path) > 1:
        value = _replaced(getattr(settings, name), path[1:], text, key)
    else:
        value = _read(text, get_type_hints(settings.__class__)[name], key)
    return dataclasses.replace(settings, **{name: value})


def _read(text: str, kind: Any, key: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        if text not in arguments:
            raise UsageError(f"--set {key}={text}: one of {', '.join(map(str, arguments))}.")
        return text
    if origin in (Union, types.UnionType):
        if text.lower() in ("none", "null"):
            return None
        return _read(text, next(a for a in arguments if a is not type(None)), key)
    if origin is tuple:
        return tuple(_read(part.strip(), arguments[0], key) for part in text.split(",") if part.strip())
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise UsageError(f"--set {key}={text}: true or false.")
        return text.lower() == "true"
    try:
        value = kind(text)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("not finite, so not JSON")
        return value
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"--set {key}={text}: a value of type {getattr(kind, '__name__', kind)} is expected."
        ) from error


def as_json(settings: Any) -> dict[str, Any]:
    """Nested JSON of a settings dataclass; tuples become lists."""
    return {
        field.name: as_json(value) if dataclasses.is_dataclass(value) else list(value) if _is_tuple(value) else value
        for field in dataclasses.fields(settings)
        for value in [getattr(settings, field.name)]
    }


def _is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    return isinstance(value, tuple)


def from_json(kind: type[Settings], values: Mapping[str, Any]) -> Settings:
    """The dataclass that `as_json` wrote.

    Raises:
        RunError: where a field is missing, unknown, or refused by the dataclass.
    """
    hints = get_type_hints(kind)
    names = {field.name for field in dataclasses.fields(cast(Any, kind))}
    if set(values) != names:
        odd = ", ".join(sorted(set(values) ^ names))
        raise RunError(f"settings do not fit {kind.__name__} of this version: {odd}. Train again.")
    read: dict[str, Any] = {}
    for name, value in values.items():
        if dataclasses.is_dataclass(hints[name]) and is_object(value):
            read[name] = from_json(hints[name], value)
        else:
            read[name] = tuple(value) if is_list(value) else value
    try:
        return kind(**read)
    except UsageError as error:
        raise RunError(f"settings are refused: {error}") from error
