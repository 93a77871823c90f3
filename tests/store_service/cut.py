"""A line to the database that is cut when its user has said a certain thing."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from pasar.kit.postgres import PostgresSettings


@dataclass
class Line:
    """
    Cuts a connection at `mark`, `times` times: the server hears it, the client no answer to it.

    With `heard` it has even answered by then, else it is still at work.
    """

    settings: PostgresSettings
    mark: bytes = b"?"
    times: int = 0
    heard: bool = True
    cuts: int = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up, down = await asyncio.open_connection(self.settings.host, self.settings.port)
        answers = asyncio.create_task(_pump(up, writer))
        try:
            while said := await reader.read(65_536):
                cut = self.cuts < self.times and self.mark in said
                if cut:
                    self.cuts += 1
                    answers.cancel()
                    with suppress(asyncio.CancelledError):
                        await answers
                down.write(said)
                await down.drain()
                if cut:
                    if self.heard:
                        await up.read(65_536)
                    writer.transport.abort()
                    return
        except ConnectionError:
            return
        finally:
            answers.cancel()
            for each in (writer, down):
                each.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while answered := await reader.read(65_536):
            writer.write(answered)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def line_to(settings: PostgresSettings) -> AsyncGenerator[tuple[Line, int]]:
    """Yield the line and the local port at which it begins."""
    line = Line(settings)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    try:
        yield line, server.sockets[0].getsockname()[1]
    finally:
        server.close()
