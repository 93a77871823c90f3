"""Where accounts and sessions are kept, as the business sees it."""

from typing import Protocol

from pasar.kit.database import Tx
from pasar.store_service.accounts.model import Account, NewUser, Session, User
from pasar.store_service.identity import UserId


class Users(Protocol):
    """All accounts. Every method raises kit.errors.Unavailable while the database is away."""

    async def insert(self, new: NewUser) -> User:
        """Add an account. Raises EmailTaken; of simultaneous twins one gets in."""
        ...

    async def find(self, email: str) -> Account | None:
        """Return the account of exactly this address, else the one that differs in case only."""
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

        Tokens of an existing one end. Raises EmailTaken when the address is not an admin's.
        """
        ...

    async def disable(self, user_id: UserId) -> None:
        """Let nobody in by this account any more and end its tokens."""
        ...


class Sessions(Protocol):
    """What logins opened."""

    async def insert(self, session: Session) -> bool:
        """
        Keep a session; False, and nothing kept, when the account's tokens were ended meanwhile.

        Raises kit.errors.Unavailable while the database is away.
        """
        ...
