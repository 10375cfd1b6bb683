"""pydicom's data sets: their attributes are the standard's keywords."""

from io import BytesIO
from typing import Any

class Dataset:
    def __setattr__(self, name: str, value: Any) -> None: ...
    def save_as(self, filename: BytesIO, *, enforce_file_format: bool = ...) -> None: ...

class FileMetaDataset(Dataset): ...
