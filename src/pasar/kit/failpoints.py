"""
Named stops in the program, for crash tests: here a process dies, fails, dawdles or skips a step.

Nothing happens unless `arm` was called, which production refuses to do. The one piece of state of a
whole process in this program: a stop must be reachable from anywhere, and none exists in service.

`PASAR_FAILPOINTS="pay.after_bank=kill:1/50,relay.after_pub=sleep:500ms"`
"""

import asyncio
import os
import random
import re
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from pasar.kit.settings import BadSetting, Duration

VARIABLE: Final = "PASAR_FAILPOINTS"

_RULE: Final = re.compile(
    r"(?P<name>[a-z_]+\.[a-z_]+)=(?P<action>kill|raise|skip|sleep:(?P<pause>[^:]+))"
    r"(:(?P<hits>[1-9]\d*)/(?P<of>[1-9]\d*))?"
)


class FailpointReached(Exception):
    """What the action `raise` raises: a fault that no code expects."""


@dataclass(frozen=True, slots=True)
class Failpoint:
    """What happens at one stop, and how often: in `hits` of `of` visits, drawn anew each time."""

    act: Callable[[], Awaitable[bool]]
    hits: int
    of: int


_armed: Final[dict[str, Failpoint]] = {}


def arm(text: str, *, app_env: str) -> None:
    """Set the failpoints of this process, in place of the former. Raises BadSetting."""
    if text and app_env == "production":
        raise BadSetting(VARIABLE, "not in production (APP_ENV)")
    points = dict(_read(rule.strip()) for rule in text.split(",") if rule.strip())
    _armed.clear()
    _armed.update(points)


async def reach(name: str) -> bool:
    """
    Stop here if told to; True asks the caller to skip the step that follows.

    >>> asyncio.run(reach("relay.tick"))
    False
    """
    point = _armed.get(name)
    if point is None or random.randrange(point.of) >= point.hits:  # noqa: S311  no secret
        return False
    return await point.act()


def _read(rule: str) -> tuple[str, Failpoint]:
    match = _RULE.fullmatch(rule)
    if match is None:
        raise BadSetting(VARIABLE, f"{rule!r} is not name=kill|raise|skip|sleep:TIME[:n/m]")
    try:
        act = (
            _sleep(Duration.parse(match["pause"])) if match["pause"] else _ACTIONS[match["action"]]
        )
    except ValueError as fault:
        raise BadSetting(VARIABLE, str(fault)) from None
    return match["name"], Failpoint(act, int(match["hits"] or 1), int(match["of"] or 1))


async def _kill() -> bool:
    os.kill(os.getpid(), signal.SIGKILL)
    return False


async def _raise() -> bool:
    raise FailpointReached


async def _skip() -> bool:
    return True


def _sleep(pause_s: float) -> Callable[[], Awaitable[bool]]:
    async def sleep() -> bool:
        await asyncio.sleep(pause_s)
        return False

    return sleep


_ACTIONS: Final = {"kill": _kill, "raise": _raise, "skip": _skip}
