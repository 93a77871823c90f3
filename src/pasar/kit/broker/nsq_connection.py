"""
One connection to nsqd: replies matched to their waiters, liveness, orderly end.

Who it talks to is settled by `nsq_dial`; it never reconnects (`nsq_link`), and knows neither topics
nor handlers.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import Final, cast

from pasar.kit.broker import nsq_wire as wire
from pasar.kit.broker.nsq_settings import NsqSettings

_CHECKS_PER_HEARTBEAT: Final = 10  # so a silent peer is dropped at most a tenth too late
_CLOSE_LIMIT_S: Final = 1.0  # for the last bytes to leave; nothing is lost with them but time
# These answer no waiter: the message had timed out, or another connection has it now.
_STALE: Final = (b"E_FIN_FAILED", b"E_REQ_FAILED", b"E_TOUCH_FAILED")


class NsqRefused(ConnectionError):
    """An error frame; it ends the connection. `code` is its first word, such as `E_BAD_TOPIC`."""

    def __init__(self, frame: bytes) -> None:
        text = frame.decode(errors="replace")
        super().__init__(text)
        self.code = text.partition(" ")[0]


class NsqConnection(asyncio.Protocol):
    """`receive` gets every message, `stale` hears of refused FIN, REQ and TOUCH."""

    def __init__(
        self,
        address: str,
        settings: NsqSettings,
        receive: Callable[["NsqConnection", wire.WireMessage], None],
        stale: Callable[[], None],
    ) -> None:
        self.address = address
        self._settings = settings
        self._receive = receive
        self._stale = stale
        self._loop = asyncio.get_running_loop()
        self._frames = wire.Frames()
        self._waiters: deque[tuple[float, asyncio.Future[bytes]]] = deque()
        self._unsent: list[bytes] = []
        self._writable = asyncio.Event()
        self._heard_at = self._loop.time()
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self.reason: Exception | None = None
        self._transport: asyncio.Transport

    @property
    def is_open(self) -> bool:
        return not self._lost.done() and self.reason is None

    async def wait_lost(self) -> None:
        """Return when the connection has ended, for whatever reason."""
        await asyncio.shield(self._lost)

    def send(self, command: bytes) -> None:
        """Send a command that has no reply. On a lost connection it goes nowhere, silently."""
        if not self._unsent:  # what one tick of the loop sends leaves in one system call
            self._loop.call_soon(self._flush)
        self._unsent.append(command)

    async def request(self, command: bytes) -> bytes:
        """
        Send a command and return its reply.

        Raises:
            NsqRefused: nsqd answered with an error.
            ConnectionError: lost before the reply came; perhaps the command was carried out.
        """
        await self._writable.wait()
        if not self.is_open:
            raise ConnectionError("connection lost") from self.reason
        reply = self._expect()
        self.send(command)
        return await reply

    async def secure(self, context: ssl.SSLContext, host: str) -> None:
        """
        Go on in TLS, with whom the certificate says is `host`. Raises OSError.

        nsqd confirms as soon as it can, so the waiter for that stands first.
        """
        confirmed = self._expect()
        try:
            transport = await self._loop.start_tls(
                self._transport, self, context, server_hostname=host
            )
        except BaseException:
            confirmed.cancel()
            self.connection_lost(None)  # the loop says nothing when a handshake fails
            raise
        self._transport = cast("asyncio.Transport", transport)
        await confirmed

    def abort(self, reason: Exception) -> None:
        """Drop the connection now."""
        self.reason = self.reason or reason
        self._transport.abort()

    async def close(self) -> None:
        """Send what is written, then end the connection."""
        self._flush()
        self.reason = self.reason or ConnectionError("closed by us")
        self._transport.close()
        try:
            async with asyncio.timeout(_CLOSE_LIMIT_S):
                await self.wait_lost()
        except TimeoutError as late:
            self.abort(late)
            await self.wait_lost()

    # The rest is called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._writable.set()
        self._check()

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        try:
            for kind, payload in self._frames.feed(data):
                self._take(kind, payload)
        except ConnectionError as fault:
            self.abort(fault)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._lost.done():
            return
        self.reason = self.reason or exc or ConnectionError("closed")
        self._checker.cancel()
        self._writable.set()
        self._lost.set_result(None)
        while self._waiters:
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(ConnectionError(f"connection lost: {self.reason}"))

    def _expect(self) -> "asyncio.Future[bytes]":
        reply: asyncio.Future[bytes] = self._loop.create_future()
        self._waiters.append((self._loop.time() + self._settings.reply_limit_s, reply))
        return reply

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == wire.MESSAGE:
            self._receive(self, wire.message(payload))
        elif kind == wire.RESPONSE and payload == b"_heartbeat_":
            self.send(wire.NOP)
        elif kind == wire.RESPONSE:
            waiter = self._next_waiter(payload)
            if not waiter.done():
                waiter.set_result(payload)
        elif kind == wire.ERROR and payload.startswith(_STALE):
            self._stale()
        elif kind == wire.ERROR:
            refused = NsqRefused(payload)
            waiter = self._next_waiter(payload)
            if not waiter.done():
                waiter.set_exception(refused)
            raise refused
        else:
            raise wire.BadFrame(f"frame of kind {kind}")

    def _next_waiter(self, payload: bytes) -> asyncio.Future[bytes]:
        if not self._waiters:
            raise wire.BadFrame(f"nobody asked for {payload[:80]!r}")
        return self._waiters.popleft()[1]

    def _flush(self) -> None:
        data, self._unsent = b"".join(self._unsent), []
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def _check(self) -> None:
        now = self._loop.time()
        if now - self._heard_at > 2 * self._settings.heartbeat_s:
            self.abort(TimeoutError("silent for two heartbeats"))
        elif self._waiters and self._waiters[0][0] < now:
            self.abort(TimeoutError("no reply in time"))  # later ones would be mismatched
        else:
            every_s = self._settings.heartbeat_s / _CHECKS_PER_HEARTBEAT
            self._checker = self._loop.call_later(every_s, self._check)
