"""What the system knows of a running shop's processes: whose child, how much memory and CPU."""

import os
import re
from contextlib import suppress
from pathlib import Path

from tests.journeys.shop import Shop


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def web_process(shop: Shop) -> int:
    """Return the pid of the one web process."""
    assert shop.store.process is not None
    (pid,) = (
        child
        for child in children(shop.store.process.pid)
        if b"store-web" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
    )
    return pid


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
    own: set[str] = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            own.add(str(file.readlink()))
    rows = [
        row.split()
        for family in ("tcp", "tcp6")
        for row in Path(f"/proc/{pid}/net/{family}").read_text().splitlines()[1:]
    ]
    return {int(row[2].rpartition(":")[2], 16) for row in rows if f"socket:[{row[9]}]" in own}
