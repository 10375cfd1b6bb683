"""This folder on the import path, so that tests in its subfolders share its modules; and what many tests use."""

import os
from collections.abc import Iterator

import pytest

from shape_checks import check_every_call, unchecked

check_every_call()  # before any test module imports the package


@pytest.fixture
def unchecked_signatures() -> Iterator[None]:
    """Calls as a user makes them, in tests of what the package refuses with an error of its own."""
    with unchecked():
        yield


@pytest.fixture
def fast_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting for the disk, in tests that write much and pull no plug."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
