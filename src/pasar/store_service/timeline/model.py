"""What a story is made of, and whose order it is about."""

from dataclasses import dataclass
from datetime import datetime

from pasar.store_service.identity import UserId
from pasar.store_service.stores.model import StoreId


@dataclass(frozen=True, slots=True)
class Entry:
    """
    Something that happened to an order.

    `kind` is `request`, `status`, `stock`, `payment`, `refund`, `message` or `dead letter`; `text`
    says it in words. It is the affair of one store, or of the order as a whole without `store_id`.
    `actor` and `request_id` are empty where nobody noted them.
    """

    at: datetime
    kind: str
    text: str
    actor: str
    store_id: StoreId | None
    request_id: str

    def row(self) -> tuple[str, str, str, str, str]:
        """Return it as the row of a table: when, kind, text, actor, request id."""
        return f"{self.at:%Y-%m-%d %H:%M:%S.%f}", self.kind, self.text, self.actor, self.request_id


@dataclass(frozen=True, slots=True)
class Concerned:
    """Whose order it is, and what the asker has to do with it: a store, perhaps with a part."""

    buyer: UserId
    store_id: StoreId | None
    sells: bool
