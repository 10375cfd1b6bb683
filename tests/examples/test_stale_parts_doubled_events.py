"""Parts of an unfinished table that a killed run had left were gathered with those of the next one."""

from pathlib import Path

import pytest

from raw_eicu import prepare, small
from wardround.sources import pipeline


def test_a_table_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    raw = small().write(tmp_path / "raw")
    right = prepare(raw, tmp_path / "whole").hashes()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pipeline.WorkFolder, "finish", die)
        with pytest.raises(KeyboardInterrupt):
            prepare(raw, tmp_path / "data")
    run = tmp_path / "data" / ".work" / "runs" / "medication" / "0.arrow"
    for name in ("0-000001.arrow", "1.arrow"):
        run.with_name(name).write_bytes(run.read_bytes())
    assert prepare(raw, tmp_path / "data").hashes() == right
