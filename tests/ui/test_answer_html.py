from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any
from uuid import UUID, uuid4

import pytest

from state.answer import Answer, Citation, Claim, Confidence, Said, Verdict, quote_hash
from ui.answer_html import history_html, live_html, turn_html
from ui.shared import ShownTurn

# Each would do something if it came out as markup, in text or in an attribute.
ATTACKS = [
    "<script>window.__pwned=1</script>",
    "<img src=x onerror=window.__pwned=1>",
    '"><svg onload=window.__pwned=1>',
    "' onmouseover='window.__pwned=1",
    "</textarea></template></p><iframe srcdoc='<script>1</script>'>",
    "[x](javascript:alert(1)) **bold** <b>b</b>",
    "${alert(1)} {{constructor.constructor('alert(1)')()}} `${1}`",
    "&lt;script&gt; &#60;b&#62;",
]
HARMLESS = frozenset(
    [
        "article",
        "div",
        "h2",
        "h3",
        "span",
        "button",
        "svg",
        "path",
        "p",
        "ol",
        "ul",
        "li",
        "details",
        "summary",
        "i",
        "dl",
        "dt",
        "dd",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "small",
        "section",
        "blockquote",
        "mark",
        "figure",
        "figcaption",
    ]
)
ATTRIBUTES = frozenset(
    [
        "class",
        "data-state",
        "data-turn",
        "data-receipt",
        "data-last",
        "aria-busy",
        "dir",
        "type",
        "data-fn",
        "data-question",
        "aria-label",
        "data-tip",
        "data-verdict",
        "data-cite",
        "title",
        "tabindex",
        "role",
        "viewbox",
        "width",
        "height",
        "aria-hidden",
        "focusable",
        "d",
        "fill",
        "stroke",
        "stroke-width",
        "stroke-linecap",
        "stroke-linejoin",
        "open",
        "data-level",
        "data-markdown",
        "aria-pressed",
        "aria-expanded",
        "hidden",
        "scope",
        "style",
        "id",
        "data-picture",
        "aria-labelledby",
    ]
)


class Markup(HTMLParser):
    """Collects what markup there is, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def attributes(self, name: str) -> list[str]:
        return [value for _, given in self.tags if (value := given.get(name)) is not None]


def harmless(html: str) -> Markup:
    """Return the markup, which has nothing in it but what the page itself makes."""
    markup = Markup(html)
    assert {tag for tag, _ in markup.tags} <= HARMLESS
    assert {name for _, given in markup.tags for name in given} <= ATTRIBUTES
    assert not any("href" in given or "src" in given for _, given in markup.tags)
    return markup


def citation(n: int = 1, text: str = "The rate is €0.38.", page: int | None = 3) -> Citation:
    return Citation(
        n=n, document_id=UUID(int=n), version=2, title=f"Title {text}", source=f"/shelf/{text}", page=page,
        start=10, end=10 + len(text), quote=text, sha256=quote_hash(text),
    )  # fmt: skip


def claim(text: str = "The rate is €0.38.", verdict: Verdict = "supported", n: int = 1) -> Claim:
    return Claim(text=text, verdict=verdict, score=0.9, citations=[citation(n, text)])


def answer(*claims: Claim, text: str = "", **changes: object) -> Answer:
    made = {
        "answer": text or " ".join(f"{one.text} [{one.citations[0].n}]" for one in claims), "abstained": False,
        "claims": list(claims), "confidence": Confidence(level="high", score=0.9), "route": "hybrid", "degraded": [],
        "timings": {}, "usage": {}, "receipt": uuid4(),
    }  # fmt: skip
    return Answer.model_validate({**made, **changes})


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_of_an_answer_becomes_markup(attack: str) -> None:
    said = answer(
        claim(attack), claim(f"{attack}\n2. {attack}", "partly", 2), degraded=[attack],
        confidence=Confidence(level="low", score=0.1, lowered_by=[attack]),
    )  # fmt: skip
    markup = harmless(turn_html(ShownTurn(attack, answer=said), 0, last=True))
    assert markup.text.count(attack) >= 4
    assert set(markup.attributes("data-question")) == {attack}


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_of_what_comes_closest_becomes_markup(attack: str) -> None:
    none = answer(text=attack, abstained=True, nearest=[citation(1, attack), citation(2, attack, None)])
    markup = harmless(turn_html(ShownTurn(attack, answer=none), 0, last=True))
    assert markup.text.count(attack) >= 6


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_of_an_unfinished_answer_becomes_markup(attack: str) -> None:
    said = (Said(text=attack), Said(text=attack, claim=claim(attack)))
    for state in ("working", "stopped", "failed"):
        harmless(turn_html(ShownTurn(attack, state, attack, said), 3, last=True))


def test_a_chip_points_at_the_cited_characters_and_says_so_to_screen_readers() -> None:
    markup = harmless(live_html([ShownTurn("How much?", answer=answer(claim()))], 0))
    [chip] = [given for tag, given in markup.tags if given.get("class") == "fn-chip"]
    place = json.loads(chip["data-cite"] or "")
    assert place == {"n": 1, "document_id": str(UUID(int=1)), "version": 2, "start": 10, "end": 28, "page": 3}
    assert chip["aria-label"] == "Footnote 1: Title The rate is €0.38., page 3"


@pytest.mark.parametrize(
    ("verdict", "name"),
    [
        ("supported", "Supported"), ("partly", "Partly supported"), ("unsupported", "Not supported"),
        ("contradicted", "Contradicted"),
    ],
)  # fmt: skip
def test_every_sentence_says_how_well_it_is_supported(verdict: Verdict, name: str) -> None:
    markup = harmless(live_html([ShownTurn("?", answer=answer(claim(verdict=verdict)))], 0))
    [mark] = [given for _, given in markup.tags if (given.get("class") or "").startswith("fn-mark")]
    assert mark["role"] == "img"
    assert (mark["aria-label"] or "").startswith(f"{name}: ")
    assert mark["tabindex"] == "0"


def test_while_it_is_written_the_step_is_said_and_only_what_was_checked_is_there() -> None:
    turn = ShownTurn("How much?", "working", "Checking the next sentence…", (Said(text="x [1]", claim=claim()),))
    markup = harmless(live_html([turn], 0))
    assert "Checking the next sentence…" in markup.text
    assert markup.attributes("aria-busy") == ["true"]
    assert "confidence" not in markup.text


def test_what_is_degraded_is_a_plain_sentence() -> None:
    html = turn_html(ShownTurn("?", answer=answer(claim(), degraded=["the reranker took too long"])), 0, last=False)
    assert "This answer was made with less than usual: the reranker took too long." in Markup(html).text


def test_what_is_masked_is_told_once_and_not_as_something_that_failed() -> None:
    notes = ["personal data was masked: card number", "personal data was masked: account number, card number"]
    text = harmless(turn_html(ShownTurn("How much?", answer=answer(claim(), degraded=notes)), 0, last=True)).text
    assert "hidden here: account number, card number." in text
    assert "less than usual" not in text


@pytest.mark.parametrize(("level", "warned"), [("low", True), ("medium", False), ("high", False)])
def test_an_answer_of_low_confidence_says_that_it_may_be_none(level: Any, warned: bool) -> None:
    unsure = Confidence(level=level, score=0.2, lowered_by=["the sources disagree"])
    text = harmless(turn_html(ShownTurn("How much?", answer=answer(claim(), confidence=unsure)), 0, last=True)).text
    assert ("may not be what you asked" in text) is warned


def test_confidence_shows_what_lowered_it() -> None:
    low = Confidence(level="low", score=0.31, lowered_by=["the passages found may not be about the question"])
    text = Markup(turn_html(ShownTurn("?", answer=answer(claim(), confidence=low)), 0, last=False)).text
    assert "Low confidence" in text
    assert "the passages found may not be about the question" in text


def test_without_an_answer_the_confidence_is_that_there_is_none() -> None:
    none = answer(text="I don't know.", abstained=True, nearest=[citation()])
    text = Markup(turn_html(ShownTurn("?", answer=none), 0, last=False)).text
    assert "High confidence that they do not say" in text
    assert "what comes closest" in text


def test_what_may_no_longer_be_read_is_said_to_be_withheld() -> None:
    text = Markup(turn_html(ShownTurn("?", answer=answer(text=""), withheld=2), 0, last=False)).text
    assert "2 sentences of this answer rest on documents that are gone or no longer yours to read" in text


def test_an_answer_without_a_receipt_offers_nothing_that_needs_one() -> None:
    html = turn_html(ShownTurn("?", answer=answer(claim(), receipt=None)), 0, last=False)
    assert not {"up", "down", "how"} & set(Markup(html).attributes("data-fn"))


def test_a_stopped_or_failed_question_can_be_asked_again() -> None:
    for state in ("stopped", "failed"):
        actions = Markup(live_html([ShownTurn("How much?", state, "It ended.")], 0)).attributes("data-fn")
        assert "again" in actions


def test_an_answer_can_be_asked_for_anew_at_one_press() -> None:
    markup = Markup(live_html([ShownTurn("How much?", answer=answer(claim()))], 0))
    assert markup.attributes("data-fn").count("again") == 1
    assert markup.attributes("data-question") == ["How much?", "How much?"]  # to edit it, and to ask it again


def test_turns_are_numbered_through_history_and_the_last_one() -> None:
    turns = [ShownTurn(f"Question {number}", answer=answer(claim())) for number in range(3)]
    assert Markup(history_html(turns[:-1]) + live_html(turns[-1:], 2)).attributes("data-turn") == ["0", "1", "2"]
