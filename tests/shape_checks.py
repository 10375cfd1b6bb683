"""While the tests run, every call of the package is checked: shapes by jaxtyping, types by beartype.

Users pay nothing for it: the package itself never imports the checker. What runs in another process is not checked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

import jaxtyping
import polars as pl
from beartype import BeartypeConf, FrozenDict, beartype

PACKAGE: Final = Path(__file__).parents[1] / "src" / "wardround"
UNCHECKED: Final = "wardround.testing.strategies"
"""The checker draws items of a list at random, which Hypothesis does not allow inside a strategy."""

check = beartype(
    conf=BeartypeConf(
        is_pep484_tower=True,  # an int may stand for a float, as it does for pyright
        hint_overrides=FrozenDict(
            {
                pl.DataType: object,  # beartype refuses classes that print as another name than their own
                TextIO: object,  # nor is the stderr of pytest a TextIO to it
            }
        ),
    )
)


def check_every_call() -> None:
    """Check the modules of the package that are imported from now on."""
    places = [*PACKAGE.iterdir(), *(PACKAGE / "testing").iterdir()]
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in places]
    checked = [name for name in names if name not in (UNCHECKED, "wardround.testing")]
    jaxtyping.install_import_hook(checked, "shape_checks.check")


@contextmanager
def unchecked() -> Iterator[None]:
    """As for a user: shapes and settings that cannot be are refused by the package itself, or not at all."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", before)
