"""
A supervisor in a process of its own, so that a test can kill it: starts engines, then waits.

Arguments: a data directory, and `no-unshare` to make the kernel refuse user namespaces as some
containers do. Prints the pids of the engines.
"""

import asyncio
import ctypes
import errno
import platform
import struct
import sys
from pathlib import Path

from pasar.engines.datadir import DataDirectory
from pasar.engines.launch import start_engines

# Linux's numbers: seccomp.h, filter.h, the system call table.
_UNSHARE = {"x86_64": 272, "aarch64": 97}
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2
_REFUSE, _ALLOW = 0x00050000 | errno.EPERM, 0x7FFF0000


def refuse_unshare() -> None:
    steps = [
        (0x20, 0, 0, 0),  # load the call's number
        (0x15, 0, 1, _UNSHARE[platform.machine()]),  # another one: skip the next step
        (0x06, 0, 0, _REFUSE),
        (0x06, 0, 0, _ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in ((_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (_PR_SET_SECCOMP, _FILTER, program)):
        if libc.prctl(*call) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


async def main(folder: Path) -> None:
    engines = await start_engines({"BROKER": "streams"}, DataDirectory(folder), say=lambda _: None)
    started = [part.engine for part in engines.parts if part.engine is not None]
    sys.stdout.write(" ".join(str(engine.child.pid) for engine in started) + "\n")
    sys.stdout.flush()
    await started[0].wait()


if __name__ == "__main__":
    if "no-unshare" in sys.argv:
        refuse_unshare()
    asyncio.run(main(Path(sys.argv[1])))
