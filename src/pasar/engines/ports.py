"""Which ports are free, who holds the others, and which one to take instead."""

import asyncio
import errno
import random
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pasar.engines.errors import EngineError

# The usual port, then its substitutes, then one the system gives. Linux gives 32768-60999 to
# outgoing connections; all substitutes lie below.
USUAL: Final[Mapping[str, Sequence[int]]] = {
    "APP_PORT": (8080, 18080, 28080),
    "PAYMENT_GRPC_PORT": (50051, 15051, 25051),
    "METRICS_PORT": (9464, 19464, 29464),
    "PAYMENT_METRICS_PORT": (9465, 19465, 29465),
    "DB_PORT": (5432, 15432, 25432),
    "REDIS_PORT": (6379, 16379, 26379),
    "NSQD_ADDR": (4150, 14150, 24150),
    "NSQD_HTTP_ADDR": (4151, 14151, 24151),
    "NSQLOOKUPD_TCP": (4160, 14160, 24160),
    "NSQ_LOOKUPD_ADDR": (4161, 14161, 24161),
}
_PATIENCE_S: Final = {"PAYMENT_GRPC_PORT": 2.0}  # an outgoing connection may hold 50051 briefly
_POLL_S: Final = 0.05
_BELOW_OUTGOING: Final = range(10_000, 32_768)
_DRAWS: Final = 100
_random: Final = random.SystemRandom()  # two processes of one seed would draw the same port
_LISTENING: Final = "0A"  # net/tcp_states.h, as /proc/net/tcp prints it


async def choose(variable: str, given: int | None, host: str = "127.0.0.1") -> int:
    """
    Return the given port, or for None the first free usual one.

    Raises:
        EngineError: the given port is taken; what was set is never moved.
    """
    usual = USUAL[variable]
    first = usual[0] if given is None else given
    patient_until = time.monotonic() + _PATIENCE_S.get(variable, 0.0)
    while not is_free(host, first):
        if time.monotonic() < patient_until:
            await asyncio.sleep(_POLL_S)
        elif given is None:
            return next((port for port in usual[1:] if is_free(host, port)), any_free(host))
        else:
            raise taken(variable, given)
    return first


def taken(variable: str, port: int) -> EngineError:
    """Return the error that names variable, port and, if the system tells, the holder."""
    who = holder(port)
    return EngineError(f"{variable}: port {port} is taken" + (f" by {who}" if who else ""))


def is_free(host: str, port: int) -> bool:
    """Say whether a server could listen there now."""
    try:
        _listen(host, port)
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE:
            return False
        raise EngineError(f"cannot listen on {host}:{port}: {fault.strerror}") from None
    return True


def any_free(host: str) -> int:
    """
    Return a port that was free a moment ago; a start that loses the race asks again.

    Drawn from below those of outgoing connections, any of which may take its port meanwhile.
    """
    drawn = _random.sample(_BELOW_OUTGOING, _DRAWS)
    return next((port for port in drawn if is_free(host, port)), 0) or _listen(host, 0)


def _listen(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        # As servers do it: the remains of closed connections are no hindrance.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
        bound: int = listener.getsockname()[1]
        return bound


def holder(port: int) -> str:
    """Name the process that listens on the port, or "" if the system does not tell (macOS)."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for descriptor in Path("/proc").glob("[0-9]*/fd/*") if sockets else ():
        try:
            if str(descriptor.readlink()) in sockets:
                process = descriptor.parents[1]
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:
            continue  # gone meanwhile, or another user's
    return ""


def _listening_inodes(port: int) -> set[str]:
    found: set[str] = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if table.exists():
            rows = (line.split() for line in table.read_text().splitlines()[1:])
            found |= {
                row[9] for row in rows if row[3] == _LISTENING and row[1].endswith(f":{port:04X}")
            }
    return found
