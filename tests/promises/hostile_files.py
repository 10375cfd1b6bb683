"""Files that lie: safetensors and JSON made to crash, to fill the memory, to read outside, or to run code."""

import json
import pickle
import random
import struct
import zipfile
from collections.abc import Iterator
from io import BytesIO

from wardround.safetensors_guard import MAX_HEADER_BYTES, MAX_TENSORS

GOOD = {"weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}


def packed(header: object, data: bytes = bytes(24), length: int | None = None) -> bytes:
    """A safetensors file with this header, whatever it says, and this length field."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def one(**changed: object) -> dict:
    """The good header with its one entry changed; None takes a field away."""
    entry = {**GOOD["weight"], **changed}
    return {"weight": {key: value for key, value in entry.items() if value is not None}}


def f32(shape: list[int], begin: int, end: int) -> dict:
    return {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}


class _Evil:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code from a file was run')",))


def evil_pickle() -> bytes:
    return pickle.dumps(_Evil())


def _torch_archive() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", evil_pickle())
        archive.writestr("archive/version", "3\n")
    return buffer.getvalue()


def _lengths() -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "seven bytes", bytes(7)
    yield "length only", struct.pack("<Q", 100)
    for name, length in {
        "zero": 0, "one": 1, "past the end": 10_000, "just past the end": len(json.dumps(GOOD)) + 25, "2^31": 2**31,
        "2^32": 2**32, "2^63": 2**63, "2^64 - 1": 2**64 - 1, "100 MB": 100_000_000,
        "over the cap": MAX_HEADER_BYTES + 1, "into the numbers": len(json.dumps(GOOD)) + 8,
        "too short": len(json.dumps(GOOD)) - 3,
    }.items():  # fmt: skip
        yield f"header length {name}", packed(GOOD, length=length)
    yield "a header above the cap that is there", packed(b"{" + b" " * MAX_HEADER_BYTES + b"}", b"")


def _not_safetensors() -> Iterator[tuple[str, bytes]]:
    yield "a pickle", evil_pickle()
    yield "a torch archive", _torch_archive()
    yield "a pickle behind a length", packed(evil_pickle(), b"")
    yield "a pickle as header padding", packed(b"{}" + evil_pickle(), b"")
    yield (
        "an npy of objects",
        b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n" + evil_pickle(),
    )
    yield "gzip", b"\x1f\x8b\x08" + bytes(64)
    yield "parquet", b"PAR1" + bytes(64) + b"PAR1"
    yield "HDF5", b"\x89HDF\r\n\x1a\n" + bytes(64)
    yield "text", b"import os; os.system('true')\n" * 10
    yield "random", random.Random(22).randbytes(4096)


def _bad_json() -> Iterator[tuple[str, bytes]]:
    yield "an array", packed([1, 2])
    yield "a string", packed("weight")
    yield "null", packed(None)
    yield "cut JSON", packed(json.dumps(GOOD).encode()[:-1])
    yield "two objects", packed(json.dumps(GOOD).encode() * 2)
    yield "single quotes", packed(str(GOOD).encode())
    yield "a comment", packed(b"/*x*/" + json.dumps(GOOD).encode())
    yield "UTF-16", packed(json.dumps(GOOD).encode("utf-16"))
    yield "a byte order mark", packed(b"\xef\xbb\xbf" + json.dumps(GOOD).encode())
    yield "latin-1", packed('{"weight\xe9": 1}'.encode("latin-1"))
    yield "a NUL", packed(json.dumps(GOOD).encode() + b"\x00")
    yield "white space first", packed(b" " + json.dumps(GOOD).encode())
    yield "deep objects", packed(b'{"a":' * 20_000 + b"1" + b"}" * 20_000)
    yield "deep lists", packed(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}")
    yield "many lists", packed(b'{"a":[' + b"[]," * 1_000_000 + b"[]]}")
    yield "many numbers", packed(b'{"a":[' + b"0," * 3_000_000 + b"0]}")
    yield "many keys", packed(b"{" + b",".join(b'"%d":0' % i for i in range(500_000)) + b"}")
    yield "a number of a million digits", packed(b'{"a":' + b"9" * 1_000_000 + b"}")
    yield "the same name twice", packed(b'{"w":%b,"w":%b}' % ((json.dumps(GOOD["weight"]).encode(),) * 2))
    yield "the same field twice", packed(json.dumps(GOOD).encode().replace(b'"dtype"', b'"dtype": "F64", "dtype"'))


def _bad_entries() -> Iterator[tuple[str, bytes]]:
    yield "an entry that is a list", packed({"weight": [1]})
    yield "an entry that is a number", packed({"weight": 7})
    yield "an entry that is null", packed({"weight": None})
    for field in ("dtype", "shape", "data_offsets"):
        yield f"no {field}", packed(one(**{field: None}))
    yield "a field too many", packed(one(code="import os"))
    for dtype in ("F31", "f32", "object", "O", "C64", "F8_E4M3", "", 5, ["F32"], {"a": 1}):
        yield f"type {dtype}", packed(one(dtype=dtype))
    for name, shape in {
        "negative": [-2, -3], "a float": [2.0, 3], "a string": ["2", 3], "a boolean": [True, 6], "not a list": 6,
        "an object": {}, "nested": [[2, 3]], "null": [None], "rank 9": [1] * 8 + [6], "rank 10,000": [1] * 10_000,
        "huge": [2**62, 2**62], "wraps round 2^64": [2**32, 2**32, 6], "zero times huge": [0, 2**63],
        "infinite": [1e999], "too small": [1, 3],
    }.items():  # fmt: skip
        yield f"shape {name}", packed(one(shape=shape))
    for name, offsets in {
        "backwards": [24, 0], "negative": [-24, 0], "past the end": [0, 48], "far outside": [2**40, 2**40 + 24],
        "floats": [0.0, 24.0], "three": [0, 12, 24], "one": [24], "none": [], "a string": "0,24",
        "booleans": [False, 24], "2^64": [0, 2**64],
    }.items():  # fmt: skip
        yield f"offsets {name}", packed(one(data_offsets=offsets))


def _bad_places() -> Iterator[tuple[str, bytes]]:
    yield "overlap", packed({"a": f32([6], 0, 24), "b": f32([3], 12, 24)})
    yield "twice the same bytes", packed({"a": f32([6], 0, 24), "b": f32([6], 0, 24)})
    yield "a hole", packed({"a": f32([2], 0, 8), "b": f32([2], 16, 24)})
    yield "a hole first", packed({"a": f32([4], 8, 24)})
    yield "numbers after the last tensor", packed(GOOD, bytes(25))
    yield "numbers missing", packed(GOOD, bytes(23))
    yield "a polyglot tail", packed(GOOD, bytes(24) + evil_pickle())
    yield "no tensor, but numbers", packed({}, bytes(8))
    yield "many tensors", packed({f"t{i}": f32([0], 0, 0) for i in range(MAX_TENSORS + 10)}, b"")


def _bad_names() -> Iterator[tuple[str, bytes]]:
    for name, text in {
        "empty": "", "with a NUL": "a\x00b", "with a newline": "a\nb", "with an escape": "\x1b[31m",
        "too long": "x" * 5000, "a lone surrogate": "\ud800", "right to left": "\u202eabc",
    }.items():  # fmt: skip
        yield f"a name {name}", packed({text: GOOD["weight"]})


def hostile_safetensors() -> dict[str, bytes]:
    """Name -> bytes of each file; none is a safetensors file of ours."""
    kinds = (_lengths, _not_safetensors, _bad_json, _bad_entries, _bad_places, _bad_names)
    return {name: data for kind in kinds for name, data in kind()}


def hostile_json() -> dict[str, bytes]:
    """Name -> bytes of each file that is no JSON object of a checkpoint."""
    return {
        "empty": b"",
        "a pickle": evil_pickle(),
        "NUL bytes": bytes(1000),
        "an array": b"[1, 2]\n",
        "a string": b'"x"\n',
        "a number": b"7\n",
        "null": b"null\n",
        "NaN": b'{"a": NaN}\n',
        "infinity": b'{"a": Infinity}\n',
        "an infinite exponent": b'{"a": 1e999}\n',
        "too many digits": b'{"a": ' + b"9" * 100_000 + b"}\n",
        "deep lists": b'{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}\n",
        "deep objects": b'{"a": ' * 5_000 + b"1" + b"}" * 5_000 + b"\n",
        "deep objects without end": b'{"a": ' * 5_000,
        "many lists": b'{"a": [' + b"[], " * 1_000_000 + b"[]]}\n",
        "larger than the cap": b'{"a": "' + b"x" * (17 * 2**20) + b'"}\n',
        "UTF-16": '{"a": 1}\n'.encode("utf-16"),
        "latin-1": '{"\xe9": 1}\n'.encode("latin-1"),
        "no end": b'{"a": 1',
        "an object of other keys": b'{"__class__": "os.system", "args": ["true"]}\n',
        "a YAML tag": b"!!python/object/apply:os.system ['true']\n",
        "an empty object": b"{}\n",
    }
