"""Weights of a pretrained BERT or ResNet that a person names, in place of random ones: safetensors alone, from a folder
on this machine. Nothing is downloaded, and nothing in the folder is run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from torch import Tensor

from wardround.batches.store import InputSettings
from wardround.errors import UsageError
from wardround.files import hash_of, sha256
from wardround.models.document_encoder import DocumentEncoder
from wardround.models.embedder import ModalityEmbedder
from wardround.models.note_encoder import BertReader
from wardround.models.picture_encoder import PictureReader
from wardround.train.weights import layouts_of, read_weights

WEIGHTS: Final = "model.safetensors"
PREFIXES: Final = ("bert.", "resnet.")
"""What names begin with where the folder holds a head too."""
OLD_NAMES: Final = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
"""Of the first BERTs."""


def named_weights(embedder: ModalityEmbedder, inputs: InputSettings) -> ModalityEmbedder:
    """The same embedder; its encoders of notes and pictures have the weights that the settings name.

    Args:
        embedder: with encoders as they start.
        inputs: `text.weights`, `image.weights`: folders, or none.

    Raises:
        UsageError: where a folder has no such weights, or those of another network.
    """
    found: dict[str, dict[str, Tensor]] = {}
    for encoder in embedder.encoders.values():
        backbone = encoder.backbone if isinstance(encoder, DocumentEncoder) else None
        if isinstance(backbone, BertReader) and inputs.text.weights:
            network, folder = backbone.bert, inputs.text.weights
        elif isinstance(backbone, PictureReader) and inputs.image.weights:
            network, folder = backbone.resnet, inputs.image.weights
        else:
            continue
        if folder not in found:
            found[folder] = read_weights(Path(folder) / WEIGHTS, None, UsageError)
        network.load_state_dict(_fitting(found[folder], network.state_dict(), Path(folder) / WEIGHTS))
    return embedder


def hashes_of_weights(inputs: InputSettings) -> dict[str, str]:
    """What a run is made from beside its data: setting -> hash of the weights, sizes and words of the folder that it
    names; none where none is named.

    Raises:
        UsageError: where a folder has no weights.
    """
    found: dict[str, str] = {}
    for setting, folder in (("text.weights", inputs.text.weights), ("image.weights", inputs.image.weights)):
        if folder:
            path = Path(folder) / WEIGHTS
            if not path.is_file():
                raise UsageError(f"{setting}: {path} is not there. Nothing is downloaded: name a folder of yours.")
            beside = (path, Path(folder) / "config.json", Path(folder) / "vocab.txt")
            found[setting] = hash_of([sha256(each) for each in beside if each.is_file()])
    return found


def _fitting(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Of all tensors of a file those of the network, as it names them. Raises `UsageError` where one is missing or has
    another shape."""
    plain = {_plain(name): tensor for name, tensor in found.items()}
    made = {name: plain[name].to(wanted[name].dtype) for name in wanted if name in plain}
    unlike = sorted(name for name in wanted if name not in made or made[name].shape != wanted[name].shape)
    if unlike:
        raise UsageError(
            f"{path}: {len(unlike)} of {len(layouts_of(wanted))} tensors are missing or of another shape "
            f"({', '.join(unlike[:3])}). Name the folder of a network that its config.json describes."
        )
    return made


def _plain(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    for old, new in OLD_NAMES.items():
        name = name.replace(old, new)
    return name
