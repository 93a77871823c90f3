"""
The payment service over gRPC: deadlines, a few tries, then a breaker; an answer is data.

Only the worker and `pasar reconcile` call it: no HTTP request waits for the payment service.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import grpc

from pasar.contracts import payment_pb2 as pb
from pasar.contracts.payment_pb2_grpc import PaymentServiceStub
from pasar.kit import log
from pasar.kit.breaker import Breaker
from pasar.kit.errors import Unavailable
from pasar.kit.money import parse_money
from pasar.store_service.orders.model import OrderId
from pasar.store_service.payments.model import (
    Charge,
    ChargePage,
    ChargeState,
    DueRefund,
    ListedCharge,
    RefundRefused,
)
from pasar.store_service.payments.repository import Charges

if TYPE_CHECKING:  # generic in the type stubs only
    from grpc.aio import UnaryUnaryMultiCallable as Method

    from pasar.contracts.payment_pb2_grpc import PaymentServiceAsyncStub

QuestionT = TypeVar("QuestionT")
AnswerT = TypeVar("AnswerT")

_PAUSE_S: Final = (0.05, 0.2)  # between tries, drawn evenly: a restart takes about as long
_PAGE: Final = 200  # the most that ListCharges gives at once

# A pending void is called so there; every other state has the name it has here.
_STATES: Final = {"in_progress": ChargeState.PENDING}
_REFUSALS: Final = frozenset({grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.ALREADY_EXISTS})
# The others show that somebody is there, who will not or cannot answer this one.
_SILENCE: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcSettings:
    """
    Where the payment service is, and how long to wait for it.

    `authority` is the PEM certificate that vouches for its own; None = plaintext.
    """

    address: str
    token: str
    authority: bytes | None
    call_timeout_s: float
    slow_call_timeout_s: float
    tries: int
    keepalive_s: float
    max_message_bytes: int


class GrpcCharges:
    """Its channel connects by itself, again and again; to be made inside a running loop."""

    def __init__(self, settings: GrpcSettings, breaker: Breaker) -> None:
        self._settings = settings
        self._breaker = breaker
        self._channel = _channel(settings)
        self._stub: PaymentServiceAsyncStub = PaymentServiceStub(self._channel)

    async def close(self) -> None:
        await self._channel.close()

    async def find(self, order_id: OrderId) -> Charge | None:
        question = pb.GetPaymentStatusRequest(order_id=str(order_id))
        try:
            answer = await self._ask(self._stub.GetPaymentStatus, question)
        except grpc.aio.AioRpcError as refusal:
            if refusal.code() is grpc.StatusCode.NOT_FOUND:
                return None
            raise _unexpected(refusal) from refusal
        return _charge(answer.state or answer.status, answer.payment_id, answer.amount)

    async def void(self, order_id: OrderId, reason: str) -> Charge:
        question = pb.VoidPaymentRequest(order_id=str(order_id), reason=reason)
        try:
            answer = await self._ask(self._stub.VoidPayment, question)
        except grpc.aio.AioRpcError as refusal:
            raise _unexpected(refusal) from refusal
        return _charge(answer.state, answer.payment_id, answer.amount)

    async def refund(self, refund: DueRefund) -> bool:
        question = pb.RefundPaymentRequest(
            refund_id=str(refund.id), order_id=str(refund.order_id), amount=str(refund.amount)
        )
        try:
            answer = await self._ask(self._stub.RefundPayment, question, slow=True)
        except grpc.aio.AioRpcError as refusal:
            if refusal.code() in _REFUSALS:
                raise RefundRefused(refusal.details() or "") from refusal
            raise _unexpected(refusal) from refusal
        return answer.status == "success"

    async def page(self, cursor: str) -> ChargePage:
        question = pb.ListChargesRequest(cursor=cursor, limit=_PAGE)
        try:
            answer = await self._ask(self._stub.ListCharges, question, slow=True)
        except grpc.aio.AioRpcError as refusal:
            raise _unexpected(refusal) from refusal
        return ChargePage([_listed(each) for each in answer.charges], answer.next_cursor)

    async def _ask(
        self, method: "Method[QuestionT, AnswerT]", question: QuestionT, *, slow: bool = False
    ) -> AnswerT:
        """Call with the deadline of its kind. Raises Unavailable, or AioRpcError for a refusal."""
        at = self._settings
        if not self._breaker.admit():
            raise Unavailable("payment service: left alone for a while")
        for more in reversed(range(at.tries)):
            try:
                answer = await method(
                    question,
                    timeout=at.slow_call_timeout_s if slow else at.call_timeout_s,
                    metadata=_metadata(at.token),
                )
            except grpc.aio.AioRpcError as fault:
                if fault.code() not in _SILENCE:
                    self._breaker.succeeded()
                    raise
                if not more or fault.code() is not grpc.StatusCode.UNAVAILABLE:
                    self._breaker.failed(fault)
                    raise Unavailable(f"payment service: {fault.code().name}") from fault
                await asyncio.sleep(random.uniform(*_PAUSE_S))  # noqa: S311  no secret
            else:
                self._breaker.succeeded()
                return answer
        raise AssertionError("the last try returns or raises")


def _channel(at: GrpcSettings) -> grpc.aio.Channel:
    keepalive_ms = int(at.keepalive_s * 1000)
    options = [
        ("grpc.enable_http_proxy", 0),  # a neighbour, whatever the environment says of the web
        ("grpc.max_receive_message_length", at.max_message_bytes),
        ("grpc.max_send_message_length", at.max_message_bytes),
        ("grpc.keepalive_time_ms", keepalive_ms),
        ("grpc.keepalive_timeout_ms", keepalive_ms),
    ]
    if at.authority is None:
        return grpc.aio.insecure_channel(at.address, options)
    return grpc.aio.secure_channel(at.address, grpc.ssl_channel_credentials(at.authority), options)


def _metadata(token: str) -> tuple[tuple[str, str], ...]:
    shown = {
        "authorization": f"Bearer {token}" if token else "",
        "x-request-id": log.request_id.get(),
    }
    return tuple((key, value) for key, value in shown.items() if value)


def _unexpected(refusal: grpc.aio.AioRpcError) -> Unavailable:
    """Return what a wrong token or a fault over there comes down to: no answer."""
    return Unavailable(f"payment service: {refusal.code().name}: {refusal.details()}")


def _charge(state: str, payment_id: str, amount: str) -> Charge:
    return Charge(_STATES.get(state) or ChargeState(state), payment_id, parse_money(amount))


def _listed(each: pb.ListedCharge) -> ListedCharge:
    return ListedCharge(
        each.order_id, _charge(each.state, each.payment_id, each.amount), each.refund_id
    )


_: Callable[[GrpcSettings, Breaker], Charges] = GrpcCharges
