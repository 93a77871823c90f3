"""Register and log in; and what the operator does about admins."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID

from pasar.kit.clock import Clock
from pasar.kit.ids import Ids
from pasar.kit.passwords import Passwords
from pasar.kit.tokens import ACCESS, REFRESH, Claims, TokenSigner
from pasar.store_service.accounts.model import (
    Account,
    BadCredentials,
    NewUser,
    Session,
    TokenPair,
    User,
)
from pasar.store_service.accounts.repository import Sessions, Users
from pasar.store_service.accounts.rules import (
    SEEDED_ADMIN_EMAIL,
    SEEDED_ADMIN_PASSWORD,
    check_admin_password,
)
from pasar.store_service.identity import Role, UserId


class Issuer:
    """Make the two tokens of a new session, and the row that remembers them."""

    def __init__(
        self, signer: TokenSigner, ids: Ids, clock: Clock, *, access_s: float, refresh_s: float
    ) -> None:
        self.signer = signer
        self.ids = ids
        self.clock = clock
        self.access_s = int(access_s)
        self.refresh_s = int(refresh_s)

    def issue(self, account: Account, address: str) -> tuple[TokenPair, Session]:
        now = int(self.clock.now().timestamp())
        expires = now + self.refresh_s
        access_jti, refresh_jti = self.ids.new(), self.ids.new()
        pair = TokenPair(
            access_token=self._sign(account, ACCESS, access_jti, now, now + self.access_s),
            refresh_token=self._sign(account, REFRESH, refresh_jti, now, expires),
        )
        session = Session(
            family_id=self.ids.new(),
            user_id=account.user.id,
            token_version=account.token_version,
            address=address,
            refresh_jti=refresh_jti,
            access_jti=access_jti,
            token_sha256=hashlib.sha256(pair.refresh_token.encode()).digest(),
            role=account.user.role,
            issued_at=datetime.fromtimestamp(now, UTC),
            expires_at=datetime.fromtimestamp(expires, UTC),
        )
        return pair, session

    def _sign(self, account: Account, kind: str, jti: UUID, now: int, expires: int) -> str:
        claims = Claims(
            user_id=str(account.user.id),
            email=account.user.email,
            role=account.user.role.value,
            token_type=kind,
            jti=str(jti),
            ver=account.token_version,
            iat=now,
            exp=expires,
        )
        return self.signer.sign(claims)


class AccountService:
    def __init__(
        self, users: Users, sessions: Sessions, passwords: Passwords, issuer: Issuer, ids: Ids
    ) -> None:
        self.users = users
        self.sessions = sessions
        self.passwords = passwords
        self.issuer = issuer
        self.ids = ids

    async def register(self, email: str, password: str, name: str) -> User:
        """Open a buyer's account. Raises EmailTaken."""
        return await self.users.insert(await self._new(email, password, name, Role.BUYER))

    async def login(self, email: str, password: str, address: str) -> TokenPair:
        """
        Open a session for the client at this address; an unknown account costs the same work.

        Raises:
            BadCredentials: for whatever reason.
            kit.errors.Unavailable: too many are logging in, or the database is away.
        """
        account = await self.users.find(email)
        fits = await self.passwords.verify(password, account.password_hash if account else None)
        if account is None or account.disabled or not fits:
            raise BadCredentials
        await self._renew_hash(account, password)
        pair, session = self.issuer.issue(account, address)
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
        check_admin_password(password)
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
