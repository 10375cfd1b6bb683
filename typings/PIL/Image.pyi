"""Pillow's images."""

from io import BytesIO
from typing import Any

class Image:
    def save(self, fp: BytesIO, format: str, *, quality: int = ...) -> None: ...

def fromarray(obj: Any) -> Image: ...
