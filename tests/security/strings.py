"""Sixty strings that broke other people's programs: SQL, controls, Unicode, markup, paths."""

from typing import Final

SQL: Final = (
    "' OR '1'='1", "'; DROP TABLE users; --", '" OR ""="', "1; SELECT pg_sleep(10)", "admin'--",
    "' UNION SELECT email, password FROM users --", "$1", "$$; DROP TABLE orders; $$", "\\'; --",
    "%' ESCAPE '", "_%_%", "E'\\x27'",
)  # fmt: skip
CONTROLS: Final = (
    "\0",
    "a\0b",
    "a\r\nSet-Cookie: a=b",
    "\x1b[31mred",
    "\x7f\x08\x07",
    "a\tb\x0b\x85",
)
UNICODE: Final = (
    "\ud800", "\udc00\ud800", "a\ud83d", "\u202egnp.exe", "\u2066a\u2069\u200f", "a\u200bb\u200d",
    "\ufeffname", "Cafe\u0301", "\u212b\u2126", "\U0001f9d1\u200d\U0001f680", "\U0010ffff\ufffe",
    "Z" + "\u0335" * 60,
)  # fmt: skip
MARKUP: Final = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)",
    "&lt;b&gt;",
    "<!--", "]]>", "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
    "</title><svg/onload=alert(1)>",
)  # fmt: skip
TEMPLATES: Final = (
    "{{7*7}}", "${jndi:ldap://127.0.0.1/a}", "{0.__class__.__mro__}", "%s%s%s%n", "%(secret)s",
    "#{7*7}", "=cmd|'/c calc'!A1", '{"level": "info", "event": "forged"}',
)  # fmt: skip
PATHS: Final = (
    "../../../../etc/passwd", "..\\..\\windows", "/etc/passwd", "%2e%2e%2f", "file:///etc/passwd",
    "a/../../b",
)  # fmt: skip
NUMBERS: Final = (
    "NaN", "Infinity", "-1", "1e100000000", "9" * 200, "0x7fffffff", "9223372036854775808",
    "1_000",
)  # fmt: skip

HOSTILE: Final = SQL + CONTROLS + UNICODE + MARKUP + TEMPLATES + PATHS + NUMBERS


def kept(text: str) -> str:
    """Return the text as the shop stores it: unpaired surrogates are U+FFFD (contract 1.3)."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
