"""The mapping: what the codes of one MEDS data set mean. A TOML file that a hospital writes; `mimic4.toml` is one.

    patient_pool       whose patients these are; data sets that may share some give the same name
    modifiers          columns that are part of the code, as one of units is
    [stays]            which code opens a stay of the unit, which ends it, and the column that holds its id, if any
    [hospital]         the same of the hospital stay around it; left out, a stay is the hospital stay
    [subject]          the code of birth, and those of each sex
    [labels]           discharge codes that say "died", and the code of death
    [[events]]         codes -> modality, and when they are known; the first entry that has a code decides
    [[left_out]]       codes that become no event, and why

A code that ends a stay, or tells of death, is an outcome: it never becomes an event, whatever [[events]] says.
"""

import tomllib
from collections.abc import Mapping as Map
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from wardround import files
from wardround.errors import UsageError
from wardround.events import MODALITIES
from wardround.json_kinds import is_list, is_object
from wardround.sources.meds.known import AT_ONCE, KnownWhen, read_known
from wardround.sources.meds.patterns import Codes, read_codes
from wardround.sources.meds.shards import ID_OF, OF_MEDS, in_file

MAX_MAPPING_BYTES: Final = 2**20


@dataclass(frozen=True)
class Span:
    """How a stay, of the unit or of the hospital, shows in codes.

    Attributes:
        opens: codes at whose time it begins.
        ends: codes at whose time it ends.
        id: an extra column with its id, in rows of both and of events; None where there is none.
    """

    opens: Codes
    ends: Codes
    id: str | None = None

    @property
    def id_column(self) -> str | None:
        """The id's column as it is read, apart from our own names."""
        return None if self.id is None else ID_OF + self.id


@dataclass(frozen=True)
class Meaning:
    """What the events of some codes are.

    Attributes:
        codes: which.
        modality: of `MODALITIES`.
        known: when their values become known.
    """

    codes: Codes
    modality: str
    known: KnownWhen


@dataclass(frozen=True)
class LeftOut:
    """Codes that become no event, and the reason under which their rows are counted."""

    codes: Codes
    why: str


@dataclass(frozen=True)
class Mapping:
    """What the codes of a data set mean.

    Attributes:
        name: of the data set, for `metadata/dataset.json`.
        stays: stays of the unit.
        hospital: the hospital stays around them; None where a stay is a hospital stay.
        before_h: hours before the hospital stay that belong to it too (the emergency department).
        dates: "real", or "shifted" where each patient's dates were moved: then no year of a stay is known.
        patient_pool: the records that its patients were drawn from; empty where the file does not say.
        birth: codes of birth.
        sexes: sex -> its codes.
        died: discharge codes that say that the patient died.
        death: codes of death.
        events: what the codes are; the first that has a code decides.
        left_out: codes that become no event.
        modifiers: columns that are part of the code (`modifiers.py`); None where the file does not say.
        digest: the SHA-256 of what the file says, its comments and layout apart.
        shipped: its file, where it comes with the package: whoever uses it has none of their own to correct.
    """

    name: str
    stays: Span
    hospital: Span | None = None
    before_h: float = 0.0
    dates: Literal["real", "shifted"] = "shifted"
    patient_pool: str = ""
    birth: Codes = field(default_factory=Codes)
    sexes: Map[str, Codes] = field(default_factory=dict[str, Codes])
    died: Codes = field(default_factory=Codes)
    death: Codes = field(default_factory=Codes)
    events: tuple[Meaning, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    modifiers: tuple[str, ...] | None = None
    digest: str = ""
    shipped: Path | None = None

    @property
    def in_it(self) -> str:
        """Where to write a correction, as errors begin their remedy."""
        if self.shipped is None:
            return "In the mapping"
        return f"In a copy of the mapping that comes with wardround ({self.shipped}), given as --mapping COPY"

    @property
    def around(self) -> Span:
        """The hospital stay: the stay itself where none is declared."""
        return self.hospital or self.stays

    @property
    def id_columns(self) -> dict[str, pl.DataType]:
        """The extra columns of ids, as text."""
        return {each.id_column: pl.String() for each in (self.stays, self.around) if each.id_column is not None}

    @property
    def never_modifiers(self) -> frozenset[str]:
        """Columns that are no part of a code, since codes are listed in `metadata/codes.parquet`: ids, and MEDS's."""
        return OF_MEDS | {in_file(name) for name in self.id_columns}


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        UsageError: where it is missing, not TOML, or says something that no mapping says; with the key and remedy.
        StorageError: if the disk refuses.
    """
    if not path.is_file():
        raise UsageError(f"--mapping {path}: there is no such file.")
    with files.storage_errors(path, "reading"):
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_MAPPING_BYTES else b""
    if size > MAX_MAPPING_BYTES:
        raise UsageError(f"{path} has {size} bytes; a mapping has {MAX_MAPPING_BYTES} at most.")
    try:
        return parse_mapping(tomllib.loads(data.decode()))
    except (ValueError, RecursionError) as error:  # tomllib.TOMLDecodeError and UnicodeDecodeError are ValueErrors
        raise UsageError(f"{path}: {error}.") from None


def parse_mapping(content: Map[str, Any]) -> Mapping:
    """The mapping that parsed TOML says.

    Raises:
        ValueError: naming the key and what was expected.
    """
    top = _Table(content, "the mapping", ("name", "dates", *_TABLES, *_LISTS, "patient_pool", "modifiers"))
    stays, hospital = top.table("stays", (*_SPAN, "before_h")), top.table("hospital", (*_SPAN, "before_h"))
    subject, labels = top.table("subject", ("birth", "sex")), top.table("labels", ("died", "death"))
    if stays is None:
        raise ValueError("[stays] is missing: say which codes open and end a stay")
    sexes = None if subject is None else subject.table("sex", None)
    dates = top.text("dates", "shifted")
    if dates not in ("real", "shifted"):
        raise ValueError(f'dates is "real" or "shifted", not {dates!r}')
    mapping = Mapping(
        name=top.text("name", "meds"),
        stays=_span(stays),
        hospital=None if hospital is None else _span(hospital),
        before_h=(stays if hospital is None else hospital).hours("before_h"),
        dates=dates,
        patient_pool=top.text("patient_pool", "").strip(),
        birth=Codes() if subject is None else subject.codes("birth", needed=False),
        sexes={} if sexes is None else {sex: sexes.codes(sex) for sex in sexes.content},
        died=Codes() if labels is None else labels.codes("died", needed=False),
        death=Codes() if labels is None else labels.codes("death", needed=False),
        events=tuple(map(_meaning, top.tables("events", ("codes", "modality", "known")))),
        left_out=tuple(
            LeftOut(each.codes("codes"), each.text("why")) for each in top.tables("left_out", ("codes", "why"))
        ),
        modifiers=top.names("modifiers"),
    )
    if not mapping.events:
        raise ValueError("[[events]] is missing: say which codes are which modality")
    refused = sorted(mapping.never_modifiers & {*(mapping.modifiers or ())})
    if refused:
        raise ValueError(f"modifiers names {', '.join(refused)}: ids and columns of MEDS itself are no part of a code")
    return replace(mapping, digest=files.hash_of(dict(content)))


_SPAN: Final = ("opens", "ends", "id")
_TABLES: Final = ("stays", "hospital", "subject", "labels")
_LISTS: Final = ("events", "left_out")


def _span(table: "_Table") -> Span:
    return Span(table.codes("opens"), table.codes("ends"), table.text("id", "") or None)


def _meaning(table: "_Table") -> Meaning:
    modality = table.text("modality")
    if modality not in MODALITIES:
        raise ValueError(f"{table.where}: no modality {modality!r}. There are: {', '.join(MODALITIES)}")
    try:
        known = read_known(table.text("known", AT_ONCE))
    except ValueError as error:
        raise ValueError(f"{table.where}, known: {error}") from None
    return Meaning(table.codes("codes"), modality, known)


class _Table:
    """A table of the file, that says what is wrong in it."""

    def __init__(self, content: object, where: str, keys: tuple[str, ...] | None) -> None:
        if not is_object(content):
            raise ValueError(f"{where} is not a table of keys and values")
        unknown = [] if keys is None else sorted(set(content) - set(keys))
        if unknown:
            raise ValueError(f"{where} has no key {unknown[0]!r}. There are: {', '.join(keys or ())}")
        self.content, self.where = content, where

    def table(self, key: str, keys: tuple[str, ...] | None) -> "_Table | None":
        return _Table(self.content[key], f"[{key}]", keys) if key in self.content else None

    def tables(self, key: str, keys: tuple[str, ...]) -> "list[_Table]":
        found = self.content.get(key, [])
        if not is_list(found):
            raise ValueError(f"{key} is written [[{key}]], one for each entry")
        return [_Table(each, f"[[{key}]] number {number}", keys) for number, each in enumerate(found, 1)]

    def text(self, key: str, default: str | None = None) -> str:
        value = self.content.get(key, default)
        if not isinstance(value, str):
            raise ValueError(f"{self.where}: {key} is {'missing' if value is None else 'not a text'}")
        return value

    def names(self, key: str) -> tuple[str, ...] | None:
        found = self.content.get(key)
        if found is None:
            return None
        names = [each for each in found if isinstance(each, str) and each] if is_list(found) else []
        if not is_list(found) or len(names) < len(found) or len(set(names)) < len(names):
            raise ValueError(f'{self.where}: {key} is a list of columns, no two alike, as in ["unit"]; [] for none')
        return tuple(names)

    def hours(self, key: str) -> float:
        value = self.content.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 24 * 366:
            raise ValueError(f"{self.where}: {key} is a number of hours, 0 or more")
        return float(value)

    def codes(self, key: str, needed: bool = True) -> Codes:
        found = self.content.get(key, [])
        patterns = [each for each in found if isinstance(each, str)] if is_list(found) else []
        if not is_list(found) or len(patterns) < len(found) or (needed and not found):
            raise ValueError(f'{self.where}: {key} is a list of codes, as in ["MEDS_DEATH", "LAB//*", "re:[0-9]+"]')
        try:
            return read_codes(patterns)
        except ValueError as error:
            raise ValueError(f"{self.where}, {key}: {error}") from None
