"""The Redis client on a server that is frozen, killed and started again."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from signal import Signals

import pytest

from pasar.engines.valkey import Valkey
from pasar.kit.redis import Redis, RedisUnavailable
from tests.fixtures.redis import settings_of, until_it_answers

TIMEOUT_S = 0.1


@pytest.fixture
async def client(own_valkey: Valkey) -> AsyncIterator[Redis]:
    """A client with production's time limit, on a server that the test may stop."""
    client = Redis.open(settings_of(own_valkey.login, timeout_s=TIMEOUT_S))
    await until_it_answers(client)
    yield client
    await client.close()


def freeze(server: Valkey) -> None:
    os.kill(server.child.pid, Signals.SIGSTOP)


def thaw(server: Valkey) -> None:
    os.kill(server.child.pid, Signals.SIGCONT)


async def kill(server: Valkey) -> None:
    os.kill(server.child.pid, Signals.SIGKILL)
    await server.wait()


async def failure_s(client: Redis) -> float:
    """Return how long a command took to fail."""
    began = time.monotonic()
    with pytest.raises(RedisUnavailable):
        await client.get("name")
    return time.monotonic() - began


async def test_a_silent_server_costs_a_tenth_of_a_second_and_then_nothing(
    client: Redis, own_valkey: Valkey
) -> None:
    freeze(own_valkey)

    waits_s = [await failure_s(client) for _ in range(5)]
    refusals_s = [await failure_s(client) for _ in range(20)]

    assert waits_s[0] >= TIMEOUT_S
    assert min(waits_s[0], waits_s[1]) < 2 * TIMEOUT_S
    assert min(refusals_s) < TIMEOUT_S / 10


async def test_everybody_who_waits_on_a_silent_server_is_told_together(
    client: Redis, own_valkey: Valkey
) -> None:
    freeze(own_valkey)
    began = time.monotonic()

    replies = await asyncio.gather(
        *(client.get("name") for _ in range(200)), return_exceptions=True
    )

    assert all(isinstance(reply, RedisUnavailable) for reply in replies)
    assert time.monotonic() - began < 10 * TIMEOUT_S


async def test_it_goes_on_by_itself_when_the_server_wakes(
    client: Redis, own_valkey: Valkey
) -> None:
    freeze(own_valkey)
    for _ in range(6):
        await failure_s(client)

    thaw(own_valkey)
    await until_it_answers(client)

    assert await client.set("name", b"pasar") is True


async def test_late_replies_of_a_lost_connection_answer_nobody(
    client: Redis, own_valkey: Valkey
) -> None:
    freeze(own_valkey)
    with pytest.raises(RedisUnavailable):
        await client.set("name", b"late")
    thaw(own_valkey)

    await until_it_answers(client)

    assert await client.echo("mine") == b"mine"


async def test_a_killed_server_fails_those_who_wait_and_is_found_again(
    client: Redis, own_valkey: Valkey
) -> None:
    freeze(own_valkey)
    waiting = asyncio.ensure_future(client.get("name"))
    await asyncio.sleep(0)
    await kill(own_valkey)
    with pytest.raises(RedisUnavailable):
        await waiting
    await failure_s(client)

    await own_valkey.start()
    await until_it_answers(client)

    assert await client.get("name") is None


async def test_sending_to_a_dead_server_is_silent(client: Redis, own_valkey: Valkey) -> None:
    await kill(own_valkey)
    await failure_s(client)

    client.send("SET", "name", "lost")


async def test_closing_tells_those_who_wait(client: Redis, own_valkey: Valkey) -> None:
    freeze(own_valkey)
    waiting = asyncio.ensure_future(client.get("name"))
    await asyncio.sleep(0)

    await client.close()

    with pytest.raises(RedisUnavailable, match="closed"):
        await waiting
