"""
How root becomes somebody PostgreSQL accepts, without an account being made or a file being lost.

Best way: a user namespace in which root is called `nobody` while the files stay root's. Where the
kernel refuses that (some containers): really become `nobody`. Runs in the launch stub only.
"""

import ctypes
import os
import pwd
from pathlib import Path
from typing import Final

_CLONE_NEWUSER: Final = 0x10000000  # linux/sched.h; os.unshare needs Python 3.12


def step_down(private: Path) -> None:
    """
    Stop being root; `private` and all below it stays ours to write.

    Raises:
        OSError: neither way is open.
        KeyError: the machine has no account `nobody`.
    """
    nobody = pwd.getpwnam("nobody")  # PostgreSQL looks its user up, so any number will not do
    if _can_enter_namespace():
        _give(private, os.getuid(), os.getgid())
        _enter_namespace(nobody.pw_uid, nobody.pw_gid)
        return
    _give(private, nobody.pw_uid, nobody.pw_gid)
    private.parent.chmod(0o711)  # may be passed through, not listed
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)


def _can_enter_namespace() -> bool:
    """Try it in a child: files change hands before the step, which cannot be taken back."""
    child = os.fork()
    if child == 0:
        try:
            _enter_namespace(os.getuid(), os.getgid())
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _enter_namespace(uid: int, gid: int) -> None:
    outer_uid, outer_gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{uid} {outer_uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{gid} {outer_gid} 1", encoding="ascii")


def _give(folder: Path, uid: int, gid: int) -> None:
    """Put the owner right if the last start went the other way; the top last, as the mark."""
    if folder.stat().st_uid == uid:
        return
    for path in (*folder.rglob("*"), folder):
        os.chown(path, uid, gid, follow_symlinks=False)
