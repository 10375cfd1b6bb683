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


def goes_on() -> None:
    """The check of work that nobody can ask to stop."""


class _Mark:
    """The handler: one inside another marks both, for the step may end before it looks, and the work around it goes
    on."""

    def __init__(self, request: StopRequest, before: object) -> None:
        self._requests: list[StopRequest] = [request, *(before._requests if isinstance(before, _Mark) else [])]

    @property
    def made(self) -> bool:
        """Whether SIGTERM has come since the outermost block began."""
        return any(request.made for request in self._requests)

    def __call__(self, _number: int, _frame: object) -> None:
        for request in self._requests:
            request.made = True


@contextlib.contextmanager
def stop_on_sigterm() -> Generator[StopRequest]:
    """Inside the block SIGTERM only marks the request, and that of a block around it; the handler from before is put
    back at the end. A block that begins when the one around it is marked is marked too: a step does not begin long work
    that is to be left.

    Signals can be handled in the main thread alone: elsewhere the block does nothing.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, _Mark(request, before))
    request.made |= isinstance(before, _Mark) and before.made
    try:
        yield request
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
