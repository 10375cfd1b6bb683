"""A report as a value: sections of blocks. `write_page` turns it into one HTML file that needs nothing else.

    Page -> Section -> Callout | Tiles | Flow | Figures | Table

Every string is escaped by the template; only charts are passed as they are, and they are drawn here from numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import jinja2

from wardround import files
from wardround.evaluate.chart_style import dark_rules
from wardround.evaluate.markup import Markup


@dataclass(frozen=True)
class Callout:
    """A sentence that must not be missed: `warn` changes how the numbers are read, `note` explains."""

    kind: ClassVar = "callout"
    tone: Literal["warn", "note"]
    title: str
    text: str


@dataclass(frozen=True)
class Tile:
    """One headline number.

    Attributes:
        label, value: what, and how much.
        details: lines below.
        bar: (value, low, high, start, end): where to draw the interval between start and end of a scale; None draws
            none.
    """

    label: str
    value: str
    details: Sequence[str] = ()
    bar: tuple[float, float, float, float, float] | None = None

    @property
    def places(self) -> tuple[float, float, float] | None:
        """Percent along the scale of value, low, high; None without a bar."""
        if self.bar is None:
            return None
        *values, start, end = self.bar
        value, low, high = (round(100 * min(1.0, max(0.0, (at - start) / (end - start))), 2) for at in values)
        return value, low, high


@dataclass(frozen=True)
class Tiles:
    """Headline numbers side by side."""

    kind: ClassVar = "tiles"
    tiles: Sequence[Tile]


@dataclass(frozen=True)
class Flow:
    """How one count became the next.

    Attributes:
        steps: (count, what it counts, [(count, why left out before the next)]).
    """

    kind: ClassVar = "flow"
    steps: Sequence[tuple[str, str, Sequence[tuple[str, str]]]]


@dataclass(frozen=True)
class Table:
    """Rows of text.

    Attributes:
        columns: name of each column, which is also its key in the rows.
        rows: column -> text; a row with the key "group" alone is a heading.
        title, caption: above and below.
        folded: show only the title until it is opened.
        words: columns that hold words, set to the left, rather than numbers, set to the right; default the first.
    """

    kind: ClassVar = "table"
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    title: str = ""
    caption: str = ""
    folded: bool = False
    words: Sequence[str] | None = None

    def is_number(self, column: str) -> bool:
        """Whether a column is set to the right."""
        return column not in (self.columns[:1] if self.words is None else self.words)


@dataclass(frozen=True)
class Figure:
    """A chart, how to read it, and its numbers where they help."""

    svg: Markup
    title: str
    caption: str
    table: Table | None = None


@dataclass(frozen=True)
class Figures:
    """Charts side by side; below each other on a phone."""

    kind: ClassVar = "figures"
    figures: Sequence[Figure]


Block = Callout | Tiles | Flow | Figures | Table


@dataclass(frozen=True)
class Section:
    """A heading, a sentence or two, and blocks."""

    anchor: str
    title: str
    blocks: Sequence[Block]
    lead: str = ""


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes:
        eyebrow, title, lead: the head.
        chips: what a reader must know at once, as (text, whether it is a warning).
        sections: in order.
        foot: the last line.
    """

    eyebrow: str
    title: str
    lead: str
    chips: Sequence[tuple[str, bool]]
    sections: Sequence[Section]
    foot: str = field(default="Made by wardround. Research software: not a medical device.")


def write_page(path: Path, page: Page) -> None:
    """Render a page and write it, atomically. Raises `StorageError`."""
    folder = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = Markup(
        (folder / "report.css").read_text(encoding="utf-8").replace("/* charts in the dark */", dark_rules())
    )
    files.write_text(path, environment.get_template("report.html").render(page=page, style=style) + "\n")
