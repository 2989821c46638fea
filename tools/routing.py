"""Which kind a question is of, told by its form, and which searches are made for each kind."""

from __future__ import annotations

import regex

from state.evidence import Mode
from state.run import QuestionClass
from text.politeness import is_small_talk
from text.tokens import Token, tokens
from text.topics import phrases

# nDCG@10 by class over CLAPnq, HotpotQA and MuSiQue (100 questions each of the last two) and made-up look-ups:
#             questions  lexical  vector  hybrid
#   keyword      115      0.999    0.726   0.993
#   semantic      12      1.000    0.886   1.000
#   factual      208      0.836    0.872   0.873
#   complex      138      0.718    0.723   0.746
# So explanations are not left to vectors alone. Weights of the two rankings learnt from the question's form and the
# rankings' scores, margins and agreement were worse than equal ones on every set that they had not seen.
ROUTES: dict[QuestionClass, Mode] = {
    "keyword": "lexical",
    "factual": "hybrid",
    "semantic": "hybrid",
    "complex": "hybrid",
}
# Passages that an answer is written from, and that a reranker reads, by class.
READ: dict[QuestionClass, int] = {"keyword": 3, "factual": 5, "semantic": 8, "complex": 10}
RERANKED: dict[QuestionClass, int] = {"keyword": 10, "factual": 30, "semantic": 30, "complex": 30}
SEARCHES: dict[str, tuple[Mode, ...]] = {
    "lexical": ("lexical",),
    "vector": ("vector",),
    "hybrid": ("lexical", "vector"),
}
_COMPLEX = regex.compile(
    r"\b(?:compare[ds]?|comparison|differences?|differ|versus|vs|both|respectively|as well as|than)\b|\?.+\?",
    regex.IGNORECASE,
)
_SEMANTIC = regex.compile(
    r"^(?:why|explain|describe|summari[sz]e|tell me about|what (?:is|are) the (?:point|idea|purpose|reasons?)"
    r"|how (?:do|does|can|could|should|to)\b)",
    regex.IGNORECASE,
)
_QUESTION = regex.compile(
    r"\?$|^(?:who|what|when|where|which|whose|how|is|are|was|were|do|does|did|can|could|may|must|should|will|has|have)\b",
    regex.IGNORECASE,
)
_OPERATORS = regex.compile(r'"[^"]+"|“[^”]+”|(?:^|\s)-\p{L}')
_FEW_WORDS = 4
_FEW_WORDS_AND_A_CODE = 8


def question_class(question: str) -> tuple[QuestionClass, str]:
    """Classify a question by its form; return the class and what decided it."""
    words = question.strip(" ?!.,")
    if is_small_talk(question):
        return "conversational", "it is a greeting or small talk"
    if _OPERATORS.search(question) and not _QUESTION.search(question):
        return "keyword", "it uses quotes or exclusions"
    if _COMPLEX.search(question):
        return "complex", "it compares or joins several things"
    length = len(words.split())
    if is_question(question) and length <= _FEW_WORDS_AND_A_CODE and any(map(_is_code, tokens(question))):
        return "keyword", "it asks for a code or an identifier in a few words"
    if _SEMANTIC.search(words):
        return "semantic", "it asks for an explanation"
    if _QUESTION.search(question):
        if _joins(question):
            return "complex", "it names several things"
        return "factual", "it is a question about a fact"
    if length <= _FEW_WORDS:
        return "keyword", "it is a few search words"
    return "factual", "it is a statement or a longer query"


def is_question(text: str) -> bool:
    """Whether a text is put as a question."""
    return _QUESTION.search(text) is not None


def _is_code(token: Token) -> bool:
    """Whether a token is made of parts, as codes and identifiers are: ERR-404, parse_header, and not "80s"."""
    return token.kind == "identifier" and not token.text.isalnum()


def _joins(question: str) -> bool:
    """Whether a question goes by one thing to find another: several names, or a relative clause about what it asks."""
    return sum(phrase.named for phrase in phrases(question)) > 1
