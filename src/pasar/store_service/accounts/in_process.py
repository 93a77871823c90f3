"""
Which access tokens are over, held in the process: no request asks the database.

A process that cannot look keeps what it knows; a new one judges no token before its first look.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from pasar.kit.errors import Unavailable
from pasar.kit.tokens import BadToken, Claims, Verifier
from pasar.kit.waiting import happens
from pasar.store_service.accounts.repository import Sessions

# A token may be issued, by a clock of another machine, a little after its account ended the others.
_MARGIN_S: Final = 60.0


class LiveTokens:
    """
    Verifies access tokens and refuses those that their account ended (reliability H41).

    A token counts as ended when its version is below the account's. Only accounts that ended
    theirs within `access_s`, the lifetime of such a token, are held: all older tokens are dead.
    `wake` has it look at once, else it does every `poll_s`.
    """

    def __init__(
        self, verifier: Verifier, sessions: Sessions, *, access_s: float, poll_s: float
    ) -> None:
        self._verifier = verifier
        self._sessions = sessions
        self._within_s = access_s + _MARGIN_S
        self._poll_s = poll_s
        self._least: Mapping[str, int] | None = None
        self._woken = asyncio.Event()

    def verify(self, token: str) -> Claims:
        """Return the claims of a live access token. Raises BadToken; Unavailable at the start."""
        claims = self._verifier.verify(token)
        if self._least is None:
            raise Unavailable
        if claims.ver < self._least.get(claims.user_id, 0):
            raise BadToken
        return claims

    def wake(self) -> None:
        self._woken.set()

    async def look(self) -> None:
        """Ask who ended tokens lately; nothing changes while the database is away."""
        with suppress(Unavailable):
            ended = await self._sessions.ended(self._within_s)
            self._least = {str(user_id): version for user_id, version in ended.items()}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._woken.clear()
            await self.look()
            await happens(self._woken, within_s=self._poll_s)


_: type[Verifier] = LiveTokens
