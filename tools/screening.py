"""What of a text may be shown: the policy on personal data and secrets, applied to characters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from state.ports import SensitiveFinder
from state.screening import DEFAULT_POLICY, MASKS, Action, Entity, Sensitive


@dataclass(frozen=True)
class Screen:
    """Finds what the policy does not allow to show. Its methods block: a first call may load the finder's models."""

    finder: SensitiveFinder
    policy: Mapping[Entity, Action] = field(default_factory=lambda: DEFAULT_POLICY)

    def hidden(self, text: str) -> list[Sensitive]:
        """Return what of a text may not be shown, in order, not overlapping."""
        return [one for one in self.finder.find(text) if self.policy.get(one.entity, "mask") != "allow"]

    def masked(self, text: str) -> tuple[str, set[str]]:
        """Return a text with what may not be shown masked, and what that was."""
        hidden = self.hidden(text)
        return shown(text, hidden), {MASKS[one.entity] for one in hidden}


def shown(text: str, hidden: list[Sensitive], start: int = 0, end: int | None = None) -> str:
    """Return characters ``start`` to ``end`` of a text, with a mask for each of ``hidden`` that reaches into them."""
    parts, at, end = [], start, len(text) if end is None else end
    for one in hidden:
        if one.end > at and one.start < end:
            parts += [text[at : max(one.start, at)], f"[{MASKS[one.entity]} hidden]"]
            at = min(one.end, end)
    return "".join([*parts, text[at:end]])
