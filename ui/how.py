"""How an answer was made, from its receipt: the way it took, what it read and in which order, its time and cost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final
from uuid import UUID

from graph.application import Application
from state.answer import HopRecord, RankRecord, Receipt, Verification
from state.evidence import LIVE
from state.principal import Principal
from store.spans import SpanKey, StoredSpan, read_spans
from tools.screening import Screen
from ui.icons import icon

_MODES: Final = {"lexical": "by words", "vector": "by meaning", "hybrid": "by words and by meaning"}
_CACHES: Final = {
    "": "Answered anew, not from the cache.",
    "exact": "The same question was answered before: that answer was checked again and given again.",
    "semantic": "A question that means the same was answered before: that answer was checked again and given again.",
}
_STEPS: Final = {
    "contextualize": "Understand in context", "classify": "Choose the route", "recall": "Look in the cache",
    "enhance": "Add queries", "retrieve": "Search", "fuse": "Join the rankings", "quarantine": "Put orders aside",
    "rerank": "Rank by reading", "hop": "Follow links", "hop plan": "Plan hops", "hop search": "Search again",
    "grade": "Judge relevance", "broaden": "Search more widely", "budget": "Choose what to read", "write": "Write",
    "cite": "Find the footnotes", "ground": "Check support", "repair": "Repair", "validate": "Check the words",
    "abstain": "Say there is no answer",
}  # fmt: skip
_STAGES: Final = {
    "lexical": "Words", "vector": "Meaning", "fused": "Fused", "reranked": "Reranked", "hopped": "After hops",
    "read": "Read",
}  # fmt: skip
_SHOWN_STEPS = 8
_WORDS_OF_PASSAGE = 110


async def how_html(application: Application, principal: Principal, identity: UUID) -> str:
    """Return what the receipt of an answer tells, as the principal may read it now. Raises `NotFound`."""
    receipt = await application.receipts.get(principal, identity)
    used = [passage for passage in receipt.passages if "read" in passage.ranks] or receipt.passages[:5]
    used = sorted(used, key=lambda passage: passage.ranks.get("read", len(used)))
    async with application.database.session(principal) as connection:
        spans = await read_spans(connection, [_key(passage) for passage in used if passage.version != LIVE])
    parts = [
        _way(receipt),
        _times(receipt.timings),
        await asyncio.to_thread(_ranks, used, spans, application.screen),
        _cost(receipt),
        _models(receipt),
        _tools(),
    ]
    return f'<div class="fn-how">{"".join(parts)}</div>'


def _section(title: str, body: str) -> str:
    return f"<section><h3>{escape(title)}</h3>{body}</section>" if body else ""


def _way(receipt: Receipt) -> str:
    facts = [
        ("Route", f"Searched {_MODES.get(receipt.route, receipt.route)}: {receipt.route_reason}."),
        ("Cache", _CACHES[receipt.cache]),
    ]
    if receipt.asked and receipt.question != receipt.asked:
        facts.insert(0, ("Understood as", receipt.question))
    if receipt.dropped:
        facts.append(("Left out", f"{_count(receipt.dropped, 'sentence')} that the sources did not support."))
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    queries = [query for query in receipt.queries if query != receipt.asked]
    if queries:
        rows += f"<dt>Also searched for</dt><dd>{_list(queries)}</dd>"
    if receipt.hops:
        rows += f"<dt>Hops</dt><dd>{_list(_hop(hop, receipt.question) for hop in receipt.hops)}</dd>"
    return _section("The way it took", f"<dl>{rows}</dl>")


def _hop(hop: HopRecord, question: str) -> str:
    """Return what a hop looked for; one for the question itself followed links between documents."""
    if hop.question == question and not hop.missing:
        return f"Links between documents led to passages of {_count(len(set(hop.documents)), 'document')}."
    return f"{hop.question} (missing: {hop.missing})" if hop.missing else hop.question


def _list(texts: Iterable[str]) -> str:
    return "<ul>" + "".join(f'<li dir="auto">{escape(text)}</li>' for text in texts) + "</ul>"


def _times(timings: Mapping[str, float]) -> str:
    """Return a bar for each of the longest steps, the rest together; milliseconds."""
    total = sum(timings.values())
    if not total:
        return ""
    longest = sorted(timings, key=lambda step: timings[step], reverse=True)[:_SHOWN_STEPS]
    in_order = sorted(longest, key=lambda step: list(_STEPS).index(step) if step in _STEPS else len(_STEPS))
    shown = [(_STEPS.get(step, step), timings[step]) for step in in_order if timings[step] >= 0.5]
    rest = total - sum(time for _, time in shown)
    if rest >= 0.5:
        shown.append(("Everything else", rest))
    most = max(time for _, time in shown) if shown else 1.0
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="fn-bar" aria-hidden="true">'
        f'<i style="width:{100 * time / most:.1f}%"></i></td><td class="fn-number">{_time(time)}</td></tr>'
        for name, time in shown
    )
    return _section(f"Where {_time(total)} went", f'<table class="fn-times"><tbody>{rows}</tbody></table>')


def _time(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.2f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"


def _ranks(used: Sequence[RankRecord], spans: Mapping[SpanKey, StoredSpan], screen: Screen) -> str:
    """Return the passages used with their ranks: before fusion, after it, after reading them, and as they were read."""
    if not used:
        return ""
    stages = [stage for stage in _STAGES if any(stage in passage.ranks for passage in used)]
    head = "".join(f'<th scope="col">{_STAGES[stage]}</th>' for stage in stages)
    rows = "".join(
        f'<tr><th scope="row">{_named(passage, spans, screen)}</th>'
        + "".join(f'<td class="fn-number">{passage.ranks.get(stage, "–")}</td>' for stage in stages)
        + "</tr>"
        for passage in used
    )
    read = any("read" in passage.ranks for passage in used)
    title = "Passages it read, and their ranks" if read else "Passages it found, and their ranks"
    table = f'<table class="fn-ranks"><thead><tr><th scope="col">Passage</th>{head}</tr></thead><tbody>{rows}</tbody>'
    return _section(title, f'<div class="fn-wide" tabindex="0" role="group" aria-label="{title}">{table}</table></div>')


def _key(passage: RankRecord) -> SpanKey:
    return SpanKey(passage.document_id, passage.version, passage.start, passage.end)


def _named(passage: RankRecord, spans: Mapping[SpanKey, StoredSpan], screen: Screen) -> str:
    if passage.version == LIVE:
        return "<span>From another source, not stored</span>"
    found = spans.get(_key(passage))
    if found is None:
        return "<span>No longer there, or no longer yours to read</span>"
    title, words = (" ".join(screen.masked(text)[0].split()) for text in (found.title, found.text or ""))
    words = words if len(words) <= _WORDS_OF_PASSAGE else words[: _WORDS_OF_PASSAGE - 1] + "…"
    return f'<span dir="auto">{escape(title or "Untitled")}</span><small dir="auto">{escape(words)}</small>'


def _cost(receipt: Receipt) -> str:
    usage = receipt.usage
    facts = [
        f"{_count(usage.get('passages_read'), 'passage')} read", f"{_count(usage.get('sentences'), 'sentence')} said"
    ]  # fmt: skip
    if usage.get("model_calls"):
        cost = usage.get("cost_usd")
        facts.append(f"{_count(usage['model_calls'], 'call')} of a chat model")
        facts.append(f"{usage.get('input_tokens') or 0:,} tokens in, {usage.get('output_tokens') or 0:,} out")
        facts.append("cost unknown: the model's price is not listed" if cost is None else f"{cost:.4f} US dollars")
    else:
        facts.append("no chat model was asked, so it cost nothing")
    return _section("Work and cost", f"<p>{escape('; '.join(facts).capitalize())}.</p>")


def _count(number: float | None, what: str) -> str:
    return f"{number or 0} {what}{'' if number == 1 else 's'}"


def _models(receipt: Receipt) -> str:
    named = {name: value for name, value in sorted(receipt.parts.items()) if value and value != "none"}
    rows = "".join(f"<dt>{escape(name.capitalize())}</dt><dd>{escape(value)}</dd>" for name, value in named.items())
    return _section("Models", f'<dl class="fn-small">{rows}</dl>')


def _tools() -> str:
    return (
        '<section><h3>Receipt</h3><div class="fn-tools">'
        f'<button type="button" class="fn-tool" data-fn="receipt">{icon("receipt")} Download the receipt</button>'
        f'<button type="button" class="fn-tool" data-fn="verify">{icon("verify")} Verify now</button></div>'
        '<div class="fn-verified" role="status"></div></section>'
    )


async def verification_html(application: Application, principal: Principal, identity: UUID) -> str:
    """Return what checking a receipt again found. Raises `NotFound`."""
    return _verification(await application.verify(principal, identity))


def _verification(found: Verification) -> str:
    if not found.spans:
        return "<p>This answer cited nothing, so there is nothing to check.</p>"
    head = (
        '<p class="fn-holds">Every footnote still has the cited text, and still supports its sentence.</p>'
        if found.holds
        else '<p class="fn-problem">This answer no longer holds as it was given:</p>'
    )
    rows = [f"[{span.n}] {'holds' if span.holds else 'fails'}: {span.note}" for span in found.spans]
    rows += [f"Sentence {claim.number} {'holds' if claim.holds else 'fails'}: {claim.note}" for claim in found.claims]
    rows += [f"Since then: {change}" for change in found.changes]
    return head + _list(rows)
