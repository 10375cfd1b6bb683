"""Which items are notes and pictures, and where their words are."""

import tracemalloc
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from timelines import Timelines, hand, write_data
from wardround import files
from wardround.batches.documents import DocumentsBuilder
from wardround.batches.lines import Lines, open_lines
from wardround.errors import DataError
from wardround.events import MEDS_EVENT_SCHEMA, MODALITIES
from wardround.tasks.cohort import Window

EVENTS = [
    (1, 0, 0, "demographics", "AGE", 60.0),
    (1, 5, 90, "radiology_note", "NOTE//radiology//addendum", 11.0),
    (1, 5, 90, "radiology_note", "NOTE//radiology", 12.0),
    (1, 4, 90, "radiology_note", "NOTE//radiology", 13.0),
    (1, 4, 90, "discharge_note", "NOTE//discharge", 13.0),
    (1, 5, 90, "cxr", "CXR//AP", 3.0),
    (1, 5, 90, "cxr", "CXR//LATERAL", 4.0),
    (1, 95, 95, "lab", "LAB//sodium", 140.0),
    (2, 5, 5, "radiology_note", "NOTE//radiology", 12.0),
    (2, 7, 7, "radiology_note", "NOTE//radiology", 12.0),
]


def opened(folder: Path, timelines: Timelines, **written) -> Lines:
    return open_lines(write_data(folder, timelines, **written), Window())


def as_text(lines: Lines) -> str:
    """A line for each document item: stay, minute, code, the end of what its document says."""
    documents = lines.documents
    said = dict(documents.texts(np.arange(len(documents.digest))))
    rows = []
    for item, number in zip(documents.item, documents.document, strict=True):
        stay = np.searchsorted(lines.offsets, item, side="right")
        values = ["".join(c for c in part if c.isdigit()) for part in said[int(number)].split("Name")]
        rows.append(f"{stay} {lines.minute[item]} {lines.codes[lines.code[item]]} {' '.join(values).strip()}")
    return "\n".join(rows)


EXPECTED = (
    "1 90 NOTE//discharge 13\n"
    "1 90 NOTE//radiology 13 12 11\n"
    "1 90 CXR//AP 3\n"
    "1 90 CXR//LATERAL 4\n"
    "1 90 NOTE//radiology 13 12 11\n"
    "1 90 NOTE//radiology//addendum 13 12 11\n"
    "2 5 NOTE//radiology 12\n"
    "2 7 NOTE//radiology 12"
)


@pytest.mark.parametrize("written", [{}, {"shards": 2}, {"shuffle": 4}])
def test_notes_of_a_minute_are_one_document_in_the_order_of_the_line(tmp_path: Path, written: dict):
    """By time, then modality, then code; each picture is one of its own."""
    found = as_text(opened(tmp_path, hand(EVENTS), **written))
    assert sorted(found.splitlines()) == sorted(EXPECTED.splitlines())


def test_equal_texts_are_one_document(tmp_path: Path):
    documents = opened(tmp_path, hand(EVENTS)).documents
    assert len(documents.digest) == 5
    assert [len(documents.members(name)) for name in ("discharge_note", "radiology_note", "cxr")] == [1, 2, 2]


def test_what_is_kept_of_a_note_while_lines_are_made_is_small():
    """Of 2.6 million notes some 160 MB; Python's objects of the same took seven times that."""
    notes, builder = 4_000, DocumentsBuilder()
    number = np.arange(notes)
    items = pl.DataFrame({"item": number, "stay_id": number, "minute": number, "row": number.astype(np.uint32)})
    items = items.with_columns(modality=pl.lit(MODALITIES.index("radiology_note")), text=pl.col("item").cast(pl.String))
    tracemalloc.start()
    try:
        builder.add(0, items)
        assert tracemalloc.get_traced_memory()[0] < 100 * notes
    finally:
        tracemalloc.stop()
    made = builder.arrays()
    assert (made["document"] == number).all()
    assert len(np.unique(made["digest"], axis=0)) == notes


def test_data_without_notes_has_no_documents(tmp_path: Path):
    lines = opened(tmp_path, hand([event for event in EVENTS if event[3] in ("demographics", "lab")]))
    assert not len(lines.documents.digest)
    assert lines.documents.of_items(np.arange(2)).tolist() == [-1, -1]


def test_a_note_without_words_is_refused_and_no_word_of_another_is_told(tmp_path: Path):
    data = write_data(tmp_path, hand(EVENTS))
    shard = data / "data" / "0.parquet"
    events = files.read_table(shard)
    silent = pl.when(pl.col("code") != "NOTE//radiology").then("text_value")
    files.write_table(shard, events.with_columns(text_value=silent), MEDS_EVENT_SCHEMA)
    (data / "manifest.json").unlink()
    files.write_manifest(data, "data", {}, {}, "0")
    with pytest.raises(DataError, match="4 events of radiology_note have no text_value") as refused:
        open_lines(data, Window())
    assert "patient" not in str(refused.value)
