"""Become another program that ends when its parent ends, under another user if told so.

Run as a script of its own, with nothing but the standard library, so that it costs a few
milliseconds and needs no code between fork and exec:

    python -I -S launch.py SIGNAL [--user UID GID] -- PROGRAM ARGUMENT...
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
LINUX_CAPABILITY_VERSION_3 = 0x20080522


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapData(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _become(uid: int, gid: int) -> None:
    """Leave root, keeping at most the right to read and pass through directories.

    The program and its data may lie under a directory that only root enters, such as
    /root or one made by mktemp; opening that to everyone would be worse.
    """
    libc = _libc() if sys.platform == "linux" else None
    if libc is not None:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if libc is None:
        return
    header = _CapHeader(LINUX_CAPABILITY_VERSION_3, 0)
    # Containers often lack the first of these; the second includes it.
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        bit = 1 << capability
        data = (_CapData * 2)(_CapData(bit, bit, bit), _CapData(0, 0, 0))
        if libc.capset(ctypes.byref(header), data) == 0:
            libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)
            return


def main(arguments: list[str]) -> None:
    """Set up this process as told and replace it by the program."""
    parent = os.getppid()
    options, program = arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :]
    if "--user" in options:
        at = options.index("--user")
        _become(int(options[at + 1]), int(options[at + 2]))
    if sys.platform == "linux":
        # After the change of user, which would clear it.
        _libc().prctl(PR_SET_PDEATHSIG, getattr(signal, options[0]), 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 - this is what it is for


if __name__ == "__main__":
    main(sys.argv[1:])
