"""What belongs to no feature: is the process alive, and does it want requests."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal

import msgspec

from pasar.kit import log
from pasar.kit.errors import Unavailable
from pasar.store_service.web.route import Call

Check = Callable[[], Awaitable[object]]
"""Asks one part whether it is there: returning means yes, any exception no."""

_log: Final = log.get("system")


class Health(msgspec.Struct, frozen=True):
    """`broker` is the kind in use, `nsq` or `streams`."""

    status: Literal["ok"]
    broker: str


class Ready(msgspec.Struct, frozen=True):
    status: Literal["ready"] = "ready"


class SystemHandler:
    def __init__(self, *, broker: str, checks: Mapping[str, Check], check_timeout_s: float) -> None:
        self._health = Health("ok", broker)
        self._checks = checks
        self._check_timeout_s = check_timeout_s
        self._draining = False
        self._away: set[str] = set()  # parts of which the log knows that they are

    def drain(self) -> None:
        """Say from now on that this process wants no more requests; those that come are served."""
        self._draining = True

    async def health(self, _call: Call[None]) -> Health:
        """Touches no dependency: a restart of this process would not bring one back."""
        return self._health

    async def ready(self, _call: Call[None]) -> Ready:
        """Ask all parts at once. Raises Unavailable naming those away, or while draining."""
        if self._draining:
            raise Unavailable("draining")
        names = await asyncio.gather(*(self._missing(*item) for item in self._checks.items()))
        if away := [name for name in names if name]:
            raise Unavailable(f"not ready: {', '.join(away)}")
        return Ready()

    async def _missing(self, name: str, check: Check) -> str | None:
        try:
            async with asyncio.timeout(self._check_timeout_s):
                await check()
        except Exception as fault:  # noqa: BLE001  each driver fails in its own ways, all mean away
            if name not in self._away:
                self._away.add(name)
                _log.warning("part away", name=name, reason=str(fault) or type(fault).__name__)
            return name
        if name in self._away:
            self._away.remove(name)
            _log.info("part back", name=name)
        return None
