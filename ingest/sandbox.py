"""Confines a decoder before it sees a byte that a stranger wrote.

A process is started through this file run as a script: it takes the network away, sets resource limits, forbids new
privileges, closes the file system but for the paths named (Landlock), ties its life to its parent's, and then
becomes the tool. Doing so in a fresh interpreter, not in a fork of a threaded worker, cannot deadlock. What a kernel
or container does not offer is left out and said on stderr with `NOTE`, which the runner logs.

Script use: python -I -S sandbox.py CPU FILE MEMORY PROCESSES N_READ READ… N_WRITE WRITE… PARENT_PID TOOL ARG…
Only small modules of the standard library may be imported here: it runs before every tool (`ingest.policy` calls it).
"""

from __future__ import annotations

import ctypes
import os
import resource
import stat
import sys

NOTE = "sandbox: "
CANNOT_START = 126

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
# Linux's numbers on x86 and ARM. The module `signal` costs as much to import as all the rest.
_SIGKILL, _SIGPIPE, _SIGXFSZ, _SIG_DFL = 9, 13, 25, 0
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
# Landlock's system calls and access bits: include/uapi/linux/landlock.h
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
_FILE_BITS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_FS_BITS_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_FS_BITS_NOW = (1 << 16) - 1
_NET_BITS, _SCOPE_BITS = 0b11, 0b11

# Shared objects of a dynamically linked tool; no footage is ever stored there.
_SYSTEM_PATHS = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/urandom", "/sys/devices/system/cpu")


class _RulesetAttr(ctypes.Structure):
    _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("allowed", ctypes.c_uint64), ("parent_fd", ctypes.c_int32)]


def _checked(result: int) -> int:
    """Turn C's -1 into an OSError."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _syscall(libc: ctypes.CDLL, number: int, *args: object) -> int:
    return _checked(int(libc.syscall(ctypes.c_long(number), *args)))


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, access: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(os.fstat(parent).st_mode):
        access &= _FILE_BITS
    rule = _PathBeneath(access, parent)
    _syscall(libc, _ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(1), ctypes.byref(rule), ctypes.c_uint32(0))
    os.close(parent)


def _restrict_files(libc: ctypes.CDLL, read: list[str], write: list[str], tool: str) -> None:
    """Landlock: nothing outside the named paths, no TCP, no signals out. Raises OSError where it is not offered."""
    abi = _syscall(libc, _CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    handled = _FS_BITS_BY_ABI.get(abi, _FS_BITS_NOW)
    attr = _RulesetAttr(handled, _NET_BITS if abi >= 4 else 0, _SCOPE_BITS if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _syscall(libc, _CREATE_RULESET, ctypes.byref(attr), ctypes.c_size_t(size), ctypes.c_uint32(0))
    for path in (tool, *_SYSTEM_PATHS):
        _allow(libc, ruleset, path, handled & (_EXECUTE | _READ_FILE | _READ_DIR))
    for path in read:
        _allow(libc, ruleset, path, handled & (_READ_FILE | _READ_DIR))
    for path in write:
        _allow(libc, ruleset, path, handled & ~_EXECUTE)
    _allow(libc, ruleset, "/dev/null", handled & (_READ_FILE | _WRITE_FILE))
    _syscall(libc, _RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    os.close(ruleset)


def _leave_network(libc: ctypes.CDLL) -> None:
    """Enter an empty network namespace: as root directly, otherwise inside a user namespace. Raises OSError."""
    if libc.unshare(_CLONE_NEWNET) != 0:
        _checked(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET))


def _limit(cpu_seconds: int, file_bytes: int, memory_bytes: int, processes: int) -> None:
    wanted = {
        # a second between the soft limit (SIGXCPU) and the hard one (SIGKILL)
        resource.RLIMIT_CPU: (cpu_seconds, cpu_seconds + 1),
        resource.RLIMIT_FSIZE: (file_bytes, file_bytes),
        resource.RLIMIT_AS: (memory_bytes, memory_bytes),
        resource.RLIMIT_NPROC: (processes, processes),
        resource.RLIMIT_CORE: (0, 0),
    }
    for kind, (soft, hard) in wanted.items():
        ceiling = resource.getrlimit(kind)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(kind, (soft, hard))


def _confine(libc: ctypes.CDLL, read: list[str], write: list[str], tool: str) -> None:
    for what, step in (
        ("network namespace", lambda: _leave_network(libc)),
        ("no_new_privs", lambda: _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))),
        ("Landlock", lambda: _restrict_files(libc, read, write, tool)),
    ):
        try:
            step()
        except OSError as error:
            print(f"{NOTE}no {what} here: {error.strerror}", file=sys.stderr, flush=True)  # noqa: T201
    # after the change of credentials: entering a user namespace would clear it
    _checked(libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0))


def _take_list(words: list[str]) -> list[str]:
    """Remove a counted list from the front of `words` and return it."""
    count = int(words.pop(0))
    taken = words[:count]
    del words[:count]
    return taken


def main(argv: list[str]) -> int:
    """Confine this process and become the tool; returns only when the tool cannot be started."""
    limits, rest = [int(word) for word in argv[1:5]], argv[5:]
    read, write = _take_list(rest), _take_list(rest)
    parent, command = int(rest[0]), rest[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        _confine(libc, read, write, command[0])
        if os.getppid() != parent:  # it died before PDEATHSIG was set
            return CANNOT_START
        _limit(*limits)
        # Python ignores these two, and a tool would inherit that
        for number in (_SIGXFSZ, _SIGPIPE):
            libc.signal(ctypes.c_int(number), ctypes.c_void_p(_SIG_DFL))
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        print(f"{NOTE}cannot start {command[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201
    return CANNOT_START


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
