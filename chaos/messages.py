"""
What is done to messages: repeated, delayed, damaged, invented, lost.

Published past the links, straight to the broker, as whoever reaches it could.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Final
from uuid import uuid4

import httpx
import msgspec

from chaos.engines import HOST
from chaos.shop import Shop
from pasar.contracts.events import ORDER_CREATED, PAYMENT_SUCCESS, TOPICS, payment_result, seal
from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.broker.choose import BrokerSettings, connect
from pasar.kit.broker.port import Broker, PublishFailed, PublishUnknown
from pasar.kit.broker.streams_scripts import stream
from pasar.kit.dead_letters import PostgresDeadLetters
from pasar.kit.errors import Unavailable
from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.redis import Redis, RedisSettings, RedisUnavailable

LATEST: Final = """
(SELECT topic, payload FROM outbox ORDER BY id DESC LIMIT $1)
UNION ALL
(SELECT topic, payload FROM payment.outbox ORDER BY id DESC LIMIT $1)
"""

_COPIES: Final = 5
_LATEST: Final = 20
_REDIS_LIMIT_S: Final = 2.0
_FOREIGN_KEY: Final = "a key that is not the shop's, of 32 bytes and more"
_NONSENSE: Final = (b"", b"{", b"[]", b"null ", b"\x00\xff", b'{"order_id": "?"} ')


@dataclass(frozen=True, slots=True)
class Letter:
    topic: str
    body: bytes


@dataclass(slots=True)
class Messages:
    """`injected`: what no consumer can ever accept, and so has to become dead letters."""

    shop: Shop
    database: PostgresDatabase
    broker: Broker
    injected: list[Letter] = field(default_factory=list)

    async def repeat(self, rng: Random) -> None:
        """Send the latest events of both services five times more, in any order."""
        letters = await self._latest() * _COPIES
        rng.shuffle(letters)
        await self._publish(letters)

    async def delay(self, rng: Random) -> None:
        """Send them again when they are long settled."""
        letters = await self._latest()
        await asyncio.sleep(rng.uniform(5, 15))
        await self._publish(letters)

    async def damage(self, rng: Random) -> None:
        """Send orders with one byte changed: no JSON any more, or no right signature."""
        orders = [each for each in await self._latest() if each.topic == ORDER_CREATED]
        await self.inject([_damaged(letter, rng) for letter in orders[:_COPIES]])

    async def poison(self, rng: Random) -> None:
        """Send what is no event at all, on every topic."""
        await self.inject(
            [
                Letter(topic, rng.choice(_NONSENSE) + uuid4().hex.encode())
                for topic in TOPICS
                for _ in range(_COPIES + 2)
            ]
        )

    async def forge(self, _rng: Random) -> None:
        """Claim, under a key that is not the shop's, that unknown orders are paid or placed."""
        letters = [_forged_result() for _ in range(_COPIES)]
        orders = [each for each in await self._latest() if each.topic == ORDER_CREATED]
        await self.inject(letters + [_resigned(letter) for letter in orders[:_COPIES]])

    async def lose(self, _rng: Random) -> None:
        """Empty every queue: the broker had acknowledged what was in it."""
        for topic, channels in TOPICS.items():
            for channel in channels:
                await self._empty(topic, channel)

    async def inject(self, letters: Sequence[Letter]) -> None:
        """Publish what has to die; noted before, since a lost answer may have been a yes."""
        self.injected += [letter for letter in letters if letter not in self.injected]
        await self._publish(letters)

    async def _latest(self) -> list[Letter]:
        try:
            rows = await self.database.fetch(LATEST, _LATEST)
        except Unavailable:
            return []  # another fault has the database
        return [Letter(row["topic"], seal(row["payload"], self.shop.signing_key)) for row in rows]

    async def _publish(self, letters: Sequence[Letter]) -> None:
        for letter in letters:
            with suppress(PublishFailed, PublishUnknown):
                await self.broker.publish(letter.topic, letter.body)

    async def _empty(self, topic: str, channel: str) -> None:
        with suppress(RedisUnavailable, httpx.TransportError):  # dead: then it is empty already
            if (nsq := self.shop.nsq) is None:
                await _trim(self.shop.redis, stream(topic, channel))
                return
            async with httpx.AsyncClient(base_url=f"http://{HOST}:{nsq.http}") as nsqd:
                await nsqd.post("/topic/empty", params={"topic": topic})
                await nsqd.post("/channel/empty", params={"topic": topic, "channel": channel})


@asynccontextmanager
async def open_messages(shop: Shop) -> AsyncGenerator[Messages]:
    database = await PostgresDatabase.open(shop.owner)
    settings = BrokerSettings(
        kind=shop.broker,
        nsqd_addr=f"{HOST}:{shop.nsq.tcp}" if shop.nsq else "",
        nsqd_http_addr=f"{HOST}:{shop.nsq.http}" if shop.nsq else "",
        redis_host=shop.redis.host,
        redis_port=shop.redis.port,
        redis_password=shop.redis.password,
        client_id="chaos",
    )
    broker = connect(settings, PostgresDeadLetters(database))
    try:
        yield Messages(shop, database, broker)
    finally:
        await broker.close()
        await database.close()


async def _trim(login: ValkeyLogin, key: str) -> None:
    redis = Redis.open(
        RedisSettings(
            host=login.host,
            port=login.port,
            password=login.password,
            db=0,
            timeout_s=_REDIS_LIMIT_S,
            breaker_failures=1,
            breaker_open_s=_REDIS_LIMIT_S,
        )
    )
    try:
        await redis.xtrim(key, maxlen=0, approximate=False)
    finally:
        await redis.close()


def _damaged(letter: Letter, rng: Random) -> Letter:
    at = rng.randrange(len(letter.body))
    return Letter(letter.topic, letter.body[:at] + b"#" + letter.body[at + 1 :])


def _forged_result() -> Letter:
    payload = payment_result(
        PAYMENT_SUCCESS,
        order_id=str(uuid4()),
        payment_id=f"pay_{uuid4().hex}",
        amount=Money(100),
        currency="IDR",
        request_id="",
        occurred_at=datetime.now(UTC),
    )
    return Letter(PAYMENT_SUCCESS, seal(payload, _FOREIGN_KEY))


def _resigned(letter: Letter) -> Letter:
    members = msgspec.json.decode(letter.body, type=dict[str, str])
    members.pop("signature")
    return Letter(letter.topic, seal({**members, "forged": uuid4().hex}, _FOREIGN_KEY))
