"""What this project uses of pyarrow.parquet."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from pyarrow import BufferOutputStream, PythonFile, RecordBatch, Schema, Table

class FileMetaData:
    @property
    def num_rows(self) -> int: ...

class ParquetFile:
    @property
    def metadata(self) -> FileMetaData: ...
    def __init__(self, source: Path, *, page_checksum_verification: bool) -> None: ...
    def __enter__(self) -> ParquetFile: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
    @property
    def schema_arrow(self) -> Schema: ...
    def iter_batches(self, batch_size: int, columns: list[str]) -> Iterator[RecordBatch]: ...

class ParquetWriter:
    is_open: bool
    def __init__(
        self,
        where: PythonFile,
        schema: Schema,
        *,
        compression: str,
        use_dictionary: list[str],
        write_statistics: list[str],
    ) -> None: ...
    def write_table(self, table: Table, row_group_size: int) -> None: ...
    def close(self) -> None: ...

def read_metadata(where: Path) -> FileMetaData: ...
def read_schema(where: Path) -> Schema: ...
def read_table(source: Path, *, columns: list[str] | None = None) -> Table: ...
def write_table(
    table: Table,
    where: BufferOutputStream,
    *,
    compression: str,
    use_dictionary: list[str],
    write_statistics: list[str],
) -> None: ...
