"""Our own nsqd and nsqlookupd."""

import asyncio
from pathlib import Path

import pytest

from pasar.engines.errors import EngineError
from pasar.engines.nsq_login import greet_nsqd, greet_nsqlookupd
from pasar.engines.nsqd import nsqd
from pasar.engines.ports import any_free
from tests.fixtures.engines import HOST, RunningNsq


def split(address: str) -> tuple[str, int]:
    host, _, port = address.partition(":")
    return host, int(port)


async def http(address: str, request: str) -> str:
    reader, writer = await asyncio.open_connection(*split(address))
    writer.write(f"{request} HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi".encode())
    answer = await reader.read()
    writer.close()
    return answer.decode()


async def test_both_answer_and_nsqd_is_registered_under_its_loopback_address(
    nsq: RunningNsq,
) -> None:
    assert await greet_nsqd(*split(nsq.nsqd_tcp)) == "1.3.0"
    assert await greet_nsqlookupd(*split(nsq.lookupd_http)) == "1.3.0"
    async with asyncio.timeout(5):
        while '"broadcast_address":"127.0.0.1"' not in await http(nsq.lookupd_http, "GET /nodes"):
            await asyncio.sleep(0.02)


async def test_messages_survive_a_clean_restart(nsq_binaries: Path, tmp_path: Path) -> None:
    web = any_free(HOST)
    daemon = nsqd(
        binaries=nsq_binaries,
        folder=tmp_path,
        log=tmp_path / "log" / "nsqd.log",
        host=HOST,
        tcp_port=any_free(HOST),
        http_port=web,
        lookupd_tcp=f"{HOST}:{any_free(HOST)}",
    )
    await daemon.start()
    await http(f"{HOST}:{web}", "POST /pub?topic=news")
    await daemon.stop()
    assert await daemon.wait() == 0
    await daemon.start()

    stats = await http(f"{HOST}:{web}", "GET /stats?format=json&topic=news")
    await daemon.stop()
    assert '"depth":1' in stats


async def test_without_the_binary_the_ways_out_are_named(tmp_path: Path) -> None:
    daemon = nsqd(
        binaries=tmp_path,
        folder=tmp_path,
        log=tmp_path / "nsqd.log",
        host=HOST,
        tcp_port=1,
        http_port=2,
        lookupd_tcp=f"{HOST}:3",
    )
    with pytest.raises(EngineError, match="run make nsq, start nsqd, or set BROKER=streams"):
        await daemon.start()
