"""A worker that sees another folder, or none, or comes late, is refused."""

from pathlib import Path

import pytest

from wardround.engines.shared_folder import Mark, mark
from wardround.errors import ClusterError


def test_a_mark_is_found_where_it_was_left_and_nowhere_else(tmp_path: Path):
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    left = mark(here)
    left.check("n1")
    with pytest.raises(ClusterError, match=r"elsewhere is not the same folder on node n1: .* every node must see"):
        Mark(elsewhere, left.token).check("n1")
    mark(elsewhere)
    with pytest.raises(ClusterError, match="not the same folder"):
        Mark(elsewhere, left.token).check("n1")


def test_work_of_a_call_that_is_over_is_refused(tmp_path: Path):
    before = mark(tmp_path)
    mark(tmp_path)
    with pytest.raises(ClusterError, match="not the same folder"):
        before.check("n1")


def test_a_mark_that_is_torn_is_none(tmp_path: Path):
    left = mark(tmp_path)
    (tmp_path / "shared.json").write_text("{")
    with pytest.raises(ClusterError, match="not the same folder"):
        left.check("n1")
