"""Reaching one nsqd: connect, introduce ourselves, make sure who it is, log in."""

import asyncio
from collections.abc import Callable
from typing import Final

from pasar.kit.broker import nsq_wire as wire
from pasar.kit.broker.nsq_connection import NsqConnection
from pasar.kit.broker.nsq_settings import NsqSettings

_TLS_GRANTED: Final = b'"tls_v1":true'
_GIVEN_UP: Final = ConnectionError("handshake given up")


async def dial(
    address: str,
    settings: NsqSettings,
    receive: Callable[[NsqConnection, wire.WireMessage], None],
    stale: Callable[[], None],
) -> NsqConnection:
    """
    Return an open connection to `host:port`.

    Raises OSError, which NsqRefused, ssl.SSLError and TimeoutError are too.
    """
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(settings.dial_limit_s):
        _, connection = await loop.create_connection(
            lambda: NsqConnection(address, settings, receive, stale), host, int(port)
        )
        try:
            await _introduce(connection, host, settings)
        except BaseException:
            connection.abort(_GIVEN_UP)
            raise
    return connection


async def _introduce(connection: NsqConnection, host: str, settings: NsqSettings) -> None:
    connection.send(wire.MAGIC)
    features = await connection.request(wire.identify(settings.features()))
    if settings.tls is not None:
        if _TLS_GRANTED not in features:
            raise ConnectionError("nsqd offers no TLS")  # never go on in plain text instead
        await connection.secure(settings.tls, host)
    if settings.auth_secret:
        await connection.request(wire.auth(settings.auth_secret))
