"""``firstlight lock``: from the spec to exactly what goes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from firstlight.cli.context import Context
from firstlight.errors import LockError
from firstlight.report import size

if TYPE_CHECKING:
    from firstlight.lock.lockfile import Lock, PlatformLock

__all__ = ["lock", "make"]


@click.command()
@click.option(
    "--upgrade", is_flag=True, help="Take the newest of everything the spec allows."
)
@click.option("--check", is_flag=True, help="Only say whether the lock fits the spec.")
@click.option(
    "--dry-run", is_flag=True, help="Show what would be locked; write nothing."
)
@click.pass_obj
def lock(command: Context, upgrade: bool, check: bool, dry_run: bool) -> None:
    """Choose every package by hash: pylock.toml, firstlight.lock."""
    if check:
        fresh(command)
        command.say("the lock is up to date")
        command.result({"stale": False})
        return
    made, pylock = make(command, upgrade=upgrade)
    if not dry_run:
        command.write_lock(made, pylock)
    show(command, made, pylock)


def fresh(command: Context) -> tuple[Lock, str]:
    """Return the lock if it fits the spec.

    Raises:
        LockError: when it is missing or the spec changed since.
    """
    spec = command.spec()
    lock, pylock = command.read_lock()
    if lock.spec != spec.digest:
        raise LockError(
            "the spec changed since it was locked",
            hint="run `firstlight lock`, which changes as little as possible",
        )
    return lock, pylock


def make(command: Context, *, upgrade: bool = False) -> tuple[Lock, str]:
    """Make a new lock from the spec, keeping what was chosen before where it fits."""
    from firstlight.lock.make import make_lock
    from firstlight.net import Fetcher

    spec = command.spec()
    try:
        previous = command.read_lock()[0]
    except LockError:
        previous = None
    with command.store.held():
        made, pylock, findings = make_lock(
            spec,
            command.settings,
            Fetcher(command.settings, command.store, command.progress),
            command.store,
            folder=command.folder,
            previous=previous,
            upgrade=upgrade,
            progress=command.progress,
            source=spec.source,
        )
    command.findings(findings)
    return made, pylock


def show(command: Context, lock: Lock, pylock: str) -> None:
    """Print what was chosen, a row each, and why."""
    pairs = [(part, _count(command, lock, part, pylock)) for part in lock.platforms]
    command.result(
        {
            "name": lock.name,
            "python": lock.python,
            "suite": lock.suite,
            "platforms": [_row(part, wheels) for part, wheels in pairs],
        }
    )
    for part, wheels in pairs:
        command.say(f"{lock.name} for {part.platform}")
        for name, value, why in _rows(lock, part, wheels):
            command.say(f"  {name:<9} {value:<26} {why}".rstrip())


def _count(command: Context, lock: Lock, part: PlatformLock, pylock: str) -> int:
    """How many wheels go in for a platform."""
    from firstlight.lock.python import select
    from firstlight.lock.system import SUITES

    wheels = select(
        pylock,
        platform=part.platform,
        system=SUITES[lock.suite],
        folder=command.folder,
    )
    return len(wheels)


def _row(part: PlatformLock, wheels: int) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "platform": part.platform,
        "stack": asdict(part.stack),
        "python_packages": wheels,
        "system_packages": len(part.debs),
    }


def _rows(lock: Lock, part: PlatformLock, wheels: int) -> list[tuple[str, str, str]]:
    stack = part.stack
    debs = sum(deb.size for deb in part.debs)
    rows = [
        ("Python", lock.python, f"from {lock.suite}"),
        ("torch", stack.torch, "read from its wheel"),
        ("CUDA", stack.cuda or ("none (CPU build)" if stack.torch else ""), ""),
        ("cuDNN", stack.cudnn, ""),
        ("NCCL", stack.nccl, ""),
        ("Triton", stack.triton, ""),
        ("GPUs", " ".join(stack.architectures), "kernels inside the torch wheel"),
        ("PTX", " ".join(stack.ptx), "newer GPUs compile it at first use"),
        ("driver", f">= {stack.driver}" if stack.driver else "", "on the machine"),
        ("glibc", f">= {stack.glibc}" if stack.glibc else "", "asked by the wheels"),
        ("wheels", f"{wheels} packages", "in pylock.toml"),
        ("OS", f"{len(part.debs)} packages", f"{size(debs)} to fetch"),
    ]
    return [row for row in rows if row[1]]
