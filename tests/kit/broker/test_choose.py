import pytest

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.broker.choose import BrokerSettings, connect
from tests.fakes.broker import MemoryDeadLetters
from tests.fixtures.engines import RunningNsq
from tests.kit.broker.targets import Recorder


async def test_streams_are_reached_by_the_settings_of_redis(valkey: ValkeyLogin) -> None:
    settings = BrokerSettings(
        kind="streams",
        redis_host=valkey.host,
        redis_port=valkey.port,
        redis_password=valkey.password,
        client_id="test",
    )
    broker, handler = connect(settings, MemoryDeadLetters()), Recorder()
    await broker.subscribe("chosen", "c", handler, concurrency=1)

    await broker.publish("chosen", b"x")
    await handler.got(1)
    await broker.close()


async def test_nsq_takes_comma_lists(nsq: RunningNsq) -> None:
    settings = BrokerSettings(
        kind="nsq",
        nsqd_addr=f"127.0.0.1:1, {nsq.nsqd_tcp}",
        nsq_lookupd_addr=nsq.lookupd_http,
        nsqd_http_addr=nsq.nsqd_http,
        client_id="test",
    )
    broker, handler = connect(settings, MemoryDeadLetters()), Recorder()
    await broker.subscribe("chosen", "c", handler, concurrency=1)

    await broker.publish("chosen", b"x")
    await handler.got(1)
    assert (await broker.depth("chosen", "c")).waiting == 0
    await broker.close()


@pytest.mark.parametrize("kind", ["nsq", "streams"])
async def test_connecting_waits_for_nobody(kind: str) -> None:
    settings = BrokerSettings(
        kind="nsq" if kind == "nsq" else "streams",
        nsqd_addr="127.0.0.1:1",
        redis_host="127.0.0.1",
        redis_port=1,
        client_id="test",
    )
    broker = connect(settings, MemoryDeadLetters())

    await broker.declare({"t": ["c"]})
    subscription = await broker.subscribe("t", "c", Recorder(), concurrency=1)
    with pytest.raises(ConnectionError):
        await broker.depth("t", "c")

    await subscription.stop(1.0)
    await broker.close()
    assert not broker.counters.connected


@pytest.mark.parametrize("address", ["nsqd", ":4150", "nsqd:", "nsqd:x", "a:1,b"])
async def test_an_address_without_a_port_is_refused_at_the_start(address: str) -> None:
    settings = BrokerSettings(kind="nsq", nsq_lookupd_addr=address, client_id="test")

    with pytest.raises(ValueError, match="is not host:port"):
        connect(settings, MemoryDeadLetters())
