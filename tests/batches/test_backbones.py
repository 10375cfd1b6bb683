"""Named networks: what is taken of their folders, and what is refused before anything is made of it."""

import json
from pathlib import Path

import pytest

from wardround.batches.backbones import BERT_SIZES, Bert, ResNet
from wardround.errors import RunError, UsageError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "shock"]
BERT = {
    "model_type": "bert",
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "vocab_size": 6,
    "max_position_embeddings": 16,
    "auto_map": {"AutoModel": "evil.py"},
}
RESNET = {
    "model_type": "resnet",
    "embedding_size": 4,
    "hidden_sizes": [4, 8],
    "depths": [1, 2],
    "layer_type": "basic",
    "num_channels": 3,
}


def bert_folder(folder: Path, words: list[str] = WORDS, **changed) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(BERT | changed))
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    return folder


def test_a_bert_is_read_and_kept_in_a_run(tmp_path: Path):
    bert = Bert.named(bert_folder(tmp_path / "bert"))
    assert bert.words == tuple(WORDS)
    assert set(bert.sizes) == set(BERT_SIZES)
    bert.save(tmp_path)
    assert Bert.load(tmp_path) == bert
    assert Bert.load(tmp_path / "bert") is None


@pytest.mark.parametrize(
    ("changed", "words", "why"),
    [
        ({"model_type": "roberta"}, WORDS, "model_type 'roberta'"),
        ({"hidden_size": 10**9}, WORDS, "hidden_size of config.json must be a whole number from 1 to 2048"),
        ({"hidden_size": True}, WORDS, "hidden_size"),
        ({"num_hidden_layers": None}, WORDS, "num_hidden_layers"),
        ({"vocab_size": 4}, WORDS, "vocab.txt does not fit"),
        ({}, [*WORDS, "shock"], "vocab.txt does not fit"),
        ({}, WORDS[:2], "vocab.txt does not fit"),
        ({}, [WORDS[1], WORDS[0], *WORDS[2:]], r"first word of vocab.txt must be \[PAD\]"),
    ],
)
def test_what_is_no_bert_is_refused(tmp_path: Path, changed: dict, words: list[str], why: str):
    with pytest.raises(UsageError, match=why):
        Bert.named(bert_folder(tmp_path, words, **changed))


def test_a_folder_that_is_not_there_is_refused_and_nothing_is_downloaded(tmp_path: Path):
    for kind in (Bert, ResNet):
        with pytest.raises(UsageError, match="Nothing is downloaded"):
            kind.named(tmp_path / "none")
    (tmp_path / "config.json").write_text(json.dumps(BERT))
    with pytest.raises(UsageError, match=r"vocab\.txt cannot be read"):
        Bert.named(tmp_path)


def test_a_resnet_is_read_and_kept_in_a_run(tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps(RESNET))
    resnet = ResNet.named(tmp_path)
    assert resnet == ResNet(4, (4, 8), (1, 2), "basic")
    (tmp_path / "run").mkdir()
    resnet.save(tmp_path / "run")
    assert ResNet.load(tmp_path / "run") == resnet


@pytest.mark.parametrize(
    "changed",
    [
        {"model_type": "vit"},
        {"num_channels": 1},
        {"hidden_sizes": [4]},
        {"hidden_sizes": []},
        {"hidden_sizes": [4, 10**9]},
        {"depths": [1, 0]},
        {"depths": 3},
        {"layer_type": "exec"},
        {"embedding_size": "4"},
        {"downsample_in_first_stage": "yes"},
    ],
)
def test_what_is_no_resnet_is_refused(tmp_path: Path, changed: dict):
    (tmp_path / "config.json").write_text(json.dumps(RESNET | changed))
    with pytest.raises(UsageError):
        ResNet.named(tmp_path)


def test_what_was_edited_in_a_run_is_refused(tmp_path: Path):
    (tmp_path / "bert.json").write_text("{}")
    (tmp_path / "resnet.json").write_text("[]")
    for kind in (Bert, ResNet):
        with pytest.raises(RunError, match="is not what was written"):
            kind.load(tmp_path)
