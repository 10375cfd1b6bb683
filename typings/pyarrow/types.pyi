"""What this project uses of pyarrow.types."""

from pyarrow import DataType

def is_nested(t: DataType) -> bool: ...
