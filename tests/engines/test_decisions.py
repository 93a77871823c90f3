"""Own server or ours, and which broker: the tables, row by row."""

import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from pasar.engines.decisions import (
    Decision,
    Named,
    Whose,
    choose_broker,
    is_loopback,
    own_or_ours,
    split,
)
from pasar.engines.errors import EngineError, Refused, StartingUp
from pasar.engines.ports import any_free

EVERYWHERE = "0.0.0.0"  # noqa: S104  nothing is bound to it


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def greeting(*answers: Exception | str) -> Callable[[], Awaitable[str]]:
    coming = iter(answers)

    async def greet() -> str:
        answer = next(coming)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return greet


def named(port: int, *answers: Exception | str, host: str = "localhost") -> Named:
    return Named(
        engine="PostgreSQL",
        variable="DB_HOST",
        host=host,
        port=port,
        is_set=True,
        greet=greeting(*answers),
    )


async def test_a_server_that_was_not_named_is_never_used(listening: int) -> None:
    unnamed = Named(
        engine="PostgreSQL",
        variable="DB_HOST",
        host="localhost",
        port=listening,
        is_set=False,
        greet=greeting("18.6"),
    )

    assert await own_or_ours(unnamed) == Decision(Whose.OURS_ANYWHERE, "embedded (DB_HOST not set)")


async def test_a_named_server_that_lets_us_in_is_used(listening: int) -> None:
    decision = await own_or_ours(named(listening, "17.2"))

    expected = f"external (DB_HOST=localhost:{listening})"
    assert decision == Decision(Whose.EXTERNAL, expected, "17.2")


async def test_a_server_that_starts_up_is_waited_for(listening: int) -> None:
    decision = await own_or_ours(named(listening, StartingUp(), "17.2"))

    assert decision.whose is Whose.EXTERNAL


async def test_where_nothing_listens_on_this_machine_ours_takes_that_address() -> None:
    port = any_free("127.0.0.1")
    decision = await own_or_ours(named(port))

    expected = f"embedded (nothing listened on localhost:{port})"
    assert decision == Decision(Whose.OURS_EXACTLY_THERE, expected)


async def test_a_refused_login_is_no_reason_for_another_server(listening: int) -> None:
    with pytest.raises(EngineError) as fault:
        await own_or_ours(named(listening, Refused("refuses the login: no such role")))
    assert str(fault.value) == f"DB_HOST=localhost:{listening} refuses the login: no such role"


async def test_something_else_at_the_named_address_is_named(listening: int) -> None:
    with pytest.raises(
        EngineError, match=rf"^DB_HOST=localhost:{listening}: .* listens there, but not as Post"
    ):
        await own_or_ours(named(listening, TimeoutError()))


async def test_another_machine_without_an_answer_is_never_replaced() -> None:
    """0.0.0.0 reaches this machine but is no loopback address."""
    port = any_free("127.0.0.1")
    with pytest.raises(EngineError, match=rf"^DB_HOST=0\.0\.0\.0:{port}: no PostgreSQL answers"):
        await own_or_ours(named(port, host=EVERYWHERE))


@pytest.mark.parametrize(
    ("variables", "built", "expected"),
    [
        ({}, False, "streams: BROKER=auto, NSQD_ADDR not set, no bin/nsqd"),
        ({}, True, "nsq: BROKER=auto, bin/nsqd is there"),
        ({"NSQD_ADDR": "mq:4150"}, False, "nsq: BROKER=auto, NSQD_ADDR is set"),
        ({"NSQ_LOOKUPD_ADDR": "mq:4161"}, False, "nsq: BROKER=auto, NSQ_LOOKUPD_ADDR is set"),
        ({"BROKER": "streams", "NSQD_ADDR": "mq:4150"}, True, "streams: BROKER=streams"),
        ({"BROKER": "nsq"}, False, "nsq: BROKER=nsq"),
    ],
)
def test_the_broker_follows_the_variables_then_the_build(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    built: bool,
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    binaries = Path("bin")
    binaries.mkdir()
    if built:
        (binaries / "nsqd").touch()
    choice = choose_broker(variables, binaries)

    assert f"{choice.kind}: {choice.reason}" == expected


def test_an_unknown_broker_is_refused() -> None:
    with pytest.raises(EngineError, match=r"^invalid BROKER: 'kafka' is none of"):
        choose_broker({"BROKER": "kafka"}, Path("bin"))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("mq:4150", ("mq", 4150)),
        ("[::1]:4150", ("::1", 4150)),
        ("one:1, two:2", ("one", 1)),
    ],
)
def test_an_address_is_host_and_port(address: str, expected: tuple[str, int]) -> None:
    assert split("NSQD_ADDR", address) == expected


@pytest.mark.parametrize("address", ["mq", ":4150", "mq:", "mq:0", "mq:65536", "mq:x", "mq:²"])
def test_a_malformed_address_names_its_variable(address: str) -> None:
    with pytest.raises(EngineError, match=r"^invalid NSQD_ADDR: "):
        split("NSQD_ADDR", address)


def test_only_what_this_machine_alone_reaches_is_loopback() -> None:
    assert all(map(is_loopback, ["localhost", "127.0.0.1", "127.9.9.9", "::1"]))
    assert not any(map(is_loopback, [EVERYWHERE, "10.0.0.1", "db", "::", "localhost.example"]))
