"""A synthetic cohort on disk: the raw tables of patients whose true risks are known, in any layout.

    patients come in chunks         ->  each chunk's tables and truth    (hidden work folder, each file written whole)
    each table's chunks are joined  ->  TABLE.csv.gz; files beside the tables (images) are written with their chunk
    truth, manifest                 ->  the folder is closed, the work folder goes

A run that was killed goes on after the last chunk that it finds finished; the bytes at the end are the same. Memory
holds one chunk, and at the end the truth; the disk needs twice the room of the tables. What a seed gives does not
depend on what is taken away: the mechanism and the rate of missingness, and the odd rows, act on finished tables. Equal
seeds and settings give equal bytes (for the same versions of Python, numpy, polars and zlib).
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import polars as pl

import wardround
from wardround import files
from wardround.errors import RunError, UsageError
from wardround.progress import progress
from wardround.sources.synthetic.cohort import Cohort
from wardround.sources.synthetic.gzip_tables import join_members, write_member
from wardround.sources.synthetic.layout import Layout
from wardround.sources.synthetic.made import Chunk, Made
from wardround.sources.synthetic.population import USUAL_VISITS
from wardround.sources.synthetic.truth import best_possible
from wardround.sources.work_folder import WorkFolder, open_work
from wardround.stopping import StopRequest, stop_on_sigterm
from wardround.whole_file import one_writer

PATIENTS_PER_CHUNK: Final = 2_000
"""Where they come back as often as usual; memory holds the stays of a chunk."""

ODD_ROWS: Final = "truth/odd_rows.json"
SETTINGS: Final = "truth/settings.json"
SORTED_BY: Final = {"stays": ("stay_id",), "hours": ("stay_id", "hour")}
"""Tables of what is true in any layout -> the columns by which their rows are sorted."""


def synthesise(layout: Layout, to: Path, stays: int, quiet: bool = False) -> bool:
    """Write a synthetic cohort as raw tables, and the truth about it.

    Args:
        layout: the database, with its settings and seed.
        to: the folder to write: absent, empty, or one that this command did not finish. It gets a `.csv.gz` a table,
            `truth/stays.parquet`, `truth/hours.parquet`, `truth/settings.json`, `manifest.json` and, with odd rows,
            `truth/odd_rows.json`.
        stays: number of unit stays, at least 1.
        quiet: no progress on stderr.

    Returns:
        Whether all of it was there already. What another call left unfinished is gone on with where it was asked for
        the same, else begun anew.

    Raises:
        UsageError: if `stays` or `seed` is out of range.
        RunError: where `to` holds a cohort of other settings, or files of somebody's, or another process is making it;
            on SIGTERM.
        StorageError: if the disk refuses.
    """
    if stays < 1 or layout.seed < 0:
        raise UsageError(f"stays is 1 or more and seed 0 or more, got {stays} and {layout.seed}")
    with one_writer(to, RunError, "making"):
        return _synthesised(layout, to, stays, quiet)


def _synthesised(layout: Layout, to: Path, stays: int, quiet: bool) -> bool:
    """`synthesise`, where nobody else writes to the folder."""
    source, settings = layout.spec.source, layout.settings.as_json()
    summary = {"source": source, "stays": stays, "seed": layout.seed, "settings": settings}
    if files.is_complete(to, "raw", summary, {}):
        WorkFolder(to).remove()
        return True
    packages = ("numpy", "polars", *layout.packages)
    versions = {"wardround": wardround.__version__, **{name: version(name) for name in packages}}
    versions |= {"zlib": zlib.ZLIB_RUNTIME_VERSION}
    plan = {"made": summary, "patients_per_chunk": patients_per_chunk(layout), "versions": versions}
    work = open_work(to, plan, outputs(layout))
    with stop_on_sigterm() as stop:
        made = _Job(work, layout, quiet, stop).run(stays, summary)
    files.write_manifest(to, "raw", {}, summary, wardround.__version__, made)
    work.remove()
    return False


def patients_per_chunk(layout: Layout) -> int:
    """As many as have about so many stays as `PATIENTS_PER_CHUNK` usual patients."""
    return max(1, round(PATIENTS_PER_CHUNK * USUAL_VISITS / layout.people.visiting.mean))


def outputs(layout: Layout) -> tuple[str, ...]:
    """Every file and folder that a cohort may consist of."""
    tables = (f"{name}.csv.gz" for name in layout.spec.columns)
    truth = (_truth(name) for name in (*SORTED_BY, *layout.spec.truth))
    return (*tables, *layout.spec.folders, *truth, SETTINGS, ODD_ROWS, files.MANIFEST)


@dataclass(frozen=True)
class _Job:
    work: WorkFolder
    layout: Layout
    quiet: bool
    stop: StopRequest

    def run(self, stays: int, summary: Mapping[str, Any]) -> list[Path]:
        """Everything but the manifest; returns the files."""
        cohort, made = Cohort(self.layout), Made()
        with progress(stays, "stays", quiet=self.quiet) as bar:
            while made.stays < stays:
                facts = self._chunk(cohort, made, stays - made.stays)
                made.add(facts)
                bar.advance(facts["stays"])
        # the stays last: without them nobody can take the folder for a finished one
        spec = self.layout.spec
        names = sorted(spec.columns, key=lambda name: name == spec.last)
        tables = [self._table(name, made.chunks) for name in progress(names, "joining tables", quiet=self.quiet)]
        beside = [self.work.to / name for name in made.files]
        return [*tables, *beside, *self._write_truth(made, summary)]

    def _chunk(self, cohort: Cohort, made: Made, wanted: int) -> dict[str, Any]:
        """Make the next chunk, unless an earlier call did; returns its facts."""
        self.stop.check()
        facts = self.work.facts("chunks", str(made.chunks))
        if facts is not None:
            return facts
        chunk = cohort.chunk(made, min(patients_per_chunk(self.layout), wanted), wanted)
        self.work.finish("chunks", str(made.chunks), chunk.facts, self._write_chunk(made.chunks, chunk))
        return chunk.facts

    def _write_chunk(self, number: int, chunk: Chunk) -> list[Path]:
        folder = self._folder(number)
        tables, beside, quoted = chunk.written.tables, chunk.written.files, self.layout.spec.quoted
        for name, rows in tables.items():
            write_member(_member(folder, name), rows, number == 0, quoted.get(name))
        for name, content in beside.items():
            files.write_bytes(self.work.to / name, content)
        for name, rows in chunk.truth.items():
            files.write_table(folder / _truth(name), rows)
        made = [*(_member(folder, name) for name in tables), *(self.work.to / name for name in beside)]
        return [*made, *(folder / _truth(name) for name in chunk.truth)]

    def _folder(self, chunk: int) -> Path:
        """Where a chunk's tables lie, named as the finished ones."""
        return self.work.path / "parts" / str(chunk)

    def _table(self, name: str, chunks: int) -> Path:
        """Put a table in its place, unless an earlier call did."""
        self.stop.check()
        path = _member(self.work.to, name)
        if self.work.facts("tables", name) is None:
            whole = self.layout.whole_table(name)
            if whole is not None:
                write_member(path, whole, True, self.layout.spec.quoted.get(name))
            else:
                join_members(path, [_member(self._folder(chunk), name) for chunk in range(chunks)])
            self.work.finish("tables", name, {}, [path])
        return path

    def _write_truth(self, made: Made, summary: Mapping[str, Any]) -> list[Path]:
        to, folders = self.work.to, [self._folder(chunk) for chunk in range(made.chunks)]
        names, best = [to / SETTINGS], dict[str, Any]()
        of = {"stays": best_possible, **self.layout.spec.best}
        for name, by in {**SORTED_BY, **self.layout.spec.truth}.items():
            rows = pl.concat(files.read_table(folder / _truth(name)) for folder in folders).sort(by)
            files.write_table(to / _truth(name), rows)
            names.append(to / _truth(name))
            if name in of:
                best |= of[name](rows)
        files.write_json(to / SETTINGS, {**summary, "best": best})
        if not self.layout.settings.odd_rows:
            return names
        files.write_json(to / ODD_ROWS, made.odd_rows.as_json())
        return [*names, to / ODD_ROWS]


def _member(folder: Path, name: str) -> Path:
    return folder / f"{name}.csv.gz"


def _truth(name: str) -> str:
    return f"truth/{name}.parquet"
