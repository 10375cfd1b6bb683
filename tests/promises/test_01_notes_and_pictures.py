"""Promise 1, of notes and pictures: those that become known after t move nothing at t, and where their files are broken
or gone, nothing either."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from leak_detector import View, fitted_featuriser, forget, moved, moved_beliefs, sequence_of, view
from timelines import Timelines, other_future, random_timelines, with_documents, write_data
from untrained import aligned_embedder, random_embedder, untrained
from wardround.batches.documents import Documents
from wardround.batches.features import FeatureSettings
from wardround.batches.pictures import PictureSettings
from wardround.batches.store import Featuriser, InputSettings
from wardround.batches.tokens import NoteSettings
from wardround.tasks.cohort import Window
from wardround.tasks.task import TASKS
from wardround.testing.leaks import differing, label_dependence, later_events
from wardround.train.pretrain import embeddings

pytestmark = pytest.mark.usefixtures("fast_fsync")

AT_H, AT_MIN, STAYS, FILES = 24.0, 1440, 60, 12
DOCUMENTS = ("discharge_note", "radiology_note", "cxr")
READ = InputSettings(
    modalities=("demographics", "lab", *DOCUMENTS),
    features=FeatureSettings(min_stay_share=0.02),
    text=NoteSettings(tokens=24, buckets=200),
    image=PictureSettings(size=16),
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for number in range(FILES):
        Image.fromarray(rng.integers(0, 255, (20, 24), dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def featuriser(tmp_path_factory, pictures: Path) -> Featuriser:
    train = with_documents(random_timelines(100, 80), 100, AT_MIN, FILES)
    data = write_data(tmp_path_factory.mktemp("train"), train, pictures=pictures)
    return fitted_featuriser(data, Window(at_h=AT_H), READ)


@pytest.fixture(scope="module")
def futures(tmp_path_factory, pictures: Path) -> list[Path]:
    """Of a future's pictures most have no file."""
    folder = tmp_path_factory.mktemp("futures")
    one = with_documents(random_timelines(5, STAYS, AT_MIN), 5, AT_MIN, FILES)
    other = other_future(one, AT_MIN, seed=6)
    return [
        write_data(folder / str(shards), each, shards=shards, pictures=pictures)
        for shards, each in ((1, one), (2, other))
    ]


def views(folders: list[Path], featuriser: Featuriser) -> list[View]:
    return [view(folder, Window(at_h=AT_H), TASKS["mortality"], featuriser) for folder in folders]


@pytest.fixture(scope="module")
def seen(futures: list[Path], featuriser: Featuriser) -> list[View]:
    return views(futures, featuriser)


def test_another_future_gives_the_same_bytes(seen: list[View]):
    assert moved(*seen) == []
    for each in seen:
        assert set(DOCUMENTS) < set(each.events.modalities)
        documents = each.data.lines.documents
        later = each.data.lines.minute[documents.item] > AT_MIN
        assert later.mean() > 0.2, "there must be a future"
        assert (each.state.observed[:, [each.state.modalities.index(name) for name in DOCUMENTS]].mean(0) > 0.1).all()


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("method", ["mlp", "lstm", "trajectory"])
def test_another_future_gives_the_same_beliefs(seen: list[View], featuriser: Featuriser, method: str, frozen: bool):
    embedder = (aligned_embedder if frozen else random_embedder)(featuriser, seen[0].state, "both")
    model = untrained(method, TASKS["mortality"], embedder, "both", frozen)
    assert moved_beliefs(*seen, model) == []
    if method == "trajectory":
        batch = sequence_of(seen[1], np.arange(12), model)
        assert later_events(model, batch, seed=1) == []
        assert label_dependence(model, batch) == []


def test_another_future_gives_the_same_aligned_embeddings(seen: list[View], featuriser: Featuriser):
    embedder = aligned_embedder(featuriser, seen[0].state, "both")
    everyone = np.arange(len(seen[0].state.stay_ids))
    made = [embeddings(embedder, each.state, everyone) for each in seen]
    assert differing({"embeddings": made[0]}, {"embeddings": made[1]}) == []
    assert np.ptp(made[0][:, -3:], axis=0).max() > 0.1


def test_a_document_alone_or_among_others_says_the_same(seen: list[View], featuriser: Featuriser):
    """In prediction no note and no picture sees its batch."""
    embedder = random_embedder(featuriser, seen[0].state, "both").eval()
    for name in DOCUMENTS:
        rows = torch.from_numpy(np.array(seen[0].state.content[name][:9]))
        with torch.no_grad():
            whole = embedder.encoders[name](rows)
            alone = torch.cat([embedder.encoders[name](rows[place : place + 1]) for place in range(len(rows))])
        apart = (whole - alone).abs().max()
        assert apart < 2e-4  # rounding, through norms over few numbers
        assert (whole[0] - whole[1]).abs().max() > 5 * apart


# Negative controls


def test_control_another_past_note_moves_the_inputs(
    seen: list[View], futures: list[Path], featuriser: Featuriser, tmp_path: Path, pictures: Path
):
    import polars as pl

    one = with_documents(random_timelines(5, STAYS, AT_MIN), 5, AT_MIN, FILES)
    known = pl.col("modality").is_in(DOCUMENTS) & (pl.col("available") <= AT_MIN)
    value = pl.when(known).then((pl.col("value") + 1) % FILES).otherwise("value")
    past = Timelines(one.events.with_columns(value.alias("value")), one.stays)
    findings = moved(seen[0], *views([write_data(tmp_path, past, pictures=pictures)], featuriser))
    for name in DOCUMENTS:
        assert any(finding.startswith(f"static {name}") for finding in findings)
        assert any(finding.startswith(f"events {name}") for finding in findings)


def test_control_a_stay_that_is_given_its_last_note_or_picture_is_caught(
    futures: list[Path], featuriser: Featuriser, monkeypatch: pytest.MonkeyPatch
):
    """A planted leak: each event of a modality of documents has the last one of its modality in the data, whenever."""
    honest = Documents.of_items

    def last_of_all(self: Documents, item: np.ndarray) -> np.ndarray:
        found = honest(self, item)
        same = self.modality[self.document] == self.modality[found[0]] if len(found) else np.zeros(0, bool)
        return np.full_like(found, self.document[same][-1]) if len(found) else found

    monkeypatch.setattr(Documents, "of_items", last_of_all)
    assert moved(*views(futures, featuriser)) != []


def test_control_the_clock_of_when_a_note_was_made_is_caught(
    futures: list[Path], featuriser: Featuriser, monkeypatch: pytest.MonkeyPatch
):
    """A planted leak: a note counts when it is charted, not when it is stored."""
    monkeypatch.setattr(Window, "clock", property(lambda self: "time"))
    findings = moved(*views(futures, featuriser))
    forget(*futures)
    assert any("note" in finding or "cxr" in finding for finding in findings)
