"""What this project uses of pydicom, which only the extra `images` brings. A name that is missing here: add it."""

from pathlib import Path

from pydicom.dataset import Dataset

def dcmread(fp: Path) -> Dataset: ...
