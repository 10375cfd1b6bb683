"""This folder on the import path, so that tests in its subfolders share its modules; and a fixture that many use."""

import os

import pytest


@pytest.fixture
def fast_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting for the disk, in tests that write much and pull no plug."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
