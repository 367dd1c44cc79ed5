"""What never reaches a log: secrets by the name of their field, and by their shape inside any text; pure."""

import re
from functools import lru_cache
from typing import Any

MASK = "****"

_SECRET_WORDS = (
    r"passw(?:or)?d|passphrase|secret|token|authorization|cookie|assertion|credential"
    r"|api[_-]?key|private[_-]?key|signature|card|cvc|cvv"
)
_secret_name = re.compile(rf"(?:{_SECRET_WORDS})|\A(?:number|pan|jwt|dsn)\Z", re.IGNORECASE)

# One search, over the text in lower case, decides whether it is worth the careful replacements below.
_suspect = re.compile(
    rf"{_SECRET_WORDS}|bearer|basic |eyj|[srp]k_|whsec_|://[^/\s]{{0,256}}@|\d[\d -]{{11,40}}\d"
)
_SHORT = 64

# Each looks at a text in one pass, however it is made: a word is tried at its start alone, a run has a bound.
_named = re.compile(
    rf"""(?P<name>(?<![\w-])["']?(?=[\w-]*?(?:{_SECRET_WORDS}))[\w-]++["']?\s*+[=:]\s*+)"""
    r"""(?P<value>"(?:[^"\\]|\\.)*(?:"|\Z)|'(?:[^'\\]|\\.)*(?:'|\Z)|(?:(?:bearer|basic)\s+)?[^\s,;&"'{\[]+)""",
    re.IGNORECASE | re.DOTALL,
)
_cookies = re.compile(r"""(cookie["']?\s*[:=]\s*)[^"'\r\n][^\r\n]*""", re.IGNORECASE)
_scheme = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+", re.IGNORECASE)
_jwt = re.compile(r"\beyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){1,4}")
_provider_key = re.compile(r"\b(?:sk|rk|pk|whsec)_[A-Za-z0-9_]{8,}")
_userinfo = re.compile(r"(://[^/\s:@]{0,256}):[^/\s]{0,256}@")
_digits = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])")


@lru_cache(maxsize=4096)
def secret_name(name: str) -> bool:
    """Tell whether a field of that name holds a secret, whatever its value looks like."""
    return _secret_name.search(name) is not None


def redact_text(text: str) -> str:
    """Return the text with everything masked that is named like a secret or looks like one: `password=...`,
    bearer tokens, JWTs, provider keys, passwords in URLs, card numbers (Luhn)."""
    if len(text) <= _SHORT:
        return _redact_short(text)
    return text if _suspect.search(text.lower()) is None else _redact_suspect(text)


@lru_cache(maxsize=4096)
def _redact_short(text: str) -> str:
    # Most of what is logged is said again and again: messages, methods, routes, codes.
    return text if _suspect.search(text.lower()) is None else _redact_suspect(text)


def _redact_suspect(text: str) -> str:
    text = _jwt.sub(MASK, text)
    text = _cookies.sub(rf"\1{MASK}", text)
    text = _named.sub(_keep_name, text)
    text = _scheme.sub(rf"\1 {MASK}", text)
    text = _provider_key.sub(MASK, text)
    text = _userinfo.sub(rf"\1:{MASK}@", text)
    return _digits.sub(lambda found: MASK if _luhn(found[0]) else found[0], text)


def redact(value: Any) -> Any:
    """Return a copy of a log field with its secrets masked, at any depth."""
    if isinstance(value, str):
        return redact_text(str(value))
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, dict):
        return {str(key): MASK if secret_name(str(key)) else redact(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(each) for each in value]
    return redact_text(str(value))


def _keep_name(found: re.Match[str]) -> str:
    return found["name"] + MASK


def _luhn(text: str) -> bool:
    digits = [int(each) for each in text if each.isdigit()]
    doubled = [sum(divmod(2 * each, 10)) for each in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
