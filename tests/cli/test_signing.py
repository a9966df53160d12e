"""``key new`` and ``sign``: no secret is shown, nothing is overwritten."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cli.started import Firstlight
from firstlight.attest.attest import verify
from firstlight.attest.keys import make_pair, read_private, read_public
from firstlight.digest import Digest
from firstlight.oci.model import INDEX_TYPE, MANIFEST_TYPE, Descriptor, canonical_json
from firstlight.share import documents
from firstlight.store import Store
from registry_server import Registry
from share.registries import repository

WORD = "correct horse battery"


@pytest.fixture
def published(registry: Registry, tmp_path: Path) -> list[Digest]:
    """An index of two platforms under the tag v1: its digest, and those of the two."""
    store = Store.open(tmp_path / "elsewhere")
    found = []
    with repository(registry, store) as target:
        for platform in ("linux/amd64", "linux/arm64"):
            table = {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "annotations": {"for": platform},
                "layers": [],
            }
            data = canonical_json(table)
            found.append(
                Descriptor(
                    media_type=MANIFEST_TYPE,
                    digest=target.put_manifest(data, MANIFEST_TYPE),
                    size=len(data),
                    platform=platform,
                )
            )
        index = target.put_manifest(documents.index_json(found), INDEX_TYPE, "v1")
    return [index, *(each.digest for each in found)]


def signatures(registry: Registry, folder: Path, digest: Digest, key: Path) -> int:
    store = Store.open(folder / "verifier")
    with repository(registry, store) as target:
        return verify(target, store, digest, read_public(key)).signatures


def test_a_pair_is_made_and_signs(
    firstlight: Firstlight,
    registry: Registry,
    published: list[Digest],
    project: Path,
    tmp_path: Path,
) -> None:
    made = firstlight("key", "new", "team.key", COSIGN_PASSWORD=WORD)
    assert (made.code, made.err) == (0, "")
    private, public = project / "team.key", project / "team.pub"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    where = f"{registry.host}/team/demo:v1"
    dry = firstlight(
        *("sign", where, "--key", "team.key", "--dry-run"), COSIGN_PASSWORD=WORD
    )
    assert "to sign" in dry.out
    before = dict(registry.manifests)
    said = firstlight(
        *("--json", "sign", where, "--key", "team.key"), FIRSTLIGHT_KEY_PASSWORD=WORD
    )
    assert said.code == 0, said.err
    assert registry.manifests != before
    result = json.loads(said.out)
    assert result["digests"] == [*published[1:], published[0]]
    assert result["key"] == read_public(public).fingerprint
    for digest in published:
        assert signatures(registry, tmp_path, digest, public) == 1
    after = dict(registry.manifests)
    again = firstlight("sign", where, "--key", "team.key", COSIGN_PASSWORD=WORD)
    assert again.code == 0
    assert registry.manifests == after, "signing twice adds nothing"
    for each in (made, dry, said, again):
        assert WORD not in each.out + each.err


def test_a_dry_run_signs_nothing(
    firstlight: Firstlight, registry: Registry, published: list[Digest], project: Path
) -> None:
    make_pair(project / "team.key", "")
    before = dict(registry.manifests)
    where = f"{registry.host}/team/demo@{published[1]}"
    said = firstlight("sign", where, "--key", "team.key", "--dry-run")
    assert said.code == 0, said.err
    assert published[1] in said.out
    assert registry.manifests == before


def test_a_key_may_come_from_a_variable(
    firstlight: Firstlight, registry: Registry, published: list[Digest], tmp_path: Path
) -> None:
    make_pair(tmp_path / "ci.key", WORD)
    where = f"{registry.host}/team/demo:v1"
    said = firstlight(
        *("sign", where, "--key", "env://SIGNING_KEY"),
        SIGNING_KEY=(tmp_path / "ci.key").read_text(),
        FIRSTLIGHT_KEY_PASSWORD=WORD,
    )
    assert said.code == 0, said.err
    assert signatures(registry, tmp_path, published[0], tmp_path / "ci.pub") == 1


def test_a_wrong_passphrase_stops_before_anything_is_asked(
    firstlight: Firstlight, registry: Registry, published: list[Digest], project: Path
) -> None:
    make_pair(project / "team.key", WORD)
    before = len(registry.requests)
    where = f"{registry.host}/team/demo:v1"
    said = firstlight("sign", where, "--key", "team.key", COSIGN_PASSWORD="not it")
    assert (said.code, said.out) == (2, "")
    assert "passphrase of team.key is wrong" in said.err
    assert "not it" not in said.err
    assert len(registry.requests) == before


def test_nothing_there_is_told(
    firstlight: Firstlight, registry: Registry, published: list[Digest], project: Path
) -> None:
    make_pair(project / "team.key", "")
    said = firstlight("sign", f"{registry.host}/team/demo:v2", "--key", "team.key")
    assert said.code == 2
    assert "has no v2" in said.err


def test_without_a_terminal_nobody_is_asked(
    firstlight: Firstlight, project: Path
) -> None:
    said = firstlight("key", "new")
    assert said.code == 2
    assert "--no-passphrase" in said.err
    assert not list(project.iterdir())
    assert firstlight("key", "new", "--no-passphrase").code == 0
    again = firstlight("key", "new", "--no-passphrase")
    assert again.code == 2
    assert "not overwritten" in again.err


@pytest.mark.skipif(not shutil.which("script"), reason="gives a program a terminal")
@pytest.mark.parametrize(
    ("typed", "code"), [((WORD, WORD), 0), ((WORD, "other"), 2), ((WORD, "\x04"), 2)]
)
def test_a_passphrase_is_asked_for_without_being_shown(
    project: Path, tmp_path: Path, typed: tuple[str, ...], code: int
) -> None:
    """Typed on a real terminal, twice; what is typed is not echoed."""
    command = f"{sys.executable} -m firstlight key new typed.key"
    with subprocess.Popen(
        ["script", "-qec", command, "/dev/null"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "dumb"},
        cwd=project,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        seen = b""
        for word in typed:
            # What is typed before the question is thrown away.
            while not seen.endswith((b"none): ", b"again: ")):
                piece = process.stdout.read(1)
                assert piece, seen
                seen += piece
            process.stdin.write(word.encode() + b"\n")
            process.stdin.flush()
            seen += process.stdout.read(1)
        seen += process.stdout.read()
    assert process.returncode == code, seen
    assert WORD.encode() not in seen
    assert b"report" not in seen
    assert (project / "typed.key").exists() == (code == 0)
    if code == 0:
        words = {"COSIGN_PASSWORD": WORD}
        assert read_private(str(project / "typed.key"), environ=words)
