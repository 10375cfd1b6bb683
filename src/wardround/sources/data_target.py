"""The folder that `prepare` writes: what it is to be, and whether it may be written. The dry run asks the same."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from wardround import files
from wardround.sources.gather import STAYS_PER_SHARD
from wardround.sources.patient_pool import PatientPool
from wardround.sources.raw_data import RawData
from wardround.sources.registry import KNOWN_SOURCES
from wardround.sources.source import Source
from wardround.sources.work_folder import refuse_others_files

OUTPUTS: Final = ("data", "metadata", "stays.parquet", "ledger.json", files.MANIFEST)


def settings_of(source: Source, found: RawData, modalities: str) -> dict[str, Any]:
    """What decides, beside the files that are read, what their data become: the settings of the manifest."""
    per_shard = min(STAYS_PER_SHARD, source.stays_per_shard or STAYS_PER_SHARD)
    settings: dict[str, Any] = {"source": source.name, "modalities": modalities, "stays_per_shard": per_shard}
    origin = KNOWN_SOURCES.origin(source.name)
    settings |= {**source.settings, **patients_of(found, source).as_json()}
    settings |= {} if origin is None else {"packages": [origin.as_json()]}
    n_pictures = None if found.pictures is None else found.pictures.count
    return settings | ({} if n_pictures is None else {"n_pictures": n_pictures})


def patients_of(found: RawData, source: Source) -> PatientPool:
    """Whose patients they are: the files may say it, else the source does."""
    return found.patients or source.patients


def is_prepared(to: Path, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> bool:
    """Whether a folder already holds these very data, finished. Nothing is changed.

    Args:
        to: the folder; may be absent.
        settings: as `settings_of` tells them.
        inputs: what is read -> its SHA-256.

    Raises:
        RunError: where it holds data of other settings or inputs, such as were changed, or files of somebody's.
        StorageError: where the disk refuses.
    """
    if files.is_complete(to, "data", settings, inputs):
        return True
    refuse_others_files(to, OUTPUTS)
    return False
