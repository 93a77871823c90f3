"""
The broker port's adapter for NSQ: one producer connection, one `NsqSource` per subscription.

nsqd's `OK` is no durability: the sender keeps its own record until the effect is known.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from pasar.kit.broker import nsq_http
from pasar.kit.broker import nsq_wire as wire
from pasar.kit.broker.adapter import Adapter
from pasar.kit.broker.delivery import Counters, Workers
from pasar.kit.broker.nsq_connection import NsqConnection, NsqRefused
from pasar.kit.broker.nsq_consumer import NsqSource
from pasar.kit.broker.nsq_dial import dial
from pasar.kit.broker.nsq_link import NsqLink
from pasar.kit.broker.nsq_settings import NsqSettings
from pasar.kit.broker.port import Depth, PublishFailed, PublishUnknown, Topics

# nsqd judged these before it took anything; any other error leaves the outcome open.
_NOT_TAKEN: Final = {"E_BAD_TOPIC", "E_BAD_BODY", "E_BAD_MESSAGE", "E_INVALID"}


class NsqAdapter:
    """
    Publishes to the first of `nsqds` that answers; consumes from them all and from `lookupds`.

    Addresses are `host:port`: TCP of nsqd, HTTP of nsqlookupd, HTTP of nsqd for `depth`.
    """

    def __init__(
        self,
        nsqds: Sequence[str],
        lookupds: Sequence[str] = (),
        nsqd_https: Sequence[str] = (),
        settings: NsqSettings | None = None,
    ) -> None:
        self.counters = Counters()
        self._nsqds = nsqds
        self._lookupds = lookupds
        self._nsqd_https = nsqd_https
        self._settings = settings or NsqSettings()
        self._topics: dict[str, Sequence[str]] = {}
        self._producer = NsqLink(
            ",".join(nsqds), self._dial, self._settings, self.counters, self._producer_changed
        )

    async def declare(self, topics: Topics) -> None:
        self._topics.update(topics)
        if (connection := self._producer.alive) is None:
            return  # the next connect declares the whole table
        try:
            await self._create(connection.address, topics)
        except OSError as error:
            connection.abort(error)  # so that the next connect does

    async def publish(self, topic: str, bodies: Sequence[bytes]) -> None:
        try:
            connection = await self._producer.connected()
        except OSError as error:
            raise PublishFailed(f"no nsqd: {error}") from error
        try:
            await connection.request(wire.pub(topic, bodies))
        except NsqRefused as refused:
            if refused.code in _NOT_TAKEN:
                raise PublishFailed(str(refused)) from refused
            raise PublishUnknown(str(refused)) from refused
        except OSError as error:
            raise PublishUnknown(str(error)) from error

    def consume(self, topic: str, channel: str, workers: Workers) -> NsqSource:
        return NsqSource(
            topic,
            channel,
            workers,
            nsqds=self._nsqds,
            lookupds=self._lookupds,
            settings=self._settings,
            counters=self.counters,
        )

    async def depth(self, topic: str, channel: str) -> Depth:
        limit_s = self._settings.http_limit_s
        each = await asyncio.gather(
            *[nsq_http.depth(http, topic, channel, limit_s) for http in self._nsqd_https]
        )
        return Depth(
            ready=sum(depth.ready for depth in each),
            in_flight=sum(depth.in_flight for depth in each),
            deferred=sum(depth.deferred for depth in each),
            waiting=sum(depth.waiting for depth in each),
        )

    async def close(self) -> None:
        await self._producer.close()
        self.counters.connected = False

    async def _dial(self) -> NsqConnection:
        """Connect to the first nsqd that answers and declare there. Raises the last OSError."""
        failure = OSError("no NSQD_ADDR")
        for address in self._nsqds:
            try:
                connection = await self._connect(address)
            except OSError as error:
                failure = error
                continue
            try:
                await self._create(address, self._topics)
            except BaseException:
                connection.abort(ConnectionError("declaring failed"))
                raise
            return connection
        raise failure

    async def _create(self, address: str, topics: Topics) -> None:
        """
        Make topics and channels by subscribing for a moment.

        SUB alone creates both and registers them with nsqlookupd. Done before the first message,
        since nsqd times out and defers on a channel only once it is up to 5 s old.
        """
        pairs = [(topic, channel) for topic, channels in topics.items() for channel in channels]
        for topic, channel in pairs:
            connection = await self._connect(address)
            try:
                await connection.request(wire.sub(topic, channel))
                await connection.request(wire.CLS)
            finally:
                await connection.close()

    async def _connect(self, address: str) -> NsqConnection:
        return await dial(address, self._settings, _no_message, _no_stale)

    def _producer_changed(self) -> None:
        self.counters.connected = self._producer.alive is not None


def _no_message(_connection: NsqConnection, _received: wire.WireMessage) -> None:
    raise wire.BadFrame("a message without RDY")


def _no_stale() -> None:
    """Do nothing: publishing connections settle nothing."""


_: type[Adapter] = NsqAdapter
