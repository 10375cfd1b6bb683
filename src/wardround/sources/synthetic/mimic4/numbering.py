"""How MIMIC-IV numbers, and in which years it was."""

from typing import Final

from wardround.sources.synthetic.mimic.roster import PRIME, Numbering

NUMBERING: Final = Numbering(10_000_000, 20_000_000, 30_000_000, PRIME, 2008, 2022)
