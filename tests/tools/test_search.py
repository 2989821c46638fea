from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from reportlab.pdfgen.canvas import Canvas

from state.errors import InvalidQuestion, NotFound
from state.evidence import Mode
from state.filters import parse_filters
from state.principal import Principal
from store.lexical import K1, B
from tests.support import Library
from text.tokens import index_terms, query_terms
from tools.search import Searcher

WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "islet", "jetty", "kelp", "larch"]
MODES: tuple[Mode, ...] = ("lexical", "vector", "hybrid")


def _brute_force_bm25(texts: dict[str, str], question: str) -> list[str]:
    """Rank by the textbook formula, over exactly the texts given."""
    terms = {name: Counter(index_terms(text, "")) for name, text in texts.items()}
    lengths = {name: sum(counts.values()) for name, counts in terms.items()}
    average = sum(lengths.values()) / len(lengths)
    scores: dict[str, float] = {}
    for group in query_terms(question, [""]):
        frequency = sum(any(term in counts for term in group) for counts in terms.values())
        idf = math.log(1 + (len(texts) - frequency + 0.5) / (frequency + 0.5))
        for name, counts in terms.items():
            tf = sum(counts[term] for term in group)
            if tf:
                weight = tf / (tf + K1 * (1 - B + B * lengths[name] / average))
                scores[name] = scores.get(name, 0.0) + idf * weight
    return sorted(scores, key=lambda name: (-round(scores[name], 9), name))


def _random_texts(seed: int, count: int) -> dict[str, str]:
    chooser = random.Random(seed)
    weights = [1 / (rank + 1) for rank in range(len(WORDS))]
    return {
        f"n{number:03}": " ".join([str(number), *chooser.choices(WORDS, weights, k=chooser.randint(3, 30))])
        for number in range(count)
    }


async def test_the_lexical_order_is_that_of_exact_bm25_over_what_is_visible(
    library: Library, searcher: Searcher, local: Principal
) -> None:
    texts = _random_texts(1, 40)
    library.write(**texts)
    await library.read_in(access=("user:ann",))
    for path in library.folder.iterdir():
        path.unlink()
    library.write(**{f"hidden{name}": text for name, text in _random_texts(2, 40).items()})
    await library.read_in("secret", access=("user:bob",))
    ann = Principal("local", "ann")
    # What is read in has its title in front: the file's name, made readable.
    for question in ("amber otter", "kelp larch amber", "delta delta heron", "grove"):
        hits = await searcher.lexical_search(ann, question, k=40)
        found = [hit.passage.source.rsplit("/", 1)[-1].removesuffix(".md") for hit in hits]
        indexed = {
            hit.passage.source.rsplit("/", 1)[-1].removesuffix(".md"): f"{hit.passage.context}\n{hit.passage.text}"
            for hit in await searcher.lexical_search(ann, " ".join(WORDS), k=100)
        }
        expected = _brute_force_bm25(indexed, question)
        assert len(indexed) == 40
        assert found == expected[:40]


@pytest.fixture
async def catalogue(library: Library) -> Library:
    library.write(
        boiler="# Boiler\n\nError ERR-404 means that the burner is cold. Call a technician.",
        pump="# Pump\n\nThe pump costs $1,234 in version v2.1.3 and is quiet.",
        garden="# Garden\n\nApples and pears ripen in late summer. The cold store keeps them fresh.",
        german="# Anleitung\n\nDie Häuser werden im Winter geheizt, damit die Leitungen nicht einfrieren. "
        "Prüfen Sie deshalb vor jedem Winter alle Ventile und die Heizung im Keller.",
        japanese="# 取扱説明書\n\n電池を交換する前に電源を切ってください。",
    )
    await library.read_in()
    return library


async def _sources(
    searcher: Searcher, principal: Principal, question: str, *filters: str, mode: Mode = "lexical"
) -> list[str]:
    hits = await searcher.search(principal, question, mode, k=5, filters=parse_filters(filters))
    return [hit.passage.source.rsplit("/", 1)[-1].removesuffix(".md") for hit in hits]


@pytest.mark.parametrize(
    ("question", "first"),
    [("ERR-404", "boiler"), ("1234", "pump"), ("$1,234", "pump"), ("v2.1.3", "pump"), ("apple", "garden"),
     ("Haus", "german"), ("電池", "japanese"), ("ripening", "garden")],
)  # fmt: skip
async def test_codes_numbers_stems_and_other_scripts_are_found(
    catalogue: Library, searcher: Searcher, local: Principal, question: str, first: str
) -> None:
    assert (await _sources(searcher, local, question))[:1] == [first]


async def test_phrases_and_exclusions_hold_in_every_mode(
    catalogue: Library, searcher: Searcher, local: Principal
) -> None:
    for mode in MODES:
        assert await _sources(searcher, local, '"cold store"', mode=mode) == ["garden"], mode
        assert await _sources(searcher, local, '"store cold"', mode=mode) == [], mode
        assert "boiler" not in await _sources(searcher, local, "cold -burner", mode=mode), mode
        assert "garden" in await _sources(searcher, local, "cold -burner", mode=mode), mode


async def test_meaning_is_found_in_other_words(catalogue: Library, searcher: Searcher, local: Principal) -> None:
    assert (await _sources(searcher, local, "when can I harvest fruit", mode="vector"))[0] == "garden"


async def test_filters_compose_with_every_mode(catalogue: Library, searcher: Searcher, local: Principal) -> None:
    boiler = str(catalogue.folder / "boiler.md")
    for mode in MODES:
        assert await _sources(searcher, local, "cold", f"source={boiler}", mode=mode) == ["boiler"], mode
        assert await _sources(searcher, local, "cold", f"source={boiler}", "type=pdf", mode=mode) == [], mode
        assert await _sources(searcher, local, "cold", "after=2999-01-01", mode=mode) == [], mode
        under = await _sources(searcher, local, "cold", f"source={catalogue.folder}", "type=md", mode=mode)
        assert "boiler" in under, mode
    assert await _sources(searcher, local, "Winter", "language=de") == ["german"]


async def test_an_unknown_collection_is_named(catalogue: Library, searcher: Searcher, local: Principal) -> None:
    with pytest.raises(NotFound, match="'nowhere'"):
        await _sources(searcher, local, "cold", "collection=nowhere")


@pytest.mark.parametrize("question", ["", "   ", "x" * 5000])
async def test_unusable_questions_are_refused_with_the_reason(
    catalogue: Library, searcher: Searcher, local: Principal, question: str
) -> None:
    with pytest.raises(InvalidQuestion):
        await searcher.lexical_search(local, question)


@pytest.mark.parametrize(
    "question",
    [
        "the of and",
        '"',
        '""',
        "'; drop table documents; --",
        "a:b & !c | (d)",
        "مرحبا بالعالم",
        "🔥🔥",
        "-",
        "% _ \\",
        "\x00cold",
    ],
)
async def test_strange_questions_do_no_harm(
    catalogue: Library, searcher: Searcher, local: Principal, question: str
) -> None:
    for mode in MODES:
        await _sources(searcher, local, question, mode=mode)
    assert await _sources(searcher, local, "ERR-404") == ["boiler"]


async def test_the_same_passage_in_two_files_is_found_once(
    library: Library, searcher: Searcher, local: Principal
) -> None:
    text = "The ferry to the island leaves every day at noon from the old harbour, in winter too. " * 3
    library.write(one=text, two=text)
    await library.read_in()
    for mode in MODES:
        assert len(await _sources(searcher, local, "ferry island", mode=mode)) == 1, mode


async def test_a_passage_over_two_pages_knows_the_page_of_each_of_its_characters(
    library: Library, searcher: Searcher
) -> None:
    canvas = Canvas(str(library.folder / "fruit.pdf"))
    for line in ("Apples are red when they are ripe.", "", "Pears are green, and stay so."):
        canvas.drawString(72, 700, line)  # the second page is empty
        canvas.showPage()
    canvas.save()
    await library.read_in()
    (hit,) = await searcher.search(library.principal, "pears", "lexical")
    passage = hit.passage
    assert (passage.first_page, passage.last_page) == (1, 3)
    pages = {word: passage.page_at(passage.start + passage.text.index(word)) for word in ("Apples", "ripe", "Pears")}
    assert pages == {"Apples": 1, "ripe": 1, "Pears": 3}
