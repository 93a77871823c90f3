"""
Field rules as data: what a request body may hold, judged all at once, in field order.

A rule looks at one value and returns the client's sentence, or None. The first rule of a field that
speaks is the field's one error; U+0000 is refused in every text (contract D15). A member whose
default is None is optional: absent or null, it has nothing that could break a rule.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec

from pasar.kit.errors import Invalid, InvalidFields

Rule = Callable[[Any], str | None]


class Body(msgspec.Struct, frozen=True):
    """A request body: members, their defaults (= absent or null), and the rules they must meet."""

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {}


def check(body: Body) -> None:
    """Raise InvalidFields with every fault of the body."""
    faults: list[Invalid] = []
    for field in body.__struct_fields__:
        value = getattr(body, field)
        if value is None:
            continue
        sentences = (rule(value) for rule in (*body.rules.get(field, ()), _no_nul))
        if sentence := next(filter(None, sentences), None):
            faults.append(Invalid(sentence, field=field))
    if faults:
        raise InvalidFields(faults)


def required(value: str) -> str | None:
    return None if value else "is required"


def not_blank(value: str) -> str | None:
    return None if value.strip() else "is required"


def not_only_blanks(value: str) -> str | None:
    """Let an empty text pass: in an update it means "unchanged" (contract C5)."""
    return None if not value or value.strip() else "is required"


def at_least_bytes(least: int) -> Rule:
    """Count UTF-8 bytes, although the sentence says characters (contract C15)."""
    sentence = f"minimum {least} characters"
    return lambda value: sentence if len(value.encode()) < least else None


def at_most_bytes(most: int) -> Rule:
    sentence = f"maximum {most} bytes"
    return lambda value: sentence if len(value.encode()) > most else None


def at_most(most: int) -> Rule:
    sentence = f"maximum {most} characters"
    return lambda value: sentence if len(value) > most else None


def positive(value: int) -> str | None:
    return None if value > 0 else "must be greater than 0"


def between(least: int, most: int) -> Rule:
    sentence = f"must be between {least} and {most}"
    return lambda value: None if least <= value <= most else sentence


def _no_nul(value: object) -> str | None:
    return "contains invalid characters" if isinstance(value, str) and "\0" in value else None
