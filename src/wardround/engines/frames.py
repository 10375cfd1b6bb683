"""A table as one buffer of bytes (Arrow's stream format), which another process reads where it lies."""

import polars as pl
import pyarrow as pa


def to_buffer(frame: pl.DataFrame) -> pa.Buffer:
    """A table as bytes; of a slice the slice alone."""
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def from_buffer(buffer: pa.Buffer) -> pl.DataFrame:
    """The table again, its numbers not copied."""
    with pa.ipc.open_stream(buffer) as reader:
        return pl.DataFrame(pl.from_arrow(reader.read_all()))
