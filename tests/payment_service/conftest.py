"""The payment service's parts, put together for a test with the bank it wants."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import grpc
import pytest

from pasar.contracts.payment_pb2_grpc import PaymentServiceStub
from pasar.kit import failpoints
from pasar.kit.clock import SystemClock
from pasar.kit.database import Row
from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from pasar.payment_service.gateway import Gateway
from pasar.payment_service.grpc_listener import GrpcListener, ListenerSettings
from pasar.payment_service.grpc_server import PaymentServicer
from pasar.payment_service.mock_bank import MockBank
from pasar.payment_service.model import PaymentRequest
from pasar.payment_service.postgres import PostgresCharges
from pasar.payment_service.postgres_refunds import PostgresRefunds
from pasar.payment_service.service import Payments
from tests.fixtures.database import administer

if TYPE_CHECKING:  # in the type stubs only
    from pasar.contracts.payment_pb2_grpc import PaymentServiceAsyncStub

ORDER = "0190c7a2-0000-7000-8000-000000000001"
TOKEN = "t" * 32
THE_STORE = (("authorization", f"Bearer {TOKEN}"),)
"""What a caller shows who may void, refund and list."""

MakePayments = Callable[..., Payments]
Events = Callable[[], Awaitable[Sequence[Row]]]
ExpireLeases = Callable[[], Awaitable[int]]
Arm = Callable[[str], None]
Call = Callable[[Payments], Awaitable["PaymentServiceAsyncStub"]]


def asked(order_id: str = ORDER, amount: int = 1050) -> PaymentRequest:
    return PaymentRequest(order_id=order_id, amount=Money(amount), method="mock")


def mock_bank(
    db: PostgresDatabase,
    *,
    success_rate: float = 1.0,
    delay_s: tuple[float, float] = (0.0, 0.0),
    seed: str = "1",
    scripted: bool = True,
) -> MockBank:
    return MockBank(db, success_rate=success_rate, delay_s=delay_s, seed=seed, scripted=scripted)


@pytest.fixture(scope="session")
def kept_database(template: PostgresSettings) -> Generator[PostgresSettings]:
    settings = replace(template, database=f"payment_{uuid4().hex}")
    make = f"CREATE DATABASE {settings.database} TEMPLATE {template.database}"
    asyncio.run(administer(template, make))
    yield settings
    asyncio.run(administer(template, f"DROP DATABASE {settings.database}"))


@pytest.fixture
async def clone(kept_database: PostgresSettings) -> AsyncGenerator[PostgresSettings]:
    """One database for all tests here, emptied in between: a clone for each takes longer."""
    yield kept_database
    owner = await PostgresDatabase.open(replace(kept_database, pool_size=1))
    await owner.execute(
        "TRUNCATE payment.charges, payment.refunds, payment.provider_ledger, payment.outbox,"
        " payment.dead_letters"
    )
    await owner.close()


@pytest.fixture
def charges(payment_database: PostgresDatabase) -> PostgresCharges:
    return PostgresCharges(payment_database)


@pytest.fixture
def make_payments(payment_database: PostgresDatabase, charges: PostgresCharges) -> MakePayments:
    def make(
        bank: Gateway | None = None,
        *,
        lease_s: float = 60.0,
        wake: Callable[[], None] = lambda: None,
    ) -> Payments:
        return Payments(
            charges,
            PostgresRefunds(payment_database),
            bank or mock_bank(payment_database),
            SystemClock(),
            currency="IDR",
            lease_s=lease_s,
            wake=wake,
        )

    return make


@pytest.fixture
def events(payment_database: PostgresDatabase) -> Events:
    """What waits in the outbox or has left it, oldest first."""

    async def read() -> Sequence[Row]:
        return await payment_database.fetch("SELECT * FROM outbox ORDER BY id")

    return read


@pytest.fixture
def expire_leases(payment_database: PostgresDatabase) -> ExpireLeases:
    """Let as much time pass as a quiet worker is given."""
    return lambda: payment_database.execute("UPDATE charges SET next_at = now()")


@pytest.fixture
def arm() -> Iterator[Arm]:
    """Set failpoints, until the end of the test."""
    yield lambda rules: failpoints.arm(rules, app_env="test")
    failpoints.arm("", app_env="test")


@pytest.fixture
async def call() -> AsyncGenerator[Call]:
    """Serve the payments, with a limit of a second per call, and return a client."""
    async with AsyncExitStack() as opened:

        async def serve(payments: Payments) -> "PaymentServiceAsyncStub":
            settings = replace(on_loopback(), token=TOKEN)
            listener = GrpcListener(PaymentServicer(payments, limit_s=1.0), settings)
            port = await listener.start()
            opened.push_async_callback(listener.stop, 0)
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
            return PaymentServiceStub(await opened.enter_async_context(channel))

        yield serve


def on_loopback() -> ListenerSettings:
    return ListenerSettings(
        host="127.0.0.1",
        port=0,
        token="",
        open_contract=True,
        tls=None,
        keepalive_s=30,
        max_message_bytes=65_536,
        concurrency=100,
    )


async def refusal(answer: Awaitable[object]) -> tuple[grpc.StatusCode, str | None]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await answer
    return refused.value.code(), refused.value.details()
