"""Raw eICU tables, and whose patients they hold: those of eICU, or made-up ones that `wardround synth eicu` wrote.

A made-up cohort has patients of its own, whose numbers look like those of eICU and, whatever the seed, like each
other's: each seed is a database apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from wardround import files
from wardround.errors import SourceError
from wardround.json_kinds import is_object
from wardround.sources.csv_tables import find_csv_tables
from wardround.sources.eicu.columns import PATIENT
from wardround.sources.patient_pool import EICU, PatientPool
from wardround.sources.raw_data import RawData
from wardround.sources.raw_table import RawTable


def find_eicu(raws: Sequence[Path], tables: Sequence[RawTable]) -> RawData:
    """The tables of a raw folder, and whose patients they hold where not eICU's. Raises as `find_csv_tables`."""
    found = find_csv_tables(raws, tables)
    return replace(found, patients=_made_up(raws[0], found.inputs))


def _made_up(raw: Path, inputs: Mapping[str, str]) -> PatientPool | None:
    """The patients of a made-up cohort; None where the folder has no manifest of one, or not of this stay table."""
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
    by_synth = settings.get("source") == "eicu" and isinstance(settings.get("seed"), int)  # `fetch` writes one, too
    if not by_synth or hashes.get(f"{PATIENT.name}.csv.gz") != inputs.get(PATIENT.name):
        return None
    return PatientPool(f"synthetic {EICU}, seed {settings['seed']}", "synthetic")
