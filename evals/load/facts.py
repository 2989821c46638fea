"""Made-up documents and questions, as many as wanted, no two alike: nothing is answered from what was asked before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

_ONSETS = (
    "Br",
    "Cal",
    "Dor",
    "El",
    "Fen",
    "Gar",
    "Hol",
    "Jas",
    "Kel",
    "Lor",
    "Mar",
    "Nor",
    "Pel",
    "Quin",
    "Ros",
    "Tam",
)
_ENDINGS = ("aden", "bury", "cott", "dale", "emark", "ford", "grove", "hurst", "ington", "kirk", "lund", "mere", "ova")
_KINDS = ("Bridge", "Tunnel", "Library", "Observatory", "Harbour", "Dam", "Museum", "Station")
_FACTS = (
    ("When did the {name} open?", "The {name} opened in {year} after {years} years of work."),
    ("How much did the {name} cost?", "Building the {name} cost {cost} million crowns."),
    ("Who designed the {name}?", "The {name} was designed by {person}, who lived in {town}."),
    ("How many people visit the {name} in a year?", "About {visitors} people visit the {name} in a year."),
    ("How tall is the {name}?", "The {name} is {height} metres tall at its highest point."),
)  # fmt: skip
_REST = (
    "The city council discussed a renovation several times, and put it off because of other works in the district.",
    "Local guides describe it as one of the sights that should not be missed on a walk along the river.",
    "In winter the building closes two hours earlier, and groups are asked to register a week in advance.",
    "A small exhibition on the ground floor shows tools, drawings and letters from the time of its construction.",
)


class Facts:
    """``count`` documents with five facts each; the same seed gives the same ones."""

    def __init__(self, count: int, seed: int = 1) -> None:
        chance = Random(seed)
        names = [f"{onset}{ending} {kind}" for onset in _ONSETS for ending in _ENDINGS for kind in _KINDS]
        self._names = chance.sample(names, count)
        self._texts = [self._text(name, chance) for name in self._names]
        self._asked = [ask.format(name=name) for ask, _ in _FACTS for name in self._names]
        chance.shuffle(self._asked)

    def write(self, folder: Path) -> None:
        """Write a Markdown file a document."""
        for name, text in zip(self._names, self._texts, strict=True):
            (folder / f"{name.lower().replace(' ', '-')}.md").write_text(text, encoding="utf-8")

    def questions(self) -> Iterator[str]:
        """Yield questions for ever; after the last, the first comes again."""
        while True:
            yield from self._asked

    def _text(self, name: str, chance: Random) -> str:
        values = {
            "name": name,
            "year": chance.randint(1820, 1990),
            "years": chance.randint(2, 19),
            "cost": chance.randint(3, 900),
            "person": f"{chance.choice(_ONSETS)}a {chance.choice(_ONSETS)}{chance.choice(_ENDINGS)}",
            "town": f"{chance.choice(_ONSETS)}{chance.choice(_ENDINGS)}",
            "visitors": f"{chance.randint(11, 980)},000",
            "height": chance.randint(9, 260),
        }
        lines = [sentence.format(**values) for _, sentence in _FACTS]
        paragraphs = [f"{line} {chance.choice(_REST)}" for line in chance.sample(lines, len(lines))]
        return f"# {name}\n\n" + "\n\n".join(paragraphs) + "\n"
