from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import graph.library
from graph import AsyncFootnote, Footnote
from settings import Settings
from state.answer import Answer, Said, Step
from state.errors import InvalidFilter, InvalidQuestion, NotFound

ROOT = Path(__file__).parents[2]
QUESTION = "When did the bridge open?"
_EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _examples() -> list[Any]:
    """The examples in the documentation that use the library."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")]}
    texts["library.py"] = graph.library.__doc__ or ""
    return [
        pytest.param(code, id=f"{name} {number}")
        for name, text in sorted(texts.items())
        for number, code in enumerate(_EXAMPLE.findall(text), start=1)
        if re.search(r"^from graph import .*Footnote", code, re.MULTILINE)
    ]


@pytest.mark.parametrize("code", _examples())
def test_the_examples_of_the_documentation_run(
    code: str, configuration: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(graph.library, "settings", lambda: configuration)
    exec(compile(code, "example", "exec"), {"__name__": "__main__"})  # the documentation's own text
    assert "27 days" in capsys.readouterr().out


def test_the_doors_of_the_library_say_the_same(configuration: Settings, documents: Path) -> None:
    with Footnote(configuration=configuration) as footnote:
        report = footnote.ingest(documents)
        assert (report.indexed, report.failed) == (2, [])
        answer = footnote.ask(QUESTION)
        assert answer.answer == "The bridge opened in 1932 after eight years of work. [1]"
        told = list(footnote.stream(QUESTION))
        assert isinstance(told[0], Step)
        assert [one.text for one in told if isinstance(one, Said)] == [answer.answer]
        assert isinstance(told[-1], Answer) and told[-1].answer == answer.answer
        assert answer.receipt is not None
        assert footnote.verify(answer.receipt).holds
        assert footnote.search("tower", "lexical")[0].passage.title == "The Water Tower"


async def test_a_conversation_is_understood_from_what_was_said_before(configuration: Settings, documents: Path) -> None:
    async with AsyncFootnote(configuration=configuration) as footnote:
        await footnote.ingest(documents)
        thread = await footnote.converse()
        await footnote.ask("How much does the water tower hold?", thread=thread)
        answer = await footnote.ask("When was it built?", thread=thread)
        assert "1951" in answer.answer
        turns = await footnote.application.threads.history(footnote.principal, thread)
        assert [turn.question for turn in turns] == ["How much does the water tower hold?", "When was it built?"]


def test_threads_share_it_and_a_stream_may_be_left(configuration: Settings, documents: Path) -> None:
    answers: list[str] = []
    with Footnote(configuration=configuration) as footnote:
        footnote.ingest(documents)
        for event in footnote.stream(QUESTION):
            assert isinstance(event, Step)
            break
        asking = [threading.Thread(target=lambda: answers.append(footnote.ask(QUESTION).answer)) for _ in range(4)]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
    assert answers == ["The bridge opened in 1932 after eight years of work. [1]"] * 4


async def test_the_synchronous_door_works_inside_a_running_loop_as_in_a_notebook(
    configuration: Settings, documents: Path
) -> None:
    with Footnote(configuration=configuration) as footnote:
        footnote.ingest(documents)
        assert "1932" in footnote.ask(QUESTION).answer


def test_what_cannot_be_done_is_said_in_a_named_error(configuration: Settings, documents: Path) -> None:
    with Footnote(configuration=configuration) as footnote:
        report = footnote.ingest(documents / "missing.md")
        assert report.failed == [(str(documents / "missing.md"), "there is no such file or folder")]
        failures: list[tuple[type[Exception], Callable[[], Any]]] = [
            (InvalidQuestion, lambda: footnote.ask("")),
            (InvalidFilter, lambda: footnote.ask(QUESTION, filters=["colour=red"])),
            (InvalidQuestion, lambda: list(footnote.stream("?"))),
            (NotFound, lambda: footnote.verify(uuid4())),
        ]
        for error, attempt in failures:
            with pytest.raises(error):
                attempt()
    with pytest.raises(RuntimeError, match="with statement"):
        footnote.ask(QUESTION)


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, graph; print(sorted({'torch', 'langgraph', 'langchain_core', 'psycopg'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        graph.nothing  # noqa: B018
