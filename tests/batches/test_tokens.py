"""Notes as rows of tokens: nothing is fitted, the same text gives the same row, and what is too long is cut as told."""

import zlib
from pathlib import Path

import numpy as np
import pytest

from timelines import hand, write_data
from wardround.batches import tokens as tokens_module
from wardround.batches.backbones import Bert
from wardround.batches.lines import open_lines
from wardround.batches.tokens import HashedWords, NoteSettings, WordPieces, note_rows, token_rows
from wardround.errors import UsageError
from wardround.tasks.cohort import Window

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "sep", "##tic", "shock", ".", "the")
SIZES = {
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "vocab_size": 10,
    "max_position_embeddings": 16,
    "type_vocab_size": 2,
}


def hashed(word: str, buckets: int = 50) -> int:
    return 1 + zlib.crc32(word.encode()) % buckets


def test_words_numbers_and_marks_are_hashed_in_their_order():
    made = token_rows(["Septic shock, T 38.5!", ""], HashedWords(50), 8, "head")
    assert made.tolist() == [[hashed(word) for word in ("septic", "shock", ",", "t", "38.5", "!")] + [0, 0], [0] * 8]
    assert made.dtype == np.int32


@pytest.mark.parametrize(
    ("keep", "expected"), [("head", ["a", "b", "c", "d", "e"]), ("ends", ["a", "b", "c", "f", "g"])]
)
def test_a_longer_note_is_cut(keep, expected: list[str]):
    assert token_rows(["a b c d e f g"], HashedWords(50), 5, keep).tolist() == [[hashed(word) for word in expected]]


def test_word_pieces_stand_between_the_marks_of_a_bert():
    bert = Bert(SIZES, WORDS)
    made = token_rows(["The septic, shock.", "shock " * 9], WordPieces(bert), 9, "head")
    assert made.tolist() == [[2, 8, 4, 5, 1, 6, 7, 3, 0], [2, *[6] * 7, 3]]


def test_settings_that_leave_no_room_are_refused():
    with pytest.raises(UsageError, match="3 tokens or more, got 2"):
        NoteSettings(tokens=2)


EVENTS = [
    (1, 0, 0, "demographics", "GENDER//Female", None),
    (1, 10, 10, "radiology_note", "NOTE//radiology", 5.0),
    (1, 10, 10, "radiology_note", "NOTE//radiology//addendum", 6.0),
    (2, 10, 10, "radiology_note", "NOTE//radiology", 5.0),
    (2, 30, 30, "radiology_note", "NOTE//radiology", 5.0),
]


def test_every_text_of_a_folder_is_cut_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two texts, of three events: the notes of one minute are one, and equal ones are one."""
    lines = open_lines(write_data(tmp_path, hand(EVENTS)), Window())
    settings = NoteSettings(tokens=40, buckets=50)
    made = note_rows(lines.documents, "radiology_note", settings, None, quiet=True)
    said = ["Name: ___\n\nThe patient is {} and stable, stable and stable; stable: {}.".format(*w) for w in
            (("improving", 5), ("hypotensive", 6))]  # fmt: skip
    expected = token_rows(["\n".join(said), said[0]], HashedWords(50), 40, "head")
    assert made.tolist() == expected.tolist()
    monkeypatch.setattr(tokens_module, "token_rows", None)  # no note is cut again
    again = note_rows(lines.documents, "radiology_note", settings, None, quiet=True)
    assert again.tolist() == made.tolist()
    with pytest.raises(TypeError):
        note_rows(lines.documents, "radiology_note", NoteSettings(tokens=40, buckets=51), None, quiet=True)


def test_words_that_are_forgotten_have_the_same_numbers(monkeypatch: pytest.MonkeyPatch):
    texts = [f"word{letter} and {number}" for number, letter in enumerate("abcdefghij")]
    whole = HashedWords(1000).ids(texts)
    monkeypatch.setattr(tokens_module, "MOST_WORDS", 3)
    forgetful = HashedWords(1000)
    assert forgetful.ids(texts) == whole
    assert len(forgetful._known) < 10
