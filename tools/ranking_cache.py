"""Rankings of searches made again, kept in memory without the words that they rank."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RankingCache:
    """The latest ``most`` rankings. They hold places only: whoever finds one reads the passages as he may see them."""

    most: int = 2048
    _kept: OrderedDict[Hashable, list[int]] = field(default_factory=OrderedDict)

    def get(self, key: Hashable) -> list[int] | None:
        """Return a ranking that was kept, None without one."""
        if (known := self._kept.get(key)) is None:
            return None
        self._kept.move_to_end(key)
        return list(known)

    def keep(self, key: Hashable, ranking: list[int]) -> list[int]:
        """Keep a ranking, and return it."""
        self._kept[key] = list(ranking)
        while len(self._kept) > self.most:
            self._kept.popitem(last=False)
        return ranking
