"""
Start what the shop needs and say how to reach it: the way in for `pasar up`.

    directory = DataDirectory(Path(".local/data"))     # AlreadyRunning: exit 1
    engines = await start_engines(variables, directory, say=print)
    for part in engines.parts: ...                     # name, version, address, reason, data
    services = {**variables, **engines.variables}      # DB_*, REDIS_*, NSQ*, BROKER
    code = await part.engine.wait()                    # it died; await part.engine.start() again
    await engines.stop()                               # in reverse order; never another's server
    directory.close()

From the main thread only: the parent-death signal is tied to the thread that forks. Every
EngineError carries one sentence and an exit code. Passwords are in `variables`, never in a part.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pasar.engines.datadir import DataDirectory
from pasar.engines.decisions import BrokerChoice, choose_broker
from pasar.engines.launch_nsq import launch_nsq
from pasar.engines.launch_postgres import launch_postgres
from pasar.engines.launch_valkey import launch_valkey
from pasar.engines.parts import Part, Starter

NSQ_BINARIES: Final = Path(".local/bin")  # where `make nsq` puts them


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """What runs, in order of start; `variables` are what the services need to reach it."""

    parts: tuple[Part, ...]
    variables: Mapping[str, str] = field(repr=False)
    broker: BrokerChoice
    warnings: tuple[str, ...]

    async def stop(self) -> None:
        """End what is ours, last started first; each gets its turn even if one fails."""
        await _stop(self.parts)


async def start_engines(
    variables: Mapping[str, str],
    directory: DataDirectory,
    *,
    say: Callable[[str], None],
    binaries: Path = NSQ_BINARIES,
) -> Engines:
    """
    Adopt or start PostgreSQL, Valkey and the broker; `say` hears of whatever takes over 2 s.

    Raises:
        EngineError: one of them cannot be had; those already started are stopped again.
    """
    given = {name: value for name, value in variables.items() if value}
    broker = choose_broker(given, binaries)
    starter = Starter(given, directory, say)
    try:
        await launch_postgres(starter)
        await launch_valkey(starter, streams=broker.kind == "streams")
        if broker.kind == "nsq":
            await launch_nsq(starter, binaries)
    except (Exception, asyncio.CancelledError):
        await _stop(starter.parts)
        raise
    return Engines(
        parts=tuple(starter.parts),
        variables={**starter.found, "BROKER": broker.kind},
        broker=broker,
        warnings=tuple(starter.warnings),
    )


async def _stop(parts: Sequence[Part]) -> None:
    async with AsyncExitStack() as stack:
        for part in parts:
            if part.engine is not None:
                stack.push_async_callback(part.engine.stop)
