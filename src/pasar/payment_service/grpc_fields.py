"""
How a field of a gRPC message is read and written; what cannot be read is an INVALID_ARGUMENT.

Every reader raises kit.errors.Invalid, which names the field.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec

from pasar.kit.errors import Invalid
from pasar.kit.ids import parse_id
from pasar.kit.money import Money, parse_money
from pasar.payment_service.model import Position

Moment = Annotated[datetime, msgspec.Meta(tz=True)]

_ORDER_ID_MAX: Final = 255  # opaque text, but an index entry ends at 2,704 bytes
_BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)


def text(field: str, value: str, longest: int) -> str:
    if not value or len(value) > longest or "\0" in value:
        raise Invalid(f"{field} must be 1 to {longest} characters, none of them NUL", field=field)
    return value


def order_id(value: str) -> str:
    """Return the one spelling of the id: another one must not become a second charge."""
    return str(parse_id(value) or text("order_id", value, _ORDER_ID_MAX))


def refund_id(value: str) -> UUID:
    if (identifier := parse_id(value)) is None:
        raise Invalid("refund_id must be a UUID", field="refund_id")
    return identifier


def amount(value: str) -> Money:
    if (money := parse_money(value)) is None:
        raise Invalid(
            "amount must be a decimal of at least 0 with at most two decimals", field="amount"
        )
    return money


def limit(value: int, most: int) -> int:
    if not 1 <= value <= most:
        raise Invalid(f"limit must be 1 to {most}", field="limit")
    return value


def position(since: str, cursor: str) -> Position:
    """Return where a page begins; behind a cursor `since` has had its say."""
    if cursor:
        return _behind(cursor)
    try:
        moment = msgspec.convert(since, Moment).astimezone(UTC) if since else _BEFORE_ALL
    except (msgspec.ValidationError, OverflowError) as fault:
        raise Invalid("since must be a moment of RFC 3339", field="since") from fault
    return Position(moment, "")  # before every order of that very moment


def cursor_at(place: Position) -> str:
    """Return the place as text that callers hand back and need not understand."""
    return urlsafe_b64encode(msgspec.json.encode((place.updated_at, place.order_id))).decode()


def _behind(cursor: str) -> Position:
    try:
        read = msgspec.json.decode(urlsafe_b64decode(cursor), type=tuple[Moment, str])
        return Position(read[0].astimezone(UTC), text("order_id", read[1], _ORDER_ID_MAX))
    except (Invalid, ValueError, binascii.Error, msgspec.DecodeError, OverflowError) as fault:
        raise Invalid("cursor is none of ours", field="cursor") from fault


def moment_of(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")
