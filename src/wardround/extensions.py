"""What installed packages add: sources, tasks, encoders and methods, found by their entry points.

    [project.entry-points."wardround.methods"]
    mean_risk = "wardround_mean_risk:METHOD"

A package is imported when a name is asked for that is not built in, or all of them to list what there is; never for
`--help`. A built-in name is taken without a look at any package, so that a broken one breaks nothing but itself.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from importlib import metadata
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

from wardround.errors import ExtensionError, UsageError

Group = Literal["sources", "tasks", "encoders", "methods"]


@runtime_checkable
class Named(Protocol):
    """What every source, task, encoder and method says of itself."""

    @property
    def name(self) -> str:
        """As on the command line."""
        ...

    @property
    def summary(self) -> str:
        """One line."""
        ...


Thing = TypeVar("Thing", bound=Named)


@dataclass(frozen=True)
class Origin:
    """Where a thing comes from, as a run keeps it.

    Attributes:
        group, name: what the package offers.
        package, version: who offers it.
    """

    group: str
    name: str
    package: str
    version: str

    @property
    def label(self) -> str:
        """Package and version, for a person."""
        return f"{self.package} {self.version}"

    def as_json(self) -> dict[str, str]:
        """The JSON of a run's settings."""
        return asdict(self)


@dataclass(frozen=True)
class Offer:
    """An entry point of an installed package; not yet imported."""

    origin: Origin
    point: metadata.EntryPoint

    def __str__(self) -> str:
        """As a message names it."""
        return f"package {self.origin.label}, wardround.{self.origin.group}: {self.point.name} = {self.point.value}"

    def load(self) -> Any:
        """What the package offers. Raises `ExtensionError` where it cannot be imported, for whatever reason."""
        try:
            return self.point.load()
        except (Exception, SystemExit) as error:
            said = (str(error).splitlines() or [""])[0]
            raise ExtensionError(
                f"{self} cannot be imported ({type(error).__name__}: {said}). "
                f"Mend the package, or pip uninstall {self.origin.package}."
            ) from error


def offers(group: Group) -> list[Offer]:
    """What installed packages offer in a group, by name and package; nothing is imported."""
    found: list[Offer] = []
    for point in metadata.entry_points(group=f"wardround.{group}"):
        package, version = ("?", "?") if point.dist is None else (point.dist.name, point.dist.version)
        found.append(Offer(Origin(group, point.name, package, version), point))
    return sorted(found, key=lambda offer: (offer.origin.name, offer.origin.package))


@dataclass(frozen=True)
class Listed:
    """A line of a list: name, one line, package and version."""

    name: str
    summary: str
    origin: str


@dataclass(frozen=True)
class Registry(Generic[Thing]):
    """The things of a group: those that are built in, then those of installed packages.

    Attributes:
        group: of the entry points.
        what: one of them, for a message.
        built_in: by name.
        kinds: the classes that a package may offer.
        reserved: names that wardround uses beside them.
        lent: things of this process alone, by name; see `lend`.
    """

    group: Group
    what: str
    built_in: Mapping[str, Thing]
    kinds: tuple[type, ...]
    reserved: tuple[str, ...] = ()
    lent: dict[str, Thing] = field(default_factory=dict[str, Any])

    def find(self, name: str) -> Thing:
        """The thing of that name.

        Raises:
            UsageError: where there is none; it lists those that there are.
            ExtensionError: where a package offers it that cannot be used.
        """
        if name in self.built_in:
            return self.built_in[name]
        if name in self.lent:
            return self.lent[name]
        found = [offer for offer in offers(self.group) if offer.origin.name == name]
        if not found or name in self.reserved:
            raise UsageError(f"no {self.what} {name!r}. There are: {', '.join(self.names())}.")
        return self._taken(found[0])

    def names(self) -> tuple[str, ...]:
        """All names; no package is imported."""
        offered = dict.fromkeys(offer.origin.name for offer in offers(self.group))
        return tuple(dict.fromkeys((*self.built_in, *self.reserved, *self.lent, *offered)))

    def listed(self, ours: str) -> list[Listed]:
        """What there is, packages imported; what cannot be used says why in its line.

        Args:
            ours: the origin of what is built in.
        """
        rows = [Listed(thing.name, thing.summary, ours) for thing in self.built_in.values()]
        for offer in offers(self.group):
            try:
                summary = self._taken(offer).summary
            except ExtensionError as error:
                summary = f"cannot be used: {error}"
            rows.append(Listed(offer.origin.name, summary, offer.origin.label))
        return rows

    def usable(self) -> list[Thing]:
        """All things, packages imported; without what cannot be used."""
        found = [*self.built_in.values()]
        for offer in offers(self.group):
            with suppress(ExtensionError):
                found.append(self._taken(offer))
        return found

    def origin(self, name: str) -> Origin | None:
        """The package that a name comes from; None where it is built in, lent, or there is none."""
        if name in self.built_in or name in self.reserved or name in self.lent:
            return None
        return next((offer.origin for offer in offers(self.group) if offer.origin.name == name), None)

    @contextmanager
    def lend(self, thing: Thing) -> Generator[None]:
        """Take a thing of no installed package for as long as this lasts: in a test, a notebook.

        Raises:
            ExtensionError: where its name is another's.
        """
        known = self.built_in.get(thing.name, self.lent.get(thing.name, thing))
        if known is not thing or thing.name in self.reserved:
            raise ExtensionError(f"{self.what} {thing.name!r}: the name is taken. Give it another.")
        new = thing.name not in self.built_in and thing.name not in self.lent
        if new:
            self.lent[thing.name] = thing
        try:
            yield
        finally:
            if new:
                del self.lent[thing.name]

    def _taken(self, offer: Offer) -> Thing:
        """What a package offers, once it is known to fit. Raises `ExtensionError`."""
        name, package = offer.origin.name, offer.origin.package
        rename = f"Rename it in the entry points of {package}, or pip uninstall {package}."
        if name in self.built_in or name in self.reserved:
            raise ExtensionError(f"{offer} has the name of a built-in {self.what}, which stays in use. {rename}")
        same = [other.origin.label for other in offers(self.group) if other.origin.name == name]
        if len(same) > 1:
            raise ExtensionError(
                f"wardround.{self.group}: {name} is offered by {' and by '.join(same)}. Uninstall all but one."
            )
        thing = offer.load()
        if not isinstance(thing, self.kinds):
            expected = " or ".join(kind.__name__ for kind in self.kinds)
            raise ExtensionError(f"{offer} is of type {type(thing).__name__}, not {expected}. Mend {package}.")
        found: Any = thing
        if found.name != name:
            raise ExtensionError(f"{offer} calls itself {found.name!r}: give both the same name in {package}.")
        return found
