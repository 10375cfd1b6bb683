"""Weights come back as they went, or not at all. Hostile files: tests/promises/test_22."""

import errno
import os
from pathlib import Path

import pytest
import torch

from wardround.errors import DataError, RunError, StorageError
from wardround.safetensors_guard import TensorLayout, read_layouts
from wardround.train.weights import layouts_of, read_weights, write_weights

DTYPES = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint8, torch.bool,
]  # fmt: skip


def tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    several = {f"of {dtype}": (torch.rand(3, 2, generator=generator) * 9).to(dtype) for dtype in DTYPES}
    return {**several, "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 4), "transposed": torch.rand(2, 3).T}


def test_round_trip(tmp_path: Path):
    written = tensors()
    write_weights(tmp_path / "w.safetensors", written)
    read = read_weights(tmp_path / "w.safetensors", layouts_of(written))
    assert read.keys() == written.keys()
    for name, tensor in written.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor), name


def test_no_tensor_at_all(tmp_path: Path):
    write_weights(tmp_path / "w.safetensors", {})
    assert read_weights(tmp_path / "w.safetensors", {}) == {}


def test_equal_tensors_give_equal_bytes_whatever_their_order(tmp_path: Path):
    one = {"a": torch.ones(3), "b": torch.zeros(2, dtype=torch.int64)}
    write_weights(tmp_path / "1", one)
    write_weights(tmp_path / "2", dict(reversed(one.items())))
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_tensors_that_share_memory_are_written_apart(tmp_path: Path):
    base = torch.arange(6.0)
    shared = {"embedding": base, "head": base, "part": base[2:4]}
    write_weights(tmp_path / "w.safetensors", shared)
    read = read_weights(tmp_path / "w.safetensors", None)
    assert all(torch.equal(read[name], tensor) for name, tensor in shared.items())


def test_a_parameter_is_written_without_its_gradient(tmp_path: Path):
    write_weights(tmp_path / "w.safetensors", {"p": torch.nn.Parameter(torch.ones(2))})
    assert not read_weights(tmp_path / "w.safetensors", None)["p"].requires_grad


def test_a_type_that_is_never_written_is_refused(tmp_path: Path):
    with pytest.raises(RunError, match=r"phase is torch\.complex64"):
        write_weights(tmp_path / "w.safetensors", {"phase": torch.zeros(2, dtype=torch.complex64)})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({}, r"1 unknown \(a\)"),
        ({"a": TensorLayout("F32", (2, 3)), "b": TensorLayout("F32", ())}, r"1 missing \(b\)"),
        ({"a": TensorLayout("F32", (3, 2))}, r"a is F32\[2, 3\], expected F32\[3, 2\]"),
        ({"a": TensorLayout("F16", (2, 3))}, r"a is F32\[2, 3\], expected F16\[2, 3\]"),
    ],
)
def test_other_tensors_than_expected_are_refused(tmp_path: Path, expected: dict, said: str):
    write_weights(tmp_path / "w.safetensors", {"a": torch.zeros(2, 3)})
    with pytest.raises(DataError, match=said):
        read_weights(tmp_path / "w.safetensors", expected, DataError)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(RunError, match=r"nothing\.safetensors cannot be opened"):
        read_weights(tmp_path / "nothing.safetensors", None)


def test_a_file_that_changes_between_check_and_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "w.safetensors"
    write_weights(path, {"a": torch.zeros(2, 3)})

    def read_then_cut(path: Path, error: type) -> dict:
        layouts = read_layouts(path, error)
        path.write_bytes(path.read_bytes()[:-4])
        return layouts

    monkeypatch.setattr("wardround.train.weights.read_layouts", read_then_cut)
    with pytest.raises(RunError, match="cannot be read as safetensors"):
        read_weights(path, None)


def test_a_full_disk_leaves_the_file_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "w.safetensors"
    write_weights(path, {"a": torch.zeros(2)})
    before = path.read_bytes()

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(StorageError, match="No space left"):
        write_weights(path, {"a": torch.ones(2)})
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["w.safetensors"]


def test_layouts_say_their_size():
    layout = TensorLayout("BF16", (2, 3))
    assert str(layout) == "BF16[2, 3]"
    assert layout.n_bytes == 12
