"""Draw docs/images/demo.svg from a real answer: run it after `make demo`."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

QUESTION = "How much is paid per kilometre for using my own car?"
OUTPUT = Path(__file__).parents[1] / "docs" / "images" / "demo.svg"


def main() -> None:
    """Ask, and draw what a terminal would show."""
    footnote = Path(sys.executable).parent / "footnote"
    command = [footnote, "ask", QUESTION, "--collection", "samples"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    console = Console(record=True, width=104, file=io.StringIO())
    console.print(Text(f'$ footnote ask "{QUESTION}"', style="bold green"))
    for line in answer.rstrip().splitlines():
        style = "cyan" if line.lstrip().startswith("[") else "dim" if "confidence" in line else ""
        console.print(Text(line, style=style))
    console.save_svg(str(OUTPUT), title="footnote")


if __name__ == "__main__":
    main()
