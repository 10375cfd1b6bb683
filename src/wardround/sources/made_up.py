"""Whose patients a raw folder holds that `wardround synth` wrote: nobody's.

A made-up cohort has patients of its own, whose numbers look like those of the database in whose layout it is and,
whatever the seed, like each other's: each seed is a database apart.
"""

from pathlib import Path
from typing import Any

from wardround import files
from wardround.errors import SourceError
from wardround.json_kinds import is_object
from wardround.sources.patient_pool import PatientPool


def made_up_patients(raw: Path, source: str, database: str, stay_table: tuple[str, str | None]) -> PatientPool | None:
    """The patients of a made-up cohort; None where the folder has no manifest of one, or not of this stay table.

    Args:
        raw: the folder.
        source: the name of the layout, as `synth` takes it.
        database: what its patients are called.
        stay_table: path of the table of stays in the folder, and the hash of the one that was read.
    """
    if not (raw / files.MANIFEST).is_file():
        return None
    try:
        manifest = files.read_manifest(raw, "raw", SourceError)
    except SourceError:
        return None  # somebody else's, or edited: what it says does not count
    settings: Any = manifest["settings"]
    hashes: Any = manifest["files"]
    if not is_object(settings) or not is_object(hashes):
        return None
    by_synth = settings.get("source") == source and isinstance(settings.get("seed"), int)  # `fetch` writes one, too
    path, digest = stay_table
    if not by_synth or hashes.get(path) != digest:
        return None
    return PatientPool(f"synthetic {database}, seed {settings['seed']}", "synthetic")
