"""Accounts in memory, with the rules that their table keeps."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from pasar.kit.database import Tx
from pasar.store_service.accounts.model import Account, EmailTaken, NewUser, User
from pasar.store_service.accounts.repository import Users
from pasar.store_service.identity import Role, UserId


@dataclass(slots=True)
class Family:
    user_id: UserId
    address: str
    revoked: bool = False


class MemoryUsers:
    def __init__(self) -> None:
        self.accounts: dict[UserId, Account] = {}
        self.families: dict[UUID, Family] = {}
        self.sessions_ended_at: dict[UserId, datetime] = {}

    async def insert(self, new: NewUser) -> User:
        if await self.find(new.email):
            raise EmailTaken
        now = datetime.now(UTC)
        user = User(new.id, new.email, new.name, new.role, now, now)
        self.accounts[new.id] = Account(user, new.password_hash, 0, disabled=False)
        return user

    async def find(self, email: str) -> Account | None:
        matches = (a for a in self.accounts.values() if a.user.email.lower() == email.lower())
        return next(matches, None)

    async def find_by_id(self, user_id: UserId) -> Account | None:
        return self.accounts.get(user_id)

    async def rehash(self, user_id: UserId, old_hash: str, new_hash: str) -> None:
        account = self.accounts[user_id]
        if account.password_hash == old_hash:
            self.accounts[user_id] = replace(account, password_hash=new_hash)

    async def make_seller(self, _tx: Tx, user_id: UserId) -> None:
        account = self.accounts[user_id]
        if account.user.role is Role.BUYER:
            self.accounts[user_id] = replace(account, user=replace(account.user, role=Role.SELLER))

    async def save_admin(self, new: NewUser) -> User:
        known = await self.find(new.email)
        if known is None:
            await self.insert(new)
        elif known.user.role is not Role.ADMIN:
            raise EmailTaken
        else:
            user = replace(known.user, name=new.name, updated_at=datetime.now(UTC))
            self.accounts[user.id] = Account(
                user, new.password_hash, known.token_version, disabled=False
            )
        account = await self.find(new.email)
        assert account is not None
        self.end_sessions(account.user.id)
        return account.user

    async def disable(self, user_id: UserId) -> None:
        account = self.accounts[user_id]
        if not account.disabled:
            self.accounts[user_id] = replace(account, disabled=True)
            self.end_sessions(user_id)

    def end_sessions(self, user_id: UserId) -> None:
        account = self.accounts[user_id]
        self.accounts[user_id] = replace(account, token_version=account.token_version + 1)
        self.sessions_ended_at[user_id] = datetime.now(UTC)
        for family in self.families.values():
            family.revoked |= family.user_id == user_id


_: type[Users] = MemoryUsers
