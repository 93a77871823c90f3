"""Waiting for an event, but never for ever: how every loop pauses that can be woken or stopped."""

import asyncio
from contextlib import suppress


async def happens(event: asyncio.Event, *, within_s: float) -> bool:
    """
    Wait until the event is set, at most so long, and return whether it is.

    >>> stopping = asyncio.Event()
    >>> asyncio.run(happens(stopping, within_s=0.001))
    False
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()
    return event.is_set()
