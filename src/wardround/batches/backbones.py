"""What a RUN keeps of the pretrained networks that a person names, beside their weights: words and sizes.

With them a run makes the same tokens and the same network again where the named folder is gone. Sizes are checked
against fixed caps before anything is allocated by them; nothing in a config names code, and nothing is downloaded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from wardround import files
from wardround.errors import RunError, UsageError
from wardround.json_kinds import is_list, is_object

MOST_CHARACTERS: Final = 16 << 20
"""Of a vocabulary; what is longer is none."""

BERT_SIZES: Final = {
    "hidden_size": 2048,
    "num_hidden_layers": 48,
    "num_attention_heads": 64,
    "intermediate_size": 8192,
    "vocab_size": 262_144,
    "max_position_embeddings": 8192,
    "type_vocab_size": 16,
}
"""Size -> the largest that is taken."""

_OF_BERT: Final = {"hidden_act": "gelu", "layer_norm_eps": 1e-12, "position_embedding_type": "absolute"}
_OF_RESNET: Final = {"hidden_act": "relu", "downsample_in_bottleneck": False}
SPECIAL: Final = ("[UNK]", "[CLS]", "[SEP]")
LAYER_KINDS: Final = ("basic", "bottleneck")
WIDEST, DEEPEST = 4096, 64


@dataclass(frozen=True)
class Bert:
    """A BERT without its weights.

    Attributes:
        sizes: as config.json names them.
        words: its vocabulary, by number; the first is the padding.
    """

    sizes: dict[str, int]
    words: tuple[str, ...]

    @classmethod
    def named(cls, folder: Path) -> "Bert":
        """Of a folder that a person names. Raises `UsageError` where it holds none."""
        config = _config(folder, "BERT", "config.json, vocab.txt and model.safetensors")
        try:
            with (folder / "vocab.txt").open(encoding="utf-8", newline="") as stream:
                text = stream.read(MOST_CHARACTERS)
        except (OSError, UnicodeError) as error:
            raise UsageError(f"{folder / 'vocab.txt'} cannot be read: a BERT needs its words there.") from error
        words = tuple(text.replace("\r\n", "\n").removesuffix("\n").split("\n"))
        return cls.of({"type_vocab_size": 2, **config}, words, str(folder))

    @classmethod
    def of(cls, config: Mapping[str, Any], words: Sequence[str], where: str) -> "Bert":
        """Checked sizes and words. Raises `UsageError` where they cannot be those of a BERT."""
        if config.get("model_type", "bert") != "bert":
            raise UsageError(f"{where} holds no BERT: config.json says model_type {config['model_type']!r}.")
        sizes = {name: _size(config, name, most, where) for name, most in BERT_SIZES.items()}
        _refuse_others(config, _OF_BERT, where)
        if sizes["hidden_size"] % sizes["num_attention_heads"]:
            raise UsageError(f"{where}: hidden_size of config.json is no multiple of num_attention_heads.")
        if len(words) > sizes["vocab_size"] or len(set(words)) != len(words) or not set(SPECIAL) <= set(words):
            raise UsageError(f"{where}: vocab.txt does not fit config.json. Give the two of one BERT.")
        if words[0] != "[PAD]":
            raise UsageError(f"{where}: the first word of vocab.txt must be [PAD].")
        return cls(sizes, tuple(words))

    def save(self, folder: Path) -> None:
        """Write `bert.json`. Raises `StorageError`."""
        files.write_json(folder / "bert.json", {"sizes": self.sizes, "words": list(self.words)})

    @classmethod
    def load(cls, folder: Path) -> "Bert | None":
        """What `save` wrote; None where nothing was. Raises `RunError`."""
        values = _saved(folder / "bert.json")
        try:
            return None if values is None else cls.of(values["sizes"], values["words"], str(folder / "bert.json"))
        except (KeyError, TypeError, AttributeError, UsageError) as error:
            raise RunError(f"{folder / 'bert.json'} is not what was written. Train again.") from error


@dataclass(frozen=True)
class ResNet:
    """A ResNet without its weights: the sizes of config.json.

    Attributes:
        first: channels of the first layer.
        channels, depths: of each stage.
        kind: of its layers, "basic" or "bottleneck".
        halved_first: whether the first stage halves the picture too.
    """

    first: int
    channels: tuple[int, ...]
    depths: tuple[int, ...]
    kind: str
    halved_first: bool = False

    @classmethod
    def named(cls, folder: Path) -> "ResNet":
        """Of a folder that a person names. Raises `UsageError` where it holds none."""
        return cls.of(_config(folder, "ResNet", "config.json and model.safetensors"), str(folder))

    @classmethod
    def of(cls, config: Mapping[str, Any], where: str) -> "ResNet":
        """Checked sizes. Raises `UsageError` where they cannot be those of a ResNet of three colours."""
        if config.get("model_type", "resnet") != "resnet" or config.get("num_channels", 3) != 3:
            raise UsageError(f"{where} holds no ResNet of three colours: see its config.json.")
        _refuse_others(config, _OF_RESNET, where)
        channels, depths = config.get("hidden_sizes"), config.get("depths")
        kind, first = config.get("layer_type"), config.get("embedding_size")
        halved = config.get("downsample_in_first_stage", False)
        known = kind in LAYER_KINDS and isinstance(halved, bool)
        if not known or not isinstance(first, int) or not is_list(channels) or not is_list(depths):
            raise UsageError(f"{where}: config.json does not say the sizes of a ResNet.")
        for name, sizes, most in (("hidden_sizes", [first, *channels], WIDEST), ("depths", depths, DEEPEST)):
            for size in sizes:
                _size({name: size}, name, most, where)
        if len(channels) != len(depths) or not channels:
            raise UsageError(f"{where}: hidden_sizes and depths of config.json must be of the same stages.")
        widths, blocks = (tuple(int(str(size)) for size in sizes) for sizes in (channels, depths))
        return cls(first, widths, blocks, str(kind), halved)

    def as_json(self) -> dict[str, Any]:
        """As config.json names them."""
        return {
            "embedding_size": self.first,
            "hidden_sizes": list(self.channels),
            "depths": list(self.depths),
            "layer_type": self.kind,
            "downsample_in_first_stage": self.halved_first,
        }

    def save(self, folder: Path) -> None:
        """Write `resnet.json`. Raises `StorageError`."""
        files.write_json(folder / "resnet.json", self.as_json())

    @classmethod
    def load(cls, folder: Path) -> "ResNet | None":
        """What `save` wrote; None where nothing was. Raises `RunError`."""
        values = _saved(folder / "resnet.json")
        try:
            return None if values is None else cls.of(values, str(folder / "resnet.json"))
        except (TypeError, AttributeError, UsageError) as error:
            raise RunError(f"{folder / 'resnet.json'} is not what was written. Train again.") from error


def _saved(path: Path) -> Any:
    return files.read_json(path, RunError) if path.is_file() else None


def _config(folder: Path, what: str, needed: str) -> dict[str, Any]:
    try:
        config = files.read_json(folder / "config.json", RunError)
    except RunError as error:
        raise UsageError(
            f"{folder} holds no {what}: {needed} are needed there. Nothing is downloaded: name a folder of yours."
        ) from error
    if not is_object(config):
        raise UsageError(f"{folder / 'config.json'} is not that of a {what}.")
    return config


def _refuse_others(config: Mapping[str, Any], read: Mapping[str, Any], where: str) -> None:
    """Whether settings that change what the network says, and none of its sizes, are those that are built here."""
    for name, value in read.items():
        if config.get(name, value) != value:
            raise UsageError(f"{where}: {name} of config.json must be {value!r}: no other network is built.")


def _size(config: Mapping[str, Any], name: str, most: int, where: str) -> int:
    size = config.get(name)
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= most:
        raise UsageError(f"{where}: {name} of config.json must be a whole number from 1 to {most}.")
    return size
