"""Consuming one channel from every nsqd that has its topic: discovery, RDY, and settling."""

import asyncio
import random
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import Final

from pasar.kit import log
from pasar.kit.broker import nsq_http
from pasar.kit.broker import nsq_wire as wire
from pasar.kit.broker.adapter import Source
from pasar.kit.broker.delivery import Counters, Workers
from pasar.kit.broker.nsq_connection import NsqConnection
from pasar.kit.broker.nsq_delivery import NsqDelivery
from pasar.kit.broker.nsq_dial import dial
from pasar.kit.broker.nsq_link import NsqLink
from pasar.kit.broker.nsq_settings import NsqSettings
from pasar.kit.broker.port import Message
from pasar.kit.waiting import happens

_log: Final = log.get("nsq")
_MAX_RDY: Final = 2500  # nsqd's --max-rdy-count
_ROTATE_EVERY_S: Final = 5.0  # when connections share fewer slots; go-nsq's interval

Peer = frozenset[tuple[str, int]]
"""The addresses one nsqd is known by, once its name is resolved."""


class NsqSource:
    def __init__(
        self,
        topic: str,
        channel: str,
        workers: Workers,
        *,
        nsqds: Sequence[str],
        lookupds: Sequence[str],
        settings: NsqSettings,
        counters: Counters,
    ) -> None:
        self._topic = topic
        self._channel = channel
        self._workers = workers
        self._nsqds = nsqds
        self._lookupds = lookupds
        self._settings = settings
        self._counters = counters
        self._links: dict[Peer, NsqLink] = {}
        self._latest: dict[bytes, NsqDelivery] = {}
        self._turn = 0
        self._halted = False
        self._alone = asyncio.Event()
        self._finder = asyncio.create_task(self._find())

    async def halt(self) -> None:
        """Say RDY 0, then CLS: after its reply nothing more comes, yet FIN and REQ are taken."""
        if self._halted:
            return
        self._halted = True
        for connection in self._open():
            connection.send(wire.rdy(0))
        self._finder.cancel()
        await asyncio.wait([self._finder])
        await asyncio.gather(*[link.retire() for link in self._links.values()])
        goodbyes = [connection.request(wire.CLS) for connection in self._open()]
        await asyncio.gather(*goodbyes, return_exceptions=True)

    async def close(self) -> None:
        await asyncio.gather(*[link.close() for link in self._links.values()])

    def _open(self) -> list[NsqConnection]:
        return [alive for link in self._links.values() if (alive := link.alive)]

    async def _find(self) -> None:
        """Keep a link to every nsqd; ask again soon while none is connected."""
        lonely_rounds = 0
        while True:
            await self._meet()
            self._distribute()
            connected = len(self._open())
            lonely_rounds = 0 if connected else lonely_rounds + 1
            pause_s = self._settings.lookup_every_s * random.uniform(0.7, 1.3)  # noqa: S311  no secret
            if lonely_rounds:
                pause_s = self._settings.reconnect.delay_s(lonely_rounds)
            elif connected > self._workers.concurrency:
                pause_s = min(pause_s, _ROTATE_EVERY_S)
            self._alone.clear()
            await happens(self._alone, within_s=pause_s)

    async def _meet(self) -> None:
        """Link to each nsqd not linked yet; forget those neither connected nor listed any more."""
        answers = await asyncio.gather(*[self._ask(lookupd) for lookupd in self._lookupds])
        listed: set[Peer] = set()
        for address in {*self._nsqds, *chain.from_iterable(answer or [] for answer in answers)}:
            peer = await self._resolve(address)
            known = next((other for other in self._links if other & peer), None)
            if peer and known is None:
                self._links[peer] = self._link(address)
            listed.add(known or peer)
        if None not in answers:
            for peer in [peer for peer in self._links if peer not in listed]:
                if self._links[peer].alive is None:
                    await self._links.pop(peer).close()

    async def _ask(self, lookupd: str) -> list[str] | None:
        """Return the nsqd a lookupd lists, or None when it does not say."""
        try:
            return await nsq_http.lookup(lookupd, self._topic, self._settings.http_limit_s)
        except OSError as error:
            _log.warning("nsqlookupd away", lookupd=lookupd, reason=str(error))
            return None

    async def _resolve(self, address: str) -> Peer:
        host, _, port = address.rpartition(":")
        try:
            async with asyncio.timeout(self._settings.http_limit_s):
                loop = asyncio.get_running_loop()
                found = await loop.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
        except OSError as error:
            _log.warning("nsqd has no address", nsqd=address, reason=str(error))
            return frozenset()
        return frozenset((str(each[4][0]), int(each[4][1])) for each in found)

    def _link(self, address: str) -> NsqLink:
        dial = partial(self._dial, address)
        return NsqLink(address, dial, self._settings, self._counters, self._connections_changed)

    async def _dial(self, address: str) -> NsqConnection:
        connection = await dial(address, self._settings, self._receive, self._stale)
        try:
            await connection.request(wire.sub(self._topic, self._channel))
        except BaseException:
            connection.abort(ConnectionError("subscription given up"))
            raise
        return connection

    def _connections_changed(self) -> None:
        self._distribute()
        if not self._open():
            self._alone.set()

    def _distribute(self) -> None:
        """Share the handlers' slots over the connections; those too many take turns at none."""
        connections = self._open()
        self._turn += 1
        for place, connection in enumerate(connections, self._turn):
            share, extra = divmod(self._workers.concurrency, len(connections))
            slots = share + (place % len(connections) < extra)
            connection.send(wire.rdy(min(slots, _MAX_RDY)))

    def _receive(self, connection: NsqConnection, received: wire.WireMessage) -> None:
        message = Message(
            id=received.id.decode(),
            topic=self._topic,
            body=received.body,
            attempts=received.attempts,
            published_at=datetime.fromtimestamp(received.published_ns / 1e9, UTC),
        )
        delivery = NsqDelivery(message, received.id, connection, self._latest)
        self._latest[received.id] = delivery
        self._workers.accept(delivery)

    def _stale(self) -> None:
        self._counters.stale += 1


_: type[Source] = NsqSource
