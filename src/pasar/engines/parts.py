"""
What is started, as the terminal and the supervisor see it, and the one way to start an engine.

Which engine is made from which variables is in `launch_postgres.py`, `launch_valkey.py` and
`launch_nsq.py`.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pasar.engines.datadir import DataDirectory
from pasar.engines.decisions import Decision, Named, Whose, joined
from pasar.engines.engine import Engine
from pasar.engines.errors import EngineError
from pasar.engines.ports import USUAL, choose, is_free

_SLOW_AFTER_S: Final = 2.0
_PORT_TRIES: Final = 5  # somebody may bind the port between our look and the engine's bind


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One line of the start-up table; `engine` and `data` are None for another's server."""

    name: str
    version: str
    address: str
    reason: str
    data: Path | None = None
    engine: Engine | None = None


class Starter:
    """Collects what was adopted or started, and the variables the services get for it."""

    def __init__(
        self, given: Mapping[str, str], directory: DataDirectory, say: Callable[[str], None]
    ) -> None:
        self.given = given
        self.directory = directory
        self.parts: list[Part] = []
        self.found: dict[str, str] = {}
        self.warnings: list[str] = []
        self._say = say

    def adopt(self, name: str, named: Named, decision: Decision) -> None:
        """Note another's server, which is never stopped."""
        address = joined(named.host, named.port)
        self.parts.append(
            Part(name=name, version=decision.version, address=address, reason=decision.reason)
        )

    async def start(
        self,
        name: str,
        decision: Decision,
        host: str,
        wanted: Mapping[str, int | None],
        make: Callable[[Mapping[str, int]], Engine],
    ) -> Mapping[str, int]:
        """
        Start an engine of ours and return its ports by variable; the first is its address.

        `wanted`: the port that was set, or None for the usual one or a substitute. If the bind
        fails although the port looked free, that too means the next candidate.

        Raises:
            EngineError: it does not start, or a port that was set is taken.
        """
        for tries_left in reversed(range(_PORT_TRIES)):
            ports = {variable: await choose(variable, at, host) for variable, at in wanted.items()}
            engine = make(ports)
            try:
                version = await self._start(name, engine)
            except EngineError:
                if not tries_left or all(is_free(host, port) for port in ports.values()):
                    raise
                continue
            self.parts.append(
                Part(
                    name=name,
                    version=version,
                    address=joined(host, next(iter(ports.values()))),
                    reason=_reason(decision, ports),
                    data=engine.data,
                    engine=engine,
                )
            )
            return ports
        raise AssertionError  # the last try returned or raised

    async def _start(self, name: str, engine: Engine) -> str:
        slow = asyncio.get_running_loop().call_later(
            _SLOW_AFTER_S, self._say, f"{name} is still starting, perhaps recovering from a crash"
        )
        try:
            return await engine.start()
        except BaseException:
            await engine.stop()
            raise
        finally:
            slow.cancel()


def bind_address(host: str) -> str:
    """Return the address behind `localhost`, so that server and clients mean the same one."""
    return "127.0.0.1" if host == "localhost" else host


def _reason(decision: Decision, ports: Mapping[str, int]) -> str:
    variable, port = next(iter(ports.items()))
    usual = USUAL[variable][0]
    if decision.whose is Whose.OURS_ANYWHERE and port != usual:
        return f"embedded, {port} because {usual} is taken"
    return decision.reason
