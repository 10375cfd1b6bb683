"""SIGTERM during long work: it is only noted, and the work leaves by itself where all that it wrote is whole."""

import contextlib
import signal
import threading
from collections.abc import Generator

from wardround.errors import RunError


class Stopped(RunError):
    """The work was asked to stop; the same command goes on where it left."""


class StopRequest:
    """Whether SIGTERM has come."""

    def __init__(self) -> None:
        self.made = False

    def check(self) -> None:
        """Leave where a request was made.

        Raises:
            Stopped: saying how to go on.
        """
        if self.made:
            raise Stopped("Stopped as asked (SIGTERM). Run the same command again to go on.")


@contextlib.contextmanager
def stop_on_sigterm() -> Generator[StopRequest]:
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
