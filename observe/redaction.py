"""The last line of defence of logs and traces: whatever reached them all the same, no key and no address leaves.

What is logged holds nobody's words in the first place; this is for the messages of libraries, and for mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from text.secrets import secrets

# Fields that hold words of users or documents, or what opens doors, whatever they are called where they come from.
_PRIVATE = re.compile(
    r"question|quer(y|ies)|prompt|message(s|$)|content|text|answer|sentence|claim|quote|passage|excerpt|title|source|"
    r"input|output|payload|body|headers?$|cookie|authori[sz]ation|passw|secret|token$|api_?key|^key$|conninfo|"
    r"filename|path_params|kwargs|args$|user_name|email",
    re.IGNORECASE,
)
_KEY = re.compile(r"(?<![A-Za-z0-9])fn_[A-Za-z0-9_\-]{6,}")
_BEARER = re.compile(r"\b(bearer|basic)(\s+|%20|[=:]\s*)[^\s\"',;]{4,}", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+\-']{1,64}(?:@|%40)[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8}")
_CARD = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_SSN = re.compile(r"\b\d{3}-\d{2}-\d{4}\b")
_QUERY = re.compile(r"(\b[a-z][a-z0-9+.\-]*://[^\s?#\"'<>]*|(?<!\S)/[^\s?#\"'<>]*)\?[^\s\"'<>]*", re.IGNORECASE)
_PASSWORD = re.compile(r"(://[^\s/:@]*):[^\s/@]+@")

HIDDEN = "[hidden]"
_LONGEST = 2000  # characters of a logged value; what is longer is a text, not a message


def redacted(text: str) -> str:
    """Return a text without keys, bearer tokens, passwords, addresses of people, cards and accounts. Linear in it."""
    text = _PASSWORD.sub(rf"\1:{HIDDEN}@", text)
    text = _QUERY.sub(rf"\1?{HIDDEN}", text)
    text = _KEY.sub(HIDDEN, text)
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    for found in reversed(secrets(text)):
        text = f"{text[: found.start]}{HIDDEN}{text[found.end :]}"
    text = _EMAIL.sub(HIDDEN, text)
    text = _SSN.sub(HIDDEN, text)
    text = _CARD.sub(lambda match: HIDDEN if _is_card(match[0]) else match[0], text)
    return _IBAN.sub(lambda match: HIDDEN if _is_account(match[0]) else match[0], text)


def redacted_fields(fields: Mapping[str, Any], keep: Iterable[str] = ()) -> dict[str, Any]:
    """Return fields without those that hold words by their name, but for ``keep``, and the rest redacted."""
    kept = frozenset(keep)
    return {
        name: HIDDEN if name not in kept and _PRIVATE.search(name) and _holds_words(value) else _value(value)
        for name, value in fields.items()
    }


def _holds_words(value: Any) -> bool:
    return not (value is None or isinstance(value, bool | int | float))


def _value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redacted(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…")
    if isinstance(value, bytes | bytearray | memoryview):
        return HIDDEN
    if isinstance(value, Mapping):
        return redacted_fields({redacted(str(name)): inner for name, inner in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(inner) for inner in value]
    return redacted(str(value))


def _is_card(text: str) -> bool:
    """Tell a card number by its check digit (ISO/IEC 7812, Luhn)."""
    digits = [int(c) for c in text if c.isdigit()][::-1]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_account(text: str) -> bool:
    """Tell an account number by its check digits (ISO 13616, remainder 1 by 97)."""
    plain = text.replace(" ", "")
    turned = plain[4:] + plain[:4]
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in turned)) % 97 == 1
