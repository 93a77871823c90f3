"""Settling one delivery with nsqd, as long as it may still be settled."""

import math
from dataclasses import dataclass

from pasar.kit.broker import nsq_wire as wire
from pasar.kit.broker.delivery import Delivery
from pasar.kit.broker.nsq_connection import NsqConnection
from pasar.kit.broker.port import Message


@dataclass(slots=True, eq=False)
class NsqDelivery:
    """
    NSQ knows deliveries by message id alone, so an older one of the same id must keep silent.

    Its FIN would end the newer delivery; `latest` tells which one may still speak.
    """

    message: Message
    wire_id: bytes
    connection: NsqConnection
    latest: dict[bytes, "NsqDelivery"]

    async def ack(self) -> bool:
        return self._end(wire.fin(self.wire_id))

    async def requeue(self, delay_s: float) -> bool:
        return self._end(wire.req(self.wire_id, math.ceil(delay_s * 1000)))

    async def touch(self) -> bool:
        current = self._is_current()
        if current:
            self.connection.send(wire.touch(self.wire_id))
        return current

    def _is_current(self) -> bool:
        return self.connection.is_open and self.latest.get(self.wire_id) is self

    def _end(self, command: bytes) -> bool:
        current = self._is_current()
        if current:
            self.connection.send(command)
        if self.latest.get(self.wire_id) is self:
            del self.latest[self.wire_id]
        return current


_: type[Delivery] = NsqDelivery
