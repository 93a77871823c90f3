"""What the system knows of a running shop's processes: whose child, how much memory and CPU."""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from tests.journeys.shop import Shop

# net/tcp_states.h and net.h, as /proc prints them.
_TAKES_CONNECTIONS: Final = "0A"
_UNIX_TAKES_CONNECTIONS: Final = "00010000"


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def web_process(shop: Shop) -> int:
    """Return the pid of the one web process."""
    (pid,) = web_processes(shop)
    return pid


def web_processes(shop: Shop) -> list[int]:
    assert shop.store.process is not None
    return [
        child
        for child in children(shop.store.process.pid)
        if b"store-web" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
    ]


def highest_memory(pid: int) -> int:
    """Return the most bytes that the process ever held in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def memory(pid: int) -> int:
    """Return the bytes that the process holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def cpu_s(pid: int) -> float:
    """Return the CPU time that the process has used so far, in steps of 10 ms."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = after_name[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def connected_to(pid: int) -> set[int]:
    """Return the ports of the peers that the process has a TCP connection to, even a half one."""
    own = _sockets(pid)
    return {int(row[2].rpartition(":")[2], 16) for row in _rows("tcp", "tcp6") if row[9] in own}


def listening(pids: Iterable[int]) -> set[tuple[str, int]]:
    """Return each address and port at which one of the processes takes TCP connections."""
    own = set[str]().union(*map(_sockets, pids))
    return {
        _address(row[1])
        for row in _rows("tcp", "tcp6")
        if row[3] == _TAKES_CONNECTIONS and row[9] in own
    }


def unix_listening(pids: Iterable[int]) -> list[list[str]]:
    """Return the Unix sockets, each with its path, at which one of them takes connections."""
    own = set[str]().union(*map(_sockets, pids))
    return [row for row in _rows("unix") if row[3] == _UNIX_TAKES_CONNECTIONS and row[6] in own]


def _sockets(pid: int) -> set[str]:
    """Return the numbers of the process' sockets."""
    links = list[str]()
    with suppress(FileNotFoundError, ProcessLookupError):  # the process ended meanwhile
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                links.append(str(file.readlink()))
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def _rows(*tables: str) -> list[list[str]]:
    return [
        row.split()
        for table in tables
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]


def _address(entry: str) -> tuple[str, int]:
    """Read what /proc prints: words of 32 bits, the first byte last."""
    host, port = entry.split(":")
    words = (bytes.fromhex(host[start : start + 8])[::-1] for start in range(0, len(host), 8))
    ip = ip_address(b"".join(words))
    return str(getattr(ip, "ipv4_mapped", None) or ip), int(port, 16)
