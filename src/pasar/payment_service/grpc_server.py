"""
The gRPC methods: message in, charge or refund, message out.

How fields are read is in `grpc_fields.py`. What a call answers when something is wrong is one
table, error code → gRPC status. Who may call at all is decided before, in `grpc_listener.py`.
"""

import asyncio
import re
from collections.abc import Awaitable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

import grpc

from pasar.contracts import payment_pb2 as pb
from pasar.contracts.events import PAYMENT_FAILED, PAYMENT_SUCCESS, RESULT_MESSAGES
from pasar.contracts.payment_pb2_grpc import PaymentServiceServicer
from pasar.kit import log
from pasar.kit.errors import PasarError, TimedOut
from pasar.payment_service import grpc_fields as fields
from pasar.payment_service.model import (
    Charge,
    ListedCharge,
    PaymentRequest,
    Position,
    Refund,
    Status,
)
from pasar.payment_service.service import Payments

if TYPE_CHECKING:  # generic in the type stubs only
    from grpc.aio import ServicerContext as Context

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")

_log: Final = log.get("grpc")

STATUSES: Final[Mapping[str, grpc.StatusCode]] = {
    "VALIDATION_ERROR": grpc.StatusCode.INVALID_ARGUMENT,
    "INVALID_STATUS": grpc.StatusCode.FAILED_PRECONDITION,
    "UNAUTHORIZED": grpc.StatusCode.UNAUTHENTICATED,
    "FORBIDDEN": grpc.StatusCode.PERMISSION_DENIED,
    "NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "CONFLICT": grpc.StatusCode.ALREADY_EXISTS,
    "IDEMPOTENCY_KEY_REUSED": grpc.StatusCode.FAILED_PRECONDITION,
    "RATE_LIMITED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "SERVICE_UNAVAILABLE": grpc.StatusCode.UNAVAILABLE,
    "REQUEST_TIMEOUT": grpc.StatusCode.DEADLINE_EXCEEDED,
    "INTERNAL_ERROR": grpc.StatusCode.INTERNAL,
}

_METHOD: Final = "mock"  # contract section 9: the only one, and what an empty field means
_METHOD_MAX: Final = 50  # the contract's VARCHAR(50)
_REASON_MAX: Final = 255  # for people
_PAGE_MAX: Final = 200  # contract of ListCharges; a charge is some 180 bytes, a message 64 KiB
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9\-_.:/+=@]{1,128}")  # contract D32


class PaymentServicer(PaymentServiceServicer):
    """A call takes at most `limit_s`; a charge it leaves behind is the sweeper's to finish."""

    def __init__(self, payments: Payments, limit_s: float) -> None:
        self._payments = payments
        self._limit_s = limit_s

    async def ProcessPayment(  # noqa: N802  the contract's name
        self,
        request: pb.ProcessPaymentRequest,
        context: "Context[pb.ProcessPaymentRequest, pb.ProcessPaymentResponse]",
    ) -> pb.ProcessPaymentResponse:
        return await self._answer(context, self._process(request))

    async def GetPaymentStatus(  # noqa: N802  the contract's name
        self,
        request: pb.GetPaymentStatusRequest,
        context: "Context[pb.GetPaymentStatusRequest, pb.GetPaymentStatusResponse]",
    ) -> pb.GetPaymentStatusResponse:
        return await self._answer(context, self._look_up(request))

    async def VoidPayment(  # noqa: N802  the contract's name
        self,
        request: pb.VoidPaymentRequest,
        context: "Context[pb.VoidPaymentRequest, pb.VoidPaymentResponse]",
    ) -> pb.VoidPaymentResponse:
        return await self._answer(context, self._void(request))

    async def RefundPayment(  # noqa: N802  the contract's name
        self,
        request: pb.RefundPaymentRequest,
        context: "Context[pb.RefundPaymentRequest, pb.RefundPaymentResponse]",
    ) -> pb.RefundPaymentResponse:
        return await self._answer(context, self._refund(request))

    async def ListCharges(  # noqa: N802  the contract's name
        self,
        request: pb.ListChargesRequest,
        context: "Context[pb.ListChargesRequest, pb.ListChargesResponse]",
    ) -> pb.ListChargesResponse:
        return await self._answer(context, self._list(request))

    async def _process(self, request: pb.ProcessPaymentRequest) -> pb.ProcessPaymentResponse:
        charge = await self._payments.process(
            PaymentRequest(
                order_id=fields.order_id(request.order_id),
                amount=fields.amount(request.amount),
                method=fields.text("method", request.method or _METHOD, _METHOD_MAX),
            )
        )
        return pb.ProcessPaymentResponse(
            success=charge.status is Status.SUCCESS,
            payment_id=charge.payment_id,
            status=_contract_status(charge),
            message=_message(charge),
        )

    async def _look_up(self, request: pb.GetPaymentStatusRequest) -> pb.GetPaymentStatusResponse:
        charge = await self._payments.get(fields.order_id(request.order_id))
        return pb.GetPaymentStatusResponse(
            payment_id=charge.payment_id,
            order_id=request.order_id,
            status=_contract_status(charge),
            amount=str(charge.amount),
            method=charge.method,
            state=charge.status.value,
            currency=charge.currency,
        )

    async def _void(self, request: pb.VoidPaymentRequest) -> pb.VoidPaymentResponse:
        reason = fields.text("reason", request.reason or "voided", _REASON_MAX)
        charge = await self._payments.void(fields.order_id(request.order_id), reason)
        if charge.status is Status.VOIDED:
            return pb.VoidPaymentResponse(order_id=request.order_id, state=charge.status.value)
        pending = charge.status is Status.PENDING
        return pb.VoidPaymentResponse(
            order_id=request.order_id,
            state="in_progress" if pending else charge.status.value,
            payment_id=charge.payment_id,
            amount=str(charge.amount),
        )

    async def _refund(self, request: pb.RefundPaymentRequest) -> pb.RefundPaymentResponse:
        refund = await self._payments.refund(
            Refund(
                refund_id=fields.refund_id(request.refund_id),
                order_id=fields.order_id(request.order_id),
                amount=fields.amount(request.amount),
            )
        )
        return pb.RefundPaymentResponse(refund_id=request.refund_id, status=refund.status.value)

    async def _list(self, request: pb.ListChargesRequest) -> pb.ListChargesResponse:
        page, more = await self._payments.page(
            fields.position(request.since, request.cursor), fields.limit(request.limit, _PAGE_MAX)
        )
        last = Position(page[-1].updated_at, page[-1].charge.order_id) if more else None
        return pb.ListChargesResponse(
            charges=map(_listed, page), next_cursor=fields.cursor_at(last) if last else ""
        )

    async def _answer(
        self,
        context: "Context[RequestT, AnswerT]",
        work: Awaitable[AnswerT],
    ) -> AnswerT:
        log.request_id.set(_request_id(context.invocation_metadata() or ()))
        try:
            async with asyncio.timeout(self._limit_s):
                return await work
        except PasarError as known:
            error = known
        except TimeoutError:
            error = TimedOut("no answer in time")
        except Exception:  # noqa: BLE001  the last stop: a stack trace must not reach the caller
            _log.exception("call failed")
            error = PasarError()
        return await context.abort(STATUSES[error.code], error.message)


def _request_id(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    shown = next((str(value) for key, value in metadata if key == "x-request-id"), "")
    return shown if _REQUEST_ID.fullmatch(shown) else ""


def _contract_status(charge: Charge) -> str:
    """Return one of the contract's three; an order that will never be charged has failed."""
    return (Status.FAILED if charge.status is Status.VOIDED else charge.status).value


def _message(charge: Charge) -> str:
    if charge.status is Status.VOIDED:
        return f"payment voided: {charge.reason}"
    success = charge.status is Status.SUCCESS
    return RESULT_MESSAGES[PAYMENT_SUCCESS if success else PAYMENT_FAILED]


def _listed(listed: ListedCharge) -> pb.ListedCharge:
    return pb.ListedCharge(
        order_id=listed.charge.order_id,
        payment_id=listed.charge.payment_id,
        state=listed.charge.status.value,
        amount=str(listed.charge.amount),
        currency=listed.charge.currency,
        updated_at=fields.moment_of(listed.updated_at),
        refund_id=str(listed.refund_id or ""),
    )
