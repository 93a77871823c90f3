"""Accounts and sessions to put into a repository."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from pasar.kit.ids import TimeOrderedIds
from pasar.store_service.accounts.model import Issue, NewUser, Presented, Session, User
from pasar.store_service.accounts.repository import Sessions, Users
from pasar.store_service.identity import Role, UserId

IDS = TimeOrderedIds()
ADDRESS = "192.0.2.7"


def new_user(email: str = "Ana@example.com", role: Role = Role.BUYER) -> NewUser:
    return NewUser(UserId(IDS.new()), email, "Ana", role, "a hash")


def issued(lives_s: float = 3600) -> Issue:
    now = datetime.now(UTC).replace(microsecond=0)
    return Issue(
        refresh_jti=IDS.new(),
        access_jti=IDS.new(),
        role=Role.BUYER,
        issued_at=now,
        expires_at=now + timedelta(seconds=lives_s),
    )


def hash_of(jti: UUID) -> bytes:
    return hashlib.sha256(jti.bytes).digest()


def presented(issue: Issue) -> Presented:
    return Presented(issue.refresh_jti, hash_of(issue.refresh_jti))


def session_of(user: User, token_version: int = 0, *, lives_s: float = 3600) -> Session:
    issue = issued(lives_s)
    return Session(
        family_id=IDS.new(),
        user_id=user.id,
        token_version=token_version,
        address=ADDRESS,
        issue=issue,
        token_sha256=hash_of(issue.refresh_jti),
    )


@dataclass(frozen=True, slots=True)
class Login:
    """A session in a repository, and what can be done with its tokens."""

    users: Users
    sessions: Sessions
    user: User
    first: Issue

    @classmethod
    async def of(cls, users: Users, sessions: Sessions, lives_s: float = 3600) -> "Login":
        user = await users.insert(new_user())
        session = session_of(user, lives_s=lives_s)
        assert await sessions.insert(session)
        return cls(users, sessions, user, session.issue)

    async def again(self) -> Issue:
        """Open another session of the same account."""
        account = await self.users.find_by_id(self.user.id)
        assert account is not None
        session = session_of(self.user, account.token_version)
        assert await self.sessions.insert(session)
        return session.issue

    async def renew(self, old: Issue, *, rotate: bool = True) -> Issue | None:
        """Return the new token, or None when the old one was refused."""
        issue = issued()
        sha256 = hash_of(issue.refresh_jti)
        renewed = await self.sessions.renew(presented(old), issue, sha256, rotate=rotate)
        return issue if renewed else None

    async def must_renew(self, old: Issue) -> Issue:
        issue = await self.renew(old)
        assert issue is not None
        return issue
