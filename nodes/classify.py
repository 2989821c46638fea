"""classify: what kind of question it is, and so how to search."""

from __future__ import annotations

import re
from typing import Any

from langgraph.runtime import Runtime

from state.evidence import Mode
from state.run import AskState, QuestionClass, RunContext
from text.tokens import tokens

_ROUTES: dict[QuestionClass, Mode] = {
    "keyword": "lexical",
    "factual": "hybrid",
    "semantic": "vector",
    "complex": "hybrid",
}
_GREETING = re.compile(
    r"(hi|hello|hey|good (morning|afternoon|evening)|thanks?( you)?( very much)?|bye|goodbye|how are you|who are you"
    r"|what can you do|help)( there| footnote)?",
    re.IGNORECASE,
)
_COMPLEX = re.compile(
    r"\b(compare[ds]?|comparison|difference|differ|versus|vs|both|respectively|as well as|than)\b|\?.+\?", re.IGNORECASE
)
_SEMANTIC = re.compile(
    r"^(why|explain|describe|summari[sz]e|tell me about|what is the (point|idea|purpose))\b", re.IGNORECASE
)
_QUESTION = re.compile(
    r"\?$|^(who|what|when|where|which|whose|how|is|are|was|were|do|does|did|can|could|may|must|should|will|has|have)\b",
    re.IGNORECASE,
)
_FEW_WORDS = 4


async def classify(state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
    """Return class, route and reason; a mode that the caller forces wins. Neither raises nor degrades."""
    kind, reason = question_class(state["question"])
    forced = state.get("mode")
    if kind == "conversational":
        return {"question_class": kind, "route": "greet", "route_reason": reason}
    if forced:
        return {"question_class": kind, "route": forced, "route_reason": f"{forced} was asked for"}
    return {"question_class": kind, "route": _ROUTES[kind], "route_reason": reason}


def question_class(question: str) -> tuple[QuestionClass, str]:
    """Classify a question by its form; return the class and what decided it."""
    words = question.strip(" ?!.,")
    if _GREETING.fullmatch(words):
        return "conversational", "it is a greeting or small talk"
    if '"' in question or re.search(r"(^|\s)-\w", question):
        return "keyword", "it uses quotes or exclusions"
    if _COMPLEX.search(question):
        return "complex", "it compares or joins several things"
    if _SEMANTIC.search(words):
        return "semantic", "it asks for an explanation"
    if _QUESTION.search(question):
        return "factual", "it is a question about a fact"
    found = list(tokens(question))
    if any(token.kind == "identifier" for token in found) or len(words.split()) <= _FEW_WORDS:
        return "keyword", "it is a few search words or a code"
    return "factual", "it is a statement or a longer query"
