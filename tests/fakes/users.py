"""Accounts and sessions in memory, with the rules that the tables keep."""

from dataclasses import replace
from datetime import UTC, datetime

from pasar.kit.database import Tx
from pasar.store_service.accounts.model import Account, EmailTaken, NewUser, Session, User
from pasar.store_service.accounts.repository import Sessions, Users
from pasar.store_service.identity import Role, UserId


class MemoryUsers:
    def __init__(self) -> None:
        self.accounts: dict[UserId, Account] = {}

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
            return await self.insert(new)
        if known.user.role is not Role.ADMIN:
            raise EmailTaken
        user = replace(known.user, name=new.name, updated_at=datetime.now(UTC))
        self.accounts[user.id] = Account(
            user, new.password_hash, known.token_version + 1, disabled=False
        )
        return user

    async def disable(self, user_id: UserId) -> None:
        account = self.accounts[user_id]
        if not account.disabled:
            version = account.token_version + 1
            self.accounts[user_id] = replace(account, token_version=version, disabled=True)


class MemorySessions:
    def __init__(self, users: MemoryUsers) -> None:
        self.users = users
        self.kept: list[Session] = []

    async def insert(self, session: Session) -> bool:
        current = self.users.accounts[session.user_id].token_version == session.token_version
        if current:
            self.kept.append(session)
        return current


_: tuple[type[Users], type[Sessions]] = (MemoryUsers, MemorySessions)
