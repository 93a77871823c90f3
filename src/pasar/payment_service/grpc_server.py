"""
The contract's two gRPC methods: message in, charge, message out.

What a call answers when something is wrong is one table, error code → gRPC status. Who may call at
all is decided before, in `grpc_listener.py`.
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
from pasar.kit.errors import Invalid, PasarError, TimedOut
from pasar.kit.ids import parse_id
from pasar.kit.money import Money, parse_money
from pasar.payment_service.model import Charge, PaymentRequest, Status
from pasar.payment_service.service import Payments

if TYPE_CHECKING:  # generic in the type stubs only
    from grpc.aio import ServicerContext as Context

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")

_LOG: Final = log.get("grpc")

STATUSES: Final[Mapping[str, grpc.StatusCode]] = {
    "VALIDATION_ERROR": grpc.StatusCode.INVALID_ARGUMENT,
    "INVALID_STATUS": grpc.StatusCode.FAILED_PRECONDITION,
    "UNAUTHORIZED": grpc.StatusCode.UNAUTHENTICATED,
    "FORBIDDEN": grpc.StatusCode.PERMISSION_DENIED,
    "NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "CONFLICT": grpc.StatusCode.ALREADY_EXISTS,
    "RATE_LIMITED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "SERVICE_UNAVAILABLE": grpc.StatusCode.UNAVAILABLE,
    "REQUEST_TIMEOUT": grpc.StatusCode.DEADLINE_EXCEEDED,
    "INTERNAL_ERROR": grpc.StatusCode.INTERNAL,
}

_METHOD: Final = "mock"  # contract section 9: the only one, and what an empty field means
_METHOD_MAX: Final = 50  # the contract's VARCHAR(50)
_ORDER_ID_MAX: Final = 255  # opaque text, but an index entry ends at 2,704 bytes
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

    async def _process(self, request: pb.ProcessPaymentRequest) -> pb.ProcessPaymentResponse:
        charge = await self._payments.process(
            PaymentRequest(
                order_id=_order_id(request.order_id),
                amount=_amount(request.amount),
                method=_text("method", request.method or _METHOD, _METHOD_MAX),
            )
        )
        success = charge.status is Status.SUCCESS
        return pb.ProcessPaymentResponse(
            success=success,
            payment_id=charge.payment_id,
            status=_contract_status(charge),
            message=RESULT_MESSAGES[PAYMENT_SUCCESS if success else PAYMENT_FAILED],
        )

    async def _look_up(self, request: pb.GetPaymentStatusRequest) -> pb.GetPaymentStatusResponse:
        charge = await self._payments.get(_order_id(request.order_id))
        return pb.GetPaymentStatusResponse(
            payment_id=charge.payment_id,
            order_id=request.order_id,
            status=_contract_status(charge),
            amount=str(charge.amount),
            method=charge.method,
            state=charge.status.value,
            currency=charge.currency,
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
            _LOG.exception("call failed")
            error = PasarError()
        return await context.abort(STATUSES[error.code], error.message)


def _request_id(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    shown = next((str(value) for key, value in metadata if key == "x-request-id"), "")
    return shown if _REQUEST_ID.fullmatch(shown) else ""


def _contract_status(charge: Charge) -> str:
    """Return one of the contract's three; an order that will never be charged has failed."""
    return (Status.FAILED if charge.status is Status.VOIDED else charge.status).value


def _text(field: str, value: str, longest: int) -> str:
    if not value or len(value) > longest or "\0" in value:
        raise Invalid(f"{field} must be 1 to {longest} characters, none of them NUL", field=field)
    return value


def _order_id(text: str) -> str:
    """Return the one spelling of the id: another one must not become a second charge."""
    return str(parse_id(text) or _text("order_id", text, _ORDER_ID_MAX))


def _amount(text: str) -> Money:
    if (amount := parse_money(text)) is None:
        raise Invalid(
            "amount must be a decimal of at least 0 with at most two decimals", field="amount"
        )
    return amount
