"""``firstlight sign`` and ``key``: who vouches for an image, and with what."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from firstlight.cli import sharing
from firstlight.cli.context import Context
from firstlight.errors import UsageError

if TYPE_CHECKING:
    from firstlight.attest.keys import PrivateKey
    from firstlight.oci.model import Descriptor
    from firstlight.oci.reference import Reference
    from firstlight.oci.registry import Repository

__all__ = ["key", "read_key", "sign"]


@click.command()
@click.argument("reference", default="", metavar="[REGISTRY/NAME[:TAG|@DIGEST]]")
@click.option(
    "--key",
    "source",
    required=True,
    metavar="KEY",
    help="The private key: a file, or env://NAME for a variable that holds it.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be signed; sign nothing.")
@click.pass_obj
def sign(command: Context, reference: str, source: str, dry_run: bool) -> None:
    """Sign an image in a registry, in the format of cosign.

    Of an index every platform is signed too. Signatures of others stay. The key's
    passphrase comes from FIRSTLIGHT_KEY_PASSWORD or COSIGN_PASSWORD, or is asked for.
    """
    from firstlight.attest.attest import attach_all

    target = sharing.reference_of(command, reference)
    private = read_key(command, source)
    with sharing.opened(command, target) as repository:
        top, manifests = _subjects(command, target, repository)
        signed = list(dict.fromkeys([*manifests, top]))
        if not dry_run:
            attach_all(
                repository, top, manifests, key=private, progress=command.progress
            )
    for each in signed:
        platform = f" ({each.platform})" if each.platform else ""
        command.say(f"{'to sign' if dry_run else 'signed':<9} {each.digest}{platform}")
    command.say(f"key       {private.public.fingerprint}")
    command.result(
        {
            "reference": str(target.at(top.digest)),
            "digests": [each.digest for each in signed],
            "key": private.public.fingerprint,
            "signed": not dry_run,
        }
    )


def _subjects(
    command: Context, target: Reference, repository: Repository
) -> tuple[Descriptor, list[Descriptor]]:
    """The manifest or index that was named, and the platforms of an index."""
    from firstlight.oci.model import Descriptor
    from firstlight.share import documents

    which = target.digest or target.tag or sharing.locked_tag(command.read_lock()[0])
    found = repository.manifest(which)
    if found is None:
        raise UsageError(
            f"{target.name} has no {which}",
            hint="push it first, or name another tag or digest",
        )
    where = f"{target.name} {which}"
    kind = documents.kind_of(found.media_type, found.data, where)
    top = Descriptor(media_type=kind, digest=found.digest, size=len(found.data))
    if kind not in documents.INDEX_TYPES:
        return top, []
    return top, documents.platforms(found.data, where)


def read_key(command: Context, source: str) -> PrivateKey:
    """Read a private key; ask for its passphrase when a person is there.

    Raises:
        UsageError: when it cannot be read.
    """
    from firstlight.attest.keys import read_private

    def ask() -> str:
        return _typed(f"Passphrase of {source}: ")

    environ, is_asked = command.settings.environ, sys.stdin.isatty()
    return read_private(source, environ=environ, ask=ask if is_asked else None)


@click.group()
def key() -> None:
    """Make keys that images are signed with."""


@key.command()
@click.argument(
    "file", type=click.Path(path_type=Path), default="firstlight.key", required=False
)
@click.option(
    "--no-passphrase",
    is_flag=True,
    help="Whoever has the file can sign; for secrets that a build service keeps.",
)
@click.pass_obj
def new(command: Context, file: Path, no_passphrase: bool) -> None:
    """Make a pair: FILE, which only you can read, and FILE.pub for everybody.

    The format is cosign's, so cosign can use the pair too. No file is overwritten. The
    passphrase comes from FIRSTLIGHT_KEY_PASSWORD or COSIGN_PASSWORD, or is asked for.
    """
    from firstlight.attest.keys import make_pair

    passphrase = "" if no_passphrase else _new_passphrase(command.settings.environ)
    public_path, public = make_pair(file, passphrase)
    command.say(f"private   {file}")
    command.say(f"public    {public_path}")
    command.say(f"key       {public.fingerprint}")
    command.result(
        {
            "private": str(file),
            "public": str(public_path),
            "key": public.fingerprint,
        }
    )


def _new_passphrase(environ: Mapping[str, str]) -> str:
    from firstlight.attest.keys import PASSWORDS

    for name in PASSWORDS:
        if name in environ:
            return environ[name]
    if not sys.stdin.isatty():
        raise UsageError(
            "there is nobody to ask for a passphrase",
            hint=f"set {PASSWORDS[0]}, run this on a terminal, or say --no-passphrase",
        )
    passphrase = _typed("Passphrase for the new key (empty for none): ")
    if _typed("The same again: ") != passphrase:
        raise UsageError("the two passphrases differ", hint="run the command again")
    return passphrase


def _typed(prompt: str) -> str:
    """Ask on the terminal, which shows nothing of what is typed."""
    import getpass

    try:
        return getpass.getpass(prompt)
    except EOFError:
        raise UsageError("no passphrase was given") from None
