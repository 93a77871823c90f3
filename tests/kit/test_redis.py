"""The Redis client against a real server: commands, pipelining, breaker."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import pytest
from redis.exceptions import ResponseError

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.breaker import Breaker
from pasar.kit.redis import Redis, RedisUnavailable
from pasar.kit.redis_connection import Encodable
from pasar.kit.redis_transport import RedisTransport
from tests.fakes.clock import HeldClock
from tests.fixtures.redis import settings_of


class TestCommands:
    async def test_replies_come_as_redis_py_converts_them(self, redis: Redis) -> None:
        assert await redis.set("text", b"body") is True
        assert await redis.get("text") == b"body"
        assert await redis.get("nothing") is None
        await redis.hset("map", mapping={"a": 1})
        assert await redis.hgetall("map") == {b"a": b"1"}
        assert await redis.zadd("board", {"ann": 1.5}) == 1
        assert await redis.zscore("board", "ann") == 1.5

    async def test_a_name_of_two_words_is_two_arguments(self, redis: Redis) -> None:
        assert "maxmemory" in await redis.config_get("maxmemory")

    async def test_a_wrong_command_fails_alone(self, redis: Redis) -> None:
        await redis.set("text", b"body")

        before, wrong, after = await asyncio.gather(
            redis.get("text"), redis.incr("text"), redis.get("text"), return_exceptions=True
        )

        assert before == after == b"body"
        assert isinstance(wrong, ResponseError)

    @pytest.mark.parametrize("command", ["MULTI", "BLPOP", "SUBSCRIBE", "SELECT"])
    async def test_what_belongs_on_a_connection_of_its_own_is_refused(
        self, redis: Redis, command: str
    ) -> None:
        with pytest.raises(ValueError, match=command):
            await redis.execute_command(command, "x")

    async def test_a_script_the_server_has_forgotten_is_sent_again(self, redis: Redis) -> None:
        script = redis.script("return {KEYS[1], ARGV[1]}")
        assert await script(["key"], ["value"]) == [b"key", b"value"]

        await redis.script_flush()

        assert await script(["key"], ["value"]) == [b"key", b"value"]
        before = redis.round_trips
        await script(["key"], ["value"])
        assert redis.round_trips == before + 1

    async def test_a_wrong_password_is_an_unavailable_redis(self, valkey: ValkeyLogin) -> None:
        client = Redis.open(settings_of(replace(valkey, password="wrong")))

        with pytest.raises(RedisUnavailable, match="WRONGPASS"):
            await client.ping()


class TestPipelining:
    async def test_a_thousand_commands_of_one_tick_are_one_round_trip(self, redis: Redis) -> None:
        before = redis.round_trips

        counts = await asyncio.gather(*(redis.incr("count") for _ in range(1_000)))

        assert counts == list(range(1, 1_001))
        assert redis.round_trips == before + 1

    async def test_what_is_sent_and_forgotten_travels_with_the_next_command(
        self, redis: Redis
    ) -> None:
        before = redis.round_trips

        redis.send("SET", "name", "pasar")

        assert await redis.get("name") == b"pasar"
        assert redis.round_trips == before + 1

    async def test_a_cancelled_caller_does_not_shift_the_replies(self, redis: Redis) -> None:
        await redis.mset({str(number): number for number in range(100)})
        callers = [asyncio.ensure_future(redis.get(str(number))) for number in range(100)]
        await asyncio.sleep(0)  # all are asked, none is answered
        for caller in callers[::3]:
            caller.cancel()

        replies = await asyncio.gather(*callers, return_exceptions=True)

        for number, reply in enumerate(replies):
            if number % 3:
                assert reply == str(number).encode()
            else:
                assert isinstance(reply, asyncio.CancelledError)

    async def test_large_values_come_whole(self, redis: Redis) -> None:
        bodies = {f"body:{number}": bytes([number]) * 300_000 for number in range(8)}
        await redis.mset(bodies)

        replies = await asyncio.gather(*(redis.get(key) for key in bodies))

        assert replies == list(bodies.values())


class Scripted(RedisTransport):
    """Answers each command with the next of its outcomes, and counts what reaches it."""

    def __init__(self, outcomes: Iterable[Exception | bytes]) -> None:
        super().__init__("nowhere", 0, password="", db=0, timeout_s=0.1)
        self.outcomes = iter(outcomes)
        self.reached = 0

    async def execute(self, *_: Encodable) -> object:
        self.reached += 1
        outcome = next(self.outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class TestBreaker:
    AWAY = RedisUnavailable("away")
    WRONG = ResponseError("WRONGTYPE")

    def client(self, transport: Scripted, clock: HeldClock) -> Redis:
        return Redis(transport, Breaker("redis", failures=5, open_s=2.0, clock=clock))

    async def ask(self, client: Redis, times: int) -> None:
        for _ in range(times):
            with pytest.raises((RedisUnavailable, ResponseError)):
                await client.get("name")

    async def test_after_five_failures_redis_is_left_alone_for_two_seconds(self) -> None:
        clock, transport = HeldClock(), Scripted([*[self.AWAY] * 5, b"probe", b"again"])
        client = self.client(transport, clock)

        await self.ask(client, 50)
        assert transport.reached == 5

        clock.advance(2)
        assert await client.get("name") == b"probe"
        assert await client.get("name") == b"again"

    async def test_a_refused_command_shows_that_redis_lives(self) -> None:
        outcomes: list[Exception | bytes] = [
            *[self.AWAY] * 4,
            self.WRONG,
            *[self.AWAY] * 4,
            b"still asked",
        ]
        client = self.client(Scripted(outcomes), HeldClock())

        await self.ask(client, 9)

        assert await client.get("name") == b"still asked"
