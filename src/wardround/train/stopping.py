"""SIGTERM during training: finish the step, save, leave with an error that says how to go on."""

import contextlib
import signal
import threading
from collections.abc import Iterator

from wardround.errors import RunError


class TrainingStopped(RunError):
    """Training was asked to stop and saved its state; the same command goes on from there."""


class StopRequest:
    """Whether SIGTERM has come."""

    def __init__(self):
        self.made = False


@contextlib.contextmanager
def stop_on_sigterm() -> Iterator[StopRequest]:
    """Inside the block SIGTERM only marks the request; the handler from before is put back at the end.

    Signals can be handled in the main thread alone: elsewhere the block does nothing.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def mark(_number: int, _frame: object) -> None:
        request.made = True

    before = signal.signal(signal.SIGTERM, mark)
    try:
        yield request
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
