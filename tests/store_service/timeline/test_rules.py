"""Who hears an order's story, and which of it."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from pasar.kit.errors import PasarError
from pasar.store_service.identity import Identity, Role, UserId
from pasar.store_service.orders.model import NotOrderOwner, NotSellersOrder, SellerWithoutStore
from pasar.store_service.stores.model import StoreId
from pasar.store_service.timeline.model import Concerned, Entry
from pasar.store_service.timeline.rules import check_concerned, own_part

ANA, BEN = UserId(UUID(int=1)), UserId(UUID(int=2))
MINE, OTHERS = StoreId(UUID(int=3)), StoreId(UUID(int=4))


def caller(user_id: UserId, role: Role) -> Identity:
    return Identity(user_id, "a@example.com", role)


@pytest.mark.parametrize(
    ("asker", "concerned"),
    [
        (caller(ANA, Role.BUYER), Concerned(ANA, None, sells=False)),
        (caller(BEN, Role.SELLER), Concerned(ANA, MINE, sells=True)),
        (caller(BEN, Role.ADMIN), Concerned(ANA, None, sells=False)),
    ],
)
def test_d58_buyer_seller_and_administrator_may_hear_it(
    asker: Identity, concerned: Concerned
) -> None:
    check_concerned(asker, concerned)


@pytest.mark.parametrize(
    ("asker", "concerned", "refusal"),
    [
        (caller(BEN, Role.BUYER), Concerned(ANA, None, sells=False), NotOrderOwner),
        (caller(BEN, Role.BUYER), Concerned(ANA, MINE, sells=True), NotOrderOwner),
        (caller(BEN, Role.SELLER), Concerned(ANA, None, sells=False), SellerWithoutStore),
        (caller(ANA, Role.SELLER), Concerned(ANA, MINE, sells=False), NotSellersOrder),
    ],
)
def test_d58_nobody_else_may(
    asker: Identity, concerned: Concerned, refusal: type[PasarError]
) -> None:
    with pytest.raises(refusal):
        check_concerned(asker, concerned)


def test_d28_a_seller_hears_of_the_own_part_and_of_what_befell_all_parts() -> None:
    def entry(kind: str, text: str, actor: str = "", store: StoreId | None = None) -> Entry:
        return Entry(datetime.now(UTC), kind, text, actor, store, "")

    told = [
        entry("request", "checkout", "buyer"),
        entry("status", "pending → paid", "system"),
        entry("status", "Mine: paid → processing", "seller", MINE),
        entry("stock", "-1 of Lamp", store=MINE),
    ]
    kept_back = [
        entry("status", "paid → processing", "seller"),
        entry("status", "Others: paid → processing", "seller", OTHERS),
        entry("stock", "-1 of Vase", store=OTHERS),
        entry("payment", "10 IDR owed"),
        entry("message", "order.created sent"),
    ]

    assert own_part([*told, *kept_back], MINE) == told
