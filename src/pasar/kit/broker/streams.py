"""
The broker port's adapter for Redis Streams, on Redis 7.0 or later and Valkey.

One connection for all scripts, one per subscription for its blocking reads. Not made for Redis
Cluster, though each script stays in one slot.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from redis.exceptions import ResponseError

from pasar.kit import log
from pasar.kit.broker.adapter import Adapter
from pasar.kit.broker.delivery import Counters, Workers
from pasar.kit.broker.port import Depth, PublishUnknown, Topics
from pasar.kit.broker.streams_consumer import StreamsSettings, StreamsSource
from pasar.kit.broker.streams_scripts import StreamsScripts
from pasar.kit.redis import Redis, RedisSettings, RedisUnavailable
from pasar.kit.redis_transport import RedisTransport

_log: Final = log.get("streams")


class StreamsAdapter:
    """
    `server` says where; its time limit and breaker are replaced by those of `settings`.

    It cannot tell a publish that never left from one whose answer was lost, so every failed one
    counts as unknown.
    """

    def __init__(
        self, server: RedisSettings, client_id: str, settings: StreamsSettings | None = None
    ) -> None:
        self.counters = Counters()
        self._server = server
        self._consumer = f"{client_id}-{secrets.token_hex(8)}"
        self._settings = settings or StreamsSettings()
        self._sources = 0
        self._topics: dict[str, Sequence[str]] = {}
        self._redis = Redis.open(replace(server, timeout_s=self._settings.reply_limit_s))
        self._scripts = StreamsScripts(self._redis)
        self._keeper = asyncio.create_task(self._keep())

    async def declare(self, topics: Topics) -> None:
        self._topics.update(topics)
        try:
            await self._create(topics)
        except (RedisUnavailable, ResponseError) as error:
            _log.warning("declared later", reason=str(error))

    async def publish(self, topic: str, bodies: Sequence[bytes]) -> None:
        try:
            await self._scripts.publish(topic, bodies)
        except (RedisUnavailable, ResponseError) as error:
            raise PublishUnknown(str(error)) from error

    def consume(self, topic: str, channel: str, workers: Workers) -> StreamsSource:
        self._sources += 1
        return StreamsSource(
            topic,
            channel,
            workers,
            consumer=f"{self._consumer}-{self._sources}",
            scripts=self._scripts,
            transport=RedisTransport(
                self._server.host,
                self._server.port,
                password=self._server.password,
                db=self._server.db,
                timeout_s=self._settings.block_s + self._settings.reply_limit_s,
            ),
            settings=self._settings,
            counters=self.counters,
        )

    async def depth(self, topic: str, channel: str) -> Depth:
        try:
            return await self._scripts.depth(topic, channel)
        except (RedisUnavailable, ResponseError) as error:
            raise ConnectionError(str(error)) from error

    async def close(self) -> None:
        self._keeper.cancel()
        await asyncio.wait([self._keeper])
        await self._redis.close()
        self.counters.connected = False

    async def _create(self, topics: Topics) -> None:
        for topic, channels in topics.items():
            for channel in channels:
                await self._scripts.declare(topic, channel)

    async def _keep(self) -> None:
        """Declare the whole table again and again: a server may come back without it."""
        failures = 0
        while True:
            try:
                await self._redis.execute_command("PING")
                await self._create(dict(self._topics))
            except (RedisUnavailable, ResponseError):
                failures += 1
                self.counters.connected = False
                pause_s = self._settings.reconnect.delay_s(failures)
            else:
                failures = 0
                self.counters.connected = True
                pause_s = self._settings.declare_every_s
            await asyncio.sleep(pause_s)


_: type[Adapter] = StreamsAdapter
