"""Two processes may not prepare into one folder, nor make up data in one: rows of one would take the place of the
other's."""

from pathlib import Path

import pytest

import raw_mimic4
from wardround.errors import RunError
from wardround.sources.synthetic import LAYOUTS
from wardround.sources.synthetic.write import synthesise
from wardround.whole_file import one_writer


def test_a_second_prepare_is_told_so(tmp_path: Path):
    raw = raw_mimic4.tiny().write(tmp_path / "raw")
    with one_writer(tmp_path / "data", RunError, "preparing"), pytest.raises(RunError, match="preparing"):
        raw_mimic4.prepare(raw, tmp_path / "data")
    assert raw_mimic4.prepare(raw, tmp_path / "data").events.height > 0


def test_a_second_synth_is_told_so(tmp_path: Path):
    settings, layout = LAYOUTS["eicu"]
    with one_writer(tmp_path / "raw", RunError, "making"), pytest.raises(RunError, match="making"):
        synthesise(layout(settings(), 1), tmp_path / "raw", 5, quiet=True)
