"""A store, and why one may not be opened, seen or changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import NewType
from uuid import UUID

from pasar.kit.errors import Conflict, Forbidden, NotFound
from pasar.store_service.identity import UserId

StoreId = NewType("StoreId", UUID)


class AlreadyHasStore(Conflict):
    """One store per user, for ever."""

    def __init__(self) -> None:
        super().__init__("user already has a store")


class StoreNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("store not found")


class NotStoreOwner(Forbidden):
    def __init__(self) -> None:
        super().__init__("forbidden: not store owner")


@dataclass(frozen=True, slots=True)
class Store:
    """A seller's shop; `logo_url` is relative to `/uploads/`, empty without a logo."""

    id: StoreId
    user_id: UserId
    name: str
    description: str
    logo_url: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewStore:
    id: StoreId
    user_id: UserId
    name: str
    description: str
