"""What `wardround concepts --set NAME.KEY=VALUE` may change: the switches of the concepts that have any.

The defaults are what the concept's own file says it is. A switch that changes a rule is for comparing with the MIMIC
Code Repository or another definition; what was changed stands in the manifest.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from wardround.concepts.admission import ELECTIVE, check_types, codes_of
from wardround.concepts.cw24_template import Missing
from wardround.concepts.sofa import Pressors
from wardround.concepts.ventilation import Devices
from wardround.errors import UsageError
from wardround.settings import as_json, override


@dataclass(frozen=True)
class DeviceSettings:
    """Switches of `ventilation` and `apache`, and those that all concepts share that ask who is on a ventilator.

    Attributes:
        devices: which say that a patient is on a ventilator: "all"; or "twice", a tube only beside another charting
            of it; or those "with_flow", where a flow of oxygen is charted at the minute (both the repository's).
    """

    devices: Devices = "all"


@dataclass(frozen=True)
class SofaSettings(DeviceSettings):
    """Switches of `sofa`, beside `devices`.

    Attributes:
        pressors: when a drug counts in an hour: running at "any" time in it, or at its end ("hour_end", the
            repository's).
    """

    pressors: Pressors = "any"


@dataclass(frozen=True)
class LodsSettings(DeviceSettings):
    """Switches of `lods`, beside `devices`.

    Attributes:
        as_repository: with the three rules of the MIMIC Code Repository that are plainly off (`lods.py`).
    """

    as_repository: bool = False


@dataclass(frozen=True)
class AdmissionSettings(DeviceSettings):
    """Switches of `sapsii` and `oasis`, beside `devices`.

    Attributes:
        elective: types of admission that are, between commas: of those in the data or of any MIMIC; none if empty.
    """

    elective: tuple[str, ...] = ELECTIVE


@dataclass(frozen=True)
class CharlsonSettings:
    """Switches of `charlson`.

    Attributes:
        late_decades: points of age from 51, 61, 71 and 81 years on, as older versions of the MIMIC Code Repository.
    """

    late_decades: bool = False


@dataclass(frozen=True)
class Cw24Settings:
    """Switches of `cw24`.

    Attributes:
        missing: whether what is missing is "left out", or "said" to be.
    """

    missing: Missing = "left out"


@dataclass(frozen=True)
class ConceptSettings:
    """Switches by concept; each has the name of a concept.

    Attributes:
        ventilation, sofa, sapsii, oasis, apache, lods, charlson, cw24: of the concept of that name.
    """

    ventilation: DeviceSettings = field(default_factory=DeviceSettings)
    sofa: SofaSettings = field(default_factory=SofaSettings)
    sapsii: AdmissionSettings = field(default_factory=AdmissionSettings)
    oasis: AdmissionSettings = field(default_factory=AdmissionSettings)
    apache: DeviceSettings = field(default_factory=DeviceSettings)
    lods: LodsSettings = field(default_factory=LodsSettings)
    charlson: CharlsonSettings = field(default_factory=CharlsonSettings)
    cw24: Cw24Settings = field(default_factory=Cw24Settings)


def changed_switches(assignments: Sequence[str], concepts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Concept -> its switches by name, as JSON, of those that are not as they stand.

    Args:
        assignments: `KEY=VALUE` of `--set`.
        concepts: that are made.

    Raises:
        UsageError: for a switch that does not exist, a value of another type, or one of a concept that is not made.
    """
    chosen, usual = override(ConceptSettings(), assignments), ConceptSettings()
    changed: dict[str, dict[str, Any]] = {}
    for name in (one.name for one in fields(chosen)):
        own, usually = (as_json(getattr(each, name)) for each in (chosen, usual))
        changed |= {name: {key: own[key] for key in own if own[key] != usually[key]}} if own != usually else {}
    for name in changed:
        if name not in concepts:
            raise UsageError(f"--set changes {name}, which is not made: name it too, or leave that out.")
    return changed


def codes_of_switches(switches: Mapping[str, Mapping[str, Any]], codes: Collection[str]) -> dict[str, set[str]]:
    """Concept -> the codes that its switches name. A default names none: nobody asked for it.

    Args:
        switches: of `changed_switches`.
        codes: those of the data.

    Raises:
        UsageError: for a type of admission that there is not.
    """
    named = {name: own["elective"] for name, own in switches.items() if "elective" in own}
    for name, elective in named.items():
        check_types(f"{name}.elective", elective, codes)
    return {name: codes_of(elective) for name, elective in named.items()}
