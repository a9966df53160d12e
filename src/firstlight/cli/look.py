"""``firstlight status`` and ``logs``: what runs, and whether it is as locked."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from firstlight import proc
from firstlight.cli import lock as locking
from firstlight.cli.build import host_platform
from firstlight.cli.context import Context
from firstlight.cli.enter import running
from firstlight.errors import FirstlightError, LockError
from firstlight.finding import Finding, Role, plain

if TYPE_CHECKING:
    from firstlight.lock.lockfile import Lock
    from firstlight.workspace.place import Place
    from firstlight.workspace.session import Session

__all__ = ["logs", "status"]


@click.command()
@click.option("--all", "everything", is_flag=True, help="Every workspace of yours.")
@click.pass_obj
def status(command: Context, everything: bool) -> None:
    """Say what runs, and what in it is not as locked."""
    if everything:
        _all(command)
        return
    from firstlight.workspace import session
    from firstlight.workspace.place import place_of

    place = place_of(command.folder)
    found = session.find(place)
    findings: list[Finding] = []
    if found is None or not found.state.running:
        command.say(f"{place.project.name}: nothing runs; `firstlight up` starts it")
        command.result({"running": False, "findings": []})
        return
    findings += _staleness(command, found)
    findings += _drift(command, found)
    _say(command, place, found)
    command.findings(findings)
    command.result(
        {
            "running": True,
            "engine": found.record.engine,
            "container": found.record.container,
            "image_id": found.record.image,
            "ports": [asdict(port) for port in found.record.ports],
            "findings": [plain(each) for each in findings],
        }
    )


@click.command()
@click.option("--follow", "-f", is_flag=True, help="Go on printing what is written.")
@click.pass_obj
def logs(command: Context, follow: bool) -> int:
    """Print what JupyterLab and the SSH server wrote."""
    from firstlight.engine.table import ENGINES

    _, found = running(command)
    shown = ENGINES[found.record.engine].logs(found.state, follow=follow)
    return proc.call(shown.command, env=shown.full_environment)


def _all(command: Context) -> None:
    from firstlight.engine.table import ENGINES
    from firstlight.workspace.place import places

    rows = []
    for record in places():
        engine = ENGINES[record.engine]
        alive = not engine.trouble() and any(
            state.id == record.container and state.running for state in engine.find("")
        )
        ports = " ".join(f"{port.name}={port.outside}" for port in record.ports)
        state = "runs" if alive else "ended"
        command.say(f"{state:<6} {record.engine:<8} {ports:<26} {record.project}")
        rows.append({**asdict(record), "running": alive})
    if not rows:
        command.say("no workspace was started")
    command.result({"workspaces": rows})


def _say(command: Context, place: Place, found: Session) -> None:
    command.say(f"{place.project.name} runs ({found.record.engine})")
    for port in found.record.ports:
        command.say(f"  {port.name:<9} {port.address}:{port.outside}")
    command.say(f"  container {found.record.container[:24]}")


def _staleness(command: Context, found: Session) -> list[Finding]:
    findings = []
    try:
        lock, _ = locking.fresh(command)
    except LockError as error:
        findings.append(_warning("status.lock", error.message, error.hint))
        lock, _ = command.read_lock()
    wanted = [p.image_id for p in lock.platforms if p.platform == host_platform()]
    if wanted and wanted[0] is not None and wanted[0] != found.record.image:
        findings.append(
            _warning(
                "status.image",
                "the workspace runs another image than the lock describes",
                "`firstlight up` starts the new one",
            )
        )
    return findings


def _drift(command: Context, found: Session) -> list[Finding]:
    from firstlight.engine.table import ENGINES
    from firstlight.workspace import drift

    try:
        lock, pylock = command.read_lock()
    except FirstlightError:
        return []
    inside = ENGINES[found.record.engine].inside(
        found.state, drift.LISTING, terminal=False
    )
    done = proc.capture(inside.command, env=inside.full_environment)
    try:
        there = drift.parse(done.stdout)
    except ValueError:
        return []
    return [
        _warning("status.drift", each.line, each.hint(lock.direct))
        for each in drift.compare(_locked(command, lock, pylock), there)
    ]


def _locked(command: Context, lock: Lock, pylock: str) -> dict[str, str]:
    from packaging.utils import canonicalize_name

    from firstlight.lock.python import select
    from firstlight.lock.system import SUITES

    wheels = select(
        pylock,
        platform=host_platform(),
        system=SUITES[lock.suite],
        folder=command.folder,
    )
    return {canonicalize_name(wheel.name): wheel.version for wheel in wheels}


def _warning(code: str, message: str, hint: str) -> Finding:
    return Finding(code=code, role=Role.WARNING, message=message, hint=hint)
