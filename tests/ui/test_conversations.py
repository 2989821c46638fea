from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from bs4 import BeautifulSoup

from state.memory import ThreadInfo
from ui.conversations import conversations_html

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOSTILE = '"><img src=x onerror=alert(1)><script>alert(1)</script>'


def _thread(title: str, turns: int = 1) -> ThreadInfo:
    return ThreadInfo(id=uuid4(), title=title, created_at=NOW, updated_at=NOW, turns=turns)


def test_the_current_conversation_is_marked_and_each_can_be_told_apart() -> None:
    one, other = _thread("Days off"), _thread("Tides", turns=3)
    soup = BeautifulSoup(conversations_html([one, other], other.id), "html.parser")
    [current] = soup.select("[aria-current]")
    assert "Tides" in current.get_text() and "3 questions" in current.get_text()
    assert [row["data-id"] for row in soup.select("li")] == [str(one.id), str(other.id)]
    assert len({summary["aria-label"] for summary in soup.select("summary[aria-label]")}) == 2


def test_without_conversations_it_says_when_there_will_be_some() -> None:
    assert "once you have asked" in conversations_html([])


def test_no_title_or_notice_is_markup() -> None:
    soup = BeautifulSoup(conversations_html([_thread(HOSTILE)], notice=HOSTILE), "html.parser")
    assert soup.select("img, script, [onerror]") == []
    assert soup.select_one("input")["value"] == HOSTILE  # type: ignore[index]
    assert HOSTILE in soup.select_one("[role=alert]").get_text()  # type: ignore[union-attr]
