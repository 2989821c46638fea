"""The colours of plots: drawn with placeholders, shown by variables of the page, light and dark."""

from __future__ import annotations

from typing import Final

INK, SOFT, LINE = "#010101", "#020202", "#030303"
SERIES: Final = ("#0a0001", "#0a0002", "#0a0003", "#0a0004", "#0a0005", "#0a0006")
# Figures are drawn with colours that stand for these, light and dark. The series are told apart by colour-blind readers
# (after Okabe and Ito, "Color Universal Design", 2008), darkened or lightened for the ground they stand on.
VARIABLES: Final = {
    INK: ("ink", "#1f1e1b", "#ecebe6"),
    SOFT: ("soft", "#5f5b53", "#aaa69c"),
    LINE: ("line", "#e0dcd3", "#34343a"),
    SERIES[0]: ("series-1", "#3b3fa0", "#aab0ff"),
    SERIES[1]: ("series-2", "#b0500a", "#ff9f5a"),
    SERIES[2]: ("series-3", "#00755a", "#4fd0a8"),
    SERIES[3]: ("series-4", "#a0357a", "#f08fca"),
    SERIES[4]: ("series-5", "#3f7cac", "#82c4f0"),
    SERIES[5]: ("series-6", "#7a6a00", "#d8c64a"),
}


def variables(*, dark: bool) -> str:
    """Return the variables as CSS declarations."""
    return "".join(f"--{name}:{night if dark else day};" for name, day, night in VARIABLES.values())
