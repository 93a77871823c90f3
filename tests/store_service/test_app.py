"""The web process: a wrong table stops the start, and the end comes in order."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from pasar.store_service.app import run
from pasar.store_service.web.route import PUBLIC
from pasar.store_service.web.server import ServerSettings
from pasar.store_service.web.system import SystemHandler
from tests.store_service.web.serving import LIMITS
from tests.store_service.web.toy import ToyShop, row

SETTINGS = ServerSettings(connection=LIMITS, drain_delay_s=0, shutdown_timeout_s=5)


async def ended(
    closers: dict[str, Callable[[], Awaitable[None]]], drain: Callable[[], None]
) -> None:
    stop = asyncio.Event()
    stop.set()
    listener = socket.create_server(("127.0.0.1", 0))
    await run(ToyShop().app, listener, SETTINGS, stop=stop, drain=drain, closers=closers)


def test_a_row_of_a_handler_that_was_not_given_stops_the_start() -> None:
    with pytest.raises(LookupError, match="GET /ready"):
        ToyShop(rows=[row("GET", "/ready", SystemHandler.ready, access=PUBLIC)])


async def test_d49_h29_http_is_drained_before_the_parts_are_closed_in_their_order() -> None:
    seen: list[str] = []

    def closing(name: str) -> Callable[[], Awaitable[None]]:
        async def close() -> None:
            seen.append(name)

        return close

    await ended(
        {"redis": closing("redis"), "database": closing("database")},
        lambda: seen.append("draining"),
    )

    assert seen == ["draining", "redis", "database"]


async def test_a_part_that_fails_to_close_does_not_keep_the_others_open() -> None:
    closed = asyncio.Event()

    async def fail() -> None:
        raise ConnectionError("gone already")

    async def close() -> None:
        closed.set()

    with capture_logs() as lines:
        await ended({"redis": fail, "database": close}, lambda: None)

    assert closed.is_set()
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert line["part"] == "redis"
