"""Notes as rows of tokens: 0 is padding, at the end.

    hashed words  each word, number and mark by the remainder of its CRC-32: nothing is fitted, so nothing is learned
                  from a stay that is not trained on, and no word is unknown
    word pieces   of a BERT whose weights a person names, by its own vocabulary, between its [CLS] and [SEP]

What is longer than a row is cut: the beginning is kept, or the beginning and the end.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal

import numpy as np
from jaxtyping import Int32

from wardround import files
from wardround.batches.array_cache import array_once
from wardround.batches.backbones import Bert
from wardround.batches.documents import Documents
from wardround.batches.text import cleaned
from wardround.errors import UsageError
from wardround.progress import progress

FORMAT: Final = 2
"""Another number where the same text gives other tokens."""

LIMIT_BYTES: Final = 16 << 30
"""Of all tokens that a DATA folder's cache holds."""

BLOCK: Final = 256
"""Notes that are cut at a time: what word pieces keep of a long one is a hundred times its row."""

MOST_WORDS: Final = 1 << 20
"""Of which the numbers are remembered; numbers and names of a large database have no end."""

_WORD: Final = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)?|[^\w\s]")


@dataclass(frozen=True)
class NoteSettings:
    """How notes become rows of tokens.

    Attributes:
        tokens: of a note at most (the paper: 512).
        keep: of a longer note: its "head", or "ends", the first and the last half of a row.
        buckets: of hashed words.
        weights: folder of a BERT (config.json, vocab.txt, model.safetensors), whose tokens are taken in place of hashed
            words; none for those. Nothing is ever downloaded.

    Raises:
        UsageError: at construction, for fewer than 3 tokens or an empty table of words.
    """

    tokens: int = 512
    keep: Literal["head", "ends"] = "head"
    buckets: int = 16_384
    weights: str | None = None

    def __post_init__(self) -> None:
        if self.tokens < 3 or self.buckets < 1:
            raise UsageError(f"a note has 3 tokens or more, got {self.tokens}, of 1 bucket or more, {self.buckets}.")


class HashedWords:
    """Each word by a hash: `1 + crc32(word) mod buckets`.

    Attributes:
        vocabulary: one more than the largest number.
        ends: what stands before and after the words of a row: nothing.
        said: what decides its numbers, as JSON.
    """

    ends: tuple[int, ...] = ()

    def __init__(self, buckets: int) -> None:
        self.buckets, self.vocabulary = buckets, buckets + 1
        self.said: Any = ["words", buckets]
        self._known: dict[str, int] = {}

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Words, numbers and marks in their order."""
        known = self._known
        made: list[list[int]] = []
        for text in texts:
            if len(known) > MOST_WORDS:
                known.clear()
            words = _WORD.findall(text)
            for word in words:
                if word not in known:
                    known[word] = 1 + zlib.crc32(word.encode()) % self.buckets
            made.append([known[word] for word in words])
        return made


class WordPieces:
    """The tokens of a BERT, between its [CLS] and [SEP]; attributes as of `HashedWords`."""

    def __init__(self, bert: Bert) -> None:
        from transformers import BertTokenizer

        number = {word: place for place, word in enumerate(bert.words)}
        self._tokenizer: Any = BertTokenizer(vocab=number, do_lower_case=True)
        self.vocabulary = bert.sizes["vocab_size"]
        self.ends: tuple[int, ...] = (number["[CLS]"], number["[SEP]"])
        self.said: Any = ["pieces", files.hash_of(list(bert.words))]

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Word pieces in their order."""
        if not texts:
            return []
        return self._tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False)["input_ids"]


Tokenizer = HashedWords | WordPieces


def tokenizer_of(settings: NoteSettings, bert: Bert | None) -> Tokenizer:
    """Hashed words, or the word pieces of a backbone."""
    return HashedWords(settings.buckets) if bert is None else WordPieces(bert)


def token_rows(
    texts: Sequence[str], tokenizer: Tokenizer, tokens: int, keep: Literal["head", "ends"]
) -> Int32[np.ndarray, "row token"]:
    """Texts as rows of tokens, cut or padded to the same length.

    Args:
        texts: notes as they were written.
        tokenizer: whose numbers.
        tokens: of a row.
        keep: what is kept of a longer note.
    """
    made = np.zeros((len(texts), tokens), np.int32)
    ends = tokenizer.ends
    room = tokens - len(ends)
    for row, ids in enumerate(tokenizer.ids([cleaned(text) for text in texts])):
        if len(ids) > room:
            last = 0 if keep == "head" else room // 2
            ids = [*ids[: room - last], *ids[len(ids) - last :]]
        if ends:
            ids = [ends[0], *ids, ends[1]]
        made[row, : len(ids)] = ids
    return made


def note_rows(
    documents: Documents, modality: str, settings: NoteSettings, bert: Bert | None, quiet: bool = False
) -> Int32[np.ndarray, "row token"]:
    """The tokens of all notes of a modality, in the order of `Documents.members`: made once, and kept in `DATA/cache`.

    Args:
        documents: where the notes are.
        modality: which.
        settings: how they are cut.
        bert: whose tokens; None for hashed words.
        quiet: no progress on stderr.

    Raises:
        DataError: where the notes cannot be read.
        StorageError: where the disk refuses.
    """
    members = documents.members(modality)
    tokenizer = tokenizer_of(settings, bert)
    said = ["notes", FORMAT, settings.tokens, settings.keep, tokenizer.said, len(members)]
    digest = hashlib.sha256(json.dumps(said).encode())
    digest.update(np.ascontiguousarray(documents.digest[members]).tobytes())

    def blocks() -> Iterator[Int32[np.ndarray, "row token"]]:
        yield np.empty((0, settings.tokens), np.int32)
        with progress(len(members), f"reading notes, {modality}", quiet=quiet) as bar:
            texts = documents.texts(members)
            while part := list(islice(texts, BLOCK)):
                yield token_rows([text for _, text in part], tokenizer, settings.tokens, settings.keep)
                bar.advance(len(part))

    return array_once(documents.data / "cache" / "notes", digest.hexdigest(), len(members), blocks, LIMIT_BYTES)
