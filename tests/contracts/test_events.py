"""The words between the services: what is read, what is refused, what is signed."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from pasar.contracts.events import (
    PAYMENT_FAILED,
    PAYMENT_SUCCESS,
    Malformed,
    OrderCreated,
    PaymentResult,
    is_genuine,
    payment_result,
    result_message_id,
    seal,
)
from pasar.kit.money import Money

ORDER = "0190c7a2-0000-7000-8000-000000000001"
KEY = "k" * 32
OTHER = "o" * 32


def order_created(**changes: object) -> bytes:
    members = {
        "order_id": ORDER,
        "user_id": "0190c7a2-0000-7000-8000-000000000002",
        "total_amount": "28",
        "message_id": "0190c7a2-0000-7000-8000-000000000003",
        "type": "order.created",
        "version": "1",
        "occurred_at": "2026-01-02T03:04:05Z",
        "request_id": "req-1",
        "amount": "28",
        "currency": "IDR",
    }
    return json.dumps({**members, **changes}).encode()


def result(topic: str = PAYMENT_SUCCESS) -> dict[str, str]:
    return payment_result(
        topic,
        order_id=ORDER,
        payment_id="pay_1",
        amount=Money(1050),
        currency="IDR",
        request_id="req-1",
        occurred_at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    )


def test_an_order_is_read_member_by_member() -> None:
    order = OrderCreated.decode(order_created(extra="ignored"))

    expected = OrderCreated(
        message_id=UUID("0190c7a2-0000-7000-8000-000000000003"),
        order_id=UUID(ORDER),
        user_id="0190c7a2-0000-7000-8000-000000000002",
        total_amount=Money(2800),
        currency="IDR",
        request_id="req-1",
    )
    assert expected == order


def test_the_three_members_of_the_earlier_service_are_enough() -> None:
    body = json.dumps({"order_id": ORDER, "user_id": "u", "total_amount": "28"}).encode()

    first, again = OrderCreated.decode(body), OrderCreated.decode(body)

    assert (first.total_amount, first.currency, first.request_id) == (Money(2800), "", "")
    assert first.message_id == again.message_id
    assert first.message_id != OrderCreated.decode(body + b" ").message_id


def test_a_body_without_message_id_is_named_differently_on_another_topic() -> None:
    body = json.dumps({"order_id": ORDER}).encode()

    success = PaymentResult.decode(PAYMENT_SUCCESS, body)
    failed = PaymentResult.decode(PAYMENT_FAILED, body)

    assert success.message_id != failed.message_id


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not a JSON object"),
        (b"{", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'{"order_id":"\xff"}', "not a JSON object"),
        (b'{"a":' + b"[" * 9000 + b"]" * 9000 + b"}", "."),  # how deep Python reads varies
        (order_created(version="2"), "unknown version"),
        (order_created(version=1), "unknown version"),
        (order_created(type="payment.success"), "on topic order.created"),
        (order_created(order_id=""), "order_id"),
        (order_created(order_id=7), "order_id"),
        (order_created(order_id="42"), "order_id"),
        (order_created(total_amount=""), "total_amount"),
        (order_created(total_amount=28), "total_amount"),
        (order_created(total_amount="-1"), "total_amount"),
        (order_created(total_amount="0.001"), "total_amount"),
        (order_created(total_amount="1e99999999"), "total_amount"),
        (order_created(message_id="7"), "message_id"),
        (order_created(request_id="a\0b"), "request_id"),
    ],
)
def test_an_unusable_order_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        OrderCreated.decode(body)


def test_a_result_is_read_as_it_was_written() -> None:
    written = result(PAYMENT_FAILED)

    read = PaymentResult.decode(PAYMENT_FAILED, seal(written, KEY))

    assert all(isinstance(value, str) for value in written.values())
    assert written["occurred_at"] == "2026-01-02T03:04:05.678Z"
    assert read == PaymentResult(
        message_id=result_message_id("pay_1"),
        order_id=UUID(ORDER),
        payment_id="pay_1",
        status="failed",
        message="payment declined",
        amount=Money(1050),
        currency="IDR",
        request_id="req-1",
    )


def test_a_result_of_the_earlier_service_names_no_amount() -> None:
    body = json.dumps({"order_id": ORDER, "payment_id": "pay_1", "message": "x"}).encode()

    read = PaymentResult.decode(PAYMENT_SUCCESS, body)

    assert (read.status, read.amount) == ("success", None)


def test_a_sealed_refusal_is_no_approval() -> None:
    with pytest.raises(Malformed, match=r"type 'payment\.failed'"):
        PaymentResult.decode(PAYMENT_SUCCESS, seal(result(PAYMENT_FAILED), KEY))


def test_the_signature_is_the_documented_one() -> None:
    members = {"b": 'é "\\\n\u2028\x7f\x01', "a": "1"}

    sealed = json.loads(seal(members, KEY))

    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    expected = hmac.new(KEY.encode(), canonical.encode(), hashlib.sha256).hexdigest()
    assert sealed == {**members, "signature": f"v1={expected}"}


def test_without_a_key_nothing_is_signed_and_nothing_demanded() -> None:
    body = seal({"a": "1"}, "")

    assert body == b'{"a":"1"}'
    assert is_genuine(body, ("", ""))
    assert not is_genuine(body, (KEY,))


def test_the_previous_key_is_good_until_it_is_taken_away() -> None:
    body = seal(result(), OTHER)

    assert is_genuine(body, (KEY, OTHER))
    assert not is_genuine(body, (KEY, ""))


def test_the_order_of_members_and_blanks_do_not_matter() -> None:
    members = json.loads(seal(result(), KEY))

    rewritten = json.dumps(dict(reversed(members.items())), indent=2).encode()

    assert is_genuine(rewritten, (KEY,))


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "1"},
        {"added": "1"},
        {"signature": ""},
        {"signature": None},
        {"signature": "v2=00"},
        {"signature": "ünreadable"},
    ],
)
def test_a_changed_body_is_forged(change: dict[str, object]) -> None:
    members = json.loads(seal(result(), KEY))

    assert not is_genuine(json.dumps({**members, **change}).encode(), (KEY,))


def test_a_dropped_member_is_forged() -> None:
    members = json.loads(seal(result(), KEY))
    del members["amount"]

    assert not is_genuine(json.dumps(members).encode(), (KEY,))
