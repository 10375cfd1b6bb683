"""A table of a TOML file, read key by key: what is not asked for, or of another type, is refused by name.

table = TomlTable.read(path)
at_h = table.take("at_h", float, 24.0)
table.close()                                   refuses every key that nobody took
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from wardround.errors import UsageError
from wardround.files import storage_errors
from wardround.json_kinds import is_list, is_object

Value = TypeVar("Value", str, int, float, bool)

NEEDED: Final = object()
"""The default of a key that has to be there."""
WORDS: Final = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


@dataclass
class TomlTable:
    """One table.

    Attributes:
        file: where it stands.
        where: its name in the file, as `[split]`; empty for the top.
        values: key -> value.
        asked: the keys that were asked for: all that there are.
    """

    file: Path
    where: str
    values: dict[str, Any]
    asked: list[str] = field(default_factory=list[str])

    @classmethod
    def read(cls, file: Path) -> "TomlTable":
        """The top of a file. Raises `UsageError` where it is not there or no TOML, `StorageError` if the disk
        refuses."""
        if not file.is_file():
            raise UsageError(f"{file} is not there. Give a recipe: a TOML file, or folders of runs or evaluations.")
        with storage_errors(file, "reading"):
            data = file.read_bytes()
        try:
            return cls(file, "", tomllib.loads(data.decode()))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{file} is not a TOML file: {error}.") from None

    def refuse(self, key: str, problem: str) -> UsageError:
        """An error that names the file and the key."""
        place = f"{self.where} {key}".strip()
        return UsageError(f"{self.file}: {place}: {problem}")

    def take(self, key: str, kind: type[Value], default: Any = NEEDED) -> Any:
        """A value. Raises `UsageError` where it is of another type, or missing and has no default."""
        value = self._value(key, default)
        return default if value is default else self._checked(key, kind, value)

    def take_list(self, key: str, kind: type[Value], default: Any = NEEDED) -> Any:
        """A tuple of values; none twice. Raises `UsageError` where it is no list, is empty or of another type."""
        value = self._value(key, default)
        if value is default:
            return default
        if not is_list(value) or not value:
            raise self.refuse(key, f"a list with one or more of {WORDS[kind]} is expected.")
        found = tuple(self._checked(key, kind, one) for one in value)
        if len(set(found)) < len(found):
            raise self.refuse(key, "the same value stands in it twice.")
        return found

    def table(self, key: str) -> "TomlTable | None":
        """A table in this one, None where there is none. Raises `UsageError` where it is something else."""
        value = self._value(key, None)
        if value is None:
            return None
        if not is_object(value):
            raise self.refuse(key, f"a table is expected: [{key}].")
        return TomlTable(self.file, self._inside(key), value)

    def tables(self, key: str) -> list["TomlTable"]:
        """Tables in this one that stand in a list. Raises `UsageError` where there is none."""
        value = self._value(key, NEEDED)
        if not is_list(value) or not value or not all(is_object(one) for one in value):
            raise self.refuse(key, f"one table or more is expected: [[{key}]].")
        return [TomlTable(self.file, f"[[{key}]] {place + 1}:", one) for place, one in enumerate(value)]

    def named_tables(self) -> dict[str, "TomlTable"]:
        """Every table in this one, by the name that it was given."""
        found = {name: self.table(name) for name in self.values}
        return {name: table for name, table in found.items() if table is not None}

    def assignments(self, key: str = "set") -> tuple[str, ...]:
        """A table of settings as the `KEY=VALUE` of `--set`; lists with commas, tables within it with dots."""
        table = self.table(key)
        return () if table is None else tuple(f"{name}={text}" for name, text in table.flat())

    def flat(self) -> list[tuple[str, str]]:
        """Dotted key and value as text, for every leaf."""
        found: list[tuple[str, str]] = []
        for name, value in self.values.items():
            if is_object(value):
                inner = TomlTable(self.file, self._inside(name), value)
                found += [(f"{name}.{key}", text) for key, text in inner.flat()]
            else:
                found.append((name, as_text(value)))
        return found

    def close(self) -> None:
        """Raises `UsageError` for a key that nobody asked for, saying which there are."""
        unknown = [key for key in self.values if key not in self.asked]
        if unknown:
            raise self.refuse(unknown[0], f"there is no such key. There are: {', '.join(self.asked)}.")

    def _value(self, key: str, default: Any) -> Any:
        self.asked.append(key)
        if key not in self.values:
            if default is NEEDED:
                raise self.refuse(key, "is missing.")
            return default
        return self.values[key]

    def _inside(self, key: str) -> str:
        return f"[{self.where.strip('[]')}.{key}]" if self.where.startswith("[") else f"[{key}]"

    def _checked(self, key: str, kind: type[Value], value: Any) -> Any:
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.refuse(key, f"{WORDS[kind]} is expected.")
        return value


def as_text(value: Any) -> str:
    """A value as `--set` takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(as_text, value)) if is_list(value) else str(value)
