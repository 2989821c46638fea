"""What sets are read from: files of one's own, folders, and what is wrong with them said in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.runs.evaluation import Conditions
from evals.runs.example import Example
from evals.sets import rows
from evals.sets.beir import read_beir
from evals.sets.conversations import read_conversations
from evals.sets.documents import given_documents, shown
from evals.sets.find import find_sets
from evals.sets.questions import read_question_sets
from evals.sets.rows import NoSet, UnreadableSet
from evals.sets.utterances import read_utterances

FIXTURE = Path(__file__).parents[1] / "fixtures" / "clapnq_small"


def _examples(path: Path, *, with_answers: bool = True) -> list[Example]:
    (found,) = read_question_sets([path], with_answers=with_answers).values()
    return found.examples


def _beir(folder: Path, corpus: str | None = None, queries: str | None = None, qrels: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "corpus.jsonl").write_text(corpus or '{"_id": "p1", "title": "", "text": "A bridge."}\n')
    (folder / "queries.jsonl").write_text(queries or '{"_id": "q1", "text": "What is it?"}\n')
    (folder / "qrels.tsv").write_text(qrels or "query-id\tcorpus-id\tscore\nq1\tp1\t1\n")
    return folder


def test_two_columns_are_a_set(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text("question,answer\nWhen did it open?,1932\nWho sails it?,\n")
    answered, unknown = _examples(file)
    assert (answered.inputs, answered.reference) == ({"question": "When did it open?"}, {"answers": ["1932"]})
    assert unknown.reference == {"answers": []}  # the right answer is that there is none


def test_what_spreadsheets_write_is_read(tmp_path: Path) -> None:
    file = tmp_path / "own.CSV"
    file.write_bytes(
        '\ufeffquestion;answers;class;id\r\n"What did she say,\r\n""no""?";Yes|No | ;two lines;a7\r\n'.encode()
    )
    (one,) = _examples(file)
    assert one.inputs["question"] == 'What did she say,\r\n"no"?'
    assert (one.key, one.kind, one.reference["answers"]) == ("a7", "two lines", ["Yes", "No"])


def test_answers_may_be_a_list_with_aliases(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    row = {"question": "Who?", "answer": 1932, "aliases": ["the year 1932", "1932"], "answers": ["'32"]}
    file.write_text("\ufeff" + json.dumps(row) + "\n\n", encoding="utf-8")
    (one,) = _examples(file)
    assert one.reference["answers"] == ["'32", "1932", "the year 1932"]


def test_questions_alone_do_where_no_answer_is_compared(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text("question\nWhen?\n")
    assert _examples(file, with_answers=False)[0].reference == {}
    with pytest.raises(UnreadableSet, match="no column 'answer'"):
        _examples(file)


HOSTILE: list[tuple[str, bytes, str]] = [
    ("empty.csv", b"", "has no questions"),
    ("header.csv", b"question,answer\n", "has no questions"),
    ("other.csv", b"ask,answer\nWhat?,x\n", "no column 'question'"),
    ("wide.csv", b"question,answer\nWhat, then?,x,y\n", "line 2 has more cells"),
    ("open.csv", b'question,answer\n"What?,x\n', "unexpected end of data"),
    ("twice.csv", b"id,question,answer\n1,What?,x\n1,Who?,y\n", "two rows of twice.csv have the id '1'"),
    ("blank.csv", b"question,answer\n ,x\n", "row 1 has no question"),
    ("latin.csv", "question,answer\nWo?,München\n".encode("latin-1"), "not UTF-8"),
    ("utf16.csv", "question,answer\nWo?,x\n".encode("utf-16"), "not UTF-8"),
    ("list.jsonl", b"[1, 2]\n", "line 1 of list.jsonl is not a JSON object"),
    ("cut.jsonl", b'{"question": "Wh', "line 1 of cut.jsonl is not JSON"),
    ("deep.jsonl", b"[" * 100_000 + b"\n", "not JSON"),
    ("number.jsonl", b'{"question": 7, "answer": "x"}\n', "no text 'question'"),
    ("text.jsonl", b'{"question": "Who?", "answers": "x"}\n', "not a list"),
    ("half.jsonl", rb'{"question": "Who \ud800?", "answer": "x"}', "surrogate"),
    ("long.jsonl", b'{"question": "' + b"x" * 5000 + b'", "answer": "x"}\n', "line 1 has more than 4000 characters"),
    ("long.csv", b"question,answer\n" + b"x," * 3000 + b"\n", "line 2 has more than 4000 characters"),
]


@pytest.mark.parametrize(("name", "content", "reason"), HOSTILE, ids=[name for name, *_ in HOSTILE])
def test_what_is_wrong_with_a_file_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, reason: str
) -> None:
    monkeypatch.setattr(rows, "MOST_CHARS", 4000 if name.startswith("long") else rows.MOST_CHARS)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableSet, match=reason) as raised:
        _examples(tmp_path / name)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


HOSTILE_FOLDERS: list[tuple[dict[str, str], str]] = [
    ({"corpus": '{"_id": "p1", "text": "A."}\n{"_id": "p1", "text": "B."}\n'}, "corpus.jsonl have the id 'p1'"),
    ({"queries": '{"_id": "q1", "text": "A?"}\n{"_id": "q1", "text": "B?"}\n'}, "queries.jsonl have the id 'q1'"),
    ({"queries": '{"_id": "q1", "text": null}\n'}, "no text 'text'"),
    ({"corpus": '{"text": "A."}\n'}, "a row has no '_id'"),
    ({"qrels": "q1\tp1\n"}, "no question with a relevant passage"),
    ({"qrels": "q1\tp1\t0\n"}, "no question with a relevant passage"),
]


@pytest.mark.parametrize(("files", "reason"), HOSTILE_FOLDERS)
def test_what_is_wrong_with_a_folder_is_one_sentence(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    with pytest.raises(UnreadableSet, match=reason):
        read_beir(_beir(tmp_path / "set", **files))


def test_a_folder_keeps_judgements_classes_and_long_answers(tmp_path: Path) -> None:
    queries = [
        {"_id": "q1", "text": "Is it red?", "answer": "yes", "long_answer": "It is painted red."},
        {"_id": "q2", "text": "Who built it?", "answer": "Ann", "aliases": ["Anna"], "hops": 2},
        {"_id": "q3", "text": "No answer known?"},
        {"_id": "q4", "text": "Not judged?", "answer": "x"},
    ]
    qrels = "q1\t0\tp1\t2\r\nq2\t0\tp1\t1\r\nq3\t0\tp1\t1\r\n"
    folder = _beir(tmp_path / "set", queries="\n".join(map(json.dumps, queries)), qrels=qrels)
    verdict, person = _examples(folder)
    assert (verdict.kind, verdict.reference["long_answers"]) == ("yes or no", ["It is painted red."])
    assert (person.kind, person.reference["answers"]) == ("2 hops", ["Ann", "Anna"])
    assert verdict.reference["relevant"] == {"p1": 2}
    assert [one.key for one in _examples(folder, with_answers=False)] == ["q1", "q2", "q3"]


def test_sets_are_found_inside_folders_and_none_is_lost_for_its_name(tmp_path: Path) -> None:
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        _beir(tmp_path / place / "test")
        (tmp_path / place / "own.csv").write_text("question,answer\nWhat?,x\n")
    (tmp_path / "a" / "figures.csv").write_text("year,count\n1,2\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "own.csv").write_text("question,answer\nWhat?,x\n")
    found = read_question_sets([tmp_path, tmp_path / "a"], with_answers=False)
    assert set(found) == {"test", "own", "b test", "b own"}


@pytest.mark.parametrize("wanted", [Path("nowhere"), Path(".")])
def test_where_there_is_no_set_that_is_said_with_what_one_looks_like(tmp_path: Path, wanted: Path) -> None:
    with pytest.raises(NoSet, match=r"columns question and answer"):
        read_question_sets([tmp_path / wanted], with_answers=True)


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    _beir(tmp_path / "set")
    found = find_sets([tmp_path], lambda path: (path / "corpus.jsonl").exists(), "a set")
    assert found == {"set": tmp_path / "set"}


def test_follow_ups_have_the_turns_before_them(tmp_path: Path) -> None:
    _beir(tmp_path / "pairs")
    pair = {
        "_id": "c1", "last_turn": "|user|: Is it red?", "rewrite": "|user|: Is the bridge red?",
        "all_questions": "|user|: What is the bridge?\n|user|: Is it red?", "gold_passage_ids": ["p1", "gone"],
    }  # fmt: skip
    elsewhere = {**pair, "_id": "c2", "gold_passage_ids": ["gone"]}
    (tmp_path / "pairs" / "rewrite_pairs.jsonl").write_text("\n".join(map(json.dumps, [pair, elsewhere])))
    (one,) = read_conversations([tmp_path])["pairs"].examples  # of the other, no passage is here
    assert one.inputs == {
        "question": "Is it red?",
        "turns": [("What is the bridge?", "")],
        "human": "Is the bridge red?",
    }
    assert one.reference["relevant"] == {"p1": 1}
    (tmp_path / "pairs" / "rewrite_pairs.jsonl").write_text('{"_id": "c1"}')
    with pytest.raises(UnreadableSet, match="no text 'all_questions'"):
        read_conversations([tmp_path])


def test_utterances_are_small_talk_requests_and_what_is_neither(tmp_path: Path) -> None:
    domains = {"small_talk": ["greeting"], "meta": ["repeat"], "work": ["schedule"]}
    said = [["hi there", "greeting"], ["hello", "greeting"], ["say that again", "repeat"], ["am i free", "schedule"]]
    (tmp_path / "domains.json").write_text(json.dumps(domains))
    (tmp_path / "data.json").write_text(json.dumps({"val": said, "oos_val": [["why me", "oos"]], "train": said}))
    examples = read_utterances(tmp_path)
    assert sorted((one.kind, one.reference["conversation"]) for one in examples if one.kind != "meta") == [
        ("out of scope", False), ("request", False), ("small talk", True), ("small talk", True),
    ]  # fmt: skip
    assert [one.reference["conversation"] for one in examples if one.kind == "meta"] == [None]
    assert len({one.kind for one in examples[:4]}) == 4  # the first few have some of each
    for broken in ('{"val": [["a"]], "oos_val": []}', "{}", "[" * 100_000):
        (tmp_path / "data.json").write_text(broken)
        with pytest.raises(UnreadableSet, match="CLINC150"):
            read_utterances(tmp_path)


def test_documents_given_are_named_below_the_folder_that_was_given(tmp_path: Path) -> None:
    (tmp_path / "help" / "faq").mkdir(parents=True)
    (tmp_path / "help" / "faq" / "a.md").write_text("# A")
    (tmp_path / "b.md").write_text("# B")
    found = given_documents(Conditions(documents=(tmp_path / "help", tmp_path / "b.md")))
    assert found is not None
    assert [shown(source.uri, found) for source in found.sources] == ["help/faq/a.md", "b.md"]
    assert given_documents(Conditions()) is None


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: None])
def test_documents_that_are_not_there_are_said(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "none")
    with pytest.raises(UnreadableSet, match="documents to ask cannot be read"):
        given_documents(Conditions(documents=(tmp_path / "none",)))
