"""How a row of a modality is laid out: what its encoder is built for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RowShape:
    """How a modality's row is laid out: each summary of the numbers, their observed mask, the codes.

    Attributes:
        summaries, numbers, codes: so the row is `numbers * (summaries + 1) + codes` wide.
    """

    summaries: int
    numbers: int
    codes: int

    @property
    def width(self) -> int:
        """Width of the row."""
        return self.numbers * (self.summaries + 1) + self.codes
