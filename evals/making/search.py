"""What can be told of a made question by searching for it: whether its passage can be found, and is the only one."""

from __future__ import annotations

import asyncio

import regex

from evals.answers import holds
from evals.making.question import MadeQuestion
from evals.making.structure import UNDER
from state.evidence import Hit, Mode, Passage
from state.filters import Filters
from state.principal import Principal
from text.tokens import codes
from text.topics import content_words
from tools.search import Searcher

FIRST = 5  # places among which the passage must be found, by words, by meaning or by both
_LOOKED_AT = 10
_MEANS = regex.compile(r"\b(?:means|stands for|is defined as|refers to)\b")
_MODES: tuple[Mode, ...] = ("lexical", "vector", "hybrid")


async def unfair(searcher: Searcher, principal: Principal, filters: Filters, made: MadeQuestion) -> str:
    """Return why a question cannot be answered fairly by searching, in a few words; empty if it can.

    Its passage has to be found by one kind of search at least, not by the one that is evaluated: questions that are
    hard for one of them stay. Another passage that has all the words of the question would answer it too.
    """
    found = await _found(searcher, principal, filters, made.question)
    if not any(_overlaps(hit.passage, made) for hits in found for hit in hits[:FIRST]):
        return "its passage is not found by any search"
    others = {hit.passage.chunk_id: hit.passage for hits in found for hit in hits if not _overlaps(hit.passage, made)}
    wanted = _asked_about(made.question)
    if made.kind == "heading":
        return ""
    if any(_fits(other, made, wanted) or _says_the_same(other, made) for other in others.values()):
        return "fits several passages"
    return ""


async def is_said_nowhere(searcher: Searcher, principal: Principal, filters: Filters, question: str) -> bool:
    """Whether no passage near a question has all the words that say what it is about, or all codes that it names."""
    wanted, named = _asked_about(question), codes(question)
    found = await _found(searcher, principal, filters, question)
    if named:  # by words alone, whatever else the question says
        found.append(await searcher.lexical_search(principal, " ".join(sorted(named)), k=_LOOKED_AT, filters=filters))
    read = [hit.passage for hits in found for hit in hits]
    return not any(wanted <= _words(one) or (named and named <= codes(f"{one.context} {one.text}")) for one in read)


async def _found(searcher: Searcher, principal: Principal, filters: Filters, question: str) -> list[list[Hit]]:
    return list(
        await asyncio.gather(
            *(searcher.search(principal, question, mode, k=_LOOKED_AT, filters=filters) for mode in _MODES)
        )
    )


def _asked_about(question: str) -> set[str]:
    return set(content_words(question.removeprefix(UNDER)))


def _words(passage: Passage) -> set[str]:
    return set(content_words(f"{passage.context}\n{passage.text}"))


def _fits(other: Passage, made: MadeQuestion, wanted: set[str]) -> bool:
    """Whether a sentence of another passage has all the words of the question, or defines the same term."""
    if made.kind == "definition":
        return bool(_MEANS.search(other.text)) and wanted <= _words(other)
    around = set(content_words(other.context))
    return any(wanted <= around | set(content_words(sentence)) for sentence in other.sentence_texts())


def _overlaps(passage: Passage, made: MadeQuestion) -> bool:
    same = passage.document_id == made.passage.document_id and passage.version == made.passage.version
    return same and passage.start < made.end and made.start < passage.end


def _says_the_same(other: Passage, made: MadeQuestion) -> bool:
    """Whether another passage holds an answer with most of the question's words: the fact stands there as well."""
    wanted = _asked_about(made.question)
    return holds(other.text, made.answers) and len(wanted & _words(other)) * 3 >= 2 * len(wanted)
