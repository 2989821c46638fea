"""Every step and every default that affects answers: what is measured without it, and on which sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from graph.without import Switch

Kind = Literal["questions", "follow-ups", "personal data", "injection"]


@dataclass(frozen=True)
class Step:
    """A step of the graph or the value of a default, and the conditions of the run that it is compared with.

    ``without``, ``settings`` and ``context`` are how that run differs from the defaults. It lacks the step, or with
    ``brings`` it has what is ``on`` by default or not. ``check`` is for what protects readers: it stays on whatever it
    costs. ``chat`` is for what only a chat model makes a difference to; with ``again`` every question is asked twice,
    and the second answer counts.
    """

    name: str
    says: str
    kinds: tuple[Kind, ...] = ("questions",)
    without: frozenset[Switch] = frozenset()
    settings: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    on: bool = True
    brings: bool = False
    check: bool = False
    chat: bool = False
    again: bool = False


def _switched(name: Switch, says: str, *, kinds: tuple[Kind, ...] = ("questions",), chat: bool = False,
              check: bool = False) -> Step:  # fmt: skip
    return Step(name, says, kinds, frozenset({name}), check=check, chat=chat)


def _added(name: str, says: str, enhancement: str) -> Step:
    changed = {"preset": "custom", "enhancements": ("asked", enhancement)}
    chat = enhancement in ("variants", "hypothetical")
    return Step(name, says, ("questions", "follow-ups"), context=changed, on=False, brings=True, chat=chat)


STEPS = (
    _switched("contextualize", "follow-ups are made to stand alone", kinds=("follow-ups",)),
    _switched("classify", "questions are told apart, by which route, depths and hops differ"),
    _switched("routes", "search words go by words alone, other questions by both"),
    _switched("lexical", "searching by words"),
    _switched("vector", "searching by meaning"),
    _switched("asked", "a rewritten question is also searched for as it was asked", kinds=("follow-ups",)),
    _switched("parts", "the sides of a comparison are searched for one by one"),
    Step("codes", "passages that hold the question's codes gain", settings={"fusion_weights": {"codes": 0.0}}),
    Step("fusion_k", "20 in reciprocal rank fusion, instead of the paper's 60", settings={"fusion_k": 60.0}),
    _switched("duplicates", "near duplicates are left out"),
    _switched("quarantine", "what gives orders is left out", kinds=("injection", "questions"), check=True),
    Step("rerank", "the best passages are read together with the question", context={"rerank": False}),
    Step("reranker_model", "the cross-encoder, instead of the embedded reranker",
         settings={"reranker_model": "embedded", "allow_download": False}),
    Step("rerank_depth", "as many are reranked as the class needs, instead of ten", settings={"rerank_depth": 10}),
    Step("hop", "what was found leads to further passages", context={"hops": 0}),
    Step("abstain", "no answer where nothing answers", settings={"abstain_below": 0.0}),
    _switched("broaden", "a second, wider search where nothing relevant came"),
    Step("passages", "as many are read as the class needs, instead of five", settings={"passages": 5}),
    Step("sentences", "up to three sentences, instead of one", context={"sentences": 1}),
    _switched("neighbours", "what stands around a passage that is cut off is read, too", chat=True),
    _switched("condensing", "passages are chosen, shortened and ordered for the chat model", chat=True),
    Step("prose", "the chat model writes, instead of sentences of the documents", context={"prose": False}, chat=True),
    Step("chat_temperature", "0, instead of 1", settings={"chat_temperature": 1.0}, chat=True),
    _switched("ground", "sentences that their sources do not support are repaired or dropped", check=True, chat=True),
    _switched("repair", "an unsupported sentence is said again before it is dropped", chat=True),
    Step("judge", "the chat model judges what is not verbatim", settings={"verifier_model": "judge"}, on=False,
         brings=True, chat=True),
    _switched("validate", "a last look: masks, active content, leaks", kinds=("personal data", "questions"),
              check=True),
    _switched("masks", "card numbers and the like are masked", kinds=("personal data", "questions"), check=True),
    Step("recall", "an answer given before is given again", settings={"cache_alike": False}, context={"cache": True},
         brings=True, again=True),
    Step("cache_alike", "an answer to a question that means the same is given again", context={"cache": True},
         brings=True),
    Step("preset", "further queries are made at all", ("questions", "follow-ups"), context={"preset": "minimal"}),
    Step("comprehensive", "every enhancement there is", ("questions", "follow-ups"), on=False, brings=True,
         context={"preset": "comprehensive"}),
    _added("expansion", "words of the first passages are searched for", "expansion"),
    _added("variants", "the question is searched for in other words", "variants"),
    _added("hypothetical", "what an answer might look like is searched for", "hypothetical"),
    Step("embedding_dtype", "bfloat16 where it is faster, instead of float32", settings={"embedding_dtype": "float32"}),
    Step("embedding_runtime", "the fastest runtime, instead of torch", settings={"embedding_runtime": "torch"}),
)  # fmt: skip

JUSTIFIED: Mapping[str, tuple[str, ...]] = {
    "embedding_model": ("vector",),
    "embedding_dtype": ("embedding_dtype",),
    "embedding_runtime": ("embedding_runtime",),
    "reranker_model": ("reranker_model", "rerank"),
    "chat_model": ("prose",),
    "chat_temperature": ("chat_temperature",),
    "chat_context_tokens": ("condensing",),
    "abstain_below": ("abstain",),
    "fusion_k": ("fusion_k",),
    "fusion_weights": ("lexical", "vector", "codes"),
    "passages": ("passages",),
    "rerank_depth": ("rerank_depth",),
    "verifier_model": ("ground", "judge"),
    "cache": ("recall",),
    "cache_alike": ("cache_alike",),
    "sensitive_policy": ("masks", "validate"),
    "k": ("passages",),
    "sentences": ("sentences",),
    "rerank": ("rerank",),
    "prose": ("prose",),
    "preset": ("preset", "comprehensive"),
    "enhancements": ("asked", "parts", "expansion", "variants", "hypothetical"),
    "hops": ("hop",),
}
"""The steps that justify each default of `settings.Settings` and `state.run.RunContext` that affects answers."""

OFF = ("chat_small_model", "chat_fallback_model", "sources", "deadline")
"""What would affect answers and is off by default."""

NO_EFFECT = (
    # where things are kept, and whose they are
    "home", "database_url", "migration_database_url", "database_name", "pool_size", "connect_timeout", "tenant", "user",
    "cache_entries", "cache_days", "thread_days",
    # how models are reached, not what they say; "threads" changes the speed
    "chat_base_url", "chat_api_key", "chat_fallback_base_url", "chat_fallback_api_key", "chat_timeout", "chat_retries",
    "chat_tokenizer", "chat_prices", "allow_download", "download_timeout", "threads", "source_keys",
    # what is refused before it is read
    "max_file_mb", "max_upload_files", "max_upload_mb", "url_timeout", "max_question_chars", "max_question_tokens",
    # the server
    "server_host", "server_port", "server_workers", "trusted_proxies", "cors_origins", "max_body_kb", "max_questions",
    "max_uploads", "question_seconds", "requests_per_minute", "request_burst", "shutdown_seconds", "session_hours",
    # logs and traces
    "log_format", "log_level", "trace_texts", "traces_exporter", "traces_endpoint",
)  # fmt: skip
"""What changes no answer."""
