"""What this project uses of pyarrow.csv."""

from collections.abc import Callable, Mapping

from pyarrow import BufferReader, DataType, Table

class InvalidRow: ...

class ReadOptions:
    def __init__(self, *, block_size: int, column_names: list[str], use_threads: bool) -> None: ...

class ParseOptions:
    def __init__(self, *, newlines_in_values: bool, invalid_row_handler: Callable[[InvalidRow], str]) -> None: ...

class ConvertOptions:
    def __init__(
        self,
        *,
        include_columns: list[str],
        column_types: Mapping[str, DataType],
        null_values: list[str],
        strings_can_be_null: bool,
        quoted_strings_can_be_null: bool,
    ) -> None: ...

def read_csv(
    input_file: BufferReader,
    *,
    read_options: ReadOptions,
    parse_options: ParseOptions,
    convert_options: ConvertOptions,
) -> Table: ...
