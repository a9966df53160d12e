"""The command line: one file per command; parse, call, return."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; never raises.

    1 to 9 are the codes of `firstlight.errors`, 70 a bug of ours (with a report file),
    130 Ctrl-C. `firstlight run` returns what its command returned.
    """
    # A build holds 30,000 files of packages and makes no circles: look for them rarely.
    gc.set_threshold(200_000, 20, 50)
    # A thread that has hashed a megabyte should not wait 5 ms to hear what is next.
    sys.setswitchinterval(0.0005)
    # Imported only now: importing makes no circles either, and is a tenth faster so.
    from firstlight.cli.entry import run

    return run(sys.argv[1:] if arguments is None else arguments)
