"""Answers with labels that a judge can be measured by: made from sets of claims and of questions.

- Groundedness: claims with evidence, as people have labelled them (`evals.sets.claims`).
- Correctness: HaluEval's right and hallucinated answers (Li et al., 2023); of question sets, the sentence of a relevant
  passage that holds a right answer, and the one nearest to the question that does not. Without passages, a right answer
  (another wording of it where there is one), and the right answer of another question that looks most like it.
- Completeness: of right answers with several parts, all of the parts in another order, and all but one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from evals.answers import holds, normalised
from evals.judging import Aspect
from evals.runs.example import Example
from evals.sets.claims import read_claims
from evals.sets.find import find_sets
from evals.sets.lists import first_row, list_rows
from evals.sets.questions import read_question_sets
from evals.sets.rows import NoSet, UnreadableSet
from state.documents import Source
from text.languages import detect_language
from text.sentences import sentences

_LONGEST_NAME = 12  # words of a right answer that another question's can stand in for
_LONGEST_ITEM = 5  # words of an item in a list
_ITEMS = re.compile(r",? and |, ")
_COMPARED = 50  # right answers of other questions, of which the most alike is taken
_LEAST = 10  # labelled answers that make a set


def read_judged(paths: Sequence[Path]) -> dict[str, list[Example]]:
    """Return labelled answers of each set found at the paths, by "ASPECT SET"; true and false ones take turns.

    ``inputs`` have the ``aspect``, the ``answer`` to judge, and what it is judged by: ``question`` and ``right``, or
    ``passages``; ``reference["label"]`` says whether the answer has the aspect. Raises `NoSet` if there is none.
    """
    found: dict[str, list[Example]] = {}
    for path in paths:
        if not path.exists():
            raise NoSet(f"{path} does not exist: give claims with evidence, or questions with answers.")
        mixed = {
            name: _in_turn(examples)
            for name, examples in _labelled(path)
            if len(examples) >= _LEAST and len({one.reference["label"] for one in examples}) == 2
        }
        if not mixed:
            raise NoSet(
                f"{path} holds no answers with labels, or fewer than {_LEAST}: give claims with evidence, or questions "
                "with answers."
            )
        found |= {f"{name} ({path})" if name in found else name: examples for name, examples in mixed.items()}
    return found


def _labelled(path: Path) -> Iterator[tuple[str, list[Example]]]:
    """Yield what each reader makes of a path. Raises `UnreadableSet` if it is for one of them, and none can read it."""
    given, unreadable = False, None
    for read in (_grounded, _hallucinated, _questions):
        try:
            for name, examples in read(path):
                given = True
                yield name, examples
        except NoSet:
            continue
        except UnreadableSet as error:
            unreadable = error
    if unreadable and not given:
        raise unreadable


def _grounded(path: Path) -> Iterator[tuple[str, list[Example]]]:
    for name, claims in read_claims(path).items():
        yield (
            f"groundedness {name}",
            [
                _example("groundedness", str(number), one.claim, one.supported, passages=list(one.evidence))
                for number, one in enumerate(claims)
            ],
        )


def _hallucinated(path: Path) -> Iterator[tuple[str, list[Example]]]:
    wanted = "files in the form of HaluEval's questions"
    for name, file in find_sets([path], _has_hallucinations, wanted).items():
        try:
            pairs = [_pair(number, row) for number, row in enumerate(list_rows(file))]
            yield f"correctness {name}", [one for pair in pairs for one in pair]
        except OSError as error:
            raise UnreadableSet(f"{file} cannot be read: {error.strerror}.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableSet(f"{file} is not a file of right and hallucinated answers: {error}.") from error


def _pair(number: int, row: Any) -> list[Example]:
    given = {"question": str(row["question"]).strip(), "right": [str(row["right_answer"])]}
    return [
        _example("correctness", f"{number} right", str(row["right_answer"]), True, **given),
        _example("correctness", f"{number} hallucinated", str(row["hallucinated_answer"]), False, **given),
    ]


def _has_hallucinations(path: Path) -> bool:
    if path.suffix not in (".json", ".jsonl"):
        return False
    row = first_row(path)
    return isinstance(row, dict) and {"question", "right_answer", "hallucinated_answer"} <= row.keys()


def _questions(path: Path) -> Iterator[tuple[str, list[Example]]]:
    for name, some in read_question_sets([path], with_answers=True).items():
        asked = [one for one in some.examples if one.reference.get("answers")]
        if correct := list(_correct(asked, some.sources or [])):
            yield f"correctness {name}", correct
        if complete := list(_complete(asked)):
            yield f"completeness {name}", complete


def _correct(asked: Sequence[Example], sources: Sequence[Source]) -> Iterator[Example]:
    """Yield each question with a right answer and with a wrong one, where right answers are short."""
    passages = {source.uri: source for source in sources}
    short = [one for one in asked if all(len(text.split()) <= _LONGEST_NAME for text in one.reference["answers"])]
    known = sorted({text for one in short for text in one.reference["answers"][:1]})
    for one in short:
        said = _said(one, passages) or _named(one, known)
        if said is not None:
            given = {"question": one.inputs["question"], "right": one.reference["answers"][:1]}
            yield _example("correctness", f"{one.key} right", said[0], True, **given)
            yield _example("correctness", f"{one.key} wrong", said[1], False, **given)


def _said(one: Example, passages: Mapping[str, Source]) -> tuple[str, str] | None:
    """Return the sentences of a relevant passage with and without a right answer that share most with the question."""
    asked, right = {*normalised(one.inputs["question"]).split()}, one.reference["answers"]
    if one.kind == "yes or no":
        return None

    def shared(sentence: str) -> int:
        return len(asked & {*normalised(sentence).split()})

    for key in one.reference.get("relevant", {}):
        text = passages[key].parse().text if key in passages else ""
        found = [text[span.start : span.end] for span in sentences(text, detect_language(text))]
        holding = max((sentence for sentence in found if holds(sentence, right)), key=shared, default="")
        other = max((sentence for sentence in found if not holds(sentence, right)), key=shared, default="")
        if holding and other and shared(holding):
            return holding, other
    return None


def _named(one: Example, known: Sequence[str]) -> tuple[str, str] | None:
    """Return a right answer, reworded where there is another wording, and that of a question with one much like it."""
    first, *others = one.reference["answers"]
    reworded = next((text for text in others if normalised(text) != normalised(first)), first)
    different = [text for text in known if not _same(text, one.reference["answers"])]
    some = random.Random(one.key).sample(different, min(_COMPARED, len(different)))
    wrong = _alike(first, some)
    return None if wrong is None else (reworded, wrong)


def _same(text: str, right: Sequence[str]) -> bool:
    return holds(text, right) or any(holds(one, [text]) for one in right)


def _alike(text: str, others: Sequence[str]) -> str | None:
    """Return the text of the same form, by digits and length, that shares most letters; None if there is none."""

    def likeness(other: str) -> tuple[bool, float]:
        same_form = any(map(str.isdigit, other)) == any(map(str.isdigit, text))
        return same_form, SequenceMatcher(None, text, other, autojunk=False).ratio()

    return max(others, key=likeness, default=None)


def _complete(asked: Sequence[Example]) -> Iterator[Example]:
    """Yield each question whose right answer has several parts, with all of them and with all but one."""
    for one in asked:
        full = (one.reference.get("long_answers") or one.reference["answers"])[0]
        parts, glue = _parts(full)
        if len(parts) < 2:
            continue
        turned = parts[::-1]  # so that being complete is not being the same
        left_out = random.Random(one.key).randrange(len(parts))
        rest = [part for number, part in enumerate(turned) if number != left_out]
        given = {"question": one.inputs["question"], "right": [full]}
        yield _example("completeness", f"{one.key} whole", glue.join(turned), True, **given)
        yield _example("completeness", f"{one.key} part left out", glue.join(rest), False, **given)


def _parts(text: str) -> tuple[list[str], str]:
    """Return the sentences of a text, or the items of one that is a list, and what joins them."""
    spans = sentences(text, detect_language(text))
    if len(spans) > 1:
        return [text[span.start : span.end] for span in spans], " "
    items = [item.strip() for item in _ITEMS.split(text)] if " and " in text else []
    listed = items and all(0 < len(item.split()) <= _LONGEST_ITEM for item in items)
    return (items, " and ") if listed else ([], "")


def _example(aspect: Aspect, key: str, answer: str, label: bool, **given: Any) -> Example:
    inputs: Mapping[str, Any] = {"aspect": aspect, **given, "answer": answer}
    return Example(f"{aspect} {key}", inputs, {"label": label}, aspect)


def _in_turn(examples: Sequence[Example]) -> list[Example]:
    """Return examples shuffled, always in the same way, true and false in turn: so the first ones are a fair sample."""
    chance = random.Random(0)
    kinds = [[one for one in examples if one.reference["label"] is label] for label in (True, False)]
    for some in kinds:
        chance.shuffle(some)
    paired = min(map(len, kinds))
    turns = [one for pair in zip(*kinds, strict=False) for one in pair]
    return [*turns, *(one for some in kinds for one in some[paired:])]
