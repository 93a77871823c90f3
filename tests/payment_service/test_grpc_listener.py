"""Who may call, and what is refused before any method runs."""

import shutil
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2

from pasar.contracts import payment_pb2 as pb
from pasar.contracts.payment_pb2_grpc import PaymentServiceStub
from pasar.payment_service.grpc_listener import GrpcListener, ListenerSettings
from pasar.payment_service.grpc_server import PaymentServicer
from tests.payment_service.conftest import TOKEN, MakePayments, on_loopback

OFF_LOOPBACK = replace(on_loopback(), open_contract=False, token=TOKEN)
CHECK = "/grpc.health.v1.Health/Check"

Listen = Callable[[ListenerSettings], Awaitable[int]]
Code = grpc.StatusCode


@pytest.fixture
async def listen(make_payments: MakePayments) -> AsyncGenerator[Listen]:
    """Start a listener, to be stopped after the test, and return its port."""
    async with AsyncExitStack() as opened:

        async def start(settings: ListenerSettings) -> int:
            listener = GrpcListener(PaymentServicer(make_payments(), limit_s=5), settings)
            opened.push_async_callback(listener.stop, 0)
            return await listener.start()

        yield start


async def look_up(channel: grpc.aio.Channel, *shown: str) -> grpc.StatusCode:
    """Ask for an unknown order: NOT_FOUND is the answer of a method that was reached."""
    metadata = [("authorization", value) for value in shown]
    request = pb.GetPaymentStatusRequest(order_id="nobody's")
    with pytest.raises(grpc.aio.AioRpcError) as answer:
        await PaymentServiceStub(channel).GetPaymentStatus(request, metadata=metadata)
    return answer.value.code()


async def check(channel: grpc.aio.Channel, service: str = "") -> int:
    method = channel.unary_unary(
        CHECK,
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    status: int = (await method(health_pb2.HealthCheckRequest(service=service))).status
    return status


async def test_on_loopback_a_contract_client_needs_no_token(listen: Listen) -> None:
    port = await listen(replace(on_loopback(), token=TOKEN))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert await look_up(channel) is Code.NOT_FOUND


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        ([f"Bearer {TOKEN}"], Code.NOT_FOUND),
        ([], Code.UNAUTHENTICATED),
        ([""], Code.UNAUTHENTICATED),
        (["Bearer "], Code.UNAUTHENTICATED),
        ([TOKEN], Code.UNAUTHENTICATED),
        ([f"Bearer {TOKEN[:-1]}"], Code.UNAUTHENTICATED),
        ([f"Bearer {TOKEN}t"], Code.UNAUTHENTICATED),
    ],
)
async def test_h56_off_loopback_only_the_service_token_opens(
    listen: Listen, shown: list[str], code: grpc.StatusCode
) -> None:
    port = await listen(OFF_LOOPBACK)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert await look_up(channel, *shown) is code


async def test_without_a_token_set_no_token_opens(listen: Listen) -> None:
    port = await listen(replace(OFF_LOOPBACK, token=""))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert await look_up(channel, "Bearer ") is Code.UNAUTHENTICATED


@pytest.mark.parametrize(
    ("token", "shown", "code"),
    [
        (TOKEN, f"Bearer {TOKEN}", Code.INVALID_ARGUMENT),  # of an empty message: it was reached
        (TOKEN, "", Code.UNAUTHENTICATED),
        (TOKEN, f"Bearer {TOKEN}t", Code.UNAUTHENTICATED),
        ("", "", Code.UNAUTHENTICATED),
        ("", "Bearer ", Code.UNAUTHENTICATED),
    ],
)
async def test_h56_what_only_the_store_may_do_needs_the_token_on_loopback_too(
    listen: Listen, token: str, shown: str, code: grpc.StatusCode
) -> None:
    port = await listen(replace(on_loopback(), token=token))
    metadata = [("authorization", shown)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        for method in ("VoidPayment", "RefundPayment", "ListCharges"):
            path = f"/payment.PaymentService/{method}"
            with pytest.raises(grpc.aio.AioRpcError) as answer:
                await channel.unary_unary(path, request_serializer=bytes)(b"", metadata=metadata)
            assert answer.value.code() is code


async def test_unknown_methods_are_not_told_apart_from_guarded_ones(listen: Listen) -> None:
    port = await listen(replace(on_loopback(), token=TOKEN))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(f"{CHECK}/", request_serializer=bytes)(b"")
    assert refused.value.code() is Code.UNAUTHENTICATED


async def test_health_is_open_to_all(listen: Listen) -> None:
    port = await listen(OFF_LOOPBACK)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert await check(channel) == health_pb2.HealthCheckResponse.SERVING
        assert await check(channel, "payment.PaymentService") == 1
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await check(channel, "bank")
        assert unknown.value.code() is Code.NOT_FOUND


async def test_a_message_above_the_limit_is_refused(listen: Listen) -> None:
    port = await listen(on_loopback())
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        huge = pb.GetPaymentStatusRequest(order_id="x" * 70_000)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await PaymentServiceStub(channel).GetPaymentStatus(huge)
    assert refused.value.code() is Code.RESOURCE_EXHAUSTED


async def test_h37_a_compressed_message_is_not_unpacked(listen: Listen) -> None:
    port = await listen(on_loopback())
    gzip = grpc.Compression.Gzip
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", compression=gzip) as channel:
        bomb = pb.GetPaymentStatusRequest(order_id="x" * 60_000)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await PaymentServiceStub(channel).GetPaymentStatus(bomb)
    assert refused.value.code() is Code.UNIMPLEMENTED


async def test_a_taken_port_is_an_error(listen: Listen) -> None:
    port = await listen(on_loopback())

    with pytest.raises(OSError, match=rf"cannot listen on 127\.0\.0\.1:{port}"):
        await listen(replace(on_loopback(), port=port))


async def test_with_a_certificate_only_tls_gets_through(listen: Listen, tmp_path: Path) -> None:
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("openssl makes the certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
    about = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make.split(), *about, *files], check=True, capture_output=True)  # noqa: ASYNC221  a moment
    pem = certificate.read_bytes()
    port = await listen(replace(on_loopback(), tls=(pem, key.read_bytes())))

    async with grpc.aio.secure_channel(
        f"localhost:{port}", grpc.ssl_channel_credentials(pem)
    ) as encrypted:
        assert await look_up(encrypted) is Code.NOT_FOUND
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as plain:
        assert await look_up(plain) is Code.UNAVAILABLE
