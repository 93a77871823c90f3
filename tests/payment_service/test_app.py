"""The whole payment process, on a real database and a broker in memory."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from pasar.contracts.events import (
    ORDER_CREATED,
    PAYMENT_FAILED,
    PAYMENT_SUCCESS,
    PaymentResult,
    is_genuine,
    seal,
)
from pasar.kit.broker.port import Message
from pasar.kit.dead_letters import PostgresDeadLetters
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.settings import Duration
from pasar.payment_service.config import PaymentConfig
from pasar.payment_service.main import compose
from tests.fakes.broker import MemoryBroker
from tests.payment_service.conftest import ORDER
from tests.waiting import eventually

KEY = "k" * 32
CONFIG = PaymentConfig(
    app_env="test",
    payment_grpc_port=0,
    payment_delay_min=Duration(0),
    payment_delay_max=Duration(0),
    event_signing_key=KEY,
)


@pytest.fixture
async def broker(payment_database: PostgresDatabase) -> AsyncGenerator[MemoryBroker]:
    opened = MemoryBroker(PostgresDeadLetters(payment_database))
    yield opened
    await opened.close()


@pytest.fixture
async def told(broker: MemoryBroker) -> list[Message]:
    """What the store service is told, in order of arrival."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    for topic in (PAYMENT_SUCCESS, PAYMENT_FAILED):
        await broker.subscribe(topic, "store-service", keep, concurrency=10)
    return messages


@asynccontextmanager
async def running(
    config: PaymentConfig, database: PostgresDatabase, broker: MemoryBroker
) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
    """Run the process; the value tells it to stop and waits until it has."""
    stop = asyncio.Event()
    run = asyncio.create_task(compose(config, database, broker).run(stop))

    async def finish() -> None:
        stop.set()
        async with asyncio.timeout(10):
            await run

    yield finish
    await finish()


def order(number: int = 1, amount: str = "28") -> bytes:
    payload = {"order_id": f"{ORDER[:-3]}{number:03d}", "user_id": "u", "total_amount": amount}
    return seal({**payload, "request_id": f"req-{number}"}, KEY)


async def test_orders_go_in_and_results_come_out_once_each(
    payment_database: PostgresDatabase, broker: MemoryBroker, told: list[Message]
) -> None:
    async with running(CONFIG, payment_database, broker) as finish:
        orders = [order(number, "10.13" if number % 4 == 0 else "28") for number in range(40)]
        for body in orders * 3:
            await broker.publish(ORDER_CREATED, body)
        await eventually(lambda: len(told) >= 40)
        await finish()

    results = [PaymentResult.decode(message.topic, message.body) for message in told]
    ledger = await payment_database.fetch("SELECT FROM provider_ledger")
    assert all(is_genuine(message.body, (KEY,)) for message in told)
    assert len({result.order_id for result in results}) == len(results) == len(ledger) == 40
    assert sorted(result.status for result in results) == ["failed"] * 10 + ["success"] * 30
    assert {result.request_id for result in results} == {f"req-{number}" for number in range(40)}


async def test_h13_a_forged_order_is_a_dead_letter(
    payment_database: PostgresDatabase, broker: MemoryBroker
) -> None:
    async def letters() -> list[tuple[str, bytes, str]]:
        rows = await payment_database.fetch("SELECT topic, body, error FROM dead_letters")
        return [(row["topic"], row["body"], row["error"]) for row in rows]

    async def any_letter() -> bool:
        return bool(await letters())

    forged = order().replace(b'"28"', b'"1"')
    async with running(CONFIG, payment_database, broker):
        await broker.publish(ORDER_CREATED, forged)
        await eventually(any_letter)

    assert await letters() == [(ORDER_CREATED, forged, "forged")]
    assert await payment_database.fetch("SELECT FROM charges") == []


async def test_h29_a_stop_finishes_the_payments_under_way_and_takes_no_new_ones(
    payment_database: PostgresDatabase, broker: MemoryBroker
) -> None:
    slow = replace(CONFIG, payment_delay_min=Duration(0.3), payment_delay_max=Duration(0.3))

    async def charges(status: str) -> int:
        sql = "SELECT FROM charges WHERE status = $1"
        return len(await payment_database.fetch(sql, status))

    async def all_begun() -> bool:
        return await charges("pending") == 5

    async with running(slow, payment_database, broker) as finish:
        for number in range(5):
            await broker.publish(ORDER_CREATED, order(number))
        await eventually(all_begun)
        await finish()
    await broker.publish(ORDER_CREATED, order(9))

    depth = await broker.depth(ORDER_CREATED, "payment-service")
    assert (await charges("success"), await charges("pending")) == (5, 0)
    assert (depth.ready, depth.in_flight) == (1, 0)


async def test_what_a_killed_process_left_is_finished_by_the_next(
    payment_database: PostgresDatabase, broker: MemoryBroker, told: list[Message]
) -> None:
    """H16: its message is gone, its lease is over; the sweeper finds the row."""
    await payment_database.execute(
        "INSERT INTO charges (order_id, payment_id, method, amount, currency, status, next_at)"
        " VALUES ($1, 'pay_1', 'mock', 28, 'IDR', 'pending', now())",
        ORDER,
    )

    async with running(CONFIG, payment_database, broker):
        await eventually(lambda: bool(told))

    assert PaymentResult.decode(told[0].topic, told[0].body).payment_id == "pay_1"
