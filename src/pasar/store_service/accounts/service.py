"""Register and log in; and what the operator does about admins."""

import asyncio
from weakref import WeakValueDictionary

from pasar.kit.errors import Unavailable
from pasar.kit.ids import Ids
from pasar.kit.passwords import Passwords
from pasar.store_service.accounts.model import (
    Account,
    BadCredentials,
    NewUser,
    Session,
    TokenPair,
    User,
)
from pasar.store_service.accounts.repository import LoginWindows, Sessions, Users
from pasar.store_service.accounts.rules import (
    SEEDED_ADMIN_EMAIL,
    SEEDED_ADMIN_PASSWORD,
    STRONG,
    PasswordRule,
    account_tried,
)
from pasar.store_service.accounts.sessions import Issuer, sha256
from pasar.store_service.identity import Role, UserId


class AccountService:
    """
    Open accounts and sessions.

    `new_passwords` is for registration; admins need strong ones. `tries_at_once` logins of one
    account are judged at a time, the others wait: a try counts as failed until it has succeeded,
    and a crowd of right ones must not fill the account's window.
    """

    def __init__(
        self,
        users: Users,
        sessions: Sessions,
        windows: LoginWindows,
        passwords: Passwords,
        issuer: Issuer,
        ids: Ids,
        *,
        new_passwords: PasswordRule,
        tries_at_once: int,
    ) -> None:
        self.users = users
        self.sessions = sessions
        self.windows = windows
        self.passwords = passwords
        self.issuer = issuer
        self.ids = ids
        self.new_passwords = new_passwords
        self.tries_at_once = tries_at_once
        self._turns = WeakValueDictionary[str, asyncio.Semaphore]()

    async def register(self, email: str, password: str, name: str) -> User:
        """Open a buyer's account. Raises EmailTaken, and Invalid for a weak password."""
        self.new_passwords.check(password)
        return await self.users.insert(await self._new(email, password, name, Role.BUYER))

    async def login(self, email: str, password: str, address: str) -> TokenPair:
        """
        Open a session for the client at this address; an unknown account costs the same work.

        Raises:
            TooManyFailures: the account's window is full; no password was looked at.
            BadCredentials: for whatever reason.
            kit.errors.Unavailable: too many are logging in, or the database is away.
        """
        email = account_tried(email)
        async with self._turn(email):
            attempt = await self.windows.admit(email, address)
            try:
                pair = await self._login(email, password, address)
            except Unavailable:
                await self.windows.forgive(attempt)
                raise
            await self.windows.forgive(attempt)
        return pair

    def _turn(self, email: str) -> asyncio.Semaphore:
        """Return what all who are trying this account right now share; it goes with the last."""
        fresh = asyncio.Semaphore(self.tries_at_once)
        return self._turns.setdefault(email.lower(), fresh)

    async def _login(self, email: str, password: str, address: str) -> TokenPair:
        account = await self.users.find(email)
        fits = await self.passwords.verify(password, account.password_hash if account else None)
        if account is None or account.disabled or not fits:
            raise BadCredentials
        await self._renew_hash(account, password)
        issue = self.issuer.issue(account.user.role)
        pair = self.issuer.pair(account, issue)
        session = Session(
            family_id=self.ids.new(),
            user_id=account.user.id,
            token_version=account.token_version,
            address=address,
            issue=issue,
            token_sha256=sha256(pair.refresh_token),
        )
        if not await self.sessions.insert(session):
            raise BadCredentials
        return pair

    async def create_admin(self, email: str, password: str, name: str) -> User:
        """
        Set up an admin, and disable the seeded one while its password is the published one.

        Raises:
            kit.errors.Invalid: a password that may not guard an admin.
            EmailTaken: the address belongs to somebody who is no admin.
        """
        STRONG.check(password)
        admin = await self.users.save_admin(await self._new(email, password, name, Role.ADMIN))
        if seeded := await self._seeded_admin():
            await self.users.disable(seeded.user.id)
        return admin

    async def default_admin_in_force(self) -> bool:
        """Tell whether anybody could log in as the seeded admin with the published password."""
        return await self._seeded_admin() is not None

    async def _seeded_admin(self) -> Account | None:
        account = await self.users.find(SEEDED_ADMIN_EMAIL)
        if account is None or account.disabled:
            return None
        known = await self.passwords.verify(SEEDED_ADMIN_PASSWORD, account.password_hash)
        return account if known else None

    async def _new(self, email: str, password: str, name: str, role: Role) -> NewUser:
        password_hash = await self.passwords.hash(password)
        return NewUser(UserId(self.ids.new()), email, name, role, password_hash)

    async def _renew_hash(self, account: Account, password: str) -> None:
        if self.passwords.needs_rehash(account.password_hash):
            better = await self.passwords.hash(password)
            await self.users.rehash(account.user.id, account.password_hash, better)
