"""Messages in: what becomes a charge, what a dead letter, what is delivered again."""

import json
from datetime import UTC, datetime

import pytest

from pasar.contracts.events import seal
from pasar.kit import log, metrics
from pasar.kit.broker.port import Message, Reject
from pasar.kit.errors import Unavailable
from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.payment_service.consumer import OrderCreatedConsumer
from pasar.payment_service.model import Status
from tests.fakes.gateway import MemoryBank
from tests.payment_service.conftest import ORDER, Events, MakePayments

KEY = "k" * 32
PREVIOUS = "p" * 32


def order(**changes: str) -> dict[str, str]:
    return {"order_id": ORDER, "user_id": "u", "total_amount": "28", **changes}


def delivered(body: bytes) -> Message:
    return Message("1", "order.created", body, attempts=1, published_at=datetime.now(UTC))


async def test_a_message_becomes_a_charge_of_its_amount_and_request(
    make_payments: MakePayments, events: Events
) -> None:
    payments = make_payments()
    body = seal(order(request_id="req-1"), "")

    await OrderCreatedConsumer(payments, ("", ""))(delivered(body))

    charge = await payments.get(ORDER)
    [event] = await events()
    assert (charge.amount, charge.method, charge.request_id) == (Money(2800), "mock", "req-1")
    assert event["payload"]["request_id"] == log.request_id.get() == "req-1"


async def test_five_copies_of_a_message_are_one_charge(
    make_payments: MakePayments, events: Events
) -> None:
    bank = MemoryBank()
    consumer = OrderCreatedConsumer(make_payments(bank), ())

    for _ in range(5):
        await consumer(delivered(seal(order(), "")))

    assert (bank.calls, len(await events())) == (1, 1)


@pytest.mark.parametrize("key", [KEY, PREVIOUS])
async def test_a_message_sealed_with_either_key_is_believed(
    make_payments: MakePayments, key: str
) -> None:
    payments = make_payments()

    await OrderCreatedConsumer(payments, (KEY, PREVIOUS))(delivered(seal(order(), key)))

    assert await payments.get(ORDER)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"garbage", "malformed: not a JSON object"),
        (seal(order(version="2"), KEY), "malformed: unknown version"),
        (seal(order(order_id="42"), KEY), "malformed: order_id"),
        (seal(order(total_amount="free"), KEY), "malformed: total_amount"),
        (seal(order(), ""), "forged"),
        (seal(order(), PREVIOUS), "forged"),
        (seal(order(), KEY).replace(b'"28"', b'"27"'), "forged"),
    ],
)
async def test_h12_h13_poison_and_forgeries_are_refused_and_charge_nothing(
    make_payments: MakePayments, payment_database: PostgresDatabase, body: bytes, reason: str
) -> None:
    bank = MemoryBank()

    with pytest.raises(Reject, match=f"^{reason}"):
        await OrderCreatedConsumer(make_payments(bank), (KEY, ""))(delivered(body))

    assert bank.calls == 0
    assert await payment_database.fetch("SELECT FROM charges") == []


async def test_h13_a_forgery_is_counted(make_payments: MakePayments) -> None:
    before = forged()

    with pytest.raises(Reject, match=r"^forged"):
        await OrderCreatedConsumer(make_payments(), (KEY, ""))(delivered(seal(order(), PREVIOUS)))

    assert forged() == before + 1


def forged() -> float:
    return metrics.registry().get_sample_value("events_forged_total") or 0.0


async def test_another_amount_for_a_charged_order_is_a_dead_letter(
    make_payments: MakePayments,
) -> None:
    payments = make_payments()
    consumer = OrderCreatedConsumer(payments, ())
    await consumer(delivered(seal(order(), "")))

    with pytest.raises(Reject, match=r"^amount_mismatch"):
        await consumer(delivered(seal(order(total_amount="29"), "")))

    assert (await payments.get(ORDER)).amount == Money(2800)


async def test_a_message_is_delivered_again_when_the_database_is_away(
    make_payments: MakePayments, payment_database: PostgresDatabase
) -> None:
    consumer = OrderCreatedConsumer(make_payments(), ())
    await payment_database.close()

    with pytest.raises(Unavailable):
        await consumer(delivered(json.dumps(order()).encode()))


async def test_c11_a_message_for_a_voided_order_is_done_with(
    make_payments: MakePayments, events: Events
) -> None:
    payments = make_payments()
    await payments.void(ORDER, "buyer")

    await OrderCreatedConsumer(payments, ("", ""))(delivered(seal(order(), "")))

    assert (await payments.get(ORDER)).status is Status.VOIDED
    assert await events() == []
