"""Notes to embeddings: the mean of words, a BERT, and what stays as it is."""

import pytest
import torch
from transformers import BertConfig, BertModel

from wardround.errors import UsageError
from wardround.models.document_encoder import read_rows
from wardround.models.embedder import ModalityEmbedder
from wardround.models.modality_encoder import EncoderSettings, build_encoder
from wardround.models.note_encoder import BertReader, NoteEncoder, NoteEncoderSettings, NoteShape, WordBag

SIZES = {
    "vocab_size": 30,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 12,
    "type_vocab_size": 2,
}
ROWS = torch.tensor([[3, 7, 7, 0, 0], [1, 2, 3, 4, 5], [0, 0, 0, 0, 0]], dtype=torch.int32)
HASHED, NAMED = NoteShape(0, 0, 0, 5, 30), NoteShape(0, 0, 0, 5, 30, SIZES)


def encoder(shape: NoteShape, **settings) -> NoteEncoder:
    torch.manual_seed(0)
    made = build_encoder(shape, EncoderSettings(hidden=16, embed=4, text=NoteEncoderSettings(word_width=8, **settings)))
    assert isinstance(made, NoteEncoder)
    return made


def test_a_bag_is_the_mean_of_its_words_and_zero_of_none():
    bag = WordBag(30, 8, 0.5).eval()
    words = bag.words.weight
    expected = torch.stack([(words[3] + 2 * words[7]) / 3, words[1:6].mean(dim=0), torch.zeros(8)])
    assert torch.allclose(bag(ROWS), expected, atol=1e-6)


def test_words_are_left_out_in_training_alone():
    bag = WordBag(30, 8, 0.5).train()
    assert not torch.equal(bag(ROWS), bag(ROWS))
    bag.eval()
    assert torch.equal(bag(ROWS), bag(ROWS))


def test_a_bert_is_the_mean_of_its_last_layer_over_the_words():
    """Against the library's own model, one note at a time and without padding."""
    torch.manual_seed(0)
    reader = BertReader(NAMED, NoteEncoderSettings()).eval()
    plain = BertModel(BertConfig(**SIZES), add_pooling_layer=False).eval()
    plain.load_state_dict(reader.bert.state_dict())
    with torch.no_grad():
        made = reader(ROWS)
        for row, length in ((0, 3), (1, 5)):
            states = plain(ROWS[row : row + 1, :length].long()).last_hidden_state[0]
            assert torch.allclose(made[row], states.mean(dim=0), atol=1e-5)
            first = BertReader(NAMED, NoteEncoderSettings(pool="cls")).eval()
            first.load_state_dict(reader.state_dict())
            assert torch.allclose(first(ROWS)[row], states[0], atol=1e-5)
    assert torch.isfinite(made).all(), "a note without words too"


@pytest.mark.parametrize("kind", ["bag", "bert"])
def test_random_weights_learn(kind):
    made = encoder(HASHED, kind=kind).train()
    made(ROWS).square().sum().backward()
    gradients = [part.grad for part in made.backbone.parameters() if part.grad is not None]
    assert sum(float(gradient.abs().sum()) for gradient in gradients) > 0
    assert not made.frozen


def test_named_weights_stay_as_they_are_in_the_midst_of_a_training_and_are_read_once():
    """What the backbone made of a row stands in its place, and gives the same embedding."""
    embedder = ModalityEmbedder({"radiology_note": encoder(NAMED)}, 4).requires_grad_(True).train()
    made = embedder.encoders["radiology_note"]
    assert not any(part.requires_grad for part in made.backbone.parameters())
    assert all(part.requires_grad for part in made.block.parameters())
    assert not made.backbone.training
    assert made.block.training
    assert list(embedder.frozen_backbones) == ["radiology_note"]
    embedder.eval()
    read = read_rows(embedder.frozen_backbones["radiology_note"], ROWS, True)
    assert torch.equal(made(read), made(ROWS))
    trained = ModalityEmbedder({"radiology_note": encoder(NAMED, train=True)}, 4)
    assert trained.frozen_backbones == {}
    assert list(trained.requires_grad_(False).frozen_backbones) == ["radiology_note"], "a frozen whole, its part too"


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("kind", ["bag", "bert"])
def test_no_note_at_all_has_the_same_graph(kind, train: bool):
    made = encoder(HASHED, kind=kind).train(train)
    none = made(ROWS[:0])
    assert none.shape == (0, 4)
    none.sum().backward()
    assert all(part.grad is not None for part in made.block.parameters())


def test_what_cannot_be_read_is_refused():
    with pytest.raises(UsageError, match="reads 12 at most"):
        BertReader(NoteShape(0, 0, 0, 13, 30, SIZES), NoteEncoderSettings())
    with pytest.raises(UsageError, match=r"name its text\.weights"):
        BertReader(HASHED, NoteEncoderSettings(kind="bert", pool="cls"))
    with pytest.raises(UsageError, match="no multiple of word_heads 3"):
        NoteEncoderSettings(word_heads=3)
    with pytest.raises(UsageError, match="word_dropout"):
        NoteEncoderSettings(word_dropout=1.0)
