"""
What the operator's variables decide: own server or ours, and which broker.

One table for PostgreSQL, Valkey and NSQ alike. A server that was not named is never used, even if
it would let us in; one that was named is never silently replaced.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal

from pasar.engines.errors import EngineError, Refused, StartingUp
from pasar.engines.ports import holder

DIAL_LIMIT_S: Final = 2.0
_STARTING_LIMIT_S: Final = 30.0
_STARTING_POLL_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One server as the variables name it; `is_set` False: they do not, host and port are usual."""

    engine: str
    variable: str
    host: str
    port: int
    is_set: bool
    greet: Callable[[], Awaitable[str]]

    def __str__(self) -> str:
        return f"{self.variable}={joined(self.host, self.port)}"


class Whose(Enum):
    """Who runs the server, and where ours may listen."""

    EXTERNAL = auto()
    OURS_EXACTLY_THERE = auto()
    OURS_ANYWHERE = auto()


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason` is printed behind the engine's name; `version` is known of an external one."""

    whose: Whose
    reason: str
    version: str = ""


class _Door(Enum):
    OPEN = auto()
    CLOSED = auto()  # every address of the name refused at once
    SILENT = auto()


async def own_or_ours(named: Named) -> Decision:
    """
    Decide, after a real login if the server was named.

    Raises:
        EngineError: it was named, but is away, too old, something else, or refuses the login.
    """
    if not named.is_set:
        return Decision(Whose.OURS_ANYWHERE, f"embedded ({named.variable} not set)")
    match await _dial(named.host, named.port):
        case _Door.OPEN:
            return Decision(Whose.EXTERNAL, f"external ({named})", await _log_in(named))
        case _Door.CLOSED if is_loopback(named.host):
            where = joined(named.host, named.port)
            return Decision(Whose.OURS_EXACTLY_THERE, f"embedded (nothing listened on {where})")
        case _:
            raise EngineError(
                f"{named}: no {named.engine} answers there; start it, correct the variable, "
                "or unset it for an embedded one"
            )


@dataclass(frozen=True, slots=True)
class BrokerChoice:
    """The broker both services use, and why; `reason` is printed."""

    kind: Literal["nsq", "streams"]
    reason: str


def choose_broker(variables: Mapping[str, str], binaries: Path) -> BrokerChoice:
    """Read `BROKER`; a binary on PATH or an open port never switches it. Raises EngineError."""
    asked = variables.get("BROKER", "auto")
    nsqd = binaries / "nsqd"
    match asked:
        case "nsq" | "streams":
            return BrokerChoice(asked, f"BROKER={asked}")
        case "auto":
            for variable in ("NSQD_ADDR", "NSQ_LOOKUPD_ADDR"):
                if variable in variables:
                    return BrokerChoice("nsq", f"BROKER=auto, {variable} is set")
            if nsqd.exists():
                return BrokerChoice("nsq", f"BROKER=auto, {nsqd} is there")
            return BrokerChoice("streams", f"BROKER=auto, NSQD_ADDR not set, no {nsqd}")
        case _:
            raise EngineError(f"invalid BROKER: {asked!r} is none of auto, nsq, streams")


def split(variable: str, address: str) -> tuple[str, int]:
    """Read `host:port`; of a comma list the first counts. Raises EngineError."""
    host, _, port = address.split(",", maxsplit=1)[0].strip().rpartition(":")
    if not host:
        raise EngineError(f"invalid {variable}: {address!r} is not host:port")
    return host.strip("[]"), port_number(variable, port)


def port_number(variable: str, text: str) -> int:
    """Read a port. Raises EngineError."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):  # noqa: PLR2004  TCP
        raise EngineError(f"invalid {variable}: {text!r} is no port")
    return int(text)


def joined(host: str, port: int) -> str:
    """Return `host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches it; a name other than localhost counts as another."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


async def _log_in(named: Named) -> str:
    deadline = time.monotonic() + _STARTING_LIMIT_S
    while True:
        try:
            return await named.greet()
        except StartingUp:
            if time.monotonic() > deadline:
                raise EngineError(
                    f"{named}: {named.engine} is still starting up after {_STARTING_LIMIT_S:g} s"
                ) from None
        except Refused as fault:
            raise EngineError(f"{named} {fault}") from None
        except OSError:
            who = holder(named.port) if is_loopback(named.host) else ""
            raise EngineError(
                f"{named}: {who or 'something'} listens there, but not as {named.engine}"
            ) from None
        await asyncio.sleep(_STARTING_POLL_S)


async def _dial(host: str, port: int) -> _Door:
    """Ask each address by itself, since one call for all hides which error each gave."""
    loop = asyncio.get_running_loop()
    doors: set[_Door] = set()
    try:
        found = await loop.getaddrinfo(host, port)
    except OSError:
        return _Door.SILENT
    for address in {str(entry[4][0]) for entry in found}:
        try:
            async with asyncio.timeout(DIAL_LIMIT_S):
                _, writer = await asyncio.open_connection(address, port)
        except ConnectionRefusedError:
            doors.add(_Door.CLOSED)
        except OSError:
            doors.add(_Door.SILENT)
        else:
            writer.close()
            return _Door.OPEN
    return _Door.CLOSED if doors == {_Door.CLOSED} else _Door.SILENT
