"""Parts of an unfinished table that a killed run had left were gathered with those of the next one."""

from pathlib import Path

import pytest

from raw_eicu import prepare, small
from wardround import files
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
    part = tmp_path / "data" / ".work" / "parts" / "medication" / "0.parquet"
    for name in ("0-000001.parquet", "1.parquet"):
        files.write_table(part.with_name(name), files.read_table(part))
    assert prepare(raw, tmp_path / "data").hashes() == right
