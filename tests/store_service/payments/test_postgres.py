"""What is claimed and when, on a real database whose clock is moved by moving its rows."""

import asyncio

from pasar.store_service.orders.model import Order, Status
from pasar.store_service.payments.model import DueRefund
from tests.store_service.payments.world import World

SENT = "UPDATE outbox SET sent_at = now()"
UNSENT = "SELECT aggregate_id FROM outbox WHERE sent_at IS NULL"


async def told_again(world: World) -> bool:
    """Whether the relay has work; it does it."""
    unsent = await world.rows(UNSENT)
    await world.rows(SENT)
    return bool(unsent)


async def test_h09_a_pending_order_is_told_and_asked_about_by_the_table(world: World) -> None:
    await world.order()
    await world.rows(SENT)
    told, asked = [], []
    for age in range(5, 305, 5):
        await world.passes(5)
        due = await world.dues.claim_payments(100)
        if due:
            asked.append(age)
        if await told_again(world):
            told.append(age)
        assert await world.dues.claim_payments(100) == []

    assert told == [5, 15, 45, 120, 180, 240, 300]
    assert asked == [10, 15, 30, 45, 60, 120, 180, 240, 300]


async def test_a_look_that_was_missed_is_not_made_up_for(world: World) -> None:
    order = await world.order()
    await world.passes(50)

    assert [due.order_id for due in await world.dues.claim_payments(100)] == [order.id]
    assert await world.dues.claim_payments(100) == []


async def test_an_order_nobody_was_told_about_yet_is_left_to_the_relay(world: World) -> None:
    """Its attempts and its lease stay as they are."""
    await world.order()
    before = await world.rows("SELECT * FROM outbox")
    await world.passes(5)
    await world.rows("UPDATE outbox SET next_at = $1", before[0]["next_at"])
    await world.dues.claim_payments(100)

    assert await world.rows("SELECT * FROM outbox") == before


async def test_two_claimers_share_what_is_due(world: World) -> None:
    orders = {(await world.order()).id for _ in range(10)}
    await world.passes(10)
    claims = await asyncio.gather(*(world.dues.claim_payments(3) for _ in range(5)))
    claimed = [due.order_id for claim in claims for due in claim]

    assert len(claimed) == len(set(claimed))
    rest = [due.order_id for due in await world.dues.claim_payments(100)]
    assert {*claimed, *rest} == orders


async def test_who_could_not_be_asked_about_is_asked_about_some_seconds_later(world: World) -> None:
    """The order is not told once more for that."""
    order = await world.order()
    await world.passes(45)
    await world.dues.claim_payments(100)
    await world.rows(SENT)
    await world.dues.look_again([order.id], 5)
    await world.passes(3.9)
    early = await world.dues.claim_payments(100)
    await world.passes(2.2)
    late = await world.dues.claim_payments(100)

    assert early == []
    assert await world.rows(UNSENT) == []
    assert [due.order_id for due in late] == [order.id]


async def test_h15_past_its_time_an_order_is_called_off_and_told_to_nobody(world: World) -> None:
    await world.order()
    await world.rows(SENT)
    await world.passes(899)
    [still_asked] = await world.dues.claim_payments(100)
    await world.rows(SENT)
    await world.passes(61)
    [called_off] = await world.dues.claim_payments(100)

    assert still_asked.void_reason is None
    assert called_off.void_reason == "never paid"
    assert await world.rows(UNSENT) == []


async def test_a_cancelled_order_is_called_off_at_once(world: World) -> None:
    order = await world.order()
    await world.rows(SENT)
    await world.cancel(order)
    [due] = await world.dues.claim_payments(100)

    assert (due.order_id, due.void_reason) == (order.id, "order called off")
    assert await world.dues.claim_payments(100) == []
    assert await world.rows(UNSENT) == []


async def owed(world: World) -> tuple[Order, DueRefund]:
    order = await world.order()
    await world.rows("UPDATE payments SET status = 'success'")
    await world.cancel(order)
    [due] = await world.dues.claim_refunds(100)
    return order, due


async def test_h17_a_refund_is_tried_at_doubling_intervals_up_to_a_minute(world: World) -> None:
    order, first = await owed(world)
    waits = []
    for _ in range(8):
        [row] = await world.rows(
            "SELECT extract(epoch FROM next_at - now())::float AS s FROM refunds"
        )
        waits.append(row["s"])
        await world.passes(row["s"])
        assert await world.dues.claim_refunds(100) == [first]

    assert (first.order_id, first.amount) == (order.id, order.total_amount)
    for wait, longest in zip(waits, [2, 4, 8, 16, 32, 60, 60, 60], strict=True):
        assert longest / 2 - 0.5 < wait <= longest


async def test_h17_money_that_is_back_is_noted_once(world: World) -> None:
    order, due = await owed(world)
    await world.dues.refunded([due.id])
    await world.dues.refunded([due.id])
    await world.passes(3600)

    assert await world.status(order) == (Status.CANCELLED, "refunded")
    assert await world.dues.claim_refunds(100) == []


async def test_a_refund_nobody_will_make_is_a_dead_letter_and_rests_for_a_day(world: World) -> None:
    _, due = await owed(world)
    await world.dues.give_up(due, "no such charge")
    [letter] = await world.rows(
        "SELECT topic, convert_from(body, 'UTF8') AS body, error FROM dead_letters"
    )
    await world.passes(86_000)
    early = await world.dues.claim_refunds(100)
    await world.passes(500)

    assert (letter["topic"], letter["error"]) == ("refund", "no such charge")
    assert str(due.id) in letter["body"]
    assert early == []
    assert await world.dues.claim_refunds(100) == [due]
