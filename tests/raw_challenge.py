"""Small sets of records of the Challenge 2012, written by hand in the published layout, and `prepare` of them."""

import io
import random
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from raw_eicu import Data
from wardround.sources import pipeline
from wardround.sources.challenge2012 import CHALLENGE2012

HEADER = "Time,Parameter,Value"
OUTCOMES = "RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death"
Line = tuple[str, str, str]


def record(number: int, *lines: str, age: object = 60, sex: object = 1, unit: object = 3) -> list[str]:
    """The lines of a record: its descriptors, then `lines` as `hh:mm,Parameter,Value`."""
    descriptors = {"RecordID": number, "Age": age, "Gender": sex, "Height": 170, "ICUType": unit, "Weight": 80}
    return [f"00:00,{name},{value}" for name, value in descriptors.items()] + list(lines)


@dataclass
class RawSet:
    """A set: its letter, the lines of each record by file name, and rows of its outcomes (None for no file)."""

    letter: str = "a"
    records: dict[str, list[str]] = field(default_factory=dict)
    outcomes: list[str] | None = field(default_factory=list)

    def add(self, number: int, *lines: str, days: object = 7, died: object = 0, **descriptors: object) -> "RawSet":
        """Another record with its outcome."""
        self.records[f"{number}.txt"] = record(number, *lines, **descriptors)
        if self.outcomes is not None:
            self.outcomes.append(f"{number},11,5,{days},-1,{died}")
        return self

    @property
    def name(self) -> str:
        return f"set-{self.letter}"

    def texts(self, order: random.Random | None = None) -> dict[str, bytes]:
        """File name -> content; the files and their lines in another order where a generator is given."""
        names = list(self.records) if order is None else order.sample(list(self.records), len(self.records))
        made = {}
        for name in names:
            lines = self.records[name]
            lines = lines if order is None else order.sample(lines, len(lines))
            made[name] = "".join(f"{line}\n" for line in [HEADER, *lines]).encode()
        return made

    def write(self, folder: Path, form: str = "folder", order: random.Random | None = None) -> Path:
        """Write it as `folder`, `tar.gz` or `zip`, its outcomes beside it; returns the folder that holds both."""
        folder.mkdir(parents=True, exist_ok=True)
        texts = self.texts(order)
        if form == "folder":
            (folder / self.name).mkdir()
            for name, content in texts.items():
                (folder / self.name / name).write_bytes(content)
        elif form == "tar.gz":
            (folder / f"{self.name}.tar.gz").write_bytes(tar_of(self.name, texts))
        else:
            with zipfile.ZipFile(folder / f"{self.name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in texts.items():
                    archive.writestr(f"{self.name}/{name}", content)
        if self.outcomes is not None:
            rows = self.outcomes if order is None else order.sample(self.outcomes, len(self.outcomes))
            (folder / f"Outcomes-{self.letter}.txt").write_text("".join(f"{row}\n" for row in [OUTCOMES, *rows]))
        return folder


def tar_of(folder: str, texts: dict[str, bytes]) -> bytes:
    """A .tar.gz with files in one folder."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", format=tarfile.USTAR_FORMAT) as archive:
        top = tarfile.TarInfo(folder)
        top.type = tarfile.DIRTYPE
        archive.addfile(top)
        for name, content in texts.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def tiny_set(letter: str = "a", first: int = 132539) -> RawSet:
    """Three records: one with some of everything, one that died, one with descriptors alone."""
    made = RawSet(letter)
    made.add(
        first,
        "00:07,GCS,15",
        "00:07,HR,73",
        "00:07,NIMAP,92.33",
        "00:07,Temp,35.1",
        "00:07,Urine,900",
        "00:07,Urine,60",
        "01:37,Weight,81.5",
        "03:10,FiO2,0.5",
        "03:10,MechVent,1",
        "03:10,pH,7.38",
        "03:10,Lactate,2.1",
        "06:00,K,4.4",
        "48:00,HR,80",
    )
    made.add(first + 1, "00:30,HR,110", "12:00,Platelets,172", days=3, died=1, age=90, sex=0, unit=4)
    return made.add(first + 2, days=-1)


def prepare(raw: Path | Sequence[Path], to: Path, workers: int = 1) -> Data:
    """Run `prepare challenge2012` without a word."""
    pipeline.prepare(CHALLENGE2012, raw, to, workers=workers, quiet=True)
    return Data(to)
