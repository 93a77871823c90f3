"""Paging through all charges, for the store's comparison."""

import base64
from uuid import UUID

import grpc
import pytest

from pasar.contracts import payment_pb2 as pb
from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.payment_service.model import Refund
from tests.payment_service.conftest import THE_STORE, Call, MakePayments, asked, refusal

REFUND = UUID("0190c7a2-0000-7000-8000-0000000000aa")
AT = "UPDATE charges SET updated_at = $2::text::timestamptz WHERE order_id = $1"
Code = grpc.StatusCode


async def test_all_charges_are_listed_once_page_by_page_oldest_change_first(
    make_payments: MakePayments, call: Call, payment_database: PostgresDatabase
) -> None:
    """Some share a moment, so that the order's id has to part them."""
    payments = make_payments()
    stub = await call(payments)
    for number in range(7):
        await payments.charge(asked(f"order-{number}"))
        await payment_database.execute(AT, f"order-{number}", f"2026-01-0{1 + number // 3}Z")

    pages: list[list[str]] = []
    cursor = ""
    while not pages or cursor:
        page = await stub.ListCharges(
            pb.ListChargesRequest(cursor=cursor, limit=2), metadata=THE_STORE
        )
        pages.append([charge.order_id for charge in page.charges])
        cursor = page.next_cursor

    assert pages == [
        ["order-0", "order-1"],
        ["order-2", "order-3"],
        ["order-4", "order-5"],
        ["order-6"],
    ]


async def test_a_page_that_just_fits_is_the_last_one(
    make_payments: MakePayments, call: Call
) -> None:
    payments = make_payments()
    stub = await call(payments)
    nothing = await stub.ListCharges(pb.ListChargesRequest(limit=1), metadata=THE_STORE)
    await payments.charge(asked())

    page = await stub.ListCharges(pb.ListChargesRequest(limit=1), metadata=THE_STORE)

    assert nothing == pb.ListChargesResponse()
    assert (len(page.charges), page.next_cursor) == (1, "")


async def test_a_listed_charge_tells_its_state_and_its_refund(
    make_payments: MakePayments, call: Call, payment_database: PostgresDatabase
) -> None:
    payments = make_payments()
    stub = await call(payments)
    charge = await payments.charge(asked("1"))
    await payments.refund(Refund(refund_id=REFUND, order_id="1", amount=Money(1050)))
    await payments.void("2", "buyer")
    await payment_database.execute(AT, "1", "2026-01-01T00:00:00.5Z")

    paid, voided = (
        await stub.ListCharges(pb.ListChargesRequest(limit=200), metadata=THE_STORE)
    ).charges

    assert paid == pb.ListedCharge(
        order_id="1",
        payment_id=charge.payment_id,
        state="success",
        amount="10.5",
        currency="IDR",
        updated_at="2026-01-01T00:00:00.500000Z",
        refund_id=str(REFUND),
    )
    assert (voided.order_id, voided.state, voided.refund_id) == ("2", "voided", "")


@pytest.mark.parametrize(
    ("since", "listed"),
    [
        ("", ["1", "2"]),
        ("2026-01-01T00:00:00Z", ["1", "2"]),
        ("2026-01-02T07:00:00+07:00", ["2"]),
        ("2026-01-02T00:00:00.000001Z", []),
    ],
)
async def test_a_listing_may_begin_at_a_moment_which_counts(
    make_payments: MakePayments,
    call: Call,
    payment_database: PostgresDatabase,
    since: str,
    listed: list[str],
) -> None:
    payments = make_payments()
    stub = await call(payments)
    for order in ("1", "2"):
        await payments.void(order, "buyer")
        await payment_database.execute(AT, order, f"2026-01-0{order}Z")

    page = await stub.ListCharges(pb.ListChargesRequest(since=since, limit=10), metadata=THE_STORE)

    assert [charge.order_id for charge in page.charges] == listed


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.ListChargesRequest(limit=0), "limit"),
        (pb.ListChargesRequest(limit=201), "limit"),
        (pb.ListChargesRequest(limit=1, since="yesterday"), "since"),
        (pb.ListChargesRequest(limit=1, since="2026-01-01T00:00:00"), "since"),
        (pb.ListChargesRequest(limit=1, since="0001-01-01T00:00:00+14:00"), "since"),
        (pb.ListChargesRequest(limit=1, cursor="é"), "cursor"),
        (pb.ListChargesRequest(limit=1, cursor="abc"), "cursor"),
        *(
            (pb.ListChargesRequest(limit=1, cursor=base64.b64encode(text).decode()), "cursor")
            for text in (
                b"\xff",
                b"[]",
                b'["2026-01-01T00:00:00Z", 1]',
                b'["2026-01-01T00:00:00Z", "a\\u0000"]',
                b'["0001-01-01T00:00:00+14:00", "a"]',
            )
        ),
    ],
)
async def test_an_unreadable_page_is_an_invalid_argument(
    make_payments: MakePayments, call: Call, request_: pb.ListChargesRequest, field: str
) -> None:
    stub = await call(make_payments())

    code, details = await refusal(stub.ListCharges(request_, metadata=THE_STORE))

    assert code is Code.INVALID_ARGUMENT
    assert (details or "").startswith(field)
