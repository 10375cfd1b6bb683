"""Canaries: values of all 18 HIPAA kinds, each with its own token, and the search for them in what a run leaves."""

import itertools
import random
from collections.abc import Iterable, Mapping
from pathlib import Path

from raw_eicu import COLUMNS, RawEicu, tiny

KINDS = {
    "name": "Zebulon Quackenbush-{token}",
    "address": "{token} Pelican Lane, Nantucket MA 02554",
    "date": "1931-02-29 {token}",
    "phone": "+1 617 555 {token}",
    "fax": "fax 617-555-{token}",
    "email": "{token}@mail.example",
    "social security number": "078-05-{token}",
    "medical record number": "MRN{token}",
    "health plan number": "HPB {token}",
    "account number": "ACCT-{token}",
    "licence number": "LIC/{token}",
    "vehicle": "plate {token}",
    "device": "SN:{token}",
    "web address": "https://example.org/{token}",
    "IP address": "192.0.2.{token}",
    "fingerprint": "FP{token}",
    "photograph": "{token}.jpg",
    "any other code": "code {token}",
}

FIXED = {
    "hospitaldischargestatus",
    "unitdischargestatus",
    "age",
    "labmeasurenamesystem",
    "nursingchartcelltypevalname",
    "cellpath",
}
"""Text columns whose values decide how a row is read: canaries in them go into rows of their own."""


class Canaries:
    """Makes canaries, and finds them again whatever the case of their letters."""

    def __init__(self, seed: int = 26) -> None:
        self._rng, self._kinds, self.tokens = random.Random(seed), itertools.cycle(KINDS.values()), set[str]()

    def token(self, letters: str = "bcdfghjkmnpqrtvwxyz") -> str:
        """A token that is in no word of ours."""
        token = "".join(self._rng.choices(letters, k=9))
        self.tokens.add(token)
        return token

    def text(self) -> str:
        """A value of the next of the 18 kinds."""
        return next(self._kinds).format(token=self.token())

    def number(self) -> str:
        """A nine-digit id."""
        return self.token("123456789")

    def found_in(self, texts: Mapping[str, bytes]) -> list[str]:
        """Where a token stands in any of the texts."""
        return [f"{where}: {token}" for where, data in texts.items() for token in self._in(data)]

    def _in(self, data: bytes) -> Iterable[str]:
        text = data.decode(errors="replace").lower()
        return (token for token in self.tokens if token in text)


def with_canaries(canaries: Canaries, copies: int = 1) -> RawEicu:
    """The tiny folder with a canary of its own in every text, id and date cell; it can still be prepared."""
    raw = RawEicu()
    for copy in range(copies):
        template = tiny()
        ids = {row["patientunitstayid"]: canaries.number() for row in template.rows["patient"]}
        for table, rows in template.rows.items():
            raw.rows.setdefault(table, []).extend(_marked(table, row, ids, canaries) for row in rows)
        for table, rows in raw.rows.items():
            base = rows[-1]
            for column in COLUMNS[table][1 : 5 if copy else None]:
                rows.append(base | {COLUMNS[table][0]: canaries.number(), column: canaries.text()})
    return raw


def _marked(table: str, row: dict[str, str], ids: dict[str, str], canaries: Canaries) -> dict[str, str]:
    marked = row | {"patientunitstayid": ids[row["patientunitstayid"]]}
    if table != "patient":
        marked[COLUMNS[table][0]] = canaries.number()
    for column, value in row.items():
        is_number = value.lstrip("-").replace(".", "").replace("E-", "").isdigit()
        if (
            column not in FIXED
            and column not in marked.keys() - row.keys()
            and not is_number
            and not column.endswith("id")
        ):
            marked[column] = canaries.text() if value or column in UNREAD_TEXT.get(table, ()) else ""
    if table == "patient":
        marked |= {"uniquepid": canaries.text(), "hospitalid": canaries.number()}
        marked["patienthealthsystemstayid"] = canaries.number()
    return marked


UNREAD_TEXT = {
    "patient": ("hospitaladmittime24", "hospitaldischargetime24", "unitadmittime24", "unitdischargetime24", "wardid"),
    "diagnosis": ("icd9code",),
    "medication": ("dosage", "routeadmin", "frequency"),
    "lab": ("labmeasurenameinterface",),
    "intakeOutput": ("cellvaluetext",),
    "pastHistory": ("pasthistoryvalue", "pasthistoryvaluetext"),
}


def texts_of(folder: Path) -> dict[str, bytes]:
    """What a folder shows: names of all files, and the content of all that hold no events, codes or stays by nature."""
    shown = {"file names": "\n".join(str(path.relative_to(folder)) for path in folder.rglob("*")).encode()}
    for path in folder.rglob("*"):
        if path.is_file() and not _holds_events(path):
            shown[str(path.relative_to(folder))] = path.read_bytes()
    return shown


def _holds_events(path: Path) -> bool:
    """Data, codes and stays are the point of the folder, and its half-made parts; a reader needs access to them."""
    return path.suffix in (".parquet", ".arrow") and path.name != "subject_splits.parquet"
