"""The client against a server that answers, refuses, is slow, or is not there."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import grpc
import pytest

from pasar.contracts import payment_pb2 as pb
from pasar.contracts.payment_pb2_grpc import (
    PaymentServiceServicer,
    add_PaymentServiceServicer_to_server,
)
from pasar.engines.ports import any_free
from pasar.kit.breaker import Breaker
from pasar.kit.errors import Unavailable
from pasar.kit.log import request_id
from pasar.kit.money import Money
from pasar.store_service.orders.model import OrderId
from pasar.store_service.payments.grpc_client import GrpcCharges, GrpcSettings
from pasar.store_service.payments.model import Charge, ChargeState, DueRefund, RefundRefused
from tests.fakes.clock import HeldClock

if TYPE_CHECKING:
    from grpc.aio import ServicerContext as Context

QuestionT = TypeVar("QuestionT")
AnswerT = TypeVar("AnswerT")

ORDER = OrderId(UUID("0190c7a2-0000-7000-8000-000000000001"))
REFUND = DueRefund(UUID("0190c7a2-0000-7000-8000-000000000002"), ORDER, Money(1050))
TOKEN = "the service token of these tests, 32 bytes"


class Scripted(PaymentServiceServicer):
    """Answers with the next word of the script: a state, a refusal, or silence."""

    def __init__(self) -> None:
        self.script: list[str | grpc.StatusCode] = []
        self.questions: list[object] = []
        self.metadata: dict[str, str] = {}

    async def _word(self, request: QuestionT, context: "Context[QuestionT, AnswerT]") -> str:
        self.questions.append(request)
        self.metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
        word = self.script.pop(0)
        if word == "silence":
            await asyncio.Event().wait()
        if isinstance(word, grpc.StatusCode):
            await context.abort(word, "so says the script")
        return str(word)

    async def GetPaymentStatus(  # noqa: N802  the contract's name
        self,
        request: pb.GetPaymentStatusRequest,
        context: "Context[pb.GetPaymentStatusRequest, pb.GetPaymentStatusResponse]",
    ) -> pb.GetPaymentStatusResponse:
        word = await self._word(request, context)
        return pb.GetPaymentStatusResponse(payment_id="pay_1", amount="10.5", state=word)

    async def VoidPayment(  # noqa: N802  the contract's name
        self,
        request: pb.VoidPaymentRequest,
        context: "Context[pb.VoidPaymentRequest, pb.VoidPaymentResponse]",
    ) -> pb.VoidPaymentResponse:
        return pb.VoidPaymentResponse(state=await self._word(request, context))

    async def RefundPayment(  # noqa: N802  the contract's name
        self,
        request: pb.RefundPaymentRequest,
        context: "Context[pb.RefundPaymentRequest, pb.RefundPaymentResponse]",
    ) -> pb.RefundPaymentResponse:
        return pb.RefundPaymentResponse(status=await self._word(request, context))

    async def ListCharges(  # noqa: N802  the contract's name
        self,
        request: pb.ListChargesRequest,
        context: "Context[pb.ListChargesRequest, pb.ListChargesResponse]",
    ) -> pb.ListChargesResponse:
        listed = pb.ListedCharge(order_id="1", payment_id="pay_1", state="voided", refund_id="r")
        cursor = await self._word(request, context)
        return pb.ListChargesResponse(charges=[listed], next_cursor=cursor)

    async def ProcessPayment(  # noqa: N802  the contract's name
        self,
        request: pb.ProcessPaymentRequest,
        context: "Context[pb.ProcessPaymentRequest, pb.ProcessPaymentResponse]",
    ) -> pb.ProcessPaymentResponse:
        raise NotImplementedError


@pytest.fixture
async def scripted() -> AsyncIterator[tuple[Scripted, str]]:
    servicer = Scripted()
    server = grpc.aio.server()
    add_PaymentServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield servicer, f"127.0.0.1:{port}"
    await server.stop(None)


def settings(address: str) -> GrpcSettings:
    return GrpcSettings(
        address=address,
        token=TOKEN,
        authority=None,
        call_timeout_s=5,
        slow_call_timeout_s=5,
        tries=3,
        keepalive_s=30,
        max_message_bytes=65_536,
    )


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
async def server(scripted: tuple[Scripted, str]) -> Scripted:
    return scripted[0]


@pytest.fixture
async def charges(scripted: tuple[Scripted, str], clock: HeldClock) -> AsyncIterator[GrpcCharges]:
    made = client(settings(scripted[1]), clock)
    yield made
    await made.close()


def client(how: GrpcSettings, clock: HeldClock) -> GrpcCharges:
    return GrpcCharges(how, Breaker("payment", failures=2, open_s=2, clock=clock))


@pytest.mark.parametrize("state", ChargeState)
async def test_a_charge_is_read_with_its_state(
    server: Scripted, charges: GrpcCharges, state: ChargeState
) -> None:
    server.script = [state.value]

    assert await charges.find(ORDER) == Charge(state, "pay_1", Money(1050))
    assert server.questions == [pb.GetPaymentStatusRequest(order_id=str(ORDER))]


async def test_an_unknown_charge_is_none(server: Scripted, charges: GrpcCharges) -> None:
    server.script = [grpc.StatusCode.NOT_FOUND]

    assert await charges.find(ORDER) is None


async def test_a_void_in_progress_is_a_pending_charge(
    server: Scripted, charges: GrpcCharges
) -> None:
    server.script = ["in_progress", "voided"]

    assert await charges.void(ORDER, "never paid") == Charge(ChargeState.PENDING, "", None)
    assert await charges.void(ORDER, "never paid") == Charge(ChargeState.VOIDED, "", None)
    assert server.questions[0] == pb.VoidPaymentRequest(order_id=str(ORDER), reason="never paid")


async def test_a_refund_is_done_once_it_is_said_so(server: Scripted, charges: GrpcCharges) -> None:
    server.script = ["pending", "success"]

    assert [await charges.refund(REFUND), await charges.refund(REFUND)] == [False, True]
    [first, second] = server.questions
    assert first == second
    assert first == pb.RefundPaymentRequest(
        refund_id=str(REFUND.id), order_id=str(ORDER), amount="10.5"
    )


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.ALREADY_EXISTS]
)
async def test_a_refused_refund_is_told_apart_from_silence(
    server: Scripted, charges: GrpcCharges, code: grpc.StatusCode
) -> None:
    server.script = [code]
    with pytest.raises(RefundRefused, match="so says the script"):
        await charges.refund(REFUND)


async def test_the_books_are_read_page_by_page(server: Scripted, charges: GrpcCharges) -> None:
    server.script = ["more", ""]
    first = await charges.page("")
    last = await charges.page(first.next_cursor)

    assert [first.next_cursor, last.next_cursor] == ["more", ""]
    assert first.charges[0].charge == Charge(ChargeState.VOIDED, "pay_1", None)
    assert server.questions[1] == pb.ListChargesRequest(cursor="more", limit=200)


async def test_h56_the_token_and_the_request_id_go_along(
    server: Scripted, charges: GrpcCharges
) -> None:
    server.script = ["success"]
    request_id.set("req-7")
    await charges.find(ORDER)

    assert server.metadata["authorization"] == f"Bearer {TOKEN}"
    assert server.metadata["x-request-id"] == "req-7"


async def test_who_is_not_there_is_tried_three_times(
    server: Scripted, charges: GrpcCharges
) -> None:
    server.script = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE, "success"]
    charge = await charges.find(ORDER)
    server.script = [grpc.StatusCode.UNAVAILABLE] * 4
    with pytest.raises(Unavailable):
        await charges.find(ORDER)

    assert charge
    assert len(server.script) == 1


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INTERNAL])
async def test_other_refusals_are_no_answer_and_not_repeated(
    server: Scripted, charges: GrpcCharges, code: grpc.StatusCode
) -> None:
    for ask in (
        lambda: charges.find(ORDER),
        lambda: charges.void(ORDER, "x"),
        lambda: charges.refund(REFUND),
        lambda: charges.page(""),
    ):
        server.script = [code, "success"]
        with pytest.raises(Unavailable, match=code.name):
            await ask()
        assert server.script == ["success"]


async def test_h28_a_slow_payment_service_holds_nobody_up_for_longer_than_the_deadline(
    scripted: tuple[Scripted, str], clock: HeldClock
) -> None:
    server, address = scripted
    hasty = client(replace(settings(address), call_timeout_s=0.05), clock)
    server.script = ["silence"] * 3
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable, match="DEADLINE_EXCEEDED"):
            await hasty.find(ORDER)
    await hasty.close()

    assert len(server.script) == 2


async def test_h28_after_silences_in_a_row_it_is_left_alone_then_probed(
    server: Scripted, charges: GrpcCharges, clock: HeldClock
) -> None:
    server.script = [grpc.StatusCode.UNAVAILABLE] * 6 + ["success"]
    for _ in range(3):
        with pytest.raises(Unavailable):
            await charges.find(ORDER)
    spared = list(server.script)
    clock.advance(2)

    assert spared == ["success"]
    assert await charges.find(ORDER)


async def test_h28_a_port_where_nobody_listens_is_silence(clock: HeldClock) -> None:
    nobody = client(settings(f"127.0.0.1:{any_free('127.0.0.1')}"), clock)
    with pytest.raises(Unavailable, match="UNAVAILABLE"):
        await nobody.void(ORDER, "never paid")
    await nobody.close()
