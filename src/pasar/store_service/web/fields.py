"""
Field rules as data: what a request body may hold, judged all at once, in field order.

A rule looks at one value and returns the client's sentence, or None. The first rule of a field that
speaks is the field's one error; U+0000 is refused in every text (contract D15). A member whose
default is None is optional: absent or null, it has nothing that could break a rule.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import Meta

from pasar.kit.errors import Invalid, InvalidFields

Rule = Callable[[Any], str | None]

NO_NUL: Final = "contains invalid characters"

# What the API description tells of a text that the feature judges later, in its own order.
IdText = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
PriceText = Annotated[
    str,
    Meta(
        extra_json_schema={
            "pattern": r"^\+?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?$",
            "maxLength": 32,
        }
    ),
]


@dataclass(frozen=True, slots=True)
class Described:
    """A rule that the API description can tell: `schema` are its JSON Schema keywords."""

    rule: Rule
    schema: Mapping[str, object]

    def __call__(self, value: Any) -> str | None:
        return self.rule(value)


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    One value of a query string; `type` is what the description says of it.

    One of type `str` is a text, judged like those of a body; all others fall back silently when
    they are not what they should be (contract C12).
    """

    name: str
    type: Any
    meaning: str


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


def check_query(parameters: Sequence[Parameter], query: Mapping[str, str]) -> None:
    """Raise Invalid for the first text that holds what no stored text can (contract D15)."""
    for parameter in parameters:
        if parameter.type is str and "\0" in query.get(parameter.name, ""):
            raise Invalid(NO_NUL, field=parameter.name)


def _is_required(value: str) -> str | None:
    return None if value else "is required"


def _is_not_blank(value: str) -> str | None:
    return None if value.strip() else "is required"


def not_only_blanks(value: str) -> str | None:
    """Let an empty text pass: in an update it means "unchanged" (contract C5)."""
    return None if not value or value.strip() else "is required"


def _is_positive(value: int) -> str | None:
    return None if value > 0 else "must be greater than 0"


required: Final = Described(_is_required, {"minLength": 1})
not_blank: Final = Described(_is_not_blank, {"pattern": r"\S"})
positive: Final = Described(_is_positive, {"minimum": 1})


def at_least_bytes(least: int) -> Rule:
    """Count UTF-8 bytes, although the sentence says characters (contract C15)."""
    sentence = f"minimum {least} characters"
    return lambda value: sentence if len(value.encode()) < least else None


def at_most_bytes(most: int) -> Rule:
    sentence = f"maximum {most} bytes"
    return Described(
        lambda value: sentence if len(value.encode()) > most else None, {"maxLength": most}
    )


def at_most(most: int) -> Rule:
    sentence = f"maximum {most} characters"
    return Described(lambda value: sentence if len(value) > most else None, {"maxLength": most})


def between(least: int, most: int) -> Rule:
    sentence = f"must be between {least} and {most}"
    return Described(
        lambda value: None if least <= value <= most else sentence,
        {"minimum": least, "maximum": most},
    )


def _no_nul(value: object) -> str | None:
    return NO_NUL if isinstance(value, str) and "\0" in value else None
