"""
Rate limits: which buckets a request is charged to, and what its client is told about them.

The windows themselves are `kit/ratelimit.py`; the classes and their routes stand in `routes.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from pasar.kit.errors import RateLimited, Unavailable
from pasar.kit.ratelimit import Limiter, Verdict
from pasar.store_service.web.address import bucket_address
from pasar.store_service.web.envelope import Exchange, Header
from pasar.store_service.web.route import Limit

OFF: Final = 0
"""A class with this limit is neither charged nor reported."""


class Limits:
    """
    Charges a request to the buckets of its classes, in the row's order.

    With Redis away the public and auth classes are open, and the login class counts in `fallback`:
    each of the `processes` for itself, with its share of the limit (contract D29).
    """

    def __init__(
        self,
        limiter: Limiter,
        fallback: Limiter,
        per_minute: Mapping[Limit, int],
        *,
        processes: int,
    ) -> None:
        self._limiter = limiter
        self._fallback = fallback
        self._per_minute = per_minute
        self._processes = processes

    async def charge(self, classes: Sequence[Limit], exchange: Exchange, user: str | None) -> None:
        """
        Admit the request, or raise RateLimited; either way the tighter bucket is reported.

        A bucket belongs to `user`, where there is one, else to the client's address. The first
        class that refuses ends the asking: the later ones are not charged.
        """
        owner = user or bucket_address(exchange.address)
        verdicts: list[Verdict] = []
        for limit in classes:
            verdict = await self._admit(limit, owner)
            if verdict is not None:
                verdicts.append(verdict)
                if not verdict.allowed:
                    break
        if not verdicts:
            return
        tightest = min(verdicts, key=lambda verdict: (verdict.allowed, verdict.remaining))
        exchange.headers += _reported(tightest)
        if not tightest.allowed:
            raise RateLimited(tightest.retry_after_s)

    async def _admit(self, limit: Limit, owner: str) -> Verdict | None:
        per_minute = self._per_minute[limit]
        if per_minute == OFF:
            return None
        bucket = f"{limit}:{owner}"
        try:
            return await self._limiter.admit(bucket, per_minute)
        except Unavailable:
            if limit is Limit.LOGIN:
                return await self._fallback.admit(bucket, max(1, per_minute // self._processes))
            return None


def _reported(verdict: Verdict) -> list[Header]:
    return [
        (b"x-ratelimit-limit", b"%d" % verdict.limit),
        (b"x-ratelimit-remaining", b"%d" % verdict.remaining),
        (b"x-ratelimit-reset", b"%d" % verdict.reset_at),
    ]
