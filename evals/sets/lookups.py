"""Look-ups of codes, names and identifiers, made up: passages that differ in little else, and questions for each."""

from __future__ import annotations

import hashlib
import random
from functools import partial

from evals.sets.beir import EvaluationSet
from state.documents import Block, ParsedDocument, Source

_SEED = 20
_EACH = 60  # passages of a kind; the questions ask for one in three

_FIRST = ["Marta", "Jonas", "Aiko", "Pedro", "Lena", "Tomas", "Ines", "Ravi", "Nora", "Yusuf", "Greta", "Oskar", "Mina"]
_LAST = ["Lindqvist", "Okafor", "Tanaka", "Moreau", "Novak", "Brandt", "Silva", "Haddad", "Keller", "Ivanov", "Dubois"]
_THINGS = ["pump controller", "print queue", "badge reader", "backup job", "intake valve", "mail gateway", "lift motor"]
_EVENTS = ["the supply voltage drops", "no reply comes in time", "the configuration cannot be read", "a disk is full"]
_CURES = ["restart the service", "replace the fuse", "renew the certificate", "call the operator", "clear the queue"]
_VERBS = ["parse", "load", "merge", "flush", "resolve", "encode", "render", "verify"]
_NOUNS = ["header", "session", "token", "record", "buffer", "index", "manifest", "stream"]
_ROOMS = ["Oslo", "Lyon", "Porto", "Graz", "Leeds", "Turin"]

_Made = tuple[str, str, str]  # what is looked up, the passage, the question


def generated_lookups() -> EvaluationSet:
    """Return the set: the same at each call. Every question has one relevant passage."""
    chance = random.Random(_SEED)
    made: list[_Made] = []
    for kind in (_error, _part, _function, _setting, _person, _release):
        seen: set[str] = set()
        while len(seen) < _EACH:
            row = kind(chance)
            if row[0] not in seen:
                seen.add(row[0])
                made.append(row)
    sources = [_source(f"lookup-{number}", passage) for number, (_, passage, _) in enumerate(made)]
    asked = [(f"q{number}", question) for number, (_, _, question) in enumerate(made) if number % 3 == 0]
    relevant = {key: {f"lookup-{key[1:]}": 1} for key, _ in asked}
    return EvaluationSet(sources, asked, relevant, {})


def _error(chance: random.Random) -> _Made:
    code = f"ERR-{chance.randrange(1000, 1999)}"
    thing, event, cure = chance.choice(_THINGS), chance.choice(_EVENTS), chance.choice(_CURES)
    asked = chance.choice(["{}", "what does {} mean", "{} fix", "How do I get rid of {}?"]).format(code)
    return code, f"{code}: the {thing} reports this when {event}. To mend it, {cure} and try again.", asked


def _part(chance: random.Random) -> _Made:
    part = f"{chance.choice('ABCK')}X-{chance.randrange(2000, 2999)}/{chance.randrange(1, 9)}"
    passage = (
        f"Part {part} fits the {chance.choice(_THINGS)}. Stock in {chance.choice(_ROOMS)}: {chance.randrange(90)}."
    )
    return part, passage, chance.choice(["{}", "part {}", "Where is {} in stock?", "price {}"]).format(part)


def _function(chance: random.Random) -> _Made:
    name = f"{chance.choice(_VERBS)}_{chance.choice(_NOUNS)}"
    error = chance.choice(["OSError", "ValueError"])
    passage = f"{name}(source, limit=None) returns a list. It raises {error} when {chance.choice(_EVENTS)}."
    return name, passage, chance.choice(["{}", "{}()", "what does {} return", "{} raises"]).format(name)


def _setting(chance: random.Random) -> _Made:
    name = f"{chance.choice(_NOUNS)}.{chance.choice(_VERBS)}_timeout_{chance.choice(['ms', 's'])}"
    passage = (
        f"The setting {name} says how long the {chance.choice(_THINGS)} waits. Default: {chance.randrange(1, 99)}."
    )
    return name, passage, chance.choice(["{}", "{} default", "What is the default of {}?"]).format(name)


def _person(chance: random.Random) -> _Made:
    name = f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"
    place = f"{chance.choice(_THINGS)} in {chance.choice(_ROOMS)}"
    passage = f"{name} looks after the {place}. Extension {chance.randrange(100, 999)}."
    return name, passage, chance.choice(["{}", "{} extension", "Which office does {} work in?"]).format(name)


def _release(chance: random.Random) -> _Made:
    version = f"v{chance.randrange(1, 5)}.{chance.randrange(30)}.{chance.randrange(9)}"
    passage = f"Release {version}: the {chance.choice(_THINGS)} no longer stops when {chance.choice(_EVENTS)}."
    return version, passage, chance.choice(["{}", "release {}", "What changed in {}?"]).format(version)


def _source(identity: str, text: str) -> Source:
    digest = hashlib.sha256(text.encode()).digest()
    return Source(uri=identity, content_hash=lambda: digest, parse=partial(_parse, text), size=len(text.encode()))


def _parse(text: str) -> ParsedDocument:
    return ParsedDocument(text, "", "text/plain", (Block("paragraph", 0, len(text)),))
