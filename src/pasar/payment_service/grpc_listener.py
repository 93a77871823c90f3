"""
Who may call over gRPC, and how: address, TLS, service token, limits, the standard health service.

The contract's methods are in `grpc_server.py`. No reflection.
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
from grpc_health.v1 import health_pb2

from pasar.contracts.payment_pb2_grpc import (
    PaymentServiceServicer,
    add_PaymentServiceServicer_to_server,
)

if TYPE_CHECKING:  # generic in the type stubs only
    from grpc import RpcMethodHandler as RpcHandler
    from grpc.aio import ServicerContext as Context

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")

_SERVICE: Final = "payment.PaymentService"
_HEALTH: Final = "grpc.health.v1.Health"
_FOR_ALL: Final = frozenset({f"/{_HEALTH}/Check"})
_CONTRACT: Final = frozenset({f"/{_SERVICE}/ProcessPayment", f"/{_SERVICE}/GetPaymentStatus"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSettings:
    """
    Where to listen and for whom. Port 0 lets the system choose.

    Callers show `token`, except for the health service and, with `open_contract`, the contract's
    two methods; an empty token fits nobody. `tls` is certificate and key, PEM; None = plaintext.
    """

    host: str
    port: int
    token: str
    open_contract: bool
    tls: tuple[bytes, bytes] | None
    keepalive_s: float
    max_message_bytes: int
    concurrency: int


class GrpcListener:
    def __init__(self, servicer: PaymentServiceServicer, settings: ListenerSettings) -> None:
        self._servicer = servicer
        self._settings = settings
        self._server: grpc.aio.Server | None = None

    async def start(self) -> int:
        """Listen, and return the port. Raises OSError when the address cannot be bound."""
        at = self._settings
        server = grpc.aio.server(
            interceptors=[_Doorkeeper(at.token, open_contract=at.open_contract)],
            options=_options(at),
            maximum_concurrent_rpcs=at.concurrency,
        )
        add_PaymentServiceServicer_to_server(self._servicer, server)
        server.add_generic_rpc_handlers((_health(),))
        port = _bind(server, at)
        await server.start()
        self._server = server
        return port

    async def stop(self, grace_s: float) -> None:
        """Take no new call and give running ones `grace_s` seconds."""
        if self._server:
            await self._server.stop(grace_s)


class _Doorkeeper(grpc.aio.ServerInterceptor):
    """Lets a call through that bears the service token, or needs none."""

    def __init__(self, token: str, *, open_contract: bool) -> None:
        self._bearer = f"Bearer {token}".encode() if token else None
        self._open = _FOR_ALL | _CONTRACT if open_contract else _FOR_ALL

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable["RpcHandler[RequestT, AnswerT] | None"]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "RpcHandler[RequestT, AnswerT] | None":
        if handler_call_details.method in self._open or self._is_ours(handler_call_details):
            return await continuation(handler_call_details)
        return grpc.unary_unary_rpc_method_handler(_refuse)

    def _is_ours(self, call: grpc.HandlerCallDetails) -> bool:
        shown = [str(value) for key, value in call.invocation_metadata if key == "authorization"]
        return self._bearer is not None and any(
            hmac.compare_digest(value.encode(), self._bearer) for value in shown
        )


async def _refuse(_request: RequestT, context: "Context[RequestT, AnswerT]") -> None:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "service token missing or wrong")


def _health() -> grpc.GenericRpcHandler:
    """Build the standard health service, Check only: a Watch would hold up every clean stop."""
    check = grpc.unary_unary_rpc_method_handler(
        _check,
        health_pb2.HealthCheckRequest.FromString,
        health_pb2.HealthCheckResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(_HEALTH, {"Check": check})


async def _check(
    request: health_pb2.HealthCheckRequest,
    context: "Context[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]",
) -> health_pb2.HealthCheckResponse:
    if request.service not in ("", _SERVICE):
        await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


def _options(at: ListenerSettings) -> list[tuple[str, int]]:
    keepalive_ms = int(at.keepalive_s * 1000)
    return [
        ("grpc.so_reuseport", 0),  # a taken port is an error, not a second server on it
        ("grpc.max_receive_message_length", at.max_message_bytes),
        ("grpc.max_send_message_length", at.max_message_bytes),
        ("grpc.compression_enabled_algorithms_bitset", 1),  # none: nothing unpacks to gigabytes
        ("grpc.keepalive_time_ms", keepalive_ms),
        ("grpc.keepalive_timeout_ms", keepalive_ms),
        ("grpc.keepalive_permit_without_calls", 1),
        # Callers ping as often as we do; half of it forgives a slow link.
        ("grpc.http2.min_ping_interval_without_data_ms", keepalive_ms // 2),
    ]


def _bind(server: grpc.aio.Server, at: ListenerSettings) -> int:
    address = f"[{at.host}]:{at.port}" if ":" in at.host else f"{at.host}:{at.port}"
    try:
        if at.tls is None:
            return server.add_insecure_port(address)
        certificate, key = at.tls
        credentials = grpc.ssl_server_credentials([(key, certificate)])
        return server.add_secure_port(address, credentials)
    except RuntimeError as fault:
        raise OSError(f"cannot listen on {address}") from fault
