"""Stores in JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from pasar.store_service.stores.model import Store
from pasar.store_service.web.fields import Body, Rule, at_most, not_blank, not_only_blanks


class OpenStoreBody(Body, frozen=True):
    name: str = ""
    description: str = ""

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {
        "name": (not_blank, at_most(255)),
        "description": (at_most(20_000),),
    }


class UpdateStoreBody(Body, frozen=True):
    """Absent and empty members stay as they are (contract C5)."""

    name: str = ""
    description: str = ""

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {
        "name": (not_only_blanks, at_most(255)),
        "description": (at_most(20_000),),
    }


class StoreJson(msgspec.Struct, frozen=True):
    id: UUID
    user_id: UUID
    name: str
    description: str
    logo_url: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, store: Store) -> "StoreJson":
        return cls(
            id=store.id,
            user_id=store.user_id,
            name=store.name,
            description=store.description,
            logo_url=store.logo_url,
            created_at=store.created_at,
            updated_at=store.updated_at,
        )
