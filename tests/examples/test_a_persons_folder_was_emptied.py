"""`--to` on any folder without a manifest, the raw one included, emptied it before the work began."""

from pathlib import Path

import pytest

from raw_eicu import prepare, small
from wardround.errors import RunError


def test_it_is_refused_and_kept(tmp_path: Path):
    raw = small().write(tmp_path / "raw")
    before = sorted(path.name for path in raw.iterdir())
    with pytest.raises(RunError, match="holds files that this command did not make"):
        prepare(raw, raw)
    assert sorted(path.name for path in raw.iterdir()) == before
