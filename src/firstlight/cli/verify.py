"""``firstlight verify``: rebuild from the lock and compare, here or with a registry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from firstlight.cli import build, looking, sharing
from firstlight.cli.context import Context
from firstlight.cli.inspect import plain, table
from firstlight.errors import ArtefactError, MismatchError, UsageError
from firstlight.finding import Finding, Role

if TYPE_CHECKING:
    from firstlight.attest.attest import Verified
    from firstlight.inspect.compare import Verdict
    from firstlight.inspect.opened import Opened
    from firstlight.pack.build import Rebuilt

__all__ = ["verify"]


@click.command()
@click.argument("image", default="", metavar="[IMAGE]")
@build.platform_option
@click.option(
    "--registry", is_flag=True, help="Compare with [share] image of the spec."
)
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="First check that the image has a signature of this public key.",
)
@click.pass_obj
def verify(
    command: Context,
    image: str,
    platform: str,
    registry: bool,
    key: Path | None,
) -> None:
    """Rebuild from the locked files and compare, layer by layer.

    Without an image, with what the lock says came out. With one, named as for
    `inspect`, or with --registry, also with what is published there: where it differs,
    packages and paths are named. The exit code is 0 when all is the same, 9 when not.
    """
    wanted = platform or build.host_platform()
    if registry or (key and not image):
        image = str(sharing.reference_of(command, image))
    if not image:
        _show(command, _rebuild(command, wanted))
        return
    with looking.image(command, _with_tag(command, image), wanted) as opened:
        # Whoever signed it is asked first: the rebuild takes long.
        signed = _signature(command, opened, key) if key else None
        rebuilt = _rebuild(command, wanted)
        verdict = _compare(command, rebuilt, opened)
    _show(command, rebuilt, verdict, signed)


def _with_tag(command: Context, reference: str) -> str:
    """A repository alone means the tag that is made from the lock."""
    from firstlight.oci.reference import parse_reference

    if "/" not in reference or reference.startswith("oci:"):
        return reference
    found = parse_reference(reference)
    if found.tag or found.digest:
        return reference
    return str(found.tagged(sharing.locked_tag(command.read_lock()[0])))


def _rebuild(command: Context, platform: str) -> Rebuilt:
    from firstlight.pack.build import rebuild

    lock, pylock = command.read_lock()
    return rebuild(
        lock,
        pylock,
        platform=platform,
        folder=command.folder,
        store=command.store,
        settings=command.settings,
        progress=command.progress,
    )


def _compare(command: Context, rebuilt: Rebuilt, image: Opened) -> Verdict:
    from firstlight.inspect.compare import compare

    return compare(
        rebuilt,
        image,
        command.store,
        jobs=command.settings.jobs,
        progress=command.progress,
    )


def _signature(command: Context, image: Opened, path: Path) -> Verified:
    """What the key vouches for: the index that the image came from, or its manifest."""
    from firstlight.attest import attest
    from firstlight.attest.keys import read_public
    from firstlight.inspect.opened import Registry

    key = read_public(path)
    source = image.source
    if not isinstance(source, Registry):
        raise UsageError(
            f"{source.name} is in no registry, so nothing can be attached to it",
            hint="leave --key out, or name REGISTRY/NAME",
        )
    try:
        return attest.verify(
            source.repository, command.store, image.index or image.manifest_digest, key
        )
    except ArtefactError:
        if image.index is None:
            raise
    return attest.verify(source.repository, command.store, image.manifest_digest, key)


# Saying


def _show(
    command: Context,
    rebuilt: Rebuilt,
    verdict: Verdict | None = None,
    signed: Verified | None = None,
) -> None:
    findings = [*rebuilt.findings, *map(_plain, verdict.findings if verdict else ())]
    failures = [each for each in findings if each.role is Role.FAILURE]
    if failures:
        raise _mismatch(rebuilt, verdict, findings)
    command.findings([*findings, *(signed.findings if signed else ())])
    identity = rebuilt.image.id
    result: dict[str, Any] = {"image_id": identity, "same": not findings}
    if verdict is not None:
        result |= {**asdict(verdict), "same": verdict.is_same}
        result["signatures"] = signed.signatures if signed else 0
    command.result(result)
    if verdict is None:
        if not findings:
            command.say(f"same bits: every layer and the image ID {identity}")
        return
    for line in table(_rows(verdict, signed)):
        command.say(line)


def _plain(finding: Finding) -> Finding:
    message, where = plain(finding.message), plain(finding.where)
    return replace(finding, message=message, where=where)


def _rows(verdict: Verdict, signed: Verified | None) -> list[tuple[str, str]]:
    rows = [
        ("image", verdict.name),
        ("manifest", verdict.manifest),
        ("image ID", verdict.image_id),
    ]
    counts = Counter(
        each.status if each.status == "same" else f"{each.status} ({each.encoding})"
        for each in verdict.layers
    )
    words = ", ".join(f"{count} {status}" for status, count in counts.items())
    rows.append(("layers", words))
    if signed:
        plural = "s" if signed.signatures != 1 else ""
        rows.append(("signed", f"{signed.signatures} signature{plural} of the key"))
        # An index carries those of all platforms: each kind is named once.
        kinds = dict.fromkeys(each.predicate_type for each in signed.statements)
        rows += [("", kind) for kind in kinds]
    how = (
        "bit for bit" if verdict.manifest == verdict.rebuilt_manifest else "in content"
    )
    return [*rows, ("result", f"the same as the rebuild from the lock, {how}")]


def _mismatch(
    rebuilt: Rebuilt, verdict: Verdict | None, findings: Sequence[Finding]
) -> MismatchError:
    if any(each.role is Role.FAILURE for each in rebuilt.findings):
        return MismatchError(
            "the rebuild differs from the lock",
            hint="use the firstlight the lock was made with; if that is this one, "
            "report it",
            findings=findings,
        )
    assert verdict is not None
    return MismatchError(
        f"{verdict.name} is not what the lock gives: its image ID is "
        f"{verdict.image_id}, the rebuild's {rebuilt.image.id}",
        hint="`firstlight push` publishes what the lock gives; `firstlight diff` "
        "shows what another image has instead",
        findings=findings,
    )
