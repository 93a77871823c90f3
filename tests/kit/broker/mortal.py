"""A broker's server of the test's own, to kill, to freeze and to bring back on the same port."""

import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from signal import Signals

from pasar.engines.engine import Engine
from pasar.kit.backoff import Backoff
from pasar.kit.broker.adapter import AdaptedBroker, Adapter
from pasar.kit.broker.delivery import Policy
from tests.fakes.broker import MemoryDeadLetters


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """
    How a client takes an outage; the back-off is production's.

    `silence_s` is how long it listens to a server that says nothing: NSQ's two heartbeats, the
    reply limit of streams.
    """

    reconnect: Backoff = field(default_factory=lambda: Backoff(first_s=0.1, cap_s=5.0))
    silence_s: float = 2.0


@dataclass
class MortalServer:
    engine: Engine
    adapter: Callable[[Patience], Adapter]
    clients: AsyncExitStack = field(default_factory=AsyncExitStack)

    def connect(self, patience: Patience | None = None) -> AdaptedBroker:
        """Return a client that is closed when the test ends."""
        adapter = self.adapter(patience or Patience())
        broker = AdaptedBroker(adapter, MemoryDeadLetters(), Policy())
        self.clients.push_async_callback(broker.close)
        return broker

    async def kill(self) -> None:
        self.signal(Signals.SIGKILL)
        await self.engine.wait()

    async def come_back(self) -> None:
        await self.engine.start()

    def signal(self, number: Signals) -> None:
        os.kill(self.engine.child.pid, number)
