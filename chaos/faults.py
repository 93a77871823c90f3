"""
The faults as data: a name, and what is done for how long. Which happen when is `plan.py`'s affair.

A fault undoes itself: when it returns, the part it struck runs again and the link is clear.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from random import Random
from signal import Signals
from typing import Final

from chaos.messages import Messages
from chaos.parts import START_LIMIT_S
from chaos.processes import descendants, frozen, no_room
from chaos.proxy import CLEAR, Blackhole, Cut, Latency, Reset, Weather
from chaos.recovery import FROZEN_WEB, FULL_DISK, NO_PART
from chaos.shop import PAYMENTS, STORES, Shop
from pasar.engines.process import bound_to_parent
from pasar.kit.errors import Unavailable
from pasar.kit.postgres import PostgresDatabase

_POLL_S: Final = 0.05
_MAX_CONNECTIONS: Final = 60
_CREATED: Final = b"HTTP/1.1 201"
_COMMITTED: Final = b"C\x00\x00\x00\x0bCOMMIT\x00"  # PostgreSQL protocol: CommandComplete
_WEB: Final = "store-web"  # how `pasar store` calls the processes that it keeps
_WORKER: Final = "store-worker"
_KEPT: Final = "store-"  # both; the store's own process goes on writing its log
_SHIFT_S: Final = 600
_SHIFTED_S: Final = 5.0  # a service sees it after 2 s at the latest
_BUSY: Final = (sys.executable, "-c", "while True: pass")


@dataclass(frozen=True, slots=True)
class Scene:
    """Where faults happen; `longest_s` bounds how long one lasts."""

    shop: Shop
    messages: Messages
    longest_s: float

    def while_(self, rng: Random) -> float:
        return rng.uniform(1.0, self.longest_s)


Fault = Callable[[Scene, Random], Awaitable[str]]
"""Returns what it took away, as `recovery.Struck.part`: its recovery counts from now."""


def kill(*names: str, by: Signals = Signals.SIGKILL) -> Fault:
    """End one of the parts and start it again soon."""

    async def struck(scene: Scene, rng: Random) -> str:
        name = rng.choice(names)
        await scene.shop.parts[name].strike(by, away_s=rng.uniform(0, 1))
        return name

    return struck


def pause(*names: str, word: str = "", at_least_s: float = 1.0) -> Fault:
    """Freeze one of the parts with all its processes, or only those the word names."""

    async def paused(scene: Scene, rng: Random) -> str:
        name = rng.choice(names)
        for_s = max(at_least_s, scene.while_(rng))
        await scene.shop.parts[name].under(frozen, for_s, word)
        return name

    return paused


def kill_kept(word: str) -> Fault:
    """Kill the process that `pasar store` keeps under that word; it comes back by itself."""

    async def struck(scene: Scene, rng: Random) -> str:
        name = rng.choice(STORES)
        part = scene.shop.parts[name]
        async with part.busy:
            await part.lives()
            victims = descendants(part.process.pid, word)
            for victim in victims:
                os.kill(victim, Signals.SIGKILL)
            async with asyncio.timeout(START_LIMIT_S):
                while not set(descendants(part.process.pid, word)) - set(victims):  # noqa: ASYNC110  no event says so
                    await asyncio.sleep(_POLL_S)
        return name

    return struck


def away(names: Sequence[str], at_least_s: float) -> Fault:
    """Kill parts together and leave them dead for a while."""

    async def struck(scene: Scene, rng: Random) -> str:
        for_s = max(at_least_s, scene.while_(rng))
        parts = [scene.shop.parts[name] for name in names]
        await asyncio.gather(*(part.strike(Signals.SIGKILL, for_s) for part in parts))
        return names[0]

    return struck


def with_broker(make: Callable[[str], Fault]) -> Fault:
    """Make the fault for whichever part is the broker."""

    async def struck(scene: Scene, rng: Random) -> str:
        await make(scene.shop.broker_part)(scene, rng)
        return "broker"

    return struck


def weather(change: Callable[[Random], Weather], *only: str) -> Fault:
    """Change the weather of one link, among those whose names begin as given, and clear it."""

    async def clouded(scene: Scene, rng: Random) -> str:
        links = sorted(name for name in scene.shop.links if name.startswith(only or ("",)))
        link = scene.shop.links[rng.choice(links)]
        link.turn(change(rng))
        await asyncio.sleep(scene.while_(rng))
        link.turn(CLEAR)
        return ""

    return clouded


def send(what: Callable[[Messages, Random], Awaitable[None]]) -> Fault:
    async def sent(scene: Scene, rng: Random) -> str:
        await what(scene.messages, rng)
        return NO_PART

    return sent


async def lose_messages(scene: Scene, rng: Random) -> str:
    """Empty all queues after letting them fill: nobody takes from them meanwhile."""

    async def emptied() -> None:
        await asyncio.sleep(2.0)
        await scene.messages.lose(rng)

    payments = (scene.shop.parts[name].under(frozen, 2.5) for name in PAYMENTS)
    await asyncio.gather(emptied(), *payments)
    return "broker"


async def exhaust_connections(scene: Scene, rng: Random) -> str:
    """Hold every connection that PostgreSQL has left."""
    settings = replace(scene.shop.owner, pool_size=_MAX_CONNECTIONS, pool_wait_s=1)
    database = await PostgresDatabase.open(settings)
    try:
        async with AsyncExitStack() as held:
            for _ in range(_MAX_CONNECTIONS):
                try:
                    tx = await held.enter_async_context(database.begin())
                    await tx.fetch("SELECT 1")
                except Unavailable:
                    break
            await asyncio.sleep(scene.while_(rng))
    except Unavailable:
        pass  # the database died under it
    finally:
        await database.close()
    return "postgres"


async def shift_clocks(scene: Scene, rng: Random) -> str:
    """Let one store and one payment service go ten minutes wrong, one ahead and one behind."""
    by_s = rng.choice((_SHIFT_S, -_SHIFT_S))
    store, payment = scene.shop.clocks[rng.choice(STORES)], scene.shop.clocks[rng.choice(PAYMENTS)]
    store.shift(by_s)
    payment.shift(-by_s)
    await asyncio.sleep(max(_SHIFTED_S, scene.while_(rng)))
    store.shift(0)
    payment.shift(0)
    return NO_PART


async def fill_disk(scene: Scene, rng: Random) -> str:
    """Leave no store any room in a file: pictures and log lines are lost, nothing else."""
    for_s = scene.while_(rng)
    stores = (scene.shop.parts[name] for name in STORES)
    await asyncio.gather(*(store.under(no_room, for_s, _KEPT) for store in stores))
    return NO_PART


async def burn(scene: Scene, rng: Random) -> str:
    """Two busy loops beside everything."""
    loops = [
        await asyncio.create_subprocess_exec(*bound_to_parent(_BUSY, Signals.SIGKILL))
        for _ in range(2)
    ]
    await asyncio.sleep(scene.while_(rng))
    for loop in loops:
        loop.kill()
        await loop.wait()
    return ""


FAULTS: Final[Mapping[str, Fault]] = {
    "kill store": kill(*STORES),
    "kill web process": kill_kept(_WEB),
    "kill worker": kill_kept(_WORKER),
    "kill payment": kill(*PAYMENTS),
    "kill broker": with_broker(kill),
    "kill redis": kill("redis"),
    "kill postgres": kill("postgres"),
    "stop postgres at once": kill("postgres", by=Signals.SIGQUIT),  # pg_ctl -m immediate
    "terminate store": kill(*STORES, by=Signals.SIGTERM),
    "terminate payment": kill(*PAYMENTS, by=Signals.SIGTERM),
    "payment away": away(PAYMENTS, at_least_s=4.0),
    "broker away": with_broker(lambda name: away([name], at_least_s=10.0)),
    "postgres away": away(["postgres"], at_least_s=5.0),
    FROZEN_WEB: pause(*STORES, word=_WEB, at_least_s=3.5),  # a mutex is leased for 3 s
    "pause worker": pause(*STORES, word=_WORKER),
    "pause payment": pause(*PAYMENTS),
    "pause broker": with_broker(pause),
    "pause redis": pause("redis"),
    "pause postgres": pause("postgres"),
    "reset link": weather(lambda _: Reset()),
    "blackhole link": weather(lambda _: Blackhole()),
    "slow link": weather(lambda _: Latency(0.5)),
    "cut 201": weather(lambda rng: Cut(_CREATED, rng.choice((0, 40)), times=10), "client"),
    "cut commit": weather(
        lambda _: Cut(_COMMITTED, 0, times=10), "store-postgres", "payment-postgres"
    ),
    "repeat messages": send(Messages.repeat),
    "delay messages": send(Messages.delay),
    "damage messages": send(Messages.damage),
    "poison messages": send(Messages.poison),
    "forge messages": send(Messages.forge),
    "lose messages": lose_messages,
    "shift clocks": shift_clocks,
    FULL_DISK: fill_disk,
    "exhaust connections": exhaust_connections,
    "burn processors": burn,
}
