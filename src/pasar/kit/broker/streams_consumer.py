"""Consuming one channel's stream: reading what free workers can take, ticking, and settling."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast

from redis.exceptions import ResponseError

from pasar.kit import log
from pasar.kit.backoff import Backoff
from pasar.kit.broker.adapter import Source
from pasar.kit.broker.delivery import Counters, Workers
from pasar.kit.broker.limits import RECONNECT
from pasar.kit.broker.port import Message
from pasar.kit.broker.streams_delivery import StreamsDelivery
from pasar.kit.broker.streams_scripts import StreamsScripts, stream
from pasar.kit.redis import RedisUnavailable
from pasar.kit.redis_transport import RedisTransport
from pasar.kit.waiting import happens

_log: Final = log.get("streams")
_LOOKS_PER_TIMEOUT: Final = 10  # so a time-out is noticed at most a tenth too late

Entry = tuple[bytes, list[bytes]]
"""Id of the entry and its fields, names and values in turn, in the order of `streams_lua`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamsSettings:
    msg_timeout_s: float = 10.0  # as with NSQ: how late a crashed consumer's messages come again
    reply_limit_s: float = 5.0  # longest a publish may hang
    block_s: float = 1.0  # one blocking read; also the longest a stop waits for it
    tick_s: float = 0.25  # how late a deferred message may be
    declare_every_s: float = 5.0  # a server may come back empty; then it learns the table again
    reconnect: Backoff = RECONNECT


class StreamsSource:
    def __init__(
        self,
        topic: str,
        channel: str,
        workers: Workers,
        *,
        consumer: str,
        scripts: StreamsScripts,
        transport: RedisTransport,
        settings: StreamsSettings,
        counters: Counters,
    ) -> None:
        """`transport` is this source's own: its reads block. `consumer` is unique among all."""
        self._topic = topic
        self._channel = channel
        self._workers = workers
        self._consumer = consumer
        self._scripts = scripts
        self._transport = transport
        self._settings = settings
        self._counters = counters
        self._declared = False
        self._halting = asyncio.Event()
        self._reader = asyncio.create_task(self._read_on())
        self._ticker = asyncio.create_task(self._tick_on())

    async def halt(self) -> None:
        """Wait for the read that blocks: cancelled, it could lose what it was about to bring."""
        self._halting.set()
        await asyncio.wait([self._reader])

    async def close(self) -> None:
        self._ticker.cancel()
        await asyncio.wait([self._ticker])
        await self._transport.close()

    async def _read_on(self) -> None:
        failures = 0
        while not self._halting.is_set():
            try:
                await self._bring()
            except (RedisUnavailable, ResponseError) as error:
                # A ResponseError is NOGROUP: the server came back empty.
                self._declared = False
                failures += 1
                if failures == 1:
                    self._counters.reconnects += 1
                    _log.warning("stream lost", topic=self._topic, reason=str(error))
                await happens(self._halting, within_s=self._settings.reconnect.delay_s(failures))
            else:
                failures = 0

    async def _bring(self) -> None:
        """Hand the workers what they can take at once: nothing is read to wait in memory."""
        if not self._declared:
            await self._scripts.declare(self._topic, self._channel)
            self._declared = True
        free = await self._workers.vacancy()
        if self._halting.is_set():
            return
        for entry, fields in await self._read(free):
            self._workers.accept(self._delivery(entry, fields))

    async def _read(self, count: int) -> list[Entry]:
        key = stream(self._topic, self._channel)
        block_ms = round(self._settings.block_s * 1000)
        reply = await self._transport.execute(
            *("XREADGROUP", "GROUP", "w", self._consumer),
            *("COUNT", count, "BLOCK", block_ms, "STREAMS", key, ">"),
        )
        streams = cast("dict[bytes, list[Entry]] | None", reply)
        return streams[key.encode()] if streams else []

    def _delivery(self, entry: bytes, fields: list[bytes]) -> StreamsDelivery:
        _, message_id, _, at_ms, _, attempts, _, body = fields
        message = Message(
            id=message_id.decode(),
            topic=self._topic,
            body=body,
            attempts=int(attempts),
            published_at=datetime.fromtimestamp(int(at_ms) / 1000, UTC),
        )
        return StreamsDelivery(message, entry, self._channel, self._consumer, self._scripts)

    async def _tick_on(self) -> None:
        loop = asyncio.get_running_loop()
        look_at = 0.0
        while True:
            now, due_s = loop.time(), None
            timeout_ms = round(self._settings.msg_timeout_s * 1000) if now >= look_at else 0
            # The reader reports and repairs what is wrong.
            with suppress(RedisUnavailable, ResponseError):
                due_s = await self._scripts.tick(
                    self._topic, self._channel, self._consumer, timeout_ms
                )
            if timeout_ms:
                look_at = now + self._settings.msg_timeout_s / _LOOKS_PER_TIMEOUT
            tick_s = self._settings.tick_s
            await asyncio.sleep(tick_s if due_s is None else min(tick_s, due_s))


_: type[Source] = StreamsSource
