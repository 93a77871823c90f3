"""
One link between two parts, as a TCP proxy whose weather can be changed.

Knows bytes only; which link lies between whom is `shop.py`'s affair, when it fails `faults.py`'s.
"""

import asyncio
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

_CHUNK_BYTES: Final = 65536
_DIAL_LIMIT_S: Final = 2.0
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER without time: closing sends RST, not FIN

Address = tuple[str, int]
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Weather:
    """What a link does to the bytes that pass; this one lets them pass."""

    refuses: bool = False

    async def pass_on(self, chunk: bytes, *, is_answer: bool) -> bytes:
        """Return the bytes once they may go on. Raises CutHere to end the connection."""
        del is_answer
        return chunk


class Reset(Weather):
    """Every connection is reset, new ones too."""

    refuses = True


@dataclass(frozen=True, slots=True)
class Blackhole(Weather):
    """Nothing arrives until `lifted`; then all of it, as TCP would repeat it."""

    lifted: asyncio.Event = field(default_factory=asyncio.Event)

    async def pass_on(self, chunk: bytes, *, is_answer: bool) -> bytes:
        del is_answer
        await self.lifted.wait()
        return chunk


@dataclass(frozen=True, slots=True)
class Latency(Weather):
    """Every chunk takes so much longer, both ways."""

    delay_s: float

    async def pass_on(self, chunk: bytes, *, is_answer: bool) -> bytes:
        del is_answer
        await asyncio.sleep(self.delay_s)
        return chunk


@dataclass(slots=True)
class Cut(Weather):
    """
    The connection ends inside an answer that contains `at`, after so many bytes of its chunk.

    Aimed at what tells the caller of success, who then cannot know. At most `times` connections.
    """

    at: bytes
    after_bytes: int
    times: int

    async def pass_on(self, chunk: bytes, *, is_answer: bool) -> bytes:
        if is_answer and self.times and self.at in chunk:
            self.times -= 1
            raise CutHere(chunk[: self.after_bytes])
        return chunk


class CutHere(Exception):
    """The connection ends; `last` still passes."""

    def __init__(self, last: bytes) -> None:
        super().__init__()
        self.last = last


CLEAR: Final = Weather()


class Link:
    """
    Listens on a port of its own and passes on to a target that answers, another one each time.

    `rewrite` replaces bytes of the answers by others of the same length: a directory that names
    the server behind a link is made to name the link.
    """

    def __init__(self, *targets: Address, rewrite: tuple[bytes, bytes] = (b"", b"")) -> None:
        if len(rewrite[0]) != len(rewrite[1]):
            raise ValueError("an answer of another length would contradict its Content-Length")
        self._targets: Sequence[Address] = targets
        self._rewrite = rewrite
        self._weather = CLEAR
        self._accepted = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> int:
        """Listen, and return the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
        self.turn(Reset())

    def turn(self, weather: Weather) -> None:
        """Change the weather, for what is under way too."""
        before, self._weather = self._weather, weather
        if isinstance(before, Blackhole):
            before.lifted.set()
        if weather.refuses:
            for end in self._open:
                _abort(end)

    async def _serve(self, asks: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        ends = [client]
        self._open.add(client)
        try:
            if not self._weather.refuses:
                answers, server = await self._dial()
                ends.append(server)
                self._open.add(server)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(asks, server, is_answer=False))
                    both.create_task(self._pump(answers, client, is_answer=True))
        except* OSError:
            pass  # ends of connections are this module's daily bread
        finally:
            self._open.difference_update(ends)
            for end in ends:
                _abort(end)

    async def _dial(self) -> Ends:
        """Connect to a target. Raises OSError when none answers."""
        self._accepted += 1
        for turn in range(len(self._targets)):
            host, port = self._targets[(self._accepted + turn) % len(self._targets)]
            with suppress(OSError):
                async with asyncio.timeout(_DIAL_LIMIT_S):
                    return await asyncio.open_connection(host, port)
        raise ConnectionRefusedError

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        """Pass one direction on, its end too."""
        while chunk := await source.read(_CHUNK_BYTES):
            try:
                passed = await self._weather.pass_on(chunk, is_answer=is_answer)
            except CutHere as cut:
                sink.write(cut.last)
                await sink.drain()
                raise ConnectionAbortedError from cut
            sink.write(passed.replace(*self._rewrite) if is_answer else passed)
            await sink.drain()
        if not sink.is_closing():
            sink.write_eof()


def _abort(end: asyncio.StreamWriter) -> None:
    with suppress(OSError):  # closed already
        end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.transport.abort()
