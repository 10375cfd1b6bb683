"""When the value of a code becomes known, as a mapping says it.

"at once"      at its own time
"60 min"       so long after its time ("2 h" as well)
"end of day"   at the midnight after its time: for codes that carry a date and no hour
"discharge"    not before the end of the hospital stay: for billing codes, and whatever has no time of knowledge
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

AT_ONCE: Final = "at once"
END_OF_DAY: Final = "end of day"
DISCHARGE: Final = "discharge"
_DELAY: Final = re.compile(r"([0-9]{1,5}) ?(min|h)")
_MINUTES: Final = {"min": 1, "h": 60}


@dataclass(frozen=True)
class KnownWhen:
    """An availability rule.

    Attributes:
        kind: "delay" (`delay_min` after its time), "end of day" or "discharge".
        delay_min: minutes; 0 is at once.
    """

    kind: Literal["delay", "end of day", "discharge"] = "delay"
    delay_min: int = 0


def read_known(text: str) -> KnownWhen:
    """The rule that a text says.

    Raises:
        ValueError: where it is none of them, listing those that there are.
    """
    if text == AT_ONCE:
        return KnownWhen()
    if text == END_OF_DAY:
        return KnownWhen("end of day")
    if text == DISCHARGE:
        return KnownWhen("discharge")
    delay = _DELAY.fullmatch(text)
    if delay is None:
        raise ValueError(f'{text!r} is not "{AT_ONCE}", "N min", "N h", "{END_OF_DAY}" or "{DISCHARGE}"')
    return KnownWhen("delay", int(delay[1]) * _MINUTES[delay[2]])
