"""The fast copy of a cart: what it costs, and what it must never do."""

import pytest

from pasar.kit.redis import Redis
from pasar.kit.versioned_cache import VersionedCache
from pasar.store_service.cart.model import Cart
from pasar.store_service.cart.redis import RedisCarts
from pasar.store_service.identity import UserId
from tests.fakes.carts import MemoryCarts, MemoryShop


class CountingCarts(MemoryCarts):
    """The truth, counting how often it was asked."""

    reads = 0

    async def get(self, buyer: UserId) -> Cart:
        self.reads += 1
        return await super().get(buyer)


async def read_before_that(cart: Cart) -> Cart:
    return cart


@pytest.fixture
def shop() -> MemoryShop:
    return MemoryShop()


@pytest.fixture
def behind(shop: MemoryShop) -> CountingCarts:
    return CountingCarts(shop.wares)


@pytest.fixture
def cache(redis: Redis) -> VersionedCache:
    return VersionedCache(redis, "cart", 60)


@pytest.fixture
def carts(cache: VersionedCache, behind: CountingCarts) -> RedisCarts:
    return RedisCarts(cache, behind)


async def test_a_cart_seen_before_costs_one_round_trip_and_no_read(
    shop: MemoryShop, carts: RedisCarts, behind: CountingCarts, redis: Redis
) -> None:
    buyer = await shop.buyer()
    first = await carts.add(buyer, await shop.product(price="0.10"), 3)
    reads, trips = behind.reads, redis.round_trips
    again = await carts.get(buyer)

    assert again == first
    assert (behind.reads - reads, redis.round_trips - trips) == (0, 1)


async def test_a_first_look_fills_the_copy(
    shop: MemoryShop, carts: RedisCarts, behind: CountingCarts
) -> None:
    buyer = await shop.buyer()
    unused = await carts.get(buyer)

    assert await carts.get(buyer) == unused
    assert behind.reads == 1


async def test_a_forgotten_cart_is_read_anew_and_an_older_copy_stays_out(
    shop: MemoryShop, carts: RedisCarts, behind: CountingCarts, cache: VersionedCache
) -> None:
    """The slow reader filled its copy after the checkout that emptied the cart."""
    buyer = await shop.buyer()
    before = await carts.add(buyer, await shop.product(), 1)
    emptied = await behind.empty(buyer)
    await carts.forget(buyer, emptied.version)
    slow_reader = RedisCarts(cache, behind)
    await slow_reader._keep(buyer, read_before_that(before))

    assert (await carts.get(buyer)).lines == ()


async def test_a_copy_of_another_release_is_read_anew(
    shop: MemoryShop, carts: RedisCarts, cache: VersionedCache
) -> None:
    buyer = await shop.buyer()
    await cache.put(str(buyer), 0, b"not a cart", cache.epoch)

    assert (await carts.get(buyer)).lines == ()


async def test_the_hint_is_what_was_last_seen_here(shop: MemoryShop, carts: RedisCarts) -> None:
    buyer, lamp, vase = await shop.buyer(), await shop.product(), await shop.product()
    assert carts.wanted(buyer) == ()

    await carts.add(buyer, lamp, 1)
    await carts.add(buyer, vase, 1)
    await carts.remove(buyer, lamp)
    assert carts.wanted(buyer) == (vase,)

    await carts.forget(buyer, 4)
    assert carts.wanted(buyer) == ()


async def test_hints_are_bounded_and_the_longest_unseen_goes_first(
    shop: MemoryShop, behind: CountingCarts, cache: VersionedCache
) -> None:
    carts = RedisCarts(cache, behind, remembered=2)
    lamp = await shop.product()
    first, second, third = [await shop.buyer() for _ in range(3)]
    await carts.add(first, lamp, 1)
    await carts.add(second, lamp, 1)
    await carts.get(first)
    await carts.add(third, lamp, 1)

    assert [carts.wanted(buyer) for buyer in (first, second, third)] == [(lamp,), (), (lamp,)]


async def test_d25_an_edit_outdates_the_copies_of_all_carts_in_every_process(
    shop: MemoryShop, carts: RedisCarts, cache: VersionedCache, behind: CountingCarts
) -> None:
    lamp = await shop.product(price="10")
    buyers = [await shop.buyer() for _ in range(3)]
    for buyer in buyers:
        await carts.add(buyer, lamp, 1)
    await shop.reprice(lamp, "12.50")
    await RedisCarts(cache, behind).outdate()

    assert [str((await carts.get(buyer)).total) for buyer in buyers] == ["12.5"] * 3


async def test_d25_after_the_edit_one_read_makes_a_copy_that_is_good_again(
    shop: MemoryShop, carts: RedisCarts, behind: CountingCarts, redis: Redis
) -> None:
    buyer = await shop.buyer()
    await carts.add(buyer, await shop.product(), 1)
    await carts.outdate()
    anew = await carts.get(buyer)
    reads, trips = behind.reads, redis.round_trips

    assert await carts.get(buyer) == anew
    assert (behind.reads - reads, redis.round_trips - trips) == (0, 1)


async def test_d25_a_copy_read_before_an_edit_is_not_shown_though_written_after_it(
    shop: MemoryShop, cache: VersionedCache
) -> None:
    """The edit makes its mark, which this process sees too, while the old cart is on its way."""
    lamp, buyer, another = await shop.product(price="10"), await shop.buyer(), await shop.buyer()

    class OvertakenCarts(CountingCarts):
        async def get(self, buyer: UserId) -> Cart:
            cart = await super().get(buyer)
            if self.reads == 1:
                await shop.reprice(lamp, "12.50")
                await copies.outdate()
                await copies.get(another)
            return cart

    behind = OvertakenCarts(shop.wares)
    behind.lines[buyer] = {lamp: 1}
    copies = RedisCarts(cache, behind)

    assert str((await copies.get(buyer)).total) == "10"
    assert str((await copies.get(buyer)).total) == "12.5"


async def test_d25_an_addition_of_a_process_that_knows_no_edit_is_read_anew(
    shop: MemoryShop, carts: RedisCarts, redis: Redis, behind: CountingCarts
) -> None:
    lamp, buyer = await shop.product(price="10"), await shop.buyer()
    await carts.outdate()
    stranger = RedisCarts(VersionedCache(redis, "cart", 60), behind)
    await stranger.add(buyer, lamp, 1)
    await shop.reprice(lamp, "12.50")

    assert str((await stranger.get(buyer)).total) == "12.5"
