"""SIGKILL at each named stop, a new start, and nothing is lost or double."""

from contextlib import suppress

import httpx
import pytest

from pasar.kit.failpoints import VARIABLE
from tests.journeys.people import ADDRESS, newcomer, stall
from tests.journeys.shop import Command, Shop, is_open
from tests.journeys.test_keys import insists
from tests.waiting import eventually

STORE, PAYMENT = "store", "payment"
STOPS = {
    "c01": (STORE, "checkout.before_commit"),
    "c02": (STORE, "checkout.after_commit"),
    "c03": (STORE, "relay.before_pub"),
    "c04": (STORE, "relay.after_pub"),
    "c06-payment": (PAYMENT, "pay.before_insert"),
    "c06-store": (STORE, "settle.before_commit"),
    "c07": (PAYMENT, "pay.after_bank"),
    "c08": (PAYMENT, "pay.after_commit"),
    "c09": (STORE, "settle.after_commit"),
}
MOVED = "SELECT count(*) FROM payment.provider_ledger WHERE order_id = $1 AND kind = $2"
SETTLED_S = 40.0  # the sweeper's lease of 10 s is the longest wait; the machine may be busy


async def start_again(command: Command, failpoints: str = "") -> None:
    """Nobody says good-bye: what it began is found by its successor."""

    async def gone() -> bool:
        return not is_open(command.port)  # its children die with it

    command.kill()
    await eventually(gone, what=f"the end of {command.name}")
    command.variables = {**command.variables, VARIABLE: failpoints}
    command.start()


async def killed(command: Command) -> None:
    """Wait until it died by itself: the payment service, or a process that the store keeps."""

    async def so() -> bool:
        assert command.process is not None
        return command.process.poll() is not None or '"part died"' in command.log.read_text()

    await eventually(so, within_s=SETTLED_S, what=f"the death of {command.name}")
    command.log.write_text("")


@pytest.mark.parametrize(("service", "stop"), STOPS.values(), ids=STOPS)
async def test_killed_at_any_stop_an_order_is_made_paid_and_charged_once(
    shop: Shop, http: httpx.AsyncClient, service: str, stop: str
) -> None:
    mortal = shop.store if service == STORE else shop.payment
    kopi = await (await stall(http)).offers("Kopi", "10", stock=5)
    buyer = await newcomer(http)
    await buyer.wants(kopi)
    await start_again(mortal, f"{stop}=kill")
    with suppress(httpx.TransportError):
        await buyer.ask("POST", "/orders", ADDRESS, **{"Idempotency-Key": stop})
    await killed(mortal)
    await start_again(mortal)
    order_id = await insists(buyer, stop)
    await buyer.sees(order_id, "paid", SETTLED_S)

    sold = await shop.count("SELECT sum(quantity) FROM order_items WHERE product_id = $1", kopi)
    assert (sold, await shop.count(MOVED, order_id, "charge")) == (1, 1)


async def test_c10_killed_between_bank_and_commit_a_refund_is_made_once(
    shop: Shop, http: httpx.AsyncClient
) -> None:
    kopi = await (await stall(http)).offers("Kopi", "10", stock=5)
    buyer = await newcomer(http)
    order_id = await buyer.buys(kopi)
    await buyer.sees(order_id, "paid", SETTLED_S)
    await start_again(shop.payment, "refund.after_bank=kill")
    await buyer.must("PUT", f"/orders/{order_id}/cancel")
    await killed(shop.payment)
    await start_again(shop.payment)

    async def refunded() -> bool:
        return bool((await buyer.order(order_id))["payment"]["status"] == "refunded")

    await eventually(refunded, within_s=SETTLED_S, what="the refund")
    assert await shop.count(MOVED, order_id, "refund") == 1
