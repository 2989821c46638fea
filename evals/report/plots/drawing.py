"""Figures as SVG: text stays text, and colours are variables of the page: one figure does for light and dark."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from evals.report.colours import INK, LINE, SOFT, VARIABLES, variables
from evals.report.rendering import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 4.7, 3.1  # inches: as wide as a phone, so that its text is not scaled down there
STYLES: Final = ("-", (0, (4, 2)), (0, (1, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (8, 3)), (0, (3, 1)))
MARKERS: Final = ("o", "s", "^", "D", "v", "P")  # a series is told by its shape too
_STYLE: Final = {
    "svg.fonttype": "none",
    "svg.hashsalt": "footnote",  # the same data give the same file
    "text.parse_math": False,  # a dollar in a name is a dollar
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
}
_WEB_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure as SVG for a page that has the colours, with what it shows said in words."""

    name: str
    title: str
    caption: str
    svg: str

    def image(self) -> str:
        """Return the figure as a file of its own: with its colours, light and dark, and its ground."""
        light, dark = variables(dark=False) + "--paper:#fdfcfa", variables(dark=True) + "--paper:#17171a"
        style = f"<style>svg{{{light}}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}</style>"
        ground = '<rect width="100%" height="100%" style="fill:var(--paper)"/>'
        head, closing, rest = self.svg.partition(">")
        return f'<?xml version="1.0" encoding="utf-8"?>\n{head}{closing}{style}{ground}{rest}\n'


@contextmanager
def drawing(height: float = HEIGHT) -> Iterator[Figure]:
    """Give an empty figure in the style of the reports."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with matplotlib.rc_context(_STYLE):  # type: ignore[arg-type]
        # The page's font may be wider than the one that is measured here.
        yield Figure(figsize=(WIDTH, height), layout=ConstrainedLayoutEngine(w_pad=0.09, h_pad=0.06))


def finished(figure: Figure, name: str, title: str, caption: str) -> Plot:
    """Return a figure as a plot. To be called inside `drawing`."""
    written = io.StringIO()
    nothing: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    return Plot(name, readable(title), readable(caption), _for_page(written.getvalue(), name, readable(title)))


def _for_page(svg: str, name: str, title: str) -> str:
    """Take what belongs to a file of its own away, and put variables for colours and the page's own font in."""
    from html import escape

    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Identifiers are unique on a page of several figures.
    svg = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{name}-", svg)
    for drawn, (variable, _, _) in VARIABLES.items():
        svg = svg.replace(drawn, f"var(--{variable})")
    svg = svg.replace("'DejaVu Sans'", _WEB_FONT)
    opening = f'<svg role="img" aria-label="{escape(title)}" stroke-linejoin="round" stroke-linecap="butt"'
    return svg.replace("<svg", opening, 1).strip()


def legend(figure: Figure, axes: Axes) -> None:
    """Put a legend above the axes, if there is more than one series to tell."""
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        columns = 3 if max(map(len, labels)) < 18 else 1
        figure.legend(handles, labels, loc="outside upper left", ncols=columns, fontsize=8)


def label(text: str, most: int = 26) -> str:
    """Return a name for an axis or a legend: one line, no longer than can be read there."""
    flat = " ".join(readable(text).split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def shares(axes: Axes, *sides: str) -> None:
    """Let the axes named ("x", "y") go from 0 to 1."""
    for side in sides:
        getattr(axes, f"set_{side}lim")(-0.03, 1.03)


def log_milliseconds(axes: Axes, values: Sequence[float]) -> None:
    """Make the x axis logarithmic, of times in milliseconds, with plain numbers on it."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = max(0.01, min(values)) * 0.7, max(values) * 1.6
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
