"""The payment service as a process: what it needs at start, and how it ends."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from pasar.contracts import payment_pb2 as pb
from pasar.contracts.payment_pb2_grpc import PaymentServiceStub
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from pasar.kit.settings import BadSetting
from pasar.payment_service.config import PaymentConfig
from pasar.payment_service.main import compose
from tests.fakes.broker import MemoryBroker
from tests.waiting import eventually

SCRIPT = """
import asyncio, os
from pasar.kit.settings import read
from pasar.payment_service.config import PaymentConfig
from pasar.payment_service.main import serve

asyncio.run(serve(read(PaymentConfig, os.environ)))
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def process(variables: Mapping[str, str]) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run the service with nothing behind it but what the variables name."""
    nowhere = {"BROKER": "streams", "REDIS_PORT": str(free_port()), "DB_PORT": str(free_port())}
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", SCRIPT),
        env={**os.environ, **nowhere, **variables},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def ends(started: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(10):
        return await started.wait()


async def test_only_the_grpc_port_is_needed_to_start_and_a_signal_ends_it_cleanly() -> None:
    port = free_port()
    question = pb.GetPaymentStatusRequest(order_id="1")
    async with process({"PAYMENT_GRPC_PORT": str(port)}) as started:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            with pytest.raises(grpc.aio.AioRpcError) as answer:
                await PaymentServiceStub(channel).GetPaymentStatus(question, wait_for_ready=True)
        started.send_signal(signal.SIGTERM)

        assert answer.value.details() == "service unavailable"  # its own words, not the client's
        assert await ends(started) == 0


async def test_a_second_signal_ends_it_at_once(
    clone: PostgresSettings, payment_database: PostgresDatabase
) -> None:
    """The first one waits for the bank, which takes its time here."""
    port = free_port()
    variables = {
        "DB_HOST": clone.host,
        "DB_PORT": str(clone.port),
        "DB_USER": clone.user,
        "DB_PASSWORD": clone.password,
        "DB_NAME": clone.database,
        "PAYMENT_GRPC_PORT": str(port),
        "PAYMENT_DELAY_MIN": "20s",
        "PAYMENT_DELAY_MAX": "20s",
    }

    async def begun() -> bool:
        return bool(await payment_database.fetch("SELECT FROM charges"))

    async with (
        process(variables) as started,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        request = pb.ProcessPaymentRequest(order_id="1", amount="1")
        call = PaymentServiceStub(channel).ProcessPayment(request, wait_for_ready=True)
        paying = asyncio.ensure_future(call)
        await eventually(begun)
        started.send_signal(signal.SIGINT)
        assert started.stderr is not None
        async with asyncio.timeout(10):
            while b"stopping" not in await started.stderr.readline():
                pass
        started.send_signal(signal.SIGTERM)

        assert await ends(started) == -signal.SIGTERM
        with pytest.raises(grpc.aio.AioRpcError):
            await paying


async def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        async with process({"PAYMENT_GRPC_PORT": port}) as started:
            _, said = await started.communicate()

    last = said.decode().splitlines()[-1]
    assert last.endswith(f"invalid PAYMENT_GRPC_PORT: cannot listen on 127.0.0.1:{port}")


def test_tls_files_that_cannot_be_read_are_named(
    payment_database: PostgresDatabase, tmp_path: Path
) -> None:
    missing = str(tmp_path / "none.pem")
    config = replace(PaymentConfig(), payment_tls_cert_file=missing, payment_tls_key_file=missing)

    with pytest.raises(BadSetting, match="PAYMENT_TLS_CERT_FILE"):
        compose(config, payment_database, MemoryBroker())
