"""The payment service as its callers see it: the fake and the real one over gRPC, one suite."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest

from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.orders.model import OrderId
from pasar.store_service.payments.model import (
    Charge,
    ChargeState,
    DueRefund,
    ListedCharge,
    RefundRefused,
)
from pasar.store_service.payments.repository import Charges
from tests.fakes.charges import MemoryCharges
from tests.store_service.payments.saga import saga_of

AMOUNT = Money(2000)
CHARGED = """
INSERT INTO charges (order_id, payment_id, method, amount, currency, status, next_at)
VALUES ($1, $2, 'mock', 20, 'IDR', $3, now() + interval '1 hour')
"""

Decide = Callable[[OrderId, ChargeState], Awaitable[object]]


@dataclass(frozen=True)
class Twin:
    """`decide` makes a charge of AMOUNT, as an event would."""

    charges: Charges
    decide: Decide


@pytest.fixture(params=["memory", "grpc"])
async def twin(
    request: pytest.FixtureRequest,
    owner: PostgresDatabase,
    database: PostgresDatabase,
    payment_database: PostgresDatabase,
) -> AsyncIterator[Twin]:
    if request.param == "memory":
        memory = MemoryCharges(page_size=2)

        async def decide_in_memory(order_id: OrderId, state: ChargeState) -> None:
            memory.decide(order_id, state, AMOUNT)

        yield Twin(memory, decide_in_memory)
        return
    async with saga_of(owner, database, payment_database) as saga, saga.payment():

        async def decide(order_id: OrderId, state: ChargeState) -> None:
            named = (str(order_id), f"pay_{order_id.hex}", state.value)
            await payment_database.execute(CHARGED, *named)

        yield Twin(saga.world.reconciler.charges, decide)


@pytest.fixture
def order_id() -> OrderId:
    return OrderId(uuid4())


async def test_what_nobody_asked_for_is_unknown(twin: Twin, order_id: OrderId) -> None:
    assert await twin.charges.find(order_id) is None


@pytest.mark.parametrize("state", [ChargeState.PENDING, ChargeState.SUCCESS, ChargeState.FAILED])
async def test_a_void_that_comes_second_learns_what_came_first(
    twin: Twin, order_id: OrderId, state: ChargeState
) -> None:
    await twin.decide(order_id, state)
    charge = Charge(state, f"pay_{order_id.hex}", AMOUNT)

    assert await twin.charges.find(order_id) == charge
    assert await twin.charges.void(order_id, "never paid") == charge


async def test_a_void_that_comes_first_stays(twin: Twin, order_id: OrderId) -> None:
    first = await twin.charges.void(order_id, "never paid")
    second = await twin.charges.void(order_id, "never paid")
    found = await twin.charges.find(order_id)

    assert first.state is second.state is ChargeState.VOIDED
    assert found
    assert found.state is ChargeState.VOIDED


async def test_h17_a_refund_may_be_asked_for_again_under_its_id(
    twin: Twin, order_id: OrderId
) -> None:
    await twin.decide(order_id, ChargeState.SUCCESS)
    refund = DueRefund(uuid4(), order_id, AMOUNT)

    assert [await twin.charges.refund(refund) for _ in range(3)] == [True] * 3


async def test_h17_a_refund_under_another_id_or_amount_is_refused(
    twin: Twin, order_id: OrderId
) -> None:
    await twin.decide(order_id, ChargeState.SUCCESS)
    with pytest.raises(RefundRefused):
        await twin.charges.refund(DueRefund(uuid4(), order_id, Money(1)))
    assert await twin.charges.refund(DueRefund(uuid4(), order_id, AMOUNT))
    with pytest.raises(RefundRefused):
        await twin.charges.refund(DueRefund(uuid4(), order_id, AMOUNT))


@pytest.mark.parametrize("state", [None, ChargeState.FAILED, ChargeState.VOIDED])
async def test_what_was_never_taken_is_not_given_back(
    twin: Twin, order_id: OrderId, state: ChargeState | None
) -> None:
    if state:
        await twin.decide(order_id, state)
    with pytest.raises(RefundRefused):
        await twin.charges.refund(DueRefund(uuid4(), order_id, AMOUNT))


async def test_the_books_list_every_charge_with_its_refund(twin: Twin) -> None:
    orders = [OrderId(uuid4()) for _ in range(5)]
    for order in orders:
        await twin.decide(order, ChargeState.SUCCESS)
    refund = DueRefund(uuid4(), orders[2], AMOUNT)
    await twin.charges.refund(refund)
    listed: dict[str, ListedCharge] = {}
    cursor, more = "", True
    while more:
        page = await twin.charges.page(cursor)
        listed |= {each.order_id: each for each in page.charges}
        cursor = page.next_cursor
        more = bool(cursor)

    assert set(listed) == {str(order) for order in orders}
    assert {each.refund_id for each in listed.values()} == {"", str(refund.id)}
    assert listed[str(orders[2])].refund_id == str(refund.id)
