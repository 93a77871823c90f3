"""What logins opened, and which ones failed, in memory, with the rules that the tables keep."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from pasar.store_service.accounts.model import Issue, Presented, Session, TooManyFailures
from pasar.store_service.accounts.repository import LoginWindows, Sessions
from pasar.store_service.identity import UserId
from tests.fakes.users import Family, MemoryUsers


@dataclass(slots=True)
class Token:
    family_id: UUID
    parent: UUID | None
    sha256: bytes
    issue: Issue
    used_at: datetime | None = None


class MemorySessions:
    def __init__(self, users: MemoryUsers) -> None:
        self.users = users
        self.kept: list[Session] = []
        self.tokens: dict[UUID, Token] = {}

    async def insert(self, session: Session) -> bool:
        current = self.users.accounts[session.user_id].token_version == session.token_version
        if current:
            self.kept.append(session)
            self.users.families[session.family_id] = Family(session.user_id, session.address)
            issue = session.issue
            token = Token(session.family_id, None, session.token_sha256, issue)
            self.tokens[issue.refresh_jti] = token
        return current

    async def renew(self, old: Presented, issue: Issue, sha256: bytes, *, rotate: bool) -> bool:
        token = self._live_family(old)
        if token is None or token.used_at or token.issue.expires_at <= datetime.now(UTC):
            return False
        if rotate:
            token.used_at = datetime.now(UTC)
        parent = old.jti if rotate else None
        self.tokens[issue.refresh_jti] = Token(token.family_id, parent, sha256, issue)
        return True

    async def repeat(self, old: Presented, grace_s: float) -> Issue | None:
        token = self._live_family(old)
        if token is None:
            return None
        since = datetime.now(UTC) - timedelta(seconds=grace_s)
        children = (child for child in self.tokens.values() if child.parent == old.jti)
        child = next(children, None)
        if child and not child.used_at and token.used_at and token.used_at > since:
            return child.issue
        self.users.families[token.family_id].revoked = True
        return None

    async def revoke(self, token: Presented) -> None:
        if found := self._live_family(token):
            self.users.families[found.family_id].revoked = True

    async def end_all(self, user_id: UserId) -> None:
        self.users.end_sessions(user_id)

    async def ended(self, within_s: float) -> Mapping[UserId, int]:
        since = datetime.now(UTC) - timedelta(seconds=within_s)
        return {
            user_id: self.users.accounts[user_id].token_version
            for user_id, at in self.users.sessions_ended_at.items()
            if at > since
        }

    def _live_family(self, presented: Presented) -> Token | None:
        token = self.tokens.get(presented.jti)
        if token is None or token.sha256 != presented.sha256:
            return None
        return None if self.users.families[token.family_id].revoked else token


class MemoryLoginWindows:
    def __init__(self, users: MemoryUsers, *, limit: int = 10, window_s: float = 900) -> None:
        self.users = users
        self.limit = limit
        self.window = timedelta(seconds=window_s)
        self.tries: dict[int, tuple[str, str, datetime]] = {}
        self._admitted = 0

    async def admit(self, email: str, address: str) -> int:
        account = await self.users.find(email)
        known = account is not None and any(
            family.user_id == account.user.id and family.address == address
            for family in self.users.families.values()
        )
        owner = (email.lower(), address if known else "")
        now = datetime.now(UTC)
        recent = [at for *whose, at in self.tries.values() if tuple(whose) == owner]
        recent = [at for at in recent if at > now - self.window]
        if len(recent) >= self.limit:
            free_in = min(recent) + self.window - now
            raise TooManyFailures(max(1, -(-free_in // timedelta(seconds=1))))
        self._admitted += 1
        self.tries[self._admitted] = (*owner, now)
        return self._admitted

    async def forgive(self, attempt: int) -> None:
        self.tries.pop(attempt, None)


_: tuple[type[Sessions], type[LoginWindows]] = (MemorySessions, MemoryLoginWindows)
