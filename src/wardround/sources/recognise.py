"""Which database a raw folder looks like, by the names of the tables in it: what to say where it is not the one that
was asked for. Nothing is opened; each source tells its own tables."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path

from wardround.errors import BrokenFileError, SourceError
from wardround.sources.source import Source


@contextmanager
def hinted(asked: str, raws: Sequence[Path], known: Callable[[], Iterable[Source]]) -> Generator[None]:
    """Add to the error of a folder that is not what was asked for what it looks like.

    Args:
        asked: the name of the source.
        raws: the folders of the call; a hint is given where there is one.
        known: gives the sources that it may be instead; asked where there is an error alone.

    Raises:
        SourceError: the one that was raised within, with a hint where there is one.
    """
    try:
        yield
    except BrokenFileError:
        raise  # a file of the right database
    except SourceError as error:
        hint = looks_like(asked, raws, known())
        if not hint:
            raise
        raise SourceError(f"{error} {hint}") from error


def looks_like(asked: str, raws: Sequence[Path], known: Iterable[Source]) -> str:
    """What a folder looks like, where it has more tables of another source than of the one that was asked for; else
    nothing. Arguments as for `hinted`, `known` the sources themselves."""
    if len(raws) != 1 or not raws[0].is_dir():
        return ""
    names = _names(raws[0])
    counts = {source.name: len(names & source.table_names) for source in known}
    best = max(counts, key=lambda name: counts[name], default="")
    there, own = counts.get(best, 0), counts.get(asked, 0)
    if there <= own or list(counts.values()).count(there) > 1:
        return ""
    beside = f", and {own} of {asked}" if asked in counts else ""
    return f"{raws[0]} has {there} tables of {best}{beside}: did you mean `wardround prepare {best}`?"


def _names(folder: Path) -> set[str]:
    """What may be the names of tables in a folder and those in it, in lower case; none where they cannot be listed: a
    hint is not worth an error of its own."""
    try:
        inside = sorted(folder.iterdir())
        files = [path for path in inside if not path.is_dir()]
        files += [path for sub in inside if sub.is_dir() for path in sub.iterdir()]
    except OSError:
        return set()
    return {path.name.lower().removesuffix(".gz").removesuffix(".csv") for path in files if ".csv" in path.name.lower()}
