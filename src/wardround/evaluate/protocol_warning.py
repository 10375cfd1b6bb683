"""What a page says before its numbers where its protocol sees more than the ward could: the stamp of the paper protocol
(`train/protocol_stamp.py`), in words."""

from collections.abc import Iterator, Sequence

from wardround.evaluate.page import Block, Callout


def protocol_warning(protocol: str, past: Sequence[str], by_row: str = "") -> Iterator[Block]:
    """The warning, where there is something to warn of.

    Args:
        protocol: "causal" or "paper".
        past: modalities that see past the prediction time.
        by_row: which row reads which of them, of a page of several rows that differ in it.
    """
    if past:
        yield Callout(
            "warn",
            f"Sees past the prediction time: {', '.join(past)}",
            "In this protocol these modalities include what was written down later than the moment of prediction. "
            f"The numbers below repeat a published set-up; no bedside could reach them.{by_row}",
        )
    elif protocol != "causal":
        yield Callout(
            "warn",
            "Paper protocol",
            "Values count from the time they describe, not from the time at which the ward could know them.",
        )
