"""How every chart looks, and how it becomes one inline SVG: no script, no font, no address, the same bytes each time.

A colour is a role with a light and a dark value. Charts are drawn in the light ones; a page adds `dark_rules()`, which
repaint them by value, so that a chart saved by itself is right on paper and one in a page follows the reader's scheme.
"""

import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import altair as alt
import vl_convert

from wardround.evaluate.markup import Markup
from wardround.events import MODALITIES

Rows = Sequence[Mapping[str, Any]]

WIDTH: Final = 290
"""Pixels of a plotting area: with its axis a chart is about 350 wide, so a phone shows its text at full size."""
ZOOM: Final = 1.22
"""How much larger a page with room shows it."""
_LONG: Final = re.compile(r"\d+\.\d{3,}")
BLUE_STEPS: Final = ("blue-1", "blue-2", "blue-3", "blue-4", "blue-5")

COLOURS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "surface": ("#fdfdfb", "#1b1c1d"),
        "ink": ("#16181a", "#f1f1ee"),
        "secondary": ("#4d5156", "#c6c7c2"),
        "muted": ("#6b6f75", "#9fa19c"),
        "axis": ("#b9bab5", "#55585a"),
        "grid": ("#e6e6e1", "#2e3032"),
        "empty": ("#dcdcd6", "#3b3d40"),
        "blue": ("#2a78d6", "#4c96ea"),
        "orange": ("#d9591f", "#ee7a41"),
        "blue-1": ("#e3eefb", "#17293d"),
        "blue-2": ("#bcd7f5", "#1d3f63"),
        "blue-3": ("#86b6ee", "#25588f"),
        "blue-4": ("#4389dd", "#3577c2"),
        "blue-5": ("#1c5cab", "#6fabf0"),
        "demographics": ("#5f6a76", "#99a5b3"),
        "diagnosis": ("#c23b3a", "#ea6e6c"),
        "treatment": ("#b26a00", "#d99a2b"),
        "medication": ("#7a3fb5", "#b085e6"),
        "lab": ("#1f6fd0", "#5a9df0"),
        "aps": ("#8a5a3c", "#c1906f"),
        "vitals": ("#0f8a63", "#34b58a"),
        "infusion": ("#c2377f", "#ea74ae"),
        "intake_output": ("#0b7f93", "#3cb4c8"),
        "history": ("#6c7a12", "#a9b845"),
        "score": ("#45484d", "#b4b7bb"),
        "blood_gas": ("#3f51b5", "#8c9bef"),
        "neurology": ("#9c4f96", "#cf8ac9"),
        "severity": ("#8c6d00", "#cbb04a"),
        "microbiology": ("#2e7d32", "#7cc27f"),
        "charting": ("#5a5550", "#a8a29b"),
        "discharge_note": ("#a3461f", "#e39a76"),
        "radiology_note": ("#00707f", "#5fbccb"),
        "cxr": ("#4d5b9e", "#a0acdf"),
    }
)
"""Role -> (light, dark). Modalities keep their colour in every chart; each also has a place of its own, so none rests
on colour alone."""

CONFIG: Final[dict[str, Any]] = {
    "font": "sans-serif",
    "aria": False,
    "background": None,
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "labelColor": COLOURS["muted"][0],
        "labelFontSize": 11,
        "titleColor": COLOURS["secondary"][0],
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "domainColor": COLOURS["axis"][0],
        "tickColor": COLOURS["axis"][0],
        "tickSize": 4,
        "gridColor": COLOURS["grid"][0],
        "labelPadding": 4,
    },
    "axisY": {"domain": False, "ticks": False},
    "header": {"labelColor": COLOURS["secondary"][0], "labelFontSize": 11, "title": None},
    "text": {"color": COLOURS["secondary"][0], "fontSize": 11},
    "line": {"strokeCap": "round", "strokeJoin": "round"},
}


def colour(role: str) -> str:
    """The light value of a role; that of `score` for a modality of another package. Raises nothing."""
    return COLOURS.get(role, COLOURS["score"])[0]


def modality_scale() -> alt.Scale:
    """Modality name -> its colour."""
    return alt.Scale(domain=list(MODALITIES), range=[colour(name) for name in MODALITIES])


def inline(rows: Rows) -> alt.InlineData:
    """Rows as data of a chart."""
    return alt.InlineData(values=[dict(row) for row in rows])


def dark_rules() -> str:
    """CSS that repaints charts for a dark page; put it under `prefers-color-scheme: dark`."""
    values = dict(COLOURS.values())
    rules = [
        f'.chart [{kind}="{light}"]{{{kind}:{dark}}}' for light, dark in values.items() for kind in ("fill", "stroke")
    ]
    return "\n".join(rules)


def to_svg(chart: Any, label: str) -> Markup:
    """Draw a chart.

    Args:
        chart: any altair chart without a config of its own.
        label: what a reader who cannot see it is told.

    Returns:
        One `<svg class="chart">` element. Ids inside hang on the content, so charts do not clash on a page.
    """
    spec = chart.to_dict() | {"config": CONFIG}
    drawn = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    drawn = re.sub(r' (?:xmlns(?::xlink)?|version|role|aria-\w+|pointer-events)="[^"]*"', "", drawn)
    drawn = re.sub(r"<[^>]+>", lambda tag: _LONG.sub(_shortened, tag[0]), drawn)  # places, not the labels of an axis
    drawn = _own_ids(drawn.replace(' opacity="1"', ""))
    drawn = re.sub(
        r'(?<= )(width|height)="([\d.]+)"', lambda match: f'{match[1]}="{float(match[2]) * ZOOM:.0f}"', drawn, count=2
    )
    return Markup(drawn.replace('class="marks"', f'class="chart" role="img" aria-label="{html.escape(label)}"', 1))


def _shortened(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def _own_ids(drawn: str) -> str:
    """Vega counts its ids through the life of a process; number them from 0 and add a hash of the content."""
    ids = {found: f"#{number}" for number, found in enumerate(dict.fromkeys(re.findall(r' id="([^"]+)"', drawn)))}
    numbered = re.sub(r'(?<= id=")[^"]+|(?<=url\(#)[^)]+', lambda match: ids.get(match[0], match[0]), drawn)
    stem = hashlib.sha256(numbered.encode()).hexdigest()[:8]
    return re.sub(r'(?<= id=")#(\d+)|(?<=url\(#)#(\d+)', lambda match: f"c{stem}-{match[1] or match[2]}", numbered)
