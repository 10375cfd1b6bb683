"""What several files look at and takes seconds to make."""

from pathlib import Path

import pytest

from synthetic_mimic3 import NOTHING, SEED, STAYS
from wardround.sources.synthetic import SyntheticMimic3Settings, synthesise_mimic3


@pytest.fixture(scope="session")
def whole_mimic3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With nothing taken away, and odd rows."""
    to = tmp_path_factory.mktemp("mimic3") / "raw"
    synthesise_mimic3(to, STAYS, SEED, SyntheticMimic3Settings(**NOTHING, odd_rows=True), quiet=True)
    return to
