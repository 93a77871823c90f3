"""Pairs of tokens: made, renewed and ended; `service.py` opens the first of a session."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from pasar.kit import failpoints
from pasar.kit.clock import Clock
from pasar.kit.ids import Ids, parse_id
from pasar.kit.tokens import ACCESS, REFRESH, BadToken, Claims, TokenSigner, TokenVerifier
from pasar.store_service.accounts.model import (
    Account,
    BadRefreshToken,
    Issue,
    Presented,
    TokenPair,
)
from pasar.store_service.accounts.repository import Sessions, Users
from pasar.store_service.identity import Role, UserId


class Issuer:
    """Make the two tokens of a session: the same account and issue give the same two."""

    def __init__(
        self, signer: TokenSigner, ids: Ids, clock: Clock, *, access_s: float, refresh_s: float
    ) -> None:
        self.signer = signer
        self.ids = ids
        self.clock = clock
        self.access = timedelta(seconds=int(access_s))
        self.refresh = timedelta(seconds=int(refresh_s))

    def issue(self, role: Role) -> Issue:
        now = self.clock.now().replace(microsecond=0)
        return Issue(
            refresh_jti=self.ids.new(),
            access_jti=self.ids.new(),
            role=role,
            issued_at=now,
            expires_at=now + self.refresh,
        )

    def pair(self, account: Account, issue: Issue) -> TokenPair:
        """Sign both; a refresh token bears no version, as its family is what ends it."""
        access, refresh = issue.access_jti, issue.refresh_jti
        ends = issue.issued_at + self.access
        return TokenPair(
            self._sign(account, issue, ACCESS, access, account.token_version, ends),
            self._sign(account, issue, REFRESH, refresh, 0, issue.expires_at),
        )

    def _sign(
        self, account: Account, issue: Issue, kind: str, jti: UUID, version: int, ends: datetime
    ) -> str:
        claims = Claims(
            user_id=str(account.user.id),
            email=account.user.email,
            role=issue.role.value,
            token_type=kind,
            jti=str(jti),
            ver=version,
            iat=int(issue.issued_at.timestamp()),
            exp=int(ends.timestamp()),
        )
        return self.signer.sign(claims)


class SessionService:
    """
    Renew and end what logins opened.

    With `rotate` a refresh token works once, and again for `grace_s` seconds as long as nobody has
    used what it was exchanged for: the answer may have been lost on its way.
    """

    def __init__(
        self,
        users: Users,
        sessions: Sessions,
        issuer: Issuer,
        verifier: TokenVerifier,
        *,
        rotate: bool,
        grace_s: float,
    ) -> None:
        self.users = users
        self.sessions = sessions
        self.issuer = issuer
        self.verifier = verifier
        self.rotate = rotate
        self.grace_s = grace_s

    async def refresh(self, token: str) -> TokenPair:
        """
        Exchange a refresh token for a new pair, with the role that the account has now.

        Raises BadRefreshToken; for one used too often its whole family ends.
        """
        user_id, old = self._presented(token)
        account = await self.users.find_by_id(user_id)
        if account is None or account.disabled:
            raise BadRefreshToken
        issue = self.issuer.issue(account.user.role)
        pair = self.issuer.pair(account, issue)
        if await self.sessions.renew(old, issue, sha256(pair.refresh_token), rotate=self.rotate):
            await failpoints.reach("refresh.after_update")
            return pair
        repeated = await self.sessions.repeat(old, self.grace_s)
        if repeated is None:
            raise BadRefreshToken
        return self.issuer.pair(account, repeated)

    async def logout(self, token: str) -> None:
        """End the token's family, but no access token. Raises BadRefreshToken."""
        _, presented = self._presented(token)
        await self.sessions.revoke(presented)

    async def logout_all(self, user_id: UserId) -> None:
        """End all sessions of the user, access tokens too."""
        await self.sessions.end_all(user_id)

    def _presented(self, token: str) -> tuple[UserId, Presented]:
        try:
            claims = self.verifier.verify(token, REFRESH)
        except BadToken:
            raise BadRefreshToken from None
        user_id, jti = parse_id(claims.user_id), parse_id(claims.jti)
        if user_id is None or jti is None:
            raise BadRefreshToken
        return UserId(user_id), Presented(jti, sha256(token))


def sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
