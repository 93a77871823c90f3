"""Idempotency keys in memory."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from pasar.kit.errors import KeyReused
from pasar.kit.idempotency import Claim, Done, KeyInUse, Once, Replayed


class MemoryOnce:
    def __init__(self) -> None:
        self._kept: dict[tuple[UUID, str, str], tuple[bytes, Replayed]] = {}
        self._busy: set[tuple[UUID, str, str]] = set()

    async def do(self, claim: Claim, work: Callable[[], Awaitable[Done]]) -> Done | Replayed:
        scope = (claim.user_id, claim.route, claim.key)
        if scope in self._busy:
            raise KeyInUse
        if scope in self._kept:
            sha256, answer = self._kept[scope]
            if sha256 != claim.sha256:
                raise KeyReused
            return answer
        self._busy.add(scope)
        try:
            done = await work()
        finally:
            self._busy.remove(scope)
        self._kept[scope] = (claim.sha256, Replayed(done.status, done.body))
        return done


_: type[Once] = MemoryOnce
