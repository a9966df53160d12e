"""What all tests share: the 3 GB CUDA set is used only when asked for."""

from __future__ import annotations

import signal

import pytest


def pytest_configure() -> None:
    """Let Ctrl-C and a hang-up reach the programs that tests start.

    A shell starts what it runs in the background with Ctrl-C ignored, ``nohup`` with
    hang-ups ignored, and that is inherited by every process further down.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        # Unlike being ignored, a handler is not inherited; we go on all the same.
        signal.signal(signal.SIGHUP, lambda *_: None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--full``."""
    parser.addoption(
        "--full",
        action="store_true",
        help="also run the tests that fetch the 3 GB CUDA set",
    )


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out what is marked ``full`` unless it was asked for."""
    if config.getoption("--full"):
        return
    left_out = [item for item in items if item.get_closest_marker("full")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
