"""One order's story over both schemas."""

from uuid import UUID, uuid4

from pasar.audit.story import story
from pasar.kit.postgres import PostgresDatabase
from tests.audit.shop import IDS, SHOP, plant


async def test_a_story_goes_on_in_the_payment_service(owner: PostgresDatabase) -> None:
    await plant(owner, SHOP)
    await owner.execute(
        "INSERT INTO inbox (consumer, message_id) SELECT 'store', message_id FROM payment.outbox"
    )
    told = await story(owner, UUID(IDS["DECLINED"]))

    assert {(each.kind, each.text) for each in told} >= {
        ("request", "checkout, 5 in all"),
        ("status", "pending → cancelled"),
        ("charge", "5 IDR asked for, pay_2"),
        ("bank", "charge of 5, declined"),
        ("charge", "failed"),
        ("message", "payment.failed written"),
        ("message", "payment.failed taken in"),
    }
    assert [each.at for each in told] == sorted(each.at for each in told)


async def test_the_bank_is_told_of_under_the_request_that_began_the_charge(
    owner: PostgresDatabase,
) -> None:
    await plant(owner, SHOP)
    await owner.execute("UPDATE payment.charges SET request_id = 'req-1'")
    told = await story(owner, UUID(IDS["DECLINED"]))

    assert {each.request_id for each in told if each.kind in {"charge", "bank"}} == {"req-1"}


async def test_an_unknown_order_has_no_story(owner: PostgresDatabase) -> None:
    assert await story(owner, uuid4()) == []
