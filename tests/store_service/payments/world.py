"""A small shop with real orders and a payment service in memory; time passes when told to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pasar.contracts.events import PAYMENT_FAILED, PAYMENT_SUCCESS, payment_result, seal
from pasar.kit import log
from pasar.kit.broker.port import Message
from pasar.kit.database import Row
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.orders.model import Order, OrderId, Status
from pasar.store_service.orders.postgres import PostgresCheckouts
from pasar.store_service.orders.postgres_orders import PostgresOrders
from pasar.store_service.orders.postgres_reads import PostgresOrderReads
from pasar.store_service.orders.service import OrderService
from pasar.store_service.payments.comparison import Comparer
from pasar.store_service.payments.consumer import PaymentResults
from pasar.store_service.payments.model import Charge, ChargeState
from pasar.store_service.payments.postgres import Patience, PostgresDues
from pasar.store_service.payments.reconciler import Reconciler
from pasar.store_service.payments.repository import Charges
from pasar.store_service.payments.service import PaymentService
from tests.fakes.carts import MemoryCarts
from tests.fakes.charges import MemoryCharges
from tests.fakes.checkouts import OneByOne
from tests.store_service.shop import Shop

KEY: Final = "a signing key of thirty-two bytes"
PATIENCE: Final = Patience(resend_after_s=5, payment_timeout_s=900, refund_backoff_max_s=60)

# As if everything had happened earlier, and every wait begun earlier.
PASS: Final = (
    """
    UPDATE payments SET created_at = created_at - make_interval(secs => $1),
        next_check_at = next_check_at - make_interval(secs => $1)
    """,
    "UPDATE refunds SET next_at = next_at - make_interval(secs => $1)",
    "UPDATE outbox SET next_at = next_at - make_interval(secs => $1)",
)


class NothingCopied:
    async def drop(self, versions: Mapping[ProductId, int]) -> None:
        """There are no copies."""


@dataclass(frozen=True)
class World:
    shop: Shop
    database: PostgresDatabase
    carts: PostgresCarts
    reads: PostgresOrderReads
    orders: OrderService
    payments: PaymentService
    dues: PostgresDues
    charges: MemoryCharges
    results: PaymentResults
    reconciler: Reconciler
    comparer: Comparer

    async def order(self, units: int = 2, request_id: str = "") -> Order:
        """An order of a product of which 10 were there."""
        buyer, lamp = await self.shop.buyer(), await self.shop.product(stock=10)
        await self.carts.add(buyer, lamp, units)
        asked_by = log.request_id.set(request_id)
        try:
            return await self.orders.checkout(buyer, "Jalan Pasar 1", None)
        finally:
            log.request_id.reset(asked_by)

    async def cancel(self, order: Order) -> None:
        await self.orders.cancel(order.user_id, order.id)

    def decide(self, order: Order, state: ChargeState = ChargeState.SUCCESS) -> Charge:
        """Let the payment service come to its decision, of which nobody tells the store."""
        return self.charges.decide(order.id, state, order.total_amount)

    async def stock(self, order: Order) -> int:
        return await self.shop.stock(order.items[0].product_id)

    async def status(self, order: Order) -> tuple[Status, str]:
        now = await self.reads.get(order.id)
        assert now.payment
        return now.status, now.payment.status

    async def passes(self, seconds: float) -> None:
        for statement in PASS:
            await self.shop.database.execute(statement, seconds)

    async def rows(self, sql: str, *args: object) -> Sequence[Row]:
        """Ask as the owner of the database."""
        return await self.shop.database.fetch(sql, *args)


def world_of(
    owner: PostgresDatabase,
    database: PostgresDatabase,
    charges: Charges,
    patience: Patience = PATIENCE,
) -> World:
    reads = PostgresOrderReads(database)
    ids = TimeOrderedIds()
    orders = OrderService(
        database,
        OneByOne(PostgresCheckouts(database, reads, ids, "IDR")),
        PostgresOrders(),
        reads,
        MemoryCarts({}),
        NothingCopied(),
        lambda: None,
        ids,
    )
    payments = PaymentService(database, orders)
    dues = PostgresDues(database, patience)
    return World(
        shop=Shop(owner),
        database=database,
        carts=PostgresCarts(database, 1000),
        reads=reads,
        orders=orders,
        payments=payments,
        dues=dues,
        charges=charges if isinstance(charges, MemoryCharges) else MemoryCharges(),
        results=PaymentResults(payments, charges, [KEY, ""]),
        reconciler=Reconciler(payments, dues, charges),
        comparer=Comparer(payments, dues, charges),
    )


def message(
    topic: str, order_id: OrderId, *, amount: Money, payment_id: str = "pay_1", key: str = KEY
) -> Message:
    payload = payment_result(
        topic,
        order_id=str(order_id),
        payment_id=payment_id,
        amount=amount,
        currency="IDR",
        request_id="req-7",
        occurred_at=datetime.now(UTC),
    )
    return Message("m1", topic, seal(payload, key), 1, datetime.now(UTC))


def success(order: Order, payment_id: str = "pay_1", key: str = KEY) -> Message:
    return message(
        PAYMENT_SUCCESS, order.id, amount=order.total_amount, payment_id=payment_id, key=key
    )


def failure(order: Order, payment_id: str = "pay_1", key: str = KEY) -> Message:
    return message(
        PAYMENT_FAILED, order.id, amount=order.total_amount, payment_id=payment_id, key=key
    )
