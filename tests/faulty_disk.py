"""A disk that dies or refuses at the k-th call: opens for writing, writes, fsyncs, renames, unlinks, rmdirs count."""

import errno
import os
from collections.abc import Callable

import pytest

CALLS = ("open", "write", "fsync", "replace", "unlink", "rmdir")


class Killed(BaseException):
    """Stands for the end of the process: nothing may catch it."""


class FaultyDisk:
    """Counts calls that change the disk; at call number `at` (from 1; 0 for never) the fault happens.

    Attributes:
        count: how many calls there were.
        dead: whether the process is gone: then no call does anything any more, clean-up included.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int = 0, refuse_with: int | None = None):
        self.count, self.at, self.refuse_with, self.dead = 0, at, refuse_with, False
        for name in CALLS:
            monkeypatch.setattr(os, name, self._counted(name, getattr(os, name)))

    def _counted(self, name: str, real: Callable) -> Callable:
        def call(*args, **kwargs):
            if self.dead:
                raise Killed
            if name == "open" and not args[1] & os.O_CREAT:
                return real(*args, **kwargs)
            self.count += 1
            if self.count == self.at:
                self._fail(name, real, args)
            return None if name == "fsync" else real(*args, **kwargs)

        return call

    def _fail(self, name: str, real: Callable, args: tuple) -> None:
        """A write is torn: half of it reaches the disk."""
        if name == "write":
            real(args[0], args[1][: len(args[1]) // 2])
        if self.refuse_with is not None:
            raise OSError(self.refuse_with, os.strerror(self.refuse_with))
        self.dead = True
        raise Killed


REFUSALS = {"disk full": errno.ENOSPC, "I/O error": errno.EIO, "not permitted": errno.EPERM}
