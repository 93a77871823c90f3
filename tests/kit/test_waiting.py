"""A pause ends when its event happens, and at its limit."""

import asyncio

from pasar.kit.waiting import happens


async def test_a_pause_ends_as_soon_as_its_event_is_set() -> None:
    event = asyncio.Event()
    pause = asyncio.create_task(happens(event, within_s=60))
    await asyncio.sleep(0)
    event.set()

    assert await asyncio.wait_for(pause, 1)


async def test_a_pause_whose_event_does_not_happen_ends_at_its_limit() -> None:
    assert not await happens(asyncio.Event(), within_s=0.001)


async def test_an_event_that_has_happened_is_seen_without_any_time_at_all() -> None:
    event = asyncio.Event()
    event.set()

    assert await happens(event, within_s=0)
