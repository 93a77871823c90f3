"""
What the two services tell each other over the broker: topics, members, signature.

A body is one JSON object, UTF-8, all values strings. Consumers ignore unknown members and take a
missing `version` or `message_id` (an earlier producer) for version 1 and a name of the body.
Delivery is the broker's business, storing before sending the outbox's.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID, uuid5

import msgspec

from pasar.kit.ids import parse_id
from pasar.kit.money import Money, parse_money

ORDER_CREATED: Final = "order.created"
PAYMENT_SUCCESS: Final = "payment.success"
PAYMENT_FAILED: Final = "payment.failed"

TOPICS: Final[Mapping[str, Sequence[str]]] = {
    ORDER_CREATED: ("payment-service",),
    PAYMENT_SUCCESS: ("store-service",),
    PAYMENT_FAILED: ("store-service",),
}
"""Topic → channels of its consumers; declared by both services at start (contract D44)."""

RESULT_MESSAGES: Final = {
    PAYMENT_SUCCESS: "payment processed successfully",
    PAYMENT_FAILED: "payment declined",
}

_VERSION: Final = "1"
_SCHEME: Final = "v1="
# Any fixed value will do; it only keeps our names apart from everybody else's.
_NAMESPACE: Final = UUID("6f3f2f0c-5a5e-5d1b-9a52-7061736172a1")


class Malformed(Exception):
    """The body is no event of a known version, or a member it needs is unusable; says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCreated:
    """A buyer owes `total_amount`; `currency` and `request_id` are empty if the producer is old."""

    message_id: UUID
    order_id: UUID
    user_id: str
    total_amount: Money
    currency: str
    request_id: str

    @classmethod
    def decode(cls, body: bytes) -> "OrderCreated":
        """Read a body of `order.created`. Raises Malformed; does not look at the signature."""
        members = _members(ORDER_CREATED, body)
        return cls(
            message_id=_message_id(ORDER_CREATED, body, members),
            order_id=_order_id(members),
            user_id=_text(members, "user_id"),
            total_amount=_amount(members, "total_amount"),
            currency=_text(members, "currency"),
            request_id=_text(members, "request_id"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentResult:
    """
    The bank has decided: `status` is the charge's; `message` is the contract's sentence.

    `amount` is None and `currency` and `request_id` are empty if the producer is old.
    """

    message_id: UUID
    order_id: UUID
    payment_id: str
    status: Literal["success", "failed"]
    message: str
    amount: Money | None
    currency: str
    request_id: str

    @classmethod
    def decode(cls, topic: str, body: bytes) -> "PaymentResult":
        """Read a body of `payment.success` or `payment.failed`. Raises as OrderCreated does."""
        members = _members(topic, body)
        return cls(
            message_id=_message_id(topic, body, members),
            order_id=_order_id(members),
            payment_id=_text(members, "payment_id"),
            status="success" if topic == PAYMENT_SUCCESS else "failed",
            message=_text(members, "message"),
            amount=_amount(members, "amount") if "amount" in members else None,
            currency=_text(members, "currency"),
            request_id=_text(members, "request_id"),
        )


def payment_result(
    topic: str,
    *,
    order_id: str,
    payment_id: str,
    amount: Money,
    currency: str,
    request_id: str,
    occurred_at: datetime,
) -> dict[str, str]:
    """
    Return the payload of a result, unsigned.

    Its `message_id` follows from the payment, so that a result told twice is recognised.
    """
    return {
        "order_id": order_id,
        "payment_id": payment_id,
        "message": RESULT_MESSAGES[topic],
        "message_id": str(result_message_id(payment_id)),
        "type": topic,
        "version": _VERSION,
        "occurred_at": occurred_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "request_id": request_id,
        "amount": str(amount),
        "currency": currency,
    }


def result_message_id(payment_id: str) -> UUID:
    """Return the name under which a payment's one result is stored and sent."""
    return uuid5(_NAMESPACE, payment_id)


def seal(payload: Mapping[str, str], key: str) -> bytes:
    """
    Return the body to publish: signed with `key`, or unsigned when the key is empty.

    >>> seal({"order_id": "1"}, "")
    b'{"order_id":"1"}'
    """
    signed = {**payload, "signature": _signature(payload, key)} if key else payload
    return _canonical(signed)


def is_genuine(body: bytes, keys: Iterable[str]) -> bool:
    """
    Tell whether the body was sealed with one of the keys (the current and the previous one).

    Empty keys do not count; with none left nothing is signed and every body passes. Raises
    Malformed when the body is no JSON object.
    """
    real = [key for key in keys if key]
    if not real:
        return True
    members = _object(body)
    signature = str(members.pop("signature", "")).encode()
    return any(hmac.compare_digest(signature, _signature(members, key).encode()) for key in real)


def _signature(members: Mapping[str, object], key: str) -> str:
    return _SCHEME + hmac.digest(key.encode(), _canonical(members), "sha256").hex()


def _canonical(members: Mapping[str, object]) -> bytes:
    """Keys sorted, no blanks, UTF-8: what is signed must not depend on who wrote it down."""
    return msgspec.json.encode(members, order="sorted")


def _object(body: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise Malformed(f"not a JSON object: {fault}") from fault


def _members(topic: str, body: bytes) -> dict[str, object]:
    members = _object(body)
    if (version := members.get("version", _VERSION)) != _VERSION:
        raise Malformed(f"unknown version {version!r:.40}")
    # Signed as well, so that a sealed refusal cannot be replayed as an approval.
    if (kind := members.get("type", topic)) != topic:
        raise Malformed(f"type {kind!r:.40} on topic {topic}")
    return members


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name, "")
    if not isinstance(value, str) or "\0" in value:
        raise Malformed(f"{name} is no usable text")
    return value


def _order_id(members: Mapping[str, object]) -> UUID:
    if (order_id := parse_id(_text(members, "order_id"))) is None:
        raise Malformed("order_id is no UUID")
    return order_id


def _amount(members: Mapping[str, object], name: str) -> Money:
    if (amount := parse_money(_text(members, name))) is None:
        raise Malformed(f"{name} is no amount of money")
    return amount


def _message_id(topic: str, body: bytes, members: Mapping[str, object]) -> UUID:
    if "message_id" not in members:
        return uuid5(_NAMESPACE, f"{topic}\n{body.decode()}")
    if (message_id := parse_id(_text(members, "message_id"))) is None:
        raise Malformed("message_id is no UUID")
    return message_id
