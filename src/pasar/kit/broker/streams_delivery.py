"""Settling one delivery with its stream, as long as it may still be settled."""

import math
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

from redis.exceptions import ResponseError

from pasar.kit import log
from pasar.kit.broker.delivery import Delivery
from pasar.kit.broker.port import Message
from pasar.kit.broker.streams_scripts import StreamsScripts
from pasar.kit.redis import RedisUnavailable

_log: Final = log.get("streams")


@dataclass(frozen=True, slots=True)
class StreamsDelivery:
    message: Message
    entry: bytes
    channel: str
    consumer: str
    scripts: StreamsScripts

    async def ack(self) -> bool:
        return await self._settled(self.scripts.ack(self.message.topic, self.channel, self.entry))

    async def requeue(self, delay_s: float) -> bool:
        delay_ms = math.ceil(delay_s * 1000)
        return await self._settled(
            self.scripts.requeue(self.message.topic, self.channel, self.entry, delay_ms)
        )

    async def touch(self) -> bool:
        return await self._settled(
            self.scripts.touch(self.message.topic, self.channel, self.entry, self.consumer)
        )

    async def _settled(self, call: Awaitable[bool]) -> bool:
        try:
            return await call
        except (RedisUnavailable, ResponseError) as error:
            _log.warning("delivery not settled", topic=self.message.topic, reason=str(error))
            return False


_: type[Delivery] = StreamsDelivery
