"""No usable row in `patient`, or no row at all, ended in an error of the dataframe library."""

from pathlib import Path

import pytest

from raw_eicu import RawEicu, prepare
from wardround.errors import SourceError


@pytest.mark.parametrize("raw", [RawEicu({"patient": []}), RawEicu().patient(1, age="old")], ids=["no row", "no stay"])
def test_it_is_said(tmp_path: Path, raw: RawEicu):
    with pytest.raises(SourceError, match="holds no usable stay"):
        prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
