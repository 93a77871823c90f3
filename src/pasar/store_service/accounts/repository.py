"""Where accounts and sessions are kept, as the business sees it."""

from collections.abc import Mapping
from typing import Protocol

from pasar.kit.database import Tx
from pasar.store_service.accounts.model import (
    Account,
    Issue,
    NewUser,
    Presented,
    Session,
    User,
)
from pasar.store_service.identity import UserId


class Users(Protocol):
    """All accounts. Every method raises kit.errors.Unavailable while the database is away."""

    async def insert(self, new: NewUser) -> User:
        """Add an account. Raises EmailTaken; of simultaneous twins one gets in."""
        ...

    async def find(self, email: str) -> Account | None:
        """Return the account of exactly this address, else the one that differs in case only."""
        ...

    async def find_by_id(self, user_id: UserId) -> Account | None:
        """Return the account as it is now."""
        ...

    async def rehash(self, user_id: UserId, old_hash: str, new_hash: str) -> None:
        """Replace a hash by a better one of the same password, unless it was changed meanwhile."""
        ...

    async def make_seller(self, tx: Tx, user_id: UserId) -> None:
        """Turn a buyer into a seller, in the transaction that opens the store."""
        ...

    async def save_admin(self, new: NewUser) -> User:
        """
        Add an admin, or give the admin of that address this name and password, enabled again.

        Sessions of an existing one end. Raises EmailTaken when the address is not an admin's.
        """
        ...

    async def disable(self, user_id: UserId) -> None:
        """Let nobody in by this account any more and end its sessions."""
        ...


class Sessions(Protocol):
    """
    What logins opened. Every method raises kit.errors.Unavailable while the database is away.

    Of simultaneous calls about one family each sees what the one before it left.
    """

    async def insert(self, session: Session) -> bool:
        """Keep a session; False, and nothing kept, when the account's tokens ended meanwhile."""
        ...

    async def renew(self, old: Presented, issue: Issue, sha256: bytes, *, rotate: bool) -> bool:
        """
        Add a token to the family of a live one, which with `rotate` is used up by it.

        False, and nothing changed, when the old one is unknown, used, expired or revoked.
        """
        ...

    async def repeat(self, old: Presented, grace_s: float) -> Issue | None:
        """
        Return the successor of a token used at most `grace_s` ago, while it is unused itself.

        In any other case the old token is in wrong hands: None, and its whole family is revoked.
        """
        ...

    async def revoke(self, token: Presented) -> None:
        """End the token's family; nothing happens when it is unknown or over already."""
        ...

    async def end_all(self, user_id: UserId) -> None:
        """End all families of the user and, by a new token version, all access tokens."""
        ...

    async def ended(self, within_s: float) -> Mapping[UserId, int]:
        """Return the token version in force of each account whose tokens ended this lately."""
        ...


class LoginWindows(Protocol):
    """
    Failed logins of one account, counted over some minutes (reliability H43).

    All strangers share the account's window; an address that opened a session of the account in
    the last 30 days has its own. Raises kit.errors.Unavailable while the database is away.
    """

    async def admit(self, email: str, address: str) -> int:
        """
        Count a try beforehand, so that a crowd cannot pass, and return its number.

        Raises TooManyFailures, without counting, while the window is full.
        """
        ...

    async def forgive(self, attempt: int) -> None:
        """Take back a try that did not fail."""
        ...
