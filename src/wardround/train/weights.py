"""Weights on disk: safetensors, checked before they are read, written whole or not at all.

Every weight that wardround keeps (a RUN's, a checkpoint's, an adapter's) comes and goes through these two functions.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors_torch
from torch import Tensor

from wardround.errors import RunError, WardroundError
from wardround.files import write_bytes
from wardround.safetensors_guard import TensorLayout, read_layouts

_NAMES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip


def layouts_of(tensors: Mapping[str, Tensor]) -> dict[str, TensorLayout]:
    """The layout on disk of each tensor: what `read_weights` is told to expect.

    Raises:
        RunError: where a tensor has a type that is never written, such as a complex one.
    """
    for name, tensor in tensors.items():
        if tensor.dtype not in _NAMES:
            known = ", ".join(str(dtype) for dtype in _NAMES)
            raise RunError(f"{name} is {tensor.dtype}, which is not written to disk. Convert it to one of {known}.")
    return {name: TensorLayout(_NAMES[tensor.dtype], tuple(tensor.shape)) for name, tensor in tensors.items()}


def write_weights(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors of any shape as safetensors, atomically; equal tensors give equal bytes.

    Args:
        path: where to.
        tensors: name -> tensor on any device; tensors that share memory are written apart.

    Raises:
        RunError: where a tensor has a type that is never written.
        StorageError: if the disk refuses.
    """
    layouts_of(tensors)
    seen: set[int] = set()
    apart: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        address = plain.untyped_storage().data_ptr()
        apart[name] = plain.clone() if address in seen else plain
        seen.add(address)
    write_bytes(path, safetensors_torch.save(apart))


def read_weights(
    path: Path, expected: Mapping[str, TensorLayout] | None, error: type[WardroundError] = RunError
) -> dict[str, Tensor]:
    """Read a safetensors file onto the CPU, after its header was checked against fixed caps and against `expected`.

    Args:
        path: the file.
        expected: the exact layout of each tensor (see `layouts_of`); None takes any within the caps.
        error: the class to raise.

    Returns:
        name -> tensor on the CPU.

    Raises:
        error: where the file is missing, hostile or torn, or holds other tensors than `expected`.
    """
    found = read_layouts(path, error)
    if expected is not None and found != expected:
        raise error(f"{path} holds other tensors than this model has: {_difference(found, expected)}.")
    try:
        return safetensors_torch.load_file(path)
    except (SafetensorError, OSError) as cause:
        raise error(f"{path} cannot be read as safetensors: it was cut or changed. Make the folder again.") from cause


def _difference(found: Mapping[str, TensorLayout], expected: Mapping[str, TensorLayout]) -> str:
    """Up to three names a kind: missing, unknown, of another shape or type."""
    missing = sorted(expected.keys() - found.keys())
    unknown = sorted(found.keys() - expected.keys())
    both = sorted(found.keys() & expected.keys())
    other = [f"{name} is {found[name]}, expected {expected[name]}" for name in both if found[name] != expected[name]]
    kinds = (("missing", missing), ("unknown", unknown), ("different", other))
    parts = [f"{len(names)} {kind} ({'; '.join(names[:3])})" for kind, names in kinds if names]
    return ", ".join(parts) + ". Train again, or give the run that these settings made"
