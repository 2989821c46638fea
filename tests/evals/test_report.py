from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from evals.browser import chromium, open_browser
from evals.compare import compare_runs
from evals.measures.classification import auroc
from evals.report.comparison import comparison_html
from evals.report.docs import main as write_docs_page
from evals.report.index import write_index
from evals.report.items import worst_items
from evals.report.plots.choice import plots_of
from evals.report.report import report_html, write_report
from evals.report.tables import breakdowns
from evals.report.words import explained
from evals.runs.aggregates import TableAggregate
from evals.runs.evaluation import Aggregate, Conditions, by_set
from evals.runs.example import Example, Result
from evals.runs.folder import SavedRun, UnreadableRun, read_run, save_run
from evals.runs.registry import EVALUATIONS, evaluation_class
from tests.evals.at_hand import AtHand

SCRIPT = "window.__pwned = true"
HOSTILE = (
    f"<script>{SCRIPT}</script><img src=x onerror='{SCRIPT}'>\"'></svg></style></pre>]]> & {{{{ 7*7 }}}} $x^2$ "
    f"[click](javascript:{SCRIPT}) | **bold** \x00\x1b[2J\x9b \u202eevil\u2066 \ud800 مرحبا بالعالم"
)
METADATA = {
    "evaluation": "answers",
    "sets": ["small"],
    "at": "2026-01-02T03:04:05+00:00",
    "commit": "abcdef123456",
    "machine": {"processor": "a processor", "cores": 2, "python": "3.11"},
    "settings": {"abstain_below": 0.2},
    "models": {"embedding": "packaged"},
}


class Rated(AtHand):
    """Rates examples that are at hand."""

    headline = ("right", "hybrid nDCG@10", "auroc", "wrong")
    aggregates: ClassVar[Mapping[str, Aggregate]] = {
        "auroc": TableAggregate(
            lambda one: (one.example.reference["answerable"], one.outputs["confidence"]),
            lambda table: auroc(table[:, 0] > 0, table[:, 1]),
        )
    }
    lower_is_better = frozenset({"wrong"})


EVALUATION = Rated(Conditions())


def _results(count: int = 60, text: str = "") -> list[Result]:
    """Results with every output that reports know: the surer, the more often right."""
    found = []
    for at in range(count):
        sure = (at + 0.5) / count
        right = float((at * 7) % count < at)
        example = Example(
            f"q{at}",
            {"question": f"What is {at}? {text}"},
            {"answers": [f"gold {at} {text}"], "answerable": at % 3 > 0},
            "table" if at % 2 else "prose",
        )
        outputs = {
            "answer": f"It is {at}. {text}", "abstained": False, "confidence": sure, "route": "hybrid",
            "question_class": "factual" if at % 4 else "keyword", "timings": {"retrieve": 5.0 + at, "write": 20.0},
            "ms": {"lexical": 3.0 + at / 10, "hybrid": 9.0 + at / 10},
            "ranks": {"fused": at % 5 + 1, "reranked": at % 3 + 1 if at % 7 else None},
            "receipt": {"route_reason": f"a reason {text}", "claims": [], "passages": []},
        }  # fmt: skip
        scores = {"right": right, "wrong": 1 - right, "lexical nDCG@10": sure / 2, "hybrid nDCG@10": sure}
        found.append(Result("small" if at < count - 20 else f"other {text}", example, outputs, scores, 25.0 + at))
    return found


def _run(folder: Path, results: Sequence[Result], **metadata: Any) -> SavedRun:
    """A run as it is kept, its intervals made up: they take long."""
    sets = by_set([one for one in results if not one.error])
    metrics = {
        name: {metric: [value, value - 0.01, value + 0.01] for metric, value in EVALUATION.metrics(some).items()}
        for name, some in sets.items()
    }
    return SavedRun(folder, {**METADATA, **metadata}, {}, metrics, list(results))


class _Page(HTMLParser):
    """Elements, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def run() -> SavedRun:
    return _run(Path("run"), _results())


@pytest.fixture(scope="module")
def written(run: SavedRun) -> str:
    return report_html(run, EVALUATION)


@pytest.fixture(scope="module")
def hostile() -> str:
    return report_html(_run(Path("run"), _results(text=HOSTILE)), EVALUATION)


def test_a_report_says_what_was_asked_and_what_came_of_it(run: SavedRun, written: str) -> None:
    text = " ".join(_Page(written).text.split())
    assert "Rates examples that are at hand." in text
    assert "60 examples of 2 sets: small (40), other (20)" in text
    mean, low, high = run.metrics["small"]["right"]
    assert f"{mean:.3f} {low:.3f} to {high:.3f}" in text
    assert "abcdef123456" in text and "abstain_below" in text
    assert "How good the order of the first 10 passages is" in text


def test_a_report_needs_nothing_but_itself(written: str) -> None:
    page = _Page(written)
    assert not {"script", "link", "iframe", "object", "embed", "base", "form", "img"} & set(page.elements)
    outside = [
        value for _, name, value in page.attributes if name in ("src", "href", "xlink:href") and value[:1] != "#"
    ]
    assert outside == []
    policy = next(value for tag, name, value in page.attributes if tag == "meta" and "default-src" in value)
    assert policy.startswith("default-src 'none'")
    identifiers = [value for _, name, value in page.attributes if name == "id"]
    assert len(identifiers) == len(set(identifiers))


def test_hostile_texts_are_shown_and_obeyed_nowhere(written: str, hostile: str) -> None:
    page = _Page(hostile)
    assert set(page.elements) == set(_Page(written).elements)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert "<script>window" in page.text and "{{ 7*7 }}" in page.text and "$x^2$" in page.text
    assert not re.search("[\x00-\x08\x1b\x9b\u202a-\u202e\u2066-\u2069\ud800-\udfff]", hostile)
    assert "مرحبا" in page.text
    assert not [value for tag, name, value in page.attributes if tag == "a" and not value.startswith("#")]


def test_a_report_has_each_plot_whose_data_there_are() -> None:
    names = [plot.name for plot in plots_of(EVALUATION, _results())]
    assert names == ["quality-nDCG-10", "ranks", "risk-coverage", "reliability", "roc", "latency"]
    few = [Result("s", Example("1", {"question": "?"}, {"answerable": True}), {"confidence": 0.5}, {"right": 1.0})]
    assert plots_of(EVALUATION, few) == []


def test_plots_are_text_and_take_their_colours_from_the_page() -> None:
    for plot in plots_of(EVALUATION, _results(text="$\\frac{<b>")):
        assert ("<text" in plot.svg and "var(--ink)" in plot.svg) or "var(--soft)" in plot.svg
        assert not re.search(r"(?:fill|stroke): #", plot.svg), "a colour that does not follow light and dark"
        root = ElementTree.fromstring(plot.image())
        assert "prefers-color-scheme:dark" in "".join(root.itertext())


def test_the_same_results_give_the_same_report(tmp_path: Path) -> None:
    run = save_run(tmp_path, EVALUATION, _results(24, HOSTILE), METADATA)
    assert write_report(run, EVALUATION).read_text(encoding="utf-8") == report_html(read_run(tmp_path), EVALUATION)


def test_risk_is_said_for_what_is_surest() -> None:
    results = [
        Result("s", Example(f"{at}", {}, {"answerable": True}), {"confidence": at / 40}, {"right": float(at >= 20)})
        for at in range(40)
    ]
    plot = next(one for one in plots_of(EVALUATION, results) if one.name == "risk-coverage")
    assert "s: 0.00 wrong at half coverage, 0.50 at full" in plot.caption


def test_the_worst_come_first_from_each_set_in_turn_and_none_that_is_perfect() -> None:
    results = [
        Result(name, Example(f"{at}", {"question": f"{name}{at}"}, {}), {}, {"right": value})
        for name in ("a", "b")
        for at, value in enumerate((0.0, 0.0, 1.0, 0.5))
    ]
    found = [item.question for item in worst_items(EVALUATION, results)]
    assert found == ["a0", "b0", "a1", "b1", "a3", "b3"]
    assert worst_items(EVALUATION, [one for one in results if one.scores["right"] == 1.0]) == []


def test_results_are_broken_down_by_what_tells_them_apart() -> None:
    found = {one.by: one for one in breakdowns(EVALUATION, _results())}
    assert set(found) == {"kind of example", "class of question"}  # there is one route only
    by_class = {name: (n, row[0]) for name, n, row in found["class of question"].rows}
    assert [n for n, _ in by_class.values()] == [45, 15]
    keyword = by_class["keyword"][1]
    rights = [one.scores["right"] for one in _results() if one.outputs["question_class"] == "keyword"]
    assert keyword is not None and keyword.mean == pytest.approx(sum(rights) / 15, abs=1e-4)
    assert keyword.low <= keyword.mean <= keyword.high


def test_failed_examples_are_listed_and_count_nowhere(tmp_path: Path) -> None:
    failed = Result("small", Example("broken", {"question": "?"}, {}), {}, {}, 1.0, "The model is <b>away</b>.")
    page = _Page(report_html(_run(tmp_path / "run", [*_results(10), failed]), EVALUATION))
    assert "1 of 11 examples failed" in page.text
    assert "The model is <b>away</b>." in page.text
    only = report_html(_run(tmp_path / "other", [failed]), EVALUATION)
    assert "No example gave a result." in only


@pytest.mark.parametrize(
    ("metric", "start"),
    [
        ("hybrid R@5", "The share of the relevant passages that are among the first 5"),
        ("card F2", "The mean of precision and recall in which recall counts twice"),
        ("cosine auroc", "The probability that a positive example has a higher score"),
        ("balanced p95_ms", "The time within which 95 % of the examples were done"),
    ],
)
def test_a_metric_of_a_variant_is_explained_as_the_metric(metric: str, start: str) -> None:
    [(_, sentence, lower)] = explained([metric], [])
    assert sentence.startswith(start) and not lower


@pytest.mark.parametrize("name", EVALUATIONS)
def test_every_metric_that_an_evaluation_names_is_explained(name: str) -> None:
    evaluation = evaluation_class(name)
    named = [*evaluation.headline, *evaluation.aggregates, *evaluation.lower_is_better]
    assert [metric for metric in named if not explained([metric], [])] == []


def test_the_index_leads_to_every_run_and_names_what_cannot_be_read(tmp_path: Path) -> None:
    save_run(tmp_path / "answers one", EVALUATION, _results(4), METADATA)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{", encoding="utf-8")
    page = _Page(write_index(tmp_path).read_text(encoding="utf-8"))
    assert ("a", "href", "answers%20one/report.html") in page.attributes
    assert "broken holds a run that cannot be read" in page.text
    with pytest.raises(UnreadableRun, match="no folder that holds an evaluation run"):
        write_index(tmp_path / "broken")


def test_a_report_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    run = _run(tmp_path, _results(2))
    with pytest.raises(UnreadableRun, match="The report cannot be written to"):
        write_report(run, EVALUATION)


def test_the_page_of_the_documentation_has_tables_plots_and_commands(tmp_path: Path) -> None:
    results = _results(24, "a|b <script> ![x](y)")
    save_run(tmp_path / "runs" / "hops", EVALUATION, results[:8], METADATA)
    save_run(tmp_path / "runs" / "answers", EVALUATION, results, {**METADATA, "most": 60})
    bench = tmp_path / "bench.json"
    bench.write_text(
        '{"set": "../data/scifact", "ours": {"hybrid": {"nDCG@10": 0.71, "p50_ms": 9}, "ingest_per_s": 80},'
        ' "peers": [{"peer": "other | one", "nDCG@10": 0.7}]}',
        encoding="utf-8",
    )
    ablation = tmp_path / "ablation.json"
    ablation.write_text(
        '{"rows": [{"step": "rerank", "on": true, "set": "s", "questions": 9, "metrics": {"R@5": [0.1, -0.02, 0.2]},'
        ' "ms": [90, 20], "cost": [0, 0], "should": "on", "why": "it gains R@5"}], "not_measured": {"hop": "needs x"}}',
        encoding="utf-8",
    )
    out = tmp_path / "docs" / "evaluation.md"
    (tmp_path / "docs" / "images").mkdir(parents=True)
    (tmp_path / "docs" / "images" / "evaluation-gone.svg").touch()
    given = [str(tmp_path / "runs"), "--out", str(out), "--bench", str(bench), "--ablation", str(ablation)]
    assert write_docs_page(given) == 0
    page = out.read_text(encoding="utf-8")
    assert "    footnote eval answers small --most 60" in page
    assert re.search(r"\| small \| 4 \| \S+ \[\S+, \S+\] \|", page)
    assert "| Footnote, hybrid | 0.710 |" in page and r"other \| one" in page
    assert "| rerank | on | s | 9 | nothing told apart | 90.0 / 20.0 |" in page
    assert "<script>" not in page.replace(r"\<script>", "") and "![x]" not in page.replace(r"!\[x", "")
    images = re.findall(r"!\[[^]]*\]\(([^)]+)\)", page)
    assert len(images) == len(set(images)) == 9 and all((out.parent / image).is_file() for image in images)
    assert not (out.parent / "images" / "evaluation-gone.svg").exists()
    assert "\n## Answers\n" in page and "\n## Answers: hops\n" in page, "the same evaluation twice"
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        columns = [row.replace(r"\|", "").count("|") for row in table.splitlines()]
        assert len(set(columns)) == 1, table


def test_a_page_of_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert write_docs_page([str(tmp_path), "--out", str(tmp_path / "page.md")]) == 1
    assert "holds no evaluation run" in capsys.readouterr().err


def test_nothing_of_a_report_is_in_anyones_way(tmp_path: Path, hostile: str) -> None:
    executable = chromium()
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    if executable is None:
        pytest.skip("no Chromium is installed")
    run = _run(Path("run"), _results(30, HOSTILE))
    other = [replace(one, scores={**one.scores, "right": 1 - one.scores["right"]}) for one in run.results]
    compared = comparison_html(compare_runs(run, replace(run, results=other), EVALUATION), EVALUATION)
    (tmp_path / "report.html").write_text(hostile, encoding="utf-8")
    (tmp_path / "comparison.html").write_text(compared, encoding="utf-8")
    visits: list[tuple[str, Literal["light", "dark"], int]] = [
        ("report", "light", 1280),
        ("report", "dark", 390),
        ("comparison", "light", 390),
    ]
    said: list[str] = []
    with open_browser(executable) as browser:
        for name, scheme, width in visits:
            page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()
            page.on("console", lambda message: said.append(message.text))
            page.goto((tmp_path / f"{name}.html").as_uri())
            assert page.evaluate("window.__pwned") is None
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            found = axe.Axe().run(page).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"][:100]) for one in found] == []
    assert said == []
