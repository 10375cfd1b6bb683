"""A DATA folder of ours, or an export of one (`wardround export meds`), read back: equal events, equal stays.

Each event names its stay, its modality and when it was known in columns of its own, and `stays.parquet` beside the
shards holds the stays, so that no mapping is needed. Equal rows are all kept: two raw rows may tell the same. An export
also holds rows that tell other tools of the stays; they belong to none here and are counted.
"""

from typing import Final

import polars as pl

from wardround import files
from wardround.errors import SourceError
from wardround.events import HAPPENED, KNOWN, MODALITIES, OPTIONAL_STAY_COLUMNS, STAY_COLUMNS, TIME, TIME_IS
from wardround.json_kinds import is_object
from wardround.sources.conversion import CANDIDATE, EventTable, candidates, with_reason
from wardround.sources.csv_reader import RawRows
from wardround.sources.meds.columns import event_columns
from wardround.sources.meds.events import NO_SUCH_STAY, OTHERS_STAY, TELLS
from wardround.sources.meds.raw import DATASET, MedsFolder
from wardround.sources.raw_table import ADMIT, ANY_TEXT, ID, INTEGER, NEVER, NUMBER, UNREAD, Kind, Known, RawTable
from wardround.sources.stay_clock import on_stay_clock

STAYS_FILE: Final = "stays.parquet"
ETL: Final = "wardround"
HAPPENED_TIME: Final = "happened_time"
EXTRA: Final[dict[str, pl.DataType]] = {
    "stay_id": pl.Int64(),
    "modality": pl.String(),
    "available_time": TIME,
    HAPPENED_TIME: TIME,
}
"""`happened_time` is in exports alone, whose `time` may be when a value was known."""

_AT_ADMISSION: Final = ("start", "hospital_start", "age", "sex", "hospital_id", "orphan")
_COUNTED: Final = ("n_events", "modalities")
_TEXT: Final = ("sex",)


def _declared(name: str, kind: pl.DataType) -> tuple[Kind, Known]:
    of = ANY_TEXT if name in _TEXT else NUMBER if kind.is_float() else INTEGER
    if name in _COUNTED:
        return of, UNREAD
    return of, ID if name.endswith("_id") and name != "hospital_id" else ADMIT if name in _AT_ADMISSION else NEVER


OWN_STAYS: Final = RawTable(
    "stays", {name: _declared(name, kind) for name, kind in STAY_COLUMNS.items()}, optional=False
)


def is_own(folder: MedsFolder) -> bool:
    """Whether wardround wrote the folder, and its stays lie beside its shards."""
    return folder.dataset.get("etl_name") == ETL and (folder.path / STAYS_FILE).is_file()


def check_own(folder: MedsFolder) -> None:
    """Refuse a folder of ours that was not finished or was changed since, whose shards lack a column, or that says of
    its `time` what this does not know.

    Raises:
        SourceError: naming the file.
        StorageError: where the disk refuses.
    """
    if not (folder.path / files.MANIFEST).is_file():
        raise SourceError(
            f"{folder.path} lacks {files.MANIFEST}: the command that wrote it did not finish, or part of it is gone. "
            "Run it again, or give the whole folder."
        )
    manifest = files.read_json(folder.path / files.MANIFEST, SourceError)
    kind = manifest.get("kind") if is_object(manifest) else None
    files.verify_folder(folder.path, "data" if kind == "data" else "meds", SourceError)
    known = _time_is(folder) == KNOWN
    folder.check((name for name in EXTRA if known or name != HAPPENED_TIME), "which wardround wrote. Make it again.")


def _time_is(folder: MedsFolder) -> str:
    """What `time` is in a folder of ours; where it is `KNOWN`, when a thing happened stands in `happened_time`.

    Raises:
        SourceError: where `metadata/dataset.json` says something else.
    """
    said = folder.dataset.get(TIME_IS, HAPPENED)  # earlier versions did not say; their exports have the column
    if said not in (HAPPENED, KNOWN):
        raise SourceError(
            f"{folder.path / DATASET} says that time_is {str(said)[:20]!a}: this reads {HAPPENED} and {KNOWN}. "
            "Update wardround."
        )
    return str(said)


def own_stay_block(folder: MedsFolder) -> RawRows:
    """The stays of the folder. Raises `SourceError` where they cannot be read or lack a column."""
    stays = files.read_columns(folder.path / STAYS_FILE, STAY_COLUMNS, SourceError, OPTIONAL_STAY_COLUMNS)
    return RawRows(stays.select(OWN_STAYS.read), 0, 0, is_typed=True)


def own_stay_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """Its rows with the reason why one is no stay."""
    free = pl.col("reason").is_null()
    for unusable, reason in (
        (pl.col("stay_id").is_null(), "blank stay id"),
        (pl.col("subject_id").is_null(), "no subject id"),
        (pl.col("start").is_null(), "no time"),
        (pl.struct(pl.all().exclude("row", "reason")).is_first_distinct().not_(), "duplicate row"),
        (free & (free.sum().over("stay_id") > 1), "stay id used for different rows"),
    ):
        frame = with_reason(frame, unusable, reason)
    return frame


def own_stays(rows: pl.DataFrame) -> pl.DataFrame:
    """Its good rows, sorted as every source sorts them."""
    rows = rows.filter(pl.col("reason").is_null())
    return rows.select(OWN_STAYS.read).sort("subject_id", "start", "stay_id")


def own_admission_events(_rows: pl.DataFrame, _paper: bool) -> pl.DataFrame:
    """None: what is known at admission stands among the events."""
    return pl.DataFrame(schema=CANDIDATE)


def _placed(rows: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Rows with their stay's start, or why they are no event."""
    rows = rows.with_columns(time=pl.coalesce(HAPPENED_TIME, "time"))
    for unusable, reason in (
        (pl.col("subject_id").is_null(), "no subject id"),
        (pl.col("code").is_null() | (pl.col("code") == ""), "no code"),
        (pl.col("stay_id").is_null(), TELLS),
        (~pl.col("stay_id").is_in(stays["stay_id"].implode()), NO_SUCH_STAY),
        (pl.col("time").is_null() | pl.col("available_time").is_null(), "no time"),
        (~pl.col("modality").is_in(list(MODALITIES)).fill_null(False), "unknown modality"),
    ):
        rows = with_reason(rows, unusable, reason)
    times = stays.select("stay_id", "start", _subject="subject_id")
    rows = rows.join(times, on="stay_id", how="left", maintain_order="left")
    return with_reason(rows, pl.col("_subject") != pl.col("subject_id"), OTHERS_STAY)


def _converted(rows: pl.DataFrame) -> pl.DataFrame:
    """Candidates of placed rows, all as they are."""
    rows = on_stay_clock(rows.with_columns(known="available_time"))
    return candidates(rows, pl.col("modality"), pl.col("code"), pl.col("numeric_value"), pl.col("text_value"))


def own_events() -> EventTable:
    """The table of events."""
    return OWN_EVENTS


OWN_EVENTS: Final = EventTable(
    event_columns(EXTRA, available="available_time"),
    _converted,
    MODALITIES,
    place=_placed,
    again=own_events,
)
