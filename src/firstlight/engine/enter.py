"""Runs a command in a sandbox that runs, as an ordinary user.

    python enter.py PID FOLDER COMMAND…

joins the namespaces of the process PID and starts COMMAND there, without privileges.
``nsenter`` cannot: bubblewrap nests two user namespaces, and only the outer one, in
which no process is left, owns the others. The kernel tells which that is
(``ioctl_ns(2)``, ``NS_GET_USERNS``).
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import sys

__all__ = ["command", "main"]

_GET_OWNER = 0xB701
_NO_NEW_PRIVILEGES, _DROP_BOUND = 38, 24
_CAPABILITIES = 64


def command(pid: int, folder: str) -> list[str]:
    """Return the words that go before a command that shall run inside."""
    # Isolated and by its path: it needs nothing but the standard library.
    return [sys.executable, "-IS", __file__, str(pid), folder]


def main(words: list[str]) -> int:
    """Join, run, and return the command's exit code."""
    pid, folder, *rest = words
    try:
        _join(pid)
    except OSError as error:
        sys.stderr.write(f"firstlight: cannot enter the sandbox: {error.strerror}\n")
        return 125
    # Only children are in a joined PID namespace; an interrupt is for the command.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return code if code >= 0 else 128 - code
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _become(folder, rest)
    return 125


def _join(pid: str) -> None:
    kernel = ctypes.CDLL(None, use_errno=True)
    inner, pids, mounts, network = (
        os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
        for name in ("user", "pid", "mnt", "net")
    )
    outer = fcntl.ioctl(pids, _GET_OWNER)
    for each in (outer, pids, mounts):
        _check(kernel.setns(each, 0))
    # The sandbox has a network of its own only where that was asked for.
    kernel.setns(network, 0)
    _check(kernel.setns(inner, 0))


def _become(folder: str, words: list[str]) -> None:
    kernel = ctypes.CDLL(None, use_errno=True)
    for number in range(_CAPABILITIES):
        kernel.prctl(_DROP_BOUND, number, 0, 0, 0)
    _check(kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    try:
        os.chdir(folder)
        os.execvp(words[0], words)
    except OSError as error:
        sys.stderr.write(f"firstlight: {words[0]}: {error.strerror}\n")
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
