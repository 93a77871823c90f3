"""Who may hear an order's story, and which of it."""

from collections.abc import Sequence

from pasar.store_service.identity import Identity, Role
from pasar.store_service.orders.model import NotOrderOwner, NotSellersOrder, SellerWithoutStore
from pasar.store_service.stores.model import StoreId
from pasar.store_service.timeline.model import Concerned, Entry


def check_concerned(caller: Identity, concerned: Concerned) -> None:
    """Raise unless the caller is its buyer, a seller with a part in it, or an administrator."""
    match caller.role:
        case Role.BUYER if concerned.buyer != caller.user_id:
            raise NotOrderOwner
        case Role.SELLER if concerned.store_id is None:
            raise SellerWithoutStore
        case Role.SELLER if not concerned.sells:
            raise NotSellersOrder
        case _:
            return


def own_part(entries: Sequence[Entry], store_id: StoreId) -> Sequence[Entry]:
    """
    Return what happened to the store's own part (contract D28), alone or with the whole order.

    A step of the whole order that a seller took tells of its least advanced part: others' affair.
    """
    return [
        entry
        for entry in entries
        if entry.store_id == store_id
        or entry.kind == "request"
        or (entry.kind == "status" and entry.store_id is None and entry.actor != "seller")
    ]
