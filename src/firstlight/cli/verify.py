"""``firstlight verify``: rebuild from the lock and compare."""

from __future__ import annotations

import click

from firstlight.cli import build
from firstlight.cli.context import Context
from firstlight.errors import MismatchError
from firstlight.finding import Role

__all__ = ["verify"]


@click.command()
@build.platform_option
@click.pass_obj
def verify(command: Context, platform: str) -> None:
    """Rebuild from the locked files; compare image ID and layers."""
    from firstlight.pack.build import verify as rebuild

    lock, pylock = command.read_lock()
    identity, findings = rebuild(
        lock,
        pylock,
        platform=platform or build.host_platform(),
        folder=command.folder,
        store=command.store,
        settings=command.settings,
        progress=command.progress,
    )
    failures = [each for each in findings if each.role is Role.FAILURE]
    if failures:
        raise MismatchError(
            "the rebuild differs from the lock",
            hint="use the firstlight the lock was made with; if that is this one, "
            "report it",
            findings=failures,
        )
    command.findings(findings)
    command.result({"image_id": identity, "same": not findings})
    if not findings:
        command.say(f"same bits: every layer and the image ID {identity}")
